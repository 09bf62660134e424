/**
 * Encrypted cookie sessions for Fastify. The plugin is the default export, and what `require()` returns.
 *
 * A request has its session as `request.session`, or under the name that the options give it: see
 * `Session` and `SessionMethods`. What else is added to Fastify: `app.createSecureSession()`,
 * `app.encodeSecureSession()`, `app.decodeSecureSession()`, and `reply.sessionCookies()`.
 *
 * @module fastify-sealed-session
 */
export { fastifySecureSession, fastifySecureSession as default } from './plugin.ts'
export { Keyring, generateKey } from './keys/keyring.ts'
export { createSessionCodec } from './session-codec.ts'
export { sessionInfo } from './session/info.ts'
export type * from './types.ts'
