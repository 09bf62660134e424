import { SECRETBOX_MAC_BYTES as MAC_BYTES, SECRETBOX_NONCE_BYTES as NONCE_BYTES } from '../crypto/library.ts'
import { fillNonce } from '../crypto/nonces.ts'
import { sodium } from '#sodium'
import { type Claims, claimsOfText, claimsText } from './claims.ts'
import { CLAIMS_KEY, type Data, DATA_KEY, getOwn, LIFE_KEY, TIME_KEY } from '../data/data.ts'
import { JSON_SERIALIZER, parse, type Serializer } from '../data/serializer.ts'
import { fail } from '../errors.ts'
import { escapeBase64, isCanonical, isStandardAlphabet } from './base64.ts'
import { decodeBase64, lineFor } from './encoded-base64.ts'
import { type FormatSettings, getWorkspace, MAX_TOKEN_LENGTH, MESSAGE_OFFSET, messageOf, type TokenFormat, type Workspace } from './format.ts'
import type { DerivedKey, KeySet } from '../keys/key-set.ts'
import { idOfText } from '../session/id.ts'
import { MAX_SECONDS } from './lifetime.ts'
import { type FormatOpened, isPlace, type Place, type SessionRecord, withRare } from './record.ts'

// Token of @fastify/secure-session, the peer:
//
//   base64( tag 16 | ciphertext ) ; base64( nonce 24 )
//                        │
//                        └─ XSalsa20-Poly1305 of {"userId":1, …, "__ts":1760000000}
//
// __ts is the time of the last write in seconds; `__life` before it is described below. Both parts are in the
// standard alphabet, padded. Nothing binds a token to its session: any session that shares the key opens it.

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

type SecretboxOpened = FormatOpened<DerivedKey, SecretboxRefusal>

/** Offset of the first part of a token: its tag in front of the text. */
const START = MESSAGE_OFFSET - MAC_BYTES

/** The format of the peer. */
export function secretboxFormat (settings: FormatSettings): TokenFormat<SecretboxRefusal> {
  const { serializer, fillRandom } = settings
  // Revocation, which is what sessions have ids for, depends on when they began.
  const said = (record: SessionRecord): SessionRecord => settings.saysCreated || record.id !== null || record.createdAt === null ? record : { ...record, createdAt: null }
  return {
    name: 'secretbox',
    seal: (record, key) => sealSecretbox(said(record), key, fillRandom, serializer),
    sealLine: (record, key, before, after) => sealSecretboxLine(before, after, said(record), key, fillRandom, serializer),
    open: (token, keys) => openSecretbox(token, keys, serializer),
    openEncoded: (text, keys) => openEncodedSecretbox(text, keys, serializer),
    openWith: (token, { keys }, index) => openSecretbox(token, { keys: keys.slice(index, index + 1) }, serializer),
    dataOf: text => dataOf(text, serializer),
    decryptions: ({ keys }) => keys.length
  }
}

/** Record to seal: the fields that have to be there, and others. */
type SecretboxRecord = Pick<SessionRecord, 'data' | 'writtenAt'> & Partial<SessionRecord>

type Sealing = [record: SecretboxRecord, key: DerivedKey, fillRandom?: (nonce: Uint8Array) => void, serializer?: Serializer]

/** Seals with a key. */
export function sealSecretbox (...sealing: Sealing): string {
  const [ciphertext, nonce] = partsIn(getWorkspace(), seal(...sealing))
  return `${ciphertext};${nonce}`
}

/** The same as it stands in a cookie, percent-encoded, between two texts of ASCII. */
function sealSecretboxLine (before: string, after: string, ...sealing: Sealing): string {
  const end = seal(...sealing)
  const workspace = getWorkspace()
  const line = lineFor(end - START + NONCE_BYTES, before, after)
  if (line === null) {
    const [ciphertext, nonce] = partsIn(workspace, end)
    return `${before}${escapeBase64(ciphertext)}%3B${escapeBase64(nonce)}${after}`
  }
  line.begin(before)
  line.base64(workspace.view, START, end)
  line.semicolon()
  line.base64(workspace.nonceView, 0, NONCE_BYTES)
  return line.end(after)
}

/** Both parts of the token in the workspace, in base64. */
function partsIn ({ bytes, nonce }: Workspace, end: number): [ciphertext: string, nonce: string] {
  return [bytes.toString('base64', START, end), nonce.toString('base64')]
}

/** Seals into the workspace, where the token's first part has this end. */
function seal (record: SecretboxRecord, key: DerivedKey, fillRandom: (nonce: Uint8Array) => void = fillNonce, serializer: Serializer = JSON_SERIALIZER): number {
  // 1. data to JSON: code of the app's, such as a toJSON(), runs here and nowhere below
  const text = serializer.stringify(record.data)
  // A serializer of the app's may write anything; the payload stays JSON.
  const json = serializer.isJson ? text : JSON.stringify({ [DATA_KEY]: text })
  // 2. JSON and time to bytes
  const workspace = getWorkspace()
  const { bytes, mac, nonce } = workspace
  const length = writeMessage(bytes, json, record)
  // 3. encrypt; 4., to encode, is the caller's
  fillRandom(nonce)
  sodium().secretboxSeal(messageOf(workspace, length), mac, nonce, key.bytes)
  return MESSAGE_OFFSET + length
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
function openEncodedSecretbox (text: string, keys: KeySet, serializer: Serializer = JSON_SERIALIZER): SecretboxOpened | null {
  const semicolon = encodedSemicolon(text)
  if (semicolon === -1 || text.length > MAX_TOKEN_LENGTH) return null
  const workspace = getWorkspace()
  const { bytes, nonce } = workspace
  // Beyond ASCII, bytes would be taken for characters that they are not.
  if (bytes.write(text, START) !== text.length) return null
  const nonceStart = semicolon + SEMICOLON_LENGTH
  const end = paddingStart(text, semicolon)
  // The nonce first: the other part is decoded over it.
  if (text.length - nonceStart > 3 * NONCE_LENGTH || decodeBase64(bytes, START + nonceStart, START + text.length, 0, nonce, 0) !== NONCE_BYTES) return null
  const byteCount = decodeBase64(bytes, START, START + end, (semicolon - end) / 3, bytes, START)
  if (byteCount < MAC_BYTES) return null
  return openBytes(workspace, byteCount - MAC_BYTES, keys, serializer)
}

/** Opens a token that has been taken apart. */
function openParts ({ whole, ciphertext, padding, nonce: nonceText }: TextParts, keys: Pick<KeySet, 'keys'>, serializer: Serializer): SecretboxOpened {
  // 4. decode
  const workspace = getWorkspace()
  const { bytes, nonce } = workspace
  const byteCount = bytes.write(ciphertext, START, 'base64')
  if (byteCount < MAC_BYTES) return refused('ciphertext-length')
  if (nonceText.length !== NONCE_LENGTH) return refused(lengthRefusal(nonceText))
  if (nonce.write(nonceText, 'base64') !== NONCE_BYTES) return refused('nonce-length')
  // The nonce's part has no padding and no spare bits, and nothing was skipped in it.
  if (!isCanonical(ciphertext, padding, byteCount) || !isStandardAlphabet(whole)) return refused('malformed')
  return openBytes(workspace, byteCount - MAC_BYTES, keys, serializer)
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
  const claims = record.claims === undefined ? '' : `,"${CLAIMS_KEY}":"${claimsText(record.claims)}"`
  const most = MAX_JSON_BYTES - (record.place === undefined || life === null ? 0 : life.length) - claims.length // both are ASCII
  const length = json.length * 3 < most ? 0 : Buffer.byteLength(json)
  if (length > most) throw fail('TOO_LARGE', [length, most])
  const brace = MESSAGE_OFFSET + bytes.write(json, MESSAGE_OFFSET) - 1
  // Rounded down, if the time comes from a sealed token: to be sealed again must not make a session live
  // longer.
  const time = timeEnd(wholeSeconds(record.writtenAt))
  const end = life === null ? claims + time : `,"${LIFE_KEY}":${life}${claims}${time}`
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
  const text = bytes.toString('utf8', MESSAGE_OFFSET, timeAtEnd === null ? end : end - TIME_LENGTH + 1)
  const payload = parse(text)
  if (payload === null) return refused('payload-invalid')
  const life = readLife(getOwn(payload, LIFE_KEY))
  const claims = claimsIn(payload)
  if (life === null || claims === null) return refused('payload-invalid')
  const time = timeAtEnd ?? getOwn(payload, TIME_KEY)
  if (Object.hasOwn(payload, TIME_KEY)) delete payload[TIME_KEY]
  if (life !== NO_LIFE) delete payload[LIFE_KEY] // to delete a name that is not there takes time, too
  const data = readData(payload, serializer)
  if (data === null) return refused('payload-invalid')
  if (typeof time !== 'number' || !Number.isFinite(time)) return refused('time-missing')
  const { lifetime, cookieMaxAge, id, place } = life
  const record = { data, writtenAt: writtenAtOf(life, time), createdAt: createdAtOf(life, time), lifetime, cookieMaxAge, id }
  return { ok: true, record: withRare(record, place, claims), key, text }
}

/** Data of a payload that `readMessage` has read before, without the names that are not the app's. */
function dataOf (text: string, serializer: Serializer): Data | null {
  const payload = parse(text)
  if (payload === null) return null
  for (const name of [TIME_KEY, LIFE_KEY, CLAIMS_KEY]) if (Object.hasOwn(payload, name)) delete payload[name]
  return readData(payload, serializer)
}

/** Takes the claims out of a payload; undefined without any, null for what are none. */
function claimsIn (payload: Data): Claims | null | undefined {
  const text = getOwn(payload, CLAIMS_KEY)
  if (text === undefined) return undefined
  delete payload[CLAIMS_KEY]
  return claimsOfText(text)
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

// The time of the last write, which stands last in a secretbox payload: …,"__ts":1760000000}

const PREFIX = `,"${TIME_KEY}":`

/** Digits of a time from 2001 to 2286. */
const DIGITS = 10

/** Bytes of a time at the end of a payload. */
const TIME_LENGTH = PREFIX.length + DIGITS + 1

const SPACE = 0x20
const ZERO = 0x30
const NINE = 0x39
const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

let cachedSeconds = NaN
let cachedSuffix = ''

/** `,"__ts":1760000000}`, made once a second. */
function timeEnd (seconds: number): string {
  if (seconds !== cachedSeconds) {
    cachedSeconds = seconds
    cachedSuffix = `${PREFIX}${seconds}}`
  }
  return cachedSuffix
}

/**
 * Takes the time off the end of a payload between `start` and `end`: the payload without it ends behind a `}`
 * at `end - TIME_LENGTH`. It is done in the bytes: to delete a property of an object that JSON.parse has made
 * takes some 5 % of the time of opening a token.
 * @returns null if it does not stand there just like that; then JSON.parse has to find it.
 */
function cutTimeEnd (bytes: Buffer, start: number, end: number): number | null {
  const comma = end - TIME_LENGTH
  if (comma <= start || bytes[end - 1] !== CLOSING_BRACE) return null
  const before = bytes[comma - 1]! // it is behind the start
  // A value ends there, and the payload's last brace; so the rest is JSON if and only if the whole is.
  if (before <= SPACE || before === OPENING_BRACE) return null
  for (let i = 0; i < PREFIX.length; i++) if (bytes[comma + i] !== PREFIX.charCodeAt(i)) return null
  const time = readDigits(bytes, comma + PREFIX.length)
  if (time !== null) bytes[comma] = CLOSING_BRACE
  return time
}

function readDigits (bytes: Buffer, start: number): number | null {
  let number = 0
  for (let i = start; i < start + DIGITS; i++) {
    const digit = bytes[i]! // the payload ends behind them
    if (digit < ZERO || digit > NINE) return null
    number = number * 10 + digit - ZERO
  }
  return number >= 10 ** (DIGITS - 1) ? number : null // JSON has no leading zeros
}

// Life of a session in a secretbox token, beyond the time of the last write. It stands under the name
// `__life`, and only if there is something to say: @fastify/secure-session shows it as data.
//
//   {"created":1760000000000,"written":1760000000500,"expiry":2592000,"maxAge":2592000,"id":"AAECAwQFBgcICQoLDA0ODw"}
//    ms since 1970           ms since 1970           s                s              16 bytes in base64url
//
// and "domain" and "path" behind it, as text.

interface Life extends Pick<SessionRecord, 'createdAt' | 'lifetime' | 'cookieMaxAge' | 'id' | 'place'> {
  /**
   * The last write in milliseconds, if that is not a whole second: in a sealed token it is whole seconds
   * after created. Were it rounded, each change of the format would take a second away.
   */
  readonly written: number | null
}

const NO_LIFE: Life = { createdAt: null, written: null, lifetime: null, cookieMaxAge: null, id: null }

/** JSON of a life; null if there is nothing to say. */
function writeLife ({ createdAt, writtenAt, lifetime, cookieMaxAge, id, place }: Partial<SessionRecord>): string | null {
  if ((createdAt ?? lifetime ?? cookieMaxAge ?? id ?? place ?? null) === null) return null
  const written = typeof createdAt !== 'number' || writtenAt === undefined || writtenAt % 1000 === 0 ? null : writtenAt
  const life: Record<string, unknown> = { created: createdAt, written, expiry: lifetime, maxAge: cookieMaxAge, id: id?.toString('base64url'), ...place }
  const said = Object.entries(life).filter(([, value]) => value !== null && value !== undefined)
  return JSON.stringify(Object.fromEntries(said))
}

/** The inverse of `writeLife`; null if the value is no life. */
function readLife (value: unknown): Life | null {
  if (value === undefined) return NO_LIFE
  if (!isObject(value)) return null
  const { created, written, expiry, maxAge, id } = value
  if (!isTime(created) || !isTime(written) || !isSeconds(expiry) || !isSeconds(maxAge) || !isId(id) || !isPlace(value)) return null
  const life = lifeOf({ createdAt: created, written, lifetime: expiry, cookieMaxAge: maxAge, id: id === undefined ? undefined : Buffer.from(id, 'base64url') })
  const place = placeIn(value as Place)
  return place === null ? life : { ...life, place }
}

function placeIn ({ domain, path }: Place): Place | null {
  if (domain === undefined && path === undefined) return null
  return { ...(domain !== undefined && { domain }), ...(path !== undefined && { path }) }
}

function lifeOf ({ createdAt = null, written = null, lifetime = null, cookieMaxAge = null, id = null }: { [Name in keyof Omit<Life, 'place'>]: Life[Name] | undefined }): Life {
  return { createdAt, written, lifetime, cookieMaxAge, id }
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTime (value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value) && value >= 0)
}

function isSeconds (value: unknown): value is number | undefined {
  return value === undefined || (isTime(value) && Number.isInteger(value) && value <= MAX_SECONDS)
}

/** True for the one spelling of an id. */
function isId (value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && idOfText(value) !== null)
}

// The text of a secretbox token, `base64(tag | ciphertext);base64(nonce)`, taken apart without a
// copy of it.

const EQUALS = 0x3d

/** The parts of a text. */
interface TextParts {
  /** Both parts and the text between them. */
  whole: string
  /** First part, without its padding. */
  ciphertext: string
  /** Number of `=` that follow it. */
  padding: number
  nonce: string
}

/** Parts of a token; null if there are not two. Text behind a second `;` is not looked at. */
function partsOf (token: string): TextParts | null {
  const semicolon = token.indexOf(';')
  if (semicolon === -1) return null
  const second = token.indexOf(';', semicolon + 1)
  const whole = second === -1 ? token : token.slice(0, second)
  let end = semicolon
  while (whole.charCodeAt(end - 1) === EQUALS) end--
  return { whole, ciphertext: whole.slice(0, end), padding: semicolon - end, nonce: whole.slice(semicolon + 1) }
}

/** Length of a `;` that is percent-encoded. */
const SEMICOLON_LENGTH = 3

/** Characters of a nonce of 24 bytes with the `;` before it, if each of its characters were percent-encoded. */
const ESCAPED_NONCE_LENGTH = SEMICOLON_LENGTH + 3 * NONCE_LENGTH

/** Position of the `;` between the parts of a token, percent-encoded as in a cookie; -1 if there are not two. Other escapes are not looked at. */
function encodedSemicolon (text: string): number {
  // Searched from the earliest place where it can be: a text has many other escapes. One that comes earlier
  // is none of a token.
  return text.indexOf('%3B', text.length - ESCAPED_NONCE_LENGTH)
}

/** End of the first part, without its padding. */
function paddingStart (text: string, semicolon: number): number {
  let end = semicolon
  while (text.endsWith('%3D', end)) end -= 3
  return end
}
