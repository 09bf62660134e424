// The limit of a user's sessions, and what a login gets while the registry's store fails.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { authenticated } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { MemoryRegistry } from '../../src/registry/index.ts'
import { get, post, type Handlers } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { captureLog, cookieOf, gate, setCookies } from '../support/helpers.ts'
import { TestRegistry, appListing, idOf, idsOf } from '../support/registry.ts'
import { TestStore, appWithLogins, login, who } from '../support/revocation.ts'

const REFUSE = { maxSessions: 2, onMaxSessions: 'refuse' } as const
const TOO_MANY = 'FST_SEALED_SESSION_TOO_MANY_SESSIONS'
const UNAVAILABLE = 'FST_SEALED_SESSION_REGISTRY_UNAVAILABLE'

/** Answer to a login: its status, the error's code, and the number of cookies. */
async function answered (app: FastifyInstance, cookie?: string, user = 'ann'): Promise<[number, string | undefined, number]> {
  const response = await post(app, '/login', cookie, { user })
  return [response.statusCode, response.statusCode === 200 ? undefined : response.json<{ code: string }>().code, setCookies(response).length]
}

/** Routes after which a session goes on with a new id. */
const GOING_ON: Handlers = {
  'POST /confirm': ({ session }) => { authenticated(session, 'password') },
  'POST /keep': ({ session }) => { session.regenerate(['user']) }
}

const users = async (app: FastifyInstance, cookies: string[]): Promise<string[]> => await Promise.all(cookies.map(async cookie => await who(app, cookie)))

describe('a login beyond the limit', () => {
  it('ends the sessions that began first, for every copy of their cookies, and no one else\'s', async () => {
    const revocations = new MemoryStore()
    const app = await appListing({ maxSessions: 2 }, { revocation: { store: revocations } })
    const cookies = [await login(app), await login(app), await login(app, 'bob'), await login(app)]
    assert.deepEqual(await users(app, cookies), ['nobody', 'ann', 'bob', 'ann'])
    assert.deepEqual(await users(await appWithLogins({ revocation: { store: revocations } }), cookies), ['nobody', 'ann', 'bob', 'ann'])
    assert.deepEqual(await idsOf(app), [await idOf(app, cookies[1]!), await idOf(app, cookies[3]!)].sort()) // there are four
  })

  it('costs the store of the revocation an entry for as long as the session can live, and not for as long as any can', async () => {
    const revocations = new TestStore()
    const app = await appListing({ maxSessions: 1 }, {
      session: { expiry: 3600 },
      revocation: { store: revocations },
      after: app => { app.post('/remember', async ({ session }) => { session.set('user', 'ann'); session.options({ expiry: 7200 }) }) }
    })
    const lives = (): unknown[] => revocations.calls.splice(0).filter(([method, key]) => method === 'set' && key.includes(':revoked:')).map(([,,, life]) => life)
    await login(app)
    await post(app, '/remember')
    assert.deepEqual(lives(), [3_660_000])
    await login(app)
    assert.deepEqual(lives(), [(400 * 86_400 + 60) * 1000])
  })

  it('ends none that was seen last, but the one that began first', async () => {
    const app = await appListing({ maxSessions: 2 })
    const [first, second] = [await login(app), await login(app)]
    await post(app, '/touch', first)
    await login(app)
    assert.deepEqual(await users(app, [first, second]), ['nobody', 'ann'])
  })

  for (const route of Object.keys(GOING_ON)) {
    it(`ends the session that began first, and one that has begun anew by ${route} is the last of them`, async () => {
      const app = await appListing({ maxSessions: 2 }, { routes: GOING_ON })
      const [first, second] = [await login(app), await login(app)]
      const renewed = cookieOf(await post(app, route.slice(5), first))
      assert.deepEqual(await users(app, [second, renewed, await login(app)]), ['nobody', 'ann', 'ann'])
    })
  }

  it('with \'refuse\' gets 409 and no cookie, and the others go on', async () => {
    const app = await appListing(REFUSE)
    const cookies = [await login(app), await login(app)]
    assert.deepEqual(await answered(app), [409, TOO_MANY, 0])
    assert.deepEqual(await answered(app, undefined, 'bob'), [200, undefined, 1])
    assert.deepEqual([await users(app, cookies), (await idsOf(app)).length], [['ann', 'ann'], 2])
    await post(app, '/logout', cookies[0])
    assert.deepEqual(await answered(app), [200, undefined, 1])
  })

  it('with \'refuse\' lets the app answer by the code of the error', async () => {
    const app = await appListing(REFUSE, {
      before: app => { app.setErrorHandler((error: { code?: string }, _request, reply) => reply.code(409).send(error.code === TOO_MANY ? 'log out elsewhere' : 'other')) }
    })
    for (const expected of ['in', 'in', 'log out elsewhere']) assert.equal((await post(app, '/login', undefined, { user: 'ann' })).body, expected)
  })

  it('with \'refuse\' rejects reply.sessionCookies() of a hijacked response', async () => {
    const app = await appListing({ ...REFUSE, maxSessions: 1 }, {
      after: app => {
        app.post('/raw', async ({ session }, reply) => {
          session.set('user', 'ann')
          reply.hijack()
          const cookies = await reply.sessionCookies().catch((error: { code: string }) => error.code)
          reply.raw.end(JSON.stringify(cookies))
        })
      }
    })
    assert.equal((await post(app, '/raw')).json<string[]>().length, 1)
    assert.equal((await post(app, '/raw')).json(), TOO_MANY)
  })

  it('with \'refuse\' opens nothing, even if its cookie had left: a write that is sealed late cannot be waited for', async () => {
    const sent: string[] = []
    const app = await appListing({ ...REFUSE, maxSessions: 1 }, {
      after: app => {
        app.addHook('onSend', async (request, reply) => {
          if (request.url !== '/late') return
          request.session.set('user', 'ann')
          sent.push(...[reply.getHeader('set-cookie')].flat().map(line => String(line).split(';')[0]!))
        })
        app.get('/late', async () => 'late')
      }
    })
    await login(app)
    await get(app, '/late')
    assert.equal(sent.length, 1)
    for (let tries = 0; tries < 1000 && await who(app, sent[0]!) !== 'nobody'; tries++) await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual([await who(app, sent[0]!), (await idsOf(app)).length], ['nobody', 1]) // one was sent
  })

  for (const limit of [{ maxSessions: 1 }, { ...REFUSE, maxSessions: 1 }]) {
    const how = 'onMaxSessions' in limit ? '\'refuse\'' : '\'end-oldest\''

    it(`is none if the browser's own session makes room (${how})`, async () => {
      const app = await appListing(limit)
      let cookie = await login(app)
      for (let i = 0; i < 3; i++) cookie = await login(app, 'ann', cookie)
      assert.deepEqual([await who(app, cookie), await idsOf(app)], ['ann', [await idOf(app, cookie)]])
    })

    it(`is none if the other sessions have ended or expired (${how})`, async t => {
      const clock = stopClock(t)
      const app = await appListing(limit)
      await login(app)
      await app.revokeSubject('ann')
      const second = await login(app)
      assert.equal(await who(app, second), 'ann')
      clock.tick(86_402_000)
      assert.equal(await who(app, await login(app)), 'ann')
    })

    it(`is none if a session is sealed again or gets a new id, though there are more than are allowed (${how})`, async () => {
      const [registry, revocations] = [new MemoryRegistry(), new MemoryStore()]
      const make = async (options: object): Promise<FastifyInstance> => await appListing({ store: registry, ...options }, {
        revocation: { store: revocations },
        after: app => { app.post('/longer', async ({ session }) => { session.options({ expiry: 2 * 86_400 }) }) }
      })
      const [before, app] = [await make({}), await make(limit)]
      const cookies = [await login(before), await login(before)]
      for (const cookie of cookies) assert.equal((await post(app, '/touch', cookie)).statusCode, 200)
      const longer = cookieOf(await post(app, '/longer', cookies[0]))
      assert.deepEqual(await users(app, [longer, cookies[1]!]), ['ann', 'ann']) // there are two
    })

    for (const route of Object.keys(GOING_ON)) {
      it(`is none if a session goes on by ${route}, though there are more than are allowed (${how})`, async () => {
        const [registry, revocations] = [new MemoryRegistry(), new MemoryStore()]
        const make = async (options: object): Promise<FastifyInstance> => await appListing({ store: registry, ...options }, { revocation: { store: revocations }, routes: GOING_ON })
        const [before, app] = [await make({}), await make(limit)]
        const cookies = [await login(before), await login(before), await login(before)]
        const response = await post(app, route.slice(5), cookies[2])
        assert.equal(response.statusCode, 200)
        assert.deepEqual(await users(app, [cookies[0]!, cookies[1]!, cookieOf(response)]), ['ann', 'ann', 'ann']) // there are three
        assert.equal((await idsOf(app)).length, 3)
      })
    }
  }

  it('of a process whose clock is behind is no older than the others', async t => {
    const clock = stopClock(t)
    const app = await appListing({ maxSessions: 1 })
    clock.tick(30_000)
    const ahead = await login(app)
    clock.setSystemTime(Date.now() - 30_000)
    const behind = await login(app)
    assert.deepEqual(await users(app, [ahead, behind]), ['nobody', 'ann'])
  })

  it('after the registry was lost ends the sessions that began first of those that came back', async t => {
    const clock = stopClock(t)
    let registry = new MemoryRegistry()
    const app = await appListing({
      maxSessions: 3,
      store: { put: (...line) => { registry.put(...line) }, remove: (...line) => { registry.remove(...line) }, list: subject => registry.list(subject) }
    })
    const cookies: string[] = []
    for (let i = 0; i < 3; i++) {
      cookies.push(await login(app))
      clock.tick(1000)
    }
    registry = new MemoryRegistry()
    cookies.push(await login(app))
    for (const index of [1, 2, 0]) await post(app, '/touch', cookies[index])
    assert.deepEqual(await users(app, cookies), ['ann', 'ann', 'ann', 'ann'], 'none was listed when it logged in')
    cookies.push(await login(app))
    assert.deepEqual(await users(app, cookies), ['nobody', 'nobody', 'ann', 'ann', 'ann'])
  })
})

describe('while the registry\'s store fails', () => {
  for (const [how, before] of Object.entries({ 'refuses calls': () => { throw new Error('down') }, hangs: async () => { await new Promise(() => {}) } })) {
    it(`(it ${how}), with 'end-oldest' logins, writes and logouts work, and the log says it once`, async () => {
      const [store, { lines, logger }] = [new TestRegistry(), captureLog('info')]
      const app = await appListing({ store, maxSessions: 1, storeTimeout: 0.02 }, { server: { logger } })
      store.before = before
      const cookies = [await login(app), await login(app)]
      assert.equal((await post(app, '/write', cookies[0], { n: 1 })).statusCode, 200)
      assert.deepEqual(await users(app, cookies), ['ann', 'ann'])
      await post(app, '/logout', cookies[0])
      assert.deepEqual(await users(app, cookies), ['nobody', 'ann'])
      await assert.rejects(app.listSessions('ann'), { code: UNAVAILABLE, statusCode: 503 })
      store.recover()
      const last = await login(app)
      assert.deepEqual(await idsOf(app), [await idOf(app, last)])
      const told = lines.filter(({ msg }) => /registry/.test(msg)).map(({ level, msg }) => `${level} ${msg}`)
      assert.deepEqual(told, ['50 the store of the session registry failed: Error', '30 the store of the session registry answers again'])
    })

    it(`(it ${how}), with 'refuse' a login gets 503 and no cookie, and everybody else works`, async () => {
      const store = new TestRegistry()
      const app = await appListing({ store, ...REFUSE, storeTimeout: 0.02 })
      const cookie = await login(app)
      store.before = before
      assert.deepEqual(await answered(app), [503, UNAVAILABLE, 0])
      assert.deepEqual([(await post(app, '/write', cookie, { n: 1 })).statusCode, await who(app, cookie)], [200, 'ann'])
      store.recover()
      assert.deepEqual(await answered(app), [200, undefined, 1])
      assert.equal((await idsOf(app)).length, 2)
    })
  }

  for (const route of Object.keys(GOING_ON)) {
    it(`with 'refuse' a session goes on by ${route}, and is listed again as soon as it is sealed again`, async () => {
      const store = new TestRegistry()
      const app = await appListing({ store, ...REFUSE }, { routes: GOING_ON })
      const cookie = await login(app)
      store.fail()
      const response = await post(app, route.slice(5), cookie)
      assert.equal(response.statusCode, 200)
      store.recover()
      const renewed = cookieOf(response)
      assert.deepEqual([await who(app, renewed), await idsOf(app)], ['ann', []])
      await post(app, '/touch', renewed)
      assert.deepEqual(await idsOf(app), [await idOf(app, renewed)])
    })
  }

  it('with \'refuse\' a login is not counted whose line arrived too late', async () => {
    const store = new TestRegistry()
    const app = await appListing({ store, ...REFUSE, maxSessions: 1, storeTimeout: 0.02 })
    const { opened, open } = gate()
    store.before = async method => { if (method === 'put') await opened }
    assert.deepEqual(await answered(app), [503, UNAVAILABLE, 0])
    store.recover()
    open()
    await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual([await answered(app), (await idsOf(app)).length], [[200, undefined, 1], 1])
  })

  it('with \'refuse\' a store that does not have the line it was given, as a replica that lags, lets nobody in', async () => {
    const app = await appListing({ ...REFUSE, store: { put () {}, remove () {}, list: () => [] } })
    assert.deepEqual(await answered(app), [503, UNAVAILABLE, 0])
  })

  for (const list of [() => null, () => ({}), () => [{}], () => [null], () => [{ id: 'a', createdAt: '1', lastSeenAt: 1, expiresAt: 1, more: '', description: '' }]]) {
    it(`a list that cannot be meant is a failure: ${String(list)}`, async () => {
      const app = await appListing({ store: { put () {}, remove () {}, list: list as never } })
      await assert.rejects(app.listSessions('ann'), { code: UNAVAILABLE })
    })
  }

  it('a session that could not be ended is ended at the next login', async () => {
    const revocations = new TestStore()
    const app = await appListing({ maxSessions: 1 }, { revocation: { store: revocations, onStoreError: 'accept' } })
    const first = await login(app)
    revocations.before = method => { if (method === 'set') throw new Error('down') }
    const second = await login(app)
    assert.deepEqual(await users(app, [first, second]), ['ann', 'ann'])
    revocations.recover()
    const third = await login(app)
    assert.deepEqual(await users(app, [first, second, third]), ['nobody', 'nobody', 'ann'])
  })
})
