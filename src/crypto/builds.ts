import { randomFillSync } from 'node:crypto'
import type { SodiumNative } from 'sodium-native'
import {
  AEAD_NONCE_BYTES, AEAD_TAG_BYTES, assertSubkeyLength, KEY_BYTES, SECRETBOX_MAC_BYTES, SECRETBOX_NONCE_BYTES,
  type SodiumLibrary, view
} from './library.ts'
import type { SodiumWasm } from './load.cts'
import { derivePassphraseKeyInWorker } from './passphrase-worker.ts'

/**
 * Check of a buffer's length. Both builds of libsodium check what they read, but not all that is written to.
 * @throws RangeError if a buffer does not have the length that it must have.
 */
function assertLength (name: string, { length }: Uint8Array, expected: number): void {
  if (length !== expected) throw new RangeError(`${name} must have ${expected} bytes, got ${length}`)
}

/**
 * Has errors be made without a stack trace from here on, and returns the limit of before. Both builds of libsodium throw
 * if a tag is wrong. Nobody reads that trace, and to write it takes longer than to open a token: a flood of bad
 * tokens would cost more than one of good ones.
 *
 * Decryptions do this themselves: a function that takes one as a callback costs a closure for each token.
 */
function withoutTraces (): number {
  const { stackTraceLimit } = Error
  limitStackTraces(0)
  return stackTraceLimit
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
    const limit = withoutTraces()
    try {
      this.#sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(message, null, sealed, associatedData, nonce, key)
      return true
    } catch {
      return false // the tag is wrong
    } finally {
      limitStackTraces(limit)
    }
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
    const limit = withoutTraces()
    try {
      ciphertext.set(this.#sodium.crypto_secretbox_open_detached(view(ciphertext), view(mac), view(nonce), view(key)))
      return true
    } catch {
      return false // the tag is wrong
    } finally {
      limitStackTraces(limit)
    }
  }

  aeadSeal (sealed: Uint8Array, message: Uint8Array, associatedData: Uint8Array, nonce: Uint8Array, key: Uint8Array): void {
    assertLength('message', message, sealed.length - AEAD_TAG_BYTES)
    sealed.set(this.#sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(view(message), view(associatedData), null, view(nonce), view(key)))
  }

  aeadOpen (message: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean {
    assertLength('message', message, sealed.length - AEAD_TAG_BYTES)
    assertLength('nonce', nonce, AEAD_NONCE_BYTES)
    assertLength('key', key, KEY_BYTES)
    const limit = withoutTraces()
    try {
      message.set(this.#sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, view(sealed), view(associatedData), view(nonce), view(key)))
      return true
    } catch {
      return false // the tag is wrong
    } finally {
      limitStackTraces(limit)
    }
  }

  deriveSubkey (key: Uint8Array, id: number, context: string, length: number): Buffer {
    assertSubkeyLength(length) // for a shorter one the library returns zeros and no error
    return Buffer.from(this.#sodium.crypto_kdf_derive_from_key(length, id, context, view(key)))
  }

  async derivePassphraseKey (passphrase: Uint8Array, salt: Uint8Array): Promise<Buffer> {
    return await derivePassphraseKeyInWorker(passphrase, salt)
  }

  hash (input: Uint8Array, key?: Uint8Array): Buffer {
    return Buffer.from(this.#sodium.crypto_generichash(KEY_BYTES, view(input), key === undefined ? null : view(key)))
  }
}
