import { unquoted } from '../cookies/set-cookie.ts'
import { bytesOf } from './device-key.ts'

/** Longest answer that is looked at, in characters: one with an RSA key has about a thousand. */
const MAX_LENGTH = 4096

/** Answer of a browser to a challenge: a JWT that its device has signed. Nothing of it is checked but its form. */
export interface DeviceAnswer {
  readonly algorithm: unknown
  /** Public key that came along; undefined if none did. */
  readonly jwk: unknown
  /** The challenge. */
  readonly challenge: string
  /** Text that was signed. */
  readonly text: string
  readonly signature: Buffer
}

/** Answer in a header, in quotes or bare; null for what is none. */
export function readAnswer (header: unknown): DeviceAnswer | null {
  if (typeof header !== 'string' || header.length > MAX_LENGTH) return null
  const parts = unquoted(header).split('.')
  if (parts.length !== 3) return null
  const [head, claims, tail] = parts as [string, string, string]
  const [read, payload, signature] = [objectOf(head), objectOf(claims), bytesOf(tail)]
  if (read === null || payload === null || signature === null) return null
  if (!isOurs(read) || typeof payload.jti !== 'string') return null
  return { algorithm: read.alg, jwk: Object.hasOwn(read, 'jwk') ? read.jwk ?? null : undefined, challenge: payload.jti, text: `${head}.${claims}`, signature }
}

/** A "crit" names what a reader must understand, and nothing of that is understood here. */
function isOurs (header: Record<string, unknown>): boolean {
  return header.typ === 'dbsc+jwt' && !Object.hasOwn(header, 'crit')
}

function objectOf (part: string): Record<string, unknown> | null {
  const bytes = bytesOf(part)
  if (bytes === null) return null
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : null
  } catch {
    return null // a client can send any bytes
  }
}
