// Revocation over a real PostgreSQL, with the store that docs/guide/revocation.md shows and through Keyv.
// Starts a server of its own; where PostgreSQL is not installed the tests are skipped.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { KeyvPostgres } from '@keyv/postgres'
import { Keyv } from 'keyv'
import type { RevocationStore } from '../../src/revocation/index.ts'
import { get, post } from '../support/app.ts'
import { setCookies } from '../support/helpers.ts'
import { PostgresServer, noPostgres } from './postgres-server.ts'
import { appWithLogins, assertLateWriteUndoesNothing, login, who } from '../support/revocation.ts'

interface PgPool {
  query: (text: string, values?: unknown[]) => Promise<{ rows: Array<Record<string, string>> }>
  on: (event: 'error', listener: () => void) => void
  end: () => Promise<void>
}
// It has no types of its own.
const { Pool } = createRequire(import.meta.url)('pg') as { Pool: new (options: object) => PgPool }

/** A store under test. */
interface Kind {
  store: RevocationStore
  /** When the entries of sessions that were revoked end, in milliseconds since 1970. */
  ends: () => Promise<number[]>
  close: () => Promise<void>
}

const KINDS: Record<string, (uri: string) => Promise<Kind>> = {
  'with a store of its own': async uri => {
    const pool = new Pool({ connectionString: uri, connectionTimeoutMillis: 500 })
    pool.on('error', () => {})
    await pool.query('CREATE TABLE IF NOT EXISTS revocations (key text PRIMARY KEY, value text NOT NULL, ends timestamptz NOT NULL)')
    const store: RevocationStore = {
      async get (key) {
        const { rows } = await pool.query('SELECT value FROM revocations WHERE key = $1 AND ends > now()', [key])
        return rows[0]?.value
      },
      async set (key, value, ttl) {
        await pool.query(`INSERT INTO revocations VALUES ($1, $2, now() + $3 * interval '1 ms')
          ON CONFLICT (key) DO UPDATE SET
            value = GREATEST(revocations.value::bigint, excluded.value::bigint)::text,
            ends = GREATEST(revocations.ends, excluded.ends)`, [key, value, ttl])
      }
    }
    const ends = async (): Promise<number[]> => {
      const { rows } = await pool.query("SELECT extract(epoch FROM ends) AS ends FROM revocations WHERE key LIKE '%:revoked:%'")
      return rows.map(row => Number(row.ends) * 1000)
    }
    return { store, ends, close: async () => { await pool.end() } }
  },
  'through Keyv': async uri => {
    const pool = new Pool({ connectionString: uri, connectionTimeoutMillis: 500 })
    pool.on('error', () => {})
    // The adapter's own pool listens to no error, and the process ends when PostgreSQL does.
    class HeardPostgres extends KeyvPostgres {
      override async connect (): ReturnType<KeyvPostgres['connect']> {
        return async (sql, values) => (await pool.query(sql, values as unknown[])).rows
      }
    }
    const adapter = new HeardPostgres({ uri })
    const store = new Keyv({ store: adapter, namespace: 'app', throwOnErrors: true })
    store.on('error', () => {}) // the app's log says it
    const ends = async (): Promise<number[]> => {
      const rows = await adapter.query("SELECT value FROM keyv WHERE key LIKE '%:revoked:%'") as Array<{ value: string }>
      return rows.map(({ value }) => (JSON.parse(value) as { expires: number }).expires)
    }
    return { store, ends, close: async () => { await pool.end() } }
  }
}

async function until (holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  assert.fail('not within ten seconds')
}

for (const [how, open] of Object.entries(KINDS)) {
  describe(`over PostgreSQL ${how}`, { skip: noPostgres }, () => {
    let postgres: PostgresServer
    let kind: Kind // of which `before` makes one

    before(async () => {
      postgres = await PostgresServer.create()
      kind = await open(postgres.uri)
    })
    after(async () => {
      await (kind as Kind | undefined)?.close()
      await postgres.remove()
    })

    /** A process of its own, as far as revocation is concerned: another cache. */
    async function processWith (onStoreError: 'reject' | 'accept' = 'reject'): Promise<FastifyInstance> {
      return await appWithLogins({ revocation: { store: kind.store, onStoreError, cacheTtl: 0, storeTimeout: 5 } })
    }

    it('a logout in one process is in force in the other, and a login right after works', async () => {
      const [a, b] = [await processWith(), await processWith()]
      const cookie = await login(a)
      assert.equal(await who(b, cookie), 'ann')
      await post(a, '/logout', cookie)
      assert.deepEqual([await who(a, cookie), await who(b, cookie)], ['nobody', 'nobody'])
      assert.equal(await who(b, await login(b, 'ann', cookie)), 'ann')
    })

    it('revokeSubject ends all sessions of one user, and revokeAll everybody\'s', async () => {
      const [a, b] = [await processWith(), await processWith()]
      const [phone, laptop, bob] = [await login(a), await login(b), await login(b, 'bob')]
      await a.revokeSubject('ann')
      assert.deepEqual([await who(b, phone), await who(b, laptop), await who(b, bob)], ['nobody', 'nobody', 'bob'])
      const next = await login(b)
      assert.equal(await who(a, next), 'ann')
      await a.revokeAll()
      assert.deepEqual([await who(b, next), await who(b, bob)], ['nobody', 'nobody'])
    })

    it('a write that arrives late does not bring back a session that another process ended meanwhile', async () => {
      await assertLateWriteUndoesNothing(kind.store, 'late')
    })

    if (how === 'with a store of its own') {
      it('of two writes at once the greater number stays, and the longer time', async () => {
        const { store } = kind
        await Promise.all(['12', '9', '100', '11'].map(async value => { await store.set('greatest', value, Number(value) === 100 ? 60_000 : 90_000) }))
        assert.equal(await store.get('greatest'), '100')
        await store.set('greatest', '99', 1)
        await new Promise(resolve => setTimeout(resolve, 20))
        assert.equal(await store.get('greatest'), '100')
      })
    }

    it('entries have the time to live that they need', async () => {
      const a = await processWith()
      await post(a, '/logout', await login(a))
      const ends = await kind.ends()
      assert.ok(ends.length > 0)
      const lives = ends.map(end => end - Date.now())
      for (const life of lives) assert.ok(life > 86401_000 && life <= 86462_000, String(life))
    })

    it('stopped and started again: with "reject" sessions get 503 and no cookie, with "accept" they keep working, and both recover by themselves', async () => {
      const [strict, lax] = [await processWith('reject'), await processWith('accept')]
      const [revoked, valid] = [await login(lax), await login(lax, 'bob')]
      await post(lax, '/logout', revoked)
      await postgres.stop()
      for (const cookie of [revoked, valid]) {
        const response = await get(strict, '/me', cookie)
        assert.deepEqual([response.statusCode, response.json().code, setCookies(response)], [503, 'FST_SEALED_SESSION_STORE_UNAVAILABLE', []])
      }
      assert.equal(await who(lax, valid), 'bob')
      assert.equal(await who(lax, revoked), 'nobody', 'this process has revoked it')
      for (const app of [strict, lax]) await assert.rejects(app.revokeSubject('bob'), { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE' })
      await postgres.start()
      await until(async () => await who(strict, valid) === 'bob')
      assert.equal(await who(strict, revoked), 'nobody', 'what was stored is there again')
      await until(async () => await lax.revokeSubject('bob').then(() => true, () => false))
      assert.equal(await who(strict, valid), 'nobody')
    })
  })
}
