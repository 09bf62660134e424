import { fail } from '../errors.ts'
import type { TokenFormat } from '../token/format.ts'

// Parts of this package that are left out at the edge, which keeps bundles small: the format secretbox, passphrases, and key files.
// Options that would lead here are refused before, or here.

/** Format of @fastify/secure-session, which neither seals nor opens here. */
export function secretboxFormat (): TokenFormat<never> {
  return { name: 'secretbox', seal: absent, sealLine: absent, open: absent, openEncoded: absent, openWith: absent, dataOf: absent, decryptions: absent }
}

export const keysFromPassphrases = absent

/**
 * To derive a key would take a second and more, and 256 MiB: a Worker has half of that.
 * @throws `FST_SEALED_SESSION_NOT_AT_EDGE`
 */
export function readSecrets (): never {
  throw fail('NOT_AT_EDGE', ['a passphrase'], { detail: 'Give a "key" in place of "secret".' })
}

/** @throws `FST_SEALED_SESSION_NOT_AT_EDGE` */
export async function keysOfFile (): Promise<never> {
  throw fail('NOT_AT_EDGE', ['a key file'], { detail: 'Take "Keyring.fromEnv(name)" or "new Keyring(keys)".' })
}

/** @throws `FST_SEALED_SESSION_NOT_AT_EDGE`: a timer that was set in a request ends with it, and the keys would never change. */
export async function keysOfLoader (): Promise<never> {
  throw fail('NOT_AT_EDGE', ['the "refresh" of Keyring.from()'], { detail: 'Write "refresh: null", and make another keyring in a later request.' })
}

function absent (): never {
  throw new Error('this part of fastify-sealed-session is left out at the edge')
}
