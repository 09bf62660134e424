import type { TokenFormat } from '../token/format.ts'

// Parts of this package that are left out at the edge, which keeps bundles small: the format secretbox, passphrases, and key files.
// Options that would lead here are refused before.

/** Format of @fastify/secure-session, which neither seals nor opens here. */
export function secretboxFormat (): TokenFormat<never> {
  return { name: 'secretbox', seal: absent, sealLine: absent, open: absent, openEncoded: absent, openWith: absent, dataOf: absent, decryptions: absent }
}

export const keysFromPassphrases = absent
export const readSecrets = absent

export const exposureOf = absent
export const fileSource = absent
export const parseKeyFile = absent
export const readKeyFile = absent
export const watchKeys = absent

function absent (): never {
  throw new Error('this part of fastify-sealed-session is left out at the edge')
}
