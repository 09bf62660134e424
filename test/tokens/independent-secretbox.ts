// The secretbox format and signatures once more, written from docs/reference/format.md, in the order of that
// page. Like independent.ts it shares nothing with src/.
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concat, decode as decodeUrl, encode as encodeUrl, entriesOf, hex, readEntries } from './independent.ts'

/** Times and marks of a session, as the payload has them. */
export interface Life {
  /** Milliseconds since 1970. */
  created?: number
  /** Milliseconds since 1970. */
  written?: number
  /** Seconds. */
  expiry?: number
  /** Seconds. */
  maxAge?: number
  /** 16 bytes in base64url. */
  id?: string
}

export interface ToOpen {
  keys: readonly Uint8Array[]
  /** Milliseconds since 1970. */
  now: number
  /** Seconds. */
  expiry: number
  /** Seconds; null for none. */
  absoluteTimeout?: number | null
  accept?: readonly string[]
}

/** A session that was opened, with its times in milliseconds since 1970. */
export type Result =
  | { ok: true, data: object, lastWrite: number, created: number | null, expiry: number | null, maxAge: number | null, id: string | null, claims?: Record<string, string> }
  | { ok: false, reason: string }

const MAX_CHARACTERS = 65536
const TOLERANCE_MS = 60_000
const MAX_SECONDS = 4294967295

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const URL_ALPHABET = ALPHABET.replace('+/', '-_')

// Sealing

/** The payload: data, then `__life` and `__claims` if there is something to say, then `__ts`. */
export function payloadOf (data: object, life: Life | null, time: number, claims?: Record<string, string>): string {
  return JSON.stringify({ ...data, ...(life === null ? {} : { __life: life }), ...(claims && { __claims: encodeUrl(entriesOf(claims)) }), __ts: time })
}

export function seal (payload: Uint8Array, key: Uint8Array, nonce: Uint8Array): string {
  return `${encode(xsalsa20poly1305(key, nonce).encrypt(payload))};${encode(nonce)}`
}

// Opening

export function open (token: string, { keys, now, expiry, absoluteTimeout = null, accept = ['secretbox'] }: ToOpen): Result {
  if (!accept.includes('secretbox') || !token.includes(';')) return refused('format-not-accepted')
  if (token.length > MAX_CHARACTERS) return refused('too-long')
  const [first = '', second = ''] = token.split(';')
  if (looselyCounted(first) < 16) return refused('ciphertext-length')
  if (looselyCounted(second) !== 24) return refused('nonce-length')
  const sealed = decode(first)
  const nonce = decode(second)
  if (sealed === null || nonce === null) return refused('malformed')
  const message = decrypt(sealed, nonce, keys)
  if (message === null) return refused('not-authentic')
  const payload = objectIn(message)
  if (payload === null) return refused('payload-invalid')
  const { __ts: time, __life: life = {}, __claims: text, ...data } = payload
  const bytes = typeof text === 'string' ? decodeUrl(text) : null
  const claims = bytes === null ? null : readEntries(bytes)
  if (!isLife(life) || '__data' in data || (text !== undefined && claims === null)) return refused('payload-invalid')
  if (typeof time !== 'number' || !Number.isFinite(time)) return refused('time-missing')
  const lastWrite = life.written !== undefined && Math.floor(life.written / 1000) === time ? life.written : time * 1000
  if (lastWrite > now + TOLERANCE_MS) return refused('time-in-future')
  const created = life.created === undefined ? null : Math.min(life.created, time * 1000 + 999)
  const end = lastWrite + (life.expiry ?? expiry) * 1000
  const latest = absoluteTimeout === null ? end : Math.min(end, (created ?? lastWrite) + absoluteTimeout * 1000)
  if (now >= latest) return refused('expired')
  return { ok: true, data, lastWrite, created, expiry: life.expiry ?? null, maxAge: life.maxAge ?? null, id: life.id ?? null, ...(claims !== null && { claims }) }
}

function decrypt (sealed: Uint8Array, nonce: Uint8Array, keys: readonly Uint8Array[]): Uint8Array | null {
  for (const key of keys) {
    try {
      return xsalsa20poly1305(key, nonce).decrypt(sealed)
    } catch {
      continue // it was another key
    }
  }
  return null
}

function objectIn (message: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { ignoreBOM: true }).decode(message))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isLife (value: unknown): value is Life {
  if (!isObject(value)) return false
  const { created, written, expiry, maxAge, id } = value
  const isTime = (time: unknown): boolean => time === undefined || (typeof time === 'number' && Number.isFinite(time) && time >= 0)
  const isSeconds = (seconds: unknown): boolean => isTime(seconds) && (seconds === undefined || (Number.isInteger(seconds) && seconds as number <= MAX_SECONDS))
  return isTime(created) && isTime(written) && isSeconds(expiry) && isSeconds(maxAge) && (id === undefined || isId(id))
}

/** 22 characters, of which the last has two bits of the id and four that are zero. */
function isId (value: unknown): boolean {
  if (typeof value !== 'string' || value.length !== 22) return false
  const values = Array.from(value, character => URL_ALPHABET.indexOf(character))
  return !values.includes(-1) && values[21]! % 16 === 0 // there are 22
}

function refused (reason: string): Result {
  return { ok: false, reason }
}

// The signature

/** What a key signs with: hex of its BLAKE2b hash. */
export function signingSecret (key: Uint8Array): string {
  return hex(blake2b(key, { dkLen: 32 }))
}

export function sign (token: string, secret: string): string {
  const signature = hmac(sha256, new TextEncoder().encode(secret), new TextEncoder().encode(token))
  return `${token}.${encode(signature).replace(/=+$/, '')}`
}

/** The token, or null where none of the secrets made the signature. */
export function unsign (value: string, secrets: readonly string[]): string | null {
  const token = value.slice(0, Math.max(0, value.lastIndexOf('.')))
  return secrets.some(secret => sign(token, secret) === value) ? token : null
}

// base64 (RFC 4648 section 4), with padding

export function encode (bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const group = bytes.slice(at, at + 3)
    const [a = 0, b = 0, c = 0] = concat(group, new Uint8Array(3 - group.length))
    const bits = a << 16 | b << 8 | c
    for (let i = 0; i < 4; i++) text += i <= group.length ? ALPHABET[bits >> (18 - 6 * i) & 63] : '='
  }
  return text
}

/** Null for what is not the one spelling of some bytes. */
export function decode (text: string): Uint8Array | null {
  const digits = text.replace(/={1,2}$/, '')
  const values = Array.from(digits, character => ALPHABET.indexOf(character))
  if (values.includes(-1)) return null
  const bytes: number[] = []
  for (let at = 0; at < values.length; at += 4) {
    const [a = 0, b = 0, c = 0, d = 0] = values.slice(at, at + 4)
    const count = Math.min(values.length - at, 4) - 1
    bytes.push(...[a << 2 | b >> 4, (b & 15) << 4 | c >> 2, (c & 3) << 6 | d].slice(0, count))
  }
  const decoded = Uint8Array.from(bytes)
  return encode(decoded) === text ? decoded : null
}

/** How many bytes a decoder finds that takes both alphabets, skips what is of neither, and ends at "=". */
function looselyCounted (text: string): number {
  const [digits = ''] = text.split('=')
  const characters = Array.from(digits).filter(character => ALPHABET.includes(character) || URL_ALPHABET.includes(character))
  return Math.floor(characters.length * 6 / 8)
}
