import { randomFillSync } from 'node:crypto'
import type { SodiumNative } from 'sodium-native'
import type { SodiumWasm } from './load.cts'
import { derivePassphraseKeyInWorker } from './passphrase-worker.ts'

// The part of libsodium that this package needs, and nothing else of it. The two builds implement it
// below; `sodium.ts` chooses one of them. A buffer of the wrong length is a defect of this package, and both
// throw; they never write a part of it.

export const KEY_BYTES = 32
export const SALT_BYTES = 16
const SUBKEY_MIN_BYTES = 16
const SUBKEY_MAX_BYTES = 64
export const SECRETBOX_NONCE_BYTES = 24
export const SECRETBOX_MAC_BYTES = 16
export const AEAD_NONCE_BYTES = 24
export const AEAD_TAG_BYTES = 16

export interface SodiumLibrary {
  readonly name: 'native' | 'wasm'

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

/**
 * Check of a buffer's length. Both builds of libsodium check what they read, but not all that is written to.
 * @throws RangeError if a buffer does not have the length that it must have.
 */
function assertLength (name: string, { length }: Uint8Array, expected: number): void {
  if (length !== expected) throw new RangeError(`${name} must have ${expected} bytes, got ${length}`)
}

/**
 * False if a decryption throws: both builds of libsodium throw if a tag is wrong.
 *
 * Errors made meanwhile have no stack trace. Nobody reads it, and to write it takes longer than to open a
 * token: a flood of bad tokens would cost more than one of good ones.
 */
function verifies (decrypt: () => void): boolean {
  const { stackTraceLimit } = Error
  limitStackTraces(0)
  try {
    decrypt()
    return true
  } catch {
    return false
  } finally {
    limitStackTraces(stackTraceLimit)
  }
}

function limitStackTraces (limit: number): void {
  try {
    Error.stackTraceLimit = limit
  } catch {
    // If intrinsics are frozen, errors have their traces.
  }
}

/**
 * Reason why something could not be loaded, in one line for a log. The error's own message then has several
 * lines: each path that was tried, and each module that required it.
 */
export function reasonOf (error: unknown): string {
  // libsodium as WebAssembly throws text if it finds no secure random numbers.
  const { code, message = String(error), cause } = error as { code?: string, message?: string, cause?: { message?: string } }
  if (code === 'ADDON_NOT_FOUND') {
    const platform = /prebuilds\/([\w-]+)\//.exec(message)?.[1] ?? `${process.platform}-${process.arch}`
    return `it has no binary for ${platform}`
  }
  // The addon's loader says that a file cannot be loaded, and has the system's reason as the cause.
  const [line = ''] = (cause?.message ?? message).split('\n')
  return line
}

/** libsodium as an addon, compiled for the platform. */
export class NativeSodium implements SodiumLibrary {
  readonly name = 'native'
  readonly #sodium: SodiumNative

  constructor (sodium: SodiumNative) {
    this.#sodium = sodium
  }

  fillRandom (buffer: Uint8Array): void {
    this.#sodium.randombytes_buf(buffer)
  }

  secretboxSeal (message: Uint8Array, mac: Uint8Array, nonce: Uint8Array, key: Uint8Array): void {
    this.#sodium.crypto_secretbox_detached(message, mac, message, nonce, key)
  }

  secretboxOpen (ciphertext: Uint8Array, mac: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean {
    return this.#sodium.crypto_secretbox_open_detached(ciphertext, ciphertext, mac, nonce, key)
  }

  aeadSeal (sealed: Uint8Array, message: Uint8Array, associatedData: Uint8Array, nonce: Uint8Array, key: Uint8Array): void {
    this.#sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, message, associatedData, null, nonce, key)
  }

  aeadOpen (message: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean {
    // Checked here: if the addon threw for a length, it would pass for a wrong tag.
    assertLength('message', message, sealed.length - AEAD_TAG_BYTES)
    assertLength('nonce', nonce, AEAD_NONCE_BYTES)
    assertLength('key', key, KEY_BYTES)
    return verifies(() => this.#sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(message, null, sealed, associatedData, nonce, key))
  }

  deriveSubkey (key: Uint8Array, id: number, context: string, length: number): Buffer {
    const subkey = Buffer.alloc(length)
    this.#sodium.crypto_kdf_derive_from_key(subkey, id, Buffer.from(context), key)
    return subkey
  }

  async derivePassphraseKey (passphrase: Uint8Array, salt: Uint8Array): Promise<Buffer> {
    // In Deno the addon's threads end the process with a segmentation fault (Deno 2.9, sodium-native 5.1).
    if (process.versions.deno !== undefined) return await derivePassphraseKeyInWorker(passphrase, salt)
    const key = Buffer.alloc(KEY_BYTES)
    await this.#sodium.crypto_pwhash_async(
      key,
      passphrase,
      salt,
      this.#sodium.crypto_pwhash_OPSLIMIT_MODERATE,
      this.#sodium.crypto_pwhash_MEMLIMIT_MODERATE,
      this.#sodium.crypto_pwhash_ALG_DEFAULT
    )
    return key
  }

  hash (input: Uint8Array, key?: Uint8Array): Buffer {
    const output = Buffer.alloc(this.#sodium.crypto_generichash_BYTES)
    if (key === undefined) this.#sodium.crypto_generichash(output, input)
    else this.#sodium.crypto_generichash(output, input, key)
    return output
  }
}

/**
 * Random bytes for a process without the addon. They need no library: libsodium as WebAssembly has them from
 * Node, too, but four at a time.
 */
export function fillRandomWithout (buffer: Uint8Array): void {
  randomFillSync(buffer)
}

/**
 * The same bytes as the `Uint8Array` that libsodium asks for with `instanceof`. If a test runs in jsdom, that
 * is not the class of Node's buffers.
 */
function view ({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length)
}

/**
 * libsodium compiled to WebAssembly, by its own author: for platforms that the addon has no binary
 * for. The same tokens, slower with long ones. It copies what it is given and what it returns.
 */
export class WasmSodium implements SodiumLibrary {
  readonly name = 'wasm'
  readonly #sodium: SodiumWasm

  /** @param sodium must be ready. */
  constructor (sodium: SodiumWasm) {
    this.#sodium = sodium
  }

  fillRandom (buffer: Uint8Array): void {
    fillRandomWithout(buffer)
  }

  secretboxSeal (message: Uint8Array, mac: Uint8Array, nonce: Uint8Array, key: Uint8Array): void {
    assertLength('mac', mac, SECRETBOX_MAC_BYTES)
    const sealed = this.#sodium.crypto_secretbox_detached(view(message), view(nonce), view(key))
    mac.set(sealed.mac)
    message.set(sealed.cipher)
  }

  secretboxOpen (ciphertext: Uint8Array, mac: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean {
    // Checked here: if the library threw for a length, it would pass for a wrong tag.
    assertLength('mac', mac, SECRETBOX_MAC_BYTES)
    assertLength('nonce', nonce, SECRETBOX_NONCE_BYTES)
    assertLength('key', key, KEY_BYTES)
    return verifies(() => ciphertext.set(this.#sodium.crypto_secretbox_open_detached(view(ciphertext), view(mac), view(nonce), view(key))))
  }

  aeadSeal (sealed: Uint8Array, message: Uint8Array, associatedData: Uint8Array, nonce: Uint8Array, key: Uint8Array): void {
    assertLength('message', message, sealed.length - AEAD_TAG_BYTES)
    sealed.set(this.#sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(view(message), view(associatedData), null, view(nonce), view(key)))
  }

  aeadOpen (message: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean {
    assertLength('message', message, sealed.length - AEAD_TAG_BYTES)
    assertLength('nonce', nonce, AEAD_NONCE_BYTES)
    assertLength('key', key, KEY_BYTES)
    return verifies(() => message.set(this.#sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, view(sealed), view(associatedData), view(nonce), view(key))))
  }

  deriveSubkey (key: Uint8Array, id: number, context: string, length: number): Buffer {
    // For a shorter length the library returns zeros and no error.
    if (length < SUBKEY_MIN_BYTES || length > SUBKEY_MAX_BYTES) throw new RangeError(`a subkey has ${SUBKEY_MIN_BYTES} to ${SUBKEY_MAX_BYTES} bytes, not ${length}`)
    return Buffer.from(this.#sodium.crypto_kdf_derive_from_key(length, id, context, view(key)))
  }

  async derivePassphraseKey (passphrase: Uint8Array, salt: Uint8Array): Promise<Buffer> {
    return await derivePassphraseKeyInWorker(passphrase, salt)
  }

  hash (input: Uint8Array, key?: Uint8Array): Buffer {
    return Buffer.from(this.#sodium.crypto_generichash(KEY_BYTES, view(input), key === undefined ? null : view(key)))
  }
}
