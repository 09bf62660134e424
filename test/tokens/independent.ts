// The sealed format once more, written from docs/reference/format.md, in the order of that page. It shares
// nothing with src/: another cipher library, another base64url, another reader of headers. What both
// implementations agree on is what the page says.
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { blake2b } from '@noble/hashes/blake2.js'

/** The times and marks in a header, each as its field has it. */
export interface Fields {
  /** Milliseconds since 1970. */
  created: number
  /** Whole seconds after `created`. */
  lastWrite: number
  /** Seconds, or null where the field is left out. */
  lifetime: number | null
  /** Seconds, or null where the field is left out. */
  maxAge: number | null
  /** 16 bytes, or null where the field is left out. */
  id: Uint8Array | null
  /** Domain and path of the cookie, each '' for none; left out, so is the field. */
  place?: { domain: string, path: string }
  /** Claims by number, in hex; left out, so is the field. */
  claims?: Record<string, string>
}

export interface ToSeal extends Fields {
  key: Uint8Array
  context: string
  nonce: Uint8Array
  data: object
}

/** Each value on the way from data to a token. */
export interface Steps {
  encryptionKey: Uint8Array
  identificationKey: Uint8Array
  keyId: Uint8Array
  associatedData: Uint8Array
  header: Uint8Array
  payload: Uint8Array
  ciphertext: Uint8Array
  tag: Uint8Array
  token: string
}

export interface ToOpen {
  keys: readonly Uint8Array[]
  context: string
  /** Milliseconds since 1970. */
  now: number
  /** Seconds. */
  expiry: number
  accept?: readonly string[]
  /** True for one that has asked for the proof of the device that a session is bound to. */
  isProven?: boolean
}

export type Result =
  | { ok: true, fields: Fields, data: object, keyId: string }
  | { ok: false, reason: string }

const VERSION = 0x01
const LIFETIME = 0x01
const MAX_AGE = 0x02
const ID = 0x04
const PLACE = 0x08
const CLAIMS = 0x10

const BINDING = 3

const MAX_CHARACTERS = 65536
const MIN_BYTES = 56
const TOLERANCE_MS = 60_000

// Keys

/** crypto_kdf of libsodium. */
export function subkey (key: Uint8Array, number: number, length: number): Uint8Array {
  const salt = new Uint8Array(16)
  salt[0] = number // little-endian, and less than 256
  const personalization = new Uint8Array(16)
  personalization.set(utf8('fsealses'))
  return blake2b(new Uint8Array(0), { key, salt, personalization, dkLen: length })
}

export function keyIdOf (key: Uint8Array): Uint8Array {
  return subkey(key, 2, 16).slice(0, 4)
}

/** version | key id | context */
export function associatedDataOf (keyId: Uint8Array, context: string): Uint8Array {
  return concat(Uint8Array.of(VERSION), keyId, utf8(context))
}

// Header

export function headerOf ({ created, lastWrite, lifetime, maxAge, id, place, claims }: Fields): Uint8Array {
  const flags = (lifetime !== null ? LIFETIME : 0) + (maxAge !== null ? MAX_AGE : 0) + (id !== null ? ID : 0) + (place !== undefined ? PLACE : 0) + (claims !== undefined ? CLAIMS : 0)
  return concat(
    Uint8Array.of(flags),
    bigEndian(created, 6),
    bigEndian(lastWrite, 4),
    lifetime !== null ? bigEndian(lifetime, 4) : new Uint8Array(0),
    maxAge !== null ? bigEndian(maxAge, 4) : new Uint8Array(0),
    id ?? new Uint8Array(0),
    ...(place === undefined ? [] : [Uint8Array.of(place.domain.length), utf8(place.domain), Uint8Array.of(place.path.length), utf8(place.path)]),
    ...(claims === undefined ? [] : [bigEndian(entriesOf(claims).length, 2), entriesOf(claims)])
  )
}

/** The entries of claims, without the length in front of them. */
export function entriesOf (claims: Record<string, string>): Uint8Array {
  return concat(...Object.keys(claims).map(Number).sort((a, b) => a - b).map(number => {
    const value = fromHex(claims[number]!) // it is one of its keys
    return concat(Uint8Array.of(number), bigEndian(value.length, 2), value)
  }))
}

/** Null for entries that are refused. */
export function readEntries (bytes: Uint8Array): Record<string, string> | null {
  const claims: Record<string, string> = {}
  for (let at = 0, last = 0; at < bytes.length;) {
    const numberOfClaim = bytes[at]! // it is below the length
    const end = at + 3 + number(bytes.slice(at + 1, at + 3))
    if (at + 3 > bytes.length || end > bytes.length || numberOfClaim <= last || numberOfClaim > 5) return null
    if (numberOfClaim === BINDING && end - at !== 3 + 16) return null
    claims[numberOfClaim] = hex(bytes.slice(at + 3, end))
    at = end
    last = numberOfClaim
  }
  return bytes.length === 0 || bytes.length > 1024 ? null : claims
}

/** The fields and where the payload begins; null for a header that is refused. */
function readHeader (message: Uint8Array): { fields: Fields, length: number } | null {
  const [flags = 0] = message
  if (flags > (LIFETIME | MAX_AGE | ID | PLACE | CLAIMS)) return null
  let at = 1
  const take = (length: number): Uint8Array => {
    at += length
    return message.slice(at - length, at)
  }
  const fields: Fields = {
    created: number(take(6)),
    lastWrite: number(take(4)),
    lifetime: flags & LIFETIME ? number(take(4)) : null,
    maxAge: flags & MAX_AGE ? number(take(4)) : null,
    id: flags & ID ? take(16) : null
  }
  if (flags & PLACE) {
    const [domain, path] = [0, 1].map(() => String.fromCharCode(...take(take(1)[0] ?? 0))) as [string, string]
    fields.place = { domain, path }
    const isRight = /^[A-Za-z0-9.-]*$/.test(domain) && /^[ -:<-~]*$/.test(path) && domain + path !== ''
    if (!isRight) return null
  }
  if (flags & CLAIMS) {
    const length = number(take(2))
    const claims = at + length > message.length ? null : readEntries(take(length))
    if (claims === null) return null
    fields.claims = claims
  }
  return at > message.length ? null : { fields, length: at }
}

// Sealing and opening

export function seal ({ key, context, nonce, data, ...fields }: ToSeal): Steps {
  return sealBytes({ key, context, nonce, header: headerOf(fields), payload: utf8(JSON.stringify(data)) })
}

/** Seals any header and payload, right or wrong, under any version. */
export function sealBytes (
  { key, context, nonce, header, payload, version = VERSION }: Pick<ToSeal, 'key' | 'context' | 'nonce'> & Pick<Steps, 'header' | 'payload'> & { version?: number }
): Steps {
  const encryptionKey = subkey(key, 1, 32)
  const identificationKey = subkey(key, 2, 16)
  const keyId = keyIdOf(key)
  const associatedData = associatedDataOf(keyId, context)
  associatedData[0] = version
  const sealed = xchacha20poly1305(encryptionKey, nonce, associatedData).encrypt(concat(header, payload))
  const ciphertext = sealed.slice(0, -16)
  const tag = sealed.slice(-16)
  const token = encode(concat(Uint8Array.of(version), keyId, nonce, ciphertext, tag))
  return { encryptionKey, identificationKey, keyId, associatedData, header, payload, ciphertext, tag, token }
}

export function open (token: string, { keys, context, now, expiry, accept = ['sealed'], isProven = false }: ToOpen): Result {
  if (!accept.includes('sealed') || token.includes(';')) return refused('format-not-accepted')
  if (token.length > MAX_CHARACTERS) return refused('too-long')
  const bytes = decode(token)
  if (bytes === null || bytes.length < MIN_BYTES) return refused('malformed')
  if (bytes[0] !== VERSION) return refused('version-unknown')
  const keyId = bytes.slice(1, 5)
  const key = keys.find(key => hex(keyIdOf(key)) === hex(keyId))
  if (key === undefined) return refused('key-unknown')
  const message = decrypt(bytes, key, context)
  if (message === null) return refused('not-authentic')
  const header = readHeader(message)
  if (header === null) return refused('header-invalid')
  const data = parse(message.slice(header.length))
  if (data === null) return refused('payload-invalid')
  const { fields } = header
  const lastWrite = fields.created + fields.lastWrite * 1000
  if (lastWrite > now + TOLERANCE_MS) return refused('time-in-future')
  if (now >= lastWrite + (fields.lifetime ?? expiry) * 1000) return refused('expired')
  if (fields.claims?.[BINDING] !== undefined && !isProven) return refused('device-unproven')
  return { ok: true, fields, data, keyId: hex(keyId) }
}

function decrypt (bytes: Uint8Array, key: Uint8Array, context: string): Uint8Array | null {
  const associatedData = associatedDataOf(bytes.slice(1, 5), context)
  try {
    return xchacha20poly1305(subkey(key, 1, 32), bytes.slice(5, 29), associatedData).decrypt(bytes.slice(29))
  } catch {
    return null
  }
}

function parse (payload: Uint8Array): object | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { ignoreBOM: true }).decode(payload))
    return typeof value === 'object' && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}

function refused (reason: string): Result {
  return { ok: false, reason }
}

// base64url (RFC 4648 section 5), without padding

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

export function encode (bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const group = bytes.slice(at, at + 3)
    const bits = number(concat(group, new Uint8Array(3 - group.length)))
    for (let i = 0; i <= group.length; i++) text += ALPHABET[(bits >> (18 - 6 * i)) & 63]
  }
  return text
}

/** Null for what is not the one spelling of some bytes. */
export function decode (text: string): Uint8Array | null {
  const values = Array.from(text, character => ALPHABET.indexOf(character))
  if (values.includes(-1) || values.length % 4 === 1) return null
  const bytes: number[] = []
  let bits = 0
  let count = 0
  for (const value of values) {
    bits = (bits << 6 | value) & 0xfff
    count += 6
    if (count < 8) continue
    count -= 8
    bytes.push(bits >> count & 0xff)
  }
  return (bits & (1 << count) - 1) === 0 ? Uint8Array.from(bytes) : null
}

// Bytes

function utf8 (text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function concat (...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(part => [...part]))
}

function bigEndian (value: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = length - 1, rest = value; at >= 0; at--, rest = Math.floor(rest / 256)) bytes[at] = rest % 256
  return bytes
}

/** Of a big-endian field; no field is longer than what a number holds exactly. */
function number (bytes: Uint8Array): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0)
}

export function hex (bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

export function fromHex (text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
}
