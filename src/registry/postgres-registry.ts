import { fail, kindOf } from '../errors.ts'
import { readText, refuseUnknown } from '../options/readers.ts'
import { CLOCK_TOLERANCE } from '../token/lifetime.ts'
import { type PostgresPool, quoted } from '../store/postgres.ts'
import type { RegistryLine, RegistryStore } from './types.ts'

/** Registry in PostgreSQL. */
export interface PostgresRegistry extends RegistryStore {
  /** Creates the table if there is none. Without the right to do that, create it as `docs/guide/registry.md` in the folder of this package shows. */
  createTable(): Promise<void>
}

const DEFAULT_TABLE = 'session_registry'

/** Lock of the statements that create a table: two at the same moment would fail. Any number does. */
const CREATING = 7_314_982_650_133

/**
 * Registry in PostgreSQL: a table with one row for each login.
 * @param pool the app's own.
 * @param options `table`: its name, with a schema if need be; default `session_registry`.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID` for anything else than a pool, and for a name with other characters than
 * letters, digits and `_`.
 */
export function postgresRegistry (pool: PostgresPool, options: { table?: string | undefined } = {}): PostgresRegistry {
  if (typeof (Object(pool) as Partial<PostgresPool>).query !== 'function') {
    throw fail('OPTION_INVALID', ['pool', 'a pool of pg', kindOf(pool)])
  }
  refuseUnknown(options, ['table'])
  const { create, put, remove, list } = statementsFor(quoted(readText(options, 'table') ?? DEFAULT_TABLE))
  return {
    async createTable () {
      await pool.query(create)
    },
    async put (subject, { id, createdAt, lastSeenAt, expiresAt, more, description }, isLogin) {
      const due = new Date(Date.now() - CLOCK_TOLERANCE * 1000)
      await pool.query(put, [subject, id, isLogin, new Date(createdAt), new Date(lastSeenAt), new Date(expiresAt), more, description, due])
    },
    async remove (subject, id) {
      await pool.query(remove, [subject, id])
    },
    async list (subject) {
      const { rows } = await pool.query(list, [subject])
      return (rows as Row[]).map(lineOf)
    }
  }
}

/**
 * Statements for a table. `put` takes a lock for its subject first: of two logins at the same moment, the one whose place
 * is behind must see the other. Only its end gives the lock back. The old rows go after that, so that two statements do
 * not wait for each other.
 */
function statementsFor (table: string): Record<'create' | 'put' | 'remove' | 'list', string> {
  return {
    create: `SELECT pg_advisory_xact_lock(${CREATING});
      CREATE TABLE IF NOT EXISTS ${table} (
        subject text NOT NULL,
        id text NOT NULL,
        place timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        last_seen_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        more text NOT NULL,
        description text NOT NULL,
        PRIMARY KEY (subject, id)
      )`,
    put: `WITH held AS MATERIALIZED (SELECT 1 AS one, pg_advisory_xact_lock(hashtextextended($1::text, 0))),
      forgotten AS (DELETE FROM ${table} USING held WHERE $3 AND subject = $1 AND id <> $2 AND expires_at < $9::timestamptz)
      INSERT INTO ${table} AS line (subject, id, place, created_at, last_seen_at, expires_at, more, description)
      SELECT $1, $2::text, CASE WHEN $3::boolean THEN clock_timestamp() ELSE LEAST($4, clock_timestamp()) END,
        $4::timestamptz, $5::timestamptz, $6::timestamptz, $7::text, $8::text FROM held
      ON CONFLICT (subject, id) DO UPDATE SET
        created_at = excluded.created_at, last_seen_at = excluded.last_seen_at,
        expires_at = excluded.expires_at, more = excluded.more`,
    remove: `DELETE FROM ${table} WHERE subject = $1 AND id = $2`,
    list: `SELECT id, created_at AS "createdAt", last_seen_at AS "lastSeenAt", expires_at AS "expiresAt", more, description
      FROM ${table} WHERE subject = $1 ORDER BY place, id`
  }
}

/** A row, with its times as `pg` gives them. */
type Row = Omit<RegistryLine, 'createdAt' | 'lastSeenAt' | 'expiresAt'> & Record<'createdAt' | 'lastSeenAt' | 'expiresAt', Date>

function lineOf ({ createdAt, lastSeenAt, expiresAt, ...rest }: Row): RegistryLine {
  return { ...rest, createdAt: createdAt.getTime(), lastSeenAt: lastSeenAt.getTime(), expiresAt: expiresAt.getTime() }
}
