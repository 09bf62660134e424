// Revocation: what ends, when, and what begins again.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { get, post, readyApp, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { captureLog, cookieOf, gate, setCookies } from '../support/helpers.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { TestStore, appWithLogins, key, login, who } from '../support/revocation.ts'
import type { FastifyInstance } from 'fastify'

for (const format of ['sealed', 'secretbox'] as const) {
  describe(`in the ${format} format`, () => {
    const session = { format }

    it('a copy of the cookie is dead after logout', async () => {
      const app = await appWithLogins({ session })
      const cookie = await login(app)
      assert.equal(await who(app, cookie), 'ann')
      const response = await post(app, '/logout', cookie)
      assert.match(setCookies(response)[0] ?? '', /^session=; Max-Age=0/)
      assert.equal(await who(app, cookie), 'nobody')
    })

    it('so is every earlier cookie of the same session', async () => {
      const app = await appWithLogins({ session })
      const first = await login(app)
      const second = cookieOf(await post(app, '/write', first, { theme: 'dark' }))
      await post(app, '/logout', second)
      for (const cookie of [first, second]) assert.equal(await who(app, cookie), 'nobody')
    })

    it('a login right after a logout works, in the same millisecond', async t => {
      stopClock(t)
      const app = await appWithLogins({ session })
      const cookie = await login(app)
      await post(app, '/logout', cookie)
      assert.equal(await who(app, await login(app, 'ann', cookie)), 'ann')
    })

    it('other sessions are not touched by a logout', async () => {
      const app = await appWithLogins({ session })
      const [phone, laptop] = [await login(app), await login(app)]
      await post(app, '/logout', phone)
      assert.equal(await who(app, laptop), 'ann')
    })

    it('revokeSubject ends all sessions of one user that exist, in the same millisecond too, and nobody else\'s', async t => {
      stopClock(t)
      const app = await appWithLogins({ session })
      const [phone, laptop, other] = [await login(app), await login(app), await login(app, 'bob')]
      await app.revokeSubject('ann')
      assert.deepEqual([await who(app, phone), await who(app, laptop), await who(app, other)], ['nobody', 'nobody', 'bob'])
      assert.equal(await who(app, await login(app)), 'ann', 'a login right after works')
    })

    it('revokeSubject ends what began after an earlier revocation, in the same millisecond too', async t => {
      stopClock(t)
      const app = await appWithLogins({ session })
      for (const revoke of [() => app.revokeSubject('ann'), () => app.revokeSubject('ann'), () => app.revokeAll(), () => app.revokeAll()]) {
        await revoke()
        const cookie = await login(app)
        assert.equal(await who(app, cookie), 'ann')
        await app.revokeSubject('ann')
        assert.equal(await who(app, cookie), 'nobody')
      }
    })

    it('revokeAll ends what began after revokeSubject, in the same millisecond or by a clock that is ahead, too', async t => {
      const clock = stopClock(t)
      const store = new MemoryStore()
      const [ahead, app] = [await appWithLogins({ session, revocation: { store } }), await appWithLogins({ session, revocation: { store } })]
      for (const lead of [0, 5000]) {
        clock.tick(lead)
        for (const user of ['ann', 'bob', 'ann']) await ahead.revokeSubject(user)
        clock.setSystemTime(Date.now() - lead)
        await app.revokeSubject('carol')
        const cookies = [await login(app), await login(app, 'bob')]
        assert.deepEqual([await who(app, cookies[0]!), await who(app, cookies[1]!)], ['ann', 'bob']) // there are two
        await app.revokeAll()
        for (const cookie of cookies) assert.equal(await who(app, cookie), 'nobody')
        assert.equal(await who(app, await login(app)), 'ann')
      }
    })

    it('revokeAll ends all sessions that exist, and a login right after works', async t => {
      stopClock(t)
      const app = await appWithLogins({ session })
      const cookies = [await login(app), await login(app, 'bob'), cookieOf(await post(app, '/write', undefined, { n: 1 }))]
      await app.revokeAll()
      for (const cookie of cookies) assert.equal((await get(app, '/info', cookie)).json().reason, 'revoked')
      assert.equal(await who(app, await login(app)), 'ann')
    })

    it('a session from before revocation was in use goes on, and is dead after logout, spelt otherwise too', async () => {
      const app = await appWithLogins({ session })
      // What an app without revocation seals has no id.
      const before = await withoutRevocation(format)
      const cookie = cookieOf(await post(before, '/set', undefined, { user: 'ann' }))
      assert.equal(await who(app, cookie), 'ann')
      const rewritten = cookieOf(await post(app, '/write', cookie, { theme: 'dark' }))
      await post(app, '/logout', rewritten)
      for (const dead of [cookie, rewritten, ...(format === 'secretbox' ? [`${cookie}%3B`, `${cookie}%3Bx`] : [])]) assert.equal(await who(app, dead), 'nobody', dead)
    })

    it('revokeSubject ends a session from before revocation was in use', async () => {
      const app = await appWithLogins({ session })
      const before = await withoutRevocation(format)
      const cookie = cookieOf(await post(before, '/set', undefined, { user: 'ann' }))
      await app.revokeSubject('ann')
      assert.equal(await who(app, cookie), 'nobody')
    })
  })
}

/** The same app without the plugin. */
async function withoutRevocation (format: string): Promise<FastifyInstance> {
  return await readyApp({ session: { key, format } })
}

describe('a revoked session', () => {
  it('reads as empty, and sessionInfo says why', async () => {
    const app = await appWithLogins()
    const cookie = await login(app)
    await post(app, '/logout', cookie)
    const { status, reason, lastWriteAt } = (await get(app, '/info', cookie)).json()
    assert.deepEqual({ status, reason, lastWriteAt }, { status: 'rejected', reason: 'revoked', lastWriteAt: null })
  })

  it('is logged at level debug, without a word to the client', async () => {
    const { lines, logger } = captureLog()
    const app = await appWithLogins({ server: { logger: logger! } }) // captureLog always gives one
    const cookie = await login(app)
    await post(app, '/logout', cookie)
    const response = await get(app, '/me', cookie)
    assert.equal(response.body, 'nobody')
    assert.deepEqual(setCookies(response), [])
    assert.ok(lines.some(({ msg }) => msg === '@fastify/secure-session: the session was revoked, creating an empty session'))
  })

  it('is sent again as a new one where something is written to it', async () => {
    const app = await appWithLogins()
    const cookie = await login(app)
    await post(app, '/logout', cookie)
    const next = cookieOf(await post(app, '/write', cookie, { cart: 1 }))
    const [before, after] = [(await get(app, '/info', cookie)).json(), (await get(app, '/info', next)).json()]
    assert.equal(after.status, 'valid')
    assert.notEqual(after.id, before.id)
  })

  it('stays revoked in an app that shares the store', async () => {
    const store = new MemoryStore()
    const [a, b] = [await appWithLogins({ revocation: { store } }), await appWithLogins({ revocation: { store } })]
    const cookie = await login(a)
    assert.equal(await who(b, cookie), 'ann')
    await post(a, '/logout', cookie)
    const c = await appWithLogins({ revocation: { store } })
    assert.equal(await who(c, cookie), 'nobody')
  })
})

describe('delete()', () => {
  it('is in the store before the response leaves', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store } })
    const cookie = await login(app)
    const { opened, open } = gate()
    store.before = method => method === 'set' ? opened : undefined
    let hasLeft = false
    const response = post(app, '/logout', cookie).finally(() => { hasLeft = true })
    while (!store.calls.some(([method, name]) => method === 'set' && name.includes('revoked'))) await new Promise(setImmediate)
    await new Promise(setImmediate)
    assert.equal(hasLeft, false)
    open()
    await response
    assert.equal([...store.held.keys()].filter(name => name.startsWith('sealed-session:revoked:')).length, 1)
  })

  it('is in the local cache at once, before the store has answered', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store } })
    const cookie = await login(app)
    assert.equal(await who(app, cookie), 'ann')
    const { opened, open } = gate()
    store.before = method => method === 'set' ? opened : undefined
    const response = post(app, '/logout', cookie)
    while (!store.calls.some(([method, name]) => method === 'set' && name.includes('revoked'))) await new Promise(setImmediate)
    assert.equal(await who(app, cookie), 'nobody')
    open()
    await response
  })

  it('revokes even where the app holds the cookie back', async () => {
    const app = await appWithLogins({
      after: app => app.post('/quiet', async ({ session }) => { session.delete(); session.changed = false; return '' })
    })
    const cookie = await login(app)
    assert.deepEqual(setCookies(await post(app, '/quiet', cookie)), [])
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('then a flash message: a new session in the same response', async () => {
    const app = await appWithLogins({
      after: app => app.post('/bye', async ({ session }) => { session.delete(); (session as Bag).flash = 'bye'; return '' })
    })
    const cookie = await login(app)
    const next = cookieOf(await post(app, '/bye', cookie))
    assert.equal((await get(app, '/info', next)).json().status, 'valid')
    assert.deepEqual([await who(app, cookie), await who(app, next)], ['nobody', 'nobody'])
  })

  it('of a session that was never sent stores nothing', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store } })
    await post(app, '/logout')
    assert.deepEqual(store.take(), [])
  })
})

describe('regenerate()', () => {
  const routes = (app: Parameters<NonNullable<Parameters<typeof appWithLogins>[0] & {}>['after'] & {}>[0]): void => {
    app.post('/renew', async ({ session }) => { session.regenerate(['user']); return '' })
    app.post('/remember', async ({ session }) => { session.options({ expiry: 1000 }); return '' })
  }

  it('gives a new id and a new creation time, drops the lifetime of its own, and revokes the old id', async t => {
    const clock = stopClock(t)
    const app = await appWithLogins({ session: { expiry: 100 }, after: routes })
    const cookie = cookieOf(await post(app, '/remember', await login(app)))
    const before = (await get(app, '/info', cookie)).json()
    clock.tick(10_000)
    const next = cookieOf(await post(app, '/renew', cookie))
    const after = (await get(app, '/info', next)).json()
    assert.equal(await who(app, next), 'ann')
    assert.notEqual(after.id, before.id)
    assert.equal(Date.parse(after.createdAt) - Date.parse(before.createdAt), 10_000)
    assert.equal(Date.parse(before.expiresAt) - Date.parse(before.lastWriteAt), 1_000_000)
    assert.equal(Date.parse(after.expiresAt) - Date.parse(after.lastWriteAt), 100_000)
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('after revokeSubject keeps this browser logged in, and no other', async t => {
    stopClock(t)
    const app = await appWithLogins({
      after: app => app.post('/elsewhere', async ({ session }) => {
        await app.revokeSubject('ann')
        session.regenerate();
        (session as Bag).user = 'ann'
        return ''
      })
    })
    const [here, there] = [await login(app), await login(app)]
    const next = cookieOf(await post(app, '/elsewhere', here))
    assert.deepEqual([await who(app, next), await who(app, here), await who(app, there)], ['ann', 'nobody', 'nobody'])
  })
})

describe('a session that gains a subject', () => {
  it('gets a new id and a new creation time, without regenerate(), and the old cookie stays nobody\'s', async t => {
    const clock = stopClock(t)
    const app = await appWithLogins()
    const anonymous = cookieOf(await post(app, '/write', undefined, { cart: 1 }))
    const before = (await get(app, '/info', anonymous)).json()
    clock.tick(5000)
    const known = cookieOf(await post(app, '/write', anonymous, { user: 'ann' }))
    const after = (await get(app, '/info', known)).json()
    assert.notEqual(after.id, before.id)
    assert.equal(Date.parse(after.createdAt) - Date.parse(before.createdAt), 5000)
    assert.deepEqual([await who(app, known), await who(app, anonymous)], ['ann', 'nobody'])
  })

  it('begins after the subject was revoked, where the clock of who revoked it is ahead, too', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore()
    const [ahead, app] = [await appWithLogins({ revocation: { store } }), await appWithLogins({ revocation: { store } })]
    clock.tick(5000)
    await ahead.revokeSubject('ann')
    clock.setSystemTime(Date.now() - 5000)
    const cookie = await login(app)
    assert.equal(await who(app, cookie), 'ann')
    await app.revokeSubject('ann')
    assert.equal(await who(app, cookie), 'nobody', 'it existed, so the later revocation ends it, by whatever clock')
    assert.equal(await who(app, await login(app)), 'ann')
  })

  for (const format of ['sealed', 'secretbox'] as const) {
    it(`works up to a minute ahead of the clock, and fails loudly beyond, rather than give a cookie that does not open (${format})`, async t => {
      const clock = stopClock(t)
      const store = new MemoryStore()
      const [ahead, app] = [await appWithLogins({ revocation: { store } }), await appWithLogins({ session: { format }, revocation: { store } })]
      const lead = async (milliseconds: number): Promise<void> => {
        clock.tick(milliseconds)
        await ahead.revokeAll()
        clock.setSystemTime(Date.now() - milliseconds)
      }
      await lead(59_000)
      assert.equal(await who(app, await login(app)), 'ann')
      await lead(90_000)
      const refused = await post(app, '/login', undefined, { user: 'ann' })
      assert.deepEqual([refused.statusCode, refused.json<{ code: string }>().code, refused.headers['set-cookie']], [503, 'FST_SEALED_SESSION_REVOKED_AHEAD', undefined])
      clock.tick(31_000)
      assert.equal(await who(app, await login(app)), 'ann')
    })
  }

  it('keeps its id as long as its subject stays the same', async () => {
    const app = await appWithLogins()
    const cookie = await login(app)
    const next = cookieOf(await post(app, '/write', cookie, { theme: 'dark' }))
    const [before, after] = [(await get(app, '/info', cookie)).json(), (await get(app, '/info', next)).json()]
    assert.deepEqual([after.id, after.createdAt], [before.id, before.createdAt])
  })
})

describe('outside a request', () => {
  it('revokeSession ends what decodeSecureSession opened, which does not check; isSessionRevoked does', async () => {
    const app = await appWithLogins()
    const cookie = await login(app)
    const token = decodeURIComponent(cookie.slice('session='.length))
    const session = app.decodeSecureSession(token)!
    assert.equal(await app.isSessionRevoked(session), false)
    await app.revokeSession(session)
    assert.equal(await who(app, cookie), 'nobody')
    assert.equal((app.decodeSecureSession(token) as Bag).user, 'ann')
    assert.equal(await app.isSessionRevoked(app.decodeSecureSession(token)!), true)
  })

  it('isSessionRevoked knows of revokeSubject and revokeAll', async () => {
    const app = await appWithLogins()
    const tokens = [await login(app), await login(app, 'bob')].map(cookie => decodeURIComponent(cookie.slice('session='.length)))
    const revoked = async (): Promise<boolean[]> => await Promise.all(tokens.map(async token => await app.isSessionRevoked(app.decodeSecureSession(token)!)))
    await app.revokeSubject('ann')
    assert.deepEqual(await revoked(), [true, false])
    await app.revokeAll()
    assert.deepEqual(await revoked(), [true, true])
  })

  it('what encodeSecureSession seals can be revoked', async () => {
    const app = await appWithLogins()
    const token = app.encodeSecureSession(app.createSecureSession({ user: 'ann' }))
    assert.equal(await who(app, `session=${token}`), 'ann')
    await app.revokeSession(app.decodeSecureSession(token)!)
    assert.equal(await who(app, `session=${token}`), 'nobody')
  })
})

describe('what is not revocation\'s', () => {
  it('a session without the plugin has no id, and its secretbox token nothing but data and time', async () => {
    const app = await withoutRevocation('secretbox')
    const response = await post(app, '/set', undefined, { n: 1 })
    const session = app.decodeSecureSession(decodeURIComponent(cookieOf(response).slice('session='.length)))!
    const { sessionInfo } = await import('../../src/index.ts')
    assert.deepEqual([sessionInfo(session).id, sessionInfo(session).createdAt], [null, null])
  })

  it('a request without a cookie, or that brings none that opens, asks the store nothing', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store } })
    for (const cookie of [undefined, 'other=1', 'session=AAAA']) assert.equal((await get(app, '/me', cookie)).body, 'nobody')
    assert.deepEqual(store.take(), [])
  })

  it('a request that does not use its session is neither refused nor sent a cookie', async t => {
    const clock = stopClock(t)
    const app = await appWithLogins({ session: { rolling: true, expiry: 100, absoluteTimeout: 1000 } })
    const cookie = await login(app)
    clock.tick(60_000)
    assert.deepEqual(setCookies(await get(app, '/public', cookie)), [])
    assert.equal(setCookies(await get(app, '/me', cookie)).length, 1, 'one that does is renewed')
  })
})
