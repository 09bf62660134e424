// Revocation, the list of sessions and step-up on the web entry, beside an app on Fastify with the same store.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { authenticated, type Session, sessionInfo } from '../../src/index.ts'
import { MemoryRegistry } from '../../src/registry/index.ts'
import { MemoryStore, type RevocationStore, type SessionRevocationOptions } from '../../src/revocation/index.ts'
import { createWebSessions, sessionSignal, type WebSessions, type WebSessionsOptions } from '../../src/web/index.ts'
import { type Bag, readyApp } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { setEnvironment } from '../support/environment.ts'
import { type AskServer, fastifyServer, Jar, type WebBag, webServer } from '../support/fetch.ts'
import { newKey } from '../support/helpers.ts'

const subject = (session: Session): string | undefined => (session as Bag).user as string | undefined

interface Site {
  app: FastifyInstance
  sessions: WebSessions
  fastify: AskServer
  web: AskServer
}

/** Both servers of a site. `cacheTtl: 0`, so that the one asks the store of what the other has just done. */
async function site (revocation: SessionRevocationOptions = {}, more: object = {}): Promise<Site> {
  const shared = { key: newKey(), format: 'sealed', cookieName: 'session', cookie: { path: '/', secure: 'auto' } } as const
  const options = { store: new MemoryStore(), subject, cacheTtl: 0, ...revocation }
  const registry = { store: new MemoryRegistry(), ...more }
  const acts: Record<string, (session: Bag) => unknown> = {
    '/login': session => { session.regenerate(); session.set('user', 'ann') },
    '/ben': session => { session.regenerate(); session.set('user', 'ben') },
    '/me': session => session.user ?? 'nobody',
    '/write': session => { session.set('n', 1) },
    '/confirm': session => { authenticated(session, 'password') },
    '/info': session => sessionInfo(session),
    '/logout': session => { session.delete() }
  }
  const routes = Object.fromEntries(Object.entries(acts).map(([path, act]) => [path, ({ session }: { session: unknown }) => act(session as Bag)]))
  const app = await readyApp({ session: shared, revocation: options, registry, routes: { ...routes, '/others': async ({ session }) => { await app.revokeOtherSessions(session) } } })
  const sessions = await createWebSessions({ ...shared, revocation: options, registry } as WebSessionsOptions)
  const web = webServer(sessions, { ...acts, '/others': async (session: Bag) => { await sessions.revokeOtherSessions(session) } } as never, 'http://app.example')
  return { app, sessions, fastify: fastifyServer(app), web }
}

/** Both orders of two servers. */
const orders = ({ fastify, web }: Site): Array<[what: string, first: AskServer, second: AskServer]> => [['Fastify first', fastify, web], ['the web entry first', web, fastify]]

const me = async (ask: AskServer, jar: Jar): Promise<unknown> => (await ask('/me', jar)).body

/** Opens the session of a jar at the web entry. */
async function open ({ sessions }: Site, jar: Jar): Promise<WebBag> {
  return await sessions.open({ headers: new Headers({ cookie: jar.header }) }) as WebBag
}

describe('a session that ends on one side', () => {
  it('ends on the other: a logout ends copies of its cookie', async () => {
    const both = await site()
    for (const [order, first, second] of orders(both)) {
      const jar = new Jar()
      await first('/login', jar)
      const copy = jar.copy()
      assert.equal(await me(second, copy), 'ann')
      await second('/logout', jar)
      assert.equal(await me(first, copy), 'nobody', order)
      assert.equal(await me(second, copy), 'nobody', order)
    }
  })

  it('ends with those of its subject, but for the one that goes on with a new id', async () => {
    const both = await site()
    for (const [order, first, second] of orders(both)) {
      const [own, other] = [new Jar(), new Jar()]
      await first('/login', own)
      await second('/login', other)
      const copy = own.copy()
      assert.equal((await second('/others', own)).status, 200)
      assert.equal(await me(first, own), 'ann', order)
      assert.equal(await me(first, other), 'nobody', order)
      assert.equal(await me(second, copy), 'nobody', 'copies of the old cookie end, too')
    }
  })

  it('ends by its id, by its subject and with all, by the methods of either', async () => {
    const both = await site()
    for (const [, login, look] of orders(both)) {
      for (const methods of [both.app, both.sessions]) {
        const jar = new Jar()
        await login('/login', jar)
        const { id } = (await look('/info', jar)).body as { id: string }
        await methods.revokeSessionId(id)
        assert.equal(await me(look, jar), 'nobody')
        await login('/ben', jar)
        await methods.revokeSubject('ben')
        assert.equal(await me(look, jar), 'nobody')
        await login('/login', jar)
        await methods.revokeAll()
        assert.equal(await me(look, jar), 'nobody')
      }
    }
  })

  it('ends its copies when it begins anew, by a login or by authenticated()', async () => {
    const both = await site()
    for (const path of ['/login', '/confirm']) {
      for (const [, first, second] of orders(both)) {
        const jar = new Jar()
        await first('/login', jar)
        const copy = jar.copy()
        await second(path, jar)
        assert.equal(await me(first, jar), 'ann')
        assert.equal(await me(first, copy), 'nobody')
      }
    }
  })

  it('may be handed to the methods, and is told by isSessionRevoked', async () => {
    const both = await site()
    const jar = new Jar()
    await both.fastify('/login', jar)
    const session = await open(both, jar)
    assert.equal(await both.sessions.isSessionRevoked(session), false)
    await both.sessions.revokeSession(session)
    assert.equal(await both.sessions.isSessionRevoked(session), true)
    assert.equal(await me(both.fastify, jar), 'nobody')
  })
})

describe('a request that is under way', () => {
  it('seals nothing of a session that ends meanwhile on the other side', async () => {
    const both = await site()
    const jar = new Jar()
    await both.fastify('/login', jar)
    const session = await open(both, jar)
    assert.equal(session.user, 'ann')
    session.set('n', 1)
    await both.fastify('/logout', jar.copy())
    const headers = new Headers()
    await session.commit(headers)
    assert.deepEqual([...headers], [])
  })

  it('is looked at anew when it is opened again', async t => {
    const clock = stopClock(t)
    const both = await site()
    const jar = new Jar()
    await both.fastify('/login', jar)
    const request = new Request('http://app.example/', { method: 'POST', body: 'x', headers: { cookie: jar.header } })
    const session = await both.sessions.open(request) as WebBag
    assert.equal(session.user, 'ann')
    await both.app.revokeSubject('ann')
    clock.tick(100) // a body that comes late
    await request.text()
    assert.equal(await both.sessions.open(request), session)
    assert.equal(session.user, undefined)
  })

  it('is answered as a conflict if it logs a user in whose sessions are ended meanwhile', async () => {
    const both = await site()
    const session = await open(both, new Jar())
    session.set('user', 'ann')
    await both.sessions.revokeSubject('ann')
    await assert.rejects(session.commit(new Headers()), { code: 'FST_SEALED_SESSION_REVOKED_MEANWHILE', statusCode: 409 })
  })

  it('does not count against itself if it names its session: a login that ends all others of the user', async () => {
    const both = await site()
    const jar = new Jar()
    const session = await open(both, jar)
    session.set('user', 'ann')
    await both.sessions.revokeSubject('ann', { except: session })
    const headers = new Headers()
    await session.commit(headers)
    jar.keep(headers.getSetCookie())
    assert.equal(await me(both.fastify, jar), 'ann')
  })

  it('fires the signal of a session that is ended by the methods', async () => {
    const both = await site()
    const jar = new Jar()
    await both.web('/login', jar)
    const signal = sessionSignal(await open(both, jar))
    await both.sessions.revokeSubject('ann')
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(signal.aborted, true)
    both.sessions.close()
  })
})

describe('a store that is away', () => {
  class Failing implements RevocationStore {
    isAway = false
    readonly #store = new MemoryStore()
    get (key: string): unknown { this.#look(); return this.#store.get(key) }
    set (key: string, value: string, ttl: number): unknown { this.#look(); return this.#store.set(key, value, ttl) }
    #look (): void { if (this.isAway) throw new Error('away') }
  }

  it('has open() reject with 503, and open again once it is back', async () => {
    const store = new Failing()
    const both = await site({ store })
    const jar = new Jar()
    await both.web('/login', jar)
    store.isAway = true
    const request = new Request('http://app.example/', { headers: { cookie: jar.header } })
    await assert.rejects(both.sessions.open(request), { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE', statusCode: 503 })
    store.isAway = false
    assert.equal((await both.sessions.open(request) as WebBag).user, 'ann')
  })

  it('has commit() reject, and no cookie is left on the headers', async () => {
    const store = new Failing()
    const both = await site({ store })
    const jar = new Jar()
    await both.web('/login', jar)
    const session = await open(both, jar)
    session.set('n', 1)
    store.isAway = true
    const headers = new Headers({ 'set-cookie': 'a=1' })
    await assert.rejects(session.commit(headers), { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE' })
    assert.deepEqual([...headers], [['set-cookie', 'a=1']])
  })
})

describe('the other methods', () => {
  it('useOnce tells the first of both sides', async () => {
    const both = await site()
    assert.deepEqual([await both.app.useOnce('challenge:1', 60), await both.sessions.useOnce('challenge:1', 60), await both.sessions.useOnce('challenge:2', 60)], [true, false, true])
  })

  it('restampSession keeps the session of the caller, while all others of the user end', async () => {
    const versions = new Map([['ann', '1']])
    const both = await site({ stamp: subject => versions.get(subject) })
    const [own, other] = [new Jar(), new Jar()]
    await both.fastify('/login', own)
    await both.web('/login', other)
    const session = await open(both, own)
    assert.equal(session.user, 'ann')
    versions.set('ann', '2')
    await both.sessions.restampSession(session)
    const headers = new Headers()
    await session.commit(headers)
    own.keep(headers.getSetCookie())
    assert.deepEqual([await me(both.fastify, own), await me(both.web, own), await me(both.web, other)], ['ann', 'ann', 'nobody'])
  })

  it('listSessions has the logins of both sides, with the description of each', async () => {
    const both = await site({}, { describe: (request: { headers: unknown }) => ({ isWeb: request.headers instanceof Headers }) })
    const [a, b] = [new Jar(), new Jar()]
    await both.fastify('/login', a)
    await both.web('/login', b)
    const session = await open(both, b)
    const listed = await both.sessions.listSessions('ann', { current: session })
    assert.deepEqual(listed.map(({ current, description }) => [current, description?.isWeb]).sort(), [[false, false], [true, true]])
    await both.web('/logout', b)
    assert.equal((await both.app.listSessions('ann')).length, 1)
  })

  it('a limit of sessions holds for logins of both sides', async () => {
    const both = await site({}, { maxSessions: 1 })
    for (const [, first, second] of orders(both)) {
      const [a, b] = [new Jar(), new Jar()]
      await first('/login', a)
      await second('/login', b)
      assert.deepEqual([await me(first, a), await me(second, b)], ['nobody', 'ann'])
    }
  })
})

it('a store in memory is warned about in production on the web entry as well', async t => {
  const codes: string[] = []
  const options = { key: newKey(), log: { warn: ({ code }: { code: string }) => { codes.push(code) } }, revocation: { store: new MemoryStore(), subject }, registry: { store: new MemoryRegistry() } } as WebSessionsOptions
  const told = async (): Promise<string[]> => {
    (await createWebSessions(options)).close()
    return codes.splice(0).filter(code => code.includes('_MEMORY_'))
  }
  assert.deepEqual(await told(), [])
  setEnvironment(t, 'production')
  assert.deepEqual(await told(), ['FST_SEALED_SESSION_WARN_MEMORY_STORE', 'FST_SEALED_SESSION_WARN_MEMORY_REGISTRY'])
})
