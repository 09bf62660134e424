// Prints cookies of @fastify/secure-session 8.4.0 for test/vectors/peer-cookies.json:
//
//   node test/vectors/capture-peer.js > test/vectors/peer-cookies.json
//
// Keys, clock and nonces are fixed, so that a run today gives the same file. The file is kept for
// ever, as the record of what that version wrote: cases may be added, those in it stay.
import cookiePlugin from '@fastify/cookie'
import secureSession from '@fastify/secure-session'
import { install } from '@sinonjs/fake-timers'
import Fastify from 'fastify'
import { createRequire } from 'node:module'

const CAPTURED_AT = Date.UTC(2026, 0, 2, 3, 4, 5)

/** Bytes that count up from the first; `{ "hex": "…" }` in the file. */
function bytes (first, length = 32) {
  const buffer = Buffer.from(Array.from({ length }, (_, i) => first + i))
  return Object.assign(buffer, { toJSON: () => ({ hex: buffer.toString('hex') }) })
}

const SECRET = 'correct horse battery staple, and more'
const SIGNED = { signed: true }
const DATA = { userId: 42, role: 'admin' }

const CASES = [
  { title: 'a key as a buffer', options: { key: bytes(0) }, data: DATA },
  { title: 'a key in base64', options: { key: bytes(0x20).toString('base64') }, data: DATA },
  { title: 'an array of keys', options: { key: [bytes(0x40), bytes(0x20).toString('base64')] }, data: DATA },
  { title: 'a key that is now the older of two', options: { key: bytes(0) }, opensWith: { key: [bytes(0x60), bytes(0)] }, data: DATA },
  { title: 'a secret with a salt as text', options: { secret: SECRET, salt: 'mq9hDxBVDbspDR6n' }, data: DATA },
  { title: 'a secret with a salt in bytes', options: { secret: SECRET, salt: bytes(0xf0, 16) }, data: DATA },
  { title: 'a secret without a salt', options: { secret: SECRET }, data: DATA },
  { title: 'a signed cookie', options: { key: bytes(0), cookie: SIGNED }, data: DATA },
  { title: 'a signed cookie with a base64 key', options: { key: bytes(0x20).toString('base64'), cookie: SIGNED }, data: DATA },
  { title: 'a signed cookie with an array of keys', options: { key: [bytes(0x40), bytes(0)], cookie: SIGNED }, data: DATA },
  { title: 'a signed cookie with a secret', options: { secret: SECRET, salt: 'mq9hDxBVDbspDR6n', cookie: SIGNED }, data: DATA },
  { title: 'a signed cookie with the @fastify/cookie of the app', options: { key: bytes(0), cookie: SIGNED }, cookieOptions: { secret: 'of the app' }, data: DATA },
  { title: 'a __Host- name', options: { key: bytes(0), cookieName: '__Host-session', cookie: { path: '/', secure: true } }, data: DATA },
  { title: 'a short expiry', options: { key: bytes(0), expiry: 60 }, data: DATA },
  { title: 'unicode', options: { key: bytes(0) }, data: { ключ: 'значение', text: 'Zoë 日本語 😀 \ud800 \u0000 \u2028', separators: 'a;b=c, "d" %20' } },
  { title: 'nested data', options: { key: bytes(0) }, data: { cart: { items: [{ sku: 'x', count: 2, tags: [] }, null, [[1.5, -0.1, 1e21]]], empty: {} }, done: false } },
  { title: 'no data', options: { key: bytes(0) }, data: {} },
  { title: 'keys named like what objects and sessions have', options: { key: bytes(0) }, data: { constructor: 1, toString: 'x', data: [1], get: null, changed: true } }
]

/** The cookie of a session that holds the data, as a browser sends it back. */
async function capture ({ title, options, opensWith, cookieOptions, data }) {
  const app = Fastify()
  if (cookieOptions !== undefined) app.register(cookiePlugin, cookieOptions)
  app.register(secureSession, { ...options, cookie: { ...options.cookie } }) // copies: the peer changes them
  app.get('/', async ({ session }) => {
    for (const [key, value] of Object.entries(data)) session.set(key, value)
    session.touch()
    return ''
  })
  const response = await app.inject('/')
  const cookie = response.headers['set-cookie'].split(';')[0]
  return { title, capturedAt: CAPTURED_AT, options, opensWith, cookieOptions, cookie, data }
}

/** Has the peer take 1, 2, 3, … for random. */
function fixNonces (sodium) {
  let count = 0
  sodium.randombytes_buf = (buffer) => { buffer.fill(++count) }
}

const peerRequire = createRequire(import.meta.resolve('@fastify/secure-session'))
const { version } = peerRequire('./package.json')
if (version !== '8.4.0') throw new Error(`these vectors are those of version 8.4.0, but ${version} is installed`)
fixNonces(peerRequire('sodium-native'))
install({ now: CAPTURED_AT, toFake: ['Date'] })

const vectors = []
for (const each of CASES) vectors.push(await capture(each))
process.stdout.write(`${JSON.stringify(vectors, null, 2)}\n`)
