import type { FastifyRequest } from 'fastify'
import type { Content } from '../content.ts'
import type { SessionState } from '../session/session.ts'

// The seam between sessions and a plugin that has a say in whether they may be used, which is
// revocation. Where no guard is set, requests do not pay for it.

/** What decides over the sessions of one name. */
export interface SessionGuard {
  /** Called whenever a request's session is handed out. @throws where it may not be used. */
  assertUsable (state: SessionState): void
  /**
   * Called as soon as `delete()` or `regenerate()` has ended a session.
   * @param ended what the session was until then.
   * @param isKept whether something of it was kept.
   */
  ended (state: SessionState, ended: Content, isKept: boolean): void
  /**
   * Called before the response leaves, for each session that was used.
   * @param isDue whether a cookie is about to be sent.
   * @returns false where none may be. @throws where the request must fail.
   */
  beforeSend (state: SessionState, isDue: boolean): Promise<boolean>
  /** Called before a write is sealed that comes after `beforeSend`: whether the session is known to have ended. */
  isKnownEnded (state: SessionState): boolean
}

/** A session of an app, as a guard sees it. */
export interface GuardedSession {
  readonly sessionName: string
  /** Seconds. */
  readonly expiry: number
  /** Seconds; no session lives longer after its last write. */
  readonly maxExpiry: number
  /** Seconds, or null for no limit. */
  readonly absoluteTimeout: number | null
  readonly isGuarded: boolean
  /** Sets the guard. From here on, sessions are told apart by ids. */
  setGuard (guard: SessionGuard): void
  /** The session of a request that brings a cookie for it; null without one. */
  find (request: FastifyRequest): SessionState | null
}

/** The sessions of an app, on the app. Registered, since ESM and CommonJS each have a copy of this file. */
export const kSessions: unique symbol = Symbol.for('fastify-sealed-session.sessions')
