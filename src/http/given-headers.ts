import type { RawReply, SessionReply } from './exchange.ts'
import { FinalHeaders, type HeadersWatcher, isSharedCacheable, TARGETED_HEADERS } from './final-headers.ts'

export { type FinalHeaders, type HeadersWatcher, isSharedCacheable } from './final-headers.ts'

// Headers that leave by writeHead() of Node.js, and by the answer to an upgrade.

type Raw = RawReply & { writeHead: WriteHead }
type WriteHead = (status: number, first?: unknown, second?: unknown) => unknown

/** Headers as writeHead() takes them: an object, or a list of names and values, in pairs or not. */
type Given = Record<string, unknown> | readonly unknown[] | undefined

const SWITCHING_PROTOCOLS = 101

/** Characters of the shortest of the targeted headers. */
const SHORTEST_TARGETED = Math.min(...TARGETED_HEADERS.map(({ length }) => length))

/** Headers that writeHead() is given count before those that are set. */
class GivenHeaders extends FinalHeaders {
  #given: Given

  constructor (status: number, raw: RawReply, given: Given) {
    super(status, raw)
    this.#given = given
  }

  /** As writeHead() takes them. */
  get given (): Given { return this.#given }

  override get (name: string): unknown {
    return this.#inGiven(name) ?? this.onRaw(name)
  }

  /** One that the app has set on the raw response meanwhile counts before ours. */
  override cacheControl (isOurs: boolean): unknown {
    const control = this.get('cache-control')
    const own = isOurs && control === 'no-store' ? this.onRaw('cache-control') : undefined
    if (own === undefined || this.#given === undefined) return control
    this.#replace('cache-control', own)
    return own
  }

  override isShared (isOurs: boolean): boolean {
    return super.isShared(isOurs) || this.#isSharedByTarget()
  }

  override removeCookies (lines: readonly string[]): void {
    if (this.#inGiven('set-cookie') === undefined) super.removeCookies(lines)
    else this.#replace('set-cookie', this.cookies.filter(line => !lines.includes(line)))
  }

  override remove (name: string): void {
    if (this.#inGiven(name) !== undefined) this.#replace(name, [])
    super.remove(name)
  }

  /** Gives writeHead() another value; none for an empty list. */
  #replace (name: string, value: unknown): void {
    const rest = pairsOf(this.#given).filter(([key]) => key.toLowerCase() !== name)
    // A header that stands in a list twice has a list of values in an object.
    const given: Record<string, unknown> = {}
    for (const [key, value] of rest) given[key] = key in given ? [given[key], value].flat() : value
    if (!(Array.isArray(value) && value.length === 0)) given[name] = value
    this.#given = given
  }

  #isSharedByTarget (): boolean {
    const given = this.#given
    if (given === undefined) return false
    if (!isList(given) && !hasLongName(given)) return false // nearly always, and nothing is made for it
    return pairsOf(given).some(([name, value]) => TARGETED_HEADERS.includes(name.toLowerCase()) && isSharedCacheable(value))
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

/** True if a name is as long as that of a targeted header. */
function hasLongName (given: Record<string, unknown>): boolean {
  for (const name in given) if (name.length >= SHORTEST_TARGETED) return true
  return false
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

/** Has the headers of a reply looked at when they leave. */
export function watchHeaders (reply: SessionReply, watcher: HeadersWatcher): void {
  const raw = reply.raw as unknown as Raw
  const { writeHead } = raw
  // Node calls it for headers that nobody writes as well, over HTTP/1 and HTTP/2.
  raw.writeHead = (status, first, second) => {
    if (raw.headersSent) return writeHead.call(raw, status, first, second)
    const isFirst = typeof first === 'object' && first !== null // without a text of the status
    const headers = new GivenHeaders(status, raw, (isFirst ? first : second) as Given)
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
    const headers = new GivenHeaders(SWITCHING_PROTOCOLS, reply.raw, before)
    watcher.leaving(headers)
    if (headers.given !== before) { // it was a copy of the reply's own
      for (const name of Object.keys(before)) reply.removeHeader(name)
      reply.headers(headers.given as Record<string, string | string[]>)
    }
    return hijack.call(reply)
  }
}
