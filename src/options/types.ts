import type { CookieSerializeOptions } from '@fastify/cookie'
import type { Keyring } from '../keys/keyring.ts'
import type { Format } from '../token-types.ts'

/** A key: 32 bytes; or 64 hex characters; or the 32 bytes in base64 or base64url. */
export type SessionKey = string | Uint8Array

/** A passphrase of at least 32 bytes; text is encoded in UTF-8. */
export type SessionSecret = string | Uint8Array

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

/** Data of a session that has this schema: `interface SessionData extends InferSession<typeof schema> {}`. */
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

/** Options of `register`: those of one session, or of several, each with its own name. */
export type SecureSessionOptions =
  | SecureSessionPluginOptions
  | ReadonlyArray<SecureSessionPluginOptions & { sessionName: string }>
