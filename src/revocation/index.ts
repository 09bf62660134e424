/**
 * Ends sessions on the server: a plugin to register after `fastify-sealed-session`.
 * Adds `revokeSession()`, `revokeSessionId()`, `revokeSubject()`, `revokeOtherSessions()`, `revokeAll()`,
 * `restampSession()`, `isSessionRevoked()` and `useOnce()` to the app.
 *
 * @module fastify-sealed-session/revocation
 */
export { sessionRevocation, sessionRevocation as default } from './plugin.ts'
export { MemoryStore } from '../store/memory.ts'
export { redisStore } from '../store/redis.ts'
export { postgresStore } from '../store/postgres.ts'
export type { IoredisClient, RedisClient } from '../store/redis.ts'
export type { PostgresPool, PostgresStore } from '../store/postgres.ts'
export type * from './types.ts'
