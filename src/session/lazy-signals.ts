import { IS_EDGE } from '#runtime'
import { stateOf } from './info.ts'
import { RequestSignals } from './worker-signals.ts'
import { OpenSignals, type SessionEnd, type Signals } from './session-signal.ts'
import type { SessionState } from './session.ts'

/** The signals of an app, which are made with the first: most apps need none, and their bundles leave the code out. */
export class SessionSignals {
  #open: Signals | null = null
  #isClosed = false

  /** The signals. @param Open class that makes them */
  opened (Open: new () => Signals): Signals {
    if (this.#open === null) {
      this.#open = new Open()
      if (this.#isClosed) this.#open.close()
    }
    return this.#open
  }

  /** Fires the signal of a session that has just ended, if it has one. */
  end (state: SessionState, end: SessionEnd): void {
    this.#open?.end(state, end)
  }

  /** Looks at all sessions as soon as the code that runs now is done: some have ended, by a revocation or a key. */
  lookAgain (): void {
    this.#open?.lookAgain()
  }

  /** After this no signal fires, and nothing is left that runs. */
  close (): void {
    this.#isClosed = true
    this.#open?.close()
  }
}

/**
 * Signal that fires when a session ends, for what stays open behind its request: a WebSocket, server-sent events, a
 * long job. It fires when the session expires or its key is retired, and with `sessionRevocation` when the session is
 * ended: in this process at once, elsewhere within `cacheTtl`. Without revocation only `delete()` and `regenerate()` of
 * this very session object are known, not those of another request.
 *
 * That of a session that is bound to a device fires as `'device-unproven'` at the latest one minute after two intervals of
 * the binding: a stolen cookie must not keep a WebSocket open for longer. Have the client connect again, which brings a new
 * proof. One that was taken before the session was bound fires ten seconds after that with revocation, as `'revoked'`.
 *
 * The time to expire is that of the cookie that the request brought, or gets: later requests that renew the session
 * are not known to this one. A client that comes back brings the newer cookie.
 *
 * A session that is new or was refused has nothing that could end, so its signal does not fire, until something is
 * written. One that has ended in this request gets a signal that has fired.
 *
 * One timer serves all signals of an app, and none keeps a process alive. After `app.close()` none fires. After the
 * response or the WebSocket has closed, a signal lives as long as you keep it or the session. For a session outside a
 * request keep the signal, or listen to it; remove the listener when the connection closes.
 * @param session `request.session`, or a session of `decodeSecureSession` or `createSecureSession`.
 * @returns the same signal each time. Its `reason` is an error with the code `FST_SEALED_SESSION_OVER`, whose `end` is
 * `'logout'`, `'replaced'` (by `regenerate()`) or a refusal reason, such as `'expired'` or `'revoked'`.
 * @throws `FST_SEALED_SESSION_NOT_A_SESSION` for anything else.
 */
export function sessionSignal (session: object): AbortSignal {
  const state = stateOf(session)
  return state.held.settings.signals?.opened(IS_EDGE ? RequestSignals : OpenSignals).of(state) ?? new AbortController().signal
}
