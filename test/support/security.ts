// Sealed tokens made with libsodium alone, after docs/reference/format.md: what a program with the key could send.
import { randomBytes } from 'node:crypto'
import sodium from 'sodium-native'

export interface Parts {
  key: Uint8Array
  /** The cookie's name, unless the session says otherwise. */
  context?: string
  version?: number
  /** Of another key than the one that seals. */
  keyId?: Buffer
  flags?: number
  /** Milliseconds since 1970; default now. */
  created?: number
  /** Seconds after `created`. */
  lastWrite?: number
  payload?: string
}

/** The bytes of a token. */
export function sealedBytes ({ key, context = 'session', version = 1, keyId = keyIdOf(key), flags = 0, created = Date.now(), lastWrite = 0, payload = '{}' }: Parts): Buffer {
  const header = Buffer.alloc(11)
  header[0] = flags
  header.writeUIntBE(created, 1, 6)
  header.writeUInt32BE(lastWrite, 7)
  const message = Buffer.concat([header, Buffer.from(payload)])
  const sealed = Buffer.alloc(message.length + 16)
  const name = Buffer.concat([Buffer.from([version]), keyId])
  const nonce = randomBytes(24)
  sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, message, Buffer.concat([name, Buffer.from(context)]), null, nonce, subkey(key, 1, 32))
  return Buffer.concat([name, nonce, sealed])
}

export function sealedToken (parts: Parts): string {
  return sealedBytes(parts).toString('base64url')
}

/** The id that tokens have of a key. */
export function keyIdOf (key: Uint8Array): Buffer {
  return subkey(key, 2, 16).subarray(0, 4)
}

function subkey (key: Uint8Array, id: number, length: number): Buffer {
  const derived = Buffer.alloc(length)
  sodium.crypto_kdf_derive_from_key(derived, id, Buffer.from('fsealses'), key)
  return derived
}
