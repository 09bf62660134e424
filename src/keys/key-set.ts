import { sealedSessionError } from '../errors.ts'
import { DerivedKey } from './derived-key.ts'

/** The keys of a session at one moment, newest first. Never changes: a rotation makes another one. */
export class KeySet {
  readonly #keys: readonly DerivedKey[]
  #byId: Map<number, DerivedKey> | null = null

  /** @param keys at least one; a repeated one counts once. */
  constructor (keys: readonly DerivedKey[]) {
    this.#keys = keys.filter((key, index) => keys.findIndex(other => other.equals(key)) === index)
  }

  /** @param keys at least one, each of 32 bytes; they belong to the set from now on. */
  static of (keys: readonly Buffer[]): KeySet {
    return new KeySet(keys.map(key => new DerivedKey(key)))
  }

  get keys (): readonly DerivedKey[] { return this.#keys }

  /**
   * The key that seals: the first that may at this time (milliseconds since 1970). Where none may,
   * the last, which is the one that other processes have most likely read already.
   */
  sealing (now: number): DerivedKey {
    const first = this.#keys[0]! // a set has at least one
    if (first.activeFrom <= now) return first
    return this.#keys.find(({ activeFrom }) => activeFrom <= now) ?? this.#keys.at(-1)!
  }

  /** Whether a session that `key` opened is due to be sealed again: not where `key` is newer than what seals. */
  isOlder (key: DerivedKey, than: DerivedKey): boolean {
    return key !== than && this.#keys.indexOf(key) > this.#keys.indexOf(than)
  }

  /** The key with an id, in a time that does not depend on how many there are. */
  find (id: number): DerivedKey | undefined {
    return this.#index().get(id)
  }

  /**
   * Derives what the keys' ids are.
   * @throws `FST_SEALED_SESSION_KEY_ID_TAKEN` where two keys have the same: one of 4.3 billion pairs.
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
