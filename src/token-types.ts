import type { SessionData } from './types.ts'

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
 * - `revoked`: ended on the server; only if the plugin `sessionRevocation` is registered
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
  | 'revoked'

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
}

/**
 * Type of a token's data if nobody says another one: the declared keys, each of which may be missing; or any
 * keys, as long as none is declared.
 */
export type TokenData = keyof SessionData extends never ? Record<string, unknown> : Partial<SessionData>

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
   */
  open(token: string | undefined): OpenedToken<T>

  /**
   * Content of the session's cookie of a request, or of its cookies if the session was split. They are found
   * as the plugin finds them: by `cookieName`, percent-decoded, and of several that open the one written
   * last. At most 16 are looked at and keys tried 64 times, whatever a client sends. One that comes alone is
   * tried with all keys.
   * @param header `request.headers.cookie` of node:http.
   * @param unsign needed if the cookie is signed: a value that it does not accept is refused as
   * `signature-invalid`. Default: cookies are not signed.
   * @returns `null` if there is no cookie of this name, and otherwise the result of `open`.
   * @throws `FST_SEALED_SESSION_UNSIGN_MISSING` if the options say `signed: true` and there is no `unsign`;
   * the errors of `unsign`; and those of `open`. Nothing else, whatever the header is.
   */
  openCookies(header: string | undefined, unsign?: Unsign): OpenedToken<T> | null
}
