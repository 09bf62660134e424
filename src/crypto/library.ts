// The part of libsodium that this package needs, and nothing else of it. The two builds of libsodium implement it
// in `builds.ts`, and noble does in `noble.ts`, where there is no libsodium. A buffer of the wrong length is a defect
// of this package, and all three throw; they never write a part of it.

export const KEY_BYTES = 32
export const SALT_BYTES = 16
const SUBKEY_MIN_BYTES = 16
const SUBKEY_MAX_BYTES = 64
export const SECRETBOX_NONCE_BYTES = 24
export const SECRETBOX_MAC_BYTES = 16
export const AEAD_NONCE_BYTES = 24
export const AEAD_TAG_BYTES = 16

export interface SodiumLibrary {
  readonly name: 'native' | 'wasm' | 'noble'

  /**
   * Fills a buffer with random bytes.
   * @see https://doc.libsodium.org/generating_random_data
   */
  fillRandom (buffer: Uint8Array): void

  /**
   * XSalsa20-Poly1305, in place: `message` becomes the ciphertext, `mac` takes its 16-byte tag.
   * @see https://doc.libsodium.org/secret-key_cryptography/secretbox#detached-mode
   */
  secretboxSeal (message: Uint8Array, mac: Uint8Array, nonce: Uint8Array, key: Uint8Array): void

  /**
   * The inverse of `secretboxSeal`, in place. The tag is checked before anything is decrypted.
   * @returns false if the ciphertext was not made with this key and nonce, or was changed; it is then as it
   * was, so that another key can be tried.
   */
  secretboxOpen (ciphertext: Uint8Array, mac: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean

  /**
   * XChaCha20-Poly1305 (IETF), in place: `sealed` takes the ciphertext and its 16-byte tag.
   * @param message the beginning of `sealed`, which is 16 bytes longer.
   * @see https://doc.libsodium.org/secret-key_cryptography/aead/chacha20-poly1305/xchacha20-poly1305_construction
   */
  aeadSeal (sealed: Uint8Array, message: Uint8Array, associatedData: Uint8Array, nonce: Uint8Array, key: Uint8Array): void

  /**
   * The inverse of `aeadSeal`, in place.
   * @param message the beginning of `sealed`, without the last 16 bytes.
   * @returns false if anything is not as it was sealed, the associated data included; `message` then holds
   * nothing of use, and need not be as it was.
   */
  aeadOpen (message: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean

  /**
   * Subkey of a key, which says nothing about the key or about other subkeys.
   * @param id a whole number below 2 ** 31.
   * @param context eight characters that stand for the use.
   * @param length in bytes, from 16 to 64.
   * @see https://doc.libsodium.org/key_derivation
   */
  deriveSubkey (key: Uint8Array, id: number, context: string, length: number): Buffer

  /**
   * Derives a key from a passphrase on another thread: Argon2id with MODERATE limits, 3 passes over 256 MiB.
   * The limits are part of the key: others would give another key than @fastify/secure-session's.
   * @see https://doc.libsodium.org/password_hashing/default_phf
   */
  derivePassphraseKey (passphrase: Uint8Array, salt: Uint8Array): Promise<Buffer>

  /**
   * BLAKE2b, 32 bytes.
   * @param key 32 bytes. Without it, anybody can compute the hash of something that can be guessed.
   * @see https://doc.libsodium.org/hashing/generic_hashing
   */
  hash (input: Uint8Array, key?: Uint8Array): Buffer
}

/** @throws RangeError for a length that crypto_kdf does not give. */
export function assertSubkeyLength (length: number): void {
  if (length < SUBKEY_MIN_BYTES || length > SUBKEY_MAX_BYTES) throw new RangeError(`a subkey has ${SUBKEY_MIN_BYTES} to ${SUBKEY_MAX_BYTES} bytes, not ${length}`)
}

/**
 * The same bytes as the `Uint8Array` that libraries ask for with `instanceof`. In jsdom and in some edge
 * runtimes, that is not the class of Node's buffers.
 */
export function view ({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length)
}
