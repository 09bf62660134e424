// Bound sessions and their revocation: copies from before the binding, the end of a bound session, a store that fails.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { MemoryStore, sessionRevocation, type SessionRevocationOptions } from '../../src/revocation/index.ts'
import { deviceBinding } from '../../src/device/index.ts'
import { createTestDevice, type TestDevice } from '../../src/testing/index.ts'
import { readyApp, type Handlers } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, boundDevice, infoOf, loggedIn, LOGINS as LOGIN_ROUTES, offerOf, only, register, registrationOf, SESSION, SESSION_ONLY, stolen, type DeviceSetup } from '../support/device.ts'
import { newKey, setCookies } from '../support/helpers.ts'
import { key, subject, TestStore } from '../support/revocation.ts'

const GRACE = 10_000
const INTERVAL = 600_000

async function revocable (revocation: SessionRevocationOptions = {}, { session, ...setup }: DeviceSetup = {}): Promise<FastifyInstance> {
  return await appWithDevices({ ...setup, session: { key, ...session }, revocation: { store: new MemoryStore(), subject, ...revocation } })
}

/** A store that adds in one step, with a test's say in all calls. */
class AddingStore extends TestStore {
  async add (name: string, value: string): Promise<boolean> {
    this.calls.push(['add', name, value])
    await this.before('set', name)
    if (this.held.has(name)) return false
    this.held.set(name, value)
    return true
  }
}

const STORES: Record<string, () => TestStore> = { 'with add()': () => new AddingStore(), 'without add()': () => new TestStore() }

/** A login after a redirect from another site, whose registration brings no cookie. */
async function crossSite (app: FastifyInstance, device = createTestDevice()): Promise<LightMyRequestResponse> {
  return await device.inject(app, { method: 'POST', url: '/login', payload: { user: 'ann' }, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' } })
}

const LOGINS: Record<string, { logIn: (app: FastifyInstance, device: TestDevice) => Promise<LightMyRequestResponse>, withCookies: boolean }> = {
  'by a registration': { logIn: async (app, device) => (await loggedIn(app, device)).response, withCookies: true },
  'by a registration without cookies': { logIn: crossSite, withCookies: false }
}

async function post (app: FastifyInstance, url: string, cookie: string, payload: object = {}): Promise<LightMyRequestResponse> {
  return await app.inject({ method: 'POST', url, headers: { cookie }, payload })
}

describe('39. a copy of the session cookie without its proof', () => {
  it('is refused before the store of the revocation is asked, whatever the request does', async () => {
    const store = new TestStore()
    const app = await revocable({ store, cacheTtl: 0 })
    const cookie = only((await boundDevice(app)).cookies, ...SESSION_ONLY)
    store.take()
    for (const url of ['/me', '/info', '/public']) await stolen(app, cookie, url)
    await post(app, '/write', cookie, { n: 1 })
    assert.equal(app.decodeSecureSession({ headers: { cookie } } as never), null)
    assert.deepEqual(store.calls, [])
    assert.equal((await infoOf(app, cookie)).reason, 'device-unproven')
  })

  it('costs no question for an identifier that somebody has made up either', async () => {
    const store = new TestStore()
    const app = await revocable({ store, cacheTtl: 0 })
    const cookie = only((await boundDevice(app)).cookies, ...SESSION_ONLY)
    store.take()
    const answer = await register(app, undefined, cookie, { 'sec-secure-session-id': 'made-up' })
    assert.equal(answer.json<{ continue: boolean }>().continue, false)
    assert.deepEqual(store.calls, [])
  })
})

for (const [how, { logIn, withCookies }] of Object.entries(LOGINS)) {
  describe(`39. a session that was bound ${how}`, () => {
    it('has another id, and a copy from before is dead in all processes ten seconds later, and not sooner', async t => {
      const clock = stopClock(t)
      const store = new MemoryStore()
      const [app, other] = [await revocable({ store, cacheTtl: 0 }), await revocable({ store, cacheTtl: 0 })]
      const device = createTestDevice()
      const response = await logIn(app, device)
      const [copy, { id }] = [device.cookies, await infoOf(app, device.cookies)]
      assert.equal((await device.register(app, response, { withCookies }))?.statusCode, 200)
      for (const process of [app, other]) assert.equal((await stolen(process, copy)).body, 'ann')
      clock.tick(GRACE - 1)
      for (const process of [app, other]) assert.equal((await stolen(process, copy)).body, 'ann')
      clock.tick(1)
      for (const process of [app, other]) assert.equal((await infoOf(process, copy)).reason, 'revoked')
      for (const process of [app, other]) assert.equal((await device.inject(process, { url: '/me' })).body, 'ann')
      const bound = await infoOf(app, device.cookies)
      assert.equal(bound.device?.state, 'bound')
      assert.notEqual(bound.id, id)
      assert.equal((await infoOf(other, device.cookies)).id, bound.id)
    })

    for (const [kind, newStore] of Object.entries(STORES)) {
      it(`is not bound while a store ${kind} fails: 503, no cookie, no end, and it can be done again`, async t => {
        const clock = stopClock(t)
        for (const failing of ['get', 'set'] as const) {
          const store = newStore()
          const app = await revocable({ store, cacheTtl: 0 })
          const device = createTestDevice()
          const response = await logIn(app, device)
          const copy = device.cookies
          store.before = method => { if (method === failing) throw new Error('away') }
          // That which can add need not read.
          if (failing === 'get' && kind === 'with add()' && !withCookies) continue
          const answer = await device.register(app, response, { withCookies })
          assert.deepEqual([answer?.statusCode, answer === null ? [] : setCookies(answer), answer?.body], [503, [], ''], failing)
          assert.equal(device.isBound, false)
          store.recover()
          clock.tick(GRACE + 1)
          assert.equal((await stolen(app, copy)).body, 'ann')
          assert.equal((await device.register(app, response, { withCookies }))?.statusCode, 200)
          assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
          clock.tick(GRACE + 1)
          assert.equal((await stolen(app, copy)).body, 'nobody')
        }
      })
    }

    it('cannot be bound a second time by a copy from before, neither within the grace nor afterwards', async t => {
      const clock = stopClock(t)
      const app = await revocable()
      const device = createTestDevice()
      const response = await logIn(app, device)
      const [copy, { challenge }] = [withCookies ? device.cookies : '', offerOf(response)]
      await device.register(app, response, { withCookies })
      for (const wait of [0, GRACE + 1]) {
        clock.tick(wait)
        const second = await register(app, registrationOf(challenge), copy)
        assert.deepEqual([second.statusCode, setCookies(second), second.body], [400, [], ''])
      }
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    })

    it('is not bound after it was logged out', async () => {
      const app = await revocable()
      const device = createTestDevice()
      const response = await logIn(app, device)
      const copy = device.cookies
      await post(app, '/logout', copy)
      const answer = await register(app, registrationOf(offerOf(response).challenge), withCookies ? copy : '')
      assert.deepEqual([answer.statusCode, setCookies(answer)], [400, []])
    })

    for (const [kind, newStore] of Object.entries(STORES)) {
      it(`ends with a logout by a request that was under way when it was bound, by a store ${kind}`, async () => {
        const store = newStore()
        const [app, other] = [await revocable({ store, cacheTtl: 0 }), await revocable({ store, cacheTtl: 0 })]
        const device = createTestDevice()
        const response = await logIn(app, device)
        const copy = device.cookies
        await device.register(app, response, { withCookies })
        const logout = await post(other, '/logout', copy)
        assert.match(setCookies(logout).join('\n'), /^session=;/, 'its cookie is taken away')
        for (const process of [app, other]) {
          assert.equal((await stolen(process, device.cookies)).body, 'nobody')
          assert.equal((await stolen(process, copy)).body, 'nobody', 'at once: there is no grace for who has logged out')
        }
        assert.equal((await device.refresh(app)).json<{ continue?: boolean }>().continue, false)
      })

      it(`ends by an id that somebody has read before it was bound, by a store ${kind}`, async t => {
        const clock = stopClock(t)
        const app = await revocable({ store: newStore() })
        const device = createTestDevice()
        const response = await logIn(app, device)
        const { id } = await infoOf(app, device.cookies)
        await device.register(app, response, { withCookies })
        clock.tick(60_000)
        assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
        await app.revokeSessionId(id!) // revocation gives each an id
        assert.equal((await device.inject(app, { url: '/me' })).body, 'nobody')
      })
    }

    it('ends with a login by a request that was under way, as any session does in whose place another comes', async () => {
      const app = await revocable()
      const device = createTestDevice()
      const response = await logIn(app, device)
      const copy = device.cookies
      await device.register(app, response, { withCookies })
      const again = await post(app, '/login', copy, { user: 'bob' })
      assert.equal((await stolen(app, device.cookies)).body, 'nobody')
      device.take(again)
      assert.equal((await device.inject(app, { url: '/me' })).body, 'bob')
    })

    it('is left alone by a copy from before that would go on by regenerate(keep) within the grace, which gets no cookie', async () => {
      const app = await revocable()
      const device = createTestDevice()
      const response = await logIn(app, device)
      const copy = device.cookies
      await device.register(app, response, { withCookies })
      assert.deepEqual(setCookies(await post(app, '/keep', copy)).filter(line => line.startsWith('session=')), [])
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    })

    for (const [url, what] of [['/again', 'regenerate() and the same user again'], ['/assign', 'an assignment'], ['/unread', 'an assignment that has not read it']] as const) {
      for (const [kind, newStore] of Object.entries(STORES)) {
        it(`is left alone by a copy from before that would begin a session of the same user by ${what} within the grace, which gets no cookie, by a store ${kind}`, async t => {
          const clock = stopClock(t)
          const store = newStore()
          const routes: Handlers = {
            'POST /assign': request => { request.session = request.server.createSecureSession(request.session.data()) },
            'POST /unread': request => { request.session = request.server.createSecureSession({ user: 'ann' }) }
          }
          const [app, other] = [await revocable({ store }, { routes }), await revocable({ store }, { routes })]
          const device = createTestDevice()
          const response = await logIn(app, device)
          const copy = device.cookies
          assert.equal((await stolen(other, copy)).body, 'ann', 'this process believes for a moment that it has not ended')
          await device.register(app, response, { withCookies })
          for (const process of [other, app]) {
            const answer = await post(process, url, copy)
            assert.deepEqual([answer.statusCode, setCookies(answer).filter(line => line.startsWith('session='))], [200, []])
          }
          for (const process of [app, other]) assert.equal((await device.inject(process, { url: '/me' })).body, 'ann')
          clock.tick(GRACE + 1)
          assert.equal((await stolen(app, copy)).body, 'nobody')
          assert.equal((await device.inject(other, { url: '/me' })).body, 'ann')
          assert.equal((await device.refresh(app)).statusCode, 200)
          assert.equal(device.isBound, true)
        })
      }
    }

    for (const [kind, newStore] of Object.entries(STORES)) {
      it(`is left alone by a copy from before that is given a longer lifetime within the grace, which gets no cookie, by a store ${kind}`, async t => {
        const clock = stopClock(t)
        const store = newStore()
        const setup = { routes: { 'POST /remember': ({ session }) => { session.options({ expiry: 100_000 }) } } satisfies Handlers }
        const [app, other] = [await revocable({ store }, setup), await revocable({ store }, setup)]
        const device = createTestDevice()
        const response = await logIn(app, device)
        const copy = device.cookies
        assert.equal((await stolen(other, copy)).body, 'ann', 'this process believes for a moment that it has not ended')
        await device.register(app, response, { withCookies })
        for (const process of [other, app]) assert.deepEqual(setCookies(await post(process, '/remember', copy)).filter(line => line.startsWith('session=')), [])
        clock.tick(GRACE + 1)
        assert.equal((await stolen(app, copy)).body, 'nobody')
        assert.equal((await device.inject(other, { url: '/me' })).body, 'ann')
      })

      for (const [how, end] of Object.entries({
        'revokeOtherSessions()': async ({ server, session }) => { await server.revokeOtherSessions(session) },
        'revokeSubject() with "except"': async ({ server, session }) => { await server.revokeSubject('ann', { except: session }) }
      } satisfies Handlers)) {
        it(`is not ended by a copy from before that would be the only one to go on, by ${how} within the grace, by a store ${kind}`, async t => {
          const clock = stopClock(t)
          const store = newStore()
          const setup = { routes: { 'POST /end': end } }
          const [app, other] = [await revocable({ store }, setup), await revocable({ store }, setup)]
          const device = createTestDevice()
          const response = await logIn(app, device)
          const copy = device.cookies
          assert.equal((await stolen(other, copy)).body, 'ann', 'as above')
          await device.register(app, response, { withCookies })
          for (const process of [other, app]) assert.equal((await post(process, '/end', copy)).statusCode, 409)
          clock.tick(GRACE + 1)
          assert.equal((await stolen(app, copy)).body, 'nobody')
          assert.equal((await device.inject(other, { url: '/me' })).body, 'ann')
        })
      }
    }

    for (const [url, what] of [['/nobody', 'regenerate() for nobody'], ['/gone', 'regenerate() and then delete()']] as const) {
      it(`ends by ${what} in a request that was under way, as by a logout`, async () => {
        const routes: Handlers = {
          'POST /nobody': ({ session }) => { session.regenerate() },
          'POST /gone': ({ session }) => { session.regenerate(); session.delete() }
        }
        const app = await revocable({}, { routes })
        const device = createTestDevice()
        const response = await logIn(app, device)
        const copy = device.cookies
        await device.register(app, response, { withCookies })
        const answer = await post(app, url, copy)
        assert.equal(setCookies(answer).filter(line => line.startsWith('session=')).length, 1)
        assert.equal((await stolen(app, device.cookies)).body, 'nobody')
        assert.equal((await stolen(app, copy)).body, 'nobody')
      })
    }

    for (const device of [{}, { policy: 'require' }, { unboundExpiry: 300 }] as const) {
      it(`15. goes on if a slow response from before has put its old cookie back, also if the proof is over by then: ${JSON.stringify(device)}`, async t => {
        const clock = stopClock(t)
        for (const wait of [GRACE + 1, INTERVAL + 60_000]) {
          const app = await revocable({}, { device })
          const browser = createTestDevice()
          const response = await logIn(app, browser)
          const slow = await post(app, '/write', browser.cookies, { n: 1 })
          await browser.register(app, response, { withCookies })
          browser.take(slow)
          clock.tick(wait)
          assert.equal((await browser.inject(app, { url: '/me' })).body, 'ann')
          assert.equal(browser.isBound, true)
          assert.equal((await infoOf(app, only(browser.cookies, ...SESSION_ONLY))).reason, 'device-unproven')
        }
      })
    }
  })
}

const ENDS: Record<string, (app: FastifyInstance, id: string, other: string) => Promise<unknown>> = {
  'revokeSessionId()': async (app, id) => { await app.revokeSessionId(id) },
  'revokeSubject()': async app => { await app.revokeSubject('ann') },
  'revokeAll()': async app => { await app.revokeAll() },
  'revokeOtherSessions() of another': async (app, _id, other) => { await post(app, '/others', other) }
}

describe('39. a bound session that was ended', () => {
  for (const [by, end] of Object.entries(ENDS)) {
    it(`by ${by} is ended by its refresh in each process, and a copy of its cookies is dead`, async () => {
      const store = new MemoryStore()
      const routes = { 'POST /others': async ({ server, session }: { server: FastifyInstance, session: object }) => { await server.revokeOtherSessions(session) } }
      const [app, process] = [await revocable({ store, cacheTtl: 0 }, { routes }), await revocable({ store, cacheTtl: 0 }, { routes })]
      const [device, other] = [await boundDevice(app), await boundDevice(app)]
      const [jar, { id }] = [device.cookies, await infoOf(app, device.cookies)]
      await end(app, id!, other.cookies) // revocation gives each an id
      for (const cookie of [jar, only(jar, ...SESSION_ONLY)]) assert.equal((await stolen(process, cookie)).body, 'nobody')
      const answer = await device.refresh(process)
      const { session_identifier: identifier, ...rest } = answer.json<Record<string, unknown>>()
      assert.deepEqual([answer.statusCode, rest, setCookies(answer)], [200, { continue: false }, []])
      assert.match(String(identifier), /^[\w-]+$/)
      assert.equal(device.isBound, false)
    })
  }

  it('by the logout of who has stolen both cookies is ended by its refresh', async () => {
    const app = await revocable()
    const device = await boundDevice(app)
    await post(app, '/logout', device.cookies)
    assert.equal((await device.refresh(app)).json<{ continue: boolean }>().continue, false)
  })

  it('by another stamp of its user is ended by its refresh; one with the new stamp goes on, and is bound', async () => {
    let stamp = '1'
    const routes = { 'POST /password': async ({ server, session }: { server: FastifyInstance, session: object }) => { stamp = '2'; await server.restampSession(session) } }
    const app = await revocable({ stamp: () => stamp, cacheTtl: 0 }, { routes })
    const [device, other] = [await boundDevice(app), await boundDevice(app)]
    await device.inject(app, { method: 'POST', url: '/password' })
    assert.equal((await other.refresh(app)).json<{ continue: boolean }>().continue, false)
    device.expire()
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    assert.equal((await infoOf(app, device.cookies)).device?.state, 'bound')
  })

  it('leaves the one that called revokeOtherSessions() bound, under a new id, and its refresh goes on', async t => {
    const clock = stopClock(t)
    const routes = { 'POST /others': async ({ server, session }: { server: FastifyInstance, session: object }) => { await server.revokeOtherSessions(session) } }
    const app = await revocable({}, { routes })
    const device = await boundDevice(app)
    const before = await infoOf(app, device.cookies)
    await device.inject(app, { method: 'POST', url: '/others' })
    const after = await infoOf(app, device.cookies)
    assert.notEqual(after.id, before.id)
    assert.equal(after.device?.state, 'bound')
    clock.tick(INTERVAL + 60_000)
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    assert.equal(device.isBound, true)
  })
})

describe('39. while the store of the revocation fails', () => {
  it('a refresh is answered 503 without a cookie, the binding is kept, and works again afterwards', async () => {
    const store = new TestStore()
    const app = await revocable({ store, cacheTtl: 0 })
    const device = await boundDevice(app)
    device.expire()
    store.fail()
    const answer = await device.refresh(app)
    assert.deepEqual([answer.statusCode, setCookies(answer), answer.body, device.isBound], [503, [], '', true])
    store.recover()
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
  })

  it('a refresh without cookies goes on: the proof opens nothing by itself', async () => {
    const store = new TestStore()
    const app = await revocable({ store, cacheTtl: 0 })
    const device = await boundDevice(app)
    store.fail()
    assert.equal((await device.refresh(app, { withCookies: false })).statusCode, 200)
  })

  it('a refresh goes on with onStoreError "accept", as all sessions do', async () => {
    const store = new TestStore()
    const app = await revocable({ store, cacheTtl: 0, onStoreError: 'accept' })
    const device = await boundDevice(app)
    store.fail()
    assert.equal((await device.refresh(app)).statusCode, 200)
  })

  it('a registration is answered 503 with onStoreError "accept" as well: the end of copies must be stored', async () => {
    const store = new TestStore()
    const app = await revocable({ store, cacheTtl: 0, onStoreError: 'accept' })
    const { device, response } = await loggedIn(app)
    store.fail()
    const answer = await device.register(app, response)
    assert.deepEqual([answer?.statusCode, setCookies(answer!)], [503, []])
    store.recover()
    assert.equal((await device.register(app, response))?.statusCode, 200)
  })
})

describe('39. the end of copies from before the binding is stored', () => {
  it('as a number that older versions take for a session that has ended', async () => {
    const store = new TestStore()
    const app = await revocable({ store })
    const { device, response } = await loggedIn(app)
    const { id } = await infoOf(app, device.cookies)
    await device.register(app, response)
    const value = store.held.get(`sealed-session:revoked:${id!}`)
    assert.match(String(value), /^1\d{15}$/) // they compare it with 0, and read digits only
  })

  it('in the same way if the binding was registered before the revocation', async t => {
    const clock = stopClock(t)
    const store = new TestStore()
    const app = await readyApp({
      session: { key, ...SESSION },
      routes: LOGIN_ROUTES,
      after: app => app.register(deviceBinding).register(sessionRevocation, { store, subject, cacheTtl: 0 })
    })
    const { device, response } = await loggedIn(app)
    const copy = device.cookies
    assert.equal((await device.register(app, response))?.statusCode, 200)
    clock.tick(GRACE + 1)
    assert.equal((await stolen(app, copy)).body, 'nobody')
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    store.take()
    await post(app, '/write', only(device.cookies, ...SESSION_ONLY), { n: 1 })
    assert.deepEqual(store.calls, [])
    store.fail()
    assert.equal((await device.refresh(app)).statusCode, 503)
  })
})

describe('22. with ids, a proof', () => {
  it('of one session does not open another, of the same user or of another', async () => {
    const app = await revocable()
    const [device, same, bob] = [await boundDevice(app), await boundDevice(app), await boundDevice(app, createTestDevice(), 'bob')]
    for (const other of [same, bob]) {
      const mixed = `${only(device.cookies, ...SESSION_ONLY)}; ${only(other.cookies, 'session.device')}`
      assert.equal((await infoOf(app, mixed)).reason, 'device-unproven')
    }
  })

  it('of one app does not open the session of another, and no cookie opens as the other kind', async () => {
    const [app, other] = [await revocable(), await revocable({}, { session: { key: newKey() } })]
    const [device, stranger] = [await boundDevice(app), await boundDevice(other)]
    const value = (cookies: string, name: string): string => only(cookies, name).slice(name.length + 1)
    const [own, proof] = [value(device.cookies, 'session'), value(device.cookies, 'session.device')]
    for (const cookie of [
      `session=${own}; session.device=${value(stranger.cookies, 'session.device')}`,
      `session=${own}; session.device=${own}`,
      `session=${proof}; session.device=${proof}`,
      `session=${value(stranger.cookies, 'session')}; session.device=${proof}`
    ]) assert.equal((await stolen(app, cookie)).body, 'nobody')
    assert.equal((await stolen(app, `session=${own}; session.device=${proof}`)).body, 'ann')
  })
})
