import { SECRETBOX_MAC_BYTES as MAC_BYTES, SECRETBOX_NONCE_BYTES as NONCE_BYTES } from '../crypto/library.ts'
import { fillNonce } from '../crypto/nonces.ts'
import { sodium } from '../crypto/sodium.ts'
import type { FormatOpened, SessionRecord } from '../record.ts'
import { getOwn, type Data } from '../data/data.ts'
import { sealedSessionError } from '../errors.ts'
import type { DerivedKey } from '../keys/derived-key.ts'
import type { KeySet } from '../keys/key-set.ts'
import { NO_LIFE, readLife, writeLife, type Life } from './secretbox-life.ts'
import { TIME_LENGTH, cutTimeEnd, timeEnd } from './secretbox-time.ts'
import { decodeBase64, escapeBase64 } from './base64-encoded.ts'
import type { FormatSettings, TokenFormat } from './format.ts'
import { partsOf, partsOfEncoded, type TextParts } from './secretbox-text.ts'
import { isCanonical, isStandardAlphabet } from './base64.ts'
import { MAX_TOKEN_LENGTH } from '../limits.ts'
import { DATA_KEY, LIFE_KEY, TIME_KEY } from '../data/reserved.ts'
import { JSON_SERIALIZER, parse, type Serializer } from '../data/serializer.ts'
import { MESSAGE_OFFSET, getWorkspace, messageOf, type Workspace } from './workspace.ts'

// Token of @fastify/secure-session, the peer:
//
//   base64( tag 16 | ciphertext ) ; base64( nonce 24 )
//                        │
//                        └─ XSalsa20-Poly1305 of {"userId":1, …, "__ts":1760000000}
//
// __ts is the time of the last write in seconds; for other names before it see secretbox-life.ts. Both parts
// are in the standard alphabet, padded. Nothing binds a token to its session: any session that shares the key
// opens it.

/** Characters of the nonce's part: 24 bytes need no padding. */
const NONCE_LENGTH = 32

/** Room for `,"__ts":1760000000}`, with a time that has as many digits as a number can have. */
const TIME_BYTES = 32

/** Room for `"__life":{…},`, with all fields that it may hold but a place. */
const LIFE_BYTES = 160

/** Longest JSON that fits into the longest token, in bytes. */
const MAX_JSON_BYTES = Math.floor((MAX_TOKEN_LENGTH - 1 - NONCE_LENGTH) / 4) * 3 - MAC_BYTES - TIME_BYTES - LIFE_BYTES

/** Reason for which a token of this format was not opened, in the order in which it is found out. */
export type SecretboxRefusal = 'too-long' | 'malformed' | 'ciphertext-length' | 'nonce-length' | 'not-authentic' | 'payload-invalid' | 'time-missing'

export type SecretboxOpened = FormatOpened<DerivedKey, SecretboxRefusal>

/** Offset of the first part of a token: its tag in front of the text. */
const START = MESSAGE_OFFSET - MAC_BYTES

/** The format of the peer. */
export function secretboxFormat ({ serializer, fillRandom, saysCreated }: FormatSettings): TokenFormat<SecretboxRefusal> {
  // Revocation, which is what sessions have ids for, depends on when they began.
  const said = (record: SessionRecord): SessionRecord => saysCreated || record.id !== null || record.createdAt === null ? record : { ...record, createdAt: null }
  return {
    name: 'secretbox',
    seal: (record, key) => sealSecretbox(said(record), key, fillRandom, serializer),
    sealEncoded: (record, key) => sealEncodedSecretbox(said(record), key, fillRandom, serializer),
    open: (token, keys) => openSecretbox(token, keys, serializer),
    openEncoded: (text, keys) => openEncodedSecretbox(text, keys, serializer),
    openWith: (token, { keys }, index) => openSecretbox(token, { keys: keys.slice(index, index + 1) }, serializer),
    decryptions: ({ keys }) => keys.length
  }
}

/** Record to seal: the fields that have to be there, and others. */
export type SecretboxRecord = Pick<SessionRecord, 'data' | 'writtenAt'> & Partial<SessionRecord>

type Sealing = [record: SecretboxRecord, key: DerivedKey, fillRandom?: (nonce: Uint8Array) => void, serializer?: Serializer]

/** Seals with a key. */
export function sealSecretbox (...sealing: Sealing): string {
  const { ciphertext, nonce } = seal(...sealing)
  return `${ciphertext};${nonce}`
}

/** The same as it stands in a cookie, percent-encoded. */
export function sealEncodedSecretbox (...sealing: Sealing): string {
  const { ciphertext, nonce } = seal(...sealing)
  return `${escapeBase64(ciphertext)}%3B${escapeBase64(nonce)}`
}

/** Both parts of a token, in base64. */
function seal (record: SecretboxRecord, key: DerivedKey, fillRandom: (nonce: Uint8Array) => void = fillNonce, serializer: Serializer = JSON_SERIALIZER): { ciphertext: string, nonce: string } {
  // 1. data to JSON: code of the app's, such as a toJSON(), runs here and nowhere below
  const text = serializer.stringify(record.data)
  // A serializer of the app's may write anything; the payload stays JSON.
  const json = serializer.isJson ? text : JSON.stringify({ [DATA_KEY]: text })
  // 2. JSON and time to bytes
  const workspace = getWorkspace()
  const { bytes, mac, nonce } = workspace
  const length = writeMessage(bytes, json, record)
  // 3. encrypt
  fillRandom(nonce)
  sodium().secretboxSeal(messageOf(workspace, length), mac, nonce, key.bytes)
  // 4. encode
  return { ciphertext: bytes.toString('base64', START, MESSAGE_OFFSET + length), nonce: nonce.toString('base64') }
}

/**
 * Opens with the first key that fits: the steps of `sealSecretbox`, backwards. The checks run in the peer's
 * order, and text behind a second `;` is ignored as there: clients send back whole `Set-Cookie` lines.
 */
export function openSecretbox (token: string, keys: Pick<KeySet, 'keys'>, serializer: Serializer = JSON_SERIALIZER): SecretboxOpened {
  // A bound on the work
  if (token.length > MAX_TOKEN_LENGTH) return refused('too-long')
  const parts = partsOf(token)
  return parts === null ? refused('malformed') : openParts(parts, keys, serializer)
}

/**
 * The same of a token as it stands in a cookie, percent-encoded as we do. Null if it is spelt otherwise, or
 * is no token: then it has to be decoded first.
 */
export function openEncodedSecretbox (text: string, keys: KeySet, serializer: Serializer = JSON_SERIALIZER): SecretboxOpened | null {
  const parts = partsOfEncoded(text)
  if (parts === null || text.length > MAX_TOKEN_LENGTH) return null
  const workspace = getWorkspace()
  const { bytes, nonce } = workspace
  // Beyond ASCII, bytes would be taken for characters that they are not.
  if (bytes.write(text, START) !== text.length) return null
  const { end, padding, nonceStart } = parts
  // The nonce first: the other part is decoded over it.
  if (text.length - nonceStart > 3 * NONCE_LENGTH || decodeBase64(bytes, START + nonceStart, START + text.length, 0, nonce, 0) !== NONCE_BYTES) return null
  const byteCount = decodeBase64(bytes, START, START + end, padding, bytes, START)
  if (byteCount < MAC_BYTES) return null
  return openBytes(workspace, byteCount - MAC_BYTES, keys, serializer)
}

/** Opens a token that has been taken apart. */
function openParts ({ whole, ciphertext, padding, nonce: nonceText }: TextParts, keys: Pick<KeySet, 'keys'>, serializer: Serializer): SecretboxOpened {
  // 4. decode
  const workspace = getWorkspace()
  const { bytes, mac, nonce } = workspace
  const byteCount = bytes.write(ciphertext, START, 'base64')
  if (byteCount < MAC_BYTES) return refused('ciphertext-length')
  if (nonceText.length !== NONCE_LENGTH) return refused(lengthRefusal(nonceText))
  if (nonce.write(nonceText, 'base64') !== NONCE_BYTES) return refused('nonce-length')
  // The nonce's part has no padding and no spare bits, and nothing was skipped in it.
  if (!isCanonical(ciphertext, padding, byteCount) || !isStandardAlphabet(whole)) return refused('malformed')

  // 3. decrypt
  const length = byteCount - MAC_BYTES
  const key = decrypt(messageOf(workspace, length), mac, nonce, keys)
  if (key === null) return refused('not-authentic')

  // 2. and 1. bytes to JSON, JSON to data and time
  return readMessage(bytes, MESSAGE_OFFSET + length, key, serializer)
}

/** Decrypts in place with the first key that fits. */
function decrypt (ciphertext: Uint8Array, mac: Uint8Array, nonce: Uint8Array, { keys }: Pick<KeySet, 'keys'>): DerivedKey | null {
  const library = sodium()
  for (const key of keys) {
    if (library.secretboxOpen(ciphertext, mac, nonce, key.bytes)) return key
  }
  return null
}

function refused (reason: SecretboxRefusal): SecretboxOpened {
  return { ok: false, reason }
}

/** Reason to refuse a nonce whose text has the wrong length: other bytes, or the right ones spelt otherwise. */
function lengthRefusal (nonceText: string): SecretboxRefusal {
  return Buffer.from(nonceText, 'base64').length === NONCE_BYTES ? 'malformed' : 'nonce-length'
}

/** Writes the JSON of an object, with the time as its last property, and returns its length in bytes. */
function writeMessage (bytes: Buffer, json: string, record: SecretboxRecord): number {
  // No character of a string takes more than three bytes.
  const life = writeLife(record)
  const most = record.place === undefined || life === null ? MAX_JSON_BYTES : MAX_JSON_BYTES - life.length // it is ASCII
  const length = json.length * 3 < most ? 0 : Buffer.byteLength(json)
  if (length > most) throw sealedSessionError('FST_SEALED_SESSION_TOO_LARGE', [length, most])
  const brace = MESSAGE_OFFSET + bytes.write(json, MESSAGE_OFFSET) - 1
  // Rounded down, if the time comes from a sealed token: to be sealed again must not make a session live
  // longer.
  const time = timeEnd(wholeSeconds(record.writtenAt))
  const end = life === null ? time : `,"${LIFE_KEY}":${life}${time}`
  return brace + bytes.write(json === '{}' ? end.slice(1) : end, brace) - MESSAGE_OFFSET
}

/**
 * Whole seconds of a time, rounded down. Beyond 2 ** 53 milliseconds, which another program may have written,
 * rounded to the seconds that they came from.
 */
function wholeSeconds (milliseconds: number): number {
  const seconds = milliseconds / 1000
  return Number.isSafeInteger(milliseconds) ? Math.floor(seconds) : Math.round(seconds)
}

/** The inverse of `writeMessage` and `stringify`. */
function readMessage (bytes: Buffer, end: number, key: DerivedKey, serializer: Serializer): SecretboxOpened {
  const timeAtEnd = cutTimeEnd(bytes, MESSAGE_OFFSET, end)
  const payload = parse(bytes.toString('utf8', MESSAGE_OFFSET, timeAtEnd === null ? end : end - TIME_LENGTH + 1))
  const life = payload === null ? null : readLife(getOwn(payload, LIFE_KEY))
  if (payload === null || life === null) return refused('payload-invalid')
  const time = timeAtEnd ?? getOwn(payload, TIME_KEY)
  if (Object.hasOwn(payload, TIME_KEY)) delete payload[TIME_KEY]
  if (life !== NO_LIFE) delete payload[LIFE_KEY] // to delete a name that is not there takes time, too
  const data = readData(payload, serializer)
  if (data === null) return refused('payload-invalid')
  if (typeof time !== 'number' || !Number.isFinite(time)) return refused('time-missing')
  const { lifetime, cookieMaxAge, id, place } = life
  const times = { writtenAt: writtenAtOf(life, time), createdAt: createdAtOf(life, time) }
  const record = place === undefined ? { data, ...times, lifetime, cookieMaxAge, id } : { data, ...times, lifetime, cookieMaxAge, id, place }
  return { ok: true, record, key }
}

/** Another program that wrote the session anew has set __ts alone. */
function writtenAtOf ({ written }: Life, time: number): number {
  return written !== null && Math.floor(written / 1000) === time ? Math.round(written) : Math.floor(time * 1000)
}

/**
 * Time of creation: no session begins after its last write. If an app on the peer lets its users choose
 * names, one of them may be __life, which must not outlive absoluteTimeout and revocations.
 */
function createdAtOf ({ createdAt }: Life, time: number): number | null {
  return createdAt === null ? null : Math.min(createdAt, (time + 1) * 1000 - 1)
}

/** Data of the session; null if it is no plain object, or was sealed with a serializer and there is none now. */
function readData (payload: Data, { isJson, parse }: Serializer): Data | null {
  const text = getOwn(payload, DATA_KEY)
  if (isJson) return text === undefined ? payload : null
  // Data that was sealed without the serializer reaches it as JSON, as in the sealed format.
  return parse(typeof text === 'string' ? text : JSON.stringify(payload))
}
/** Opens the token in the workspace: a tag, a nonce and a ciphertext of a length. */
function openBytes (workspace: Workspace, length: number, keys: Pick<KeySet, 'keys'>, serializer: Serializer): SecretboxOpened {
  const { bytes, mac, nonce } = workspace
  // 3. decrypt
  const key = decrypt(messageOf(workspace, length), mac, nonce, keys)
  if (key === null) return refused('not-authentic')

  // 2. and 1. bytes to JSON, JSON to data and time
  return readMessage(bytes, MESSAGE_OFFSET + length, key, serializer)
}
