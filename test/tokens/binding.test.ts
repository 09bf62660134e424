// Sessions that are bound to a device, where nothing asks for the proof of that device: they open nowhere.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSessionCodec, sessionInfo } from '../../src/index.ts'
import { KeySet } from '../../src/keys/key-set.ts'
import { BINDING } from '../../src/token/claims.ts'
import { Codec } from '../../src/token/codec.ts'
import { newRecord, type SessionRecord } from '../../src/token/record.ts'
import { get, linesOf, readyApp } from '../support/app.ts'
import { captureLog, newKey } from '../support/helpers.ts'

const key = newKey()
const binding = Buffer.alloc(16, 7)
const BOUND: SessionRecord = { ...newRecord({ userId: 1 }, Date.now()), claims: new Map([[BINDING, binding]]) }

function codecOf (format: 'secretbox' | 'sealed'): Codec {
  return new Codec({ keyring: { current: KeySet.of([Buffer.from(key)]) }, expiry: 60, format, accept: ['secretbox', 'sealed'], context: 'session' })
}

const token = codecOf('sealed').seal(BOUND)
const cookie = `session=${token}`
const REFUSED = { ok: false, reason: 'device-unproven' }

describe('a session that is bound to a device', () => {
  for (const format of ['secretbox', 'sealed'] as const) {
    it(`is refused by a codec that does not ask for the proof, and opened by one that does: ${format}`, () => {
      const codec = codecOf(format)
      assert.deepEqual([codec.open(token), codec.openWith(token, 0), codec.openEncoded(token)], [REFUSED, REFUSED, REFUSED])
      codec.openBound()
      const opened = codec.open(token)
      assert.ok(opened.ok)
      assert.deepEqual([opened.record.claims?.get(BINDING), opened.format, opened.stale], [binding, 'sealed', false])
    })

    it(`is sealed in the sealed format, which the peer does not open, whatever the format of others is: ${format}`, () => {
      for (const text of [codecOf(format).seal(BOUND), codecOf(format).sealLine(BOUND, '', '')]) assert.match(text, /^[\w-]+$/)
      assert.equal(codecOf(format).formatFor(BOUND), 'sealed')
    })
  }

  it('says when it began, and so do all others where bound ones are opened: a proof belongs to one session', () => {
    const codec = codecOf('secretbox')
    const began = Date.now() - 5000
    const unbound = newRecord({ userId: 1 }, began)
    codec.openBound()
    const opened = codec.open(codec.seal({ ...unbound, writtenAt: Date.now() }))
    assert.equal(opened.ok && opened.record.createdAt, began)
    const undated = codec.open(codecOf('secretbox').seal({ ...unbound, writtenAt: 1000 * Math.floor(Date.now() / 1000), createdAt: null }))
    assert.ok(undated.ok)
    assert.equal(undated.record.createdAt, undated.record.writtenAt)
  })

  it('reads as empty in an app without deviceBinding, which logs why', async () => {
    const { lines, logger = false } = captureLog()
    const app = await readyApp({ session: { key, format: 'sealed' }, server: { logger }, routes: { '/': ({ session }) => ({ data: session.data(), info: sessionInfo(session) }) } })
    const { data, info } = (await get(app, '/', cookie)).json<{ data: object, info: { status: string, reason: string } }>()
    assert.deepEqual([data, info.status, info.reason], [{}, 'rejected', 'device-unproven'])
    assert.ok(lines.some(({ msg }) => msg === '@fastify/secure-session: the session is bound to a device, which has not proved itself, creating an empty session'))
  })

  it('is followed by a new session, if such an app writes', async () => {
    const app = await readyApp({ session: { key, format: 'sealed' }, routes: { '/': ({ session }) => { session.set('n' as never, 1 as never) } } })
    assert.equal(linesOf(await get(app, '/', cookie)).length, 1)
  })

  it('opens neither as a token nor in a request outside of the handlers of such an app', async () => {
    const app = await readyApp({ session: { key, format: 'sealed' } })
    assert.equal(app.decodeSecureSession(token), null)
    assert.equal(app.decodeSecureSession({ headers: { cookie } } as never), null)
  })

  it('opens neither as a token nor as a cookie by createSessionCodec', async () => {
    const codec = await createSessionCodec({ key, format: 'sealed' })
    assert.deepEqual([codec.open(token), codec.openCookies(cookie)], [REFUSED, REFUSED])
  })
})
