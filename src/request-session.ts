import type { FastifyReply, FastifyRequest } from 'fastify'
import { remaining } from './lifetime.ts'
import type { SessionManager } from './manager.ts'
import { isSharedCacheable, type SessionCookie } from './session-cookie.ts'
import type { SessionState, WriteObserver } from './session.ts'

/** Set on a request by the plugin's `onRequest` hook; null before it. */
export const kReply: unique symbol = Symbol('reply')
/** Set on a request by the plugin's `onSend` hook: nothing after it would seal a session. */
export const kSealed: unique symbol = Symbol('sealed')

/** A request as the plugin's hooks leave it. */
export type TrackedRequest = FastifyRequest & { [kReply]: FastifyReply | null, [kSealed]: boolean }

/** A session that is used in a request: its state, and how it gets into the response. */
export class RequestSession implements WriteObserver {
  readonly state: SessionState
  readonly #manager: SessionManager
  readonly #cookie: SessionCookie
  readonly #request: TrackedRequest
  #failed = false
  /** What this session has put on the response so far. */
  #line: string | null = null

  constructor (manager: SessionManager, cookie: SessionCookie, request: TrackedRequest) {
    this.#manager = manager
    this.#cookie = cookie
    this.#request = request
    this.state = manager.find(request)
    this.state.observe(this)
  }

  /**
   * Puts the session's cookie on the response, if the session changed.
   * @throws what sealing throws, once: the response to that error goes out without the cookie, and
   * the browser keeps the one it has.
   */
  send (reply: FastifyReply): void {
    const { state } = this
    if (!state.changed || this.#failed) return
    // Nobody asked for this cookie. On a response that caches share it would do harm; it can wait.
    if (!state.asked && isSharedCacheable(reply)) return
    try {
      this.#line = state.deleted
        ? this.#cookie.delete(reply, state.cookieOptions, this.#line)
        : this.#cookie.set(reply, this.#manager.seal(state), this.#overrides(reply), this.#line)
    } catch (error) {
      this.#failed = true
      if (this.#line !== null) this.#cookie.remove(reply, this.#line)
      throw error
    }
  }

  /** Sealing again because of an older key must not give the cookie a longer life than the session. */
  #overrides (reply: FastifyReply): SessionState['cookieOptions'] {
    const { state } = this
    if (state.asked) return state.cookieOptions
    const maxAge = this.#cookie.maxAge(reply, state.cookieOptions)
    if (maxAge === undefined) return state.cookieOptions
    const left = remaining(state.content().lastWrite, this.#manager.config.expiry, this.#manager.now())
    return { ...state.cookieOptions, maxAge: Math.min(maxAge, Math.floor(left)) }
  }

  /** After the hook that seals, a write is sealed at once while there is time; else it is lost. */
  written (): void {
    const reply = this.#request[kReply]
    if (reply === null) return
    if (reply.raw.headersSent) this.#cookie.warnOfLostWrite(this.#request)
    else if (this.#request[kSealed]) this.send(reply)
  }
}
