import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import { isCanonicalUrl } from '../token/sealed.ts'
import type { DeviceAlgorithm } from './types.ts'

// Public keys of devices. libsodium has neither P-256 nor RSA, so that these are Node's own.
//
// The dangers of JWT do not exist where the algorithm is that of the stored key: there is no "none", and no HMAC with a
// public key.

/** Algorithms by their number in an identifier. */
const ALGORITHMS: readonly DeviceAlgorithm[] = ['ES256', 'RS256']

/** Bytes of a coordinate on P-256. */
const COORDINATE_BYTES = 32

const SIGNATURE_BYTES = 2 * COORDINATE_BYTES

/** Bytes of an RSA modulus: 2048 to 4096 bits. */
const MODULUS_BYTES = { least: 256, most: 512 }

/** The exponent that all TPMs use: 65537. */
const EXPONENT = 'AQAB'

/** Members of a JWK that belong to a private key. */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** Public key of a device. */
export interface DeviceKey {
  readonly algorithm: DeviceAlgorithm
  /** Both coordinates of a point on P-256, or the modulus of an RSA key. */
  readonly bytes: Buffer
}

export function numberOf (algorithm: DeviceAlgorithm): number {
  return ALGORITHMS.indexOf(algorithm)
}

export function algorithmOf (number: number): DeviceAlgorithm | null {
  return ALGORITHMS[number] ?? null
}

/** Key of a JWK. Null for one of another kind, off the curve, or with a private part. */
export function keyOf (jwk: unknown, algorithm: DeviceAlgorithm): DeviceKey | null {
  if (typeof jwk !== 'object' || jwk === null || PRIVATE.some(name => Object.hasOwn(jwk, name))) return null
  const bytes = algorithm === 'ES256' ? pointOf(jwk as JsonWebKey) : modulusOf(jwk as JsonWebKey)
  if (bytes === null) return null
  const key = { algorithm, bytes }
  return importKey(key) === null ? null : key
}

function pointOf ({ kty, crv, x, y }: JsonWebKey): Buffer | null {
  const [a, b] = [bytesOf(x), bytesOf(y)]
  const isPoint = kty === 'EC' && crv === 'P-256' && a?.length === COORDINATE_BYTES && b?.length === COORDINATE_BYTES
  return isPoint ? Buffer.concat([a, b]) : null
}

function modulusOf ({ kty, n, e }: JsonWebKey): Buffer | null {
  const modulus = bytesOf(n)
  const isRight = kty === 'RSA' && e === EXPONENT && modulus !== null && modulus[0]! >= 0x80 && modulus.length >= MODULUS_BYTES.least && modulus.length <= MODULUS_BYTES.most
  return isRight ? modulus : null
}

/** Bytes of text in base64url, in its one spelling; null for anything else, and for none. */
export function bytesOf (text: unknown): Buffer | null {
  if (typeof text !== 'string') return null
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length > 0 && isCanonicalUrl(text, bytes.length) ? bytes : null
}

/** Null for a point that is not on the curve, or bytes of a wrong length. */
function importKey ({ algorithm, bytes }: DeviceKey): KeyObject | null {
  const text = (from: number, to?: number): string => bytes.toString('base64url', from, to)
  const jwk = algorithm === 'ES256'
    ? { kty: 'EC', crv: 'P-256', x: text(0, COORDINATE_BYTES), y: text(COORDINATE_BYTES) }
    : { kty: 'RSA', n: text(0), e: EXPONENT }
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return null // a client can send any bytes
  }
}

/** True if the device has signed the text. */
export function hasSigned (key: DeviceKey, text: string, signature: Buffer): boolean {
  const publicKey = importKey(key)
  if (publicKey === null) return false
  if (key.algorithm === 'RS256') return verify('sha256', Buffer.from(text), publicKey, signature)
  return signature.length === SIGNATURE_BYTES && verify('sha256', Buffer.from(text), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
}
