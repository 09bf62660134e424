import { AEAD_NONCE_BYTES as NONCE_BYTES, AEAD_TAG_BYTES as TAG_BYTES } from '../crypto/library.ts'
import { fillNonce } from '../crypto/nonces.ts'
import { sodium } from '../crypto/sodium.ts'
import type { FormatOpened, SessionRecord } from '../record.ts'
import { sealedSessionError } from '../errors.ts'
import type { DerivedKey } from '../keys/derived-key.ts'
import type { KeySet } from '../keys/key-set.ts'
import { MAX_TOKEN_LENGTH } from '../limits.ts'
import type { Data } from '../data/data.ts'
import { JSON_SERIALIZER, type Serializer } from '../data/serializer.ts'
import { isCanonicalUrl } from './base64.ts'
import type { FormatSettings, TokenFormat } from './format.ts'
import { HEADER_BYTES, MAX_HEADER_BYTES, payloadStart, placeBytes, readHeader, writeHeader, type Header } from './sealed-header.ts'
import { MESSAGE_OFFSET, getWorkspace, messageOf } from './workspace.ts'

// This package's own token, as one base64url string without padding:
//
//   version 1 | key id 4 | nonce 24 | ciphertext                            | tag 16
//   └──────┬──────────┘                 │
//          │                            └─ XChaCha20-Poly1305 of header 11… | {"userId":1, …}
//          └─ associated data, followed by the context of the session in UTF-8
//
// The version, the key's id and the context are authenticated with the rest: a token opens only as the
// session that it was sealed for. The key is one that is derived for this format; see keys/derived-key.ts.
//
// The cipher does not commit to its key: an attacker who has two keys can make a token that opens with both.
// Nothing here relies on that: the id names one key, and an attacker who has a key can make any token anyway.

const VERSION = 1

const VERSION_BYTES = 1
const KEY_ID_BYTES = 4
const NAME_BYTES = VERSION_BYTES + KEY_ID_BYTES // bytes that the associated data begins with

// Offsets of the parts in the workspace.
const NONCE_START = MESSAGE_OFFSET - NONCE_BYTES
const KEY_ID_START = NONCE_START - KEY_ID_BYTES
const START = KEY_ID_START - VERSION_BYTES

const MIN_BYTES = NAME_BYTES + NONCE_BYTES + HEADER_BYTES + TAG_BYTES // 56

/** Longest text of the data that fits into the longest token, in bytes. */
const MAX_PAYLOAD_BYTES = Math.floor(MAX_TOKEN_LENGTH / 4) * 3 - NAME_BYTES - NONCE_BYTES - MAX_HEADER_BYTES - TAG_BYTES

/** Reason for which a token of this format was not opened, in the order in which it is found out. */
export type SealedRefusal = 'too-long' | 'malformed' | 'version-unknown' | 'key-unknown' | 'not-authentic' | 'header-invalid' | 'payload-invalid'

export type SealedOpened = FormatOpened<DerivedKey, SealedRefusal>

/**
 * Associated data of a token: room for its first five bytes, which are filled in for each token, then the
 * context.
 */
export type AssociatedData = Buffer

/** Associated data of a context, such as a cookie's name, for `sealSealed` and `openSealed`. */
export function associatedDataOf (context: string): AssociatedData {
  return Buffer.concat([Buffer.alloc(NAME_BYTES), Buffer.from(context)])
}

/** Our own format. */
export function sealedFormat ({ context, serializer, fillRandom }: FormatSettings): TokenFormat<SealedRefusal> {
  const associatedData = associatedDataOf(context)
  const seal: TokenFormat['seal'] = (record, key) => sealSealed(record, key, associatedData, fillRandom, serializer)
  const open: TokenFormat<SealedRefusal>['open'] = (token, keys) => openSealed(token, keys, associatedData, serializer)
  // Nothing in it is percent-encoded, and the token names its key.
  return { name: 'sealed', seal, sealEncoded: seal, open, openEncoded: open, openWith: open, decryptions: () => 1 }
}

/** Seals with a key, for a context. */
export function sealSealed (record: SessionRecord, key: DerivedKey, associatedData: AssociatedData, fillRandom: (nonce: Uint8Array) => void = fillNonce, serializer: Serializer = JSON_SERIALIZER): string {
  // 1. data to text, JSON by default: code of the app's, such as a toJSON(), runs here and nowhere below
  const text = serializer.stringify(record.data)
  // 2. times and text to bytes
  const workspace = getWorkspace()
  const { bytes } = workspace
  const length = writeMessage(bytes, text, record)
  // 3. encrypt
  bytes[START] = VERSION
  bytes.writeUInt32BE(key.idNumber, KEY_ID_START)
  const nonce = nonceOf(bytes)
  fillRandom(nonce)
  const sealed = messageOf(workspace, length + TAG_BYTES)
  sodium().aeadSeal(sealed, messageOf(workspace, length), complete(associatedData, bytes), nonce, key.encryption)
  // 4. encode
  return bytes.toString('base64url', START, MESSAGE_OFFSET + length + TAG_BYTES)
}

/** Opens with the key that the token names: the steps of `sealSealed`, backwards. */
export function openSealed (token: string, keys: KeySet, associatedData: AssociatedData, serializer: Serializer = JSON_SERIALIZER): SealedOpened {
  // 4. decode, after a bound on the work
  if (token.length > MAX_TOKEN_LENGTH) return refused('too-long')
  const workspace = getWorkspace()
  const { bytes } = workspace
  const end = START + bytes.write(token, START, 'base64url')
  if (end - START < MIN_BYTES || !isCanonicalUrl(token, end - START)) return refused('malformed')

  // 3. decrypt
  if (bytes[START] !== VERSION) return refused('version-unknown')
  const key = keys.find(bytes.readUInt32BE(KEY_ID_START))
  if (key === undefined) return refused('key-unknown')
  const length = end - MESSAGE_OFFSET - TAG_BYTES
  const isAuthentic = sodium().aeadOpen(messageOf(workspace, length), messageOf(workspace, end - MESSAGE_OFFSET), complete(associatedData, bytes), nonceOf(bytes), key.encryption)
  if (!isAuthentic) return refused('not-authentic')

  // 2. and 1. bytes to times and text, text to data
  return readMessage(bytes, MESSAGE_OFFSET + length, key, serializer)
}

function refused (reason: SealedRefusal): SealedOpened {
  return { ok: false, reason }
}

/** Completes the associated data with the version and key id that a token has. */
function complete (associatedData: AssociatedData, bytes: Buffer): AssociatedData {
  for (let i = 0; i < NAME_BYTES; i++) associatedData[i] = bytes[START + i]! // the workspace is longer
  return associatedData
}

let nonceView: Uint8Array | null = null

/** The nonce of the token in the workspace, of which a thread has one. */
function nonceOf (bytes: Buffer): Uint8Array {
  nonceView ??= bytes.subarray(NONCE_START, MESSAGE_OFFSET)
  return nonceView
}

/** Writes the message to be encrypted and returns its length in bytes. */
function writeMessage (bytes: Buffer, text: string, record: SessionRecord): number {
  // No character of a string takes more than three bytes.
  const most = MAX_PAYLOAD_BYTES - placeBytes(record.place)
  const length = text.length * 3 < most ? 0 : Buffer.byteLength(text)
  if (length > most) throw sealedSessionError('FST_SEALED_SESSION_TOO_LARGE', [length, most])
  const payload = writeHeader(bytes, MESSAGE_OFFSET, record)
  return payload + bytes.write(text, payload) - MESSAGE_OFFSET
}

/** The inverse of `writeMessage` and `stringify`. All is read before `parse`, which may be the app's, runs. */
function readMessage (bytes: Buffer, end: number, key: DerivedKey, serializer: Serializer): SealedOpened {
  const payload = payloadStart(bytes, MESSAGE_OFFSET)
  if (payload === null || payload > end) return refused('header-invalid')
  const header = readHeader(bytes, MESSAGE_OFFSET)
  if (header === null) return refused('header-invalid')
  const data = serializer.parse(bytes.toString('utf8', payload, end))
  if (data === null) return refused('payload-invalid')
  return { ok: true, record: recordOf(data, header), key }
}

function recordOf (data: Data, { createdAt, writtenAt, lifetime, cookieMaxAge, id, place }: Header): SessionRecord {
  // Ordinary records have one shape.
  return place === null ? { data, writtenAt, createdAt, lifetime, cookieMaxAge, id } : { data, writtenAt, createdAt, lifetime, cookieMaxAge, id, place }
}
