/**
 * Encrypted cookie sessions on web standards: `Request`, `Headers` and `Response`, in servers without Fastify. They share
 * their cookies with an app on Fastify that has `sealedSession` with the same options.
 *
 * ```js
 * const sessions = await createWebSessions({ key })
 * const session = await sessions.open(request)
 * session.set('userId', 1)
 * const headers = new Headers()
 * await session.commit(headers)
 * ```
 *
 * @module fastify-sealed-session/web
 */
export { createWebSessions } from './sessions.ts'
// At the edge, the entry point of the package cannot be loaded, which has Fastify.
export { generateKey, Keyring } from '../keys/keyring.ts'
export { createSessionCodec } from '../session-codec.ts'
export { authenticated } from '../session/authenticated.ts'
export { sessionInfo } from '../session/info.ts'
export { sessionSignal } from '../session/lazy-signals.ts'
export type * from './types.ts'
