import sodium from 'sodium-native'

// The calls of libsodium that this package needs, and nothing else of it.

export const KEY_BYTES = 32
export const SECRETBOX_NONCE_BYTES = 24
export const SECRETBOX_MAC_BYTES = 16
export const SALT_BYTES = 16

/**
 * Fills a buffer with random bytes.
 * @see https://doc.libsodium.org/generating_random_data
 */
export function fillRandom (buffer: Uint8Array): void {
  sodium.randombytes_buf(buffer)
}

/**
 * XSalsa20-Poly1305, in place: `message` becomes the ciphertext, `mac` takes its 16-byte tag.
 * @see https://doc.libsodium.org/secret-key_cryptography/secretbox#detached-mode
 */
export function secretboxSeal (message: Uint8Array, mac: Uint8Array, nonce: Uint8Array, key: Uint8Array): void {
  sodium.crypto_secretbox_detached(message, mac, message, nonce, key)
}

/**
 * The inverse of `secretboxSeal`, in place. The tag is checked before anything is decrypted.
 * @returns false where the ciphertext was not made with this key and nonce, or was changed; it is
 * then as it was, so that another key can be tried.
 */
export function secretboxOpen (ciphertext: Uint8Array, mac: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean {
  return sodium.crypto_secretbox_open_detached(ciphertext, ciphertext, mac, nonce, key)
}

/**
 * Derives a key from a passphrase on a thread of the pool: Argon2id with MODERATE limits, 3 passes
 * over 256 MiB. The limits are part of the key: others would give another key than the peer's.
 * @see https://doc.libsodium.org/password_hashing/default_phf
 */
export async function derivePassphraseKey (passphrase: Uint8Array, salt: Uint8Array): Promise<Buffer> {
  const key = Buffer.alloc(KEY_BYTES)
  await sodium.crypto_pwhash_async(
    key,
    passphrase,
    salt,
    sodium.crypto_pwhash_OPSLIMIT_MODERATE,
    sodium.crypto_pwhash_MEMLIMIT_MODERATE,
    sodium.crypto_pwhash_ALG_DEFAULT
  )
  return key
}

/**
 * BLAKE2b, 32 bytes, without a key.
 * @see https://doc.libsodium.org/hashing/generic_hashing
 */
export function hash (input: Uint8Array): Buffer {
  const output = Buffer.alloc(sodium.crypto_generichash_BYTES)
  sodium.crypto_generichash(output, input)
  return output
}
