/**
 * Ends sessions on the server: a plugin to register after `fastify-sealed-session`. See
 * `docs/revocation.md`, also for what it adds to the app: `revokeSession()`, `revokeSubject()`,
 * `revokeAll()` and `isSessionRevoked()`.
 *
 * @module fastify-sealed-session/revocation
 */
export { sessionRevocation, sessionRevocation as default } from './plugin.ts'
export { MemoryStore } from './memory-store.ts'
export type * from './types.ts'
