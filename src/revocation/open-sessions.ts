import type { RevocationExtension } from './revocation-extension.ts'
import { type Identity, userOf } from './identity.ts'
import type { RevocationSource } from './revocations.ts'
import type { SessionState } from '../session/session.ts'
import type { SessionJudge } from '../session/session-signal.ts'
import type { Stamps } from './stamps.ts'
import type { RefusalReason } from '../types.ts'
import { Verdicts } from './verdicts.ts'

/** Milliseconds between two questions with `cacheTtl: 0`, by which each request asks. */
const SHORTEST = 1000

/** Users whose stamps are asked for at once, at most. */
const USERS_AT_ONCE = 100

export interface OpenSessionsOptions {
  revocations: RevocationSource
  stamps: Stamps | null
  extension: RevocationExtension
  /** Milliseconds for which 'not revoked' is believed. */
  cacheTtl: number
}

/** Judges sessions that stay open behind their request: asks for all of them at once. */
export class OpenSessions implements SessionJudge {
  readonly every: number
  readonly #revocations: RevocationSource
  readonly #stamps: Stamps | null
  readonly #extension: RevocationExtension
  readonly #verdicts: Verdicts
  /** Identities of sessions outside requests. To read them calls the app. */
  readonly #outside = new WeakMap<SessionState, Identity>()

  constructor ({ revocations, stamps, extension, cacheTtl }: OpenSessionsOptions) {
    this.every = cacheTtl === 0 ? SHORTEST : cacheTtl
    this.#revocations = revocations
    this.#stamps = stamps
    this.#extension = extension
    this.#verdicts = new Verdicts(revocations, stamps)
  }

  refusal (state: SessionState): RefusalReason | null {
    const identity = this.#identityOf(state)
    return identity === null ? null : this.#verdicts.known(identity) ?? null
  }

  async ask (states: readonly SessionState[]): Promise<ReadonlyMap<SessionState, RefusalReason>> {
    const identities = states.flatMap(state => this.#identityOf(state) ?? [])
    await Promise.all([this.#revocations.askAll(identities), this.#askStamps(identities)])
    const ended = new Map<SessionState, RefusalReason>()
    for (const state of states) {
      const reason = this.refusal(state)
      if (reason !== null) ended.set(state, reason)
    }
    return ended
  }

  /** A user of many sessions is asked for once. */
  async #askStamps (identities: readonly Identity[]): Promise<void> {
    const stamps = this.#stamps
    if (stamps === null) return
    for (let from = 0; from < identities.length; from += USERS_AT_ONCE) {
      await Promise.all(identities.slice(from, from + USERS_AT_ONCE).map(async identity => {
        const user = userOf(identity)
        if (user !== undefined) await stamps.isChanged(user, identity.stamp)
      }))
    }
  }

  #identityOf (state: SessionState): Identity | null {
    const known = this.#outside.get(state)
    if (known !== undefined) return known
    const identity = this.#extension.openIdentity(state)
    if (identity !== null && state.held.observer?.closed === undefined) this.#outside.set(state, identity)
    return identity
  }
}
