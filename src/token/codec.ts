import { secretboxFormat } from '#secretbox'
import { type CacheLimits, TokenCache } from './token-cache.ts'
import { BINDING } from './claims.ts'
import { fillNonce } from '#nonces'
import type { DataSchema } from '../data/schema.ts'
import { JSON_SERIALIZER, type Serializer } from '../data/serializer.ts'
import type { FormatSettings, TokenFormat } from './format.ts'
import type { DerivedKey, KeyringInternals, KeySet, KeySource } from '../keys/key-set.ts'
import { boundLifetime, lifetimeRefusal, type LifetimeRefusal, type Limits } from './lifetime.ts'
import type { FormatOpened, SessionRecord } from './record.ts'
import { sealedFormat, type SealedRefusal } from './sealed.ts'
import type { SecretboxRefusal } from './secretbox.ts'
import { idOfToken } from '../session/id.ts'
import type { Format } from '../types.ts'

// Choice between the formats of a token, and what all of them share: keys, lifetime, schema and the cache. How one is sealed is in
// sealed.ts and secretbox.ts. The codec that apps call is in session-codec.ts.

/** Reason for which a token was refused. For logs only: the client learns nothing but that its session is empty. */
export type Refusal = FormatRefusal | LifetimeRefusal | 'format-not-accepted' | 'schema-invalid' | 'device-unproven'

export type Opened =
  | { ok: true, record: SessionRecord, format: Format, key: DerivedKey, stale: boolean }
  | { ok: false, reason: Refusal }

type FormatRefusal = SecretboxRefusal | SealedRefusal

export interface CodecOptions {
  keyring: KeySource
  /** Seconds that a session is valid after its last write, unless it has a lifetime of its own. */
  expiry: number
  /** Seconds that it is valid after its last write at most, whatever its token says; no limit if it is left out. */
  maxExpiry?: number
  /** Seconds that it is valid since it was created; null, the default, for no limit. */
  absoluteTimeout?: number | null
  /** The format that is sealed. */
  format: Format
  /** The formats that are opened. */
  accept: readonly Format[]
  /** Context that sealed tokens are bound to. */
  context: string
  /** Default JSON. */
  serializer?: Serializer
  /** Default null, for any data. */
  schema?: DataSchema | null
  /** Limits of the cache of tokens that opened; null, the default, for none. */
  cache?: CacheLimits | null
  /** Keyring that tells the cache of its changes; null, the default, if the keys never change. */
  appKeyring?: Pick<KeyringInternals, 'forgetting'> | null
}

/** Seals sessions into tokens and opens them again. Knows nothing of HTTP. */
export class Codec {
  readonly #keyring: KeySource
  readonly #limits: Limits
  readonly #format: TokenFormat<FormatRefusal>
  /** Format of sessions that are bound to a device: the peer opens the other one, and would not ask for a proof. */
  readonly #boundFormat: TokenFormat<FormatRefusal>
  /** Undefined for a format that is not opened. */
  readonly #accepted: { readonly [Name in Format]: TokenFormat<FormatRefusal> | undefined }
  readonly #schema: DataSchema | null
  readonly #settings: FormatSettings
  readonly #cache: TokenCache | null
  #usesIds = false
  #opensBound = false

  constructor ({ keyring, expiry, maxExpiry, absoluteTimeout = null, format, accept, context, serializer = JSON_SERIALIZER, schema = null, cache = null, appKeyring = null }: CodecOptions, fillRandom: (nonce: Uint8Array) => void = fillNonce) {
    this.#keyring = keyring
    this.#limits = { expiry, maxExpiry, absoluteTimeout }
    this.#settings = { context, serializer, fillRandom, saysCreated: absoluteTimeout !== null }
    const formats = formatsOf(this.#settings)
    this.#format = formats[format]
    this.#boundFormat = formats.sealed
    this.#accepted = {
      secretbox: accept.includes('secretbox') ? formats.secretbox : undefined,
      sealed: accept.includes('sealed') ? formats.sealed : undefined
    }
    this.#schema = schema
    this.#cache = cache === null ? null : new TokenCache(cache, appKeyring)
  }

  /** Drops the cache for good. */
  close (): void {
    this.#cache?.close()
  }

  /** Has each session that opens have an id and a time of its beginning from here on. */
  useIds (): void {
    this.#usesIds = true
  }

  /**
   * Opens sessions that are bound to a device from here on, and has each session say when it began. The caller has to
   * ask for the proof: without it, a copy of the cookie would do.
   */
  openBound (): void {
    this.#opensBound = this.#settings.saysCreated = true
  }

  /** The key that seals now. */
  sealingKey (): DerivedKey {
    return this.#keyring.current.sealing(Date.now())
  }

  /**
   * Token of a session, in the format of this codec.
   * @throws `FST_SEALED_SESSION_VALUE_UNSTORABLE`, `FST_SEALED_SESSION_SERIALIZER_FAILED`,
   * `FST_SEALED_SESSION_TOO_LARGE`, and the errors of the check against the schema
   */
  seal (record: SessionRecord, key: DerivedKey = this.sealingKey()): string {
    return this.#formatFor(record).seal(this.#checked(record), key)
  }

  /** The same token as it stands in a cookie, percent-encoded as `encodeValue` does, between two texts of ASCII. */
  sealLine (record: SessionRecord, before: string, after: string): string {
    return this.#formatFor(record).sealLine(this.#checked(record), this.sealingKey(), before, after)
  }

  /** Format in which a session is sealed. */
  formatFor (record: SessionRecord): Format {
    return this.#formatFor(record).name
  }

  #formatFor (record: SessionRecord): TokenFormat<FormatRefusal> {
    return isBound(record) ? this.#boundFormat : this.#format
  }

  #checked (record: SessionRecord): SessionRecord {
    this.#schema?.check(record.data)
    return this.#bound(record)
  }

  /**
   * Session of a token. A token that does not open is refused with a reason, whatever a client sends; the
   * only error thrown is `FST_SEALED_SESSION_SCHEMA_ASYNC`, for a schema that cannot be used. `stale` says
   * that a token made now would have another format, or a newer key. It is never set for a key that is
   * leaving: a forged session must not get a token of a key that stays.
   */
  open (token: string): Opened {
    const format = this.#accepted[formatOf(token)]
    if (format === undefined) return refused('format-not-accepted')
    const keys = this.#keyring.current
    const cached = this.#cache === null ? null : this.#cache.open(token, format, keys)
    const opened = cached ?? format.open(token, keys)
    const admitted = this.#admit(opened, token, format.name, keys)
    if (this.#cache !== null) this.#cached(this.#cache, token, format, keys, opened, admitted.ok)
    return admitted
  }

  /**
   * The same with one key, of those that may be tried: `attempts` counts them. Without the cache: several cookies come
   * for one session, and what they may cost is counted in decryptions.
   */
  openWith (token: string, index: number): Opened {
    const format = this.#accepted[formatOf(token)]
    if (format === undefined) return refused('format-not-accepted')
    const keys = this.#keyring.current
    return this.#admit(format.openWith(token, keys, index), token, format.name, keys)
  }

  /**
   * The same of a token as it stands in a cookie, percent-encoded as we do or @fastify/secure-session does.
   * Null if it has to be decoded first; otherwise this saves a copy of it.
   */
  openEncoded (text: string): Opened | null {
    // Nothing of our own format is percent-encoded, and a part of the other format always is.
    const format = this.#accepted[text.includes('%') ? 'secretbox' : 'sealed']
    if (format === undefined) return null
    const keys = this.#keyring.current
    const cached = this.#cache === null ? null : this.#cache.open(text, format, keys)
    const opened = cached ?? format.openEncoded(text, keys)
    // An id that the token does not say is made of the token as it is decoded.
    if (opened === null || (this.#usesIds && opened.ok && !hasIdentity(opened.record))) return null
    const admitted = this.#admit(opened, text, format.name, keys)
    if (this.#cache !== null) this.#cached(this.#cache, text, format, keys, opened, admitted.ok)
    return admitted
  }

  /** Puts a token that opened into the cache, or takes one out that does not open any more, such as one that has expired. */
  #cached (cache: TokenCache, token: string, format: TokenFormat, keys: KeySet, opened: FormatOpened<DerivedKey, FormatRefusal>, isOpen: boolean): void {
    if (!opened.ok) return
    if (!isOpen) cache.delete(token)
    // A serializer or schema of the app's, which has just run, may have changed the keys.
    else if (opened.text !== null && keys === this.#keyring.current) cache.add(token, format, keys, opened.record, opened.key, opened.text)
  }

  /** Checks expiry and schema of a session whose token is authentic. */
  #admit (opened: FormatOpened<DerivedKey, FormatRefusal>, token: string, format: Format, keys: KeySet): Opened {
    if (!opened.ok) return opened
    const { record, key } = opened
    const dated = this.#dated(this.#bound(record))
    const now = Date.now()
    const reason = lifetimeRefusal(dated, this.#limits, now)
    if (reason !== null) return refused(reason)
    if (!this.#opensBound && isBound(dated)) return refused('device-unproven')
    const read = this.#schema === null ? dated : readWith(this.#schema, dated)
    if (read === null) return refused('schema-invalid')
    const stale = format === this.#formatFor(record).name ? keys.isStale(key, now) : keys.isListed(key)
    return { ok: true, record: this.#usesIds ? withIdentity(read, token) : read, format, key, stale }
  }

  /**
   * Bounds the lifetime: no session lives longer than these options allow. It may be one of an app's other
   * options. A user of an app on @fastify/secure-session can write any lifetime into a session, if the app
   * stores names that users choose.
   */
  #bound (record: SessionRecord): SessionRecord {
    if (record.lifetime === null) return record
    const lifetime = boundLifetime(record.lifetime, this.#limits)
    return lifetime === record.lifetime ? record : { ...record, lifetime }
  }

  /**
   * Fills in the time of creation. If a token does not say when its session began, that is its last write,
   * which must not move it on.
   */
  #dated (record: SessionRecord): SessionRecord {
    if (!this.#settings.saysCreated || record.createdAt !== null) return record
    return { ...record, createdAt: record.writtenAt }
  }

  /** Number of keys. */
  get keyCount (): number {
    return this.#keyring.current.keys.length
  }

  /** Number of decryptions that may be tried for a token. */
  attempts (token: string): number {
    return this.#accepted[formatOf(token)]?.decryptions(this.#keyring.current) ?? 0
  }
}

/** All formats, by name. */
export function formatsOf (settings: FormatSettings): { readonly [Name in Format]: TokenFormat<FormatRefusal> } {
  return { secretbox: secretboxFormat(settings), sealed: sealedFormat(settings) }
}

/**
 * Format that a token claims to have. It is opened as that or not at all: to try one format after the other
 * would let an attacker choose the weaker one.
 */
export function formatOf (token: string): Format {
  return token.includes(';') ? 'secretbox' : 'sealed'
}

function hasIdentity ({ id, createdAt }: SessionRecord): boolean {
  return id !== null && createdAt !== null
}

/** Record with the id and the time of creation that its token, which is older than the use of ids, does not say. */
function withIdentity (record: SessionRecord, token: string): SessionRecord {
  const { id, createdAt, writtenAt } = record
  if (hasIdentity(record)) return record
  // Half a second before the write, whose time was rounded to the second: it must not be later.
  return { ...record, id: id ?? idOfToken(token), createdAt: createdAt ?? writtenAt - 500 }
}

/** True for a session that is bound to a device. */
export function isBound ({ claims }: SessionRecord): boolean {
  return claims !== undefined && claims.has(BINDING)
}

function readWith (schema: DataSchema, record: SessionRecord): SessionRecord | null {
  const data = schema.read(record.data)
  return data === null ? null : { ...record, data }
}

function refused (reason: Refusal): Opened {
  return { ok: false, reason }
}
