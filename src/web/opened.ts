import { isUnproven } from '../device/unproven.ts'
import type { SessionLog, SessionRequest } from '../http/exchange.ts'
import { Extensions } from '../extension/extensions.ts'
import type { SessionExtension } from '../extension/session-extension.ts'
import { RequestSession } from '../http/request-session.ts'
import type { Registered } from '../http/session-manager.ts'
import type { RevocationExtension } from '../revocation/revocation-extension.ts'
import type { SessionState } from '../session/session.ts'
import { WebRequest } from './web-exchange.ts'
import { committable } from './web-session.ts'
import type { OpenOptions, WebRequestSource, WebSession } from './types.ts'

/** A session of a request, as it was opened first. */
interface Opened {
  readonly held: RequestSession
  readonly request: WebRequest
  /** Header of the request, which a server may change for its next one. */
  readonly cookie: string | undefined
  /** Null until it could be handed out. */
  session: WebSession | null
  /** Check by the revocation, as long as it is under way. */
  checking: Promise<void> | undefined
}

/** Sessions of requests: one for each, however often it is opened. */
export class OpenedSessions {
  /** Null without the option. */
  revocation: RevocationExtension | null = null
  /** Guard of sessions that are bound to a device, where nobody can ask for the proof; null where somebody does. */
  guard: SessionExtension | null = null
  readonly #registered: Registered
  readonly #log: SessionLog
  /** By the headers of the request: all wrappers of a request share those. */
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
    const request = new WebRequest(given, options, this.#log)
    const known = this.#known(request)
    const opened = known ?? this.#begin(request)
    if (known !== undefined) opened.checking ??= this.revocation?.recheck(opened.held.state, opened.request)
    if (opened.checking !== undefined) await opened.checking
    opened.checking = undefined
    return this.#handOut(opened)
  }

  /** The session of a request that was opened before. A server that uses one object for many requests must not give a user that of another. */
  #known (request: WebRequest): Opened | undefined {
    const opened = this.#opened.get(request.given.headers)
    return opened !== undefined && opened.cookie === request.headers.cookie ? opened : undefined
  }

  /** @throws if it could not be checked: a second attempt asks again. */
  #handOut (opened: Opened): WebSession {
    const { held, request } = opened
    try {
      const { session } = held // as each use does, it asks who has a say in it
      opened.session ??= committable(session, held, request.reply)
      return opened.session
    } catch (error) {
      this.#opened.delete(request.given.headers)
      throw error
    }
  }

  #begin (request: WebRequest): Opened {
    const revocation = this.revocation
    revocation?.begin(request)
    const held = this.#hold(request)
    const { state } = held
    const checking = state.origin?.ok === true ? revocation?.check(state, request) : undefined
    const opened = { held, request, cookie: request.headers.cookie, session: null, checking }
    this.#opened.set(request.given.headers, opened)
    if (revocation !== null) this.#requests.set(state, request)
    return opened
  }

  /** Others do not pay for the guard of a session that is bound. */
  #hold (request: WebRequest): RequestSession {
    const registered = this.#registered
    const held = new RequestSession(registered, request)
    if (this.guard === null || !isUnproven(held.state)) return held
    const extensions = (registered.extensions ?? new Extensions()).with(this.guard)
    return new RequestSession({ ...registered, extensions }, request, held.state)
  }
}
