import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyRequest } from 'fastify'
import { lifetimeMismatch, missingInProduction } from '../cookies/advice.ts'
import { browserRefusals } from '../cookies/attributes.ts'
import type { SessionConfig } from '../options/options.ts'
import type { Warn } from '../warnings.ts'

/** Warns of a cookie that browsers refuse, or that is too open for production. */
export function warnOfAttributes ({ sessionName, cookieName }: SessionConfig, attributes: CookieSerializeOptions, isProduction: boolean, warn: Warn): void {
  for (const refusal of browserRefusals(cookieName, attributes)) {
    warn('FST_SEALED_SESSION_WARN_COOKIE_REFUSED', sessionName, cookieName, refusal)
  }
  const { path } = attributes
  if (typeof path === 'string' && path !== '' && !path.startsWith('/')) warn('FST_SEALED_SESSION_WARN_COOKIE_PATH', sessionName, cookieName)
  const missing = isProduction ? missingInProduction(attributes) : []
  if (missing.length > 0) warn('FST_SEALED_SESSION_WARN_PRODUCTION', sessionName, cookieName, missing.join('; '))
}

/** Warns of a cookie that a browser keeps for longer than its session is valid, or not at all. */
export function warnOfLifetime ({ sessionName, cookieName, expiry, absoluteTimeout }: SessionConfig, attributes: CookieSerializeOptions, warn: Warn): void {
  const mismatch = lifetimeMismatch(attributes, Math.min(expiry, absoluteTimeout ?? expiry))
  if (mismatch !== null) warn('FST_SEALED_SESSION_WARN_MAX_AGE', sessionName, cookieName, mismatch)
}

/** Warnings of a cookie that only a request can tell: each is given once. */
export class RequestCookieWarnings {
  readonly #config: SessionConfig
  readonly #warn: Warn
  #lacksPath: boolean
  #isAuto: boolean

  /** @param attributes all that cookies of the session have, but for those of one response. */
  constructor (config: SessionConfig, { path, secure }: CookieSerializeOptions, isProduction: boolean, warn: Warn) {
    this.#config = config
    this.#warn = warn
    this.#lacksPath = path === undefined || path === ''
    this.#isAuto = secure === 'auto' && isProduction
  }

  /** @param overrides attributes for this response. */
  look (request: FastifyRequest, overrides: CookieSerializeOptions | null): void {
    if (this.#lacksPath && !overrides?.path) this.#lookAtPath(request)
    if (this.#isAuto && overrides?.secure === undefined) this.#lookAtProxy(request)
  }

  /** Set by /login, a cookie is for the whole site all the same; set by /api/auth/login it is for /api/auth. */
  #lookAtPath ({ originalUrl, method, routeOptions }: FastifyRequest): void {
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
  #lookAtProxy ({ protocol, headers }: FastifyRequest): void {
    if (protocol === 'https' || !String(headers['x-forwarded-proto']).includes('https')) return
    this.#isAuto = false
    this.#warn('FST_SEALED_SESSION_WARN_PROXY', this.#config.sessionName, this.#config.cookieName)
  }
}
