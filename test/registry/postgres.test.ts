// The table of the registry in a real PostgreSQL: its name, its rows, and who may create it.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import pg from 'pg'
import { postgresRegistry } from '../../src/registry/index.ts'
import { read } from '../docs/source.ts'
import { line } from '../support/registry.ts'
import { PostgresServer, noPostgres } from '../revocation/postgres-server.ts'

describe('a registry in PostgreSQL', { skip: noPostgres }, () => {
  let server: PostgresServer
  let pool: pg.Pool
  const rows = async (text: string): Promise<unknown[]> => (await pool.query(text)).rows

  before(async () => {
    server = await PostgresServer.create()
    pool = new pg.Pool({ connectionString: server.uri, max: 8 })
    pool.on('error', () => {}) // it is stopped below
  })
  after(async () => {
    await pool.end()
    await server.remove()
  })

  it('creates its table once, by eight processes at the same moment', async () => {
    await Promise.all(Array.from({ length: 8 }, async () => { await postgresRegistry(pool).createTable() }))
    assert.deepEqual(await rows('SELECT count(*)::int FROM session_registry'), [{ count: 0 }])
  })

  it('takes the table that docs/guide/registry.md shows, under another name and in a schema', async () => {
    const [statement = ''] = /CREATE TABLE session_registry \([^]+?\n\)/.exec(read('docs/guide/registry.md')) ?? []
    await pool.query('CREATE SCHEMA "Auth"')
    await pool.query(statement.replace('session_registry', '"Auth"."Logins"'))
    const store = postgresRegistry(pool, { table: 'Auth.Logins' })
    await store.createTable()
    await store.put('ann', line('a'), true)
    assert.deepEqual([(await store.list('ann')).length, await rows('SELECT subject, id FROM "Auth"."Logins"')], [1, [{ subject: 'ann', id: 'a' }]])
    const columns = async (table: string): Promise<unknown[]> =>
      await rows(`SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = '${table}' ORDER BY ordinal_position`)
    await postgresRegistry(pool).createTable()
    assert.deepEqual(await columns('Logins'), await columns('session_registry'))
  })

  it('deletes rows of a subject that have expired when it logs in', async () => {
    const store = postgresRegistry(pool)
    await store.createTable()
    for (const id of ['a', 'b']) await store.put('bob', line(id, { expiresAt: Date.now() - 120_000 }), true)
    await store.put('bob', line('c'), true)
    assert.deepEqual(await rows("SELECT id FROM session_registry WHERE subject = 'bob'"), [{ id: 'c' }])
  })

  it('takes text that looks like SQL as text', async () => {
    const store = postgresRegistry(pool)
    await store.createTable()
    const subject = "x'; DROP TABLE session_registry; --"
    await store.put(subject, line(subject, { description: subject, more: subject }), true)
    assert.equal((await store.list(subject))[0]?.description, subject)
    await store.remove(subject, subject)
    assert.deepEqual(await store.list(subject), [])
  })

  it('lets puts, removals and lists of one subject run at the same moment', async () => {
    const store = postgresRegistry(pool)
    await store.createTable()
    const expired = { expiresAt: Date.now() - 120_000 }
    await Promise.all(Array.from({ length: 200 }, async (_, index) => {
      const id = `id-${index % 10}`
      if (index % 3 === 0) await store.remove('kim', id)
      else await store.put('kim', line(id, index % 4 === 0 ? expired : {}), index % 2 === 0)
      await store.list('kim')
    }))
    await store.put('kim', line('last'), true)
    assert.equal((await store.list('kim')).at(-1)?.id, 'last')
  })
})
