// Sessions that end on the server while a request is under way: held open by its client, or in a handler that takes its time.
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import secureSession, { authenticated, sessionInfo, type Session } from '../../src/index.ts'
import { MemoryStore, sessionRevocation, type RevocationStore } from '../../src/revocation/index.ts'
import { get, post, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { PROTOCOLS, countArrivals } from '../support/held.ts'
import { cookieOf, cookiesOf, gate, newKey, setCookies } from '../support/helpers.ts'
import { RedisServer, noRedis } from './redis-server.ts'
import { TestStore, appWithLogins, key, login, subject, who, type LoginsSetup } from '../support/revocation.ts'

const MEANWHILE = 'FST_SEALED_SESSION_REVOKED_MEANWHILE'

/** A store whose answers take a turn of the event loop each. */
function lateStore (): RevocationStore {
  const store = new TestStore()
  store.before = async () => { await new Promise(resolve => { setImmediate(resolve) }) }
  return store
}

/** Ways to end ann's session, of which `cookie` is a copy. */
const ENDS: Record<string, (app: FastifyInstance, cookie: string) => Promise<unknown>> = {
  'revokeSubject()': async app => { await app.revokeSubject('ann') },
  'revokeAll()': async app => { await app.revokeAll() },
  'revokeSession()': async (app, cookie) => { await app.revokeSession(app.decodeSecureSession(decodeURIComponent(cookie.slice('session='.length)))!) },
  'a logout': async (app, cookie) => await post(app, '/logout', cookie)
}

/** Acts of a handler whose session has ended; `user` is who a hook has read. */
const ACTS: Record<string, (session: Bag, user: unknown) => void> = {
  'only reads': () => {},
  'writes who was read before': (session, user) => { session.user = user },
  'regenerates and keeps who is logged in': session => { session.regenerate(['user']) },
  'regenerates and writes who was read before': (session, user) => { session.regenerate(); session.user = user },
  'deletes, and writes who was read before': (session, user) => { session.delete(); session.user = user }
}

/** An app whose `POST /held/N` does act N. A hook has read the session before. */
async function heldApp (t: TestContext, server: object, setup: LoginsSetup): Promise<FastifyInstance> {
  const app = await appWithLogins({
    ...setup,
    server,
    after: app => {
      app.after(() => {
        app.addHook('onRequest', async request => { Object.assign(request, { user: (request.session as Bag).user }) })
        countArrivals(app)
      })
      app.post('/first', async () => 'first')
      Object.values(ACTS).forEach((act, index) => {
        app.post(`/held/${index}`, async request => {
          const session = request.session as Bag
          const seen = session.user ?? 'nobody'
          act(session, (request as typeof request & { user: unknown }).user)
          return seen
        })
      })
    }
  })
  t.after(async () => { await app.close() })
  return app
}

interface World {
  protocol: string
  store: () => RevocationStore
  /** Whether another process ends the session. */
  isElsewhere: boolean
  session?: object
}

/** Holds a request for each act open, ends the session, and lets them go on. */
async function heldAgainst (t: TestContext, { protocol, store, isElsewhere, session = {} }: World, end: string): Promise<void> {
  const clock = stopClock(t)
  const { server, hold } = PROTOCOLS[protocol]!
  const shared = store()
  const setup: LoginsSetup = { session: { key, ...session }, revocation: { store: shared, cacheTtl: 2, storeTimeout: 10 } }
  const app = await heldApp(t, server, setup)
  const ending = isElsewhere ? await appWithLogins(setup) : app
  const cookie = cookiesOf(await post(ending, '/login', undefined, { user: 'ann', ...(session as { rest?: object }).rest }))
  const held = []
  for (const index of Object.keys(ACTS).keys()) held.push(await hold(app, `/held/${index}`, cookie))
  clock.tick(60)
  await ENDS[end]!(ending, cookie)
  for (const [index, act] of Object.keys(ACTS).entries()) {
    const { body, cookies } = await held[index]!.finish()
    if (body.includes(MEANWHILE)) assert.match(act, /writes who/)
    else assert.equal(body, 'nobody', act)
    for (const line of cookies) assert.equal(await who(ending, line.split(';')[0]!), 'nobody', `${act}: ${line}`)
  }
  clock.tick(10_000)
  assert.equal(await who(app, cookie), 'nobody')
}

const STORES: Record<string, () => RevocationStore> = { 'in memory': () => new MemoryStore(), 'that answers late': lateStore }

for (const protocol of Object.keys(PROTOCOLS)) {
  for (const [name, store] of Object.entries(STORES)) {
    for (const [end, isElsewhere] of Object.keys(ENDS).flatMap(end => [false, true].map(isElsewhere => [end, isElsewhere] as const))) {
      it(`a request over ${protocol} whose body ends after ${end}${isElsewhere ? ' in another process' : ''} acts for nobody and gets no session (store ${name})`, async t => {
        await heldAgainst(t, { protocol, store, isElsewhere }, end)
      })
    }
  }
}

for (const [kind, session] of Object.entries({ 'in the secretbox format': { format: 'secretbox' }, signed: { cookie: { signed: true } }, rolling: { rolling: true, absoluteTimeout: 1000 } })) {
  it(`a request with a session ${kind} whose body ends after revokeSubject() in another process acts for nobody and gets no session`, async t => {
    await heldAgainst(t, { protocol: 'HTTP/1.1', store: STORES['in memory']!, isElsewhere: true, session }, kind === 'signed' ? 'revokeAll()' : 'revokeSubject()')
  })
}

describe('over Redis', { skip: noRedis }, () => {
  let redis: RedisServer
  const stores: Keyv[] = []
  before(async () => { redis = await RedisServer.create() })
  after(async () => {
    for (const { store } of stores) await (store as KeyvRedis<string>).disconnect(true)
    await redis.remove()
  })

  const store = (): RevocationStore => {
    const keyv = new Keyv({ store: new KeyvRedis(`redis://127.0.0.1:${redis.port}`, { throwOnErrors: true }), throwOnErrors: true, namespace: newKey().toString('hex') })
    keyv.on('error', () => {})
    stores.push(keyv)
    return keyv
  }

  for (const [end, isElsewhere] of Object.keys(ENDS).flatMap(end => [false, true].map(isElsewhere => [end, isElsewhere] as const))) {
    it(`a request whose body ends after ${end}${isElsewhere ? ' in another process' : ''} acts for nobody and gets no session`, async t => {
      await heldAgainst(t, { protocol: 'HTTP/1.1', store, isElsewhere }, end)
    })
  }
})

describe('a request whose body is held open until another process has ended the session', () => {
  for (const place of ['preValidation', 'error handler'] as const) {
    it(`is nobody's in ${place === 'preValidation' ? 'an own preValidation hook' : 'the error handler of a body that does not fit its schema'}`, async t => {
      const clock = stopClock(t)
      const store = new MemoryStore()
      let seen: unknown
      const other = await appWithLogins({ revocation: { store } })
      const app = await appWithLogins({
        revocation: { store },
        after: app => {
          app.after(() => {
            countArrivals(app)
            if (place === 'preValidation') app.addHook('preValidation', async ({ session }) => { seen = (session as Bag).user ?? 'nobody' })
            app.setErrorHandler(async (_error, { session }) => { seen = (session as Bag).user ?? 'nobody'; return 'invalid' })
          })
          app.post('/held', { schema: { body: { type: 'object', required: ['b'] } } }, async () => 'never')
        }
      })
      t.after(async () => { await app.close() })
      const cookie = await login(app)
      const { finish } = await PROTOCOLS['HTTP/1.1']!.hold(app, '/held', cookie)
      clock.tick(60)
      await other.revokeSubject('ann')
      await finish()
      assert.equal(seen, 'nobody')
    })
  }

  it('asks the store once more for it, and not at all for a body that comes at once', async t => {
    const clock = stopClock(t)
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store }, after: app => { app.after(() => { countArrivals(app) }) } })
    t.after(async () => { await app.close() })
    const cookie = await login(app)
    await post(app, '/touch', cookie, { a: 1 })
    store.take()
    await get(app, '/me', cookie)
    assert.equal((await app.inject({ method: 'POST', url: '/nowhere', headers: { cookie }, payload: { a: 1 } })).statusCode, 404)
    assert.deepEqual(store.take(), [])
    const { finish } = await PROTOCOLS['HTTP/1.1']!.hold(app, '/nowhere', cookie)
    clock.tick(60)
    await finish()
    assert.deepEqual(store.take().sort(), ['get all', 'get revoked', 'get subject'])
  })

  it('is answered with 503 where the store is out by then, with "reject"', async t => {
    const clock = stopClock(t)
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store }, after: app => { app.after(() => { countArrivals(app) }) } })
    t.after(async () => { await app.close() })
    const cookie = await login(app)
    const { finish } = await PROTOCOLS['HTTP/1.1']!.hold(app, '/touch', cookie)
    clock.tick(60)
    store.fail()
    const { status, cookies } = await finish()
    assert.deepEqual([status, cookies], [503, []])
  })
})

/** Starts a login that waits after it was begun, does `meanwhile`, and lets it end. */
async function slowLogin (t: TestContext, meanwhile: (app: FastifyInstance, other: FastifyInstance) => unknown, { act = (session: Bag) => { session.regenerate(); session.user = 'ann' }, ...setup }: LoginsSetup & { act?: (session: Bag, app: FastifyInstance) => unknown } = {}): Promise<{ status: number, code: string, cookies: string[], app: FastifyInstance }> {
  const clock = stopClock(t)
  const store = new MemoryStore()
  const [arrived, hashed] = [gate(), gate()]
  const other = await appWithLogins({ ...setup, revocation: { store, ...setup.revocation } })
  const app = await appWithLogins({
    ...setup,
    revocation: { store, ...setup.revocation },
    after: app => app.post('/slow-login', async request => {
      arrived.open()
      await hashed.opened // bcrypt takes its time
      await act(request.session as Bag, app)
      return 'in'
    })
  })
  if (setup.revocation === undefined) await app.revokeSubject('ann')
  clock.tick(100)
  const answer = post(app, '/slow-login')
  await arrived.opened
  clock.tick(100)
  await meanwhile(app, other)
  clock.tick(100)
  hashed.open()
  const response = await answer
  return { status: response.statusCode, code: String(response.headers['content-type']).includes('json') ? response.json<{ code: string }>().code : '', cookies: setCookies(response), app }
}

describe('a login that was under way', () => {
  for (const what of ['revokeSubject', 'revokeAll'] as const) {
    for (const isElsewhere of [false, true]) {
      it(`during ${what}()${isElsewhere ? ' in another process' : ''} ends with it: 409, and no cookie`, async t => {
        const { status, code, cookies, app } = await slowLogin(t, async (app, other) => { await (isElsewhere ? other : app)[what]('ann') })
        assert.deepEqual([status, code, cookies], [409, MEANWHILE, []])
        assert.equal(await who(app, await login(app)), 'ann', 'a login after it works')
      })
    }
  }

  it('is not touched by the revocation of somebody else', async t => {
    const { status, cookies } = await slowLogin(t, async app => { await app.revokeSubject('bob') })
    assert.deepEqual([status, cookies.length], [200, 1])
  })

  it('is not touched by a revocation before it', async t => {
    const { status, cookies } = await slowLogin(t, () => {})
    assert.deepEqual([status, cookies.length], [200, 1])
  })

  it('is not ended by its own revokeSubject(): "log me in and everybody else out"', async t => {
    const { status, app, cookies } = await slowLogin(t, () => {}, {
      act: async (session, app) => {
        await app.revokeSubject('ann')
        session.regenerate()
        session.user = 'ann'
      }
    })
    assert.equal(status, 200)
    assert.equal(await who(app, cookies[0]!.split(';')[0]!), 'ann')
  })

  it('is ended by that of another request, also if it then revokes itself', async t => {
    const { status, code, cookies } = await slowLogin(t, async app => { await app.revokeSubject('ann') }, {
      act: async (session, app) => {
        await app.revokeSubject('ann')
        session.regenerate()
        session.user = 'ann'
      }
    })
    assert.deepEqual([status, code, cookies], [409, MEANWHILE, []])
  })

  it('ends with revokeAll() also without the option "subject", where nobody says what a login is', async t => {
    const { status, code, cookies } = await slowLogin(t, async app => { await app.revokeAll() }, { revocation: { subject: undefined } as never })
    assert.deepEqual([status, code, cookies], [409, MEANWHILE, []])
  })
})

/** A request of ann's that reads who is logged in, waits for `meanwhile`, and then begins a new session for her. */
async function sudo (t: TestContext, meanwhile: (app: FastifyInstance, cookie: string, other: FastifyInstance) => unknown): Promise<{ app: FastifyInstance, cookies: string[], status: number }> {
  const clock = stopClock(t)
  const store = new MemoryStore()
  const [arrived, ended] = [gate(), gate()]
  const other = await appWithLogins({ revocation: { store } })
  const app = await appWithLogins({
    revocation: { store, cacheTtl: 300 },
    after: app => app.post('/sudo', async request => {
      const { user } = request.session as Bag
      arrived.open()
      await ended.opened
      request.session.regenerate();
      (request.session as Bag).user = user
      return 'fresh'
    })
  })
  const cookie = await login(app)
  const answer = post(app, '/sudo', cookie)
  await arrived.opened
  clock.tick(100)
  await meanwhile(app, cookie, other)
  clock.tick(100)
  ended.open()
  const response = await answer
  return { app, cookies: setCookies(response), status: response.statusCode }
}

describe('a request that was under way and begins a new session for the same user', () => {
  for (const isElsewhere of [false, true]) {
    const where = isElsewhere ? ' in another process' : ''
    it(`is stopped by a logout${where}`, async t => {
      const { cookies } = await sudo(t, async (app, cookie, other) => await post(isElsewhere ? other : app, '/logout', cookie))
      assert.deepEqual(cookies, [])
    })

    it(`is stopped by revokeSession()${where}`, async t => {
      const { cookies } = await sudo(t, async (app, cookie, other) => await ENDS['revokeSession()']!(isElsewhere ? other : app, cookie))
      assert.deepEqual(cookies, [])
    })

    it(`is stopped by revokeSubject()${where}, with 409`, async t => {
      const { cookies, status } = await sudo(t, async (app, _cookie, other) => { await (isElsewhere ? other : app).revokeSubject('ann') })
      assert.deepEqual([cookies, status], [[], 409])
    })

    it(`goes on beside another login${where}: a second click on "log in" must not lose it`, async t => {
      const { app, cookies } = await sudo(t, async (app, cookie, other) => await login(isElsewhere ? other : app, 'ann', cookie))
      assert.equal(await who(app, cookies[0]!.split(';')[0]!), 'ann')
    })
  }

  it('is stopped by a revocation of before it that this process did not know yet', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore()
    const other = await appWithLogins({ revocation: { store } })
    const app = await appWithLogins({
      revocation: { store, cacheTtl: 300 },
      after: app => app.post('/sudo', async request => {
        const { user } = request.session as Bag
        request.session.regenerate();
        (request.session as Bag).user = user
        return 'fresh'
      })
    })
    const cookie = await login(app)
    assert.equal(await who(app, cookie), 'ann')
    clock.tick(100)
    await other.revokeSubject('ann')
    clock.tick(100)
    const response = await post(app, '/sudo', cookie)
    assert.deepEqual([response.statusCode, setCookies(response)], [409, []])
  })
})

describe('revokeSubject() with "except"', () => {
  const routes = (act: (session: Bag, app: FastifyInstance) => unknown) => (app: FastifyInstance): void => {
    app.post('/others', async ({ session }) => { await act(session as Bag, app); return 'others are out' })
  }

  for (const format of ['sealed', 'secretbox'] as const) {
    it(`keeps this session, with its data and a new id, and ends all others and the copies of this one (${format})`, async t => {
      stopClock(t)
      const app = await appWithLogins({ session: { format }, after: routes(async (session, app) => { await app.revokeSubject('ann', { except: session }) }) })
      const here = cookieOf(await post(app, '/login', undefined, { user: 'ann', theme: 'dark' }))
      const there = await login(app)
      const before = (await get(app, '/info', here)).json()
      const next = cookieOf(await post(app, '/others', here))
      assert.deepEqual([await who(app, next), await who(app, here), await who(app, there)], ['ann', 'nobody', 'nobody'])
      assert.notEqual((await get(app, '/info', next)).json().id, before.id)
      assert.equal((app.decodeSecureSession(decodeURIComponent(next.slice('session='.length))) as Bag).theme, 'dark')
      assert.equal(await who(app, await login(app)), 'ann')
    })
  }

  it('fails with 409 for a session that somebody else has ended meanwhile, and ends the others', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore()
    const [arrived, ended] = [gate(), gate()]
    const other = await appWithLogins({ revocation: { store } })
    const app = await appWithLogins({
      revocation: { store, cacheTtl: 300 },
      after: routes(async (session, app) => {
        assert.equal(session.user, 'ann')
        arrived.open()
        await ended.opened
        await app.revokeSubject('ann', { except: session })
      })
    })
    const stolen = await login(app)
    const answer = post(app, '/others', stolen)
    await arrived.opened
    clock.tick(100)
    await other.revokeSubject('ann')
    clock.tick(100)
    const owner = await login(other)
    ended.open()
    const response = await answer
    assert.deepEqual([response.statusCode, response.json<{ code: string }>().code, setCookies(response)], [409, MEANWHILE, []])
    assert.equal(await who(other, owner), 'ann', 'whoever logged in after it is not thrown out by the thief')
  })

  const anew: Array<[how: string, begin: (session: Bag) => void]> = [
    ['authenticated()', session => { authenticated(session) }],
    ['regenerate(keys)', session => { session.regenerate(['user']) }]
  ]
  const ends: Array<[what: string, end: (app: FastifyInstance, cookie: string) => Promise<unknown>]> = [
    ['a login in its place', async (app, cookie) => await login(app, 'ann', cookie)],
    ['a logout', async (app, cookie) => await post(app, '/logout', cookie)]
  ]
  for (const [how, begin] of anew) {
    for (const [what, end] of ends) {
      it(`fails with 409, and leaves the others alone, after ${how} in a session that ${what} has ended in another process`, async t => {
        const clock = stopClock(t)
        const store = new MemoryStore()
        const [arrived, ended] = [gate(), gate()]
        const other = await appWithLogins({ revocation: { store } })
        const app = await appWithLogins({
          revocation: { store },
          after: routes(async (session, app) => {
            assert.equal(session.user, 'ann')
            arrived.open()
            await ended.opened
            begin(session)
            await app.revokeOtherSessions(session)
          })
        })
        const stolen = await login(app)
        const answer = post(app, '/others', stolen)
        await arrived.opened
        clock.tick(100)
        await end(other, stolen)
        const owner = await login(other)
        clock.tick(100)
        ended.open()
        const response = await answer
        assert.deepEqual([response.statusCode, response.json<{ code: string }>().code, setCookies(response)], [409, MEANWHILE, []])
        assert.equal(await who(other, owner), 'ann', 'whoever logged in after it is not thrown out by the thief')
      })
    }

    it(`keeps this session after ${how} in it, and ends all others`, async t => {
      stopClock(t)
      const app = await appWithLogins({ after: routes(async (session, app) => { begin(session); await app.revokeOtherSessions(session) }) })
      const [here, there] = [await login(app), await login(app)]
      const next = cookieOf(await post(app, '/others', here))
      assert.deepEqual([await who(app, next), await who(app, here), await who(app, there)], ['ann', 'nobody', 'nobody'])
    })
  }

  it('ends all where the session is of another subject', async t => {
    stopClock(t)
    const app = await appWithLogins({ after: routes(async (session, app) => { await app.revokeSubject('bob', { except: session }) }) })
    const [ann, bob] = [await login(app), await login(app, 'bob')]
    assert.equal((await post(app, '/others', ann)).statusCode, 200)
    assert.deepEqual([await who(app, ann), await who(app, bob)], ['ann', 'nobody'])
  })

  it('takes a session that the same request has begun: "log me in and everybody else out"', async t => {
    stopClock(t)
    const app = await appWithLogins({
      after: routes(async (session, app) => {
        session.regenerate()
        session.user = 'ann'
        await app.revokeSubject('ann', { except: session })
      })
    })
    const there = await login(app)
    const here = cookieOf(await post(app, '/others'))
    assert.deepEqual([await who(app, here), await who(app, there)], ['ann', 'nobody'])
  })

  it('refuses a misspelt option, and anything but a session', async () => {
    const app = await appWithLogins()
    await assert.rejects(app.revokeSubject('ann', { expect: {} } as never), { code: 'FST_SEALED_SESSION_OPTION_UNKNOWN' })
    await assert.rejects(app.revokeSubject('ann', { except: {} }), { code: 'FST_SEALED_SESSION_NOT_A_SESSION' })
  })
})

describe('a session that its own request revokes', () => {
  it('by revokeSubject() reads as empty from then on, and is not kept alive by "rolling" or a write', async t => {
    const clock = stopClock(t)
    const app = await appWithLogins({
      session: { rolling: true, expiry: 100, absoluteTimeout: 1000 },
      after: app => app.post('/everywhere', async ({ session }) => {
        await app.revokeSubject('ann');
        (session as Bag).theme = 'dark'
        return (session as Bag).user ?? 'nobody'
      })
    })
    const cookie = await login(app)
    clock.tick(60_000)
    const response = await post(app, '/everywhere', cookie)
    assert.deepEqual([response.body, setCookies(response)], ['nobody', []])
  })

  it('by revokeSubject() and delete() is deleted in the browser, too', async t => {
    stopClock(t)
    const app = await appWithLogins({ after: app => app.post('/everywhere', async ({ session }) => { await app.revokeSubject('ann'); session.delete(); return '' }) })
    assert.match(setCookies(await post(app, '/everywhere', await login(app)))[0] ?? '', /^session=; Max-Age=0/)
  })

  it('by session.deleted = true is ended for every copy', async t => {
    stopClock(t)
    const app = await appWithLogins({ after: app => app.post('/flag', async ({ session }) => { session.deleted = true; return '' }) })
    const cookie = await login(app)
    assert.match(setCookies(await post(app, '/flag', cookie))[0] ?? '', /^session=; Max-Age=0/)
    assert.equal(await who(app, cookie), 'nobody')
  })
})

describe('a session of nobody', () => {
  it('costs the store nothing when it ends, if the option "subject" says whose sessions are', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store } })
    const visitor = cookieOf(await post(app, '/write', undefined, { cart: 1 }))
    store.take()
    await post(app, '/logout', visitor)
    assert.deepEqual(store.take().filter(call => call.startsWith('set')), [])
    await post(app, '/login', visitor, { user: 'ann' })
    assert.deepEqual(store.take().filter(call => call.startsWith('set')), [])
  })

  it('is ended as ever without the option', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store, subject: undefined } as never })
    const visitor = cookieOf(await post(app, '/write', undefined, { cart: 1 }))
    store.take()
    await post(app, '/logout', visitor)
    assert.deepEqual(store.take().filter(call => call.startsWith('set')), ['set revoked', 'set logout'])
  })
})

describe('a planted session that is newer, and has ended', () => {
  it('does not log the user out: the next one that opens counts', async t => {
    const clock = stopClock(t)
    const app = await appWithLogins()
    const ann = await login(app)
    clock.tick(2000)
    const mallory = await login(app, 'mallory')
    assert.equal(await who(app, `${mallory}; ${ann}`), 'mallory')
    await post(app, '/logout', mallory)
    assert.equal(await who(app, `${mallory}; ${ann}`), 'ann')
    const { status, reason } = (await get(app, '/info', mallory)).json()
    assert.deepEqual([status, reason], ['rejected', 'revoked'])
  })
})

describe('isSessionRevoked()', () => {
  it('is true for a session that has expired since it was opened', async t => {
    const clock = stopClock(t)
    const app = await appWithLogins({ session: { expiry: 60 } })
    const session = app.decodeSecureSession((await login(app)).slice('session='.length))!
    assert.equal(subject(session), 'ann')
    assert.equal(await app.isSessionRevoked(session), false)
    clock.tick(61_000)
    assert.equal(await app.isSessionRevoked(session), true)
    assert.equal(sessionInfo(session).status, 'rejected')
  })
})

describe('a session that begins anew beside a logout', () => {
  const CONTINUED: Record<string, (session: Bag, app: FastifyInstance) => unknown> = {
    'regenerate() that keeps who is logged in': session => { session.regenerate(['user']) },
    'regenerate() and the same user': session => { const { user } = session; session.regenerate(); session.user = user },
    'revokeSubject() with "except"': async (session, app) => { await app.revokeSubject('ann', { except: session }) }
  }

  for (const [what, act] of Object.entries(CONTINUED)) {
    for (const isElsewhere of [false, true]) {
      it(`by ${what} gets no cookie, if the user logs out${isElsewhere ? ' in another process' : ''} before the response leaves`, async t => {
        const clock = stopClock(t)
        const store = lateStore()
        const [acted, ended] = [gate(), gate()]
        const other = await appWithLogins({ revocation: { store } })
        const app = await appWithLogins({
          revocation: { store, cacheTtl: 300 },
          after: app => app.post('/act', async ({ session }) => {
            await act(session as Bag, app)
            clock.tick(10)
            acted.open()
            await ended.opened
            return 'acted'
          })
        })
        const cookie = await login(app)
        clock.tick(10)
        const answer = post(app, '/act', cookie)
        await acted.opened
        await post(isElsewhere ? other : app, '/logout', cookie)
        clock.tick(10)
        ended.open()
        const response = await answer
        assert.deepEqual(setCookies(response), [])
      })
    }
  }

  for (const [how, end] of Object.entries({ 'and deletes': (session: Session) => { session.delete() }, 'and does no more': () => {} })) {
    it(`gets no cookie after a logout that regenerates first, as @fastify/passport does it, ${how}`, async t => {
      const clock = stopClock(t)
      const [acted, ended] = [gate(), gate()]
      const app = await appWithLogins({
        after: app => {
          app.post('/passport-logout', async ({ session }) => { session.regenerate(); end(session); return '' })
          app.post('/act', async ({ session }) => {
            const { user } = session as Bag
            acted.open()
            await ended.opened
            session.regenerate();
            (session as Bag).user = user
            return ''
          })
        }
      })
      const cookie = await login(app)
      const answer = post(app, '/act', cookie)
      await acted.opened
      clock.tick(10)
      await post(app, '/passport-logout', cookie)
      ended.open()
      assert.deepEqual(setCookies(await answer), [])
    })
  }
})

describe('a session that gets a longer lifetime', () => {
  it('ends by a logout for as long as it would live, also if a copy of its earlier cookie logs out', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore()
    const setup: LoginsSetup = { session: { expiry: 3600 }, revocation: { store }, after: app => app.post('/remember', async ({ session }) => { session.options({ expiry: 30 * 86_400 }); return '' }) }
    const app = await appWithLogins(setup)
    const early = await login(app)
    clock.tick(1000)
    const late = cookieOf(await post(app, '/remember', early))
    assert.deepEqual([await who(app, early), await who(app, late)], ['nobody', 'ann'])
    await post(app, '/logout', early)
    await post(app, '/logout', late)
    clock.tick(7_200_000)
    assert.equal(await who(await appWithLogins(setup), late), 'nobody')
  })
})

/** A store with `add` or without, each call of which is made after `before`. */
function storeWith (hasAdd: boolean, before: () => Promise<unknown>): RevocationStore {
  const store = new MemoryStore()
  return {
    get: async name => { await before(); return store.get(name) },
    set: async (...entry) => { await before(); store.set(...entry) },
    ...(hasAdd && { add: async (...entry) => { await before(); return store.add(...entry) } })
  }
}

/** The same store for one process, each call of which is made after `before`, which hears of the key that is set. */
function storeOf (store: MemoryStore, before: (name?: string) => Promise<unknown>): RevocationStore {
  return {
    get: async name => { await before(); return store.get(name) },
    set: async (...entry) => { await before(entry[0]); store.set(...entry) },
    add: async (...entry) => { await before(); return store.add(...entry) }
  }
}

describe('a session that goes on in a request beside a logout', () => {
  const ways: Record<string, (session: Session) => void> = {
    'a longer lifetime': session => { session.options({ expiry: 86_400 * 30 }) },
    'regenerate(keep)': session => { session.regenerate(['user'] as never) },
    'regenerate() and the same user': session => { const { user } = session as Bag; session.regenerate(); (session as Bag).user = user },
    'authenticated()': session => { authenticated(session) },
    'regenerate(keep) and a longer lifetime': session => { session.regenerate(['user'] as never); session.options({ expiry: 86_400 * 30 }) }
  }
  for (const [way, act] of Object.entries(ways)) {
    for (const hasAdd of [true, false]) {
      it(`has ended, at whichever call of the store the logout is stored, by ${way}, with a store ${hasAdd ? 'with' : 'without'} add()`, async t => {
        stopClock(t)
        let calls = 0
        for (let at = 1, isOver = false; !isOver; at++) {
          const [arrived, leave] = [gate(), gate()]
          let [count, logout]: [number, Promise<unknown> | null] = [NaN, null] // the calls of one request are counted
          const store = storeWith(hasAdd, async () => { if (++count === at) { leave.open(); count = NaN; await logout } })
          const routes: LoginsSetup['routes'] = {
            'POST /act': ({ session }) => { act(session); return 'done' },
            'POST /leave': async ({ session }) => { assert.equal((session as Bag).user, 'ann'); arrived.open(); await leave.opened; session.delete(); return 'out' }
          }
          const [here, there] = [await appWithLogins({ revocation: { store, cacheTtl: 0 }, routes }), await appWithLogins({ revocation: { store, cacheTtl: 0 }, routes })]
          const cookie = await login(here)
          logout = post(there, '/leave', cookie)
          await arrived.opened
          count = 0
          const answer = await post(here, '/act', cookie)
          isOver = !Number.isNaN(count)
          calls = Math.max(calls, at)
          if (!isOver) for (const line of setCookies(answer)) assert.equal(await who(there, line.split(';')[0]!), 'nobody', `call ${at}`) // it has a beginning
          leave.open()
          await logout
        }
        assert.ok(calls > 4, `${calls}`)
      })
    }
  }
})

describe('a session that is to be the only one to go on, beside a revocation of its user', () => {
  const ways: Record<string, (app: FastifyInstance, session: Session) => Promise<void>> = {
    'revokeOtherSessions()': async (app, session) => { await app.revokeOtherSessions(session) },
    'revokeSubject() with "except"': async (app, session) => { await app.revokeSubject('ann', { except: session }) }
  }
  const ends: Record<string, { end: (app: FastifyInstance) => Promise<void>, written: string }> = {
    'revokeSubject()': { end: async app => { await app.revokeSubject('ann') }, written: ':subject:' },
    'revokeAll()': { end: async app => { await app.revokeAll() }, written: ':all' }
  }
  for (const [way, act] of Object.entries(ways)) {
    for (const [how, { end, written }] of Object.entries(ends)) {
      for (const isBegun of [false, true]) {
        it(`has ended, at whichever call of the store of ${way} that of ${how} ${isBegun ? 'is written' : 'begins and is done'}`, async t => {
          const clock = stopClock(t)
          let calls = 0
          for (let at = 1, isOver = false; !isOver; at++) {
            const store = new MemoryStore()
            const [arrived, write] = [gate(), gate()]
            let ending: Promise<void> | null = null
            let count = NaN // the calls of one request are counted
            const one = storeOf(store, async () => {
              clock.tick(1)
              if (++count !== at) return
              count = NaN
              write.open()
              await (ending ?? end(there))
            })
            const other = storeOf(store, async name => {
              clock.tick(1)
              if (ending === null || name?.includes(written) !== true) return
              arrived.open()
              await write.opened
            })
            const here = await appWithLogins({ revocation: { store: one, cacheTtl: 0 }, routes: { 'POST /act': async ({ server, session }) => { await act(server, session); return 'done' } } })
            const there = await appWithLogins({ revocation: { store: other, cacheTtl: 0 } })
            const cookie = await login(here)
            clock.tick(1000)
            if (isBegun) {
              ending = Promise.resolve() // from here on, it waits
              ending = end(there)
              await arrived.opened
            }
            count = 0
            const answer = await post(here, '/act', cookie)
            isOver = !Number.isNaN(count)
            calls = Math.max(calls, at)
            if (!isOver) for (const line of setCookies(answer)) assert.equal(await who(there, line.split(';')[0]!), 'nobody', `call ${at}`) // it has a beginning
            write.open()
            await ending
          }
          assert.ok(calls > 8, `${calls}`)
        })
      }
    }
  }
})

describe('a second request to end all others', () => {
  it('does not end the session that the first has just begun: a double click on "log me in and everybody else out"', async t => {
    const clock = stopClock(t)
    const gates = [gate(), gate()]
    const app = await appWithLogins({
      after: app => app.post('/only-here/:n', async ({ session, params }) => {
        await gates[Number((params as { n: string }).n)]!.opened
        session.regenerate();
        (session as Bag).user = 'ann'
        await app.revokeSubject('ann', { except: session })
        return ''
      })
    })
    const clicks = [post(app, '/only-here/0'), post(app, '/only-here/1')]
    clock.tick(100)
    gates[0]!.open()
    const first = await clicks[0]!
    clock.tick(100)
    gates[1]!.open()
    const second = await clicks[1]!
    assert.deepEqual([first.statusCode, second.statusCode, second.json<{ code: string }>().code], [200, 409, MEANWHILE])
    assert.equal(await who(app, cookieOf(first)), 'ann')
  })
})

describe('two registrations of revocation, one in a child context', () => {
  it('each judge by their own revocations', async t => {
    const clock = stopClock(t)
    const app = await appWithLogins({
      after: app => app.register(async child => {
        child.register(secureSession, { key: newKey(), format: 'sealed', sessionName: 'admin' })
        child.register(sessionRevocation, { store: new MemoryStore(), sessionName: 'admin', subject: () => undefined })
        child.post('/child/login', async ({ session }) => { session.regenerate(); (session as Bag).user = 'ann'; return '' })
      }).after(error => { assert.ok(error === null || /TWICE/.test(String(error)), String(error)) })
    }).catch((error: { code: string }) => error.code)
    if (typeof app === 'string') {
      assert.equal(app, 'FST_SEALED_SESSION_REVOCATION_TWICE')
      return
    }
    await app.revokeSubject('ann')
    clock.tick(100)
    assert.equal((await post(app, '/child/login')).statusCode, 200)
  })
})

describe('a revoked cookie', () => {
  it('is not taken for a session that may go on: revokeSubject() with "except" is 409 and ends nobody', async t => {
    const clock = stopClock(t)
    const app = await appWithLogins({
      after: app => app.post('/others', async ({ session }) => {
        const isRevoked = await app.isSessionRevoked(session)
        await app.revokeSubject('ann', { except: session })
        return isRevoked
      })
    })
    const dead = await login(app)
    await post(app, '/logout', dead)
    clock.tick(10)
    const alive = await login(app)
    assert.equal((await post(app, '/others', dead)).statusCode, 409)
    assert.equal(await who(app, alive), 'ann')
  })
})

describe('a login that revokes everybody else in a hook before the handler', () => {
  for (const hook of ['onRequest', 'preValidation', 'preHandler'] as const) {
    it(`is not ended by that: ${hook}`, async t => {
      const clock = stopClock(t)
      const app = await appWithLogins({
        after: app => app.post('/in', {
          [hook]: async ({ session }: { session: Session }) => {
            clock.tick(10)
            await app.revokeSubject('ann')
            session.regenerate();
            (session as Bag).user = 'ann'
          }
        }, async () => 'in')
      })
      assert.equal(await who(app, cookieOf(await post(app, '/in', undefined, { a: 1 }))), 'ann')
    })
  }
})

describe('the entry of a session with a long lifetime of its own', () => {
  const DAY = 86_400
  const logouts: Record<string, (session: Session) => void> = {
    'delete()': session => { session.delete() },
    'regenerate() and delete()': session => { session.regenerate(); session.delete() },
    'regenerate() alone': session => { session.regenerate() },
    'a longer lifetime': session => { session.options({ expiry: 60 * DAY }) }
  }
  for (const [how, act] of Object.entries(logouts)) {
    it(`is not shortened by ${how}: a copy of its cookie would come back`, async t => {
      stopClock(t)
      const store = new TestStore()
      const app = await appWithLogins({
        session: { expiry: 3600 },
        revocation: { store },
        after: app => {
          app.post('/remembered', async ({ session }) => { (session as Bag).user = 'ann'; session.options({ expiry: 30 * DAY }); return '' })
          app.post('/act', async ({ session }) => { act(session); return '' })
        }
      })
      const cookie = cookieOf(await post(app, '/remembered'))
      store.calls.splice(0)
      await post(app, '/act', cookie)
      const lives = store.calls.filter(([method, key]) => method === 'set' && key.includes(':revoked:')).map(([, , , ttl]) => Number(ttl) / 1000)
      assert.ok(lives.length > 0)
      for (const life of lives) assert.ok(life >= 30 * DAY, `${life} seconds`)
    })
  }
})
