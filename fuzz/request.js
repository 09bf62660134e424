// Any Cookie header in a request to a real app, with a session of each format and a signed one.
//
// Holds: the answer is 200 and sets no cookie, since nothing is written. It says what was sealed, or
// that the session is empty; never why.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import Fastify from 'fastify'
import secureSession from './build/index.js'
import { headerOf } from './support/edits.js'
import { CONTEXT, EXPIRY, KEYS, KNOWN } from './support/sealing.js'
import * as cookieHeader from './cookie-header.js'

const SEALED = new Set([...KNOWN.values()].map(data => JSON.stringify(data)))

const common = { key: KEYS[0], context: CONTEXT, expiry: EXPIRY, noStore: true }

const app = Fastify()
app.register(secureSession, [
  { ...common, accept: ['secretbox'], cookie: { path: '/' } },
  { ...common, sessionName: 'sealed', format: 'sealed', cookie: { path: '/' } },
  { ...common, sessionName: 'signed', format: 'sealed', cookie: { path: '/', signed: true } }
])
app.get('/', async ({ session, sealed, signed }) => [session.data(), sealed.data(), signed.data()])
await app.ready()

const renamed = (seed, name) => Buffer.from(seed.toString('latin1').replaceAll('session', name), 'latin1')

export const seeds = cookieHeader.seeds.flatMap(seed => [seed, renamed(seed, 'sealed'), renamed(seed, 'signed')])

export async function fuzz (data) {
  const { statusCode, headers, body } = await app.inject({ url: '/', headers: { cookie: headerOf(data) } })
  assert.equal(statusCode, 200, body)
  for (const part of JSON.parse(body)) assert.ok(SEALED.has(JSON.stringify(part)), body)
  assert.deepEqual([headers['set-cookie'], headers['cache-control']], [undefined, undefined])
}
