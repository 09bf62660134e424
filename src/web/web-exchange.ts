import { fail, kindOf } from '../errors.ts'
import { kReply, kSealed, type RawReply, type SessionLog, type SessionReply, type SessionRequest, type TrackedRequest } from '../http/exchange.ts'
import { refuseUnknown } from '../options/readers.ts'
import type { OpenOptions, WebRequestSource, WebResponseHeaders } from './types.ts'

// Request and response of web standards, as sessions need them.

const ROUTE: SessionRequest['routeOptions'] = {}

/** Settings of a route whose requests only the app has send a session. */
const POLL: SessionRequest['routeOptions'] = { config: { session: { extend: false } } }

/** Parts of a request that servers have beside the standard ones. */
type Given = WebRequestSource & { bodyUsed?: unknown, readableEnded?: unknown, socket?: { encrypted?: unknown } | null }

/** Request of a web server. */
export class WebRequest implements TrackedRequest {
  readonly id = null
  readonly raw = null
  readonly headers: SessionRequest['headers']
  readonly log: SessionLog
  readonly routeOptions: SessionRequest['routeOptions']
  /** The request as the app has it. */
  readonly given: WebRequestSource
  readonly [kReply]: WebReply
  readonly [kSealed] = false

  /** @throws `FST_SEALED_SESSION_REQUEST_INVALID`, `FST_SEALED_SESSION_OPTION_UNKNOWN` */
  constructor (given: WebRequestSource, options: OpenOptions | undefined, log: SessionLog) {
    this.headers = headersOf(given)
    this.log = log
    this.routeOptions = isExtended(options) ? ROUTE : POLL
    this.given = given
    this[kReply] = new WebReply(this)
  }

  get reply (): WebReply { return this[kReply] }

  get method (): string { return this.given.method ?? 'GET' }

  get originalUrl (): string { return (this.given.url ?? '').replace(/^[a-z]+:\/\/[^/?#]*/i, '') }

  get protocol (): string {
    const { url, socket } = this.given as Given
    return socket?.encrypted === true || url?.startsWith('https:') === true ? 'https' : 'http'
  }

  /** Something if the body was read: a client may have held the request open by it. */
  get body (): true | undefined {
    const { bodyUsed, readableEnded } = this.given as Given
    return bodyUsed === true || readableEnded === true ? true : undefined
  }
}

function isExtended (options: OpenOptions | undefined): boolean {
  if (options === undefined) return true
  refuseUnknown(options, ['extend'])
  const { extend = true } = options
  if (typeof extend !== 'boolean') throw fail('OPTION_INVALID', ['extend', 'true or false', kindOf(extend)])
  return extend
}

function headersOf (given: WebRequestSource): SessionRequest['headers'] {
  const headers: unknown = Object(given).headers
  if (typeof headers !== 'object' || headers === null) throw fail('REQUEST_INVALID', [typeof given === 'object' && given !== null ? 'an object without them' : kindOf(given)])
  return isWebHeaders(headers) ? new ReadHeaders(headers) : headers
}

function isWebHeaders (headers: object): headers is Pick<WebResponseHeaders, 'get'> {
  return typeof (headers as { get?: unknown }).get === 'function'
}

/** Headers of a request by name, as Node has them. */
class ReadHeaders {
  readonly cookie: string | undefined
  readonly #headers: Pick<WebResponseHeaders, 'get'>

  constructor (headers: Pick<WebResponseHeaders, 'get'>) {
    this.#headers = headers
    this.cookie = headers.get('cookie') ?? undefined
  }

  get 'x-forwarded-proto' (): string | null { return this.#headers.get('x-forwarded-proto') }
  get 'secure-session-skipped' (): string | null { return this.#headers.get('secure-session-skipped') }
}

/** Response that a session is committed to: web `Headers`, under the names that Node gives their methods. */
export class WebReply implements SessionReply, RawReply {
  readonly request: WebRequest
  readonly sent = false
  readonly destroyed = false
  readonly closed = false
  /** True after `commit()`, as long as no other begins. */
  headersSent = false
  /** Null before the first `commit()`. */
  #headers: WebResponseHeaders | null = null

  constructor (request: WebRequest) {
    this.request = request
  }

  get raw (): this { return this }

  /** Aims at the headers of a response. @throws `FST_SEALED_SESSION_HEADERS_INVALID`, `FST_SEALED_SESSION_HEADERS_IMMUTABLE` */
  begin (headers: WebResponseHeaders): void {
    const { append, getSetCookie } = Object(headers) as Partial<WebResponseHeaders>
    if (typeof append !== 'function' || typeof getSetCookie !== 'function') throw fail('HEADERS_INVALID', [kindOf(headers)])
    assertMutable(headers)
    this.#headers = headers
    this.headersSent = false
  }

  /** Has the session look at the headers a last time. */
  leave (): void {
    this.writeHead(200)
    this.headersSent = true
  }

  /** Replaced by who has to look at the headers when they leave. */
  writeHead (_status: number): void {}

  getHeader (name: string): string | string[] | undefined {
    if (name !== 'set-cookie') return this.#headers?.get(name) ?? undefined
    const lines = this.#headers?.getSetCookie() ?? []
    return lines.length === 0 ? undefined : lines
  }

  hasHeader (name: string): boolean {
    return this.#headers?.has(name) === true
  }

  header (name: string, value: unknown): void {
    this.#change(headers => {
      headers.delete(name)
      for (const line of [value].flat()) headers.append(name, String(line))
    })
  }

  setHeader (name: string, value: string | string[]): void {
    this.header(name, value)
  }

  removeHeader (name: string): void {
    this.#change(headers => { headers.delete(name) })
  }

  once (): void {} // nobody tells when it has left

  #change (change: (headers: WebResponseHeaders) => void): void {
    if (this.#headers !== null) change(this.#headers)
  }
}

/**
 * Asked before anything is sealed: the error of sealing is thrown once, and a commit to other headers must not pass for one
 * that has sent the cookie.
 * @throws `FST_SEALED_SESSION_HEADERS_IMMUTABLE` for headers of a response that was fetched, or of `Response.redirect()`
 */
function assertMutable (headers: WebResponseHeaders): void {
  try {
    headers.delete('sealed-session-probe')
  } catch (cause) {
    throw fail('HEADERS_IMMUTABLE', [], { cause })
  }
}
