// Keys, sessions and tokens that are the same in every run, so that an input that was found once means
// the same ever after. The keys are no secrets: they are written down here, and nothing else uses them.
import { Buffer } from 'node:buffer'
import { sodium, sodiumReady } from '../build/crypto/sodium.js'
import { DerivedKey } from '../build/keys/key-set.js'

await sodiumReady()

/** 32 bytes each. */
export const KEYS = [1, 2, 3].map(n => Buffer.from(`a key for fuzzing, not a secret${n}`))

/** What the sealed tokens below are bound to: the default name of a session's cookie. */
export const CONTEXT = 'session'

/** In seconds. It has passed on every machine that has a clock. */
export const LAST_WRITE = 1_700_000_000

/** In seconds: longer than any lifetime that a token can have of its own, and beyond this century. */
export const EXPIRY = 5_000_000_000

/** What the known tokens hold. */
export const SESSIONS = [
  {},
  { n: 1 },
  { user: { id: 'ab', roles: ['admin', null] }, 'a b': 'ü😀', list: [[], {}] },
  { text: 'x'.repeat(60), constructor: 1 }
]

const derived = KEYS.map(key => new DerivedKey(key))

/** Each token has a nonce of its own, and always the same. */
function nonceOf (n) {
  return Buffer.alloc(24, n + 1)
}

/** Any bytes in a secretbox token, as a program that has the key could make it. */
export function secretboxOf (plaintext, n = 0, key = KEYS[0]) {
  const message = Buffer.from(plaintext)
  const mac = Buffer.alloc(16)
  sodium().secretboxSeal(message, mac, nonceOf(n), key)
  return `${Buffer.concat([mac, message]).toString('base64')};${nonceOf(n).toString('base64')}`
}

/** Any bytes in an envelope of a version and a context, as a program that has the key could make it. */
export function envelopeOf (version, context, plaintext, n = 0, key = derived[0]) {
  const name = Buffer.alloc(5, version)
  name.writeUInt32BE(key.idNumber, 1)
  const sealed = Buffer.alloc(plaintext.length + 16)
  sodium().aeadSeal(sealed, Buffer.from(plaintext), Buffer.concat([name, Buffer.from(context)]), nonceOf(n), key.encryption)
  return Buffer.concat([name, nonceOf(n), sealed]).toString('base64url')
}

/** Any bytes in a token of the sealed format. */
export function sealedOf (plaintext, n = 0, key = derived[0]) {
  return envelopeOf(1, CONTEXT, plaintext, n, key)
}

/** The plaintext of a session in the secretbox format. */
export function secretboxPlaintext (data, time = LAST_WRITE) {
  return Buffer.from(JSON.stringify({ ...data, __ts: time }))
}

/** The same in the sealed format: no flags, created, last write. */
export function sealedPlaintext (data, created = LAST_WRITE * 1000) {
  const header = Buffer.alloc(11)
  header.writeUIntBE(created, 1, 6)
  return Buffer.concat([header, Buffer.from(JSON.stringify(data))])
}

/** The tokens of `SESSIONS`, with the first key and with the second: all that may ever open. */
export const KNOWN = new Map(SESSIONS.flatMap((data, n) => [
  [secretboxOf(secretboxPlaintext(data), n), data],
  [sealedOf(sealedPlaintext(data), n), data],
  [secretboxOf(secretboxPlaintext(data), n + 10, KEYS[1]), data],
  [sealedOf(sealedPlaintext(data), n + 10, derived[1]), data]
]))
