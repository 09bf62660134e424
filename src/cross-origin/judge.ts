import type { IncomingHttpHeaders } from 'node:http'

// Rules that tell a request of a page of another origin: those of Go's net/http.CrossOriginProtection, and two more.
// https://pkg.go.dev/net/http#CrossOriginProtection

/** The part of a Fastify request that counts. Behind a trusted proxy, host and protocol are those of the browser. */
export interface JudgedRequest {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly host: string
  readonly protocol: string
}

/** Origins of a list, each in the spelling of browsers. */
export type Origins = ReadonlySet<string>

/** Reason to refuse a request, for the log of the app only. */
export type Reason = 'other-site' | 'other-origin'

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Reason to refuse a request; null if it may go on. */
export function reasonToRefuse (request: JudgedRequest, trusted: Origins): Reason | null {
  if (isSafe(request)) return null
  const { 'sec-fetch-site': site, origin } = request.headers as { 'sec-fetch-site'?: string, origin?: string }
  if (site === 'same-origin' || site === 'none') return null
  const reason = isSaid(site) ? 'other-site' : otherOrigin(request, origin)
  return reason === null || isTrusted(request, trusted) ? null : reason
}

/** True if the page is of an origin in the list. The header is compared as it is: a list of origins is none. */
export function isTrusted ({ headers: { origin } }: Pick<JudgedRequest, 'headers'>, trusted: Origins): boolean {
  return origin !== undefined && trusted.has(origin)
}

/** True if the request can only read, as its method promises. */
function isSafe (request: JudgedRequest): boolean {
  return SAFE_METHODS.has(request.method) && !isUpgrade(request)
}

/**
 * True if the request asks for a WebSocket. That begins with a GET, but all that the user may do comes after it,
 * and browsers let any site open one: without a check, a page of another site would use the connection as the
 * user (cross-site WebSocket hijacking). No page can make a browser send `Upgrade` in another way.
 */
export function isUpgrade ({ headers }: Pick<JudgedRequest, 'headers'>): boolean {
  return headers.upgrade !== undefined
}

/** True if the browser has said how far the page is away. An empty header counts as none, as in Go. */
function isSaid (site: string | undefined): boolean {
  return site !== undefined && site !== ''
}

/** Without `Sec-Fetch-Site`: an old browser, one without TLS, or no browser, which sends no `Origin` either. */
function otherOrigin ({ host, protocol }: JudgedRequest, origin: string | undefined): Reason | null {
  if (origin === undefined) return null
  const from = originOf(origin)
  if (from === null) return 'other-origin'
  const [scheme = ''] = from.split('//')
  // Over TLS, a page of http://, which anybody on the network can write, is another origin. Without TLS it may
  // have ended at a proxy of which Fastify does not know, so that https:// has to pass.
  const isPossible = scheme === 'https:' || (scheme === 'http:' && protocol !== 'https')
  return isPossible && from === originOf(`${scheme}//${host}`) ? null : 'other-origin'
}

/** Scheme, host and port, and no more: a URL parser would take a path, a user or a backslash as well. */
const FORM = /^([a-z][a-z\d+.-]*):\/\/[^\s,/?#@\\*]+$/i

/**
 * The spelling that browsers give an origin: small letters, no default port. Null for `null`, for a list, for
 * anything that is more than scheme, host and port.
 */
export function originOf (text: string): string | null {
  if (!FORM.test(text) || !URL.canParse(text)) return null
  // `origin` of a URL is 'null' for schemes of apps, such as capacitor: and chrome-extension:.
  const { protocol, host } = new URL(text)
  return `${protocol}//${host}`
}
