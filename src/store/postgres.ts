import { fail, kindOf } from '../errors.ts'
import { readText, refuseUnknown } from '../options/readers.ts'
import type { RevocationStore } from '../revocation/types.ts'

/** A pool of npm's `pg`, as far as it is needed. */
export interface PostgresPool {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

/** Store of revocations in PostgreSQL. */
export interface PostgresStore extends Required<RevocationStore> {
  /** Creates the table if there is none. Without the right to do that, create it as `docs/guide/revocation.md` in the folder of this package shows. */
  createTable(): Promise<void>
  /** Removes entries that have ended. They do no harm but take room: call it once a day, say. */
  removeEnded(): Promise<void>
}

const DEFAULT_TABLE = 'session_revocations'

/** Lock of the statements that create a table: two at the same moment would fail. Any number does. */
const CREATING = 7_314_982_650_134

/**
 * Store of revocations in PostgreSQL, by the app's own pool: one round trip for each call. It keeps the greater of two
 * numbers in one step, and has `add` for `useOnce`.
 * @param pool of npm's `pg`. Have it listen to `error`, or a restart of PostgreSQL ends the process.
 * @param options `table`: its name, with a schema if need be; default `session_revocations`.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID` for anything else than a pool, and for a name with other characters than
 * letters, digits and `_`.
 */
export function postgresStore (pool: PostgresPool, options: { table?: string | undefined } = {}): PostgresStore {
  if (typeof (Object(pool) as Partial<PostgresPool>).query !== 'function') {
    throw fail('OPTION_INVALID', ['pool', 'a pool of pg', kindOf(pool)])
  }
  refuseUnknown(options, ['table'])
  const { create, getMany, set, add, removeEnded } = statementsFor(quoted(readText(options, 'table') ?? DEFAULT_TABLE))
  const read = async (keys: string[]): Promise<readonly unknown[]> => {
    const { rows } = await pool.query(getMany, [keys])
    const values = new Map((rows as Array<{ key: string, value: unknown }>).map(({ key, value }) => [key, value]))
    return keys.map(key => values.get(key))
  }
  return {
    getMany: read,
    async get (key) { return (await read([key]))[0] },
    async set (key, value, ttl) { await pool.query(set, [key, value, ttl]) },
    async add (key, value, ttl) { return (await pool.query(add, [key, value, ttl])).rows.length === 1 },
    async createTable () { await pool.query(create) },
    async removeEnded () { await pool.query(removeEnded) }
  }
}

/** Name of a table as SQL takes it, whatever its case. @throws `FST_SEALED_SESSION_OPTION_INVALID` */
export function quoted (table: string): string {
  if (!/^\w+(?:\.\w+)?$/.test(table)) throw fail('OPTION_INVALID', ['table', 'letters, digits and "_", after a schema and "." if need be', 'other characters'])
  return table.split('.').map(name => `"${name}"`).join('.')
}

function statementsFor (table: string): Record<'create' | 'getMany' | 'set' | 'add' | 'removeEnded', string> {
  const insert = `INSERT INTO ${table} AS t VALUES ($1, $2, now() + $3 * interval '1 ms') ON CONFLICT (key) DO UPDATE SET`
  return {
    // Several statements without values are one transaction.
    create: `SELECT pg_advisory_xact_lock(${CREATING}); CREATE TABLE IF NOT EXISTS ${table} (key text PRIMARY KEY, value bigint NOT NULL, ends timestamptz NOT NULL)`,
    getMany: `SELECT key, value FROM ${table} WHERE key = ANY($1) AND ends > now()`,
    // Both only grow. What has ended counts as nothing.
    set: `${insert} value = CASE WHEN t.ends > now() THEN GREATEST(t.value, excluded.value) ELSE excluded.value END, ends = GREATEST(t.ends, excluded.ends)`,
    // Of two at once the second one waits for the row of the first, and then finds that it has not ended.
    add: `${insert} value = excluded.value, ends = excluded.ends WHERE t.ends <= now() RETURNING key`,
    removeEnded: `DELETE FROM ${table} WHERE ends <= now()`
  }
}
