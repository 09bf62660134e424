import type { FastifyInstance } from 'fastify'
import { sealedSessionError } from '../errors.ts'
import { kSessions } from './extension.ts'

// Plugins that cannot be registered beside this one, or only before it. Fastify would say that some decorator
// is there already, but no advice.

/**
 * Refuses a second registration, and one beside @fastify/secure-session. Called before anything is decorated.
 * @throws `FST_SEALED_SESSION_REGISTERED_TWICE`, `FST_SEALED_SESSION_BESIDE_PEER`
 */
export function assertAlone (app: FastifyInstance): void {
  if (Object.hasOwn(app, kSessions)) throw sealedSessionError('FST_SEALED_SESSION_REGISTERED_TWICE')
  if (Object.hasOwn(app, 'createSecureSession')) throw sealedSessionError('FST_SEALED_SESSION_BESIDE_PEER')
}

/**
 * Refuses a plugin that is registered after this one and would collide with it, when it adds its first
 * decorator.
 * @param isCookieOurs true if `@fastify/cookie` was registered by this plugin, for the app.
 */
export function refuseLater (app: FastifyInstance, isCookieOurs: boolean): void {
  const { decorate } = app as unknown as { decorate: (this: unknown, name: PropertyKey, ...rest: unknown[]) => unknown }
  const checked: typeof decorate = function (name, ...rest) {
    // In a context inside this one as well: it shares the reply.
    if (isCookieOurs && name === 'serializeCookie') throw sealedSessionError('FST_SEALED_SESSION_COOKIE_PLUGIN_LATE')
    if (this === app && name === 'decodeSecureSession') throw sealedSessionError('FST_SEALED_SESSION_BESIDE_PEER')
    return decorate.call(this, name, ...rest)
  }
  Object.assign(app, { decorate: checked })
}
