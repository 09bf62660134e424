import type { SessionRequest } from '../http/exchange.ts'
import type { SessionState } from '../session/session.ts'

/** A session that nobody has opened, as the registry knows it. */
export interface KnownSession {
  readonly id: Buffer
  /** Time that revocations compare, in milliseconds since 1970: its beginning, or that of the last one that it has survived. */
  readonly created: number
  /** Hashes of its subjects, in base64url. */
  readonly subjectHashes: readonly string[]
  /** Hash of its user's stamp, as it was sealed; null without one. */
  readonly stamp: Buffer | null
}

/** Facts about a session that is ended by its id. */
export interface EndedSession {
  /**
   * The session's own lifetime in seconds, or null if it has none. Without it, the entry in the store lives as long as
   * any session can.
   */
  readonly lifetime?: number | null
  /** Cause for messages; default `'revoked'`. */
  readonly cause?: 'revoked' | 'limit'
  /** Whose it is, for messages; default: not known. */
  readonly subjects?: readonly string[]
}

/** Identities of an app's sessions, for extensions that list, limit or end them. The revocation gives them. */
export interface SessionIdentities {
  /** True if the app tells the revocation whose a session is. */
  readonly tellsSubjects: boolean
  /**
   * Subjects of a session; the first is whose sessions are listed and limited. None if nobody is logged in, and for an
   * app that does not tell the revocation whose a session is. To read them is a use of the session.
   * @throws `FST_SEALED_SESSION_SUBJECT_TYPE`, and what the app's own `subject` throws.
   */
  subjectsOf (state: SessionState): readonly string[]
  /**
   * Ends a session by its id: in this process at once, and in the store. To end it twice is as good as once.
   * @param known facts about it, as far as they are known.
   * @throws (rejects) `FST_SEALED_SESSION_STORE_UNAVAILABLE` if it could not be stored; it has not ended then.
   */
  revokeId (id: Buffer, known?: EndedSession): Promise<void>
  /** @throws `FST_SEALED_SESSION_STORE_NONE` if no session can be ended by its id. */
  assertRevocable (): void
  /** True if the end of a session by `delete()` or `regenerate()` is stored. */
  storesEnd (state: SessionState): boolean
  /** Id and subjects of the session that a request brought, as it came in; null if it brought none, or one that had ended. */
  broughtBy (state: SessionState): { readonly id: Buffer, readonly subjects: readonly string[] } | null
  /** Subjects of the session that a request goes on from, without a use of it; null if it began in the request, or is known to have ended. */
  subjectsInUse (state: SessionState): readonly string[] | null
  /**
   * Asks which of these sessions of one user have ended, by their id, with others or by their stamp.
   * @returns true or false for each of them, in their order.
   * @throws (rejects) `FST_SEALED_SESSION_STORE_UNAVAILABLE`, `FST_SEALED_SESSION_STAMP_UNAVAILABLE`, unless the app
   * accepts errors.
   */
  haveEnded (user: string, sessions: readonly KnownSession[]): Promise<boolean[]>
  /** Asks for the ids under which these sessions go on; null for one that has ended. @throws (rejects) as `haveEnded` does. */
  idsNow (user: string, sessions: readonly KnownSession[]): Promise<Array<Buffer | null>>
  /** Checks the session of a request that may not have come to the revocation's own hook. A failure is thrown to who uses it. */
  check (state: SessionState, request: SessionRequest): Promise<void> | undefined
  /** True if a session that was opened outside a request has ended. @throws (rejects) as `haveEnded` does. */
  hasEnded (state: SessionState): Promise<boolean>
  /** True if it has ended within the last minute to go on with another id, as far as is known. @throws (rejects) as `haveEnded` does. */
  isReplaced (state: SessionState): Promise<boolean>
  /**
   * Ends a session that goes on under another id, after a moment: requests that are under way bring the old one.
   * @param lifetime as of `revokeId`.
   * @returns false if it had been ended before.
   * @throws (rejects) as `revokeId` does.
   */
  supersede (id: Buffer, lifetime?: number | null): Promise<boolean>
}

/** True if somebody is logged in; null if the app does not tell the revocation whose a session is. To ask is a use of the session. */
export function hasUser (identities: SessionIdentities | null, state: SessionState): boolean | null {
  return identities?.tellsSubjects === true ? identities.subjectsOf(state).length > 0 : null
}
