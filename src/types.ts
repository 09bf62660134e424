import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { SecureSessionOptions } from './options/types.ts'
import type { SessionData as RequireSessionData } from './require.cjs'

export type * from './options/types.ts'
export type * from './token-types.ts'
export type { SessionOpenMessage, SessionSealMessage } from './diagnostics.ts'

/**
 * Type of a session's data. Extend it by declaration merging, under the name the package is installed with:
 *
 * ```ts
 * declare module 'fastify-sealed-session' {
 *   interface SessionData { userId: number }
 * }
 * ```
 *
 * It extends the one that files loading the package with `require()` see, so that there is one type of
 * `request.session`, whichever way a file of the program imports this package.
 */
export interface SessionData extends RequireSessionData {}

/** Keys that a session takes besides the declared ones: any, as long as nobody declared some. */
type UndeclaredKey<T> = keyof T extends never ? string : never

/** The methods of a session. They are bound to it: `const { get, set } = request.session` works. */
export interface SessionMethods<T> {
  /**
   * True once the session will be sent with the response: after a write, `touch`, `delete` or
   * `regenerate`, and when it was sealed with an older key. Writable: `false` keeps the cookie from
   * being sent, `true` sends it with its time of the last write as it was.
   */
  changed: boolean

  /** True after `delete()`, until something is set again. Writable. */
  deleted: boolean

  /**
   * Reads a value. An object or array may be changed in place: that is noticed when the response is
   * sent, and saved.
   * @returns the value, or `undefined` if the key was never set. A name of `Object.prototype` (`toString`,
   * `constructor`, …) is not there until you set it.
   */
  get<Key extends keyof T>(key: Key): T[Key] | undefined
  /**
   * Reads a key that is not declared: `any`, as with `@fastify/secure-session`, unless you give the type:
   * `session.get<string>('theme')`.
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what compiled with the peer compiles
  get<Value = any>(key: string): NoInfer<Value> | undefined
  // The last overload counts if a type is made of this one, such as ReturnType<Session['get']>.
  /** Reads a key that is not declared. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  get(key: string): any

  /** The same as below, for any key: as long as nobody has declared a session's data. */
  set(key: UndeclaredKey<T>, value: unknown): void
  // Last, since the compiler speaks of the last one if none fits.
  /**
   * Stores a value and marks the session to be sent.
   *
   * The value is anything that JSON can hold. A BigInt, function, symbol or cycle is refused when the session
   * is sealed, with `FST_SEALED_SESSION_VALUE_UNSTORABLE`, which names the key path. (In an `onSend` hook
   * registered after this plugin, that is at once.)
   * @throws `FST_SEALED_SESSION_KEY_RESERVED` for `__ts`, the time of the last write.
   */
  set<Key extends keyof T>(key: Key, value: T[Key] | undefined): void

  /**
   * A shallow copy of everything in the session, without internal properties. Never undefined: the
   * type is that of `@fastify/secure-session`, so that code written for it compiles.
   */
  data(): T | undefined

  /**
   * Ends the session: it reads as empty at once and the browser is told to drop its cookie.
   * A `set` after it starts a new session in the same response.
   *
   * A copy of the cookie made earlier stays valid until it expires, unless `sessionRevocation` is
   * registered: without it, nothing on the server could tell it from a live one.
   */
  delete(): void

  /**
   * Cookie attributes for this response only, on top of those given at registration. The last call
   * counts. Keys that `@fastify/cookie` does not know are ignored.
   *
   * With `expiry`, a lifetime of this one session ('remember me'), in seconds: it and `maxAge` are
   * sealed with the session, which is sent, and hold for later responses, too, until `regenerate()`,
   * `delete()` or another such call.
   * @throws `FST_SEALED_SESSION_DURATION` if `expiry`, or `maxAge` beside it, is no finite positive number.
   * An `expiry` longer than `maxExpiry` counts as `maxExpiry`, with a warning once.
   */
  options(options: CookieSerializeOptions & { expiry?: number | undefined }): void

  /** Sends the session again with the time of the last write set to now, which restarts `expiry`. */
  touch(): void

  /**
   * Empties the session except for `keep`, and marks it to be sent. Call it when privileges change
   * (login, sudo), so that nothing planted earlier lives on.
   * @param keep key or keys to keep; default none.
   */
  regenerate(keep?: string | readonly string[]): void
}

/**
 * A session: its methods, and its data as properties. A key named like a method is stored and read through
 * `set` and `get`.
 */
export type Session<T = SessionData> = Partial<T> & SessionMethods<T>

/** The plugin. `register` calls it; a plugin of yours that does may pass its own callback on, as `done`. */
export type FastifySecureSession =
  (app: FastifyInstance, options: SecureSessionOptions, done?: (error?: Error) => void) => Promise<void>

/** The part of a logger that is used when a cookie is decoded. */
export type DecodeLog = Partial<Pick<FastifyBaseLogger, 'debug' | 'trace'>>

/** A request that brings cookies: one of Fastify, or of node:http or node:http2, such as that of an upgrade. */
export interface CookieRequest {
  readonly headers: { readonly cookie?: string | undefined }
  /** Cookies that were parsed; if they are there, they count. */
  readonly cookies?: Readonly<Record<string, string | undefined>> | null | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Makes a session outside a request, for example to hand out a token for a WebSocket.
     * @param data its data at first; default nothing. Copied, not changed.
     * @throws `FST_SEALED_SESSION_DATA_INVALID` if it is not an object, `FST_SEALED_SESSION_KEY_RESERVED` if
     * it has a key that the session keeps itself.
     */
    createSecureSession(data?: object | null): Session

    /**
     * Opens a token, or the session that a request brings.
     * @param from a request, of Fastify or of node:http: the session is found as the plugin finds it, also if
     * it is split or signed. Or a token, signed or not: in the secretbox format text behind a second `;` is
     * ignored, so that a whole `Set-Cookie` line can be given; in the sealed format nothing may follow.
     * @param log the reason of a refusal is written to it at level debug; default `fastify.log`, or the log
     * of the request if it has one.
     * @param sessionName default: the first session registered.
     * @returns the session, or `null` if there is none, or it cannot be opened or is not valid any more. It
     * does not ask if the session was revoked: `await fastify.isSessionRevoked(session)` does.
     * @throws `FST_SEALED_SESSION_UNKNOWN_SESSION` for a name that was not registered.
     */
    decodeSecureSession<T = SessionData>(from: string | CookieRequest | undefined, log?: DecodeLog, sessionName?: string): Session<T> | null

    /**
     * Seals a session into a token, the value of its cookie before signing.
     * @param sessionName default: the first session registered.
     * @throws `FST_SEALED_SESSION_UNKNOWN_SESSION` for a name that was not registered,
     * `FST_SEALED_SESSION_NOT_A_SESSION` for anything but a session,
     * `FST_SEALED_SESSION_VALUE_UNSTORABLE` for data that JSON cannot hold,
     * `FST_SEALED_SESSION_TOO_LARGE` for more than 48 KiB of it.
     */
    encodeSecureSession<T = SessionData>(session: Session<T>, sessionName?: string): string
  }

  interface FastifyReply {
    /**
     * Cookies of this request's sessions, for a response that bypasses `onSend`: one that is hijacked, or
     * written to `reply.raw`. All others have them without it.
     *
     * Call it after the last write to a session, and before the headers are sent. It also puts
     * them, and `Cache-Control: no-store`, among the headers of the reply, so that
     * `reply.getHeaders()` has them. If a session is written afterwards, call it again.
     * @returns the `Set-Cookie` lines, several for a session that is split; none for sessions that
     * were not changed.
     * @throws (as a rejection) `FST_SEALED_SESSION_HEADERS_SENT`, and the errors of sealing, such as
     * `FST_SEALED_SESSION_VALUE_UNSTORABLE`; with revocation, status 503 if its store is out.
     */
    sessionCookies(): Promise<string[]>
  }

  interface FastifyRequest {
    /**
     * The session of this request: that of its cookie, or an empty one. Opened when first used.
     *
     * A session that `createSecureSession` or `decodeSecureSession` of this app returned may be
     * assigned, to one request. It is sent like one that was written. The one before ends, as with `regenerate()`.
     * @throws `FST_SEALED_SESSION_ASSIGNED` when anything else is assigned but `null`, which sends
     * nothing; with revocation, `FST_SEALED_SESSION_NOT_CHECKED` when an opened one is assigned before
     * `isSessionRevoked` has said that it was not revoked, ten seconds after that, or after a change.
     */
    session: Session
  }
}
