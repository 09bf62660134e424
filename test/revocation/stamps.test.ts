// Stamps of users: a session ends when the stamp that it was sealed with is not its user's any more.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { MemoryStore, type SessionRevocationOptions } from '../../src/revocation/index.ts'
import { get, post, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { captureLog, cookieOf, gate, newKey, setCookies } from '../support/helpers.ts'
import { TestStore, appWithLogins, key, login, who, type LoginsSetup } from '../support/revocation.ts'

/** The app's table of users, and how often it was asked. */
class Users {
  readonly stamps = new Map<string, string | undefined>([['ann', '1'], ['bob', '1']])
  asked: string[] = []
  before: (subject: string) => unknown = () => {}

  readonly stamp = async (subject: string): Promise<string | undefined> => {
    this.asked.push(subject)
    const stamp = this.stamps.get(subject)
    await this.before(subject)
    return stamp
  }

  take (): string[] { return this.asked.splice(0) }
}

/** Adds `POST /password`, which changes the stamp of the user who is logged in, and goes on. */
function passwords (users: Users): (app: FastifyInstance) => void {
  return app => {
    app.post('/password', async ({ session, body }) => {
      users.stamps.set((session as Bag).user as string, (body as { stamp: string }).stamp)
      await app.restampSession(session)
      return 'changed'
    })
  }
}

async function withStamps (setup: LoginsSetup = {}, users = new Users()): Promise<{ app: FastifyInstance, users: Users, revocation: SessionRevocationOptions }> {
  const revocation = { stamp: users.stamp, store: new MemoryStore(), ...setup.revocation }
  const app = await appWithLogins({ ...setup, revocation, after: app => { passwords(users)(app); setup.after?.(app) } })
  return { app, users, revocation }
}

async function reasonOf (app: FastifyInstance, cookie: string): Promise<string | null> {
  return (await get(app, '/info', cookie)).json<{ reason: string | null }>().reason
}

const CONFIGURATIONS = {
  'the sealed format': { session: { format: 'sealed' } },
  'the secretbox format': { session: { format: 'secretbox' } },
  'no store': { revocation: { store: false } }
} as const satisfies Record<string, LoginsSetup>

for (const [how, setup] of Object.entries<LoginsSetup>(CONFIGURATIONS)) {
  describe(`a stamp, with ${how}`, () => {
    it('lets sessions of its users in, request after request', async () => {
      const { app } = await withStamps(setup)
      const cookie = await login(app)
      const later = cookieOf(await post(app, '/write', cookie, { theme: 'dark' }))
      assert.deepEqual([await who(app, cookie), await who(app, later), await who(app, await login(app, 'bob'))], ['ann', 'ann', 'bob'])
    })

    it('that changed ends all sessions of that user within cacheTtl, with a reason, and nobody else\'s', async t => {
      const clock = stopClock(t)
      const { app, users } = await withStamps(setup)
      const [phone, laptop, bob] = [await login(app), await login(app), await login(app, 'bob')]
      users.stamps.set('ann', '2')
      clock.tick(2000)
      assert.deepEqual([await who(app, phone), await who(app, laptop), await who(app, bob)], ['nobody', 'nobody', 'bob'])
      assert.equal(await reasonOf(app, phone), 'stamp-changed')
      assert.equal(await who(app, await login(app)), 'ann', 'a login right after works')
    })

    it('that is gone, with its user, ends the sessions and lets nobody log in', async t => {
      const clock = stopClock(t)
      const { app, users } = await withStamps(setup)
      const cookie = await login(app)
      users.stamps.delete('ann')
      clock.tick(2000)
      assert.equal(await who(app, cookie), 'nobody')
      const response = await post(app, '/login', undefined, { user: 'ann' })
      assert.deepEqual([response.statusCode, response.json().code, setCookies(response)], [409, 'FST_SEALED_SESSION_REVOKED_MEANWHILE', []])
    })

    it('restamped keeps the session that changed it, and ends the others in this process at once', async t => {
      stopClock(t)
      const { app } = await withStamps(setup)
      const [here, there] = [await login(app), await login(app)]
      await who(app, there)
      const next = cookieOf(await post(app, '/password', here, { stamp: '2' }))
      assert.deepEqual([await who(app, next), await who(app, here), await who(app, there)], ['ann', 'nobody', 'nobody'])
      assert.equal(await who(app, cookieOf(await post(app, '/write', next, { theme: 'dark' }))), 'ann')
    })
  })
}

describe('a session with a stamp', () => {
  it('that another process has just restamped is let in here at once, although this one believes the old stamp', async t => {
    stopClock(t)
    const users = new Users()
    const { app: a, revocation } = await withStamps({}, users)
    const b = await appWithLogins({ revocation })
    const [here, there] = [await login(a), await login(a)]
    assert.deepEqual([await who(b, here), await who(b, there)], ['ann', 'ann'])
    const next = cookieOf(await post(a, '/password', here, { stamp: '2' }))
    assert.equal(await who(b, next), 'ann')
    assert.equal(await who(b, there), 'nobody', 'and what b has heard with it counts')
  })

  it('keeps it when the key is rotated, the format changes, the session rolls on or gets a lifetime of its own', async t => {
    const clock = stopClock(t)
    const users = new Users()
    const older = newKey()
    const { revocation } = await withStamps({}, users)
    const session = { key: older, format: 'secretbox', rolling: true, expiry: 1000, absoluteTimeout: 100_000 }
    const first = await withStamps({ session, revocation }, users)
    let cookie = await login(first.app)
    clock.tick(600_000)
    cookie = cookieOf(await get(first.app, '/me', cookie)) // rolled on
    const { app } = await withStamps({
      session: { ...session, key: [key, older], format: 'sealed' },
      revocation,
      after: app => { app.post('/remember', async ({ session }) => { session.options({ expiry: 5000, domain: 'a.example' }); return '' }) }
    }, users)
    cookie = cookieOf(await get(app, '/me', cookie)) // in the newer format, with the newer key
    cookie = cookieOf(await post(app, '/remember', cookie))
    assert.equal(await who(app, cookie), 'ann')
    const back = await withStamps({ session: { ...session, key, rolling: false }, revocation }, users)
    cookie = cookieOf(await get(back.app, '/me', cookie))
    assert.equal(await who(back.app, cookie), 'ann')
    users.stamps.set('ann', '2')
    clock.tick(2000)
    assert.equal(await reasonOf(back.app, cookie), 'stamp-changed')
  })

  it('keeps it over regenerate() that keeps the user', async t => {
    const clock = stopClock(t)
    const { app, users } = await withStamps({ after: app => { app.post('/renew', async ({ session }) => { session.regenerate(['user']); return '' }) } })
    const next = cookieOf(await post(app, '/renew', await login(app)))
    assert.equal(await who(app, next), 'ann')
    users.stamps.set('ann', '2')
    clock.tick(2000)
    assert.equal(await who(app, next), 'nobody')
  })

  it('gets that of another user who logs in in its place, and none for nobody', async t => {
    const clock = stopClock(t)
    const { app, users } = await withStamps({ after: app => { app.post('/leave', async ({ session }) => { delete (session as Bag).user; return '' }) } })
    const cookie = await login(app)
    const bob = cookieOf(await post(app, '/write', cookie, { user: 'bob' }))
    const left = cookieOf(await post(app, '/leave', cookie))
    users.stamps.set('ann', '2')
    clock.tick(2000)
    assert.deepEqual([await who(app, bob), await who(app, cookie), (await get(app, '/info', left)).json().status], ['bob', 'nobody', 'valid'])
    users.stamps.set('bob', '2')
    clock.tick(2000)
    assert.equal(await who(app, bob), 'nobody')
  })

  it('is not that of another user with the same stamp', async t => {
    const clock = stopClock(t)
    let user = 'ann'
    const users = new Users()
    const { app } = await withStamps({ revocation: { subject: session => (session as Bag).user === undefined ? undefined : user } }, users)
    const cookie = await login(app)
    user = 'bob'
    clock.tick(2000)
    assert.equal(await reasonOf(app, cookie), 'stamp-changed')
  })

  it('is refused without one: it was sealed before stamps were in use, so nobody knows how old it is', async () => {
    const { app, revocation } = await withStamps()
    const { stamp: _, ...without } = revocation
    const cookie = await login(await appWithLogins({ revocation: without }))
    assert.equal(await reasonOf(app, cookie), 'stamp-changed')
    assert.equal(await who(app, await login(app, 'ann', cookie)), 'ann')
  })

  it('of nobody needs none, and nobody is asked', async () => {
    const { app, users } = await withStamps()
    const cookie = cookieOf(await post(app, '/write', undefined, { cart: 1 }))
    assert.equal((await get(app, '/info', cookie)).json().status, 'valid')
    assert.deepEqual(users.asked, [])
  })

  it('opens in an app that does not use stamps, and keeps it there', async t => {
    const clock = stopClock(t)
    const { app, users, revocation } = await withStamps()
    const { stamp: _, ...without } = revocation
    const other = await appWithLogins({ revocation: without })
    const cookie = cookieOf(await post(other, '/write', await login(app), { theme: 'dark' }))
    assert.equal(await who(app, cookie), 'ann')
    users.stamps.set('ann', '2')
    clock.tick(2000)
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('gives way to another one of the same name that is valid, as one that was revoked does', async t => {
    const clock = stopClock(t)
    const { app, users } = await withStamps()
    const old = await login(app)
    users.stamps.set('ann', '2')
    clock.tick(2000)
    const next = await login(app)
    for (const both of [`${old}; ${next}`, `${next}; ${old}`]) assert.equal(await who(app, both), 'ann')
  })

  it('does not show the stamp or a hash of it in the store', async () => {
    const store = new TestStore()
    const { app } = await withStamps({ revocation: { store } })
    await post(app, '/logout', await login(app))
    assert.ok(store.calls.length > 0)
    assert.deepEqual(store.calls.filter(([, name]) => name.includes('stamp')), [])
  })
})

describe('the app', () => {
  it('is asked once a login, and then at most once a cacheTtl for a user, however many sessions and requests there are', async t => {
    const clock = stopClock(t)
    const { app, users } = await withStamps()
    const cookies = [await login(app), await login(app)]
    assert.deepEqual(users.take(), ['ann', 'ann'])
    for (const cookie of cookies) await who(app, cookie)
    assert.deepEqual(users.take(), [])
    clock.tick(2000)
    await Promise.all(Array.from({ length: 10 }, async (_, index) => await who(app, cookies[index % 2]!))) // there are two
    assert.deepEqual(users.take(), ['ann'])
    clock.tick(1999)
    for (const cookie of cookies) await post(app, '/write', cookie, { theme: 'dark' })
    assert.deepEqual(users.take(), [])
  })

  it('is asked once more for a stamp that was not seen before, and not again for that within cacheTtl', async t => {
    const clock = stopClock(t)
    const { app, users } = await withStamps()
    const cookies: string[] = []
    for (const stamp of ['1', '2', '3']) {
      users.stamps.set('ann', stamp)
      cookies.push(await login(app))
    }
    users.take()
    for (let round = 0; round < 3; round++) for (const cookie of cookies) await who(app, cookie)
    assert.deepEqual(users.take(), ['ann', 'ann'], 'once for each of the old ones')
    clock.tick(2000)
    for (let round = 0; round < 3; round++) for (const cookie of cookies) await who(app, cookie)
    assert.deepEqual(users.take(), ['ann'])
  })

  it('with cacheTtl 0 is asked for every request', async () => {
    const { app, users } = await withStamps({ revocation: { cacheTtl: 0 } })
    const cookie = await login(app)
    users.take()
    for (let times = 0; times < 2; times++) {
      assert.equal(await who(app, cookie), 'ann')
      assert.deepEqual(users.take(), ['ann'])
    }
    users.stamps.set('ann', '2')
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('is asked at the same time as the store', async t => {
    const clock = stopClock(t)
    const store = new TestStore()
    const { app, users } = await withStamps({ revocation: { store } })
    const cookie = await login(app)
    clock.tick(2000)
    const [ofStore, ofApp] = [gate(), gate()]
    store.before = () => ofStore.opened
    users.before = () => ofApp.opened
    store.take()
    users.take()
    const answer = who(app, cookie)
    while (store.calls.length === 0 || users.asked.length === 0) await new Promise(setImmediate)
    ofStore.open()
    ofApp.open()
    assert.equal(await answer, 'ann')
  })

  it('is not asked in an app without the option: nothing of a token changes', async () => {
    const app = await appWithLogins({ session: { format: 'sealed' } })
    const token = (await login(app)).slice('session='.length)
    const { app: stamped } = await withStamps({ session: { format: 'sealed' } })
    const withStamp = (await login(stamped)).slice('session='.length)
    assert.equal(Buffer.from(withStamp, 'base64url').length - Buffer.from(token, 'base64url').length, 21)
  })
})

describe('an answer that is late', () => {
  it('does not undo a newer one: a stamp that was read before it changed is forgotten', async t => {
    const clock = stopClock(t)
    const [changing, reading] = [gate(), gate()]
    const users = new Users()
    const { app } = await withStamps({
      after: app => {
        app.post('/slow', async ({ session }) => {
          await changing.opened
          users.stamps.set('ann', '2')
          await app.restampSession(session)
          return ''
        })
      }
    }, users)
    const [here, there] = [await login(app), await login(app)]
    const response = post(app, '/slow', here)
    await new Promise(setImmediate)
    clock.tick(2000)
    users.before = () => reading.opened
    users.take()
    const early = who(app, there)
    while (users.asked.length === 0) await new Promise(setImmediate)
    users.before = () => {}
    changing.open()
    const next = cookieOf(await response)
    reading.open()
    await early
    assert.deepEqual([await who(app, there), await who(app, next)], ['nobody', 'ann'])
  })
})

describe('a request under way while the stamp changes', () => {
  it('seals nothing of its session: no write, and no regenerate() that keeps the user', async () => {
    for (const act of [(session: Bag) => { session.note = 1 }, (session: Bag) => { session.regenerate(['user']) }]) {
      const { app, users } = await withStamps({
        revocation: { cacheTtl: 0 },
        after: app => { app.post('/act', async ({ session }) => { users.stamps.set('ann', '2'); act(session as Bag); return '' }) }
      })
      const response = await post(app, '/act', await login(app))
      assert.deepEqual([response.statusCode, setCookies(response)], [200, []])
    }
  })

  it('cannot log the same user in again: its session was one of the old stamp', async () => {
    const { app, users } = await withStamps({
      after: app => {
        app.post('/again', async ({ session }) => {
          users.stamps.set('ann', '2')
          session.regenerate();
          (session as Bag).user = 'ann'
          return ''
        })
      }
    })
    const response = await post(app, '/again', await login(app))
    assert.deepEqual([response.statusCode, response.json().code, setCookies(response)], [409, 'FST_SEALED_SESSION_REVOKED_MEANWHILE', []])
  })

  it('that is a login is a conflict if another request of this process has restamped: it may have compared the old password', async () => {
    const { opened, open } = gate()
    const { app } = await withStamps({
      after: app => {
        app.post('/slow-login', async ({ session }) => {
          await opened
          session.regenerate();
          (session as Bag).user = 'ann'
          return ''
        })
      }
    })
    const cookie = await login(app)
    const slow = post(app, '/slow-login')
    await new Promise(setImmediate)
    const next = cookieOf(await post(app, '/password', cookie, { stamp: '2' }))
    open()
    const response = await slow
    assert.deepEqual([response.statusCode, response.json().code, setCookies(response)], [409, 'FST_SEALED_SESSION_REVOKED_MEANWHILE', []])
    assert.equal(await who(app, next), 'ann')
  })

  it('and has changed it itself goes on, also with regenerate() and a login of the same user', async () => {
    const { app, users } = await withStamps({
      after: app => {
        app.post('/all', async ({ session }) => {
          users.stamps.set('ann', '2')
          await app.restampSession(session)
          session.regenerate();
          (session as Bag).user = 'ann'
          return ''
        })
      }
    })
    const cookie = await login(app)
    assert.equal(await who(app, cookieOf(await post(app, '/all', cookie))), 'ann')
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('is let go on until it restamps, even if another request hears of the new stamp first', async () => {
    const users = new Users()
    const { app } = await withStamps({
      revocation: { cacheTtl: 0 },
      after: app => {
        app.post('/slow', async ({ session }) => {
          users.stamps.set('ann', '2')
          await who(app, cookie) // refused, and known from now on
          assert.equal((session as Bag).user, 'ann')
          await app.restampSession(session)
          return ''
        })
      }
    }, users)
    const cookie = await login(app)
    assert.equal(await who(app, cookieOf(await post(app, '/slow', cookie))), 'ann')
  })
})

describe('isSessionRevoked', () => {
  it('says so of a session with an old stamp, such as a WebSocket\'s', async t => {
    const clock = stopClock(t)
    const { app, users } = await withStamps()
    const session = app.decodeSecureSession((await login(app)).slice('session='.length))!
    assert.equal(await app.isSessionRevoked(session), false)
    users.stamps.set('ann', '2')
    clock.tick(2000)
    assert.equal(await app.isSessionRevoked(session), true)
  })
})

describe('restampSession', () => {
  it('of a session that was ended is a conflict', async () => {
    const { app } = await withStamps({
      after: app => {
        app.post('/ended', async ({ session }) => { await app.revokeSubject('ann'); await app.restampSession(session) })
      }
    })
    const response = await post(app, '/ended', await login(app))
    assert.deepEqual([response.statusCode, response.json().code], [409, 'FST_SEALED_SESSION_REVOKED_MEANWHILE'])
  })

  it('of a session that is nobody\'s is refused with a code', async () => {
    const { app } = await withStamps({ after: app => { app.post('/restamp', async ({ session }) => { await app.restampSession(session) }) } })
    const response = await post(app, '/restamp')
    assert.deepEqual([response.statusCode, response.json().code], [401, 'FST_SEALED_SESSION_SUBJECT_NOBODY'])
  })

  it('of a session that was opened outside a request is refused until it was checked: an old one must not get a new stamp', async t => {
    const clock = stopClock(t)
    const { app, users } = await withStamps()
    const token = (await login(app)).slice('session='.length)
    const session = app.decodeSecureSession(token)!
    await assert.rejects(app.restampSession(session), { code: 'FST_SEALED_SESSION_NOT_CHECKED' })
    assert.equal(await app.isSessionRevoked(session), false)
    users.stamps.set('ann', '2')
    await app.restampSession(session)
    assert.equal(await who(app, `session=${app.encodeSecureSession(session)}`), 'ann')
    const late = app.decodeSecureSession(token)!
    clock.tick(2000)
    assert.equal(await app.isSessionRevoked(late), true)
    await assert.rejects(app.restampSession(late), { code: 'FST_SEALED_SESSION_NOT_CHECKED' })
  })

  it('gives a new session of createSecureSession a stamp, so that its token opens', async () => {
    const { app } = await withStamps()
    const session = app.createSecureSession({ user: 'ann' } as never)
    assert.equal(await who(app, `session=${app.encodeSecureSession(session)}`), 'nobody')
    await app.restampSession(session)
    assert.equal(await who(app, `session=${app.encodeSecureSession(session)}`), 'ann')
  })
})

describe('while the app cannot be asked', () => {
  async function outage (options: SessionRevocationOptions = {}, setup: LoginsSetup = {}): Promise<{ app: FastifyInstance, users: Users, cookie: string }> {
    const { app, users } = await withStamps({ ...setup, revocation: { cacheTtl: 0, ...options } })
    const cookie = await login(app)
    users.before = () => { throw new Error('the table is locked') }
    return { app, users, cookie }
  }

  it('"reject" answers who uses a session of somebody with 503, seals nothing, and comes back by itself', async () => {
    const { app, users, cookie } = await outage()
    for (const response of [await get(app, '/me', cookie), await post(app, '/write', cookie, { n: 1 }), await post(app, '/login', undefined, { user: 'ann' })]) {
      assert.deepEqual([response.statusCode, response.json().code, setCookies(response)], [503, 'FST_SEALED_SESSION_STAMP_UNAVAILABLE', []])
    }
    assert.equal((await get(app, '/public', cookie)).body, 'hello')
    assert.equal((await get(app, '/me')).body, 'nobody')
    users.before = () => {}
    assert.equal(await who(app, cookie), 'ann')
  })

  it('"accept" keeps everybody working but lets nobody log in, since nobody can say with which stamp', async () => {
    const { app, users, cookie } = await outage({ onStoreError: 'accept' })
    const written = cookieOf(await post(app, '/write', cookie, { n: 1 }))
    assert.deepEqual([await who(app, cookie), await who(app, written)], ['ann', 'ann'])
    assert.equal((await post(app, '/login', undefined, { user: 'ann' })).statusCode, 503)
    users.before = () => {}
    users.stamps.set('ann', '2')
    assert.equal(await who(app, cookie), 'nobody')
    users.before = () => { throw new Error('again') }
    assert.equal(await who(app, cookie), 'nobody', 'what is known to be old stays so')
  })

  it('each question has a time limit, and restampSession fails loudly', async () => {
    const { app, users, cookie } = await outage({ storeTimeout: 0.02, onStoreError: 'accept' })
    users.before = () => new Promise(() => {})
    const response = await post(app, '/password', cookie, { stamp: '2' })
    assert.deepEqual([response.statusCode, response.json().code, setCookies(response)], [503, 'FST_SEALED_SESSION_STAMP_UNAVAILABLE', []])
  })

  it('the log says so once, and once when it answers again', async () => {
    const { lines, logger } = captureLog('info')
    const { app, users, cookie } = await outage({ onStoreError: 'accept' }, { server: { logger: logger!, disableRequestLogging: true } }) // captureLog always gives one
    for (let times = 0; times < 3; times++) await who(app, cookie)
    users.before = () => {}
    for (let times = 0; times < 3; times++) await who(app, cookie)
    assert.deepEqual(lines.map(({ level, msg }) => [level, msg]), [[50, 'the option "stamp" failed: Error'], [30, 'the option "stamp" answers again']])
  })

  for (const value of [1, true, {}, Buffer.from('1')]) {
    it(`an answer that is no text is a mistake of the app's, with "accept" too: ${typeof value}`, async () => {
      const { app, users, cookie } = await outage({ onStoreError: 'accept' })
      users.before = () => {}
      users.stamps.set('ann', value as never)
      const response = await get(app, '/me', cookie)
      assert.deepEqual([response.statusCode, response.json().code], [500, 'FST_SEALED_SESSION_STAMP_TYPE'])
    })
  }
})

describe('"store: false"', () => {
  const none = { revocation: { store: false as const } }

  it('deletes the cookie at logout and no more', async () => {
    const { app } = await withStamps(none)
    const cookie = await login(app)
    const response = await post(app, '/logout', cookie)
    assert.match(setCookies(response)[0] ?? '', /Max-Age=0/)
    assert.equal(await who(app, cookie), 'ann')
  })

  it('has the methods that revoke say why they cannot', async () => {
    const { app } = await withStamps(none)
    const session = app.createSecureSession({ user: 'ann' } as never)
    const code = 'FST_SEALED_SESSION_STORE_NONE'
    await assert.rejects(app.revokeSession(session), { code })
    await assert.rejects(app.revokeSessionId('AAAAAAAAAAAAAAAAAAAAAA'), { code })
    await assert.rejects(app.revokeSubject('ann'), { code })
    await assert.rejects(app.revokeSubject('ann', { except: session }), { code })
    await assert.rejects(app.revokeOtherSessions(session), { code })
    await assert.rejects(app.revokeAll(), { code })
  })

  it('warns of no store in memory', async () => {
    const { lines, logger } = captureLog('warn')
    await withStamps({ ...none, server: { logger: logger! } }) // captureLog always gives one
    assert.deepEqual(lines, [])
  })

  it('answers without a promise what is known: a reply that is not returned is sent once', async () => {
    const { app } = await withStamps({ ...none, after: app => { app.get('/unreturned', ({ session }, reply) => { reply.send((session as Bag).user) }) } })
    const cookie = await login(app)
    assert.equal((await get(app, '/unreturned', cookie)).body, 'ann')
  })
})
