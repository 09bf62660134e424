import { AEAD_NONCE_BYTES as NONCE_BYTES, AEAD_TAG_BYTES as TAG_BYTES, type SodiumLibrary } from '../crypto/library.ts'
import { type Claims, claimsBytes, claimsEnd, readClaims, writeClaims } from './claims.ts'
import { fillNonce } from '#nonces'
import { sodium } from '#sodium'
import { JSON_SERIALIZER, type Serializer } from '../data/serializer.ts'
import { fail } from '../errors.ts'
import { SPARE_BITS_ZERO } from './base64.ts'
import { type FormatSettings, getWorkspace, MAX_TOKEN_LENGTH, MESSAGE_OFFSET, messageOf, type TokenFormat, workspace, type Workspace } from './format.ts'
import type { DerivedKey, KeySet } from '../keys/key-set.ts'
import { MAX_SECONDS } from './lifetime.ts'
import { type FormatOpened, isPlace, type Place, SESSION_ID_BYTES, type SessionRecord, withRare } from './record.ts'

// Envelope of all that this package seals in a layout of its own, as one base64url string without padding:
//
//   version 1 | key id 4 | nonce 24 | ciphertext | tag 16
//   └──────┬──────────┘
//          └─ associated data, followed by a context in UTF-8
//
// The version, the key's id and the context are authenticated with the rest: a text opens only as what it was
// sealed for. The key is one that is derived for this format; see keys/key-set.ts.
//
// The cipher does not commit to its key: an attacker who has two keys can make a text that opens with both.
// Nothing here relies on that: the id names one key, and an attacker who has a key can make any text anyway.

const VERSION_BYTES = 1
const KEY_ID_BYTES = 4
const NAME_BYTES = VERSION_BYTES + KEY_ID_BYTES // bytes that the associated data begins with

// Offsets of the parts in the workspace.
const NONCE_START = MESSAGE_OFFSET - NONCE_BYTES
const KEY_ID_START = NONCE_START - KEY_ID_BYTES
const START = KEY_ID_START - VERSION_BYTES

/** Bytes beside the message. */
export const ENVELOPE_BYTES = NAME_BYTES + NONCE_BYTES + TAG_BYTES

/** Reason for which an envelope was not opened, in the order in which it is found out. */
export type EnvelopeRefusal = 'too-long' | 'malformed' | 'version-unknown' | 'key-unknown' | 'not-authentic'

/**
 * Associated data of an envelope: room for its first five bytes, which are filled in each time, then the
 * context.
 */
export type AssociatedData = Buffer

/** Associated data of a context, such as a cookie's name. */
export function associatedDataOf (context: string): AssociatedData {
  return Buffer.concat([Buffer.alloc(NAME_BYTES), Buffer.from(context)])
}

/** Seals the message of a length in the workspace. */
export function sealMessage (space: Workspace, length: number, version: number, key: DerivedKey, associatedData: AssociatedData, fillRandom: (nonce: Uint8Array) => void, library: SodiumLibrary): string {
  const { bytes } = space
  bytes[START] = version
  bytes.writeUInt32BE(key.idNumber, KEY_ID_START)
  const nonce = nonceOf(bytes)
  fillRandom(nonce)
  const sealed = space.messages[length + TAG_BYTES] ?? messageOf(space, length + TAG_BYTES)
  library.aeadSeal(sealed, space.messages[length] ?? messageOf(space, length), complete(associatedData, bytes), nonce, key.encryption)
  return bytes.toString('base64url', START, MESSAGE_OFFSET + length + TAG_BYTES)
}

/**
 * Opens a text with the key that it names. The message stands in the workspace then, and `lengthOf` has its length.
 * @param least bytes that the message has at least.
 * @returns the key; or the reason to refuse it.
 */
export function openMessage (text: string, least: number, version: number, keys: KeySet, associatedData: AssociatedData, library: SodiumLibrary): DerivedKey | EnvelopeRefusal {
  // A bound on the work
  if (text.length > MAX_TOKEN_LENGTH) return 'too-long'
  const space = workspace ?? getWorkspace()
  const { bytes } = space
  const end = START + bytes.write(text, START, 'base64url')
  if (end - START < least + ENVELOPE_BYTES || !isCanonicalUrl(text, end - START)) return 'malformed'
  if (bytes[START] !== version) return 'version-unknown'
  const key = keys.find(bytes.readUInt32BE(KEY_ID_START))
  if (key === undefined) return 'key-unknown'
  const length = end - MESSAGE_OFFSET - TAG_BYTES
  const message = space.messages[length] ?? messageOf(space, length)
  const sealed = space.messages[length + TAG_BYTES] ?? messageOf(space, length + TAG_BYTES)
  const isAuthentic = library.aeadOpen(message, sealed, complete(associatedData, bytes), nonceOf(bytes), key.encryption)
  return isAuthentic ? key : 'not-authentic'
}

/** Bytes of the message in an envelope that was opened. */
export function lengthOf (text: string): number {
  return Math.floor(text.length / 4 * 3) - ENVELOPE_BYTES
}

/** Completes the associated data with the version and key id of the envelope in the workspace. */
function complete (associatedData: AssociatedData, bytes: Buffer): AssociatedData {
  for (let i = 0; i < NAME_BYTES; i++) associatedData[i] = bytes[START + i]! // the workspace is longer
  return associatedData
}

let nonceView: Uint8Array | null = null

/** The nonce in the workspace, of which a thread has one. */
function nonceOf (bytes: Buffer): Uint8Array {
  nonceView ??= bytes.subarray(NONCE_START, MESSAGE_OFFSET)
  return nonceView
}

/**
 * True if base64url without padding (RFC 4648 section 5) is the one spelling of the bytes that Node decoded from it. Its
 * decoder skips stray characters, and takes the other alphabet, padding and spare bits that are set.
 */
export function isCanonicalUrl (text: string, byteCount: number): boolean {
  const rest = text.length % 4
  // Characters that Node skips are missing in the count.
  if (rest === 1 || byteCount !== Math.floor(text.length / 4 * 3) || Buffer.byteLength(text) !== text.length) return false
  if (rest !== 0 && !SPARE_BITS_ZERO[4 - rest]!.includes(text[text.length - 1]!)) return false // it has 1 and 2
  return !text.includes('+') && !text.includes('/')
}

// This package's own token: an envelope with this message:
//
//   header 11… | {"userId":1, …}
//
// It is bound to the context of the session.

const VERSION = 1

// Header of a sealed token: facts of its session, inside the seal and before the payload, big-endian:
//
//   flags 1 | created 6 | last write 4 | [lifetime 4] | [Max-Age 4] | [id 16] | [place] | [claims]
//             ms          s after         s              s
//             since 1970  created
//
// Claims are described in claims.ts; versions up to 0.2 refuse tokens that have some.
// A place is length 1 | domain | length 1 | path, with a length of 0 for none. Versions up to 0.1 do not know
// its flag, and refuse the token.
//
// A field in brackets is there if its flag is set.

const LIFETIME = 1
const MAX_AGE = 2
const ID = 4
const PLACE = 8
const CLAIMS = 16
const KNOWN_FLAGS = LIFETIME | MAX_AGE | ID | PLACE | CLAIMS

const CREATED_BYTES = 6
const SECONDS_BYTES = 4

const CREATED_AT = 1
const LAST_WRITE_AT = CREATED_AT + CREATED_BYTES

/** Bytes that are always there. */
const HEADER_BYTES = LAST_WRITE_AT + SECONDS_BYTES

/** Bytes with all fields that may be there but place and claims. */
const MAX_HEADER_BYTES = HEADER_BYTES + SECONDS_BYTES + SECONDS_BYTES + SESSION_ID_BYTES

const MAX_CREATED = 2 ** 48 - 1

/** Longest text of the data that fits into the longest token, in bytes. */
const MAX_PAYLOAD_BYTES = Math.floor(MAX_TOKEN_LENGTH / 4) * 3 - ENVELOPE_BYTES - MAX_HEADER_BYTES

/** Reason for which a token of this format was not opened, in the order in which it is found out. */
export type SealedRefusal = EnvelopeRefusal | 'header-invalid' | 'payload-invalid'

type SealedOpened = FormatOpened<DerivedKey, SealedRefusal>

/** Our own format. */
export function sealedFormat ({ context, serializer, fillRandom }: FormatSettings): TokenFormat<SealedRefusal> {
  const associatedData = associatedDataOf(context)
  let loaded: SodiumLibrary | null = null // it may still be loading
  const library = (): SodiumLibrary => { loaded ??= sodium(); return loaded }
  const seal: TokenFormat['seal'] = (record, key) => sealSealed(record, key, associatedData, fillRandom, serializer, library())
  const sealLine: TokenFormat['sealLine'] = (record, key, before, after) => `${before}${seal(record, key)}${after}`
  const open: TokenFormat<SealedRefusal>['open'] = (token, keys) => openSealed(token, keys, associatedData, serializer, library())
  // Nothing in it is percent-encoded, and the token names its key.
  return { name: 'sealed', seal, sealLine, open, openEncoded: open, openWith: open, dataOf: text => serializer.parse(text), decryptions: () => 1 }
}

/** Seals with a key, for a context. */
export function sealSealed (record: SessionRecord, key: DerivedKey, associatedData: AssociatedData, fillRandom: (nonce: Uint8Array) => void = fillNonce, serializer: Serializer = JSON_SERIALIZER, library: SodiumLibrary = sodium()): string {
  // 1. data to text, JSON by default: code of the app's, such as a toJSON(), runs here and nowhere below
  const text = serializer.stringify(record.data)
  // 2. times and text to bytes
  const space = workspace ?? getWorkspace()
  const length = writeMessage(space.bytes, text, record)
  // 3. and 4. encrypt and encode
  return sealMessage(space, length, VERSION, key, associatedData, fillRandom, library)
}

/** Opens with the key that the token names: the steps of `sealSealed`, backwards. */
export function openSealed (token: string, keys: KeySet, associatedData: AssociatedData, serializer: Serializer = JSON_SERIALIZER, library: SodiumLibrary = sodium()): SealedOpened {
  // 4. and 3. decode and decrypt
  const key = openMessage(token, HEADER_BYTES, VERSION, keys, associatedData, library)
  if (typeof key === 'string') return refused(key)
  // 2. and 1. bytes to times and text, text to data
  const { bytes } = workspace ?? getWorkspace()
  return readMessage(bytes, MESSAGE_OFFSET + lengthOf(token), key, serializer)
}

function refused (reason: SealedRefusal): SealedOpened {
  return { ok: false, reason }
}

/** Writes the message to be encrypted and returns its length in bytes. */
function writeMessage (bytes: Buffer, text: string, record: SessionRecord): number {
  // No character of a string takes more than three bytes.
  const most = MAX_PAYLOAD_BYTES - placeBytes(record.place) - claimsBytes(record.claims)
  const length = text.length * 3 < most ? 0 : Buffer.byteLength(text)
  if (length > most) throw fail('TOO_LARGE', [length, most])
  const payload = writeHeader(bytes, MESSAGE_OFFSET, record)
  return payload + bytes.write(text, payload) - MESSAGE_OFFSET
}

/** The inverse of `writeMessage` and `stringify`. All is read before `parse`, which may be the app's, runs. */
function readMessage (bytes: Buffer, end: number, key: DerivedKey, serializer: Serializer): SealedOpened {
  const payload = payloadStart(bytes, MESSAGE_OFFSET)
  if (payload === null || payload > end) return refused('header-invalid')
  const createdAt = createdAtIn(bytes, MESSAGE_OFFSET)
  const writtenAt = writtenAtIn(bytes, MESSAGE_OFFSET, createdAt)
  const rest = restIn(bytes, MESSAGE_OFFSET)
  if (rest === null) return refused('header-invalid')
  const text = bytes.toString('utf8', payload, end)
  const data = serializer.parse(text)
  if (data === null) return refused('payload-invalid')
  const { lifetime, cookieMaxAge, id, place, claims } = rest
  const record = { data, writtenAt, createdAt, lifetime, cookieMaxAge, id }
  return { ok: true, record: place === null && claims === null ? record : withRare(record, place, claims), key, text }
}

/** Writes a header at `start` and returns where it ends. */
function writeHeader (bytes: Buffer, start: number, { createdAt, writtenAt, lifetime, cookieMaxAge, id, place, claims }: SessionRecord): number {
  // A token that did not say when its session was created comes from another format; it is not younger.
  const created = within(Math.floor(createdAt ?? writtenAt), MAX_CREATED)
  bytes[start] = (lifetime === null ? 0 : LIFETIME) | (cookieMaxAge === null ? 0 : MAX_AGE) | (id === null ? 0 : ID) | (place === undefined ? 0 : PLACE) | (claims === undefined ? 0 : CLAIMS)
  bytes.writeUIntBE(created, start + CREATED_AT, CREATED_BYTES)
  // Rounded down, so that to be sealed again never makes a session live longer.
  bytes.writeUInt32BE(within(Math.floor((writtenAt - created) / 1000), MAX_SECONDS), start + LAST_WRITE_AT)
  let at = start + HEADER_BYTES
  if (lifetime !== null) at = bytes.writeUInt32BE(within(Math.floor(lifetime), MAX_SECONDS), at)
  if (cookieMaxAge !== null) at = bytes.writeUInt32BE(within(Math.floor(cookieMaxAge), MAX_SECONDS), at)
  if (id !== null) at += id.copy(bytes, at, 0, SESSION_ID_BYTES)
  if (place !== undefined) at = writePlace(bytes, at, place)
  return claims === undefined ? at : writeClaims(bytes, at, claims)
}

/** Bytes that a place takes. */
function placeBytes (place: Readonly<Place> | undefined): number {
  return place === undefined ? 0 : 2 + (place.domain ?? '').length + (place.path ?? '').length // it is ASCII
}

function writePlace (bytes: Buffer, start: number, { domain = '', path = '' }: Readonly<Place>): number {
  let at = start
  for (const text of [domain, path]) {
    at = bytes.writeUInt8(text.length, at)
    at += bytes.write(text, at, 'latin1')
  }
  return at
}

/** Null for a place that is none, or that no cookie can be written with. */
function readPlace (bytes: Buffer, start: number): Place | null {
  const path = start + 1 + bytes[start]! // payloadStart was within the message
  const place: Place = {}
  if (path > start + 1) place.domain = bytes.toString('latin1', start + 1, path)
  if (bytes[path]! > 0) place.path = bytes.toString('latin1', path + 1, path + 1 + bytes[path]!) // as above
  return Object.keys(place).length > 0 && isPlace(place) ? place : null
}

/** Index at which the payload begins behind the header at `start`; null if that has a flag that is not known. */
function payloadStart (bytes: Buffer, start: number): number | null {
  const flags = bytes[start]! // there are at least HEADER_BYTES
  if ((flags & ~KNOWN_FLAGS) !== 0) return null
  const at = start + HEADER_BYTES + (flags & LIFETIME ? SECONDS_BYTES : 0) + (flags & MAX_AGE ? SECONDS_BYTES : 0) + (flags & ID ? SESSION_ID_BYTES : 0)
  // Lengths that stand beyond the message only move the payload further beyond it.
  const claims = flags & PLACE ? placeEnd(bytes, at) : at
  return flags & CLAIMS ? claimsEnd(bytes, claims) : claims
}

function placeEnd (bytes: Buffer, start: number): number {
  const path = start + 1 + (bytes[start] ?? 0)
  return path + 1 + (bytes[path] ?? 0)
}

/** Fields of a header that was read, beside its times. */
type HeaderRest = Pick<SessionRecord, 'lifetime' | 'cookieMaxAge' | 'id'> & { readonly place: Place | null, readonly claims: Claims | null }

/** A header that was read. */
export type Header = HeaderRest & Pick<SessionRecord, 'createdAt' | 'writtenAt'>

/** Content of the header at `start`; null for a place, or claims, that are refused. */
export function readHeader (bytes: Buffer, start: number): Header | null {
  const rest = restIn(bytes, start)
  const createdAt = createdAtIn(bytes, start)
  return rest === null ? null : { createdAt, writtenAt: writtenAtIn(bytes, start, createdAt), ...rest }
}

function createdAtIn (bytes: Buffer, start: number): number {
  return bytes.readUIntBE(start + CREATED_AT, CREATED_BYTES)
}

function writtenAtIn (bytes: Buffer, start: number, createdAt: number): number {
  return createdAt + bytes.readUInt32BE(start + LAST_WRITE_AT) * 1000
}

/** Rest of nearly all sessions; shared, since it takes as much memory as all else of a header. */
const NO_REST: HeaderRest = { lifetime: null, cookieMaxAge: null, id: null, place: null, claims: null }

/** Fields behind the times; null for a place, or claims, that are refused. */
function restIn (bytes: Buffer, start: number): HeaderRest | null {
  const flags = bytes[start]! // there are at least HEADER_BYTES
  return flags === 0 ? NO_REST : readRest(bytes, start, flags)
}

function readRest (bytes: Buffer, start: number, flags: number): HeaderRest | null {
  const lifetimeAt = start + HEADER_BYTES
  const maxAgeAt = lifetimeAt + (flags & LIFETIME ? SECONDS_BYTES : 0)
  const idStart = maxAgeAt + (flags & MAX_AGE ? SECONDS_BYTES : 0)
  const placeAt = idStart + (flags & ID ? SESSION_ID_BYTES : 0)
  const place = flags & PLACE ? readPlace(bytes, placeAt) : null
  if (flags & PLACE && place === null) return null
  const claims = claimsIn(bytes, flags, placeAt)
  if (flags & CLAIMS && claims === null) return null
  return {
    lifetime: flags & LIFETIME ? bytes.readUInt32BE(lifetimeAt) : null,
    cookieMaxAge: flags & MAX_AGE ? bytes.readUInt32BE(maxAgeAt) : null,
    id: flags & ID ? idAt(bytes, idStart) : null,
    place,
    claims
  }
}

function idAt (bytes: Buffer, start: number): Buffer {
  return Buffer.from(bytes.subarray(start, start + SESSION_ID_BYTES))
}

function claimsIn (bytes: Buffer, flags: number, placeAt: number): Claims | null {
  if ((flags & CLAIMS) === 0) return null
  const start = flags & PLACE ? placeEnd(bytes, placeAt) : placeAt
  return readClaims(bytes, start + 2, claimsEnd(bytes, start))
}

/** Number as the field takes it: a clock or a lifetime beyond the field is as good as the most that fits. */
function within (value: number, most: number): number {
  return Math.min(Math.max(value, 0), most)
}
