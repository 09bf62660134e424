import type { Found, Judge, Refused } from '../cookies/candidates.ts'
import { type BroughtCookies, CookieReader } from '../cookies/read.ts'
import { encodeValue } from '../cookies/set-cookie.ts'
import type { Data } from '../data/data.ts'
import { type CookieCoding, type Cookies, kCookies, type LazyRequest, type SessionLog, type SessionRequest } from './exchange.ts'
import type { SessionDevices } from '../extension/extensible.ts'
import type { Extensions } from '../extension/extensions.ts'
import { Lifecycle } from '#lifecycle'
import { refusalMessage, type Warn } from '../messages.ts'
import { openChannel, sealChannel, sealObserved, tellOpened } from '#observed'
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
import type { Codec } from '../token/codec.ts'
import type { Origin } from '../token/record.ts'
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
export interface Bringing extends CookieRequest { log: FindLog }

const SEVERAL_SESSIONS = '@fastify/secure-session: different sessions open in one request, the one written last counts: one of them may be planted'

/** One session of the app: makes its states out of cookies and data, and tokens out of states. */
export class SessionManager {
  readonly config: SessionConfig
  readonly lifecycle: Lifecycle
  protected readonly codec: Codec
  protected readonly coding: CookieCoding
  readonly #warn: Warn
  protected readonly settings: SessionSettings
  protected readonly reader: CookieReader
  protected devices: SessionDevices | null = null
  #isTold = false

  constructor (config: SessionConfig, codec: Codec, coding: CookieCoding, signals: SessionSignals, warn: Warn) {
    this.config = config
    this.codec = codec
    this.coding = coding
    this.#warn = warn
    const { keyring, expiry, maxExpiry, absoluteTimeout, serializer } = config
    this.lifecycle = new Lifecycle(config.sessionName, keyring)
    this.settings = {
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
    this.reader = new CookieReader({ codec, name: config.cookieName, decode: coding.decode, signatures, isOwnEncoding: !coding.isApps })
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
    this.settings.newId = newId
    this.codec.useIds()
  }

  /** Opens sessions that are bound to a device from here on, if the devices have nothing against it. */
  useDevices (devices: SessionDevices): void {
    this.devices = this.settings.devices = devices
    this.codec.openBound()
  }

  /** Has signals ask it for sessions that stay open. */
  useJudge (judge: SessionJudge): void { this.settings.judge = judge }

  /** Fires the signal of a session that has just ended. */
  ended (state: SessionState, isLogout: boolean): void { this.settings.signals?.end(state, isLogout ? 'logout' : 'replaced') }

  /** A session that begins now. @param data belongs to it from now on. */
  begin (data: Data, origin?: Origin, observer?: WriteObserver): SessionState {
    return SessionState.begin(this.settings, data, origin, observer)
  }

  seal (state: SessionState): string {
    const record = state.record()
    return sealChannel.hasSubscribers ? sealObserved(this.codec, record, this.config.sessionName) : this.codec.seal(record)
  }

  /** The same as it stands in a cookie whose encoding is ours, between two texts of ASCII. */
  sealLine (state: SessionState, before: string, after: string): string {
    return sealChannel.hasSubscribers ? `${before}${encodeValue(this.seal(state))}${after}` : this.codec.sealLine(state.record(), before, after)
  }

  /** Session of a request's cookie, or an empty one. @param observer is told of every write. */
  find (request: SessionRequest, observer: WriteObserver): SessionState {
    const found = this.search(request)
    if (found?.ok === false && this.lifecycle.isHeard) this.lifecycle.tell('refused', { id: null, subjects: [] }, { reason: found.reason }, request)
    return found?.ok === true ? this.restore(found, observer) : this.begin({}, found, observer)
  }

  /** Session that a request brings, or the reason to refuse it. Null if there is no cookie at all. */
  protected search (request: Bringing, isAnyDevices = false): Found | Refused | null {
    const { headers } = request
    const brought = { header: headers.cookie, parsed: parsedCookies(request) }
    const judge = isAnyDevices ? undefined : this.devices?.judgeOf({ headers, cookies: brought.parsed })
    // A message describes the token, which has to be decoded for that.
    const opened = openChannel.hasSubscribers ? null : this.reader.readSingle(brought, judge)
    return opened === null ? this.#read(brought, request.log, judge) : this.told('', opened, request.log)
  }

  #read (brought: BroughtCookies, log: FindLog, judge: Judge | undefined): Found | Refused | null {
    let isStrange = false
    const found = this.reader.read(brought, (token, result, others) => {
      isStrange ||= others > 0
      this.told(token, result, log, others)
    }, judge)
    if (found === null) log.trace?.('@fastify/secure-session: there is no cookie, creating an empty session')
    if (isStrange) log.info?.(SEVERAL_SESSIONS)
    return found
  }

  /** Logs and publishes the result of opening a token, and hands it on. */
  protected told (token: string, result: Found | Refused, log: DecodeLog, others = 0): Found | Refused {
    if (!result.ok) log.debug?.(refusalMessage(result.reason))
    if (openChannel.hasSubscribers) tellOpened(this.config.sessionName, token, result, others)
    return result
  }

  protected restore (found: Found, observer?: WriteObserver): SessionState {
    // Nobody else has the record: to copy its data would take a seventh of the time of a write.
    return new SessionState(this.settings, found.record, found, found.record.data, observer)
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
  const state = manager.begin({})
  state.observe({ written: () => { warnings.warn('FST_SEALED_SESSION_WARN_WRITE_IGNORED', request) } })
  return state.session
}

/** Value of `request.cookies`; null if nothing has parsed the header yet. */
export function parsedCookies (request: CookieRequest): Cookies | null {
  const cookies = (request as LazyRequest)[kCookies]
  return cookies === undefined ? request.cookies ?? null : cookies // undefined with the app's own @fastify/cookie
}
