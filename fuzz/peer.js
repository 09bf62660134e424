// Tokens of the secretbox format, any text or any plaintext inside a genuine seal, as the peer
// (@fastify/secure-session) opens them and as we do.
//
// Holds: what we open the peer opens, to the same data. What the peer opens we open, or refuse for one
// of the reasons that the migration guide gives: another spelling of the base64, no time or one that is
// ahead, or a payload that is no object or has a __life or __data that is none of ours. Where the peer
// throws, we refuse.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import peer from '@fastify/secure-session'
import Fastify from 'fastify'
import { createSessionCodec } from './build/index.js'
import { joined, split } from './support/edits.js'
import { EXPIRY, KEYS, KNOWN, SESSIONS, secretboxOf, secretboxPlaintext } from './support/sealing.js'

const INSIDE = 1

const app = Fastify()
app.register(peer, { key: KEYS.map(key => Buffer.from(key)), expiry: EXPIRY })
await app.ready()

const codec = await createSessionCodec({ key: KEYS, expiry: EXPIRY, accept: ['secretbox'] })

const silent = { trace () {}, debug () {} }

/** Where we are stricter, on purpose. */
const STRICTER = new Set(['malformed', 'too-long', 'time-missing', 'time-in-future', 'payload-invalid', 'expired'])

export const seeds = [
  ...[...KNOWN.keys()].filter(token => token.includes(';')).map(token => joined(0, token)),
  ...SESSIONS.map(data => joined(INSIDE, secretboxPlaintext(data))),
  ...['{"__ts":"1700000000"}', '{"__ts":9e99}', '[]', 'null', '{"__life":{"created":1},"__ts":1700000000}', '{"__data":"{}","__ts":1700000000}'].map(text => joined(INSIDE, text))
]

export function fuzz (data) {
  const { choice, rest } = split(data)
  const token = choice & INSIDE ? secretboxOf(rest) : rest.toString()
  const opened = codec.open(token)
  const theirs = openWithPeer(token)
  if (opened.ok) assert.deepEqual(withoutOurs(theirs), opened.data)
  else if (theirs !== null) assert.ok(STRICTER.has(opened.reason), `the peer opens it, and we refuse it as ${opened.reason}`)
}

/** The data that the peer finds; null where it refuses the token or throws. */
function openWithPeer (token) {
  try {
    return app.decodeSecureSession(token, silent)?.data() ?? null
  } catch {
    return null // an error 500 with the peer
  }
}

/** The peer shows what we keep among the data as data. */
function withoutOurs (data) {
  if (data === null) return null
  const { __life, __data, ...rest } = data
  return rest
}
