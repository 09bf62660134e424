import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Lines } from '../cookies/write.ts'
import { fail } from '../errors.ts'
import type { ExtensibleSession } from '../extension/extensible.ts'
import type { RouteWarnings } from '../http/route-warnings.ts'
import type { Login, LoginCookie } from './login.ts'
import type { SessionState } from '../session/session.ts'
import type { CompanionCookie } from './companion-cookie.ts'

// Sessions on an app, where plugins such as the revocation find them.

/** A session of an app of Fastify, as plugins see it. */
export interface RegisteredSession extends ExtensibleSession {
  /** Version of the package that has registered it: an app may have loaded two. */
  readonly version: string
  /** Warnings of its events in requests, once a route. */
  readonly warnings: Pick<RouteWarnings, 'warn'>
  /** The session of a request that brings a cookie for it; null without one. */
  find (request: FastifyRequest): SessionState | null
  /** The session that a request brings, whatever its device is, outside that request; null without one that opens. */
  peek (request: FastifyRequest): SessionState | null
  /**
   * Puts the session of a request on its response before the hook that seals.
   * @returns the lines of its cookie; none if it may not be sent. @throws (rejects) the error for which it cannot be.
   */
  send (request: FastifyRequest, reply: FastifyReply): Promise<Lines>
  /** Lines of the session's cookie on the response so far. */
  lines (request: FastifyRequest): Lines
  /** Cookie of a user who has logged in without a request, for tests. */
  logIn (login: Login): Promise<LoginCookie>
  /** A cookie beside that of the session, with the same attributes. */
  companion (suffix: string): CompanionCookie
}

/** The sessions of an app, on the app. Registered, since ESM and CommonJS each have a copy of this file. */
export const kSessions: unique symbol = Symbol.for('fastify-sealed-session.extensible')

/** Version of this package, as package.json has it. */
export const VERSION = '0.2.0'

/**
 * Sessions of a context of an app, for a plugin that extends them.
 * @throws `FST_SEALED_SESSION_VERSIONS` if another version of this package has registered one: their insides differ, so that
 * a revocation would be told of sessions, and never asked.
 */
export function sessionsOf (app: object): readonly RegisteredSession[] {
  const { [kSessions]: sessions = [] } = app as { [kSessions]?: readonly RegisteredSession[] }
  const other = sessions.find(({ version }) => version !== VERSION)
  if (other !== undefined) throw fail('VERSIONS', [other.version as string | undefined ?? 'an older one', VERSION])
  return sessions
}

/** Mark, in the config of a route, of an endpoint that its plugin answers: sessions are looked at there by that plugin alone. */
export const kEndpoint: unique symbol = Symbol.for('fastify-sealed-session.endpoint')
