import { fillNonce } from '../crypto/nonces.ts'
import { SECRETBOX_MAC_BYTES as MAC_BYTES, SECRETBOX_NONCE_BYTES as NONCE_BYTES, secretboxOpen, secretboxSeal } from '../crypto/sodium.ts'
import { getOwn, type Data } from '../data.ts'
import { sealedSessionError } from '../errors.ts'
import type { Keyring } from '../keys/keyring.ts'
import { isCanonical, isStandardAlphabet } from './base64.ts'
import { MAX_TOKEN_LENGTH } from '../limits.ts'
import { TIME_KEY } from '../reserved.ts'
import { parse, stringify } from '../serializer.ts'

// The peer's token:
//
//   base64( tag 16 | ciphertext ) ; base64( nonce 24 )
//                        │
//                        └─ XSalsa20-Poly1305 of {"userId":1, …, "__ts":1760000000}
//
// __ts is the time of the last write in seconds. Both parts are in the standard alphabet, padded.
// Nothing binds a token to its session: any session that shares the key opens it.

/** Characters of the nonce's part: 24 bytes need no padding. */
const NONCE_LENGTH = 32

/** Room for `,"__ts":1760000000}`, with a time that has as many digits as a number can have. */
const TIME_BYTES = 32

/** What fits into the longest token, in bytes of JSON. */
const MAX_JSON_BYTES = Math.floor((MAX_TOKEN_LENGTH - 1 - NONCE_LENGTH) / 4) * 3 - MAC_BYTES - TIME_BYTES

/** Why a token of this format was not opened, in the order in which it is found out. */
export type SecretboxRefusal = 'too-long' | 'malformed' | 'ciphertext-length' | 'nonce-length' | 'not-authentic' | 'payload-invalid'

export interface SecretboxContent {
  data: Data
  /** Time of the last write, in seconds. Whatever the token holds; the caller checks it. */
  lastWrite: unknown
}

export type SecretboxOpened =
  | { ok: true, content: SecretboxContent, keyIndex: number }
  | { ok: false, reason: SecretboxRefusal }

/**
 * Where sealing and opening are done, laid out like the first part of a token. libsodium gets views
 * of it, which cost less than buffers of their own. Made when first needed, so that a startup
 * snapshot holds none. No code of the app's runs between writing to it and reading from it.
 */
interface Workspace {
  bytes: Buffer
  mac: Uint8Array
  nonce: Buffer
  /** Views of the message or ciphertext, by length: those of cookies are few and soon all made. */
  views: Array<Uint8Array | undefined>
}

let workspace: Workspace | null = null

const MAX_VIEW = 4096

function getWorkspace (): Workspace {
  if (workspace === null) {
    const bytes = Buffer.allocUnsafeSlow(MAX_TOKEN_LENGTH)
    workspace = { bytes, mac: bytes.subarray(0, MAC_BYTES), nonce: Buffer.allocUnsafeSlow(NONCE_BYTES), views: new Array<undefined>(MAX_VIEW + 1) }
  }
  return workspace
}

/** The part of the workspace after the tag. */
function viewOf ({ bytes, views }: Workspace, length: number): Uint8Array {
  if (length > MAX_VIEW) return bytes.subarray(MAC_BYTES, MAC_BYTES + length)
  views[length] ??= bytes.subarray(MAC_BYTES, MAC_BYTES + length)
  return views[length]
}

/** Seals with the first key of the keyring. */
export function sealSecretbox (content: SecretboxContent, keyring: Keyring, fillRandom = fillNonce): string {
  // 1. data to JSON: what the app has written, such as a toJSON(), runs here and nowhere below
  const json = stringify(content.data)
  // 2. JSON and time to bytes
  const workspace = getWorkspace()
  const { bytes, mac, nonce } = workspace
  const length = writeMessage(bytes, json, content.lastWrite)
  // 3. encrypt
  fillRandom(nonce)
  secretboxSeal(viewOf(workspace, length), mac, nonce, keyring.first)
  // 4. encode
  return `${bytes.toString('base64', 0, MAC_BYTES + length)};${nonce.toString('base64')}`
}

/**
 * Opens with whichever key fits: the steps of `sealSecretbox`, backwards. The checks run in the peer's order, and what follows a second `;`
 * is ignored as there: clients send back whole `Set-Cookie` lines.
 */
export function openSecretbox (token: string, keyring: Keyring): SecretboxOpened {
  // 4. decode, after a bound on the work
  if (token.length > MAX_TOKEN_LENGTH) return refused('too-long')
  const first = token.indexOf(';')
  if (first === -1) return refused('malformed')
  const second = token.indexOf(';', first + 1)
  const text = second === -1 ? token : token.slice(0, second)
  const ciphertextText = text.slice(0, first)
  const nonceText = text.slice(first + 1)

  const workspace = getWorkspace()
  const { bytes, mac, nonce } = workspace
  const end = bytes.write(ciphertextText, 'base64')
  if (end < MAC_BYTES) return refused('ciphertext-length')
  if (nonceText.length !== NONCE_LENGTH) return refused(lengthRefusal(nonceText))
  if (nonce.write(nonceText, 'base64') !== NONCE_BYTES) return refused('nonce-length')
  if (!isCanonical(ciphertextText, end) || !isCanonical(nonceText, NONCE_BYTES)) return refused('malformed')
  if (!isStandardAlphabet(text)) return refused('malformed')

  // 3. decrypt
  const ciphertext = viewOf(workspace, end - MAC_BYTES)
  const keyIndex = decrypt(ciphertext, mac, nonce, keyring.all)
  if (keyIndex === -1) return refused('not-authentic')

  // 2. and 1. bytes to JSON, JSON to data and time
  const content = readContent(bytes.toString('utf8', MAC_BYTES, end))
  return content === null ? refused('payload-invalid') : { ok: true, content, keyIndex }
}

/** Decrypts in place with the first key that fits, and returns its index, or -1. */
function decrypt (ciphertext: Uint8Array, mac: Uint8Array, nonce: Uint8Array, keys: readonly Buffer[]): number {
  for (let index = 0; index < keys.length; index++) {
    if (secretboxOpen(ciphertext, mac, nonce, keys[index]!)) return index // the index is within bounds
  }
  return -1
}

function refused (reason: SecretboxRefusal): SecretboxOpened {
  return { ok: false, reason }
}

/** Of a nonce whose text has the wrong length: other bytes, or the right ones spelt otherwise. */
function lengthRefusal (nonceText: string): SecretboxRefusal {
  return Buffer.from(nonceText, 'base64').length === NONCE_BYTES ? 'malformed' : 'nonce-length'
}

/** Writes the JSON of an object, with the time as its last property, and returns its length in bytes. */
function writeMessage (bytes: Buffer, json: string, lastWrite: unknown): number {
  // No character of a string takes more than three bytes.
  const length = json.length * 3 < MAX_JSON_BYTES ? 0 : Buffer.byteLength(json)
  if (length > MAX_JSON_BYTES) throw sealedSessionError('FST_SEALED_SESSION_TOO_LARGE', [length, MAX_JSON_BYTES])
  const brace = MAC_BYTES + bytes.write(json, MAC_BYTES) - 1
  const time = `${json === '{}' ? '' : ','}"${TIME_KEY}":${lastWrite}}`
  return brace + bytes.write(time, brace) - MAC_BYTES
}

/** The inverse of `writeMessage` and `stringify`. */
function readContent (json: string): SecretboxContent | null {
  const data = parse(json)
  if (data === null) return null
  const lastWrite = getOwn(data, TIME_KEY)
  delete data[TIME_KEY]
  return { data, lastWrite }
}
