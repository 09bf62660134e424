// Bound sessions that go on under a new beginning: by regenerate() with keys to keep, by authenticated(), and by a session
// that is assigned in their place. A thief who uses a copy of both cookies at once must not get one without the binding.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { deviceBinding } from '../../src/device/index.ts'
import { authenticated, sessionInfo, sessionSignal, type Session } from '../../src/index.ts'
import { MemoryRegistry } from '../../src/registry/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { createTestDevice } from '../../src/testing/index.ts'
import { post, readyApp, type Bag, type Handlers } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, boundDevice, challengeOf, infoOf, jwtOf, loggedIn, newPair, offerOf, only, PROOF_ONLY, refresh, register, registrationOf, SESSION_ONLY, stolen, type DeviceSetup } from '../support/device.ts'
import { newKey, setCookies, tokenOf } from '../support/helpers.ts'
import { key, subject } from '../support/revocation.ts'

const INTERVAL = 600_000
const LEEWAY = 5000

/** Ways in which a session goes on. */
const WAYS: Handlers = {
  'POST /keep': ({ session }) => { session.regenerate(['user'] as never); return sessionInfo(session) },
  'POST /confirm': ({ session }) => { authenticated(session, 'password'); return sessionInfo(session) },
  'POST /assign': request => {
    request.session = request.server.createSecureSession(request.session.data())
    return sessionInfo(request.session)
  },
  'POST /assign-twice': request => {
    for (let times = 0; times < 2; times++) request.session = request.server.createSecureSession(request.session.data())
    return sessionInfo(request.session)
  }
}

/** Others, which begin a session of its own. */
const OTHERS: Handlers = {
  'POST /nothing': ({ session }) => { session.regenerate(['cart'] as never); Object.assign(session, { user: 'ann' }) },
  'POST /no-keys': ({ session }) => { session.regenerate([] as never); Object.assign(session, { user: 'ann' }) },
  'POST /unread': request => { request.session = request.server.createSecureSession({ user: 'ann' }) },
  'POST /left': request => {
    request.session.delete()
    request.session = request.server.createSecureSession({ user: 'ann' })
  },
  'POST /anew': request => {
    request.session.regenerate()
    request.session = request.server.createSecureSession({ user: 'ann' })
  }
}

async function newProcess (kind: DeviceSetup, { session, ...setup }: DeviceSetup = {}): Promise<FastifyInstance> {
  return await appWithDevices({ ...kind, ...setup, session: { key, ...session }, routes: { ...WAYS, ...OTHERS, ...setup.routes } })
}

const isOffered = ({ headers }: LightMyRequestResponse): boolean => headers['secure-session-registration'] !== undefined
const namesIn = (response: LightMyRequestResponse): string[] => setCookies(response).map(line => line.split('=')[0]!) // each has a name

const KINDS: Record<string, () => DeviceSetup> = {
  'without revocation': () => ({}),
  'with revocation': () => ({ revocation: { store: new MemoryStore(), subject, cacheTtl: 0 } }),
  'with revocation that is not told of users': () => ({ revocation: { store: new MemoryStore(), cacheTtl: 0 } })
}

for (const [kind, setup] of Object.entries(KINDS)) {
  for (const way of Object.keys(WAYS).map(name => name.slice('POST '.length))) {
    describe(`a bound session that goes on by ${way}, ${kind}`, () => {
      it('14. stays bound, and offers nothing: a thief with both cookies gets a session that ends with the proof', async t => {
        const clock = stopClock(t)
        const app = await newProcess(setup())
        const device = await boundDevice(app)
        const thief = createTestDevice()
        const proof = only(device.cookies, ...PROOF_ONLY)
        clock.tick(1000)
        const response = await post(app, way, device.cookies)
        assert.deepEqual([response.statusCode, namesIn(response), isOffered(response)], [200, ['session'], false])
        thief.take(response)
        assert.equal((await stolen(app, thief.cookies)).body, 'nobody', 'without the proof')
        assert.equal((await stolen(app, `${thief.cookies}; ${proof}`)).body, 'ann')
        for (const url of ['/me', way]) assert.equal(isOffered(await app.inject({ method: url === way ? 'POST' : 'GET', url, headers: { cookie: `${thief.cookies}; ${proof}`, 'sec-fetch-dest': 'document' } })), false)
        clock.tick(INTERVAL + LEEWAY)
        assert.deepEqual([(await stolen(app, `${thief.cookies}; ${proof}`)).body, (await infoOf(app, thief.cookies)).reason], ['nobody', 'device-unproven'])
      })

      it('14. is proven by the browser as before, again and again, in one request each', async t => {
        const clock = stopClock(t)
        const app = await newProcess(setup())
        const device = await boundDevice(app)
        for (let round = 0; round < 3; round++) {
          clock.tick(1000)
          const response = await device.inject(app, { method: 'POST', url: way })
          assert.deepEqual([namesIn(response), isOffered(response)], [['session'], false])
          assert.equal((await infoOf(app, device.cookies)).device?.state, 'bound')
          clock.tick(INTERVAL + LEEWAY)
          assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
          assert.equal(device.isBound, true)
        }
      })

      it('41. tells in the same request that it is bound, and since when', async t => {
        const clock = stopClock(t)
        const app = await newProcess(setup())
        const device = await boundDevice(app)
        const before = (await infoOf(app, device.cookies)).device
        clock.tick(1000)
        assert.deepEqual((await device.inject(app, { method: 'POST', url: way })).json<{ device: unknown }>().device, before)
        assert.deepEqual((await infoOf(app, device.cookies)).device, before)
      })

      it('21. outlives the end of the identifier by the absolute timeout, as it has begun later: it gets another one in time', async t => {
        const clock = stopClock(t)
        const app = await newProcess(setup(), { session: { absoluteTimeout: 3600 } })
        const device = await boundDevice(app)
        clock.tick(3_000_000)
        await device.inject(app, { method: 'POST', url: way })
        clock.tick(1_000_000) // beyond the absolute timeout of the life before
        assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
        device.expire()
        assert.equal((await device.refresh(app, { withCookies: false })).statusCode, 200)
        assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
        clock.tick(2_590_000)
        assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
        clock.tick(10_000)
        assert.equal((await device.inject(app, { url: '/me' })).body, 'nobody')
        assert.equal(device.isBound, false)
      })

      it('14. keeps one identifier as long as that has no end', async t => {
        const clock = stopClock(t)
        const app = await newProcess(setup())
        const device = await boundDevice(app)
        clock.tick(1000)
        await device.inject(app, { method: 'POST', url: way })
        assert.equal(isOffered(await device.refresh(app)), false)
      })

      it('29. is renewed at the first refresh after a rotation of the sealing keys', async t => {
        const clock = stopClock(t)
        const [own, keys] = [setup(), [newKey(), newKey()]]
        const before = await newProcess(own, { session: { key: [keys[0]] } })
        const rotated = await newProcess(own, { session: { key: [keys[1], keys[0]] } })
        const after = await newProcess(own, { session: { key: [keys[1]] } })
        const device = await boundDevice(before)
        clock.tick(1000)
        await device.inject(before, { method: 'POST', url: way })
        await device.refresh(rotated)
        assert.equal((await device.inject(rotated, { url: '/me' })).body, 'ann')
        clock.tick(INTERVAL + LEEWAY)
        assert.equal((await device.inject(after, { url: '/me' })).body, 'ann')
        assert.equal(device.isBound, true)
      })

      it('39. is not ended by a refresh that is under way with the cookie of before', async t => {
        const clock = stopClock(t)
        const app = await newProcess(setup())
        const { device, response: login } = await loggedIn(app)
        const pair = newPair()
        const registered = await register(app, registrationOf(offerOf(login).challenge, pair), device.cookies)
        device.take(registered)
        const { challenge, id } = challengeOf(registered)
        const before = device.cookies
        clock.tick(1000)
        device.take(await post(app, way, before))
        clock.tick(2000)
        const answer = await refresh(app, id, jwtOf({ alg: 'ES256', typ: 'dbsc+jwt' }, { jti: challenge }, pair.privateKey), before)
        assert.deepEqual([answer.statusCode, namesIn(answer)], [200, ['session.device']], answer.body)
        device.take(answer)
        assert.equal((await stolen(app, device.cookies)).body, 'ann')
      })

      it('31. is one that is bound to the policy "require", and to unboundExpiry', async t => {
        const clock = stopClock(t)
        const app = await newProcess(setup(), { device: { policy: 'require', unboundExpiry: 300 } })
        const device = await boundDevice(app)
        await device.inject(app, { method: 'POST', url: way })
        clock.tick(400_000)
        assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
        assert.equal((await infoOf(app, device.cookies)).device?.state, 'bound')
      })

      it('33. goes on without the binding with the policy "off"', async () => {
        const own = setup()
        const [on, off] = [await newProcess(own), await newProcess(own, { device: { policy: 'off' } })]
        const device = await boundDevice(on)
        const response = await post(off, way, only(device.cookies, ...SESSION_ONLY))
        assert.equal((await stolen(on, `session=${encodeURIComponent(tokenOf(response))}`)).body, 'ann')
      })

      it('14. is not bound if the session before was not', async () => {
        const app = await newProcess(setup())
        const { device } = await loggedIn(app)
        const response = await device.inject(app, { method: 'POST', url: way })
        assert.equal(isOffered(response), true)
        assert.equal((await infoOf(app, device.cookies)).device?.state, 'unbound')
      })

      it('5. has nothing of a session that came without its proof', async () => {
        const app = await newProcess(setup())
        const device = await boundDevice(app)
        const { body } = await post(app, way, only(device.cookies, ...SESSION_ONLY))
        assert.doesNotMatch(body, /\bann\b/)
      })
    })
  }

  describe(`a session that begins in the place of a bound one, ${kind}`, () => {
    for (const [name, what] of [
      ['/nothing', 'by regenerate() with keys of which the session has none'],
      ['/no-keys', 'by regenerate() with an empty list'],
      ['/unread', 'by an assignment that has read nothing of it'],
      ['/left', 'by an assignment after delete()'],
      ['/anew', 'by an assignment after regenerate()']
    ] as const) {
      it(`14. ${what} is not bound, and is offered anew: it may be another user's`, async () => {
        const app = await newProcess(setup())
        const device = await boundDevice(app)
        const response = await device.inject(app, { method: 'POST', url: name })
        assert.deepEqual([isOffered(response), (await infoOf(app, device.cookies)).device?.state], [true, 'unbound'])
        assert.equal((await device.register(app, response))?.statusCode, 200)
        assert.equal((await infoOf(app, device.cookies)).device?.state, 'bound')
      })
    }
  })
}

describe('a bound session outside of a request', () => {
  it('14. stays bound by regenerate() with keys to keep, and by authenticated(), also if it was opened without its proof', async () => {
    const app = await newProcess({})
    const device = await boundDevice(app)
    const token = decodeURIComponent(only(device.cookies, ...SESSION_ONLY).slice('session='.length))
    for (const goOn of [(session: Session) => { session.regenerate(['user'] as never) }, (session: Session) => { authenticated(session) }]) {
      const session = app.decodeSecureSession(token, undefined, undefined, { device: 'ignore' }) as Session
      goOn(session)
      assert.equal(sessionInfo(session).device?.state, 'unproven')
      const cookie = `session=${encodeURIComponent(app.encodeSecureSession(session))}`
      assert.equal((await infoOf(app, cookie)).reason, 'device-unproven')
      assert.equal((await stolen(app, `${cookie}; ${only(device.cookies, ...PROOF_ONLY)}`)).body, 'ann')
    }
  })

  it('14. is assigned to a request as the one that it was opened as', async () => {
    const app = await newProcess({}, { routes: { 'POST /take': request => { request.session = request.server.decodeSecureSession(request as never) as Session; request.session.regenerate(['user'] as never) } } })
    const device = await boundDevice(app)
    await device.inject(app, { method: 'POST', url: '/take' })
    assert.equal((await infoOf(app, device.cookies)).device?.state, 'bound')
  })
})

describe('the signal of a bound session that goes on in its request', () => {
  for (const [name, goOn] of Object.entries(WAYS)) {
    it(`fires as device-unproven one interval after the proof is over: ${name}`, async t => {
      t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1_800_000_000_000 })
      const signals: AbortSignal[] = []
      const app = await newProcess({}, {
        session: { expiry: 86_400 },
        routes: { 'POST /open': (request, reply) => { goOn(request, reply); signals.push(sessionSignal(request.session)) } }
      })
      await (await boundDevice(app)).inject(app, { method: 'POST', url: '/open' })
      const [signal = assert.fail()] = signals
      signal.addEventListener('abort', () => {})
      for (let minute = 0; minute < 2 * INTERVAL / 60_000; minute++) {
        assert.equal(signal.aborted, false)
        t.mock.timers.tick(60_000)
      }
      t.mock.timers.tick(60_000)
      assert.equal((signal.reason as { end: unknown }).end, 'device-unproven')
    })
  }
})

describe('of two bound sessions of one browser', () => {
  it('38. one goes on, and the other is as it was', async () => {
    const options = ['session', 'admin'].map(name => ({ sessionName: name, cookieName: name, key, format: 'sealed', cookie: { path: '/', secure: true, sameSite: 'lax' } }))
    const app = await readyApp({
      session: options,
      device: {},
      after: app => { app.register(deviceBinding, { sessionName: 'admin' }) },
      routes: {
        'POST /login': ({ session }) => { Object.assign(session, { user: 'ann' }) },
        'POST /admin': request => { Object.assign((request as unknown as { admin: Bag }).admin, { user: 'root' }) },
        'POST /keep': ({ session }) => { session.regenerate(['user'] as never) },
        'GET /states': request => [request.session, (request as unknown as { admin: Session }).admin].map(session => sessionInfo(session).device?.state)
      }
    })
    const jars = [createTestDevice(), createTestDevice()] as const
    for (const [index, url] of ['/login', '/admin'].entries()) {
      const device = jars[index]!
      await device.register(app, await device.inject(app, { method: 'POST', url }))
    }
    const both = `${jars[0].cookies}; ${jars[1].cookies}`
    const response = await post(app, '/keep', both)
    assert.deepEqual(namesIn(response), ['session'])
    jars[0].take(response)
    assert.deepEqual((await stolen(app, `${jars[0].cookies}; ${jars[1].cookies}`, '/states')).json(), ['bound', 'bound'])
  })
})

describe('a bound session that goes on with another id', () => {
  it('39. is in the list of its user once, and marked as bound', async t => {
    stopClock(t)
    const app = await newProcess({ revocation: { store: new MemoryStore(), subject, cacheTtl: 0 }, registry: { store: new MemoryRegistry() } })
    const device = await boundDevice(app)
    await device.inject(app, { method: 'POST', url: '/keep' })
    const { id } = await infoOf(app, device.cookies)
    assert.deepEqual((await app.listSessions('ann')).map(line => [line.id, line.bound]), [[id, true]])
  })

  for (const [by, act] of Object.entries({
    'revokeOtherSessions()': async ({ server, session }: { server: FastifyInstance, session: object }) => { await server.revokeOtherSessions(session) },
    'a longer lifetime of its own': ({ session }: { session: Session }) => { session.options({ expiry: 100_000 } as never) }
  })) {
    it(`39. by ${by} is not ended by a refresh that is under way with the cookie of before`, async t => {
      const clock = stopClock(t)
      const app = await newProcess({ revocation: { store: new MemoryStore(), subject, cacheTtl: 0 } }, { session: { maxExpiry: 200_000 }, routes: { 'POST /act': act as never } })
      const device = await boundDevice(app)
      const { id } = await infoOf(app, device.cookies)
      const jar = device.cookies
      clock.tick(1000)
      const response = await post(app, '/act', jar)
      assert.deepEqual(namesIn(response), ['session'])
      clock.tick(1000)
      assert.equal((await device.refresh(app)).statusCode, 200, 'it has not had the response yet')
      assert.equal(device.isBound, true)
      device.take(response)
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
      assert.notEqual((await infoOf(app, device.cookies)).id, id)
    })
  }

  it('39. ends its binding a minute later, if a refresh brings the cookie of before even then', async t => {
    const clock = stopClock(t)
    const app = await newProcess({ revocation: { store: new MemoryStore(), subject, cacheTtl: 0 } })
    const device = await boundDevice(app)
    await post(app, '/keep', device.cookies) // a thief has it, and the browser does not
    clock.tick(59_999)
    assert.equal((await device.inject(app, { url: '/me' })).body, 'nobody')
    await device.refresh(app)
    assert.equal(device.isBound, true)
    clock.tick(1)
    await device.refresh(app)
    assert.equal(device.isBound, false)
  })
})

describe('a bound session whose user gets another stamp', () => {
  for (const [kind, store] of Object.entries<{ store: MemoryStore | false }>({ 'with a store': { store: new MemoryStore() }, 'without a store': { store: false } })) {
    async function withStamps (): Promise<{ app: FastifyInstance, change: () => void }> {
      let version = 0
      const app = await newProcess({ revocation: { ...store, subject, stamp: async () => String(version), cacheTtl: 0 } }, {
        routes: { 'POST /password': async ({ server, session }) => { version++; await server.restampSession(session) } }
      })
      return { app, change: () => { version++ } }
    }

    it(`39. is not ended by a refresh that is under way with the cookie of before, if it has changed that itself: ${kind}`, async t => {
      const clock = stopClock(t)
      const { app } = await withStamps()
      const device = await boundDevice(app)
      clock.tick(1000)
      const response = await post(app, '/password', device.cookies)
      assert.deepEqual(namesIn(response), ['session'])
      assert.equal((await device.refresh(app)).statusCode, 200, 'it has not had the response yet')
      assert.equal(device.isBound, true)
      device.take(response)
      clock.tick(INTERVAL + LEEWAY)
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    })

    it(`39. opens nothing any more if another browser has changed it, and the next login is bound: ${kind}`, async t => {
      const clock = stopClock(t)
      const { app, change } = await withStamps()
      const device = await boundDevice(app)
      clock.tick(1000)
      change()
      await device.refresh(app)
      assert.equal(device.isBound, kind === 'without a store', 'without one nobody knows if the session goes on with its new stamp')
      assert.deepEqual([(await device.inject(app, { url: '/me' })).body, (await infoOf(app, device.cookies)).reason], ['nobody', 'stamp-changed'])
      clock.tick(1000)
      const login = await device.inject(app, { method: 'POST', url: '/login', payload: { user: 'ann' } })
      if (device.isBound) await device.refresh(app)
      assert.equal(device.isBound, false)
      assert.equal((await device.register(app, login))?.statusCode, 200)
      assert.equal((await infoOf(app, device.cookies)).device?.state, 'bound')
    })
  }
})
