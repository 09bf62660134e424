// Any Cookie header, for sessions in both formats, signed and not, in one cookie and in chunks.
//
// Holds: openCookies() throws nothing; it gives null, one of the reasons, or a session that was sealed.
// Cookies of other names, before or behind, change nothing of it.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { sign, unsign } from '@fastify/cookie'
import { createSessionCodec } from './build/index.js'
import { assertSealedOrRefused } from './support/check.js'
import { headerOf } from './support/edits.js'
import { EXPIRY, KEYS, KNOWN } from './support/sealing.js'

const SECRET = 'what fuzzed cookies are signed with, not a secret'
const check = value => unsign(value, SECRET)

const codecs = await Promise.all([
  [{ key: KEYS[0] }],
  [{ key: KEYS, format: 'sealed', accept: ['sealed', 'secretbox'] }],
  [{ key: KEYS, format: 'sealed', accept: ['sealed', 'secretbox'], cookie: { signed: true } }, check]
].map(async ([options, unsign]) => ({ codec: await createSessionCodec({ expiry: EXPIRY, ...options }), unsign })))

const values = [...KNOWN.keys()].flatMap(token => [token, sign(token, SECRET)])
const escaped = values.map(value => encodeURIComponent(value))

export const seeds = [
  ...escaped.map(value => `session=${value}`),
  ...values.slice(0, 4).map(value => `session=2~${value.slice(0, 9)}; session.1=~${value.slice(9)}`),
  ...values.slice(4, 8).map(value => `a=1;session=3~${value.slice(0, 9)} ; session.1=~${value.slice(9, 20)};session.2=~${value.slice(20)}; session.1=~x`),
  escaped.slice(0, 6).map(value => `session=${value}`).join('; '),
  'session=; session; =session; session.1=~; session=8~; session="x"; session=%zz; __Host-session=1'
].map(text => Buffer.from(text, 'latin1'))

export function fuzz (data) {
  const header = headerOf(data)
  for (const { codec, unsign } of codecs) {
    const opened = codec.openCookies(header, unsign)
    if (opened !== null) assertSealedOrRefused(opened)
    const among = codec.openCookies(`other=1; ${header}; sessions=2`, unsign)
    assert.deepEqual(among, opened, 'other cookies have changed it')
  }
}
