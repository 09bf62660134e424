import { sealedSessionError } from '../errors.ts'
import { DerivedKey } from './derived-key.ts'

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
   * True if a session that the listed `key` opened is due to be sealed again; false if `key` is newer than
   * the key that seals.
   */
  isOlder (key: DerivedKey, than: DerivedKey): boolean {
    return key !== than && this.#listed.indexOf(key) > this.#listed.indexOf(than)
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
      if (byId.has(key.idNumber)) throw sealedSessionError('FST_SEALED_SESSION_KEY_ID_TAKEN', [key.id])
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
