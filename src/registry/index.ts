/**
 * Lists the sessions of a user, and limits their number: a plugin to register after
 * `fastify-sealed-session/revocation`. Adds `listSessions()` to the app.
 *
 * @module fastify-sealed-session/registry
 */
export { sessionRegistry, sessionRegistry as default } from './plugin.ts'
export { MemoryRegistry } from './memory-registry.ts'
export { postgresRegistry, type PostgresRegistry } from './postgres-registry.ts'
export type { PostgresPool } from '../store/postgres.ts'
export { redisRegistry } from './redis-registry.ts'
export type { IoredisClient, RedisClient } from '../store/redis.ts'
export type * from './types.ts'
