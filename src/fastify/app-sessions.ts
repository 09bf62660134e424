import { judged, type Found, type Judge, type Refused } from '../cookies/candidates.ts'
import { unsignedWith } from '../cookies/signature.ts'
import { dataFrom, getOwn } from '../data/data.ts'
import { fail } from '../errors.ts'
import type { SessionRequest } from '../http/exchange.ts'
import { parsedCookies, type Registered, SessionManager } from '../http/session-manager.ts'
import { endOfSession } from '../messages.ts'
import { SessionState } from '../session/session.ts'
import { MAX_SIGNED_LENGTH } from '../token/format.ts'
import { toWholeSeconds } from '../token/lifetime.ts'
import { recordWith } from '../token/record.ts'
import type { CookieRequest, DecodeLog } from '../types.ts'

/** One session of an app of Fastify. */
export interface AppSession extends Registered { manager: AppSessionManager }

/** Makes sessions outside of a request as well: for `createSecureSession`, `decodeSecureSession` and plugins. */
export class AppSessionManager extends SessionManager {
  /** Sessions that the app has opened itself, by the headers of the request that they came with. Only if devices count. */
  readonly #openedIn = new WeakMap<object, SessionState>()

  /** A new session that holds `data`. */
  create (data?: unknown): SessionState {
    return this.begin(dataFrom(data))
  }

  /** A session as if it had begun, and been written, at another time, in milliseconds since 1970. */
  moved (state: SessionState, time: number): SessionState {
    return new SessionState(this.settings, recordWith(state.record(), { createdAt: time, writtenAt: toWholeSeconds(time) }))
  }

  /**
   * Makes a new session that was made for another name one of this name. It is bound, or is without a binding, as
   * the session of the request if the app has opened that itself: data that it has read there must not go on in one that a copy of the cookie opens.
   */
  adopt (state: SessionState, request: SessionRequest): void {
    state.moveTo(this.settings)
    const opened = this.#openedIn.get(headersOf(request))
    if (opened !== undefined) state.takePlaceOf(opened, true)
  }

  /**
   * Token of a session outside a request.
   * @throws `FST_SEALED_SESSION_ENDED` for one that was opened and has ended since: it must not get a new
   * life.
   */
  encode (state: SessionState): string {
    const reason = state.sealingRefusal()
    if (reason !== null) throw fail('ENDED', [endOfSession(reason)])
    return this.seal(state)
  }

  /**
   * Session of a token from outside a request, signed or not; null if it is refused.
   * @param isAnyDevices true to open one that is bound to a device: nobody proves it for a token alone.
   */
  open (token: string, log: DecodeLog, isAnyDevices = false): SessionState | null {
    const opened = this.#open(this.#unsign(token) ?? token, log, isAnyDevices ? undefined : this.devices?.judgeOf(null))
    return opened.ok ? this.#restoreOutside(opened, isAnyDevices) : null
  }

  /**
   * Session that a request brings, found as `find` finds it; null if there is none that opens. The request
   * may be one of node:http's, which the framework has not seen.
   */
  openIn (request: CookieRequest, log: DecodeLog, isAnyDevices = false): SessionState | null {
    const found = this.search({ headers: request.headers, cookies: parsedCookies(request), log }, isAnyDevices)
    if (found?.ok !== true) return null
    const state = this.#restoreOutside(found, isAnyDevices)
    if (this.devices !== null) this.#openedIn.set(headersOf(request), state)
    return state
  }

  #restoreOutside (found: Found, isAnyDevices: boolean): SessionState {
    const state = this.restore(found)
    if (isAnyDevices) this.devices?.ignore(state)
    return state
  }

  /** The same whatever its device is, and without a line in the log. */
  peek (request: CookieRequest): SessionState | null {
    const found = this.reader.read({ header: request.headers.cookie, parsed: parsedCookies(request) })
    return found?.ok === true ? this.restore(found) : null
  }

  #open (token: string, log: DecodeLog, judge: Judge | undefined): Found | Refused {
    return this.told(token, judged(this.codec.open(token), judge), log)
  }

  /** True if a request may bring a cookie of this session. Costs little, and may be true without one. */
  mayFind (request: SessionRequest): boolean {
    const { cookieName } = this.config
    const parsed = parsedCookies(request)
    return parsed === null ? request.headers.cookie?.includes(cookieName) === true : getOwn(parsed, cookieName) !== undefined
  }

  /** Value that was signed; null if the session's cookie is not signed or the signature is wrong. */
  #unsign (value: string): string | null {
    return this.config.cookie.signed !== true || value.length > MAX_SIGNED_LENGTH ? null : unsignedWith(this.coding.signatures, value)
  }
}

/** Headers of a request as Node has them. If a hook of the app has set some, Fastify makes others at each look. */
function headersOf (request: CookieRequest): object {
  return (request as { raw?: { headers?: object } | null }).raw?.headers ?? request.headers
}
