import type { FastifyRequest } from 'fastify'
import type { SessionRecord } from '../record.ts'
import type { SessionState } from '../session/session.ts'
import type { Successor } from '../session/settings.ts'
import type { RefusalReason } from '../types.ts'

// The seam between sessions and a plugin that has a say in whether they may be used, which is
// revocation. Where no guard is set, requests do not pay for it.

/** Judge over the sessions of one name. */
export interface SessionGuard {
  /** Called whenever a request's session is handed out. @throws where it may not be used. */
  assertUsable (state: SessionState): void
  /** @throws if a session that was opened outside a request was not checked as it is, so that it may not be assigned to one. */
  assertAssignable (state: SessionState): void
  /** Called when a session takes the place of another in a request. */
  assigned (state: SessionState, before: SessionState): void
  /** Reason for which a session has ended, as far as this process knows. Called at each use; it waits for nothing. */
  refusal (state: SessionState): RefusalReason | null
  /**
   * Called as soon as `delete()` or `regenerate()` has ended a session.
   * @param ended the session as it was until then.
   * @returns true if one that was revoked meanwhile may be followed by another, which `beforeSend` judges.
   */
  ended (state: SessionState, ended: SessionRecord, successor: Successor): boolean
  /**
   * Called before the response leaves, for each session that was used.
   * @param isDue true if a cookie is about to be sent.
   * @returns false where none may be; a promise only if something has to be awaited.
   * @throws (or rejects) where the request must fail.
   */
  beforeSend (state: SessionState, isDue: boolean, request: FastifyRequest): boolean | Promise<boolean>
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
  /** The session of a request if something has used it; null otherwise. */
  held (request: FastifyRequest): SessionState | null
}

/** The sessions of an app, on the app. Registered, since ESM and CommonJS each have a copy of this file. */
export const kSessions: unique symbol = Symbol.for('fastify-sealed-session.sessions')
