import type { DeviceBindingOptions } from '../device/types.ts'
import type { RegistryMethods, SessionRegistryOptions } from '../registry/types.ts'
import type { RevocationMethods, SessionRevocationOptions } from '../revocation/types.ts'
import type { DeclaredData, SealedSessionPluginOptions, Session } from '../types.ts'

/**
 * Request that a session is opened from: a web `Request`, a request of node:http, or anything else with its headers, such
 * as `{ headers }` with web `Headers`.
 */
export interface WebRequestSource {
  readonly headers: { get(name: string): string | null } | { readonly cookie?: string | undefined }
  /** With `secure: 'auto'`, the cookie is `Secure` if this begins with `https:`, or if the connection speaks TLS. */
  readonly url?: string | undefined
  readonly method?: string | undefined
}

/** Headers of a response: web `Headers`. */
export interface WebResponseHeaders {
  get(name: string): string | null
  has(name: string): boolean
  set(name: string, value: string): void
  append(name: string, value: string): void
  delete(name: string): void
  getSetCookie(): string[]
}

/** Session of a web request: a `Session`, and the method that sends it. */
export type WebSession<T = DeclaredData> = Session<T> & {
  /**
   * Puts the session's cookies on a response, and `Cache-Control: no-store` if the headers have no `Cache-Control`. Call
   * it for every response, after the last write and when all other headers are set. Nothing is put there if nothing has
   * to be sent. If the session is written after it, or the response becomes another one, call it again.
   *
   * A key of your data that is named `commit` is read by `get('commit')` and written by `set('commit', value)`.
   * @param headers of the response.
   * @throws (rejects) `FST_SEALED_SESSION_HEADERS_INVALID`, `FST_SEALED_SESSION_HEADERS_IMMUTABLE`, and the errors of
   * sealing, such as `FST_SEALED_SESSION_VALUE_UNSTORABLE`; with revocation those of `app.revokeSubject()`, and 503 if its
   * store is out. Each is thrown once: the response to the error may be committed, and goes out without the cookie.
   */
  commit(headers: WebResponseHeaders): Promise<void>
}

/** Options of `open`. */
export interface OpenOptions {
  /** False for a poll: only a change by the app makes it send a session. Default true. The first `open` of a request counts. */
  extend?: boolean | undefined
}

/** Logger of `createWebSessions`: that of pino, `console`, or any with some of these methods. */
export interface WebLog {
  error?(details: object, message: string): void
  warn?(details: object, message: string): void
  info?(message: string): void
  debug?(message: string): void
}

/** Signer of cookies, as `@fastify/cookie` takes one. */
export interface CookieSigner {
  sign(value: string): string
  unsign(value: string): { valid: boolean, value: string | null }
}

/** Options of `createWebSessions`: those of one session of `sealedSession`, and of plugins for it. */
export type WebSessionsOptions = SealedSessionPluginOptions & {
  /** Ends sessions on the server: the options of `sessionRevocation`, with the same store as in the app beside it. Default: none. */
  revocation?: Omit<SessionRevocationOptions, 'sessionName'> | undefined

  /** Lists the sessions of a user: the options of `sessionRegistry`. It needs `revocation` with `subject`. Default: none. */
  registry?: Omit<SessionRegistryOptions, 'sessionName' | 'describe'> & { describe?(request: WebRequestSource): object } | undefined

  /**
   * True, or the options that `deviceBinding` has in the app: a session that is bound to a device opens beside the proof
   * of that device. Sessions are bound, and devices prove themselves, in the app on Fastify only. Default: a bound session
   * does not open.
   */
  device?: boolean | DeviceBindingOptions | undefined

  /**
   * Secret of signed cookies (`cookie: { signed: true }`): the `secret` that the app on Fastify gives `@fastify/cookie`.
   * Default: made of the session's keys, as the plugin makes it for an app that does not register `@fastify/cookie` and
   * has this session only, or this one last.
   */
  cookieSecret?: string | Buffer | ReadonlyArray<string | Buffer> | CookieSigner | undefined

  /** Log. Default: warnings and failures of a store go to `process.emitWarning`, and nothing else is told. */
  log?: WebLog | undefined
}

/** Sessions on web standards. The methods that end and list sessions need the options `revocation` and `registry`. */
export interface WebSessions<T = DeclaredData> extends RevocationMethods, RegistryMethods {
  /**
   * Opens the session that a request brings, or an empty one. The same request has one session, however often it is
   * opened: a middleware and a handler write to the same. If a request waits for long before its session is used, such as
   * for a body, open it again: it is looked at anew.
   * @throws (rejects) `FST_SEALED_SESSION_REQUEST_INVALID`; with revocation, `FST_SEALED_SESSION_STORE_UNAVAILABLE` (503)
   * if its store is out. A cookie that is refused never throws: the session is empty.
   */
  open(request: WebRequestSource, options?: OpenOptions): Promise<WebSession<T>>

  /** Ends what is left that runs: timers of `sessionSignal`. Drops the option `cache` for good. */
  close(): void
}
