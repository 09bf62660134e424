import type { SessionLog, SessionRequest } from '../http/exchange.ts'
import { RequestSession } from '../http/request-session.ts'
import type { Registered } from '../http/session-manager.ts'
import type { RevocationExtension } from '../revocation/extension.ts'
import type { SessionState } from '../session/session.ts'
import { WebRequest } from './exchange.ts'
import { committable } from './session.ts'
import type { OpenOptions, WebRequestSource, WebSession } from './types.ts'

/** A session of a request, as it was opened first. */
interface Opened {
  readonly held: RequestSession
  readonly request: WebRequest
  /** Null until it could be handed out. */
  session: WebSession | null
  /** Check by the revocation, as long as it is under way. */
  checking: Promise<void> | undefined
}

/** Sessions of requests: one for each, however often it is opened. */
export class OpenedSessions {
  /** Null without the option. */
  revocation: RevocationExtension | null = null
  readonly #registered: Registered
  readonly #log: SessionLog
  readonly #opened = new WeakMap<object, Opened>()
  readonly #requests = new WeakMap<SessionState, WebRequest>()

  constructor (registered: Registered, log: SessionLog) {
    this.#registered = registered
    this.#log = log
  }

  /** Request of a session that was opened here. */
  requestOf (state: SessionState | null): SessionRequest | undefined {
    return state === null ? undefined : this.#requests.get(state)
  }

  async open (given: WebRequestSource, options: OpenOptions | undefined): Promise<WebSession> {
    const known = this.#opened.get(Object(given))
    const opened = known ?? this.#begin(given, options)
    if (known !== undefined) opened.checking ??= this.revocation?.recheck(opened.held.state, opened.request)
    if (opened.checking !== undefined) await opened.checking
    opened.checking = undefined
    return this.#handOut(given, opened)
  }

  /** @throws if it could not be checked: a second attempt asks again. */
  #handOut (given: WebRequestSource, opened: Opened): WebSession {
    const { held, request } = opened
    try {
      const { session } = held // as each use does, it asks who has a say in it
      opened.session ??= committable(session, held, request.reply)
      return opened.session
    } catch (error) {
      this.#opened.delete(given)
      throw error
    }
  }

  #begin (given: WebRequestSource, options: OpenOptions | undefined): Opened {
    const request = new WebRequest(given, options, this.#log)
    const revocation = this.revocation
    revocation?.begin(request)
    const held = new RequestSession(this.#registered, request)
    const { state } = held
    const checking = state.origin?.ok === true ? revocation?.check(state, request) : undefined
    const opened = { held, request, session: null, checking }
    this.#opened.set(given, opened)
    if (revocation !== null) this.#requests.set(state, request)
    return opened
  }
}
