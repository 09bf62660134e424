import type { CookieSerializeOptions } from '@fastify/cookie'
import { cookieWarnings } from '#cookie-warnings'
import { decodeValue, replaceLines, resolveAttributes } from '../cookies/set-cookie.ts'
import { CookieWriter, type LineEnd, type Lines } from '../cookies/write.ts'
import { fail } from '../errors.ts'
import { type CookieCoding, kSealed, type SessionReply, type TrackedRequest } from './exchange.ts'
import type { Warn } from '../messages.ts'
import type { SessionConfig } from '../options/options.ts'
import type { SessionState } from '../session/session.ts'

type Attributes = CookieSerializeOptions

const NO_LINES: Lines = []

/** Puts the cookie of one session of the app on responses. */
export class SessionCookie {
  readonly #config: SessionConfig
  readonly #coding: CookieCoding
  readonly #writer: CookieWriter
  /** Text behind the value, for plain and for TLS requests, which `secure: 'auto'` tells apart. */
  readonly #ends: { plain: string | null, secure: string | null } = { plain: null, secure: null }
  readonly #warnings: ReturnType<typeof cookieWarnings>
  #defaults: Attributes | null = null

  constructor (config: SessionConfig, coding: CookieCoding, warn: Warn) {
    this.#config = config
    this.#coding = coding
    const { sessionName, cookieName: name, maxChunks } = config
    this.#writer = new CookieWriter({ sessionName, name, maxChunks, encode: coding.encode, decode: coding.decode, serialize: coding.serialize })
    this.#warnings = cookieWarnings(config, coding, warn)
  }

  /**
   * Gives the browser the cookie: split into several, if it is too long for one.
   * @param overrides attributes for this response, on top of those of the session and the app.
   * @param earlier the lines that this response has from here already; they are replaced.
   * @returns the lines.
   * @throws `FST_SEALED_SESSION_COOKIE_TOO_LARGE`
   */
  set (reply: SessionReply, token: string, overrides: Attributes | null, earlier: Lines): Lines {
    const lines = this.write(reply, token, overrides)
    this.#warnings?.look(reply.request, overrides)
    return this.#put(reply, earlier, lines)
  }

  /** The same lines, without putting them on the response. */
  write (reply: SessionReply, token: string, overrides: Attributes | null): Lines {
    const { sessionName, cookie } = this.#config
    const isSigned = (overrides?.signed ?? cookie.signed) === true
    if (isSigned && this.#coding.sign === null) throw fail('SIGNING_SECRET_MISSING', [sessionName])
    const value = isSigned && this.#coding.sign !== null ? this.#coding.sign(token) : token
    return this.#writer.write(value, this.#end(reply, overrides), reply.request.headers.cookie, () => this.attributes(reply, overrides))
  }

  /** Text before the value in a line. */
  get lineStart (): string { return this.#writer.start }

  /** Text behind it, if `setLine` does the same for this response as `set`; otherwise null. */
  lineEnd (reply: SessionReply, overrides: Attributes | null): string | null {
    return overrides === null && !this.#coding.isApps && this.#config.cookie.signed !== true ? this.#ends[kindOf(reply)] : null
  }

  /** Gives the browser the cookie by a whole line. @param end text behind its value; it may be empty. */
  setLine (reply: SessionReply, line: string, end: string, earlier: Lines): Lines {
    const lines = this.#writer.linesOf(line, reply.request.headers.cookie)
    if (lines === null) return this.set(reply, decodeValue(line.slice(this.lineStart.length, line.length - end.length)), null, earlier)
    this.#warnings?.look(reply.request, null)
    return this.#put(reply, earlier, lines)
  }

  /** Has the browser drop the cookie. */
  delete (reply: SessionReply, overrides: Attributes | null, earlier: Lines): Lines {
    return this.#put(reply, earlier, this.#writer.delete(this.attributes(reply, overrides), reply.request.headers.cookie))
  }

  /**
   * Attributes for this response. A cookie that nobody asked for must not get a longer life than the session
   * has.
   */
  overridesFor (reply: SessionReply, state: SessionState): Attributes | null {
    const { cookieOptions } = state
    if (state.changedByApp) return cookieOptions
    const { maxAge, expires } = this.attributes(reply, cookieOptions)
    if (maxAge === undefined && expires === undefined) return cookieOptions
    const now = Date.now()
    const left = Math.floor((state.expiresAt - now) / 1000)
    const capped = { ...cookieOptions }
    if (maxAge !== undefined) capped.maxAge = Math.min(maxAge, left)
    if (expires !== undefined) capped.expires = new Date(Math.min(expires.getTime(), now + left * 1000))
    return capped
  }

  /** True for a `Set-Cookie` line with the name of the cookie, or of one of its chunks. */
  isOwn (line: string): boolean {
    return this.#writer.isOwn(line)
  }

  /** Takes lines off the response again. */
  remove (reply: SessionReply, lines: Lines): void {
    this.#put(reply, lines, NO_LINES)
  }

  #end (reply: SessionReply, overrides: Attributes | null): LineEnd {
    const kind = kindOf(reply)
    const known = overrides === null ? this.#ends[kind] : null
    if (known !== null) return known
    const end = this.#writer.endOf(this.attributes(reply, overrides))
    if (overrides === null && typeof end === 'string') this.#ends[kind] = end
    return end
  }

  /** Attributes of the cookie: the app's settings for all cookies, the session's, the response's. */
  attributes (reply: SessionReply, overrides: Attributes | null): Attributes {
    this.#defaults ??= this.#readDefaults(reply)
    const attributes = { ...this.#defaults, ...this.#config.cookie, ...overrides }
    return resolveAttributes(attributes, reply.request.protocol === 'https')
  }

  #readDefaults (reply: SessionReply): Attributes {
    const defaults = this.#coding.defaultsOf(reply)
    this.#warnings?.defaultsKnown(defaults)
    return defaults ?? {}
  }

  #put (reply: SessionReply, earlier: Lines, lines: Lines): Lines {
    const header = reply.getHeader('set-cookie')
    if (header === undefined && lines.length === 1) {
      reply.header('set-cookie', lines[0])
    } else {
      const all = replaceLines(header, earlier, lines)
      reply.removeHeader('set-cookie')
      if (all.length > 0) reply.header('set-cookie', all)
    }
    if (lines.length > 0 && this.#config.noStore && !reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    if ((reply.request as TrackedRequest)[kSealed]) handOver(reply)
    return lines
  }
}

function kindOf (reply: SessionReply): 'plain' | 'secure' {
  return reply.request.protocol === 'https' ? 'secure' : 'plain'
}

/**
 * Hands the headers to Node. For a response that is a stream, Fastify does so before the first chunk is
 * there: headers that change after that are put there as well. Other responses overwrite them with the same.
 */
function handOver (reply: SessionReply): void {
  const cookies = reply.getHeader('set-cookie')
  if (cookies !== undefined) reply.raw.setHeader('set-cookie', cookies as string[])
  const control = reply.getHeader('cache-control')
  const isApps = control === 'no-store' && reply.raw.hasHeader('cache-control')
  if (control !== undefined && !isApps) reply.raw.setHeader('cache-control', control as string)
}
