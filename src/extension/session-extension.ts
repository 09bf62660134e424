import type { SessionRequest } from '../http/exchange.ts'
import type { SessionState } from '../session/session.ts'
import type { Successor } from '../session/settings.ts'
import type { SessionRecord } from '../token/record.ts'
import type { RefusalReason } from '../types.ts'

// The seam between sessions and plugins that have a say in them: revocation, registry and devices. Sessions without an
// extension do not pay for it. A new one gets a folder of its own in src/, with a class that implements this interface, such as
// revocation/revocation-extension.ts, and its wiring into Fastify in plugin.ts. It finds the sessions of an app by
// fastify/registered-session.ts, and joins them by `extend()` of extensible.ts. Their order is in extensions.ts.

/**
 * A plugin that has a say in the sessions of one name. Every method is optional, and one that returns no
 * promise costs none. Of several extensions, each method is called in the order of their registration.
 */
export interface SessionExtension {
  readonly name: string
  /** True if it tells sessions apart: each has an id then. */
  readonly needsIds?: boolean
  /** Called whenever a request's session is handed out. @throws if it may not be used. */
  used? (state: SessionState): void
  /** @throws if a session that was opened outside a request was not checked as it is, so that it may not be assigned to one. */
  assignable? (state: SessionState): void
  /** Called when a session takes the place of another in a request. */
  assigned? (state: SessionState, before: SessionState): void
  /** Reason for which a session has ended, as far as this process knows. Called at each use; it waits for nothing. */
  refusal? (state: SessionState): RefusalReason | null
  /**
   * Called as soon as `delete()` or `regenerate()` has ended a session.
   * @param ended the session as it was until then.
   * @returns true if one that was revoked meanwhile may be followed by another, which `sealing` judges.
   */
  ended? (state: SessionState, ended: SessionRecord, successor: Successor): boolean
  /**
   * Called before the response leaves, for each session that was used, and again if it was written while this was
   * awaited. It must not write to the session itself.
   * @param isDue true if a cookie is about to be sent.
   * @returns false if none may be since it was revoked, or another reason: the extensions behind it are not asked then.
   * @throws (or rejects) if the request must fail.
   */
  sealing? (state: SessionState, isDue: boolean, request: SessionRequest): Answer | Promise<Answer>
  /**
   * Called when the session's cookie is on the response, which waits for it. A write after the hook that
   * seals waits for nobody: a rejection is logged then.
   * @param record the record that the cookie holds.
   * @throws (or rejects) if the request must fail: the cookie is taken back.
   */
  sealed? (state: SessionState, record: SessionRecord, request: SessionRequest): void | Promise<void>
}

/** Answer to the question if a session may be sealed: yes, or why not. False stands for `'revoked'`. */
export type Answer = boolean | RefusalReason

/** Name of the extension by which sessions are revoked. */
export const REVOCATION = 'revocation'

/** Name of the extension by which sessions are bound to devices. */
export const DEVICE = 'device'
