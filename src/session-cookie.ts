import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { appCookieDefaults } from './cookies/app-defaults.ts'
import { MAX_COOKIE_BYTES, attributesEnd, deleteCookieLine, resolveAttributes, setCookieLine, withoutCookie, type Serialize } from './cookies/set-cookie.ts'
import type { SessionConfig } from './options.ts'
import type { Warn } from './warnings.ts'

/** Attributes that hold until a response overrides some, and the end of a line that they make. */
interface Attributes {
  attributes: CookieSerializeOptions
  end: string
}

/** Writes the cookie of one session of the app into responses. */
export class SessionCookie {
  readonly #app: FastifyInstance
  readonly #config: SessionConfig
  readonly #warn: Warn
  readonly #serialize: Serialize
  /** For plain and for TLS requests, which `secure: 'auto'` tells apart. Made when first needed. */
  readonly #constant: { plain: Attributes | null, secure: Attributes | null } = { plain: null, secure: null }
  #defaults: CookieSerializeOptions | null = null
  #warnedOfSize = false
  readonly #warnedRoutes = new Set<string>()

  constructor (app: FastifyInstance, config: SessionConfig, warn: Warn) {
    this.#app = app
    this.#config = config
    this.#warn = warn
    this.#serialize = app.serializeCookie as Serialize
  }

  /**
   * Gives the browser the cookie.
   * @param overrides attributes for this response, on top of those of the session and the app.
   */
  set (reply: FastifyReply, token: string, overrides: CookieSerializeOptions | null): void {
    const { sessionName, cookieName } = this.#config
    const { attributes, end } = overrides === null ? this.#constantAttributes(reply) : this.#overridden(reply, overrides)
    const value = this.#isSigned(overrides) ? this.#app.signCookie(token) : token
    const line = setCookieLine(cookieName, value, attributes, this.#serialize, end)
    this.#put(reply, line)
    if (line.length > MAX_COOKIE_BYTES && !this.#warnedOfSize) {
      this.#warnedOfSize = true
      this.#warn('FST_SEALED_SESSION_WARN_COOKIE_TOO_LARGE', sessionName, line.length)
    }
  }

  /** Has the browser drop the cookie. */
  delete (reply: FastifyReply, overrides: CookieSerializeOptions | null): void {
    const { attributes } = this.#overridden(reply, overrides)
    this.#put(reply, deleteCookieLine(this.#config.cookieName, attributes, this.#serialize))
  }

  /** The `Max-Age` that the cookie would have, in seconds. */
  maxAge (reply: FastifyReply, overrides: CookieSerializeOptions | null): number | undefined {
    return this.#overridden(reply, overrides).attributes.maxAge
  }

  /** Says, once a route, that a change of the session did not reach the browser. */
  warnOfLostWrite ({ method, routeOptions }: FastifyRequest): void {
    const route = `${method} ${routeOptions.url ?? '(no route)'}`
    if (this.#warnedRoutes.has(route)) return
    this.#warnedRoutes.add(route)
    this.#warn('FST_SEALED_SESSION_WARN_WRITE_LOST', this.#config.sessionName, route)
  }

  #isSigned (overrides: CookieSerializeOptions | null): boolean {
    return (overrides?.signed ?? this.#config.cookie.signed) === true
  }

  #constantAttributes (reply: FastifyReply): Attributes {
    const kind = reply.request.protocol === 'https' ? 'secure' : 'plain'
    this.#constant[kind] ??= this.#withEnd(this.#overridden(reply, null).attributes)
    return this.#constant[kind]
  }

  #withEnd (attributes: CookieSerializeOptions): Attributes {
    return { attributes, end: attributesEnd(this.#config.cookieName, attributes, this.#serialize) }
  }

  /** What the cookie is written with: the app's settings for all cookies, the session's, the response's. */
  #overridden (reply: FastifyReply, overrides: CookieSerializeOptions | null): Attributes {
    this.#defaults ??= this.#readDefaults(reply)
    const attributes = { ...this.#defaults, ...this.#config.cookie, ...overrides }
    return { attributes: resolveAttributes(attributes, reply.request.protocol === 'https'), end: '' }
  }

  #readDefaults (reply: FastifyReply): CookieSerializeOptions {
    const defaults = appCookieDefaults(reply)
    if (defaults === null) this.#warn('FST_SEALED_SESSION_WARN_COOKIE_DEFAULTS')
    return defaults ?? {}
  }

  #put (reply: FastifyReply, line: string): void {
    const present = reply.getHeader('set-cookie')
    if (present !== undefined) {
      // A response may be sealed twice, after a late write or an error: the last line counts.
      reply.removeHeader('set-cookie')
      reply.header('set-cookie', [...withoutCookie(present, this.#config.cookieName), line])
    } else {
      reply.header('set-cookie', line)
    }
    if (this.#config.noStore && !reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  }
}

/**
 * Whether a shared cache may keep a response (RFC 9111 section 3). A session's cookie on it could
 * reach other users.
 */
export function isSharedCacheable (reply: FastifyReply): boolean {
  const header = reply.getHeader('cache-control')
  return header !== undefined && !/\b(?:no-store|private)\b/i.test(String(header))
}
