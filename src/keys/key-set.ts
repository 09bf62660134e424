import { KEY_BYTES } from '../crypto/library.ts'
import { sodium } from '#sodium'
import { fail } from '../errors.ts'

/** Key of the method that `util.inspect` calls. */
export const kInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/**
 * The keys of a session at one moment. Never changes: a rotation makes another set.
 *
 * Listed keys seal and open, the newest first. Leaving keys are gone from the file, and open for a
 * moment what is on its way: what they open is never sealed with a listed key. Otherwise a session
 * that was forged with a leaked key would outlive that key.
 */
export class KeySet {
  readonly #listed: readonly DerivedKey[]
  readonly #keys: readonly DerivedKey[]
  #byId: Map<number, DerivedKey> | null = null

  /**
   * @param listed at least one, newest first; a repeated one counts once.
   * @param leaving keys that open only; one that is listed, too, counts as listed.
   */
  constructor (listed: readonly DerivedKey[], leaving: readonly DerivedKey[] = []) {
    this.#listed = distinct(listed)
    this.#keys = leaving.length === 0 ? this.#listed : distinct([...listed, ...leaving])
  }

  /**
   * Set of keys from their bytes. @param keys at least one, each of 32 bytes; they belong to the set from now
   * on.
   */
  static of (keys: readonly Buffer[]): KeySet {
    return new KeySet(keys.map(key => new DerivedKey(key)))
  }

  /** All keys that open: the listed ones, then the leaving ones. */
  get keys (): readonly DerivedKey[] { return this.#keys }

  /** The keys that seal and open, newest first. */
  get listed (): readonly DerivedKey[] { return this.#listed }

  /** True for a key that may seal, and whose sessions may be sealed again. */
  isListed (key: DerivedKey): boolean {
    return includes(this.#listed, key)
  }

  /** True for a key that opens: a listed one, or one that is leaving. */
  has (key: DerivedKey): boolean {
    return includes(this.#keys, key)
  }

  /**
   * The key that seals: the first listed one that may at this time (milliseconds since 1970). If none may,
   * the last, which is the one that other processes have most likely read already.
   */
  sealing (now: number): DerivedKey {
    const first = this.#listed[0]! // a set has at least one
    if (first.activeFrom <= now) return first
    return this.#listed.find(({ activeFrom }) => activeFrom <= now) ?? this.#listed.at(-1)!
  }

  /**
   * True if a session that `key` opened is due to be sealed again with a newer one. Never for a key that is leaving,
   * nor for one that is newer than the key that seals now (milliseconds since 1970).
   */
  isStale (key: DerivedKey, now: number): boolean {
    const sealing = this.sealing(now)
    return key !== sealing && this.#listed.indexOf(key) > this.#listed.indexOf(sealing)
  }

  /** The key with an id, in a time that does not depend on how many there are. */
  find (id: number): DerivedKey | undefined {
    return this.#index().get(id)
  }

  /**
   * Derives the keys' ids.
   * @throws `FST_SEALED_SESSION_KEY_ID_TAKEN` if two keys have the same: one of 4.3 billion pairs.
   */
  #index (): Map<number, DerivedKey> {
    if (this.#byId !== null) return this.#byId
    const byId = new Map<number, DerivedKey>()
    for (const key of this.#keys) {
      if (byId.has(key.idNumber)) throw fail('KEY_ID_TAKEN', [key.id])
      byId.set(key.idNumber, key)
    }
    this.#byId = byId
    return byId
  }

  /** @throws `FST_SEALED_SESSION_KEY_ID_TAKEN` */
  check (): this {
    this.#index()
    return this
  }
}

/** The keys without repetition; the first of each stays. */
function distinct (keys: readonly DerivedKey[]): readonly DerivedKey[] {
  return keys.filter((key, index) => keys.findIndex(other => other.equals(key)) === index)
}

/**
 * True if a set has a key: by identity first, which is nearly always enough. rotate() may have added the same
 * key as another object.
 */
function includes (keys: readonly DerivedKey[], key: DerivedKey): boolean {
  return keys.includes(key) || keys.some(key.equals, key) // no closure: this may run in every request
}

/** Separates the subkeys of this package from those of any other use of the same key. */
const KDF_CONTEXT = 'fsealses'

// Numbers of the subkeys.
const ENCRYPTION = 1
const IDENTIFICATION = 2
const PSEUDONYMS = 3

/** The shortest subkey that crypto_kdf gives; the id is its beginning. */
const ID_SUBKEY_BYTES = 16

/**
 * Key with everything derived from it: a subkey that encrypts, so that the key itself is used by one cipher
 * only (the secretbox format's), and an id that says nothing about either.
 *
 * The bytes are in private fields: neither `console.log` nor a logger shows them.
 */
export class DerivedKey {
  readonly #bytes: Buffer
  readonly #activeFrom: number
  #encryption: Buffer | null = null
  #pseudonyms: Buffer | null = null
  #id: { number: number, text: string } | null = null

  /**
   * @param bytes 32 of them; they belong to the key from now on.
   * @param activeFrom milliseconds since 1970 at which it may begin to seal. It opens at once.
   */
  constructor (bytes: Buffer, activeFrom: number = -Infinity) {
    this.#bytes = bytes
    this.#activeFrom = activeFrom
  }

  get activeFrom (): number { return this.#activeFrom }

  /** The key itself. */
  get bytes (): Buffer { return this.#bytes }

  /** The subkey of the sealed format. */
  get encryption (): Buffer {
    this.#encryption ??= sodium().deriveSubkey(this.#bytes, ENCRYPTION, KDF_CONTEXT, KEY_BYTES)
    return this.#encryption
  }

  /** The subkey that hashes subjects for audit logs: a reader of those must not find a user by guessing. */
  get pseudonyms (): Buffer {
    this.#pseudonyms ??= sodium().deriveSubkey(this.#bytes, PSEUDONYMS, KDF_CONTEXT, KEY_BYTES)
    return this.#pseudonyms
  }

  /** Id of the key, as tokens have it: four bytes. */
  get idNumber (): number { return this.#identity.number }

  /** Id of the key as text: eight hex characters. */
  get id (): string { return this.#identity.text }

  /** @param other may be of the other copy of this package, ESM or CommonJS. */
  equals (other: DerivedKey): boolean {
    return this.#bytes.equals(other.bytes)
  }

  get #identity (): { number: number, text: string } {
    if (this.#id === null) {
      const subkey = sodium().deriveSubkey(this.#bytes, IDENTIFICATION, KDF_CONTEXT, ID_SUBKEY_BYTES)
      this.#id = { number: subkey.readUInt32BE(), text: subkey.toString('hex', 0, 4) }
    }
    return this.#id
  }

  [kInspect] (): string { return 'DerivedKey {}' }
}

/** Source of a codec's keys: another set after each rotation. */
export interface KeySource {
  readonly current: KeySet
}

/** Event of the file that a keyring follows. */
export type KeyFileEvent =
  | { type: 'read' | 'dropped', source: string, ids: readonly string[] }
  | { type: 'failed', source: string, error: Error }

/** Internals of a `Keyring`, for the code that seals and opens. */
export interface KeyringInternals extends KeySource {
  /** The file that the keys were read from, if users may read or write it who should not; null otherwise. */
  readonly exposed: { readonly path: string, readonly mode: number, readonly exposure: string } | null
  /** Has `listener` hear of each event of the file; returns a function that stops it. */
  subscribe (listener: (event: KeyFileEvent) => void): () => void
  /** Has `listener` hear that other keys are there, from a file or from the app; returns a function that stops it. */
  changed (listener: () => void): () => void
  /** The same, and of a file that failed, and of `close()`: nothing that these keys have opened is kept in memory then. */
  forgetting (listener: () => void): () => void
}

/**
 * Reaches the internals of a `Keyring`. Registered, since the keyring may have been made by the
 * other copy of this package, ESM or CommonJS, than the one that uses it.
 */
export const kKeyring: unique symbol = Symbol.for('fastify-sealed-session.keyring')

/** The internals of a `Keyring`, or undefined for anything else. */
export function keyringInternals (value: unknown): KeyringInternals | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as { [kKeyring]?: KeyringInternals })[kKeyring]
}
