import { endOf, endTimeOf, errorOf, HOUSEKEEPING, type SessionEnd, type Signals } from './session-signal.ts'
import type { SessionState } from './session.ts'

/**
 * Signals of sessions where timers belong to the request that has made them, as in Cloudflare Workers: each has a timer of
 * its own there. One for all would stop for good when its request ends, and a request must not touch the signal of another.
 * The runtime drops the timer with the request, and with it all that it holds.
 */
export class RequestSignals implements Signals {
  readonly #bySession = new WeakMap<SessionState, AbortController>()
  #isClosed = false

  of (state: SessionState): AbortSignal {
    const known = this.#bySession.get(state)
    if (known !== undefined) return known.signal
    const end = state.deleted ? 'logout' : endOf(state, Date.now())
    if (end !== null) return AbortSignal.abort(errorOf(end))
    const controller = new AbortController()
    this.#bySession.set(state, controller)
    if (state.held.observer === null) state.observe({ written: () => {}, ended: (_ended, { isLogout }) => { this.end(state, isLogout ? 'logout' : 'replaced'); return false } })
    this.#wait(state, controller)
    return controller.signal
  }

  end (state: SessionState, end: SessionEnd): void {
    const controller = this.#bySession.get(state)
    this.#bySession.delete(state) // another life has a signal of its own
    controller?.abort(errorOf(end))
  }

  /** Does nothing: each looks by itself, since only its own request may fire it. */
  lookAgain (): void {}

  close (): void { this.#isClosed = true }

  #wait (state: SessionState, controller: AbortController): void {
    if (this.#isClosed) return
    const now = Date.now()
    const at = Math.min(endTimeOf(state), now + Math.min(HOUSEKEEPING, state.held.settings.judge?.every ?? Infinity))
    const timer: unknown = setTimeout(() => { this.#tick(state, controller) }, Math.max(0, at - now))
    ;(timer as { unref?: () => void }).unref?.() // some runtimes have a number
  }

  #tick (state: SessionState, controller: AbortController): void {
    if (this.#isClosed || this.#bySession.get(state) !== controller) return
    const end = endOf(state, Date.now())
    if (end !== null) return this.end(state, end)
    const asking = state.held.settings.judge?.ask([state])
    if (asking === undefined) return this.#wait(state, controller)
    asking.then(ended => {
      const reason = ended.get(state)
      if (reason === undefined) this.#wait(state, controller)
      else this.end(state, reason)
    }, () => { this.#wait(state, controller) }) // the store has failed, which its own log says
  }
}
