/**
 * Encrypted cookie sessions for Fastify. The plugin is the default export, and what `require()` returns.
 *
 * A request has its session as `request.session`, or under the name that the options give it: see `Session`
 * and `SessionMethods`. Other additions to Fastify: `app.createSecureSession()`, `app.encodeSecureSession()`,
 * `app.decodeSecureSession()`, and `reply.sessionCookies()`.
 *
 * @module fastify-sealed-session
 */
// The table of places at the top of fastify/plugin.ts says where each part of a request's work is.
import { requireFresh, requireSession } from './fastify/guards.ts'
import { fastifySecureSession } from './fastify/plugin.ts'
import { sealedSession } from './fastify/sealed-session.ts'
import { generateKey, Keyring } from './keys/keyring.ts'
import { createSessionCodec } from './session-codec.ts'
import { authenticated } from './session/authenticated.ts'
import { sessionInfo } from './session/info.ts'
import { sessionSignal } from './session/lazy-signals.ts'

// Named exports, on the plugin, too, which `require()` returns: with types, `secureSession.Session` is a name
// in the namespace of the default import, in ES modules as in CommonJS.
Object.assign(fastifySecureSession, { sealedSession, Keyring, generateKey, createSessionCodec, sessionInfo, sessionSignal, authenticated, requireSession, requireFresh })

export { fastifySecureSession, fastifySecureSession as default, sealedSession, Keyring, generateKey, createSessionCodec, sessionInfo, sessionSignal, authenticated, requireSession, requireFresh }
export type * from './types.ts'
/** The same as `SessionData` and `Sessions`, for declarations that the compiler makes of CommonJS files. */
export type { SessionData as DeclaredSessionData, Sessions as DeclaredSessions } from './types.ts'
