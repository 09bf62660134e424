import type { Content } from '../content.ts'
import { sealedSessionError } from '../errors.ts'
import type { SessionGuard } from '../request/guard.ts'
import { CLOCK_TOLERANCE } from '../lifetime.ts'
import { refusalMessage } from '../refusals.ts'
import { newId } from '../session/id.ts'
import type { SessionState } from '../session/session.ts'
import type { DecodeLog } from '../types.ts'
import type { Identity, Revocations } from './revocations.ts'
import type { SubjectReader } from './subject.ts'

/** What is known of a session in one request. */
interface Case {
  /** What the session goes on from; null where it began in this request, with nothing of an earlier one. */
  from: Identity | null
  /** False until it is known whether it is revoked. */
  isChecked: boolean
  /** Why it could not be checked. */
  failure: unknown
  /** Its revocations in this request that are not stored yet. */
  pending: Array<Promise<void>>
  /** Whether somebody else had revoked what this request revoked. */
  wasRevoked: boolean
}

export interface GuardOptions {
  revocations: Revocations
  subject: SubjectReader | null
  now: () => number
}

/** Keeps revoked sessions from being used and from being sealed again. */
export class RevocationGuard implements SessionGuard {
  readonly #revocations: Revocations
  readonly #subject: SubjectReader | null
  readonly #now: () => number
  readonly #cases = new WeakMap<SessionState, Case>()

  constructor ({ revocations, subject, now }: GuardOptions) {
    this.#revocations = revocations
    this.#subject = subject
    this.#now = now
  }

  /** Checks the session of a request that has just come in. Where it is revoked, it is empty from now on. */
  async check (state: SessionState, log: DecodeLog): Promise<void> {
    const identity = this.identityOf(state)
    const known = this.#caseOf(state, identity)
    try {
      if (await this.#revocations.isRevoked(identity)) this.#refuse(state, known, log)
      known.isChecked = true
    } catch (error) {
      known.failure = error // for who uses the session; others need not care
    }
  }

  #refuse (state: SessionState, known: Case, log: DecodeLog): void {
    log.debug?.(refusalMessage('revoked'))
    state.refuse('revoked')
    known.from = null
  }

  /** @throws `FST_SEALED_SESSION_NO_ID` */
  identityOf (state: SessionState): Identity {
    const { id, created } = state.content()
    if (id === null) throw sealedSessionError('FST_SEALED_SESSION_NO_ID')
    return { id, created: created ?? 0, subject: this.#subjectOf(state) }
  }

  assertUsable (state: SessionState): void {
    const known = this.#cases.get(state)
    if (known !== undefined && known.failure !== null) throw known.failure
    // Without a session that was opened there is nothing to check.
    const isChecked = known === undefined ? state.origin?.ok !== true : known.isChecked
    if (!isChecked) throw sealedSessionError('FST_SEALED_SESSION_NOT_CHECKED')
  }

  ended (state: SessionState, { id, lifetime }: Content, isKept: boolean): void {
    const known = this.#caseOf(state)
    // It goes on if who is logged in was kept; where nobody says what that is, if anything was.
    const goesOn = isKept && (this.#subject === null || this.#subjectOf(state) !== undefined)
    known.from = known.from !== null && goesOn ? { ...known.from, id: null } : null
    if (id === null) return
    const revoking = this.#revocations.revokeId(id, lifetime).then(wasRevoked => { known.wasRevoked ||= wasRevoked })
    revoking.catch(() => {}) // beforeSend waits for it, and throws
    known.pending.push(revoking)
  }

  async beforeSend (state: SessionState, isDue: boolean): Promise<boolean> {
    const known = this.#caseOf(state)
    // What failed stays: it fails for everybody who waits for it.
    for (const revoking of known.pending) await revoking
    if (!isDue) return true
    // A deletion could take the cookie of a newer login away.
    if (state.deleted) return !known.wasRevoked
    if (known.from !== null && (known.wasRevoked || await this.#revocations.isRevoked(known.from, true))) return false
    await this.#prepare(state, known)
    return true
  }

  isKnownEnded (state: SessionState): boolean {
    const from = this.#cases.get(state)?.from ?? null
    return from !== null && this.#revocations.isKnownRevoked(from)
  }

  /** Sees to it that what is sealed is valid. */
  async #prepare (state: SessionState, known: Case): Promise<void> {
    const { from } = known
    const content = state.content()
    const subject = this.#subjectOf(state)
    const isGained = subject !== undefined && subject !== from?.subject
    if (isGained && from !== null && from.id !== null) {
      // Who logs in gets a session that nobody knew before, even where the app does not regenerate().
      content.id = newId()
      content.created = this.#now()
    }
    if (isGained || from === null) content.created = Math.max(content.created ?? 0, await this.#beginning(subject))
    known.from = { id: content.id, created: content.created ?? 0, subject }
  }

  /**
   * From when on a session may begin.
   * @throws `FST_SEALED_SESSION_REVOKED_AHEAD` where that is so far ahead that its token would be
   * refused as one from the future: a login that fails says more than one that is lost.
   */
  async #beginning (subject: string | undefined): Promise<number> {
    const beginning = await this.#revocations.epochOf(subject) + 1
    const ahead = beginning - this.#now()
    if (ahead > CLOCK_TOLERANCE * 1000) throw sealedSessionError('FST_SEALED_SESSION_REVOKED_AHEAD', [Math.ceil(ahead / 1000)])
    return beginning
  }

  /** @param from what has to be checked before the session is used. */
  #caseOf (state: SessionState, from: Identity | null = null): Case {
    let known = this.#cases.get(state)
    if (known === undefined) {
      known = { from, isChecked: from === null, failure: null, pending: [], wasRevoked: false }
      this.#cases.set(state, known)
    }
    return known
  }

  #subjectOf (state: SessionState): string | undefined {
    return this.#subject?.(state.session)
  }
}
