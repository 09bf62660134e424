import { randomFillSync } from 'node:crypto'
import {
  AEAD_NONCE_BYTES, AEAD_TAG_BYTES, assertLength, KEY_BYTES, SECRETBOX_MAC_BYTES, SECRETBOX_NONCE_BYTES,
  type SodiumLibrary, SUBKEY_MAX_BYTES, SUBKEY_MIN_BYTES, verifies
} from './library.ts'
import type { SodiumWasm } from './load.cts'
import { derivePassphraseKeyInWorker } from './passphrase-worker.ts'

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

  hash (input: Uint8Array): Buffer {
    return Buffer.from(this.#sodium.crypto_generichash(KEY_BYTES, view(input), null))
  }
}
