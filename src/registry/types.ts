import type { FastifyPluginAsync, FastifyRequest } from 'fastify'

/** A line of the registry, as a store keeps it. It holds no secret: an id opens nothing. */
export interface RegistryLine {
  /** Id of the session: 22 characters of base64url. */
  readonly id: string
  /** Time at which the session began, in milliseconds since 1970. */
  readonly createdAt: number
  /** Time at which it was sealed last, in milliseconds since 1970. */
  readonly lastSeenAt: number
  /** Time at which it expires if it is not sealed again, in milliseconds since 1970. */
  readonly expiresAt: number
  /**
   * Text that only the registry reads: hashes of the session's further subjects and of its user's stamp, its own lifetime,
   * the last revocation that it has survived, a mark if it is bound to a device. Mostly empty; at most 720 bytes of ASCII, without spaces.
   */
  readonly more: string
  /** JSON of what `describe` has returned, at most 2048 bytes; empty without `describe`. */
  readonly description: string
}

/**
 * Store of the registry. `redisRegistry`, `postgresRegistry` and `MemoryRegistry` are three; anything else with these
 * methods is another. A failure must throw or reject. All methods may return a promise.
 *
 * A subject is given as 43 characters of base64url: a hash.
 */
export interface RegistryStore {
  /**
   * Writes a line.
   * - If the subject has a line with this id, that keeps its place and its description, and takes all else from this one.
   * - A new line of a session that begins goes behind all lines of the subject. This has to be one step: of two logins at the same
   *   moment, in two processes, the one behind the other must find it in `list`. The limit relies on it.
   * - Any other new line was lost and comes back: its place is that of its `createdAt`.
   *
   * It may forget lines of this subject whose `expiresAt` was more than a minute ago: clocks differ.
   * @param isLogin true if a session begins: by a login, or anew by `authenticated()` or `regenerate(keys)`.
   */
  put(subject: string, line: RegistryLine, isLogin: boolean): unknown

  /** Removes the line with this id, if there is one. */
  remove(subject: string, id: string): unknown

  /** All lines of a subject, in their order. Expired ones may be among them. */
  list(subject: string): readonly RegistryLine[] | Promise<readonly RegistryLine[]>
}

/** A session of a user, as `listSessions` returns it. */
export interface ListedSession {
  /** Id of the session. It opens nothing, and may be shown. */
  id: string
  /** Time at which it began. */
  createdAt: Date
  /** Time at which it was written or renewed last. A request that only reads does not count. */
  lastSeenAt: Date
  /** Time at which it expires if it is not sealed again. */
  expiresAt: Date
  /** Result of `describe` at its login; null without `describe`. */
  description: Readonly<Record<string, unknown>> | null
  /** True for the session given as `current`. */
  current: boolean
  /** True if it is bound to a device; always false without `deviceBinding`. */
  bound: boolean
}

/** Options of `sessionRegistry`. */
export interface SessionRegistryOptions {
  /** Store of the lines. Default: a `MemoryRegistry` of this process, with a warning. With NODE_ENV=production, one that you give has it, too. */
  store?: RegistryStore | undefined

  /**
   * Description of a login for the user who reads the list, such as the browser's name. Default: none. Called at a login,
   * and when a session is sealed again, in case its line was lost. It must be quick.
   * @returns a plain object of JSON. Each text in it is cut after 256 characters. If it is anything else, a promise for
   * instance, or more than 2048 bytes of JSON, the login fails with `FST_SEALED_SESSION_DESCRIPTION_INVALID`.
   */
  describe?(request: FastifyRequest): object

  /** Number of sessions that a subject may have at a time, at most 10,000. Default: no limit. */
  maxSessions?: number | undefined

  /**
   * Effect of a login beyond `maxSessions`. `'end-oldest'`, the default: it works, and the sessions that began first end.
   * `authenticated()` and `regenerate(keys)` begin a session anew, so that it is the last one. They end and refuse none.
   * `'refuse'`: it fails with `FST_SEALED_SESSION_TOO_MANY_SESSIONS` (409) and no cookie is sent; also, while the store
   * fails, with `FST_SEALED_SESSION_REGISTRY_UNAVAILABLE` (503).
   */
  onMaxSessions?: 'end-oldest' | 'refuse' | undefined

  /** The session whose logins are listed. Default: the first one registered. */
  sessionName?: string | undefined

  /** Seconds after which a call of the store has failed. Default 0.5, at most 60. */
  storeTimeout?: number | undefined
}

/** The plugin that lists the sessions of a user. */
export type SessionRegistry = FastifyPluginAsync<SessionRegistryOptions>

/** The method that lists the sessions of a user: of the app, or of `createWebSessions`. */
export interface RegistryMethods {
  /**
   * Sessions of a subject that can be used now, the one that was seen last first. If the registry's store has lost
   * some, they are not in it until they are sealed again.
   * @param options `current`: the session that is marked, such as `request.session`.
   * @throws `FST_SEALED_SESSION_REGISTRY_UNAVAILABLE` if the registry's store fails,
   * `FST_SEALED_SESSION_STORE_UNAVAILABLE` if that of the revocation does, with `onStoreError: 'reject'`.
   */
  listSessions(subject: string, options?: { current?: object | undefined }): Promise<ListedSession[]>
}

declare module 'fastify' {
  interface FastifyInstance extends RegistryMethods {}
}
