import type { FastifyReply } from 'fastify'
import type { Content } from '../content.ts'
import type { SessionGuard } from './guard.ts'
import type { SessionManager } from './manager.ts'
import type { Registered } from './registered.ts'
import { isSharedCacheable } from './response-caching.ts'
import type { RouteWarnings } from './route-warnings.ts'
import type { Lines, SessionCookie } from './session-cookie.ts'
import type { SessionState } from '../session/session.ts'
import type { WriteObserver } from '../session/settings.ts'
import { kReply, kSealed, type TrackedRequest } from './tracked-request.ts'
import type { Session } from '../types.ts'

/** A session that is used in a request: its state, and how it gets into the response. */
export class RequestSession implements WriteObserver {
  readonly state: SessionState
  readonly #manager: SessionManager
  readonly #cookie: SessionCookie
  readonly #warnings: RouteWarnings
  readonly #request: TrackedRequest
  readonly #guard: SessionGuard | null
  /** Whether the app has had it: a guard looks at sessions that the app never does. */
  #isUsed = false
  /** True where the guard says that no cookie may be sent. */
  #isHeldBack = false
  /** True after a failure to seal, which was thrown. */
  #failed = false
  /** True as long as nothing was written since a failure: it would only fail again. */
  #settled = false
  /** What this session has put on the response so far. */
  #lines: Lines = []

  constructor ({ manager, cookie, warnings, guard }: Registered, request: TrackedRequest) {
    this.#manager = manager
    this.#cookie = cookie
    this.#warnings = warnings
    this.#request = request
    this.#guard = guard
    this.state = manager.find(request)
    this.state.observe(this)
  }

  get lines (): Lines { return this.#lines }

  /** What the app gets. @throws what the guard does, where it may not have it. */
  get session (): Session {
    this.#guard?.assertUsable(this.state)
    this.#isUsed = true
    return this.state.session
  }

  /**
   * Puts the session's cookie on the response, if the session changed.
   * @returns a promise only where a guard has to be waited for.
   * @throws what sealing throws, once: the response to that error goes out without the cookie, and
   * the browser keeps the one it has, unless the error handler writes something that can be sealed.
   */
  send (reply: FastifyReply): Promise<void> | undefined {
    if (this.#guard === null) this.#sendIfDue(reply)
    else if (this.#isUsed) return this.#sendGuarded(reply, this.#guard)
  }

  async #sendGuarded (reply: FastifyReply, guard: SessionGuard): Promise<void> {
    try {
      const isDue = this.#isDue(reply)
      await this.#ask(guard, reply, isDue)
      // What was written while that was awaited.
      if (!isDue && this.#isDue(reply)) await this.#ask(guard, reply, true)
    } catch (error) {
      // An error handler must seal neither what could not be checked, nor what it began after a logout that failed.
      this.#isHeldBack = true
      if (this.state.asked) this.#fail(reply, error)
      else this.#skip(reply, error)
    }
    this.#sendIfDue(reply)
  }

  async #ask (guard: SessionGuard, reply: FastifyReply, isDue: boolean): Promise<void> {
    if (await guard.beforeSend(this.state, isDue)) return
    this.#isHeldBack = true
    this.#takeBack(reply)
    reply.request.log.debug('@fastify/secure-session: the session was revoked meanwhile, sending no cookie')
  }

  #isDue (reply: FastifyReply): boolean {
    const { state } = this
    state.settle()
    if (this.#manager.config.rolling) state.renew()
    if (this.#isHeldBack || !state.changed || this.#settled) return false
    // Nobody asked for this cookie. On a response that caches share it would do harm; it can wait.
    return state.asked || !isSharedCacheable(reply)
  }

  #sendIfDue (reply: FastifyReply): void {
    const { state } = this
    if (!this.#isDue(reply)) return
    try {
      if (state.deleted) {
        reply.request.log.debug('@fastify/secure-session: deleting session')
        this.#lines = this.#cookie.delete(reply, state.cookieOptions, this.#lines)
      } else {
        this.#lines = this.#cookie.set(reply, this.#manager.seal(state), this.#overrides(reply), this.#lines)
      }
      // What nobody asked for is not sent on such a response; what somebody did would be missing.
      if (isSharedCacheable(reply)) this.#warnings.warn('FST_SEALED_SESSION_WARN_SHARED_CACHE', this.#request)
    } catch (error) {
      // The cookie that the browser has is as good as the one that nobody asked for.
      if (state.asked) this.#fail(reply, error)
      else this.#skip(reply, error)
    }
  }

  #skip (reply: FastifyReply, error: unknown): void {
    this.#settled = true
    this.#takeBack(reply)
    this.#warnings.warn('FST_SEALED_SESSION_WARN_NOT_RENEWED', this.#request, (error as Error).message)
  }

  #fail (reply: FastifyReply, error: unknown): void {
    this.#settled = true
    this.#takeBack(reply)
    if (this.#failed) {
      // What a guard held back could be sealed: the store that it asks has failed, which the log says.
      if (!this.#isHeldBack) this.#warnings.warn('FST_SEALED_SESSION_WARN_NOT_SEALED', this.#request)
      return
    }
    this.#failed = true
    throw error
  }

  /** Takes back what was put on the response for it. */
  discard (): void {
    const reply = this.#request[kReply]
    if (reply !== null) this.#takeBack(reply)
  }

  #takeBack (reply: FastifyReply): void {
    if (this.#lines.length > 0) this.#cookie.remove(reply, this.#lines)
    this.#lines = []
  }

  /** What nobody asked for must not give the cookie a longer life than the session has. */
  #overrides (reply: FastifyReply): SessionState['cookieOptions'] {
    const { state } = this
    if (state.asked) return state.cookieOptions
    const { maxAge, expires } = this.#cookie.attributes(reply, state.cookieOptions)
    if (maxAge === undefined && expires === undefined) return state.cookieOptions
    const now = this.#manager.now()
    const left = Math.floor(state.expiresAt - now / 1000)
    const capped = { ...state.cookieOptions }
    if (maxAge !== undefined) capped.maxAge = Math.min(maxAge, left)
    if (expires !== undefined) capped.expires = new Date(Math.min(expires.getTime(), now + left * 1000))
    return capped
  }

  /** After the hook that seals, a write is sealed at once while there is time; else it is lost. */
  written (): void {
    this.#settled = false
    const reply = this.#request[kReply]
    if (reply === null) return
    if (reply.raw.headersSent || isUpgraded(reply)) this.#warnings.warn('FST_SEALED_SESSION_WARN_WRITE_LOST', this.#request)
    // Too late for a guard to ask anybody else.
    else if (this.#request[kSealed] && this.#guard?.isKnownEnded(this.state) !== true) this.#sendIfDue(reply)
  }

  ended (content: Content, isKept: boolean): void {
    this.#guard?.ended(this.state, content, isKept)
  }
}

/** Whether its connection is a WebSocket by now: the answer to the upgrade bypasses the reply. */
function isUpgraded (reply: FastifyReply): boolean {
  return reply.sent && (reply.raw.req as { upgrade?: boolean }).upgrade === true
}
