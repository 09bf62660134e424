import { type Found, type Judge, judged, type Refused } from '../cookies/candidates.ts'
import { type BroughtCookies, CookieReader } from '../cookies/read.ts'
import { encodeValue } from '../cookies/set-cookie.ts'
import { unsignedWith } from '../cookies/signature.ts'
import { dataFrom, getOwn } from '../data/data.ts'
import { openChannel, publishOpen, publishSeal, sealChannel } from '../diagnostics.ts'
import { fail, type SealedSessionError } from '../errors.ts'
import { type CookieCoding, type Cookies, kCookies, type LazyRequest, type SessionLog, type SessionRequest } from './exchange.ts'
import type { SessionDevices } from '../extension/extensible.ts'
import type { Extensions } from '../extension/extensions.ts'
import { Lifecycle } from '#lifecycle'
import { endOfSession, refusalMessage, type Warn } from '../messages.ts'
import type { RequestSession } from './request-session.ts'
import type { SessionConfig } from '../options/options.ts'
import { responseOptionsReader } from '../options/readers.ts'
import type { SessionCookie } from './response-cookie.ts'
import type { RouteWarnings } from './route-warnings.ts'
import { newId } from '../session/id.ts'
import { SessionState } from '../session/session.ts'
import type { SessionSettings, WriteObserver } from '../session/settings.ts'
import type { SessionJudge } from '../session/session-signal.ts'
import type { SessionSignals } from '../session/lazy-signals.ts'
import { type Codec, formatOf } from '../token/codec.ts'
import { MAX_SIGNED_LENGTH } from '../token/format.ts'
import { toWholeSeconds } from '../token/lifetime.ts'
import { recordWith } from '../token/record.ts'
import type { CookieRequest, DecodeLog, Session } from '../types.ts'

/** One session of the app, as it was registered. */
export interface Registered {
  /** Maker of its states. */
  manager: SessionManager
  /** Writer of its cookie. */
  cookie: SessionCookie
  warnings: RouteWarnings
  /** Key under which a request keeps its own. */
  slot: symbol
  /** Null without any. */
  extensions: Extensions | null
  /** True if an error that is thrown now is caught, and answered with. */
  isCaught (request: SessionRequest): boolean
}

/** Logger of the search for a session. */
type FindLog = Partial<Pick<SessionLog, 'info' | 'debug' | 'trace'>>

/** The parts of a request that sessions come from. */
interface Bringing extends CookieRequest { log: FindLog }

const SEVERAL_SESSIONS = '@fastify/secure-session: different sessions open in one request, the one written last counts: one of them may be planted'

/** One session of the app: makes its states out of cookies, tokens and data, and tokens out of states. */
export class SessionManager {
  readonly config: SessionConfig
  readonly lifecycle: Lifecycle
  readonly #codec: Codec
  readonly #coding: CookieCoding
  readonly #warn: Warn
  readonly #settings: SessionSettings
  readonly #reader: CookieReader
  #devices: SessionDevices | null = null
  /** Sessions that the app has opened itself, by the headers of the request that they came with. Only if devices count. */
  readonly #openedIn = new WeakMap<object, SessionState>()
  #isTold = false

  constructor (config: SessionConfig, codec: Codec, coding: CookieCoding, signals: SessionSignals, warn: Warn) {
    this.config = config
    this.#codec = codec
    this.#coding = coding
    this.#warn = warn
    const { keyring, expiry, maxExpiry, absoluteTimeout, serializer } = config
    this.lifecycle = new Lifecycle(config.sessionName, keyring)
    this.#settings = {
      keys: keyring,
      signals,
      expiry,
      maxExpiry,
      absoluteTimeout,
      stringify: serializer.isJson ? undefined : serializer.stringify,
      readOptions: responseOptionsReader(config.sessionName, absoluteTimeout, warn),
      tooLong: expiry => { this.#warnTooLong(expiry) }
    }
    const signatures = config.cookie.signed === true ? coding.signatures : null
    this.#reader = new CookieReader({ codec, name: config.cookieName, decode: coding.decode, signatures, isOwnEncoding: !coding.isApps })
  }

  /** Warns once an app: the number may be a user's, who could fill the log. */
  #warnTooLong (expiry: number): void {
    if (this.#isTold) return
    this.#isTold = true
    const { sessionName, maxExpiry } = this.config
    this.#warn('FST_SEALED_SESSION_WARN_EXPIRY_TOO_LONG', sessionName, expiry, maxExpiry)
  }

  /** Tells sessions apart from here on: each gets an id. */
  useIds (): void {
    this.#settings.newId = newId
    this.#codec.useIds()
  }

  /** Opens sessions that are bound to a device from here on, if the devices have nothing against it. */
  useDevices (devices: SessionDevices): void {
    this.#devices = this.#settings.devices = devices
    this.#codec.openBound()
  }

  /** Has signals ask it for sessions that stay open. */
  useJudge (judge: SessionJudge): void { this.#settings.judge = judge }

  /** Fires the signal of a session that has just ended. */
  ended (state: SessionState, isLogout: boolean): void { this.#settings.signals?.end(state, isLogout ? 'logout' : 'replaced') }

  /** A new session that holds `data`. */
  create (data?: unknown): SessionState {
    return SessionState.begin(this.#settings, dataFrom(data))
  }

  /** A session as if it had begun, and been written, at another time, in milliseconds since 1970. */
  moved (state: SessionState, time: number): SessionState {
    return new SessionState(this.#settings, recordWith(state.record(), { createdAt: time, writtenAt: toWholeSeconds(time) }))
  }

  /**
   * Makes a new session that was made for another name one of this name. It is bound, or is without a binding, as
   * the session of the request if the app has opened that itself: data that it has read there must not go on in one that a copy of the cookie opens.
   */
  adopt (state: SessionState, { headers }: SessionRequest): void {
    state.moveTo(this.#settings)
    const opened = this.#openedIn.get(headers)
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

  seal (state: SessionState): string {
    return sealChannel.hasSubscribers ? this.#sealObserved(state) : this.#codec.seal(state.record())
  }

  /** The same as it stands in a cookie whose encoding is ours, between two texts of ASCII. */
  sealLine (state: SessionState, before: string, after: string): string {
    return sealChannel.hasSubscribers ? `${before}${encodeValue(this.#sealObserved(state))}${after}` : this.#codec.sealLine(state.record(), before, after)
  }

  /** Seals, and publishes the outcome. */
  #sealObserved (state: SessionState): string {
    const { sessionName } = this.config
    const format = this.#codec.formatFor(state.record())
    const key = this.#codec.sealingKey()
    const message = { sessionName, format, keyId: key.id }
    let token: string
    try {
      token = this.#codec.seal(state.record(), key)
    } catch (error) {
      publishSeal({ ...message, outcome: 'failed', reason: (error as SealedSessionError).code, bytes: null })
      throw error
    }
    publishSeal({ ...message, outcome: 'sealed', reason: null, bytes: token.length }) // it is ASCII
    return token
  }

  /**
   * Session of a token from outside a request, signed or not; null if it is refused.
   * @param isAnyDevices true to open one that is bound to a device: nobody proves it for a token alone.
   */
  open (token: string, log: DecodeLog, isAnyDevices = false): SessionState | null {
    const opened = this.#open(this.#unsign(token) ?? token, log, isAnyDevices ? undefined : this.#devices?.judgeOf(null))
    return opened.ok ? this.#restoreOutside(opened, isAnyDevices) : null
  }

  /**
   * Session that a request brings, found as `find` finds it; null if there is none that opens. The request
   * may be one of node:http's, which the framework has not seen.
   */
  openIn (request: CookieRequest, log: DecodeLog, isAnyDevices = false): SessionState | null {
    const found = this.#find({ headers: request.headers, cookies: parsedCookies(request), log }, isAnyDevices)
    if (found?.ok !== true) return null
    const state = this.#restoreOutside(found, isAnyDevices)
    if (this.#devices !== null) this.#openedIn.set(request.headers, state)
    return state
  }

  #restoreOutside (found: Found, isAnyDevices: boolean): SessionState {
    const state = this.#restore(found)
    if (isAnyDevices) this.#devices?.ignore(state)
    return state
  }

  /** The same whatever its device is, and without a line in the log. */
  peek (request: CookieRequest): SessionState | null {
    const found = this.#reader.read({ header: request.headers.cookie, parsed: parsedCookies(request) })
    return found?.ok === true ? this.#restore(found) : null
  }

  /** Session of a request's cookie, or an empty one. @param observer is told of every write. */
  find (request: SessionRequest, observer: WriteObserver): SessionState {
    const found = this.#find(request)
    if (found?.ok === false && this.lifecycle.isHeard) this.lifecycle.tell('refused', { id: null, subjects: [] }, { reason: found.reason }, request)
    return found?.ok === true ? this.#restore(found, observer) : SessionState.begin(this.#settings, {}, found, observer)
  }

  /** True if a request may bring a cookie of this session. Costs little, and may be true without one. */
  mayFind (request: SessionRequest): boolean {
    const { cookieName } = this.config
    const parsed = parsedCookies(request)
    return parsed === null ? request.headers.cookie?.includes(cookieName) === true : getOwn(parsed, cookieName) !== undefined
  }

  /** Session that a request brings, or the reason to refuse it. Null if there is no cookie at all. */
  #find (request: Bringing, isAnyDevices = false): Found | Refused | null {
    const { headers } = request
    const brought = { header: headers.cookie, parsed: parsedCookies(request) }
    const judge = isAnyDevices ? undefined : this.#devices?.judgeOf({ headers, cookies: brought.parsed })
    // A message describes the token, which has to be decoded for that.
    const opened = openChannel.hasSubscribers ? null : this.#reader.readSingle(brought, judge)
    return opened === null ? this.#read(brought, request.log, judge) : this.#told('', opened, request.log)
  }

  #read (brought: BroughtCookies, log: FindLog, judge: Judge | undefined): Found | Refused | null {
    let isStrange = false
    const found = this.#reader.read(brought, (token, result, others) => {
      isStrange ||= others > 0
      this.#told(token, result, log, others)
    }, judge)
    if (found === null) log.trace?.('@fastify/secure-session: there is no cookie, creating an empty session')
    if (isStrange) log.info?.(SEVERAL_SESSIONS)
    return found
  }

  #open (token: string, log: DecodeLog, judge: Judge | undefined): Found | Refused {
    return this.#told(token, judged(this.#codec.open(token), judge), log)
  }

  /** Logs and publishes the result of opening a token, and hands it on. */
  #told (token: string, result: Found | Refused, log: DecodeLog, others = 0): Found | Refused {
    if (!result.ok) log.debug?.(refusalMessage(result.reason))
    if (openChannel.hasSubscribers) {
      publishOpen({
        sessionName: this.config.sessionName,
        outcome: result.ok ? 'opened' : 'rejected',
        reason: result.ok ? null : result.reason,
        keyId: result.ok ? result.key.id : null,
        format: formatOf(token),
        bytes: Buffer.byteLength(token),
        others
      })
    }
    return result
  }

  #restore (found: Found, observer?: WriteObserver): SessionState {
    // Nobody else has the record: to copy its data would take a seventh of the time of a write.
    return new SessionState(this.#settings, found.record, found, found.record.data, observer)
  }

  /** Value that was signed; null if the session's cookie is not signed or the signature is wrong. */
  #unsign (value: string): string | null {
    return this.config.cookie.signed !== true || value.length > MAX_SIGNED_LENGTH ? null : unsignedWith(this.#coding.signatures, value)
  }
}

/** Stands in the slot of a session after `request.session = null`. */
export class Discarded {
  /**
   * The session that nothing of is sent; null until something asks for it. A session that is assigned later
   * must not hide that it has ended.
   */
  session: RequestSession | null

  constructor (session: RequestSession | null) {
    this.session = session
  }
}

/** An empty session that is never sent, for code that may look and must not fail. */
export function unusable (request: SessionRequest, { manager, warnings }: Registered): Session {
  const state = manager.create()
  state.observe({ written: () => { warnings.warn('FST_SEALED_SESSION_WARN_WRITE_IGNORED', request) } })
  return state.session
}

/** Value of `request.cookies`; null if nothing has parsed the header yet. */
function parsedCookies (request: CookieRequest): Cookies | null {
  const cookies = (request as LazyRequest)[kCookies]
  return cookies === undefined ? request.cookies ?? null : cookies // undefined with the app's own @fastify/cookie
}
