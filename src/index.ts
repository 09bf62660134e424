/**
 * Encrypted cookie sessions for Fastify. The plugin is the default export, and what `require()` returns.
 *
 * What it adds to Fastify's own types, such as `request.session` and `app.createSecureSession()`, is in
 * `docs/session.md`; `reply.sessionCookies()` in `docs/responses.md`.
 *
 * @module fastify-sealed-session
 */
export { fastifySecureSession, fastifySecureSession as default } from './plugin.ts'
export { Keyring, generateKey } from './keys/keyring.ts'
export { createSessionCodec } from './session-codec.ts'
export { sessionInfo } from './session/info.ts'
export type * from './types.ts'
