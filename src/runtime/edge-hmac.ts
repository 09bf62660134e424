import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Signer } from '../cookies/hmac.ts'

type Secret = string | Buffer

/**
 * Signer of `@fastify/cookie`: without the plugin, which needs Node.js. The same signatures, and the same errors.
 * @throws TypeError for a secret that is neither text nor bytes
 * @see cookies/hmac.ts, in whose place this is at the edge.
 */
export function signerFactory (given: Secret | readonly Secret[]): Signer {
  const secrets: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (!secrets.every(isSecret)) throw new TypeError('Secret key must be a string or Buffer.')
  const [first] = secrets
  return {
    sign: value => `${value}.${signatureOf(value, first ?? '')}`,
    unsign: signed => {
      const dot = signed.lastIndexOf('.')
      const value = signed.slice(0, Math.max(0, dot))
      const secret = dot === -1 ? undefined : secrets.find(secret => isSame(signatureOf(value, secret), signed.slice(dot + 1)))
      return secret === undefined ? { valid: false, renew: false, value: null } : { valid: true, renew: secret !== first, value }
    }
  }
}

function isSecret (secret: unknown): secret is Secret {
  return typeof secret === 'string' || Buffer.isBuffer(secret)
}

/** In base64 without padding. */
function signatureOf (value: string, secret: Secret): string {
  const signature = hmac(sha256, new Uint8Array(Buffer.from(secret as string)), new Uint8Array(Buffer.from(value)))
  return Buffer.from(signature).toString('base64').replace(/=+$/, '')
}

/** Compares in a time that says nothing of where two signatures differ. */
function isSame (a: string, b: string): boolean {
  let difference = a.length ^ b.length
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index)
  return difference === 0
}
