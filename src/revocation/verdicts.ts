import type { SessionState } from '../session/session.ts'
import type { RefusalReason } from '../types.ts'
import { type Identity, userOf } from './identity.ts'
import type { RequestState } from './request-record.ts'
import type { RevocationSource } from './revocations.ts'
import type { Stamps } from './stamps.ts'

/** Verdict on a session: the reason for which it has ended, or null. */
export type Verdict = Extract<RefusalReason, 'revoked' | 'stamp-changed'> | null

/** Judges sessions by both that can end them: what is revoked, and the stamp of the user. */
export class Verdicts {
  readonly #revocations: RevocationSource
  readonly #stamps: Stamps | null

  constructor (revocations: RevocationSource, stamps: Stamps | null) {
    this.#revocations = revocations
    this.#stamps = stamps
  }

  /** The verdict as far as it is known; undefined if somebody has to be asked. */
  known (identity: Identity): Verdict | undefined {
    const isRevoked = this.#revocations.isRevokedSync(identity)
    if (isRevoked === true) return 'revoked'
    const user = userOf(identity)
    const isChanged = this.#stamps === null || user === undefined ? false : this.#stamps.isChangedSync(user, identity.stamp)
    if (isChanged === true) return 'stamp-changed'
    return isRevoked === null || isChanged === null ? undefined : null
  }

  /**
   * The verdict, after the store and the app were asked, both at once.
   * @param fresh asks the store even if it was asked a moment ago.
   * @throws the error of what could not be asked, unless errors are accepted.
   */
  async ask (identity: Identity, fresh = false): Promise<Verdict> {
    const user = userOf(identity)
    if (this.#stamps === null || user === undefined) return await this.#revocations.isRevoked(identity, fresh) ? 'revoked' : null
    const [isRevoked, isChanged] = await Promise.all([this.#revocations.isRevoked(identity, fresh), this.#stamps.isChanged(user, identity.stamp)])
    return isRevoked ? 'revoked' : isChanged ? 'stamp-changed' : null
  }

  /**
   * Asks anew for a session in its request. One that has begun anew there, by `authenticated()` or `regenerate(keys)`, goes
   * on from one that was opened: it may not if somebody else has ended that.
   */
  async mayGoOn (state: SessionState, identity: Identity, current: RequestState): Promise<boolean> {
    if (state.origin?.ok === true) return await this.ask(identity, true) === null
    for (const revoking of current.pending) await revoking // it tells whether somebody else was first
    return !await this.isOver(current)
  }

  /** True if somebody else has ended the session that this one goes on from. */
  async isOver ({ from, wasRevoked }: RequestState): Promise<boolean> {
    return from !== null && (wasRevoked || await this.ask(from, true) !== null)
  }

  /** Asks for many sessions of one user, always anew; for those of which only hashes of subjects are known, too. */
  async haveEnded (user: string, identities: readonly Identity[]): Promise<boolean[]> {
    const stamps = this.#stamps
    const areRevoked = await this.#revocations.areRevoked(identities)
    return await Promise.all(identities.map(async ({ stamp }, index) => areRevoked[index] === true || (stamps !== null && await stamps.isChanged(user, stamp))))
  }
}

/** True for a session that has ended, before this request or in it. */
export function hasEnded (state: SessionState): boolean {
  return state.endedBy !== null || (state.origin?.ok === false && ['revoked', 'stamp-changed'].includes(state.origin.reason))
}
