import type { FastifyPluginAsync } from 'fastify'
import type { AnySession } from '../types.ts'

/**
 * Store of revocations: a Keyv, one of its adapters, or anything else with these two methods. A failure must
 * throw or reject. Both may return a promise.
 */
export interface RevocationStore {
  /** @returns the value stored, or `undefined` or `null` if there is nothing, or nothing any more. */
  get(key: string): unknown
  /**
   * Numbers only grow: best keep the greater one in one step, since two processes may write at once. `get`
   * has to see the value that was stored.
   * @param value digits, as text.
   * @param ttl milliseconds for which it has to be kept at least.
   * @returns anything but `false`, which counts as a failure.
   */
  set(key: string, value: string, ttl: number): unknown
  /**
   * The values of several keys in one round trip, in their order. If it is missing, a check calls `get` for each key
   * at the same time. A Keyv's is used if its adapter has one.
   */
  getMany?(keys: string[]): readonly unknown[] | Promise<readonly unknown[]>
  /**
   * Stores a value only if there is none, in one step: of several that add a key at once, in any process, one is told
   * `true`. `get` has to see the value, and this what `set` has stored. `useOnce` needs it, and so do two bindings to a
   * device at the same moment, of which one is to win. A Keyv has none.
   * @param ttl milliseconds for which it has to be kept at least.
   */
  add?(key: string, value: string, ttl: number): boolean | Promise<boolean>
}

/** Options of `sessionRevocation`. */
export interface SessionRevocationOptions {
  /**
   * Store of revocations. Default: a `MemoryStore` of this process, with a warning, since it forgets when the
   * process ends. With NODE_ENV=production you get the warning for one that you give, too.
   *
   * A Keyv, or an adapter, whose `throwOnErrors` is not true is refused with
   * `FST_SEALED_SESSION_STORE_SILENT`: it answers failures with 'nothing found'.
   *
   * `false` for none, beside `stamp`: then only a changed stamp ends sessions on the server. `delete()` deletes the
   * cookie and no more, so that a copy of it goes on until it expires, and the methods that revoke throw
   * `FST_SEALED_SESSION_STORE_NONE`.
   */
  store?: RevocationStore | false | undefined

  /**
   * Subject of a session: the user it belongs to, so that `revokeSubject` can end all sessions of one user.
   * Default: sessions have no subject. Called with every session that is opened or sealed; it must be quick
   * and always say the same of the same session.
   *
   * It may return several, such as `['user:42', 'tenant:7', 'sid:…']`: `revokeSubject` of any of them ends the
   * session. The first one is the user, whose sessions are listed and limited, and for whom a session begins anew.
   * At most 16, each of at most 1024 characters; more fail the request with `FST_SEALED_SESSION_SUBJECT_LIMIT`.
   * @returns the id of a user, say; `undefined` or an empty array if nobody is logged in. Anything but that and text
   * that is not empty fails the request with `FST_SEALED_SESSION_SUBJECT_TYPE`.
   */
  subject?(session: AnySession): string | readonly string[] | null | undefined

  /**
   * Stamp of a user: text that changes when all sessions of that user have to end, such as a version, or a hash of the
   * password hash. Default: none. Called when somebody logs in, and then at most once a `cacheTtl` for each user; once
   * more for a session with a stamp that was not seen before. A hash of it is sealed with the session. If it is not
   * the same any more, the session is refused as `'stamp-changed'`, and so is one that was sealed without a stamp. A
   * failure counts as one of the store: see `onStoreError` and `storeTimeout`. It needs `subject`.
   * @param subject the first subject of the session.
   * @returns the stamp, or `undefined` for a user who does not exist any more, which ends all sessions of that user.
   * Anything else fails the request with `FST_SEALED_SESSION_STAMP_TYPE`.
   */
  stamp?: ((subject: string) => string | null | undefined | Promise<string | null | undefined>) | undefined

  /** The session that can be revoked. Default: the first one registered. */
  sessionName?: string | undefined

  /**
   * Seconds for which 'not revoked' is believed without asking the store again: as long as that, a session
   * that another process revoked can still be read here. A revocation by this process counts at once. Default
   * 2, at most 300; with 0 each request asks for itself, after it has come in.
   */
  cacheTtl?: number | undefined

  /**
   * Treatment of sessions while the store fails. `'reject'`, the default: a request that uses its session is
   * answered with 503, unless the cache knows the answer, and nothing is sealed. `'accept'`: everybody keeps
   * working, those too whose session was revoked and of whom this process does not know. Either way a
   * revocation that cannot be stored fails.
   */
  onStoreError?: 'reject' | 'accept' | undefined

  /** Seconds after which a call of the store has failed. Default 0.5, at most 60. */
  storeTimeout?: number | undefined
}

/** The plugin that ends sessions on the server. */
export type SessionRevocation = FastifyPluginAsync<SessionRevocationOptions>

/** Methods by which sessions end on the server: of the app, or of `createWebSessions`. */
export interface RevocationMethods {
  /**
   * Ends a session for good: a request that brings its cookie, or a copy of it, has an empty session. In
   * this process at once, in others after their `cacheTtl`.
   * @param session `request.session`, or a session that `decodeSecureSession` returned.
   * @throws `FST_SEALED_SESSION_STORE_UNAVAILABLE` if it could not be stored; the session is then not
   * revoked. `FST_SEALED_SESSION_NO_ID` for a session of another `sessionName`.
   */
  revokeSession(session: object): Promise<void>

  /**
   * Ends the session that has an id, of which nothing else need be known. An id opens nothing, so that it may be
   * shown to users and support. To end a session twice is as good as once, and so is an id that no session has. In
   * this process at once, in others after their `cacheTtl`. The entry of the store lives as long as any session
   * can: `absoluteTimeout` or `maxExpiry`, whichever is shorter.
   * @param id as `sessionInfo(session).id` has it.
   * @param sessionName of the session that `sessionRevocation` was registered for, which is the default.
   * @throws `FST_SEALED_SESSION_ID_INVALID` (400) for a text that is no id, `FST_SEALED_SESSION_UNKNOWN_SESSION` for
   * another `sessionName`, `FST_SEALED_SESSION_STORE_UNAVAILABLE` if it could not be stored; the session is then not
   * revoked.
   */
  revokeSessionId(id: string, sessionName?: string): Promise<void>

  /**
   * Ends all other sessions of the user whose session this is. It goes on, keeps its data, and gets a new id and a
   * new cookie; copies of its old cookie end with the others. Its `absoluteTimeout` counts from its login, as before.
   * The same as `revokeSubject` with `except`, for the session's own subject.
   * @param session `request.session`.
   * @throws `FST_SEALED_SESSION_SUBJECT_NOBODY` (401) for a session without a subject,
   * `FST_SEALED_SESSION_REVOKED_MEANWHILE` (409) if it has been ended itself,
   * `FST_SEALED_SESSION_STORE_UNAVAILABLE` if it could not be stored, `FST_SEALED_SESSION_SUBJECT_MISSING` without
   * the option `subject`.
   */
  revokeOtherSessions(session: object): Promise<void>

  /**
   * Ends all sessions of a subject that exist now: 'log out everywhere'. Those that begin after it has
   * resolved are not affected; one that begins meanwhile may be.
   * @throws `FST_SEALED_SESSION_STORE_UNAVAILABLE` if it could not be stored,
   * `FST_SEALED_SESSION_SUBJECT_MISSING` without the option `subject`; with `except`,
   * `FST_SEALED_SESSION_REVOKED_MEANWHILE` (409) if that session has been ended itself.
   * @param options `except`: a session that goes on, such as `request.session`. It keeps its data and its
   * `absoluteTimeout`, and gets a new id and a new cookie; copies of its old cookie end with the others.
   */
  revokeSubject(subject: string, options?: { except?: object | undefined }): Promise<void>

  /**
   * Gives a session the stamp that its user has now, so that it goes on after the app has changed the stamp: call it
   * for the session of the request that has changed the password. All others of the user end, in this process at
   * once, in others within their `cacheTtl`.
   * @param session `request.session`. One of `decodeSecureSession` only after `isSessionRevoked` has said false.
   * @throws `FST_SEALED_SESSION_STAMP_MISSING` without the option `stamp`, `FST_SEALED_SESSION_SUBJECT_NOBODY` (401)
   * for a session without a subject, `FST_SEALED_SESSION_REVOKED_MEANWHILE` (409) if it has ended, or the user has no
   * stamp, `FST_SEALED_SESSION_STAMP_UNAVAILABLE` if the stamp could not be asked for,
   * `FST_SEALED_SESSION_NOT_CHECKED`.
   */
  restampSession(session: object): Promise<void>

  /**
   * Ends all sessions that exist now. One that begins before it has resolved may end, too.
   * @throws `FST_SEALED_SESSION_STORE_UNAVAILABLE` if it could not be stored.
   */
  revokeAll(): Promise<void>

  /**
   * Tells the first who uses an id from all others, in all processes that share the store: for challenges of
   * passkeys, links that log in, and other things that count once. It needs a store with `add`, such as `MemoryStore`,
   * `redisStore` and `postgresStore`. The id is stored as a hash.
   * @param id text of 1 to 1024 characters. Ids of different things need different beginnings: `challenge:…`.
   * @param ttl seconds for which the id is remembered: at least as long as it could be used. More than 0.
   * @returns true the first time, false after that. If the answer of the store was lost, nobody is told true.
   * @throws `FST_SEALED_SESSION_STORE_ADD` for a store without `add`, `FST_SEALED_SESSION_ONCE_ID` for what is no such
   * text, `FST_SEALED_SESSION_DURATION` for what is no such time, `FST_SEALED_SESSION_STORE_UNAVAILABLE` while the
   * store fails, with `onStoreError: 'accept'` as well, `FST_SEALED_SESSION_STORE_NONE` with `store: false`.
   */
  useOnce(id: string, ttl: number): Promise<boolean>

  /**
   * True if a session was revoked, or has otherwise ended since it was opened: for one that came from
   * `decodeSecureSession`, which does not check, or that has been open for long, such as a WebSocket's. May
   * be as old as `cacheTtl`. A session that was opened may be assigned to a request once this has said
   * false of it: within ten seconds, or `cacheTtl` if that is longer, and as long as it is not changed.
   * @throws `FST_SEALED_SESSION_STORE_UNAVAILABLE` with `onStoreError: 'reject'`,
   * `FST_SEALED_SESSION_NO_ID` for a session of another `sessionName`.
   */
  isSessionRevoked(session: object): Promise<boolean>
}

declare module 'fastify' {
  interface FastifyInstance extends RevocationMethods {}
}
