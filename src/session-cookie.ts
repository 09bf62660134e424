import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { appCookieDefaults } from './cookies/app-defaults.ts'
import { MAX_COOKIE_BYTES, deleteCookieLine, setCookieLine, withoutCookie, type CookieWriter } from './cookies/set-cookie.ts'
import type { SessionConfig } from './options.ts'
import type { Warn } from './warnings.ts'

/** Writes the cookie of one session of the app into responses. */
export class SessionCookie {
  readonly #config: SessionConfig
  readonly #warn: Warn
  #defaults: CookieSerializeOptions | undefined
  #warnedOfSize = false
  readonly #warnedRoutes = new Set<string>()

  constructor (config: SessionConfig, warn: Warn) {
    this.#config = config
    this.#warn = warn
  }

  /**
   * Gives the browser the cookie.
   * @param overrides attributes for this response, on top of those of the session and the app.
   */
  set (reply: FastifyReply, token: string, overrides: CookieSerializeOptions | null): void {
    const { sessionName, cookieName } = this.#config
    const line = setCookieLine(cookieName, token, this.attributes(reply, overrides), writerOf(reply))
    this.#put(reply, line)
    if (line.length > MAX_COOKIE_BYTES && !this.#warnedOfSize) {
      this.#warnedOfSize = true
      this.#warn('FST_SEALED_SESSION_WARN_COOKIE_TOO_LARGE', sessionName, line.length)
    }
  }

  /** Has the browser drop the cookie. */
  delete (reply: FastifyReply, overrides: CookieSerializeOptions | null): void {
    this.#put(reply, deleteCookieLine(this.#config.cookieName, this.attributes(reply, overrides), writerOf(reply)))
  }

  /** Says, once a route, that a change of the session did not reach the browser. */
  warnOfLostWrite ({ method, routeOptions }: FastifyRequest): void {
    const route = `${method} ${routeOptions.url ?? '(no route)'}`
    if (this.#warnedRoutes.has(route)) return
    this.#warnedRoutes.add(route)
    this.#warn('FST_SEALED_SESSION_WARN_WRITE_LOST', this.#config.sessionName, route)
  }

  /** What the cookie is written with: the app's settings for all cookies, the session's, the response's. */
  attributes (reply: FastifyReply, overrides: CookieSerializeOptions | null): CookieSerializeOptions {
    this.#defaults ??= this.#readDefaults(reply)
    return { ...this.#defaults, ...this.#config.cookie, ...overrides }
  }

  #readDefaults (reply: FastifyReply): CookieSerializeOptions {
    const defaults = appCookieDefaults(reply)
    if (defaults === null) this.#warn('FST_SEALED_SESSION_WARN_COOKIE_DEFAULTS')
    return defaults ?? {}
  }

  #put (reply: FastifyReply, line: string): void {
    // A response may be sealed twice, after a late write or an error: the last line counts.
    const others = withoutCookie(reply.getHeader('set-cookie'), this.#config.cookieName)
    reply.removeHeader('set-cookie')
    reply.header('set-cookie', others.length === 0 ? line : [...others, line])
    if (this.#config.noStore && !reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  }
}

function writerOf (reply: FastifyReply): CookieWriter {
  return {
    serialize: reply.server.serializeCookie as CookieWriter['serialize'],
    sign: value => reply.server.signCookie(value),
    isSecure: reply.request.protocol === 'https'
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
