import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { fail } from '../errors.ts'
import { AEAD_NONCE_BYTES, AEAD_TAG_BYTES, assertSubkeyLength, KEY_BYTES, type SodiumLibrary, view } from './library.ts'

// The same as sodium.ts for runtimes that libsodium does not run in: Cloudflare Workers, the edge runtime of Vercel and
// Next.js, browsers. Conditions in src/package.json choose between the two files; Node.js never loads this one.

const SALT_BYTES = 16
const HASH_BYTES = 32

/** crypto.getRandomValues() gives no more at once. */
const RANDOM_BYTES = 65536

/** Part of libsodium in JavaScript: the cipher of the sealed format, and what is derived from keys. */
export class Noble implements SodiumLibrary {
  readonly name = 'noble'

  fillRandom (buffer: Uint8Array): void {
    for (let at = 0; at < buffer.length; at += RANDOM_BYTES) crypto.getRandomValues(view(buffer.subarray(at, at + RANDOM_BYTES)))
  }

  aeadSeal (sealed: Uint8Array, message: Uint8Array, associatedData: Uint8Array, nonce: Uint8Array, key: Uint8Array): void {
    assertLength('message', message, sealed.length - AEAD_TAG_BYTES)
    xchacha20poly1305(view(key), view(nonce), view(associatedData)).encrypt(view(message), view(sealed))
  }

  aeadOpen (message: Uint8Array, sealed: Uint8Array, associatedData: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean {
    // Checked here: if the library threw for a length, it would pass for a wrong tag.
    assertLength('message', message, sealed.length - AEAD_TAG_BYTES)
    assertLength('nonce', nonce, AEAD_NONCE_BYTES)
    assertLength('key', key, KEY_BYTES)
    return verifies(() => xchacha20poly1305(view(key), view(nonce), view(associatedData)).decrypt(view(sealed), view(message)))
  }

  deriveSubkey (key: Uint8Array, id: number, context: string, length: number): Buffer {
    assertSubkeyLength(length)
    assertLength('key', key, KEY_BYTES)
    const salt = Buffer.alloc(SALT_BYTES)
    salt.writeUInt32LE(id)
    const personalization = Buffer.alloc(SALT_BYTES)
    personalization.write(context, 'latin1')
    return bufferOf(blake2b(new Uint8Array(), { dkLen: length, key: view(key), salt: view(salt), personalization: view(personalization) }))
  }

  hash (input: Uint8Array, key?: Uint8Array): Buffer {
    return bufferOf(blake2b(view(input), { dkLen: HASH_BYTES, ...(key !== undefined && { key: view(key) }) }))
  }

  // Options that would lead here are refused before.

  secretboxSeal (): never {
    throw new Error('there is no secretbox at the edge')
  }

  secretboxOpen (): never {
    throw new Error('there is no secretbox at the edge')
  }

  async derivePassphraseKey (): Promise<never> {
    throw new Error('there are no passphrases at the edge')
  }
}

/** @throws RangeError if a buffer does not have the length that it must have. */
function assertLength (name: string, { length }: Uint8Array, expected: number): void {
  if (length !== expected) throw new RangeError(`${name} must have ${expected} bytes, got ${length}`)
}

/**
 * False if a decryption throws, which it does for a wrong tag. The error has no stack trace, for the same reason as in
 * builds.ts: a flood of bad tokens would cost more than that of good ones.
 */
function verifies (decrypt: () => void): boolean {
  const { stackTraceLimit } = Error
  try {
    Error.stackTraceLimit = 0
    decrypt()
    return true
  } catch {
    return false
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function bufferOf ({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}

const library = new Noble()

/**
 * Checks that the runtime has what the code needs beside the language.
 * @throws `FST_SEALED_SESSION_NOT_AT_EDGE` without the `Buffer` of Node.js.
 */
export async function sodiumReady (): Promise<void> {
  // Polyfills of `Buffer` do not know base64url, and fail at the first token only.
  if (typeof Buffer === 'undefined' || !Buffer.isEncoding('base64url')) {
    throw fail('NOT_AT_EDGE', ['a runtime without the Buffer of Node.js'], { detail: 'For Cloudflare Workers, add the compatibility flag "nodejs_compat".' })
  }
}

/** True: there is nothing to wait for. */
export function isSodiumReady (): boolean {
  return true
}

/** Null: nothing takes the place of something better. */
export function fallbackReason (): string | null {
  return null
}

export function sodium (): SodiumLibrary {
  return library
}

/** Fills a buffer with random bytes. In Cloudflare Workers it throws outside of a request. */
export function fillRandom (buffer: Uint8Array): void {
  library.fillRandom(buffer)
}
