import { types } from '#runtime'
import { SALT_BYTES } from '../crypto/library.ts'
import { sodium } from '#sodium'
import { kindOf, fail } from '../errors.ts'

const SECRET_MIN_BYTES = 32

/**
 * Salt for apps that give none. It is @fastify/secure-session's, so that both derive the same key. Being
 * public and the same everywhere, it lets an attacker try one guess against all installations at once; that
 * is the reason for the warning about an absent salt.
 */
const DEFAULT_SALT = 'mq9hDxBVDbspDR6nLfFT1g=='

/** Derivations at the same time: each takes 256 MiB while it runs. */
const MAX_PARALLEL = 2

/**
 * The bytes of one passphrase or of an array of them, copied.
 * @param secret each at least 32 bytes; text is encoded in UTF-8.
 * @throws `FST_SEALED_SESSION_KEY_MISSING` for an empty array, `FST_SEALED_SESSION_SECRET_TYPE`,
 * `FST_SEALED_SESSION_SECRET_LENGTH`.
 */
export function readSecrets (secret: unknown): Buffer[] {
  if (!Array.isArray(secret)) return [readSecret(secret, 'secret')]
  if (secret.length === 0) throw fail('KEY_MISSING', [], { detail: 'The array of passphrases is empty.' })
  return secret.map((item, index) => readSecret(item, `secret[${index}]`))
}

/**
 * Keys that belong to passphrases, two derived at a time, each in about half a second of another thread.
 * @param salt exactly 16 bytes; text is taken as one byte a character, as @fastify/secure-session does.
 * @throws `FST_SEALED_SESSION_SALT_TYPE`, `FST_SEALED_SESSION_SALT_LENGTH`, before anything is derived.
 */
export async function keysFromPassphrases (passphrases: readonly Buffer[], salt: unknown): Promise<Buffer[]> {
  const saltBytes = salt === undefined ? Buffer.from(DEFAULT_SALT, 'base64') : readSalt(salt)
  const keys: Buffer[] = []
  const left = passphrases.entries()
  const derive = async (): Promise<void> => {
    // Both share the iterator: each takes the next passphrase when it has done one.
    for (const [index, passphrase] of left) keys[index] = await sodium().derivePassphraseKey(passphrase, saltBytes)
  }
  await Promise.all(Array.from({ length: MAX_PARALLEL }, derive))
  return keys
}

function readSecret (secret: unknown, label: string): Buffer {
  if (typeof secret !== 'string' && !types.isUint8Array(secret)) {
    throw fail('SECRET_TYPE', [label, kindOf(secret)])
  }
  const bytes = Buffer.from(secret)
  if (bytes.length < SECRET_MIN_BYTES) {
    throw fail('SECRET_LENGTH', [label], { detail: `It has ${bytes.length} bytes.` })
  }
  return bytes
}

function readSalt (salt: unknown): Buffer {
  if (typeof salt !== 'string' && !types.isUint8Array(salt)) {
    throw fail('SALT_TYPE', [kindOf(salt)])
  }
  const bytes = typeof salt === 'string' ? Buffer.from(salt, 'latin1') : Buffer.from(salt)
  if (bytes.length !== SALT_BYTES) {
    throw fail('SALT_LENGTH', [], { detail: `It has ${bytes.length} bytes.` })
  }
  return bytes
}
