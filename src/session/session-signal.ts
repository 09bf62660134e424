import { hasAbortListener } from '#runtime'
import { fail } from '../errors.ts'
import type { SessionState } from './session.ts'
import type { RefusalReason } from '../types.ts'

// Signals of sessions that stay in use behind their request: a WebSocket, server-sent events, a long job.

/** Cause of a session's end: its user, another session in its place, or a reason for which its token is refused. */
export type SessionEnd = 'logout' | 'replaced' | RefusalReason

/** Judge of sessions that stay open, such as the revocation. */
export interface SessionJudge {
  /** Milliseconds after which it is asked again. */
  readonly every: number
  /** Reason for which a session has ended, as far as this process knows. It waits for nothing. */
  refusal (state: SessionState): RefusalReason | null
  /** Asks for many sessions at once. @returns those that have ended. It may reject: nothing is known then. */
  ask (states: readonly SessionState[]): Promise<ReadonlyMap<SessionState, RefusalReason>>
}

/** Milliseconds after which signals are looked at, at the latest: those that nobody has any more are dropped. */
export const HOUSEKEEPING = 60_000

/** Signals of an app. */
export interface Signals {
  /** Signal of a session: the same one each time, until that has ended. */
  of (state: SessionState): AbortSignal
  /** Fires the signal of a session that has just ended, if it has one. */
  end (state: SessionState, end: SessionEnd): void
  /** Looks at all sessions as soon as the code that runs now is done: some have ended, by a revocation or a key. */
  lookAgain (): void
  /** After this no signal fires, and nothing is left that runs. */
  close (): void
}

/** Parts of a signal. They live as long as it does: nothing else may hold them. */
interface Parts {
  controller: AbortController
  state: SessionState
}

/** A signal that may still fire. */
interface OpenSignal {
  weak: WeakRef<AbortSignal>
  /** Holds it while its connection is open, or while somebody listens who need not keep the signal. */
  strong: AbortSignal | null
  /** True from the request to the end of its response; null for a session outside a request. */
  isConnected: boolean | null
}

/** The signals of an app: one timer, and one question to the judge of sessions, for all of them. */
export class OpenSignals implements Signals {
  readonly #parts = new WeakMap<AbortSignal, Parts>()
  readonly #bySession = new WeakMap<SessionState, AbortSignal>()
  readonly #open = new Set<OpenSignal>()
  readonly #askedAt = new WeakMap<SessionJudge, number>()
  #timer: NodeJS.Timeout | null = null
  #timerAt = Infinity
  #isSweepDue = false
  #isClosed = false

  /** Number of signals that may still fire. */
  get size (): number { return this.#open.size }

  of (state: SessionState): AbortSignal {
    const known = this.#bySession.get(state)
    if (known !== undefined) return known
    const end = state.deleted ? 'logout' : endOf(state, Date.now())
    if (end !== null) return AbortSignal.abort(errorOf(end))
    const controller = new AbortController()
    const { signal } = controller
    this.#bySession.set(state, signal)
    if (!this.#isClosed) this.#watch(signal, { controller, state })
    return signal
  }

  #watch (signal: AbortSignal, parts: Parts): void {
    const { state } = parts
    const { observer } = state.held
    const open: OpenSignal = { weak: new WeakRef(signal), strong: signal, isConnected: null }
    this.#parts.set(signal, parts)
    this.#open.add(open)
    if (observer === null) state.observe({ written: () => {}, ended: (_ended, { isLogout }) => { this.end(state, isLogout ? 'logout' : 'replaced'); return false } })
    // The listener must not hold the signal: it may be the last one to know of a response that never ends.
    const isConnected = observer?.closed?.(() => { open.isConnected = false; open.strong = null }) ?? null
    open.isConnected = isConnected
    if (isConnected === false) open.strong = null
    const now = Date.now()
    const { judge } = state.held.settings
    if (judge !== undefined && !this.#askedAt.has(judge)) this.#askedAt.set(judge, now)
    this.#schedule(Math.min(endTimeOf(state), now + HOUSEKEEPING, judge === undefined ? Infinity : this.#nextQuestion(judge, now)), now)
  }

  end (state: SessionState, end: SessionEnd): void {
    const signal = this.#bySession.get(state)
    this.#bySession.delete(state) // another life has a signal of its own
    if (signal !== undefined) this.#parts.get(signal)?.controller.abort(errorOf(end))
  }

  lookAgain (): void {
    if (this.#isSweepDue || this.#open.size === 0) return
    this.#isSweepDue = true
    queueMicrotask(() => {
      this.#isSweepDue = false
      this.#sweep(Date.now())
    })
  }

  close (): void {
    this.#isClosed = true
    this.#open.clear()
    this.#stop()
  }

  /** Fires what has ended, and drops what nobody has any more. @returns the sessions of the others, and when to look next. */
  #sweep (now: number): { states: SessionState[], next: number } {
    const states: SessionState[] = []
    let next = now + HOUSEKEEPING
    for (const open of this.#open) {
      const state = this.#held(open)
      if (state === null) {
        this.#open.delete(open)
        continue
      }
      const end = endOf(state, now)
      if (end === null) {
        states.push(state)
        next = Math.min(next, endTimeOf(state))
      } else {
        this.#open.delete(open)
        this.end(state, end)
      }
    }
    return { states, next }
  }

  /** Session of a signal; null if it has fired, or nobody has it any more. */
  #held (open: OpenSignal): SessionState | null {
    const signal = open.weak.deref()
    if (signal === undefined || signal.aborted) return null
    // A signal with a listener is kept: the listener need not hold it.
    if (open.isConnected === null) open.strong = hasAbortListener(signal) ? signal : null
    return this.#parts.get(signal)?.state ?? null
  }

  #tick (): void {
    this.#stop()
    const now = Date.now()
    let { states, next } = this.#sweep(now)
    for (const [judge, judged] of groupByJudge(states)) {
      if (this.#nextQuestion(judge, now) <= now) this.#ask(judge, judged, now)
      next = Math.min(next, this.#nextQuestion(judge, now))
    }
    this.#schedule(next, now)
  }

  /** Time at which to ask a judge again. A clock may be set back. */
  #nextQuestion (judge: SessionJudge, now: number): number {
    return Math.min(this.#askedAt.get(judge) ?? now, now) + judge.every
  }

  #ask (judge: SessionJudge, states: SessionState[], now: number): void {
    this.#askedAt.set(judge, now)
    judge.ask(states).then(ended => {
      for (const [state, reason] of ended) this.end(state, reason)
    }, () => { /* The store has failed, which its own log says. It is asked again in a moment. */ })
  }

  #schedule (at: number, now: number): void {
    if (this.#isClosed || this.#open.size === 0 || this.#timerAt <= at) return
    this.#stop()
    this.#timerAt = at
    this.#timer = setTimeout(() => { this.#tick() }, Math.max(0, at - now)).unref()
  }

  #stop (): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#timerAt = Infinity
  }
}

function groupByJudge (states: readonly SessionState[]): Map<SessionJudge, SessionState[]> {
  const groups = new Map<SessionJudge, SessionState[]>()
  for (const state of states) {
    const { judge } = state.held.settings
    if (judge === undefined) continue
    const group = groups.get(judge)
    if (group === undefined) groups.set(judge, [state])
    else group.push(state)
  }
  return groups
}

/** True for a session that has a token, or will have one: an empty new one has no time that could end. */
function hasTime (state: SessionState): boolean {
  return state.origin?.ok === true || state.changedByApp
}

export function endOf (state: SessionState, now: number): SessionEnd | null {
  state.look()
  if (state.endedBy !== null) return state.endedBy
  if (hasTime(state) && state.expiresAt <= now) return 'expired'
  const { devices, judge } = state.held.settings
  // One that was refused for want of a proof has nothing that could end.
  const unproven = state.origin?.ok === false ? null : devices?.refusal(state)
  return unproven ?? judge?.refusal(state) ?? null
}

export function endTimeOf (state: SessionState): number {
  return hasTime(state) ? state.expiresAt : Infinity
}

export function errorOf (end: SessionEnd): Error {
  return Object.assign(fail('OVER', [end]), { end })
}
