import { SECRETBOX_MAC_BYTES, SECRETBOX_NONCE_BYTES, secretboxOpen, secretboxSeal } from '../crypto/sodium.ts'
import type { Keyring } from '../keys/keyring.ts'
import { parse, stringify, type Data } from '../serializer.ts'

// The peer's token:
//
//   base64( tag 16 | ciphertext ) ; base64( nonce 24 )
//                        │
//                        └─ XSalsa20-Poly1305 of {"userId":1, …, "__ts":1760000000}
//
// __ts is the time of the last write in seconds. Both parts are in the standard alphabet, padded.
// Nothing binds a token to its session: any session that shares the key opens it.

/** The one property that the format itself keeps among the session's data. */
export const TIME_KEY = '__ts'

/** Why a token of this format was not opened, in the order in which it is found out. */
export type SecretboxRefusal = 'malformed' | 'ciphertext-length' | 'nonce-length' | 'not-authentic' | 'payload-invalid'

export interface SecretboxContent {
  data: Data
  /** Time of the last write, in seconds. Whatever the token holds; the caller checks it. */
  lastWrite: unknown
}

export type SecretboxOpened =
  | { ok: true, content: SecretboxContent, keyIndex: number }
  | { ok: false, reason: SecretboxRefusal }

/** Seals with the first key of the keyring. */
export function sealSecretbox (content: SecretboxContent, keyring: Keyring, fillRandom: (buffer: Uint8Array) => void): string {
  const message = Buffer.from(withTime(stringify(content.data), content.lastWrite))
  const nonce = Buffer.allocUnsafe(SECRETBOX_NONCE_BYTES)
  fillRandom(nonce)
  const ciphertext = secretboxSeal(message, nonce, keyring.first)
  return `${ciphertext.toString('base64')};${nonce.toString('base64')}`
}

/**
 * Opens with whichever key fits. The checks run in the peer's order, and what follows a second `;`
 * is ignored as there: clients send back whole `Set-Cookie` lines.
 */
export function openSecretbox (token: string, keyring: Keyring): SecretboxOpened {
  const first = token.indexOf(';')
  if (first === -1) return refused('malformed')
  const second = token.indexOf(';', first + 1)
  const ciphertextText = token.slice(0, first)
  const nonceText = second === -1 ? token.slice(first + 1) : token.slice(first + 1, second)

  const ciphertext = Buffer.from(ciphertextText, 'base64')
  if (ciphertext.length < SECRETBOX_MAC_BYTES) return refused('ciphertext-length')
  const nonce = Buffer.from(nonceText, 'base64')
  if (nonce.length !== SECRETBOX_NONCE_BYTES) return refused('nonce-length')
  // Node's decoder skips stray characters and takes other alphabets and paddings. One token, one
  // string: what compares or caches cookies must not be fooled by a second spelling.
  if (!isCanonical(ciphertextText, ciphertext) || !isCanonical(nonceText, nonce)) return refused('malformed')

  const message = Buffer.allocUnsafe(ciphertext.length - SECRETBOX_MAC_BYTES)
  const keyIndex = keyring.all.findIndex(key => secretboxOpen(message, ciphertext, nonce, key))
  if (keyIndex === -1) return refused('not-authentic')

  const content = readContent(message.toString())
  return content === null ? refused('payload-invalid') : { ok: true, content, keyIndex }
}

function refused (reason: SecretboxRefusal): SecretboxOpened {
  return { ok: false, reason }
}

function isCanonical (text: string, bytes: Buffer): boolean {
  return bytes.toString('base64') === text
}

/** Adds the time to the JSON of an object; `data` itself never has that key. */
function withTime (json: string, lastWrite: unknown): string {
  const time = `"${TIME_KEY}":${lastWrite}}`
  return json === '{}' ? `{${time}` : `${json.slice(0, -1)},${time}`
}

/** The inverse of `withTime` and `stringify`. */
function readContent (json: string): SecretboxContent | null {
  const data = parse(json)
  if (data === null) return null
  const lastWrite = data[TIME_KEY]
  delete data[TIME_KEY]
  return { data, lastWrite }
}
