/**
 * Lists the sessions of a user, and limits their number: a plugin to register after
 * `fastify-sealed-session/revocation`. Adds `listSessions()` to the app.
 *
 * @module fastify-sealed-session/registry
 */
export { sessionRegistry, sessionRegistry as default } from './plugin.ts'
export { MemoryRegistry } from './memory-registry.ts'
export { postgresRegistry, type PostgresPool, type PostgresRegistry } from './postgres-registry.ts'
export { redisRegistry, type IoredisClient, type RedisClient } from './redis-registry.ts'
export type * from './types.ts'
