import { environment } from '#runtime'
import type { CookieSerializeOptions } from '@fastify/cookie'
import { BYTES_PER_CHUNK } from '../cookies/chunks.ts'
import { warnOfLifetime, warnOfMissing, warnOfRefusals } from '../cookies/cookie-advice.ts'
import type { CookieCoding, SessionRequest } from './exchange.ts'
import type { Warn } from '../messages.ts'
import type { SessionConfig } from '../options/options.ts'

type Attributes = CookieSerializeOptions

/** Bytes that a browser sends beside a session's cookies, at least. */
const OTHER_HEADERS_BYTES = 2048

/** Origins at which browsers take a cookie that is `Secure` over plain http. */
const LOOPBACK = /^http:\/\/(?:(?:[^:/]+\.)?localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/

/** Warnings of a session's cookie that browsers refuse, or send elsewhere than is meant. The edge goes without them. */
export class CookieWarnings {
  readonly #config: SessionConfig
  readonly #isApps: boolean
  readonly #warn: Warn
  readonly #isProduction = environment('NODE_ENV') === 'production'
  // Those that only a request can tell, each of them once.
  #lacksPath = false
  #isAuto = false
  #isSecure = false

  constructor (config: SessionConfig, { isApps, maxHeaderBytes }: CookieCoding, warn: Warn) {
    this.#config = config
    this.#isApps = isApps
    this.#warn = warn
    if (!isApps) this.#lookAtAttributes(config.cookie)
    warnOfLifetime(config, config.cookie, warn)
    this.#lookAtHeaderSize(maxHeaderBytes)
  }

  /** Hears the attributes that the app has for all cookies; null if they cannot be found out. */
  defaultsKnown (defaults: Attributes | null): void {
    const config = this.#config
    const attributes = { ...defaults, ...config.cookie }
    const { path, secure } = attributes
    this.#lacksPath = path === undefined || path === ''
    this.#isAuto = secure === 'auto' && this.#isProduction
    this.#isSecure = secure === true
    if (defaults === null) this.#warn('FST_SEALED_SESSION_WARN_COOKIE_DEFAULTS')
    // If the app has a say in the attributes, this is the first time that all of them are known.
    if (!this.#isApps) return
    this.#lookAtAttributes(attributes)
    if (config.cookie.maxAge === undefined && config.cookie.expires === undefined) warnOfLifetime(config, defaults ?? {}, this.#warn)
  }

  /** Looks at a request that gets the cookie. @param overrides attributes for its response. */
  look (request: SessionRequest, overrides: Attributes | null): void {
    if (this.#lacksPath && !overrides?.path) this.#lookAtPath(request)
    if (this.#isAuto && overrides?.secure === undefined) this.#lookAtProxy(request)
    if (this.#isSecure && overrides?.secure === undefined) this.#lookAtOrigin(request)
  }

  /** Warns of a cookie that browsers refuse, that has no path, or that is too open for production. */
  #lookAtAttributes (attributes: Attributes): void {
    const config = this.#config
    warnOfRefusals(config, attributes, this.#warn)
    const { path } = attributes
    if (typeof path === 'string' && path !== '' && !path.startsWith('/')) this.#warn('FST_SEALED_SESSION_WARN_COOKIE_PATH', config.sessionName, config.cookieName)
    if (this.#isProduction) warnOfMissing(config, attributes, this.#warn)
  }

  #lookAtHeaderSize (limit: number | null): void {
    const { sessionName, maxChunks } = this.#config
    const bytes = maxChunks * BYTES_PER_CHUNK
    if (limit === null || bytes + OTHER_HEADERS_BYTES <= limit) return
    this.#warn('FST_SEALED_SESSION_WARN_MAX_CHUNKS', sessionName, maxChunks, bytes, limit)
  }

  /** Set by /login, a cookie is for the whole site all the same; set by /api/auth/login it is for /api/auth. */
  #lookAtPath ({ originalUrl, method, routeOptions }: SessionRequest): void {
    const [path = ''] = originalUrl.split('?')
    const end = path.lastIndexOf('/')
    if (end <= 0) return
    this.#lacksPath = false
    const { sessionName, cookieName } = this.#config
    // The route: it has nothing in it of the URL that a user sends.
    const { url: route = '' } = routeOptions
    this.#warn('FST_SEALED_SESSION_WARN_PATH_MISSING', sessionName, cookieName, `${method} ${route || '(no route)'}`, route.slice(0, route.lastIndexOf('/')) || 'the folder of that one')
  }

  /** Anybody may send the header: it is one line in the log, once. */
  #lookAtProxy ({ protocol, headers }: SessionRequest): void {
    if (protocol === 'https' || !String(headers['x-forwarded-proto']).includes('https')) return
    this.#isAuto = false
    this.#warn('FST_SEALED_SESSION_WARN_PROXY', this.#config.sessionName, this.#config.cookieName)
  }

  /** A browser that says that its page came over plain http drops the cookie, and tells nobody. */
  #lookAtOrigin ({ headers: { origin, host } }: SessionRequest): void {
    if (typeof origin !== 'string' || !origin.startsWith('http://') || origin !== `http://${host}` || LOOPBACK.test(origin)) return
    this.#isSecure = false
    this.#warn('FST_SEALED_SESSION_WARN_PLAIN_HTTP', this.#config.sessionName, this.#config.cookieName)
  }
}

/** The warnings; the edge has null. */
export function cookieWarnings (config: SessionConfig, coding: CookieCoding, warn: Warn): CookieWarnings | null {
  return new CookieWarnings(config, coding, warn)
}
