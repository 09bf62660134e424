import { DEVICE, type SessionExtension } from '../extension/session-extension.ts'
import type { SessionState } from '../session/session.ts'
import type { Successor } from '../session/settings.ts'
import type { SessionRecord } from '../token/record.ts'
import type { RefusalReason } from '../types.ts'

export interface UnprovenOptions {
  /** Hears that the app has used a session that came without a proof; once a request. */
  unproven: (state: SessionState) => void
  /** Hears that the app has written to one, which is not sent. */
  ignored: () => void
  /** True if somebody is logged in; null if the app does not tell. */
  hasUser: (state: SessionState) => boolean | null
}

/**
 * Keeps what is written in a request from taking the place of a session that came without its proof: an anonymous cart must
 * not replace a login that only waits for a refresh. A login, a logout and a session that the app assigns do.
 */
export class UnprovenSessions implements SessionExtension {
  readonly name = DEVICE
  readonly #own: UnprovenOptions
  /** Sessions that wait for their proof, and if another life has begun in their place. */
  readonly #waiting = new WeakMap<SessionState, { isFollowed: boolean }>()

  constructor (options: UnprovenOptions) {
    this.#own = options
  }

  used (state: SessionState): void {
    if (!isUnproven(state) || this.#waiting.has(state)) return
    this.#waiting.set(state, { isFollowed: false })
    this.#own.unproven(state)
  }

  ended (state: SessionState, _ended: SessionRecord, { isNew }: Successor): boolean {
    if (isNew) this.#waiting.delete(state)
    else if (this.#waiting.has(state)) this.#waiting.set(state, { isFollowed: true })
    return false
  }

  sealing (state: SessionState, isDue: boolean): true | RefusalReason {
    const waiting = isDue ? this.#waiting.get(state) : undefined
    if (waiting === undefined || (waiting.isFollowed && this.#isLogin(state))) return true
    this.#own.ignored()
    return 'device-unproven'
  }

  /** True for a life that a user may have begun. A route that gives sessions another id now and then begins one of nobody. */
  #isLogin (state: SessionState): boolean {
    return this.#own.hasUser(state) ?? Object.keys(state.raw()).length > 0
  }
}

/** True for a session that was refused for want of its proof. */
export function isUnproven ({ origin }: SessionState): boolean {
  return origin?.ok === false && origin.reason === 'device-unproven'
}

/** A function that does something at its first call only. */
export function once (call: () => void): () => void {
  let isCalled = false
  return () => {
    if (!isCalled) call()
    isCalled = true
  }
}
