import type { CookieSerializeOptions } from '@fastify/cookie'
import type { Serialize } from '../cookies/set-cookie.ts'
import type { SignatureCheck } from '../cookies/signature.ts'
import type { CookieRequest, SessionRouteConfig } from '../types.ts'

// Request and response, as far as sessions need them. Fastify's are such as they are, so that they cost nothing; the web
// entry makes them of web standards.

type Listener = () => void

/** Request that a session comes from. */
export interface SessionRequest extends CookieRequest {
  readonly headers: { readonly cookie?: string | undefined, readonly host?: unknown, readonly origin?: unknown, readonly 'x-forwarded-proto'?: unknown }
  readonly id: unknown
  readonly method: string
  readonly originalUrl: string
  readonly protocol: string
  /** Route in the words of the app: nothing in it is from the URL that a user sends. */
  readonly routeOptions: { readonly url?: string | undefined, readonly config?: object | undefined }
  readonly log: SessionLog
  /** Null if nobody tells when its connection is closed. */
  readonly raw: { readonly upgrade?: unknown, readonly closed: boolean, once (event: 'close', listener: Listener): unknown } | null
  /** Undefined as long as nothing has read it. */
  readonly body?: unknown
}

/** Log of a request. */
export interface SessionLog {
  debug (message: string): void
  trace (message: string): void
  info (message: string): void
  error (details: object, message: string): void
}

/** Response that a session is sent with. */
export interface SessionReply {
  readonly request: SessionRequest
  readonly sent: boolean
  readonly raw: RawReply
  getHeader (name: string): unknown
  hasHeader (name: string): boolean
  header (name: string, value: unknown): unknown
  removeHeader (name: string): unknown
}

/** Response below the framework: its headers are those that leave. */
export interface RawReply {
  readonly headersSent: boolean
  readonly destroyed: boolean
  readonly closed: boolean
  getHeaderNames? (): string[]
  getHeader (name: string): unknown
  hasHeader (name: string): boolean
  setHeader (name: string, value: string | string[]): unknown
  removeHeader (name: string): unknown
  once (event: 'close', listener: Listener): unknown
}

/**
 * Reply of the request, as soon as it is known; before that null, or undefined in a context that was made before the
 * plugin was registered.
 */
export const kReply: unique symbol = Symbol('reply')

/** True after the plugin's `onSend` hook has sealed: nothing later would. */
export const kSealed: unique symbol = Symbol('sealed')

export type TrackedRequest = SessionRequest & { [kReply]: SessionReply | null | undefined, [kSealed]: boolean }

/** True for a request to a route that says `extend: false`: only the app makes it send a session. */
export function isPoll ({ routeOptions }: SessionRequest): boolean {
  const { config } = routeOptions as { config?: { session?: SessionRouteConfig | null } }
  return config?.session?.extend === false
}

export type Cookies = Record<string, string | undefined>

/** Key of a request: its parsed cookies, from the first read of `request.cookies` on; null before. */
export const kCookies: unique symbol = Symbol('cookies')
export type LazyRequest = CookieRequest & { [kCookies]?: Cookies | null }

/** Encoding of the values of cookies in headers, and its inverse. */
export interface CookieCoding {
  /** True if the app registered `@fastify/cookie` itself, so that its `parseOptions` count. */
  isApps: boolean
  encode: (value: string) => string
  /** Undefined if a `decode` function of the app's fails. */
  decode: (text: string) => string | undefined
  serialize: Serialize
  /** Null if the app cannot sign. */
  sign: ((value: string) => string) | null
  signatures: SignatureCheck
  /** Attributes that the app has for all cookies; null if they cannot be found out. */
  defaultsOf: (reply: SessionReply) => CookieSerializeOptions | null
  /** Bytes of headers that the server takes; null if that is not known. */
  maxHeaderBytes: number | null
}
