import { isSodiumReady } from '#sodium'
import { type DerivedKey, type KeyFileEvent, type KeyringInternals, KeySet } from './key-set.ts'

/** Source outside of the process that changes the keys of a keyring. */
export interface Follower {
  /** Name of the source, as messages have it. */
  readonly source: string
  subscribe (listener: (event: KeyFileEvent) => void): () => void
  close (): void
}

/** Keys of a keyring, and all who hear of their changes. */
export class KeyringState implements KeyringInternals {
  current: KeySet
  exposed: KeyringInternals['exposed'] = null
  /** Null if the app changes the keys. */
  follower: Follower | null = null
  readonly #listeners = new Set<() => void>()
  readonly #caches = new Set<() => void>()

  constructor (keys: readonly DerivedKey[]) {
    this.current = checked(keys)
  }

  /**
   * Puts other keys in place of these; `leaving` ones open only. @throws `FST_SEALED_SESSION_KEY_ID_TAKEN`,
   * and then keeps those it has.
   */
  replace (keys: readonly DerivedKey[], leaving: readonly DerivedKey[] = []): void {
    this.current = checked(keys, leaving)
    for (const listener of this.#listeners) listener()
    this.forget()
  }

  /** Has caches forget all that these keys have opened. */
  forget (): void {
    for (const forget of this.#caches) forget()
  }

  changed (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  forgetting (listener: () => void): () => void {
    this.#caches.add(listener)
    return () => { this.#caches.delete(listener) }
  }

  subscribe (listener: (event: KeyFileEvent) => void): () => void {
    return this.follower?.subscribe(listener) ?? (() => {})
  }

  close (): void {
    this.follower?.close()
    this.follower = null
    this.forget()
  }
}

/**
 * Set of keys with checked ids. While libsodium is being loaded, ids are not derived yet; they are when they
 * are first needed.
 */
function checked (keys: readonly DerivedKey[], leaving: readonly DerivedKey[] = []): KeySet {
  const set = new KeySet(keys, leaving)
  return isSodiumReady() ? set.check() : set
}
