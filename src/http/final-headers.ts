import type { RawReply } from './exchange.ts'

// Headers at the moment in which they leave. Earlier they are not final: Fastify copies those of a web
// `Response` after all hooks, later onSend hooks and `reply.raw` may change them, and a hijacked reply has its own.

/**
 * Headers for the caches of one network, which heed them in place of `Cache-Control` (RFC 9213): `no-store` there does not keep them
 * from giving one user's cookie to all.
 */
export const TARGETED_HEADERS = ['cdn-cache-control', 'cloudflare-cdn-cache-control', 'netlify-cdn-cache-control', 'vercel-cdn-cache-control', 'surrogate-control']

/** Headers of a response about to leave, as they are set on it. */
export class FinalHeaders {
  readonly status: number
  protected readonly raw: RawReply

  constructor (status: number, raw: RawReply) {
    this.status = status
    this.raw = raw
  }

  /** @param name in lower case. */
  get (name: string): unknown {
    return this.onRaw(name)
  }

  /** A header that is set on the raw response. */
  onRaw (name: string): unknown {
    return this.raw.getHeader(name)
  }

  /**
   * `Cache-Control` that counts.
   * @param _isOurs true if `no-store` was put beside a cookie.
   */
  cacheControl (_isOurs: boolean): unknown {
    return this.get('cache-control')
  }

  /** True if a shared cache may keep the response. @param isOurs as of `cacheControl`. */
  isShared (isOurs: boolean): boolean {
    if (isSharedCacheable(this.cacheControl(isOurs))) return true
    if (this.raw.getHeaderNames?.().length === 0) return false // nearly always; Node.js makes a text for each question
    return TARGETED_HEADERS.some(name => isSharedCacheable(this.onRaw(name)))
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
    if (kept.length > 0) this.raw.setHeader('set-cookie', kept)
    else this.raw.removeHeader('set-cookie')
  }

  /** Takes a header away. @param name in lower case. */
  remove (name: string): void {
    this.raw.removeHeader(name)
  }
}

/** Looks at the headers of a reply when they leave, and may still change them. */
export interface HeadersWatcher { leaving (headers: FinalHeaders): void }

/**
 * True if a shared cache may keep a response (RFC 9111 section 3). A session's cookie on it could reach other
 * users.
 * @param header its `Cache-Control`; undefined for none.
 */
export function isSharedCacheable (header: unknown): boolean {
  if (header === undefined || header === 'no-store') return false // nearly always
  return !/(?:^|,)\s*(?:no-store|private)\s*(?:,|$)/i.test(String(header))
}
