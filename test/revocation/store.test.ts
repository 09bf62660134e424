// The store: what is asked, what is remembered, for how long, and what happens while it fails.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { Keyv } from 'keyv'
import { KeyvPostgres } from '@keyv/postgres'
import { MemoryStore, type RevocationStore, type SessionRevocationOptions } from '../../src/revocation/index.ts'
import { type Bag, get, post } from '../support/app.ts'
import { cookieHeader, sealRaw, seconds, stopClock } from '../support/configurations.ts'
import { setEnvironment } from '../support/environment.ts'
import { captureLog, cookieOf, gate, type LogLine, setCookies, warnings } from '../support/helpers.ts'
import { appWithLogins, key, login, type LoginsSetup, TestStore, who } from '../support/revocation.ts'

const HOUR = 3600
const DAY = 86_400
const TOLERANCE = 60

function remembering (app: FastifyInstance): void {
  app.post('/remember', async ({ session }) => { session.options({ expiry: 30 * DAY }); return '' })
}

async function withStore (options: SessionRevocationOptions = {}, session: object = {}): Promise<{ app: FastifyInstance, store: TestStore, cookie: string }> {
  const store = new TestStore()
  const app = await appWithLogins({ session, revocation: { store, ...options } })
  const cookie = await login(app)
  store.take()
  return { app, store, cookie }
}

describe('the cache', () => {
  it('believes "not revoked" for two seconds', async t => {
    const clock = stopClock(t)
    const { app, store, cookie } = await withStore()
    await who(app, cookie)
    assert.equal(store.take().length, 1, 'the rest was asked at the login')
    clock.tick(1999)
    await who(app, cookie)
    assert.deepEqual(store.take(), [])
    clock.tick(1)
    await who(app, cookie)
    assert.deepEqual(store.take().sort(), ['get all', 'get revoked', 'get subject'])
  })

  for (const [cacheTtl, seconds] of [[10, 10], [0.5, 0.5]] as const) {
    it(`believes it for cacheTtl seconds: ${cacheTtl}`, async t => {
      const clock = stopClock(t)
      const { app, store, cookie } = await withStore({ cacheTtl })
      await who(app, cookie)
      store.take()
      clock.tick(seconds * 1000 - 1)
      await who(app, cookie)
      assert.deepEqual(store.take(), [])
      clock.tick(1)
      await who(app, cookie)
      assert.equal(store.take().length, 3)
    })
  }

  it('with cacheTtl 0 asks for every request', async () => {
    const { app, store, cookie } = await withStore({ cacheTtl: 0 })
    for (let i = 0; i < 2; i++) {
      await who(app, cookie)
      assert.equal(store.take().length, 3)
    }
  })

  it('never forgets what is revoked: the store is not asked again', async t => {
    const clock = stopClock(t)
    const { app, store, cookie } = await withStore()
    await post(app, '/logout', cookie)
    store.take()
    clock.tick(3600_000)
    assert.equal(await who(app, cookie), 'nobody')
    assert.deepEqual(store.take(), [])
  })

  it('lets another process\'s revocation count after cacheTtl at the latest', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore()
    const [a, b] = [await appWithLogins({ revocation: { store } }), await appWithLogins({ revocation: { store } })]
    const cookie = await login(a)
    assert.equal(await who(b, cookie), 'ann')
    await post(a, '/logout', cookie)
    clock.tick(2000)
    assert.equal(await who(b, cookie), 'nobody')
  })

  it('many requests at once ask once', async t => {
    const clock = stopClock(t)
    const { app, store, cookie } = await withStore()
    clock.tick(5000)
    await Promise.all(Array.from({ length: 10 }, async () => await who(app, cookie)))
    assert.deepEqual(store.take().sort(), ['get all', 'get revoked', 'get subject'])
  })

  it('a read that began before a logout does not undo it', async () => {
    const { app, store, cookie } = await withStore({ cacheTtl: 0 })
    const { opened, open } = gate()
    store.before = method => method === 'get' ? opened.then(() => { store.before = () => {} }) : undefined
    const [early, out] = [who(app, cookie), app.revokeSession(app.decodeSecureSession(cookie.slice('session='.length))!)]
    open()
    await Promise.all([early, out])
    assert.equal(await who(app, cookie), 'nobody')
  })
})

describe('an entry of the store', () => {
  /** The times to live that were given, in seconds, by the kind of entry. */
  const lives = (store: TestStore): Record<string, number> => Object.fromEntries(store.calls.splice(0)
    .filter(([method]) => method === 'set').map(([, key, , ttl]) => [key.split(':')[1], Number(ttl) / 1000]))

  async function revokeEverything (app: FastifyInstance, cookie: string): Promise<void> {
    await post(app, '/logout', cookie)
    await app.revokeSubject('ann')
    await app.revokeAll()
  }

  it('of one session lives as long as that can after its last write, and what clocks may differ; of many, as long as any can', async () => {
    const { app, store, cookie } = await withStore({}, { expiry: DAY })
    await revokeEverything(app, cookie)
    const most = 400 * DAY + TOLERANCE
    assert.deepEqual(lives(store), { logout: HOUR, revoked: DAY + TOLERANCE, latest: most, subject: most, all: most })
  })

  it('lives no longer than maxExpiry', async () => {
    const { app, store, cookie } = await withStore({}, { expiry: DAY, maxExpiry: 30 * DAY })
    await revokeEverything(app, cookie)
    const most = 30 * DAY + TOLERANCE
    assert.deepEqual(lives(store), { logout: HOUR, revoked: DAY + TOLERANCE, latest: most, subject: most, all: most })
  })

  it('lives no longer than the absolute timeout', async () => {
    const { app, store, cookie } = await withStore({}, { expiry: DAY, absoluteTimeout: 3600 })
    await revokeEverything(app, cookie)
    assert.deepEqual(lives(store), { logout: HOUR, revoked: 3660, latest: 3660, subject: 3660, all: 3660 })
  })

  it('lives as long as a session that was to last, where the absolute timeout is longer than "expiry"', async t => {
    const clock = stopClock(t)
    const [session, store] = [{ expiry: DAY, absoluteTimeout: 60 * DAY }, new MemoryStore()]
    const app = await appWithLogins({ session, revocation: { store }, after: remembering })
    const cookie = cookieOf(await post(app, '/remember', await login(app)))
    await app.revokeSubject('ann')
    clock.tick(29 * DAY * 1000)
    const later = await appWithLogins({ session, revocation: { store } })
    assert.equal((await get(later, '/info', cookie)).json().reason, 'revoked')
  })

  it('of a session with a lifetime of its own lives as long as an older copy can', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore()
    const setup: LoginsSetup = {
      session: { expiry: DAY },
      revocation: { store },
      after: app => {
        remembering(app)
        app.post('/shorten', async ({ session }) => { session.options({ expiry: 60 }); return '' })
      }
    }
    const app = await appWithLogins(setup)
    const copy = cookieOf(await post(app, '/remember', await login(app)))
    await post(app, '/logout', cookieOf(await post(app, '/shorten', copy)))
    clock.tick(29 * DAY * 1000)
    assert.equal((await get(await appWithLogins(setup), '/info', copy)).json().reason, 'revoked')
  })

  for (const [what, life] of Object.entries({ 'a lifetime of 136 years': { expiry: 2 ** 32 - 1 }, none: {} })) {
    it(`lives no longer for a token of the peer's with ${what}`, async () => {
      const { app, store } = await withStore({}, { expiry: DAY })
      const token = sealRaw(key, JSON.stringify({ user: 'eve', __life: life, __ts: seconds() }))
      assert.equal(await who(app, cookieHeader(token)), 'eve')
      assert.deepEqual(lives(store), {}, 'nothing is written')
      await revokeEverything(app, await login(app))
      const most = 400 * DAY + TOLERANCE
      assert.deepEqual(lives(store), { logout: HOUR, revoked: DAY + TOLERANCE, latest: most, subject: most, all: most })
    })
  }

  it('is there until its session has expired by itself', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore()
    const session = { expiry: 100 }
    const app = await appWithLogins({ session, revocation: { store } })
    const cookie = await login(app)
    await post(app, '/logout', cookie)
    clock.tick(99_000)
    const fresh = await appWithLogins({ session, revocation: { store } })
    assert.equal((await get(fresh, '/info', cookie)).json().reason, 'revoked')
    clock.tick(1000)
    assert.equal((await get(fresh, '/info', cookie)).json().reason, 'expired')
  })

  it('does not show the subject, nor anything of the session', async () => {
    const { app, store } = await withStore()
    await login(app, 'ann@example.com')
    await app.revokeSubject('ann@example.com')
    assert.ok(store.held.size > 0)
    assert.doesNotMatch(JSON.stringify([...store.held, ...store.calls]), /ann|example/)
  })
})

describe('the store in memory', () => {
  it('throws when it is full, rather than forget', () => {
    const store = new MemoryStore({ maxEntries: 2 })
    store.set('a', '1', 60_000)
    store.set('b', '1', 60_000)
    assert.throws(() => store.set('c', '1', 60_000), { code: 'FST_SEALED_SESSION_STORE_FULL', statusCode: 503 })
    assert.deepEqual([store.get('a'), store.get('b'), store.get('c')], ['1', '1', undefined])
    store.set('a', '2', 60_000)
    assert.equal(store.get('a'), '2', 'what is there can be renewed')
  })

  it('makes room of what has ended', t => {
    const clock = stopClock(t)
    const store = new MemoryStore({ maxEntries: 1 })
    store.set('a', '1', 1000)
    clock.tick(1000)
    assert.equal(store.get('a'), undefined)
    store.set('b', '1', 1000)
    assert.equal(store.get('b'), '1')
  })

  it('being full, fails a logout loudly', async () => {
    const app = await appWithLogins({ revocation: { store: new MemoryStore({ maxEntries: 1 }) } })
    const [first, second] = [await login(app), await login(app)]
    assert.equal((await post(app, '/logout', first)).statusCode, 200)
    const response = await post(app, '/logout', second)
    assert.deepEqual([response.statusCode, response.json().code], [503, 'FST_SEALED_SESSION_STORE_UNAVAILABLE'])
    assert.equal(await who(app, second), 'ann')
  })

  const warned = async (store?: RevocationStore): Promise<LogLine[]> => {
    const { lines, logger } = captureLog('warn')
    const app = await appWithLogins({ server: { logger: logger! }, revocation: { store } }) // captureLog always gives one
    const cookie = await login(app)
    await post(app, '/logout', cookie)
    assert.equal(await who(app, cookie), 'nobody')
    return lines.filter(({ code }) => code !== 'FST_SEALED_SESSION_WARN_PRODUCTION') // the cookie's, which has no TLS here
  }

  it('is the default, with a warning, and none where it is chosen', async () => {
    assert.deepEqual((await warned()).map(({ code }) => code), ['FST_SEALED_SESSION_WARN_MEMORY_STORE'])
    assert.deepEqual(await warned(new MemoryStore()), [])
  })

  const inMemory: Record<string, () => RevocationStore> = {
    'a MemoryStore': () => new MemoryStore(),
    'a Map': () => new Map() as RevocationStore,
    'a Keyv over a Map': () => new Keyv({ throwOnErrors: true })
  }
  for (const [kind, create] of Object.entries(inMemory)) {
    it(`is warned about in production although it was chosen, since a restart lets sessions in that were revoked: ${kind}`, async t => {
      setEnvironment(t, 'production')
      const [line, ...others] = await warned(create())
      assert.deepEqual([line?.code, others], ['FST_SEALED_SESSION_WARN_MEMORY_STORE', []])
      assert.ok(line?.msg.includes(`since its "store" is ${kind}.`), line?.msg)
      assert.match(line?.msg ?? '', /After a restart .* useOnce\(\)/)
    })

    it(`is silent outside of production if it was chosen: ${kind}`, async t => {
      for (const environment of ['development', 'test', undefined]) {
        setEnvironment(t, environment)
        assert.deepEqual(await warned(create()), [])
      }
    })
  }

  it('is the only one that is warned about in production', async t => {
    setEnvironment(t, 'production')
    assert.deepEqual(await warned(new TestStore()), [])
    const adapter = Object.assign(new TestStore(), { delete: () => true, clear: () => {} }) // Keyv asks for both
    assert.deepEqual(await warned(new Keyv({ store: adapter, throwOnErrors: true })), [])
  })
})

describe('a Keyv', () => {
  const accepts = async (store: unknown): Promise<string | null> =>
    await appWithLogins({ revocation: { store: store as MemoryStore } }).then(() => null, (error: { code: string }) => error.code)

  it('is refused without throwOnErrors, since it answers failures with "nothing found"', async () => {
    const broken = { get: () => { throw new Error('down') }, set: () => { throw new Error('down') }, delete: () => true, clear: () => {} }
    assert.equal(await new Keyv({ store: broken }).get('key'), undefined, 'this is why')
    assert.equal(await accepts(new Keyv({ store: broken })), 'FST_SEALED_SESSION_STORE_SILENT')
    assert.equal(await accepts(new Keyv()), 'FST_SEALED_SESSION_STORE_SILENT')
    assert.equal(await accepts(new Keyv({ throwOnErrors: true })), null)
  })

  it('is refused where its adapter keeps failures to itself', async () => {
    const { default: KeyvRedis } = await import('@keyv/redis')
    const url = 'redis://127.0.0.1:1' // nothing connects before it is used
    assert.equal(await accepts(new Keyv({ store: new KeyvRedis(url), throwOnErrors: true })), 'FST_SEALED_SESSION_STORE_SILENT')
    assert.equal(await accepts(new Keyv({ store: new KeyvRedis(url, { throwOnErrors: true }), throwOnErrors: true })), null)
  })

  it('over PostgreSQL has an adapter that throws', () => {
    assert.equal('throwOnErrors' in KeyvPostgres.prototype, false)
  })

  it('works', async () => {
    const store = new Keyv({ throwOnErrors: true, namespace: 'app' })
    const [a, b] = [await appWithLogins({ revocation: { store, cacheTtl: 0 } }), await appWithLogins({ revocation: { store, cacheTtl: 0 } })]
    const cookie = await login(a)
    await post(a, '/logout', cookie)
    assert.equal(await who(b, cookie), 'nobody')
    const next = await login(a)
    await a.revokeSubject('ann')
    assert.equal(await who(b, next), 'nobody')
    assert.equal(await who(b, await login(b)), 'ann')
  })
})

describe('while the store fails', () => {
  async function outage (onStoreError: 'reject' | 'accept', options: SessionRevocationOptions = {}): Promise<{ app: FastifyInstance, store: TestStore, cookie: string }> {
    const found = await withStore({ onStoreError, cacheTtl: 0, ...options })
    found.store.fail()
    return found
  }

  it('"reject" answers who uses a session with 503, and seals nothing', async () => {
    const { app, cookie } = await outage('reject')
    for (const response of [await get(app, '/me', cookie), await post(app, '/write', cookie, { n: 1 }), await post(app, '/logout', cookie), await post(app, '/login', cookie, { user: 'eve' })]) {
      assert.deepEqual([response.statusCode, response.json().code], [503, 'FST_SEALED_SESSION_STORE_UNAVAILABLE'])
      assert.deepEqual(setCookies(response), [])
    }
  })

  it('"reject" is the default', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store, cacheTtl: 0 } })
    const cookie = await login(app)
    store.fail()
    assert.equal((await get(app, '/me', cookie)).statusCode, 503)
  })

  it('"reject" does not let an error handler that writes seal an empty session', async () => {
    const store = new TestStore()
    const app = await appWithLogins({
      revocation: { store, cacheTtl: 0 },
      after: app => app.setErrorHandler(async (error: Error & { statusCode: number }, { session }, reply) => {
        reply.code(error.statusCode);
        (session as Bag).flash = 'sorry'
        return 'sorry'
      })
    })
    const cookie = await login(app)
    store.fail()
    const response = await get(app, '/me', cookie)
    assert.equal(response.statusCode, 503)
    assert.deepEqual(setCookies(response), [])
  })

  it('"reject" seals nothing where the store fails between the check and the sealing', async () => {
    const store = new TestStore()
    const app = await appWithLogins({
      revocation: { store },
      after: app => app.post('/late', async ({ session }) => { (session as Bag).n = 1; store.fail(); return '' })
    })
    const response = await post(app, '/late', await login(app))
    assert.equal(response.statusCode, 503)
    assert.deepEqual(setCookies(response), [])
  })

  it('"reject" does not fail a request whose session only was due to be renewed: its cookie is as good as before', async t => {
    const clock = stopClock(t)
    const store = new TestStore()
    const app = await appWithLogins({
      session: { rolling: true, expiry: 100, absoluteTimeout: 1000 },
      revocation: { store },
      after: app => app.get('/last', async ({ session }) => { store.fail(); return (session as Bag).user })
    })
    const cookie = await login(app)
    clock.tick(60_000)
    const response = await get(app, '/last', cookie)
    assert.deepEqual([response.statusCode, response.body], [200, 'ann'])
    assert.deepEqual(setCookies(response), [])
  })

  it('a logout that fails is not warned of as a session that cannot be sealed: that advice would be of no use', async () => {
    const { lines, logger = false } = captureLog()
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store }, server: { logger } })
    const cookie = await login(app)
    await who(app, cookie) // so that the logout gets as far as the response
    store.fail()
    assert.equal((await post(app, '/logout', cookie)).statusCode, 503)
    assert.deepEqual(warnings(lines), [])
  })

  it('"reject" leaves alone who does not use a session, or brings none', async () => {
    const { app, cookie } = await outage('reject')
    assert.equal((await get(app, '/public', cookie)).body, 'hello')
    assert.equal((await get(app, '/me')).body, 'nobody')
  })

  it('"accept" keeps everybody working', async () => {
    const { app, cookie } = await outage('accept')
    assert.equal(await who(app, cookie), 'ann')
    const written = cookieOf(await post(app, '/write', cookie, { n: 1 }))
    assert.equal(await who(app, written), 'ann')
    assert.equal(await who(app, await login(app, 'bob')), 'bob')
  })

  it('"accept" still knows what this process revoked', async () => {
    const { app, store, cookie } = await outage('accept')
    store.recover()
    await post(app, '/logout', cookie)
    const other = await login(app, 'bob')
    await app.revokeSubject('bob')
    store.fail()
    assert.deepEqual([await who(app, cookie), await who(app, other)], ['nobody', 'nobody'])
  })

  for (const onStoreError of ['reject', 'accept'] as const) {
    it(`with "${onStoreError}" a revocation that cannot be stored fails loudly`, async () => {
      const { app, cookie } = await outage(onStoreError)
      const session = app.decodeSecureSession(cookie.slice('session='.length))!
      const failure = { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE', statusCode: 503 }
      await assert.rejects(app.revokeSession(session), failure)
      await assert.rejects(app.revokeSubject('ann'), failure)
      await assert.rejects(app.revokeAll(), failure)
    })

    it(`with "${onStoreError}" a logout that cannot be stored is an error, keeps the cookie, and can be tried again`, async () => {
      const { app, store, cookie } = await outage(onStoreError)
      store.before = method => { if (method === 'set') throw new Error('read only') }
      const response = await post(app, '/logout', cookie)
      assert.deepEqual([response.statusCode, response.json().code], [503, 'FST_SEALED_SESSION_STORE_UNAVAILABLE'])
      assert.deepEqual(setCookies(response), [])
      assert.equal(await who(app, cookie), 'ann')
      store.recover()
      assert.equal((await post(app, '/logout', cookie)).statusCode, 200)
      assert.equal(await who(app, cookie), 'nobody')
    })
  }

  it('each call has a time limit', async () => {
    const { app, store, cookie } = await withStore({ storeTimeout: 0.02, cacheTtl: 0 })
    store.before = () => new Promise(() => {})
    const response = await get(app, '/me', cookie)
    assert.equal(response.statusCode, 503)
    await assert.rejects(app.revokeAll(), { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE', cause: new Error('no answer within 20 ms') })
    store.recover()
    assert.equal(await who(app, cookie), 'ann')
  })

  it('a logout that had no answer in time may count all the same, once the store has done it', async () => {
    const { app, store, cookie } = await withStore({ storeTimeout: 0.02, cacheTtl: 0 })
    const stored = gate()
    store.before = async method => { if (method === 'set') await stored.opened }
    const response = await post(app, '/logout', cookie)
    assert.deepEqual([response.statusCode, setCookies(response)], [503, []])
    assert.equal(await who(app, cookie), 'ann', 'not yet')
    stored.open()
    await stored.opened
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('the time limit is half a second unless told otherwise', async () => {
    const { app, store } = await withStore()
    store.before = () => new Promise(() => {})
    await assert.rejects(app.revokeAll(), { cause: new Error('no answer within 500 ms') })
  })

  it('what the store returns counts as a failure where it is no number, and where set() returns false', async () => {
    const { app, store, cookie } = await withStore({ cacheTtl: 0 })
    for (const value of ['x', '', ' ', false, true, [], {}, NaN, -1, 1.5]) {
      store.get = async () => value as never
      assert.equal((await get(app, '/me', cookie)).statusCode, 503, `${typeof value} ${String(value)}`)
    }
    for (const nothing of [undefined, null]) {
      store.get = async () => nothing as never
      assert.equal(await who(app, cookie), 'ann')
    }
    for (const value of ['1', 1, Buffer.from('1')]) {
      store.get = async key => key.includes('revoked') ? value as never : undefined
      assert.equal(await who(await appWithLogins({ revocation: { store } }), cookie), 'nobody', 'a number is one in any type')
    }
    store.get = async () => undefined
    store.set = async () => false as never
    await assert.rejects(app.revokeAll(), { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE' })
  })

  it('a call that is answered leaves no timer behind', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const { app, cookie } = await withStore({ cacheTtl: 0, storeTimeout: 60 })
    const before = timers()
    for (let i = 0; i < 10; i++) await who(app, cookie)
    assert.equal(timers() - before < 10, true)
  })

  it('the log names the code of the cause, where it has one', async () => {
    const { lines, logger } = captureLog('error')
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store }, server: { logger: logger!, disableRequestLogging: true } }) // captureLog always gives one
    store.before = () => { throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }) }
    await assert.rejects(app.revokeAll())
    assert.deepEqual(lines.map(({ msg }) => msg), ['the revocation store failed: ECONNREFUSED'])
  })

  it('the log says so once, with the cause, and once when it answers again', async () => {
    const { lines, logger } = captureLog('info')
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store, onStoreError: 'accept', cacheTtl: 0 }, server: { logger: logger!, disableRequestLogging: true } }) // captureLog always gives one
    const cookie = await login(app)
    store.fail()
    for (let i = 0; i < 3; i++) await who(app, cookie)
    store.recover()
    for (let i = 0; i < 3; i++) await who(app, cookie)
    assert.deepEqual(lines.map(({ level, msg }) => [level, msg]), [
      [50, 'the revocation store failed: Error'],
      [30, 'the revocation store answers again']
    ])
    assert.match(JSON.stringify(lines[0]?.err), /the store is down/)
  })
})
