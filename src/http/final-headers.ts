import type { RawReply, SessionReply } from './exchange.ts'

// Headers at the moment in which they leave. Earlier they are not final: Fastify copies those of a web
// `Response` after all hooks, later onSend hooks and `reply.raw` may change them, and a hijacked reply has its own.

type Raw = RawReply & { writeHead: WriteHead }
type WriteHead = (status: number, first?: unknown, second?: unknown) => unknown

/** Headers as writeHead() takes them: an object, or a list of names and values, in pairs or not. */
type Given = Record<string, unknown> | readonly unknown[] | undefined

const SWITCHING_PROTOCOLS = 101

/** Headers of a response about to leave: those that writeHead() is given count before those that are set. */
export class FinalHeaders {
  readonly status: number
  readonly #raw: Raw
  #given: Given

  constructor (status: number, raw: Raw, given: Given) {
    this.status = status
    this.#raw = raw
    this.#given = given
  }

  /** As writeHead() takes them. */
  get given (): Given { return this.#given }

  /** A header that writeHead() is given or that is set. @param name in lower case. */
  get (name: string): unknown {
    return this.#inGiven(name) ?? this.onRaw(name)
  }

  /** A header that is set on the raw response. */
  onRaw (name: string): unknown {
    return this.#raw.getHeader(name)
  }

  /**
   * `Cache-Control` that counts. One that the app has set on the raw response meanwhile counts before ours.
   * @param isOurs true if `no-store` was put beside a cookie.
   */
  cacheControl (isOurs: boolean): unknown {
    const control = this.get('cache-control')
    const own = isOurs && control === 'no-store' ? this.onRaw('cache-control') : undefined
    if (own === undefined || this.#given === undefined) return control
    this.replace('cache-control', own)
    return own
  }

  /** Lines of the header `Set-Cookie`. */
  get cookies (): string[] {
    const value = this.get('set-cookie')
    if (typeof value === 'string') return [value]
    return value === undefined ? [] : [value].flat().map(String)
  }

  /** True if one of these lines stands in `Set-Cookie`. */
  hasAny (lines: readonly string[]): boolean {
    const value = this.get('set-cookie')
    if (typeof value === 'string' && lines.length === 1) return value === lines[0] // nearly always
    const { cookies } = this
    return lines.some(line => cookies.includes(line))
  }

  /** Takes lines out of `Set-Cookie`. */
  removeCookies (lines: readonly string[]): void {
    const kept = this.cookies.filter(line => !lines.includes(line))
    if (this.#inGiven('set-cookie') !== undefined) this.replace('set-cookie', kept)
    else if (kept.length > 0) this.#raw.setHeader('set-cookie', kept)
    else this.#raw.removeHeader('set-cookie')
  }

  /** Takes a header away. @param name in lower case. */
  remove (name: string): void {
    if (this.#inGiven(name) !== undefined) this.replace(name, [])
    this.#raw.removeHeader(name)
  }

  /** Gives writeHead() another value; none for an empty list. */
  replace (name: string, value: unknown): void {
    const rest = pairsOf(this.#given).filter(([key]) => key.toLowerCase() !== name)
    // A header that stands in a list twice has a list of values in an object.
    const given: Record<string, unknown> = {}
    for (const [key, value] of rest) given[key] = key in given ? [given[key], value].flat() : value
    if (!(Array.isArray(value) && value.length === 0)) given[name] = value
    this.#given = given
  }

  #inGiven (name: string): unknown {
    const given = this.#given
    if (given === undefined) return undefined
    const value = (given as Record<string, unknown>)[name] // Fastify's names are in lower case
    if (value !== undefined) return value
    const values = pairsOf(given).filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
    return values.length > 1 ? values.flat() : values[0]
  }
}

function pairsOf (given: Given): Array<[name: string, value: unknown]> {
  if (given === undefined) return []
  if (!isList(given)) return Object.entries(given)
  if (Array.isArray(given[0])) return given as Array<[string, unknown]>
  return given.flatMap((name, index) => index % 2 === 0 ? [[String(name), given[index + 1]]] : [])
}

function isList (given: NonNullable<Given>): given is readonly unknown[] {
  return Array.isArray(given)
}

/** Looks at the headers of a reply when they leave, and may still change them. */
export interface HeadersWatcher { leaving (headers: FinalHeaders): void }

/** Has the headers of a reply looked at when they leave. */
export function watchHeaders (reply: SessionReply, watcher: HeadersWatcher): void {
  const raw = reply.raw as unknown as Raw
  const { writeHead } = raw
  // Node calls it for headers that nobody writes as well, over HTTP/1 and HTTP/2.
  raw.writeHead = (status, first, second) => {
    if (raw.headersSent) return writeHead.call(raw, status, first, second)
    const isFirst = typeof first === 'object' && first !== null // without a text of the status
    const headers = new FinalHeaders(status, raw, (isFirst ? first : second) as Given)
    watcher.leaving(headers)
    return isFirst ? writeHead.call(raw, status, headers.given) : writeHead.call(raw, status, first, headers.given)
  }
  if (isUpgrade(reply)) watchUpgrade(reply as UpgradeReply, watcher) // only Node's have the mark
}

/** True for a request that Node takes for the upgrade to a WebSocket. */
function isUpgrade (reply: SessionReply): boolean {
  return reply.request.raw?.upgrade === true
}

/** True if its connection is a WebSocket by now: the answer to the upgrade bypasses the reply. */
export function isUpgraded (reply: SessionReply): boolean {
  return reply.sent && isUpgrade(reply)
}

/** Reply to an upgrade. */
interface UpgradeReply extends SessionReply {
  getHeaders (): Record<string, unknown>
  headers (values: Record<string, string | string[]>): unknown
  hijack (): unknown
}

/**
 * The answer to an upgrade never gets to writeHead(): it is written to the socket right after hijack().
 * The app can add the reply's headers to it, and a cookie that is not among those is lost.
 */
function watchUpgrade (reply: UpgradeReply, watcher: HeadersWatcher): void {
  const { hijack } = reply
  reply.hijack = () => {
    const before = reply.getHeaders()
    const headers = new FinalHeaders(SWITCHING_PROTOCOLS, reply.raw as unknown as Raw, before)
    watcher.leaving(headers)
    if (headers.given !== before) { // it was a copy of the reply's own
      for (const name of Object.keys(before)) reply.removeHeader(name)
      reply.headers(headers.given as Record<string, string | string[]>)
    }
    return hijack.call(reply)
  }
}

/**
 * True if a shared cache may keep a response (RFC 9111 section 3). A session's cookie on it could reach other
 * users.
 * @param header its `Cache-Control`; undefined for none.
 */
export function isSharedCacheable (header: unknown): boolean {
  if (header === undefined || header === 'no-store') return false // nearly always
  return !/(?:^|,)\s*(?:no-store|private)\s*(?:,|$)/i.test(String(header))
}
