import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Lines } from '../cookies/write.ts'
import type { ExtensibleSession } from '../http/extension.ts'
import type { Login, LoginCookie } from './login.ts'
import type { SessionState } from '../session/session.ts'
import type { CompanionCookie } from './companion-cookie.ts'

// Sessions on an app, where plugins such as the revocation find them.

/** A session of an app of Fastify, as plugins see it. */
export interface RegisteredSession extends ExtensibleSession {
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

/** Mark, in the config of a route, of an endpoint that its plugin answers: sessions are looked at there by that plugin alone. */
export const kEndpoint: unique symbol = Symbol.for('fastify-sealed-session.endpoint')
