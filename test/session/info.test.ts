// sessionInfo(): why a session is as it is.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '@sinonjs/fake-timers'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { z } from 'zod'
import { Keyring, generateKey, sessionInfo, type RefusalReason, type Session, type SessionInfo } from '../../src/index.ts'
import { cookieHeader, sealRaw, seconds, stopClock } from '../support/configurations.ts'
import { cookieOf, newKey, setCookies } from '../support/helpers.ts'
import { cookieWith, get, newSession, readyApp, tokenWith } from '../support/app.ts'
import { sealedToken } from '../support/security.ts'

const EXPIRY = 100
const key = newKey()

const SEALED = { key, expiry: EXPIRY, format: 'sealed', accept: ['sealed', 'secretbox'] } as const
const SECRETBOX = { key, expiry: EXPIRY } as const
const FORMATS = [SEALED, { ...SECRETBOX, format: 'secretbox' }] as const

/** An app that answers `GET /` with what sessionInfo says after `act`. */
async function informing (options: object, act: (session: Session) => unknown = () => {}): Promise<FastifyInstance> {
  return await readyApp({
    session: options,
    routes: {
      '/': ({ session }) => {
        act(session)
        return sessionInfo(session)
      }
    }
  })
}

/** The answer of such an app, with its dates. */
function infoIn (response: LightMyRequestResponse): SessionInfo {
  assert.equal(response.statusCode, 200, response.body)
  return JSON.parse(response.body, (name, value: string) => name.endsWith('At') && value !== null ? new Date(value) : value) as SessionInfo
}

async function infoOf (options: object, cookie?: string, act?: (session: Session) => unknown): Promise<SessionInfo> {
  return infoIn(await get(await informing(options, act), '/', cookie))
}

const NEW = { status: 'new', reason: null, lastWriteAt: null, expiresAt: null, keyId: null, format: null, id: null, authentications: {}, device: null } as const

/** Some seconds after the clock was stopped. */
function after (clock: Clock, seconds: number): Date {
  return new Date(clock.now + seconds * 1000)
}

/** When a session was written, and when it expires. */
function times (writtenAt: Date): Pick<SessionInfo, 'lastWriteAt' | 'expiresAt'> {
  return { lastWriteAt: writtenAt, expiresAt: new Date(writtenAt.getTime() + EXPIRY * 1000) }
}

describe('a session without a cookie', () => {
  it('is new and began now', async t => {
    const clock = stopClock(t)
    assert.deepEqual(await infoOf(SEALED), { ...NEW, createdAt: after(clock, 0) })
  })

  it('is new among other cookies, and where one has a name that only begins like its own', async () => {
    assert.equal((await infoOf(SEALED, 'other=1; session2=AAAA')).status, 'new')
  })

  for (const write of ['set', 'touch', 'regenerate'] as const) {
    it(`is still new after ${write}(), with the times that will be sealed`, async t => {
      const clock = stopClock(t)
      const info = await infoOf(SEALED, undefined, session => { write === 'set' ? session.set('n', 1) : session[write]() })
      assert.deepEqual(info, { ...NEW, createdAt: after(clock, 0), ...times(after(clock, 0)) })
    })
  }

  it('was not written before it began, although the last write is kept in whole seconds', async t => {
    stopClock(t).tick(400)
    const { createdAt, lastWriteAt } = await infoOf(SEALED, undefined, session => { session.touch() })
    assert.deepEqual(lastWriteAt, createdAt)
  })

  it('has no times where the cookie is held back', async t => {
    stopClock(t)
    const { lastWriteAt, expiresAt } = await infoOf(SEALED, undefined, session => { session.set('n', 1); session.changed = false })
    assert.deepEqual({ lastWriteAt, expiresAt }, { lastWriteAt: null, expiresAt: null })
  })
})

for (const options of FORMATS) {
  const { format } = options
  const createdAt = (date: Date): Date | null => format === 'sealed' ? date : null

  describe(`a session in the ${format} format`, () => {
    const [keyId = ''] = new Keyring(key).ids

    it('is valid, with its key and its times', async t => {
      const clock = stopClock(t)
      const start = after(clock, 0)
      const cookie = cookieWith(await informing(options), { n: 1 })
      clock.tick(30_000)
      assert.deepEqual(await infoOf(options, cookie), { status: 'valid', reason: null, keyId, format, createdAt: createdAt(start), ...times(start), id: null, authentications: {}, device: null })
    })

    for (const write of ['set', 'touch'] as const) {
      it(`has a later last write after ${write}(), at once and in the next request`, async t => {
        const clock = stopClock(t)
        const start = after(clock, 0)
        const app = await informing(options, session => { write === 'set' ? session.set('n', 2) : session.touch() })
        const cookie = cookieWith(app, { n: 1 })
        clock.tick(30_000)
        const expected = { status: 'valid', reason: null, keyId, format, createdAt: createdAt(start), ...times(after(clock, 0)), id: null, authentications: {}, device: null }
        const response = await get(app, '/', cookie)
        assert.deepEqual(infoIn(response), expected)
        clock.tick(5_000)
        assert.deepEqual(await infoOf(options, cookieOf(response)), expected)
      })
    }

    it('is new after delete(), and is not stored', async t => {
      const clock = stopClock(t)
      const cookie = cookieWith(await informing(options), { n: 1 })
      clock.tick(30_000)
      assert.deepEqual(await infoOf(options, cookie, session => { session.delete() }), { ...NEW, createdAt: after(clock, 0) })
    })

    it('is a new one that is stored, after a set() that follows delete()', async t => {
      const clock = stopClock(t)
      const cookie = cookieWith(await informing(options), { n: 1 })
      clock.tick(30_000)
      const info = await infoOf(options, cookie, session => { session.delete(); session.set('message', 'bye') })
      assert.deepEqual(info, { ...NEW, createdAt: after(clock, 0), ...times(after(clock, 0)) })
    })

    it('is new after regenerate(), and began then', async t => {
      const clock = stopClock(t)
      const cookie = cookieWith(await informing(options), { n: 1 })
      clock.tick(30_000)
      const app = await informing(options, session => { session.regenerate('n') })
      const response = await get(app, '/', cookie)
      assert.deepEqual(infoIn(response), { ...NEW, createdAt: after(clock, 0), ...times(after(clock, 0)) })
      const now = after(clock, 0)
      clock.tick(5_000)
      assert.deepEqual((await infoOf(options, cookieOf(response))).createdAt, createdAt(now))
    })

    it('keeps its times through a rotation, which changes its key', async t => {
      const clock = stopClock(t)
      const start = after(clock, 0)
      const keyring = new Keyring(generateKey())
      const [older] = keyring.ids
      const app = await informing({ ...options, key: keyring })
      const cookie = cookieWith(app, { n: 1 })
      keyring.rotate(generateKey())
      clock.tick(30_000)
      const response = await get(app, '/', cookie)
      const resealed = await get(app, '/', cookieOf(response))
      for (const [answer, keyId] of [[response, older], [resealed, keyring.ids[0]]] as const) {
        assert.deepEqual(infoIn(answer), { status: 'valid', reason: null, keyId, format, createdAt: createdAt(start), ...times(start), id: null, authentications: {}, device: null })
      }
      assert.deepEqual(setCookies(resealed), [])
    })
  })
}

describe('a session that goes from one format to the other', () => {
  it('says where it came from; from secretbox it has begun with its last write, which it keeps', async t => {
    const clock = stopClock(t)
    const start = after(clock, 0)
    const cookie = cookieWith(await informing(SECRETBOX), { n: 1 })
    clock.tick(30_000)
    const app = await informing(SEALED)
    const response = await get(app, '/', cookie)
    const [before, now] = [infoIn(response), infoIn(await get(app, '/', cookieOf(response)))]
    assert.deepEqual([before.format, before.createdAt, now.format, now.createdAt], ['secretbox', null, 'sealed', start])
    for (const { lastWriteAt, expiresAt } of [before, now]) assert.deepEqual({ lastWriteAt, expiresAt }, times(start))
  })

  it('to secretbox forgets when it began, and keeps its last write', async t => {
    const clock = stopClock(t)
    const start = after(clock, 0)
    const cookie = cookieWith(await informing(SEALED), { n: 1 })
    clock.tick(30_000)
    const app = await informing(SECRETBOX)
    const response = await get(app, '/', cookie)
    const [before, now] = [infoIn(response), infoIn(await get(app, '/', cookieOf(response)))]
    assert.deepEqual([before.format, before.createdAt, now.format, now.createdAt], ['sealed', start, 'secretbox', null])
    for (const { lastWriteAt, expiresAt } of [before, now]) assert.deepEqual({ lastWriteAt, expiresAt }, times(start))
  })
})

/** A cookie for each reason; a type error where one is missing. For the others see test/revocation/ and test/device/. */
const REFUSED: Record<Exclude<RefusalReason, 'revoked' | 'stamp-changed' | 'device-required'>, { token: () => string, options?: object }> = {
  'too-long': { token: () => 'A'.repeat(65537) },
  malformed: { token: () => 'AAAA' },
  'ciphertext-length': { token: () => `AAAA;${'A'.repeat(32)}` },
  'nonce-length': { token: () => `${'A'.repeat(24)};AAAA` },
  'version-unknown': { token: () => sealedToken({ key, version: 2 }) },
  'key-unknown': { token: () => sealedToken({ key: newKey() }) },
  'not-authentic': { token: () => sealedToken({ key, context: 'another' }) },
  'format-not-accepted': { token: () => sealRaw(key, `{"__ts":${seconds()}}`), options: { key, format: 'sealed' } },
  'header-invalid': { token: () => sealedToken({ key, flags: 128 }) },
  'payload-invalid': { token: () => sealedToken({ key, payload: '[]' }) },
  'time-missing': { token: () => sealRaw(key, '{"n":1}') },
  expired: { token: () => sealedToken({ key, created: Date.now() - EXPIRY * 1000 }) },
  'time-in-future': { token: () => sealedToken({ key, created: Date.now() + 61_000 }) },
  'device-unproven': { token: () => sealedToken({ key, flags: 16, payload: `\0\x13\x03\0\x10${'b'.repeat(16)}{}` }) },
  'schema-invalid': { token: () => sealedToken({ key, payload: '{"n":"text"}' }), options: { ...SEALED, schema: z.object({ n: z.number() }).partial() } },
  'signature-invalid': { token: () => sealedToken({ key }), options: { ...SEALED, cookie: { signed: true } } },
  'chunk-missing': { token: () => `2~${sealedToken({ key })}` }
}

describe('a session whose cookie is refused', () => {
  for (const [reason, { token, options = SEALED }] of Object.entries(REFUSED)) {
    it(`says so, begins now, and gives the reason: ${reason}`, async t => {
      const clock = stopClock(t)
      assert.deepEqual(await infoOf(options, cookieHeader(token())), { ...NEW, status: 'rejected', reason, createdAt: after(clock, 0) })
    })

    it(`is answered as a request without a cookie is: ${reason}`, async () => {
      const app = await readyApp({ session: options, routes: { '/': ({ session }) => ({ data: session.data(), isNew: sessionInfo(session).lastWriteAt === null }) } })
      const [refused, none] = [await get(app, '/', cookieHeader(token())), await get(app)]
      const shown = ({ statusCode, body, headers: { date, ...headers } }: LightMyRequestResponse): object => ({ statusCode, body, headers })
      assert.deepEqual(shown(refused), shown(none))
    })
  }

  it('stays rejected after a write, so that a later hook still sees why', async t => {
    const clock = stopClock(t)
    const { status, reason, ...rest } = await infoOf(SEALED, cookieHeader(REFUSED.expired.token()), session => { session.set('n', 1) })
    assert.deepEqual({ status, reason }, { status: 'rejected', reason: 'expired' })
    assert.deepEqual({ lastWriteAt: rest.lastWriteAt, expiresAt: rest.expiresAt }, times(after(clock, 0)))
  })

  it('is new after delete() or regenerate(), which end what there was', async () => {
    for (const end of ['delete', 'regenerate'] as const) {
      const { status, reason } = await infoOf(SEALED, cookieHeader('AAAA'), session => { session[end]() })
      assert.deepEqual({ status, reason }, { status: 'new', reason: null })
    }
  })
})

describe('of several cookies', () => {
  const planted = cookieHeader(sealedToken({ key: newKey() }))

  it('one that opens makes the session valid, wherever it stands', async () => {
    const good = cookieHeader(sealedToken({ key }))
    for (const cookies of [[planted, good], [good, planted], [planted, good, 'session=AAAA']]) {
      const { status, reason } = await infoOf(SEALED, cookies.join('; '))
      assert.deepEqual({ status, reason }, { status: 'valid', reason: null })
    }
  })

  it('of which none opens, the first gives the reason', async () => {
    const { status, reason } = await infoOf(SEALED, `${planted}; session=AAAA`)
    assert.deepEqual({ status, reason }, { status: 'rejected', reason: 'key-unknown' })
  })
})

describe('sessionInfo', () => {
  it('knows the key among all of a keyring, by its id', async () => {
    const keys = [newKey(), newKey(), newKey()]
    const keyring = new Keyring(keys)
    for (const [index, key] of keys.entries()) {
      assert.equal((await infoOf({ ...SEALED, key: keyring }, cookieHeader(sealedToken({ key })))).keyId, keyring.ids[index])
      assert.equal((await infoOf({ ...SEALED, key: keyring }, cookieHeader(sealRaw(key, `{"__ts":${seconds()}}`)))).keyId, keyring.ids[index])
    }
  })

  it('takes what createSecureSession returns: a new session, not written yet', async t => {
    const clock = stopClock(t)
    const session = newSession(await informing(SEALED), { n: 1 })
    assert.deepEqual(sessionInfo(session), { ...NEW, createdAt: after(clock, 0) })
    session.set('n', 2)
    assert.deepEqual(sessionInfo(session), { ...NEW, createdAt: after(clock, 0), ...times(after(clock, 0)) })
  })

  it('takes what decodeSecureSession returns: a valid session', async t => {
    const clock = stopClock(t)
    const app = await informing(SEALED)
    const session = app.decodeSecureSession(tokenWith(app, { n: 1 }))
    assert.deepEqual(sessionInfo(session!), { // it was opened
      status: 'valid', reason: null, keyId: new Keyring(key).ids[0], format: 'sealed', createdAt: after(clock, 0), ...times(after(clock, 0)), id: null, authentications: {}, device: null
    })
  })

  it('takes a session that was taken out of its request, behind a proxy or as a prototype', async () => {
    const statuses: string[] = []
    const app = await readyApp({
      session: SEALED,
      routes: {
        '/': request => {
          const { session } = request
          for (const object of [session, new Proxy(session, {}), new Proxy(new Proxy(session, {}), {}), Object.create(session) as object]) {
            statuses.push(sessionInfo(object).status)
          }
        }
      }
    })
    await get(app, '/', cookieWith(app, {}))
    assert.deepEqual(statuses, ['valid', 'valid', 'valid', 'valid'])
  })

  it('reads only: it sends no cookie, and marks nothing as changed', async () => {
    for (const cookie of [undefined, cookieHeader('AAAA'), cookieHeader(sealedToken({ key }))]) {
      const app = await readyApp({ session: SEALED, routes: { '/': ({ session }) => { sessionInfo(session); return { changed: session.changed } } } })
      const response = await get(app, '/', cookie)
      assert.deepEqual(response.json(), { changed: false })
      assert.deepEqual(setCookies(response), [])
    }
  })

  it('gives dates that can be changed without changing the session', async () => {
    const session = newSession(await informing(SEALED))
    sessionInfo(session).createdAt!.setTime(0) // a new session has one
    assert.notEqual(sessionInfo(session).createdAt!.getTime(), 0)
  })

  it('adds no name to the session, whose names are all the data\'s', async () => {
    const session = newSession(await informing(SEALED), { status: 'mine' })
    sessionInfo(session)
    assert.deepEqual(Object.keys(session), ['status'])
    assert.equal(JSON.stringify(session), '{"status":"mine"}')
    assert.equal(session.get('keyId'), undefined)
  })

  const others: Array<[what: string, make: (session: Session) => unknown]> = [
    ['undefined', () => undefined],
    ['null', () => null],
    ['a token', () => 'AAAA'],
    ['an empty object', () => ({})],
    ['a copy of a session', session => ({ ...session })],
    ['the data of a session', session => session.data()],
    ['a method of a session', session => session.get],
    ['a keyring', () => new Keyring(key)]
  ]
  for (const [what, make] of others) {
    it(`refuses ${what} with a code`, async () => {
      const session = newSession(await informing(SEALED), { n: 1 })
      assert.throws(() => sessionInfo(make(session) as object), { code: 'FST_SEALED_SESSION_NOT_A_SESSION' })
    })
  }
})
