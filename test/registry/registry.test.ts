// The list of a user's sessions: which are in it, with what, and that nobody is let in or kept out by it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { Keyring, authenticated, type Session } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { MemoryRegistry, sessionRegistry, type RegistryLine } from '../../src/registry/index.ts'
import { cookieWith, get, post, readyApp } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { cookieOf, newKey, setCookies } from '../support/helpers.ts'
import { TestRegistry, appListing, idOf, idsOf, onlyOne } from '../support/registry.ts'
import { TestStore, appWithLogins, key, login, who } from '../support/revocation.ts'

const NOW = 1_800_000_000_000 // of stopClock
const DAY = 86_401_000 // the default expiry

describe('the list', () => {
  it('has one line a login, with its id, its times and its description, and marks the current one', async t => {
    const clock = stopClock(t)
    const app = await appListing({ describe: request => ({ browser: request.headers['user-agent'] }) })
    const phone = await login(app)
    clock.tick(5000)
    const laptop = await login(app)
    await login(app, 'bob')
    const [ids, description] = [[await idOf(app, laptop), await idOf(app, phone)], { browser: 'lightMyRequest' }]
    assert.deepEqual((await get(app, '/devices', phone)).json(), [
      { id: ids[0], createdAt: at(5000), lastSeenAt: at(5000), expiresAt: at(5000 + DAY), description, current: false, bound: false },
      { id: ids[1], createdAt: at(0), lastSeenAt: at(0), expiresAt: at(DAY), description, current: true, bound: false }
    ])
  })

  it('has times that move when a session is written or renewed, and the one seen last first; a request that reads moves nothing', async t => {
    const clock = stopClock(t)
    const app = await appListing({}, { session: { rolling: true, absoluteTimeout: 30 * 86_400 } })
    const [phone, laptop] = [await login(app), await login(app)]
    const times = async (): Promise<Array<[id: string, lastSeenAt: number, expiresAt: number]>> =>
      (await app.listSessions('ann')).map(({ id, lastSeenAt, expiresAt }) => [id, Number(lastSeenAt) - NOW, Number(expiresAt) - NOW])
    const [phoneId, laptopId] = [await idOf(app, phone), await idOf(app, laptop)]
    clock.tick(1000)
    await get(app, '/me', laptop)
    await post(app, '/write', phone, { n: 1 })
    assert.deepEqual(await times(), [[phoneId, 1000, DAY + 1000], [laptopId, 0, DAY]])
    clock.tick(DAY * 0.6)
    const now = Date.now() - NOW
    await get(app, '/me', laptop)
    const [[id, lastSeenAt, expiresAt] = []] = await times()
    assert.deepEqual([id, lastSeenAt, expiresAt], [laptopId, Math.round(now / 1000) * 1000, Math.round(now / 1000) * 1000 + DAY])
  })

  const ENDS: Record<string, (app: FastifyInstance, cookie: string) => Promise<unknown>> = {
    revokeSessionId: async app => { await app.revokeSessionId((await onlyOne(app)).id) },
    'a logout': async (app, cookie) => await post(app, '/logout', cookie),
    revokeSession: async (app, cookie) => { await app.revokeSession(app.decodeSecureSession(decodeURIComponent(cookie.slice('session='.length)))!) }, // it was just sealed
    revokeSubject: async app => { await app.revokeSubject('ann') },
    revokeAll: async app => { await app.revokeAll() }
  }
  for (const [how, end] of Object.entries(ENDS)) {
    it(`has no session that ${how} has ended, in this process or in another`, async () => {
      const [store, revocations] = [new MemoryRegistry(), new MemoryStore()]
      const make = async (): Promise<FastifyInstance> => await appListing({ store }, { revocation: { store: revocations, cacheTtl: 0 } })
      const [app, other] = [await make(), await make()]
      const cookie = await login(app)
      await login(other, 'bob')
      await end(app, cookie)
      assert.deepEqual([await idsOf(app), await idsOf(other)], [[], []])
      const next = await login(app)
      assert.deepEqual(await idsOf(other), [await idOf(app, next)])
    })
  }

  it('has the sessions of the first of several subjects, and none that another of them has ended, as it was last', async () => {
    const subject = (session: Session): string[] => ['user', 'tenant'].map(name => session.get<string>(name)).filter(value => value !== undefined)
    const app = await appListing({}, { revocation: { subject } })
    const cookies = [cookieOf(await post(app, '/login', undefined, { user: 'ann', tenant: 't1' })), cookieOf(await post(app, '/login', undefined, { user: 'ann', tenant: 't1' }))]
    const moved = cookieOf(await post(app, '/write', cookies[1], { tenant: 't2' }))
    assert.deepEqual([(await idsOf(app)).length, await idsOf(app, 't1')], [2, []])
    await app.revokeSubject('t1')
    assert.deepEqual(await idsOf(app), [await idOf(app, moved)])
    assert.deepEqual([await who(app, cookies[0]!), await who(app, moved)], ['nobody', 'ann']) // there are two
  })

  it('has no session whose user has another stamp by now', async () => {
    let version = '1'
    const app = await appListing({}, { revocation: { stamp: async () => version, cacheTtl: 0 } })
    const before = await login(app)
    version = '2'
    const after = await login(app)
    assert.deepEqual([await who(app, before), await idsOf(app)], ['nobody', [await idOf(app, after)]])
  })

  it('has no session that has expired', async t => {
    const clock = stopClock(t)
    const app = await appListing()
    await login(app)
    clock.tick(DAY - 1)
    assert.equal((await idsOf(app)).length, 1)
    clock.tick(1)
    assert.deepEqual(await idsOf(app), [])
  })

  it('has an expiry that is the session\'s own, and that of the absolute timeout', async t => {
    stopClock(t)
    const app = await appListing({}, {
      session: { absoluteTimeout: 1000 },
      after: app => { app.post('/remember', async ({ session }) => { session.options({ expiry: 500 }) }) }
    })
    const cookie = await login(app)
    assert.equal(Number((await onlyOne(app)).expiresAt), NOW + 1_000_000)
    await post(app, '/remember', cookie)
    assert.equal(Number((await onlyOne(app)).expiresAt), NOW + 500_000)
  })

  it('keeps a session whose logout has failed', async () => {
    const revocations = new TestStore()
    const app = await appListing({}, { revocation: { store: revocations } })
    const cookie = await login(app)
    revocations.before = method => { if (method === 'set') throw new Error('down') }
    assert.equal((await post(app, '/logout', cookie)).statusCode, 503)
    revocations.recover()
    assert.deepEqual([(await idsOf(app)).length, await who(app, cookie)], [1, 'ann'])
  })

  it('has one line after a login anew in the same browser, with regenerate() and without', async () => {
    const app = await appListing({}, { after: app => { app.post('/plain-login', async ({ session, body }) => { Object.assign(session, body) }) } })
    const next = await login(app, 'ann', await login(app))
    assert.deepEqual(await idsOf(app), [await idOf(app, next)])
    const last = cookieOf(await post(app, '/plain-login', next, { user: 'bob' }))
    assert.deepEqual([await idsOf(app), await idsOf(app, 'bob')], [[], [await idOf(app, last)]])
  })

  it('follows a session that gets a new id', async () => {
    const app = await appListing({}, {
      after: app => {
        app.post('/keep', async ({ session }) => { session.regenerate(['user' as never]) })
        app.post('/others', async ({ session }) => { await app.revokeSubject('ann', { except: session }) })
        app.post('/longer', async ({ session }) => { session.options({ expiry: 2 * 86_400 }) })
      }
    })
    let cookie = await login(app)
    await login(app)
    for (const url of ['/others', '/keep', '/longer']) {
      const before = await idOf(app, cookie)
      cookie = cookieOf(await post(app, url, cookie))
      assert.notEqual(await idOf(app, cookie), before)
      assert.deepEqual(await idsOf(app), [await idOf(app, cookie)], url)
    }
  })

  it('loses a session that has no subject any more', async () => {
    const app = await appListing({}, { after: app => { app.post('/forget', async ({ session }) => { delete (session as { user?: string }).user }) } })
    await post(app, '/forget', await login(app))
    assert.deepEqual(await idsOf(app), [])
  })

  it('has nothing of sessions that are nobody\'s', async () => {
    const store = new TestRegistry()
    const app = await appListing({ store })
    const cookie = cookieOf(await post(app, '/write', undefined, { cart: 1 }))
    await post(app, '/write', cookie, { cart: 2 })
    await post(app, '/logout', cookie)
    assert.deepEqual(store.calls, [])
  })

  it('keeps the line of a session whose key is rotated, and of one that migrates to the other format', async () => {
    const [keyring, store] = [new Keyring([key]), new MemoryRegistry()]
    const old = await appListing({ store }, { session: { key: keyring, format: 'secretbox' } })
    let cookie = await login(old)
    const { id } = await onlyOne(old)
    keyring.rotate(newKey())
    cookie = cookieOf(await get(old, '/me', cookie))
    assert.equal((await onlyOne(old)).id, id)
    const now = await appListing({ store }, { session: { key: keyring } })
    cookie = cookieOf(await get(now, '/me', cookie))
    assert.deepEqual([(await onlyOne(now)).id, await idOf(now, cookie)], [id, id])
  })

  for (const format of ['sealed', 'secretbox']) {
    it(`has a session of before there was a registry, or revocation, as soon as it is sealed again (${format})`, async () => {
      const app = await appListing()
      const cookie = cookieWith(await readyApp({ session: { key, format } }), { user: 'ann' })
      const next = cookieOf(await post(app, '/touch', cookie))
      assert.equal((await onlyOne(app)).id, await idOf(app, next))
    })
  }

  it('has the logins of the session with its sessionName', async () => {
    const app = await appWithLogins({ session: { sessionName: 'session' }, after: app => app.register(sessionRegistry, { store: new MemoryRegistry(), sessionName: 'session' }) })
    await login(app)
    assert.equal((await idsOf(app)).length, 1)
  })
})

describe('a registry', () => {
  it('is never read to let somebody in, nor written by a request that only reads', async () => {
    const store = new TestRegistry()
    const app = await appListing({ store, maxSessions: 2 })
    const cookie = await login(app)
    store.calls.length = 0
    for (let i = 0; i < 3; i++) assert.equal(await who(app, cookie), 'ann')
    await get(app, '/public', cookie)
    assert.deepEqual(store.calls, [])
    await post(app, '/write', cookie, { n: 1 })
    assert.deepEqual(store.calls, ['put'])
  })

  it('that is empty logs nobody out: everybody works, and the list fills again', async () => {
    const revocations = new MemoryStore()
    const [full, empty] = [await appListing({}, { revocation: { store: revocations } }), await appListing({ maxSessions: 1, onMaxSessions: 'refuse' }, { revocation: { store: revocations } })]
    const cookies = [await login(full), await login(full), await login(full, 'bob')]
    for (const [index, user] of ['ann', 'ann', 'bob'].entries()) {
      const cookie = cookies[index]! // there are as many
      assert.deepEqual([await who(empty, cookie), (await post(empty, '/write', cookie, { n: 1 })).statusCode], [user, 200])
    }
    assert.deepEqual([(await idsOf(empty)).length, (await idsOf(empty, 'bob')).length], [2, 1])
  })

  it('holds no secret: neither a token, nor a name, nor what is in the session', async () => {
    const told: unknown[] = []
    const held = new MemoryRegistry()
    const app = await appListing({
      store: {
        put: (subject, line, isLogin) => { told.push(subject, line); held.put(subject, line, isLogin) },
        remove: (subject, id) => { told.push(subject, id); held.remove(subject, id) },
        list: subject => { told.push(subject); return held.list(subject) }
      }
    })
    const cookie = await login(app, 'ann@example.org')
    const token = decodeURIComponent(cookie.slice('session='.length))
    await app.listSessions('ann@example.org')
    const { id } = told[1] as RegistryLine
    const opened = app.decodeSecureSession(id)
    assert.equal(opened, null)
    assert.equal(await who(app, `session=${id}`), 'nobody')
    const text = JSON.stringify(told)
    for (const secret of ['ann', token, token.slice(10, 40)]) assert.ok(!text.includes(secret), secret)
    assert.equal(Buffer.from(told[0] as string, 'base64url').length, 32)
  })

  it('tells nobody else\'s sessions, and refuses a subject that is no text', async () => {
    const app = await appListing()
    await login(app)
    assert.deepEqual(await app.listSessions('an'), [])
    for (const subject of ['', 42, undefined]) await assert.rejects(app.listSessions(subject as string), { code: 'FST_SEALED_SESSION_SUBJECT_TYPE' })
    await assert.rejects(app.listSessions('ann', { curent: {} } as never), { code: 'FST_SEALED_SESSION_OPTION_UNKNOWN' })
    await assert.rejects(app.listSessions('ann', { current: {} }), { code: 'FST_SEALED_SESSION_NOT_A_SESSION' })
  })
})

describe('a description', () => {
  it('is that of the login, whatever later requests look like', async () => {
    const app = await appListing({ describe: request => ({ url: request.url }) })
    const cookie = await login(app)
    await post(app, '/touch', cookie)
    assert.deepEqual((await onlyOne(app)).description, { url: '/login' })
  })

  const ways: Record<string, { began: number, renew: (app: FastifyInstance, session: Session) => unknown }> = {
    'authenticated()': { began: 60_000, renew: (_app, session) => authenticated(session, 'password') },
    'regenerate()': { began: 60_000, renew: (_app, session) => { session.regenerate(['user']) } },
    'revokeOtherSessions()': { began: 0, renew: async (app, session) => { await app.revokeOtherSessions(session) } }
  }
  for (const [way, { began, renew }] of Object.entries(ways)) {
    it(`is made anew, ${began === 0 ? 'and the time at which the session began is not' : 'as the time at which the session began'}, when it gets a new id by ${way}`, async t => {
      const clock = stopClock(t)
      const app = await appListing({ describe: request => ({ url: request.url }) }, {
        after: app => app.post('/anew', async ({ session }) => { await renew(app, session); return 'anew' })
      })
      const cookie = await login(app)
      const before = await onlyOne(app)
      clock.tick(60_000)
      await post(app, '/anew', cookie)
      const { id, description, createdAt } = await onlyOne(app)
      assert.notEqual(id, before.id)
      assert.deepEqual([description, Number(createdAt) - Number(before.createdAt)], [{ url: '/anew' }, began])
    })
  }

  it('has texts that are cut after 256 characters, so that no client with a long header is locked out', async () => {
    const app = await appListing({ describe: () => ({ deep: [{ name: `${'x'.repeat(255)}🏔🏔` }] }) })
    await login(app)
    assert.deepEqual((await onlyOne(app)).description, { deep: [{ name: 'x'.repeat(255) }] })
  })

  it('is null without the option', async () => {
    const app = await appListing()
    await login(app)
    assert.equal((await onlyOne(app)).description, null)
  })

  it('that fails when a session is sealed again fails no request', async () => {
    let isBroken = false
    const app = await appListing({ describe: () => { if (isBroken) throw new Error('broken'); return {} } })
    const cookie = await login(app)
    isBroken = true
    const response = await post(app, '/write', cookie, { n: 1 })
    assert.deepEqual([response.statusCode, setCookies(response).length], [200, 1])
  })
})

/** A time of a stopped clock, as JSON has it. */
function at (milliseconds: number): string {
  return new Date(NOW + milliseconds).toISOString()
}
