import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CookieCoding } from './app-cookies.ts'
import { appCookieDefaults } from './cookies/app-defaults.ts'
import { browserRefusals } from './cookies/attributes.ts'
import { MAX_COOKIE_BYTES, attributesEnd, deleteCookieLine, replaceLine, resolveAttributes, type Serialize } from './cookies/set-cookie.ts'
import { sealedSessionError } from './errors.ts'
import type { SessionConfig } from './options.ts'
import { kSealed, type TrackedRequest } from './tracked-request.ts'
import type { Warn } from './warnings.ts'

type Attributes = CookieSerializeOptions

/** Writes the cookie of one session of the app into responses. */
export class SessionCookie {
  readonly #app: FastifyInstance
  readonly #config: SessionConfig
  readonly #coding: CookieCoding
  readonly #warn: Warn
  readonly #serialize: Serialize
  /** What follows the value, for plain and for TLS requests, which `secure: 'auto'` tells apart. */
  readonly #ends: { plain: string | null, secure: string | null } = { plain: null, secure: null }
  #defaults: Attributes | null = null
  #warnedOfSize = false
  readonly #warned = new Set<string>()

  constructor (app: FastifyInstance, config: SessionConfig, coding: CookieCoding, warn: Warn) {
    this.#app = app
    this.#config = config
    this.#coding = coding
    this.#warn = warn
    this.#serialize = app.serializeCookie as Serialize
    if (!coding.isApps) this.#warnOfRefusals(config.cookie)
  }

  /**
   * Gives the browser the cookie.
   * @param overrides attributes for this response, on top of those of the session and the app.
   * @param earlier the line that this response has from here already; it is replaced.
   * @returns the line.
   */
  set (reply: FastifyReply, token: string, overrides: Attributes | null, earlier: string | null): string {
    const { sessionName, cookie } = this.#config
    const isSigned = (overrides?.signed ?? cookie.signed) === true
    if (isSigned && !this.#app.hasDecorator('signCookie')) throw sealedSessionError('FST_SEALED_SESSION_SIGNING_SECRET_MISSING', [sessionName])
    const line = this.#line(reply, isSigned ? this.#app.signCookie(token) : token, overrides)
    this.#put(reply, earlier, line)
    // The serializer lets nothing but ASCII through, so characters are bytes.
    if (line.length > MAX_COOKIE_BYTES && !this.#warnedOfSize) {
      this.#warnedOfSize = true
      this.#warn('FST_SEALED_SESSION_WARN_COOKIE_TOO_LARGE', sessionName, line.length)
    }
    return line
  }

  /** Has the browser drop the cookie. */
  delete (reply: FastifyReply, overrides: Attributes | null, earlier: string | null): string {
    const line = this.#checked(() => deleteCookieLine(this.#config.cookieName, this.attributes(reply, overrides), this.#serialize))
    this.#put(reply, earlier, line)
    return line
  }

  /** Takes a line off the response again. */
  remove (reply: FastifyReply, line: string): void {
    this.#put(reply, line, null)
  }

  /** Says, once a route, that a change came too late to reach the browser. */
  warnOfLostWrite (request: FastifyRequest): void {
    const route = this.#newRoute('lost write', request)
    if (route !== null) this.#warn('FST_SEALED_SESSION_WARN_WRITE_LOST', this.#config.sessionName, route)
  }

  /** Says, once a route, that after a failure to seal the session could not be sealed again. */
  warnOfFailure (request: FastifyRequest): void {
    const route = this.#newRoute('failure', request)
    if (route !== null) this.#warn('FST_SEALED_SESSION_WARN_NOT_SEALED', this.#config.sessionName, route)
  }

  /** The route of a request, without what its user put into the URL; null where it was warned about before. */
  #newRoute (what: string, { method, routeOptions }: FastifyRequest): string | null {
    const route = `${method} ${routeOptions.url ?? '(no route)'}`
    if (this.#warned.has(`${what} ${route}`)) return null
    this.#warned.add(`${what} ${route}`)
    return route
  }

  #line (reply: FastifyReply, value: string, overrides: Attributes | null): string {
    const { cookieName } = this.#config
    const kind = reply.request.protocol === 'https' ? 'secure' : 'plain'
    const known = overrides === null ? this.#ends[kind] : null
    if (known !== null) return `${cookieName}=${this.#coding.encode(value)}${known}`

    const attributes = this.attributes(reply, overrides)
    // An encoding of the app's own is left to the serializer, which checks what it returns.
    if (attributes.encode !== undefined) return this.#serializeWhole(value, attributes)
    const end = this.#checked(() => attributesEnd(cookieName, attributes, this.#serialize))
    if (overrides === null) this.#ends[kind] = end
    return `${cookieName}=${this.#coding.encode(value)}${end}`
  }

  /** What the serializer says of an attribute, with a code. */
  #checked (write: () => string): string {
    try {
      return write()
    } catch (error) {
      throw sealedSessionError('FST_SEALED_SESSION_COOKIE_INVALID', [this.#config.cookieName, (error as Error).message])
    }
  }

  #serializeWhole (value: string, attributes: Attributes): string {
    const { cookieName } = this.#config
    try {
      return this.#serialize(cookieName, value, attributes)
    } catch {
      // The serializer's message has the token in it.
      throw sealedSessionError('FST_SEALED_SESSION_COOKIE_INVALID', [cookieName, 'what "encode" returns, or an attribute, is refused by the cookie serializer'])
    }
  }

  /** What the cookie is written with: the app's settings for all cookies, the session's, the response's. */
  attributes (reply: FastifyReply, overrides: Attributes | null): Attributes {
    this.#defaults ??= this.#readDefaults(reply)
    const attributes = { ...this.#defaults, ...this.#config.cookie, ...overrides }
    return resolveAttributes(attributes, reply.request.protocol === 'https')
  }

  #readDefaults (reply: FastifyReply): Attributes {
    const defaults = appCookieDefaults(reply)
    if (defaults === null) this.#warn('FST_SEALED_SESSION_WARN_COOKIE_DEFAULTS')
    // Where the app has a say in the attributes, this is the first time that all of them are known.
    if (this.#coding.isApps) this.#warnOfRefusals({ ...defaults, ...this.#config.cookie })
    return defaults ?? {}
  }

  #warnOfRefusals (attributes: Attributes): void {
    const { sessionName, cookieName } = this.#config
    for (const refusal of browserRefusals(cookieName, attributes)) {
      this.#warn('FST_SEALED_SESSION_WARN_COOKIE_REFUSED', sessionName, cookieName, refusal)
    }
  }

  #put (reply: FastifyReply, earlier: string | null, line: string | null): void {
    const header = reply.getHeader('set-cookie')
    if (header === undefined && line !== null) {
      reply.header('set-cookie', line)
    } else {
      const lines = replaceLine(header, earlier, line)
      reply.removeHeader('set-cookie')
      if (lines.length > 0) reply.header('set-cookie', lines)
    }
    if (line !== null && this.#config.noStore && !reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    if ((reply.request as TrackedRequest)[kSealed]) handOver(reply)
  }
}

/**
 * Of a response that is a stream, Fastify hands the headers to Node before the first chunk is there.
 * What changes after that is put there as well; other responses overwrite it with the same.
 */
function handOver (reply: FastifyReply): void {
  for (const name of ['set-cookie', 'cache-control']) {
    const value = reply.getHeader(name)
    if (value !== undefined) reply.raw.setHeader(name, value)
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
