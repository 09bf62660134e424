import type { SodiumNative } from 'sodium-native'
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, assertLength, KEY_BYTES, type SodiumLibrary, verifies } from './library.ts'
import { derivePassphraseKeyInWorker } from './passphrase-worker.ts'

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

  hash (input: Uint8Array): Buffer {
    const output = Buffer.alloc(this.#sodium.crypto_generichash_BYTES)
    this.#sodium.crypto_generichash(output, input)
    return output
  }
}
