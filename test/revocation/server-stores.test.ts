// The stores for Redis and PostgreSQL, with real servers and the clients that apps have.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { postgresStore, redisStore, type PostgresPool, type RevocationStore } from '../../src/revocation/index.ts'
import { get, post } from '../support/app.ts'
import { cookieOf, setCookies } from '../support/helpers.ts'
import { PostgresServer, noPostgres } from './postgres-server.ts'
import { RedisServer, noRedis } from './redis-server.ts'
import { appWithLogins, assertLateWriteUndoesNothing, login, who } from '../support/revocation.ts'

interface Opened {
  store: Required<RevocationStore>
  /** The same server, under another prefix or in another table. */
  other: Required<RevocationStore>
  close: () => Promise<void>
}

interface Server { stop: () => Promise<void>, start: () => Promise<void>, remove: () => Promise<void> }

interface Kind {
  skip: string | false
  server: () => Promise<Server>
  open: (server: Server) => Promise<Opened>
}

const require = createRequire(import.meta.url)

const KINDS: Record<string, Kind> = {
  'redisStore with redis': {
    skip: noRedis,
    server: async () => await RedisServer.create(),
    async open (server) {
      const { createClient } = await import('redis')
      const client = createClient({ url: `redis://127.0.0.1:${(server as RedisServer).port}`, disableOfflineQueue: true, socket: { reconnectStrategy: () => 50 } })
      client.on('error', () => {})
      await client.connect()
      return { store: redisStore(client), other: redisStore(client, { prefix: '{other}:' }), close: async () => { client.destroy() } }
    }
  },
  'redisStore with ioredis': {
    skip: noRedis,
    server: async () => await RedisServer.create(),
    async open (server) {
      const { Redis } = await import('ioredis')
      const client = new Redis({ port: (server as RedisServer).port, host: '127.0.0.1', enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => 50 })
      client.on('error', () => {})
      await client.connect()
      return { store: redisStore(client), other: redisStore(client, { prefix: '{other}:' }), close: async () => { client.disconnect() } }
    }
  },
  postgresStore: {
    skip: noPostgres,
    server: async () => await PostgresServer.create(),
    async open (server) {
      const { Pool } = require('pg') as { Pool: new (options: object) => PostgresPool & { on: (event: 'error', listener: () => void) => void, end: () => Promise<void> } }
      const pool = new Pool({ connectionString: (server as PostgresServer).uri, connectionTimeoutMillis: 500 })
      pool.on('error', () => {})
      const [store, other] = [postgresStore(pool), postgresStore(pool, { table: 'public.other_app' })]
      await Promise.all([store, store, store, other].map(async store => { await store.createTable() })) // several processes start at once
      return { store, other, close: async () => { await pool.end() } }
    }
  }
}

async function until (holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  assert.fail('not within ten seconds')
}

for (const [name, kind] of Object.entries(KINDS)) {
  describe(name, { skip: kind.skip }, () => {
    let server: Server
    let opened: Opened // of which `before` makes one

    before(async () => {
      server = await kind.server()
      opened = await kind.open(server)
    })
    after(async () => {
      await (opened as Opened | undefined)?.close()
      await server.remove()
    })

    /** A process of its own, as far as revocation is concerned: another cache. */
    async function processWith (onStoreError: 'reject' | 'accept' = 'reject'): Promise<FastifyInstance> {
      return await appWithLogins({ revocation: { store: opened.store, onStoreError, cacheTtl: 0, storeTimeout: 5 } })
    }

    it('what ends in one process has ended in the other, and a login right after works', async () => {
      const [a, b] = [await processWith(), await processWith()]
      const [first, second, third] = [await login(a), await login(a), await login(a)]
      await post(a, '/logout', first)
      await a.revokeSessionId((await get(b, '/info', second)).json<{ id: string }>().id)
      assert.deepEqual([await who(b, first), await who(b, second), await who(b, third)], ['nobody', 'nobody', 'ann'])
      await a.revokeSubject('ann')
      assert.equal(await who(b, third), 'nobody')
      const next = await login(b)
      assert.equal(await who(a, next), 'ann')
      await b.revokeAll()
      assert.equal(await who(a, next), 'nobody')
    })

    it('a write that arrives late does not bring back a session that another process ended meanwhile', async () => {
      await assertLateWriteUndoesNothing(opened.store, 'late')
    })

    it('of two writes the greater number stays, and the longer time', async () => {
      const { store } = opened
      await Promise.all(['12', '9', '1764460800000', '11'].map(async value => { await store.set('greatest', value, value.length > 2 ? 60_000 : 90_000) }))
      assert.equal(String(await store.get('greatest')), '1764460800000')
      await store.set('greatest', '99', 1)
      await new Promise(resolve => setTimeout(resolve, 20))
      assert.equal(String(await store.get('greatest')), '1764460800000')
    })

    it('an entry is gone when its time is over, and a new one does not get its number', async () => {
      const { store } = opened
      await store.set('short', '5', 1)
      await until(async () => (await store.get('short') ?? null) === null)
      await store.set('short', '3', 60_000)
      assert.equal(String(await store.get('short')), '3')
    })

    it('getMany gives the values in the order of the keys, with gaps, twice if asked twice', async () => {
      const { store } = opened
      await store.set('one', '1', 60_000)
      await store.set('two', '2', 60_000)
      const values = await store.getMany(['two', 'missing', 'one', 'two'])
      assert.deepEqual(values.map(value => value === null || value === undefined ? null : String(value)), ['2', null, '1', '2'])
    })

    it('add is true for one of many at once, and again when its time is over', async () => {
      const { store } = opened
      const answers = await Promise.all(Array.from({ length: 20 }, async () => await store.add('once', '1', 200)))
      assert.deepEqual(answers.filter(Boolean), [true])
      await until(async () => await store.add('once', '1', 60_000))
      assert.equal(await store.add('once', '1', 60_000), false)
    })

    it('useOnce is true in one process of two', async () => {
      const [a, b] = [await processWith(), await processWith()]
      const answers = await Promise.all([a, b, a, b].map(async app => await app.useOnce('challenge', 60)))
      assert.equal(answers.filter(Boolean).length, 1)
    })

    it('apps with other prefixes or tables know nothing of each other', async () => {
      const { store, other } = opened
      await store.set('mine', '1', 60_000)
      assert.equal(await other.get('mine') ?? null, null)
      assert.deepEqual([await store.add('both', '1', 60_000), await other.add('both', '1', 60_000)], [true, true])
    })

    it('stopped and started again: with "reject" 503 and no cookie, with "accept" everybody keeps working, and both recover by themselves', async () => {
      const [strict, lax] = [await processWith('reject'), await processWith('accept')]
      const [ended, valid] = [await login(lax), await login(lax, 'bob')]
      await post(lax, '/logout', ended)
      await server.stop()
      for (const cookie of [ended, valid]) {
        const response = await get(strict, '/me', cookie)
        assert.deepEqual([response.statusCode, response.json().code, setCookies(response)], [503, 'FST_SEALED_SESSION_STORE_UNAVAILABLE', []])
      }
      assert.equal(await who(lax, valid), 'bob')
      for (const app of [strict, lax]) await assert.rejects(app.useOnce('away', 60), { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE' })
      await server.start()
      await until(async () => await who(strict, valid) === 'bob')
      assert.equal(await who(strict, ended), 'nobody', 'it has kept what was stored')
      assert.equal(await who(strict, cookieOf(await post(strict, '/write', valid, { n: 1 }))), 'bob')
    })
  })
}

describe('postgresStore', { skip: noPostgres }, () => {
  it('removes what has ended, and nothing else', async () => {
    const server = await PostgresServer.create()
    const { Pool } = require('pg') as { Pool: new (options: object) => PostgresPool & { end: () => Promise<void> } }
    const pool = new Pool({ connectionString: server.uri })
    const store = postgresStore(pool)
    await store.createTable()
    await store.set('short', '1', 1)
    await store.set('long', '1', 60_000)
    await until(async () => await store.get('short') === undefined)
    await store.removeEnded()
    const { rows } = await pool.query('SELECT key FROM session_revocations')
    await pool.end()
    await server.remove()
    assert.deepEqual(rows, [{ key: 'long' }])
  })

  for (const table of ['a-b', 'a"b', 'a.b.c', 'a b', 'a;DROP TABLE x']) {
    it(`refuses the name of a table with other characters: ${JSON.stringify(table)}`, () => {
      assert.throws(() => postgresStore({ query: async () => ({ rows: [] }) }, { table }), { code: 'FST_SEALED_SESSION_OPTION_INVALID' })
    })
  }
})

for (const [name, make] of Object.entries({ redisStore, postgresStore } as Record<string, (given: unknown, options?: object) => unknown>)) {
  it(`${name} refuses what is no client, and misspelt options`, () => {
    for (const given of [undefined, null, {}, 'redis://127.0.0.1', 42]) assert.throws(() => make(given), { code: 'FST_SEALED_SESSION_OPTION_INVALID' })
    const client = { eval: async () => {}, query: async () => ({ rows: [] }) }
    assert.throws(() => make(client, { prefx: 'a' }), { code: 'FST_SEALED_SESSION_OPTION_UNKNOWN' })
  })
}
