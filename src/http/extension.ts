import type { Judge } from '../cookies/candidates.ts'
import type { SessionRequest } from './exchange.ts'
import type { Lifecycle } from '#lifecycle'
import type { SessionConfig } from '../options/options.ts'
import { heldIn } from './request-session.ts'
import type { Registered } from './session-manager.ts'
import type { SessionState } from '../session/session.ts'
import type { DeviceView, Successor } from '../session/settings.ts'
import type { SessionJudge } from '../session/signal.ts'
import type { SessionSignals } from '../session/signals.ts'
import type { SessionRecord } from '../token/record.ts'
import type { CookieRequest, RefusalReason } from '../types.ts'

// The seam between sessions and plugins that have a say in them, such as revocation. Sessions without
// an extension do not pay for it. A new one gets a folder of its own in src/: what it says in extension.ts, and its
// wiring into Fastify in plugin.ts, which finds the sessions of an app as fastify/extension.ts shows.

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
type Answer = boolean | RefusalReason

/** The extensions of a session, in the order of their registration. */
export class Extensions implements Required<Omit<SessionExtension, 'name' | 'needsIds'>> {
  readonly #list: SessionExtension[] = []

  /** The device is asked first, whenever it was registered: no store is read for a stolen copy. */
  add (extension: SessionExtension): void {
    if (extension.name === DEVICE) this.#list.unshift(extension)
    else this.#list.push(extension)
  }

  /** The same with one more. */
  with (extension: SessionExtension): Extensions {
    const others = new Extensions()
    for (const own of [...this.#list, extension]) others.add(own)
    return others
  }

  has (name: string): boolean {
    return this.#list.some(extension => extension.name === name)
  }

  used (state: SessionState): void {
    for (const extension of this.#list) extension.used?.(state)
  }

  assignable (state: SessionState): void {
    for (const extension of this.#list) extension.assignable?.(state)
  }

  assigned (state: SessionState, before: SessionState): void {
    for (const extension of this.#list) extension.assigned?.(state, before)
  }

  refusal (state: SessionState): RefusalReason | null {
    for (const extension of this.#list) {
      const reason = extension.refusal?.(state) ?? null
      if (reason !== null) return reason
    }
    return null
  }

  ended (state: SessionState, ended: SessionRecord, successor: Successor): boolean {
    let isForgiven = false
    for (const extension of this.#list) isForgiven = extension.ended?.(state, ended, successor) === true || isForgiven
    return isForgiven
  }

  sealing (state: SessionState, isDue: boolean, request: SessionRequest): Answer | Promise<Answer> {
    return this.#ask(extension => extension.sealing?.(state, isDue, request), 0)
  }

  sealed (state: SessionState, record: SessionRecord, request: SessionRequest): void | Promise<void> {
    const waiting = this.#ask(extension => {
      const answer = extension.sealed?.(state, record, request)
      return answer === undefined ? true : answer.then(() => true)
    }, 0)
    if (waiting !== true) return Promise.resolve(waiting).then(() => {})
  }

  /** Asks one after the other until one says no; without a promise as long as none of them returns one. */
  #ask (question: (extension: SessionExtension) => Answer | Promise<Answer> | undefined, from: number): Answer | Promise<Answer> {
    for (let index = from; index < this.#list.length; index++) {
      const answer = question(this.#list[index]!) // index is below the length
      if (typeof answer === 'object') return answer.then(answer => answer === true ? this.#ask(question, index + 1) : answer)
      if (answer !== undefined && answer !== true) return answer
    }
    return true
  }
}

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

/** Devices that sessions are bound to. */
export interface SessionDevices extends DeviceView {
  /** Judge of what opens. @param request null for a token that comes without one. */
  judgeOf (request: CookieRequest | null): Judge
  /** Notes a session that was opened without being judged. */
  ignore (state: SessionState): void
}

/** A session of an app, as extensions see it. */
export interface ExtensibleSession {
  readonly sessionName: string
  /** Seconds. */
  readonly expiry: number
  /** Seconds; no session lives longer after its last write. */
  readonly maxExpiry: number
  /** Seconds, or null for no limit. */
  readonly absoluteTimeout: number | null
  readonly config: SessionConfig
  /** Null without revocation. */
  identities: SessionIdentities | null
  /** Publisher of what happens to its sessions. */
  readonly lifecycle: Lifecycle
  /** True if an extension of that name was added. */
  hasExtension (name: string): boolean
  extend (extension: SessionExtension): void
  /** Gives signals a judge of sessions that stay open. @returns a function that has them look at all sessions soon. */
  judge (judge: SessionJudge): () => void
  /** Opens sessions that are bound to a device from here on, if the devices have nothing against it. */
  useDevices (devices: SessionDevices): void
  /** The session of a request if something has used it; null otherwise. */
  held (request: SessionRequest): SessionState | null
}

/** A registered session, as extensions see it. */
export function extensible (registered: Registered, signals: SessionSignals): ExtensibleSession {
  const { manager } = registered
  const { config } = manager
  const { sessionName, expiry, maxExpiry, absoluteTimeout } = config
  return {
    config,
    sessionName,
    expiry,
    maxExpiry,
    absoluteTimeout,
    lifecycle: manager.lifecycle,
    get identities () { return manager.lifecycle.identities },
    set identities (identities) { manager.lifecycle.identities = identities },
    hasExtension: name => registered.extensions?.has(name) === true,
    extend (extension) {
      registered.extensions ??= new Extensions()
      registered.extensions.add(extension)
      if (extension.needsIds === true) manager.useIds()
    },
    judge (judge) {
      manager.useJudge(judge)
      return () => { signals.lookAgain() }
    },
    useDevices (devices) {
      manager.useDevices(devices)
    },
    held (request) {
      return heldIn(request, registered)?.state ?? null
    }
  }
}

/** Name of the extension by which sessions are revoked. */
export const REVOCATION = 'revocation'

/** Name of the extension by which sessions are bound to devices. */
export const DEVICE = 'device'
