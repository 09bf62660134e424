// The Cookie headers of bench/hostile.js: each as large as the server takes, made by somebody who has
// sessions of their own and all the time in the world.
import { randomBytes } from 'node:crypto'
import { signerFactory } from '@fastify/cookie'
import sodium from 'libsodium-wrappers-sumo'
import { z } from 'zod'
import { createSessionCodec } from '../dist/esm/index.js'

const SECRETS = Array.from({ length: 64 }, () => randomBytes(32))

// Signatures are those of the plugin itself: made with a hash of the key.
const signed = { cookie: { signed: true } }
const schema = z.object({ items: z.array(z.object({ id: z.number(), name: z.string().max(40), tags: z.array(z.string()) })).optional() }).loose()

export const FORMATS = {
  sealed: { format: 'sealed' },
  secretbox: {},
  'sealed, signed': { format: 'sealed', ...signed },
  'secretbox, signed': signed,
  'sealed, schema': { format: 'sealed', schema }
}

/** Somebody who has sessions that the oldest key has sealed, in an app with so many keys. */
export async function attackerWith (options, count) {
  await sodium.ready
  const keys = SECRETS.slice(0, count)
  const oldest = keys[count - 1]
  const isSigned = options.cookie?.signed === true
  const codec = await createSessionCodec({ ...options, key: oldest })
  const signer = signerFactory(Buffer.from(sodium.crypto_generichash(32, oldest, null)).toString('hex'))
  const sign = token => encodeURIComponent(isSigned ? signer.sign(token) : token)
  return {
    options: { ...options, key: keys },
    isSecretbox: options.format !== 'sealed',
    codec,
    sign,
    /** A cookie's value that opens; `length` is about that of its JSON. */
    session: (n, length) => sign(codec.seal({ n, ...dataOf(length) })),
    expired: (n, length) => sign(secretbox(oldest, { n, text: 'x'.repeat(length), __ts: 1_700_000_000 }))
  }
}

function dataOf (length) {
  return { items: Array.from({ length: Math.floor(length / 45) }, (_, id) => ({ id, name: `item ${id}`, tags: ['a', 'b'] })) }
}

function secretbox (key, data) {
  const nonce = randomBytes(24)
  const sealed = sodium.crypto_secretbox_easy(JSON.stringify(data), nonce, key)
  return `${Buffer.from(sealed).toString('base64')};${nonce.toString('base64')}`
}

export const honest = attacker => `session=${attacker.session(1, 100)}`

const SEPARATOR = '; '
const pairs = values => values.map(value => `session=${value}`).join(SEPARATOR)
const times = (count, make) => Array.from({ length: count }, (_, n) => make(n))
const letters = size => randomBytes(size).toString('base64url').slice(0, size - size % 4)
const signature = () => randomBytes(32).toString('base64').replace(/=+$/, '')

/** A value that is no session, as long as text of a length: it has the id of a key, so it is decrypted. */
function junk ({ isSecretbox, codec, options }, length) {
  const isSigned = options.cookie?.signed === true
  const token = isSecretbox
    ? `${randomBytes(length).toString('base64').slice(0, length - 152 - length % 4)}%3B${randomBytes(24).toString('base64')}`
    : (codec.seal({}).slice(0, 7) + letters(length)).slice(0, length - 60 - length % 4)
  return isSigned ? `${token}.${signature()}` : token
}

/** Many first parts for one large part. */
function sharing (attacker, size, tag) {
  const value = junk(attacker, size - 900)
  return [...times(16, n => `session=2~${tag}${value.slice(0, 7)}${'ABCDEFGHIJKLMNOP'[n]}`), `session.1=~${tag}${value.slice(8)}`].join(SEPARATOR)
}

const ALL = Object.keys(FORMATS)
const SECRETBOX = ['secretbox', 'secretbox, signed']

/** Each by its name: for which formats, and the header of so many characters. */
export const ATTACKS = {
  'one large cookie that does not open': { formats: ALL, make: (attacker, size) => `session=${junk(attacker, size - 20)}` },
  '16 cookies that do not open': { formats: ALL, make: (attacker, size) => pairs(times(16, () => junk(attacker, Math.floor(size / 16) - 20))) },
  '16 small cookies that do not open': { formats: ALL, make: attacker => pairs(times(16, () => junk(attacker, 300))) },
  '16 first parts of one large part': { formats: ALL, make: (attacker, size) => sharing(attacker, size, '') },
  'the same with a tag': { formats: ALL, make: (attacker, size) => sharing(attacker, size, 'k7Qd~') },
  'thousands of parts': { formats: ALL, make: (attacker, size) => `session=8~k7Qd~a; ${times(Math.floor(size / 19), n => `session.${1 + n % 7}=~AAA${n % 10}~x`).join(SEPARATOR)}` },
  'the name, thousands of times': { formats: ALL, make: (attacker, size) => 'session;session. '.repeat(Math.floor(size / 17)) },
  'escapes and nothing else': { formats: ALL, make: (attacker, size) => pairs(times(16, n => `%4${n % 10}`.repeat(Math.floor(size / 48) - 10))) },
  // The most that an app seals for a user, with the default of maxChunks.
  'one session of 7 KB that opens': { formats: ALL, make: attacker => `session=${attacker.session(1, 5000)}` },
  '16 sessions that open': { formats: ALL, make: (attacker, size) => pairs(times(16, n => attacker.session(n, size * 0.7 / 16 - 90))) },
  'an expired session, 16 times with other tails': { formats: SECRETBOX, make: (attacker, size) => pairs(times(16, n => `${attacker.expired(1, size * 0.7 / 16 - 130)}%3B${n}`)) },
  '16 expired sessions': { formats: SECRETBOX, make: (attacker, size) => pairs(times(16, n => attacker.expired(n, size * 0.7 / 16 - 130))) }
}
