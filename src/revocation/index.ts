/**
 * Ends sessions on the server: a plugin to register after `fastify-sealed-session`.
 * Adds `revokeSession()`, `revokeSubject()`, `revokeAll()` and `isSessionRevoked()` to the app.
 *
 * @module fastify-sealed-session/revocation
 */
export { sessionRevocation, sessionRevocation as default } from './plugin.ts'
export { MemoryStore } from './memory-store.ts'
export type * from './types.ts'
