// Bindings at the same moment in two processes that share a store of revocations, over real servers.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import pg from 'pg'
import { createClient } from 'redis'
import { MemoryStore, postgresStore, redisStore, type RevocationStore } from '../../src/revocation/index.ts'
import { createTestDevice } from '../../src/testing/index.ts'
import { PostgresServer, noPostgres } from '../revocation/postgres-server.ts'
import { RedisServer, noRedis } from '../revocation/redis-server.ts'
import { post } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, boundDevice, loggedIn, offerOf, only, register, registrationOf, SESSION_ONLY, stolen } from '../support/device.ts'
import { cookiesOf, setCookies } from '../support/helpers.ts'
import { key, subject } from '../support/revocation.ts'

const GRACE = 10_000
const ROUNDS = 15

interface Opened {
  /** Stores of two processes. */
  stores: [RevocationStore, RevocationStore]
  /** Number of calls that the server has had; null if it has no count. */
  calls: (() => Promise<number>) | null
  close: () => Promise<void>
}

async function openRedis (): Promise<Opened> {
  const server = await RedisServer.create()
  const connect = async (): Promise<ReturnType<typeof createClient>> => {
    const client = createClient({ url: `redis://127.0.0.1:${server.port}` })
    client.on('error', () => {}) // none is expected, and a test would fail
    await client.connect()
    return client as never // of the same type, but for its modules
  }
  const clients = [await connect(), await connect(), await connect()] as const
  return {
    stores: [redisStore(clients[0]), redisStore(clients[1])],
    calls: async () => [...(await clients[2].info('commandstats')).matchAll(/^cmdstat_eval:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0),
    async close () {
      for (const client of clients) client.destroy()
      await server.remove()
    }
  }
}

async function openPostgres (): Promise<Opened> {
  const server = await PostgresServer.create()
  const newPool = (): pg.Pool => new pg.Pool({ connectionString: server.uri, connectionTimeoutMillis: 5000, max: 4 })
  const pools = [newPool(), newPool()] as const
  for (const pool of pools) pool.on('error', () => {}) // as above: the server goes before it
  const stores = [postgresStore(pools[0]), postgresStore(pools[1])] as const
  await stores[0].createTable()
  return {
    stores: [...stores],
    calls: null,
    async close () {
      for (const pool of pools) await pool.end()
      await server.remove()
    }
  }
}

async function openMemory (): Promise<Opened> {
  const store = new MemoryStore()
  // Its answers come later, as those of a server do.
  const late: RevocationStore = {
    get: async name => { await pause(); return store.get(name) },
    set: async (...entry) => { await pause(); store.set(...entry) },
    add: async (...entry) => { await pause(); return store.add(...entry) }
  }
  return { stores: [late, late], calls: null, close: async () => {} }
}

async function pause (): Promise<void> {
  await new Promise(resolve => { setImmediate(resolve) })
}

const KINDS: Record<string, { skip: string | false, open: () => Promise<Opened> }> = {
  'in memory': { skip: false, open: openMemory },
  'in Redis': { skip: noRedis, open: openRedis },
  'in PostgreSQL': { skip: noPostgres, open: openPostgres }
}

for (const [where, { skip, open }] of Object.entries(KINDS)) {
  describe(`39. in two processes with a store ${where}`, { skip }, () => {
    let opened: Opened
    let a: FastifyInstance
    let b: FastifyInstance

    before(async () => {
      opened = await open()
      const [first, second] = await Promise.all(opened.stores.map(async store => await appWithDevices({ session: { key }, revocation: { store, subject, cacheTtl: 0, storeTimeout: 20 } })))
      a = first! // there are two
      b = second!
    })
    after(async () => { await opened.close() })

    it('of two registrations at the same moment exactly one binds, and the session of the other is dead ten seconds later', async t => {
      const clock = stopClock(t)
      for (let round = 0; round < ROUNDS; round++) {
        const { device, response } = await loggedIn(a)
        const [copy, { challenge }] = [device.cookies, offerOf(response)]
        const answers = await Promise.all([a, b].map(async app => await register(app, registrationOf(challenge), copy)))
        assert.deepEqual(answers.map(({ statusCode }) => statusCode).sort(), [200, 400])
        const [won, lost] = answers.toSorted((x, y) => x.statusCode - y.statusCode)
        assert.deepEqual(setCookies(lost!), []) // there are two
        clock.tick(GRACE + 1)
        for (const app of [a, b]) {
          assert.equal((await stolen(app, cookiesOf(won!))).body, 'ann') // as above
          assert.equal((await stolen(app, copy)).body, 'nobody')
        }
      }
    })

    it('of two registrations without cookies at the same moment exactly one binds', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const device = createTestDevice()
        const response = await device.inject(a, { method: 'POST', url: '/login', payload: { user: 'ann' }, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' } })
        const { challenge } = offerOf(response)
        const answers = await Promise.all([a, b].map(async app => await register(app, registrationOf(challenge))))
        assert.deepEqual(answers.map(({ statusCode }) => statusCode).sort(), [200, 400])
      }
    })

    it('a logout at the moment of the binding ends the session, whichever of the two came first', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { device, response } = await loggedIn(a)
        const [copy, { challenge }] = [device.cookies, offerOf(response)]
        const binding = async (): Promise<string> => cookiesOf(await register(b, registrationOf(challenge), copy))
        const leaving = async (): Promise<number> => (await post(a, '/logout', copy)).statusCode
        const [cookies, status] = round % 2 === 0 ? await Promise.all([binding(), leaving()]) : (await Promise.all([leaving(), binding()])).reverse() as [string, number]
        assert.equal(status, 200)
        for (const app of [a, b]) for (const cookie of [cookies, copy]) assert.equal((await stolen(app, cookie)).body, 'nobody')
      }
    })

    it('what ends a bound session in one process ends it in the other: its refresh says so', async () => {
      const device = await boundDevice(a)
      await device.inject(b, { method: 'POST', url: '/logout' })
      const other = await boundDevice(b)
      await b.revokeSubject('ann')
      assert.equal((await other.refresh(a)).json<{ continue: boolean }>().continue, false)
      assert.equal((await device.inject(a, { url: '/me' })).body, 'nobody')
    })

    it('a copy of the session cookie without its proof is refused, and the server is not asked', async t => {
      if (opened.calls === null) return t.skip('it counts no calls')
      const cookie = only((await boundDevice(a)).cookies, ...SESSION_ONLY)
      const before = await opened.calls()
      assert.equal((await stolen(a, cookie)).body, 'nobody')
      await post(b, '/write', cookie, { n: 1 })
      assert.equal(await opened.calls(), before)
    })
  })
}
