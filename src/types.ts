import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import type { DeviceBindingOptions } from './device/types.ts'
import type { Keyring } from './keys/keyring.ts'
import type { SessionData as RequireSessionData, Sessions as RequireSessions } from './require.cjs'

export type { SessionLifecycleMessage, SessionOpenMessage, SessionSealMessage } from './diagnostics.ts'

/**
 * Sessions of your app: the `sessionName` of each, and the type of its data. `session` is `request.session`, whatever its
 * cookie is named. Declare them in one place, under the name the package is installed with:
 *
 * ```ts
 * declare module 'fastify-sealed-session' {
 *   interface Sessions {
 *     session: { userId: number }
 *     admin: { adminId: string }
 *   }
 * }
 * ```
 *
 * A request then has these sessions and no others, as `request.session` and `request.admin`. `get` and `set` take the
 * declared keys alone: `session.get('usrId')` does not compile. As long as nobody declares `Sessions`, `SessionData`
 * applies, and types are those of `@fastify/secure-session`.
 *
 * It extends the interface that files loading the package with `require()` see, and so does `SessionData`: there is one
 * type of `request.session`, whichever way a file of the program imports this package.
 */
export interface Sessions extends RequireSessions {}

/**
 * Type of a session's data, as with `@fastify/secure-session`. Extend it by declaration merging, under the name the
 * package is installed with:
 *
 * ```ts
 * declare module '@fastify/secure-session' {
 *   interface SessionData { userId: number }
 * }
 * ```
 *
 * A key that is not declared is `any` for `get` and `set`, and `session.userId` does not compile: declare `userId` in
 * `Sessions`, or here. Declare `Sessions` in place of this to have the compiler refuse such a key everywhere.
 */
export interface SessionData extends RequireSessionData {}

/** Data of the session named `session`: as your app declares it by `Sessions`, and as plugins add to `SessionData`. */
export type DeclaredData =
  Sessions extends { session: infer Data } ? keyof SessionData extends never ? Data : Data & SessionData : SessionData

/** Sessions of a request besides `session`: those that `Sessions` declares. */
type OtherSessions = { [Name in keyof Sessions as Exclude<Name, 'session'>]: Session<Sessions[Name]> }

/** Type of `request.session`: undefined if `Sessions` declares others only. */
type DefaultSession = keyof Sessions extends never ? Session : Sessions extends { session: unknown } ? Session : undefined

/** Session with this `sessionName`: its data is that which `Sessions` declares for it. */
export type NamedSession<Name> = Name extends 'session' ? Session : Name extends keyof Sessions ? Session<Sessions[Name]> : Session

/** Keys of each type in a union, and the type of a key in those that have it. */
type KeyOf<Data> = Data extends unknown ? keyof Data : never
type ValueOf<Data, Key> = Data extends unknown ? Key extends keyof Data ? Data[Key] : never : never

/**
 * Session that a function in the options of a plugin is given, such as `subject`. The options say by `sessionName` which
 * of your app's it is: here it has the declared keys of all.
 */
export type AnySession = [keyof Sessions] extends ['session'] ? Session
  : Session<{ [Key in KeyOf<Sessions[keyof Sessions]>]: ValueOf<Sessions[keyof Sessions], Key> }>

/** Keys that a session takes besides the declared ones: any, as long as nobody declared some. */
type UndeclaredKey<T> = keyof T extends never ? string : never

/** Access to the data of a session, as `@fastify/secure-session` types it. */
interface LenientAccess<T> {
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
}

/** Access to the data of a session in an app that declares its `Sessions`. */
interface StrictAccess<T> {
  /**
   * Reads a value. An object or array may be changed in place: that is noticed when the response is
   * sent, and saved.
   * @returns the value, or `undefined` if the key was never set. A name of `Object.prototype` (`toString`,
   * `constructor`, …) is not there until you set it.
   */
  get<Key extends keyof T>(key: Key): T[Key] | undefined

  /**
   * Stores a value and marks the session to be sent.
   *
   * The value is anything that JSON can hold. A BigInt, function, symbol or cycle is refused when the session
   * is sealed, with `FST_SEALED_SESSION_VALUE_UNSTORABLE`, which names the key path. (In an `onSend` hook
   * registered after this plugin, that is at once.)
   * @throws `FST_SEALED_SESSION_KEY_RESERVED` for `__ts`, the time of the last write.
   */
  set<Key extends keyof T>(key: Key, value: T[Key] | undefined): void

  /** A shallow copy of everything in the session, without internal properties. */
  data(): Partial<T>
}

type Access<T> = keyof Sessions extends never ? LenientAccess<T> : StrictAccess<T>

/** The methods of a session. They are bound to it: `const { get, set } = request.session` works. */
export interface SessionMethods<T> extends Access<T> {
  /**
   * True once the session will be sent with the response: after a write, `touch`, `delete` or
   * `regenerate`, and when it was sealed with an older key. Writable: `false` keeps the cookie from
   * being sent, `true` sends it with its time of the last write as it was.
   */
  changed: boolean

  /** True after `delete()`, until something is set again. Writable. */
  deleted: boolean

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
   * (login, sudo), so that nothing planted earlier lives on. A session that keeps some of its data stays bound to its
   * device.
   * @param keep key or keys to keep; default none.
   */
  regenerate(keep?: string | readonly string[]): void
}

/**
 * A session: its methods, and its data as properties. A key named like a method is stored and read through
 * `set` and `get`.
 *
 * If `session.userId` does not compile, declare your data in any file of your program:
 *
 * ```ts
 * import 'fastify-sealed-session'
 *
 * declare module 'fastify-sealed-session' {
 *   interface Sessions { session: { userId: number } } // of `request.session`
 * }
 * ```
 */
export type Session<T = DeclaredData> = Partial<T> & SessionMethods<T>

type Letter =
  | 'a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g' | 'h' | 'i' | 'j' | 'k' | 'l' | 'm'
  | 'n' | 'o' | 'p' | 'q' | 'r' | 's' | 't' | 'u' | 'v' | 'w' | 'x' | 'y' | 'z'
type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9'
type NameStart = Letter | Uppercase<Letter> | Digit | '-' | '.' | '!' | '#' | '$' | '%' | '&' | "'" | '*' | '+' | '^' | '`' | '|' | '~'

/**
 * Name of a cookie without `__Host-` or `__Secure-`: it takes any attributes. `string` is none, since it may have a prefix.
 * TypeScript cannot say 'does not begin with', so that these are the beginnings that are left.
 */
export type PlainCookieName =
  | '' | '_' | '__' | `${NameStart}${string}` | `_${NameStart}${string}` | `___${string}`
  | `__${Exclude<NameStart, 'h' | 'H' | 's' | 'S'>}${string}`

/** Attribute that browsers refuse, and their reason: the compiler shows it. No value has this type. */
export interface RefusedByBrowsers<Reason extends string> { readonly 'browsers refuse this cookie': Reason }

/** Attributes that browsers take for a cookie whose name begins with `__Secure-`. */
export type SecureCookieAttributes = Omit<CookieSerializeOptions, 'secure'> & {
  secure?: true | 'auto' | RefusedByBrowsers<'A cookie whose name begins with __Secure- or __Host- must be secure.'> | undefined
}

/** Attributes that browsers take for a cookie whose name begins with `__Host-`, and so for any name. */
export type HostCookieAttributes = Omit<SecureCookieAttributes, 'domain' | 'path'> & {
  domain?: RefusedByBrowsers<'A cookie whose name begins with __Host- must have no domain.'> | undefined
  path?: '/' | RefusedByBrowsers<'A cookie whose name begins with __Host- must have the path "/".'> | undefined
}

interface NamedCookie<Name, Attributes> {
  /** Name of the cookie. Default: `__Host-` and `sessionName`, or a name with the prefix that its attributes allow. */
  cookieName?: Name | undefined
  /**
   * Attributes of the cookie: those that `setCookie` of `@fastify/cookie` takes, `signed` and `secure: 'auto'` included.
   * With a name that begins with `__Host-` or `__Secure-` the compiler refuses those that browsers refuse.
   */
  cookie?: Attributes | undefined
  /** The same as `cookie`; it counts if both are given. */
  cookieOptions?: Attributes | undefined
}

/** Cookie's name, and the attributes that browsers take with it. */
type CookieOfName =
  | NamedCookie<PlainCookieName, CookieSerializeOptions>
  | NamedCookie<string, HostCookieAttributes>
  | (NamedCookie<string, SecureCookieAttributes> & { cookieName: `__Secure-${string}` })

/** Options of one session for `sealedSession`: it can do without a key outside of production. */
export type SealedSessionPluginOptions =
  Omit<SessionOptions, keyof NamedCookie<string, unknown>> & CookieOfName & (Partial<SessionKeyOptions> | SessionSecretOptions)

/** Options of `sealedSession`: of one session, or of several. */
export type SealedSessionOptions =
  | SealedSessionPluginOptions
  | ReadonlyArray<SealedSessionPluginOptions & { sessionName: string }>

/** The plugin with safe defaults: see `sealedSession`. */
export type SealedSessionPlugin =
  (app: FastifyInstance, options: SealedSessionOptions, done?: (error?: Error) => void) => Promise<void>

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
  interface FastifyContextConfig {
    /** Settings of this route for the sessions of its requests. */
    session?: SessionRouteConfig | undefined
  }

  interface FastifyInstance {
    /**
     * Makes a session outside a request, for example to hand out a token for a WebSocket.
     * @param data its data at first; default nothing. Copied, not changed.
     * @throws `FST_SEALED_SESSION_DATA_INVALID` if it is not an object, `FST_SEALED_SESSION_KEY_RESERVED` if
     * it has a key that the session keeps itself.
     */
    createSecureSession(data?: object | null): Session

    /** The same as below, for a session that `Sessions` declares. */
    decodeSecureSession<Name extends keyof Sessions>(from: string | CookieRequest | undefined, log: DecodeLog | undefined, sessionName: Name, options?: DecodeOptions): NamedSession<Name> | null
    /**
     * Opens a token, or the session that a request brings.
     * @param from a request, of Fastify or of node:http: the session is found as the plugin finds it, also if
     * it is split or signed. Or a token, signed or not: in the secretbox format text behind a second `;` is
     * ignored, so that a whole `Set-Cookie` line can be given; in the sealed format nothing may follow.
     * @param log the reason of a refusal is written to it at level debug; default `fastify.log`, or the log
     * of the request if it has one.
     * @param sessionName default: the first session registered.
     * @param options `device: 'ignore'` opens a session that is bound to a device without the proof of it: to look at, not
     * to let a client in. It cannot be assigned to a request. Default: the proof is asked for, which a token never brings.
     * @returns the session, or `null` if there is none, or it cannot be opened or is not valid any more. It
     * does not ask if the session was revoked: `await fastify.isSessionRevoked(session)` does.
     * @throws `FST_SEALED_SESSION_UNKNOWN_SESSION` for a name that was not registered.
     */
    decodeSecureSession<T = DeclaredData>(from: string | CookieRequest | undefined, log?: DecodeLog, sessionName?: string, options?: DecodeOptions): Session<T> | null

    /**
     * Seals a session into a token, the value of its cookie before signing.
     * @param sessionName default: the first session registered.
     * @throws `FST_SEALED_SESSION_UNKNOWN_SESSION` for a name that was not registered,
     * `FST_SEALED_SESSION_NOT_A_SESSION` for anything but a session,
     * `FST_SEALED_SESSION_VALUE_UNSTORABLE` for data that JSON cannot hold,
     * `FST_SEALED_SESSION_TOO_LARGE` for more than 48 KiB of it.
     */
    encodeSecureSession<T = DeclaredData>(session: Session<T>, sessionName?: string): string
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

  interface FastifyRequest extends OtherSessions {
    /**
     * The session of this request: that of its cookie, or an empty one. Opened when first used. Its keys are those that
     * your app declares in `Sessions`: `session.userId` compiles if `userId` is among them.
     *
     * A session that `createSecureSession` or `decodeSecureSession` of this app returned may be
     * assigned, to one request. It is sent like one that was written. The one before ends, as with `regenerate()`.
     * If you have read that, a new one is bound to the same device.
     * @throws `FST_SEALED_SESSION_ASSIGNED` when anything else is assigned but `null`, which sends
     * nothing; with revocation, `FST_SEALED_SESSION_NOT_CHECKED` when an opened one is assigned before
     * `isSessionRevoked` has said that it was not revoked, ten seconds after that, or after a change.
     */
    session: DefaultSession
  }
}

/** A key: 32 bytes; or 64 hex characters; or the 32 bytes in base64 or base64url. */
export type SessionKey = string | Uint8Array

/** A passphrase of at least 32 bytes; text is encoded in UTF-8. */
export type SessionSecret = string | Uint8Array

/** Function that gives the keys of a keyring, newest first. */
export type KeyLoader = () => SessionKey | readonly SessionKey[] | Promise<SessionKey | readonly SessionKey[]>

/** Options of `Keyring.from`. */
export interface KeyLoadOptions {
  /** Seconds between two loads; a change counts at the second one. Default 60. `null`: the keys are loaded once. */
  refresh?: number | null | undefined
  /**
   * Seconds for which a key that is new opens but does not seal yet, so that no process seals what another one, which
   * has not loaded it yet, cannot open. Default: ten times `refresh`, and at least 120. Less is refused; 0 (or less than
   * a second) is for one process.
   */
  activateAfter?: number | undefined
}

/** Options by which a `Keyring` follows its file. */
export interface KeyFileOptions {
  /** True for a keyring that changes when the file does. Default false. */
  watch?: boolean | undefined
  /**
   * Seconds for which a key that appears in a watched file opens but does not seal yet, so that no process
   * seals what another one, which has not read the file yet, cannot open. Default 120: make it longer than it
   * takes until every process has the new file. For the first key of a file that was written just before the
   * process started, it counts from then. With `watch` it must be at least ten times `watchInterval`; 0 (or
   * less than a second) is for one process: new keys seal at once.
   */
  activateAfter?: number | undefined
  /**
   * Seconds between two looks at a watched file; a change counts at the second look. Default 1. A tenth
   * of `activateAfter` at most.
   */
  watchInterval?: number | undefined
}

/** Serializer, such as `superjson`: it turns the data of a session into text and back. */
export interface SessionSerializer {
  /**
   * Text of a session's data. Called as a method of the object given. If it throws, or returns anything but
   * text, that ends in `FST_SEALED_SESSION_SERIALIZER_FAILED`, with the error thrown as the cause.
   */
  stringify(data: Record<string, unknown>): string
  /**
   * The inverse of `stringify`. If it throws, or returns anything but a plain object, the token is refused as
   * `payload-invalid`.
   */
  parse(text: string): unknown
}

/**
 * A schema of zod, valibot, arktype or any other library that implements Standard Schema. These are
 * the parts of `StandardSchemaV1` that are used here, after https://standardschema.dev (version 1).
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input, readonly output: Output } | undefined
  }
}

/** Result of a schema for a value: the value that it makes of it, or the issues. */
export type StandardResult<Output = unknown> =
  | { readonly value: Output, readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

/** An issue of a value: its message, and its place in the value. */
export interface StandardIssue {
  readonly message: string
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined
}

/** Data of a session that has this schema: `interface Sessions { session: InferSession<typeof schema> }`. */
export type InferSession<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output']

/** Options of one session, besides its key. */
export interface SessionOptions {
  /** Name of the property on the request. Default `'session'`. */
  sessionName?: string | undefined

  /** Name of the cookie. Default: `sessionName`. */
  cookieName?: string | undefined

  /**
   * Seconds that a session stays valid after its last write or touch. Enforced inside the token, whatever the
   * cookie's attributes say, and for every copy of it. Default 86401.
   *
   * Anything but a finite positive number is refused with `FST_SEALED_SESSION_DURATION`; `0` and `null` mean
   * the default, with a warning.
   */
  expiry?: number | null | undefined

  /**
   * Seconds that any session lives at most after its last write: the limit of `session.options({ expiry })`,
   * and of lifetimes in tokens that other programs, other versions or other options sealed. Those count as
   * this long. Default 400 days, as long as browsers keep a cookie, or `expiry` if that is longer. The
   * default of `expiry` is never longer than this.
   *
   * With revocation, an entry that ends many sessions at once is remembered for as long: a shorter one saves
   * memory. The option `expiry` may not be longer, which is refused with
   * `FST_SEALED_SESSION_EXPIRY_TOO_LONG`; `session.options({ expiry })` is cut, with a warning once; anything
   * but a finite positive number is refused with `FST_SEALED_SESSION_DURATION`. `null` means the default.
   */
  maxExpiry?: number | null | undefined

  /**
   * True for a session that keeps itself alive if it is only read: once more than half of its `expiry` has
   * passed, the response to a request that uses it carries it again, as if it had been touched. Default
   * false. Set `absoluteTimeout` with it: registration warns otherwise.
   */
  rolling?: boolean | undefined

  /**
   * Seconds since a session was created after which it ends, whatever is written, touched or
   * rotated. `regenerate()` starts a new life. Default: no limit. Anything but a finite positive
   * number is refused with `FST_SEALED_SESSION_DURATION`.
   */
  absoluteTimeout?: number | null | undefined

  /**
   * Attributes of the cookie: those that `setCookie` of `@fastify/cookie` takes, `signed` and `secure:
   * 'auto'` included. `httpOnly` defaults to true. Copied: later changes have no effect.
   */
  cookie?: CookieSerializeOptions | undefined

  /** The same as `cookie`; it counts if both are given. */
  cookieOptions?: CookieSerializeOptions | undefined

  /**
   * Most cookies that a session may be split into that is too large for one, which takes 4096 bytes with its
   * name and attributes. A whole number from 1 to 8, default 2; anything else is refused with
   * `FST_SEALED_SESSION_OPTION_INVALID`. Together they may have 3584 bytes for each that is allowed, so 7 KiB
   * by default: many proxies take 8 KiB of cookies, and a browser that sends more is locked out. A larger
   * session is not sealed: the response is an error with the code `FST_SEALED_SESSION_COOKIE_TOO_LARGE`. It
   * does not count when a cookie is read.
   */
  maxChunks?: number | undefined

  /**
   * True if a response that carries the session's cookie says `Cache-Control: no-store`, unless the app set
   * that header itself (RFC 9111 section 7.3: shared caches may store `Set-Cookie`). Default true.
   */
  noStore?: boolean | undefined

  /**
   * Format that sessions are sealed in. Default `'secretbox'`, which `@fastify/secure-session` opens, too.
   * Take `'sealed'` for a new app.
   */
  format?: Format | undefined

  /**
   * Formats that are opened. Default: `format`, and `'sealed'`. A session in another format than `format` is
   * sealed again in that one when it is used. Must contain `format`.
   *
   * While `'secretbox'` is in it, sessions that share a key are not told apart: registration warns.
   */
  accept?: readonly Format[] | undefined

  /**
   * Context that a sealed token is bound to, beside its key: it opens only if this is the same. Default: the
   * cookie's name. Set it to keep tokens when the cookie is renamed, or to tell apps and environments apart
   * that have to share a key.
   */
  context?: string | undefined

  /**
   * Serializer in place of JSON, for values that JSON cannot hold: a Date, a Map, a BigInt. Default JSON.
   * Change it together with `context` or the key: a session that was sealed with another one is refused at
   * best, and at worst opens as something else.
   *
   * The text of `stringify` is sealed, so its length counts. `@fastify/secure-session` opens such a session,
   * but finds only that text in it.
   */
  serializer?: SessionSerializer | undefined

  /**
   * Schema of a session's data. Default: anything. When a session is opened, it holds the data as the schema
   * returns it. If its data is not valid, it starts empty, with the reason `schema-invalid`. When it is
   * sealed, its data is checked, and sealed as it is: so the schema has to take the data that it returns. An
   * empty session is not checked before it is sealed.
   *
   * Must work synchronously: `FST_SEALED_SESSION_SCHEMA_ASYNC` is thrown at registration or, if it does not
   * show there, when a session is first sealed or opened.
   */
  schema?: StandardSchema | undefined

  /**
   * Cache of tokens that opened: the token of a session that comes again within a minute is not decrypted again. All else
   * is looked at each time: lifetime, keys, schema, signature, revocation, the proof of a device. `true` for a cache of
   * 1 MiB and 60 seconds. Default `false`: with it, the content of sessions stays in the memory of the process, and in
   * its heap dumps, for as long.
   *
   * Anything else but an object is refused with `FST_SEALED_SESSION_OPTION_INVALID`, and a name in it that is not known
   * with `FST_SEALED_SESSION_OPTION_UNKNOWN`.
   */
  cache?: boolean | SessionCacheOptions | undefined
}

/** Limits of the option `cache`. Each codec, and each session of an app, has a cache of its own. */
export interface SessionCacheOptions {
  /**
   * Bytes of memory for tokens and content, from 32,768 to 1,073,741,824. Default 1,048,576, which are about 1,000
   * small sessions. A number outside is refused with `FST_SEALED_SESSION_OPTION_INVALID`. If there are more, those that
   * were not used lately are decrypted again.
   */
  maxBytes?: number | undefined
  /**
   * Seconds after its last use for which a token is held at most, up to 3600; if there is room, half of them at least.
   * Default 60. No positive number is refused with `FST_SEALED_SESSION_DURATION`, and more than 3600 with
   * `FST_SEALED_SESSION_OPTION_INVALID`.
   */
  maxAge?: number | undefined
}

/** A session sealed with random keys. */
export interface SessionKeyOptions {
  /**
   * The key, or several for rotation: the first seals, all of them open, and a session that a later
   * one opened is sealed again with the first when it is used. Bytes are copied at registration. Or a
   * `Keyring`, which can change while the app runs.
   *
   * `undefined` is taken so that `key: process.env.SESSION_KEY` compiles: if the variable is not set,
   * registration is refused with `FST_SEALED_SESSION_KEY_MISSING`.
   */
  key: SessionKey | readonly SessionKey[] | Keyring | undefined
  /** Has no effect beside `key`. */
  secret?: SessionSecret | readonly SessionSecret[] | undefined
  /** Has no effect beside `key`. */
  salt?: string | Uint8Array | undefined
}

/** A session sealed with a key derived from a passphrase. */
export interface SessionSecretOptions {
  key?: undefined
  /**
   * Passphrase of at least 32 bytes. The key is derived from it at registration with libsodium's
   * `crypto_pwhash` (Argon2id, MODERATE limits: 256 MiB and about half a second, off the event loop).
   * Or several for rotation, as with `key`; two are derived at a time. `undefined` compiles, as with
   * `key`, and is refused.
   */
  secret: SessionSecret | readonly SessionSecret[] | undefined
  /**
   * Exactly 16 bytes. Default: one that is the same in every installation, with a warning, since
   * it lets one guess be tried against all of them at once.
   */
  salt?: string | Uint8Array | undefined
}

/** Options of one session. */
export type SecureSessionPluginOptions = SessionOptions & (SessionKeyOptions | SessionSecretOptions)

/** Options of `createSessionCodec()`. */
export type SessionCodecOptions = SecureSessionPluginOptions & {
  /**
   * True for an app that has `deviceBinding`: sessions that are bound to a device open beside the proof of that device,
   * which is in a cookie of its own. Or the options that the app gives to that plugin, of which `policy`, `grace` and
   * `unboundExpiry` count: without them, sessions open here that the app refuses since they are not bound. Default
   * false: bound sessions are refused.
   */
  device?: boolean | DeviceBindingOptions | undefined
}

/** Options of `register`: those of one session, or of several, each with its own name. */
export type SecureSessionOptions =
  | SecureSessionPluginOptions
  | ReadonlyArray<SecureSessionPluginOptions & { sessionName: string }>

/**
 * Format in which a session is sealed into a token.
 *
 * - `'secretbox'`: the format that `@fastify/secure-session` reads and writes, too.
 * - `'sealed'`: shorter, needs no percent-encoding, opens only as the session that it was sealed
 *   for, and names its key, so that it opens as fast with a hundred keys as with one.
 */
export type Format = 'secretbox' | 'sealed'

/**
 * Reason for which a token was refused. For logs and messages of the app's: a response should not tell them
 * apart beyond `expired`, which the user may know.
 *
 * - `malformed`, `too-long`, `ciphertext-length`, `nonce-length`: no token at all
 * - `version-unknown`, `key-unknown`: sealed by a version or with a key that this process does not have
 * - `not-authentic`: changed, or sealed with another key or for another session
 * - `format-not-accepted`: a format that is not in `accept`
 * - `header-invalid`, `payload-invalid`, `time-missing`: sealed with the key, but not by this package
 * - `expired`, `time-in-future`: not valid now
 * - `schema-invalid`: its data does not fit the option `schema`
 * - `signature-invalid`: the signature of a signed cookie is missing or wrong
 * - `chunk-missing`: one of the cookies that a large session was split into is missing
 * - `revoked`, `stamp-changed`: ended on the server; only if the plugin `sessionRevocation` is registered
 * - `device-unproven`: bound to a device, and it comes without the proof of that device, or nothing here asks for one
 * - `device-required`: not bound to a device, where the option `policy` of the plugin `deviceBinding` requires it
 */
export type RefusalReason =
  | 'malformed' | 'too-long' | 'ciphertext-length' | 'nonce-length'
  | 'version-unknown' | 'key-unknown'
  | 'not-authentic'
  | 'format-not-accepted'
  | 'header-invalid' | 'payload-invalid' | 'time-missing'
  | 'expired' | 'time-in-future'
  | 'schema-invalid'
  | 'signature-invalid'
  | 'chunk-missing'
  | 'revoked' | 'stamp-changed'
  | 'device-unproven' | 'device-required'

/** Options of `fastify.decodeSecureSession()`, and of `open` of a codec. */
export interface DecodeOptions {
  /** `'ignore'`: a session that is bound to a device opens without the proof of that device. */
  device?: 'ignore' | undefined
}

/** Settings of one route for the sessions of its requests: `config: { session: { … } }`. */
export interface SessionRouteConfig {
  /**
   * False for a poll: a request to this route does not keep a session alive. It neither renews a rolling session nor
   * sends one again that only a rotated key or another format made due. If the app writes to a session, `touch()`
   * included, it is sent as ever. Default true. It holds for all sessions of the request.
   *
   * Anything but a boolean, or a name that is nearly this one, is refused when the route is added, with
   * `FST_SEALED_SESSION_ROUTE_CONFIG`. Any other name is warned about once.
   */
  extend?: boolean | undefined
}

/** Status of a session and its reasons. `sessionInfo()` returns it. */
export interface SessionInfo {
  /**
   * `'valid'`: a cookie or token was opened. `'rejected'`: there was one and it was refused, so the
   * session began empty. `'new'`: there was none, or `delete()` or `regenerate()` ended it.
   */
  status: 'new' | 'valid' | 'rejected'
  /** Reason for which it was refused; null unless it was. */
  reason: RefusalReason | null
  /** Time at which the session began; null for one of the secretbox format, which does not say. */
  createdAt: Date | null
  /** Time of the last write or touch; null for a new one that was not written, or was deleted. */
  lastWriteAt: Date | null
  /** Time from which on it will be refused if nothing is written; null if `lastWriteAt` is null. */
  expiresAt: Date | null
  /** Id of the key that opened it, as in `keyring.ids`; null for a new one. */
  keyId: string | null
  /** Format it was opened from; null for a new one. */
  format: Format | null
  /** Id that tells this session from others; null if nothing needs it. */
  id: string | null
  /** Times at which the user has authenticated, by method: see `authenticated()`. `{}` if there are none. */
  authentications: Readonly<Record<string, Date | undefined>>
  /** Device that it is bound to; null without the plugin `deviceBinding`. */
  device: DeviceInfo | null
}

/** Device of a session, as `sessionInfo()` has it. */
export interface DeviceInfo {
  /**
   * `'bound'`: the browser has proved that it has the key. `'unproven'`: the session is bound, and came without a proof
   * that counts, so it reads as empty. `'unbound'`: any other.
   */
  state: 'unbound' | 'bound' | 'unproven'
  /** Time at which it was bound; null unless `state` is `'bound'`. */
  boundAt: Date | null
  /** Time of the proof that the request brought; null unless `state` is `'bound'`. */
  provenAt: Date | null
  /** Reason that the browser gave for coming without a proof. Anybody can send it: it is for the log only. */
  skipped: 'unreachable' | 'server_error' | 'quota_exceeded' | null
}

/**
 * A hook that lets a request on, or not: `requireSession()` and `requireFresh()` return it. For `onRequest`,
 * `preValidation` and `preHandler`.
 */
export type SessionGuard = (request: object, reply: GuardedReply, done: (error?: Error) => void) => void

/** The part of a reply that a guard uses. */
export interface GuardedReply {
  header(name: string, value: string): unknown
  redirect(path: string, status: number): unknown
}

/** Keys that a request's session has, if some are declared; otherwise any. */
export type GuardKey<Name extends string, Key = Name extends keyof FastifyRequest ? Exclude<keyof FastifyRequest[Name], keyof SessionMethods<unknown>> : never> =
  [Key & string] extends [never] ? string : Key & string

/** Options of every guard. */
export interface GuardOptions<Name extends string> {
  /**
   * Path to redirect to (303) in place of an error, such as `'/login'`: a path of this site. Default: the error. Other
   * text is refused with `FST_SEALED_SESSION_OPTION_INVALID` when the guard is made. The page there must be without
   * this guard.
   */
  redirect?: string | undefined
  /** Name of the session. Default: the first one of the context. */
  sessionName?: Name | undefined
}

/** Options of `requireSession()`. */
export interface RequireSessionOptions<Name extends string = 'session'> extends GuardOptions<Name> {
  /**
   * Keys of the session's data that have to be there for a user who is logged in, such as `['userId']`. One whose
   * value is `undefined`, `null`, `false` or empty text is not there. Default: the session only has to be valid, which
   * that of a visitor with a shopping cart is as well. In an app with revocation and its option `subject` you get a
   * warning then, once a route.
   */
  keys?: ReadonlyArray<GuardKey<Name>> | undefined
}

/** Options of `requireFresh()`. */
export interface RequireFreshOptions extends GuardOptions<string> {
  /** Seconds for which an authentication counts. */
  within: number
  /** Method by which the user must have authenticated. Default: any. */
  method?: string | undefined
}

/** Error of `requireFresh()`. */
export interface NotFreshError extends Error {
  code: 'FST_SEALED_SESSION_NOT_FRESH'
  statusCode: 403
  /** Seconds for which an authentication counts here. */
  within: number
  /** Method by which the user must authenticate; null for any. */
  method: string | null
  /** Advice on what to do about it. */
  hint: string
}

/**
 * Type of a token's data if nobody says another one: the declared keys, each of which may be missing; or any
 * keys, as long as none is declared.
 */
export type TokenData = keyof DeclaredData extends never ? Record<string, unknown> : Partial<DeclaredData>

/** Result of opening a token. */
export type OpenedToken<T = TokenData> =
  | {
    ok: true
    data: T
    /** Time at which the session began; null in the secretbox format, which does not say. */
    createdAt: Date | null
    lastWriteAt: Date
    /** Time from which on the token will be refused. */
    expiresAt: Date
    /** Id of the key that opened it, as in `keyring.ids`. */
    keyId: string
    format: Format
    /** True if a token made now would have a newer key or another format. */
    stale: boolean
    /** Times at which the user has authenticated, by method: see `authenticated()`. `{}` if there are none. */
    authentications: Readonly<Record<string, Date | undefined>>
    /** Device that the session is bound to; absent without the option `device` of the codec. */
    device?: DeviceInfo
  }
  | { ok: false, reason: RefusalReason }

/**
 * Checks the signature of a cookie's value and takes it off. `app.unsignCookie` is one, and so is
 * `value => unsign(value, secret)` with the `unsign` of `@fastify/cookie`.
 */
export type Unsign = (value: string) => { valid: boolean, value: string | null }

/** Seals and opens tokens without Fastify. `createSessionCodec()` returns it. */
export interface SessionCodec<T = TokenData> {
  /**
   * Token of a new session that holds `data`: the value of its cookie. It is never split: a cookie of more
   * than 4096 bytes with its attributes, from about 2.8 KB of JSON on, is dropped by browsers.
   * @throws `FST_SEALED_SESSION_DATA_INVALID` if it is not an object,
   * `FST_SEALED_SESSION_KEY_RESERVED` if it has a key that the session keeps itself,
   * `FST_SEALED_SESSION_VALUE_UNSTORABLE` for data that JSON cannot hold,
   * `FST_SEALED_SESSION_TOO_LARGE` for more than 48 KiB of it.
   */
  seal(data: T): string

  /**
   * Content of a token. Looks at nothing but the token: not at a signature, and not at whether the session
   * was revoked. For any token, the only error thrown is `FST_SEALED_SESSION_SCHEMA_ASYNC`, for a schema that
   * cannot be used.
   * @param token as it was before percent-encoding: `decodeURIComponent` of a cookie's value, which cookie
   * parsers do.
   * @param options `device: 'ignore'` opens a session that is bound to a device without the proof of it: to look at, not
   * to let a client in. Default: it is refused as `device-unproven`, since a token brings no proof.
   */
  open(token: string | undefined, options?: DecodeOptions): OpenedToken<T>

  /**
   * Content of the session's cookie of a request, or of its cookies if the session was split. They are found
   * as the plugin finds them: by `cookieName`, percent-decoded, and of several that open the one written
   * last. At most 16 are looked at and keys tried 64 times, whatever a client sends. One that comes alone is
   * tried with all keys. A session that is bound to a device opens with the option `device` of the codec, and beside the
   * cookie with the proof.
   * @param header `request.headers.cookie` of node:http.
   * @param unsign needed if the cookie is signed: a value that it does not accept is refused as
   * `signature-invalid`. Default: cookies are not signed.
   * @returns `null` if there is no cookie of this name, and otherwise the result of `open`.
   * @throws `FST_SEALED_SESSION_UNSIGN_MISSING` if the options say `signed: true` and there is no `unsign`;
   * the errors of `unsign`; and those of `open`. Nothing else, whatever the header is.
   */
  openCookies(header: string | undefined, unsign?: Unsign): OpenedToken<T> | null
}
