/** Keys of each kind that are remembered, at most: a few MB. The oldest one makes room. */
const MAX_KEYS = 50_000

/**
 * Cache of the store's answers. 'Revoked' is never taken back, so it is kept; 'not revoked' may change, so it
 * is believed for a short time only.
 */
export class RevocationCache {
  /** Numbers above 0, as the store has them. */
  readonly #present = new Map<string, number>()
  /** Time at which a key was read, in milliseconds since 1970, with or without a number. */
  readonly #readAt = new Map<string, number>()
  /** Value of `sequence` at which the number of a key became known. */
  readonly #learned = new Map<string, number>()
  readonly #ttl: number
  #sequence = 0

  /** @param ttl milliseconds for which an answer of the store is believed. */
  constructor (ttl: number) {
    this.#ttl = ttl
  }

  /** Count of the numbers that became known. */
  get sequence (): number { return this.#sequence }

  /** Value of `sequence` at which the present number of a key became known; 0 if it is not there any more. */
  learned (key: string): number {
    return this.#learned.get(key) ?? 0
  }

  /** Number of a key as far as it is known; it may be higher by now. */
  get (key: string): number {
    return this.#present.get(key) ?? 0
  }

  isFresh (key: string, now: number): boolean {
    const readAt = this.#readAt.get(key)
    return readAt !== undefined && now >= readAt && now - readAt < this.#ttl
  }

  /** Times between which the answers about all these keys are believed, in milliseconds since 1970. */
  believed ({ own, before, epochs }: { readonly [Name in 'own' | 'before' | 'epochs']: readonly string[] }): { since: number, until: number } {
    let since = -Infinity
    let earliest = Infinity
    for (const keys of [own, before, epochs]) {
      for (const key of keys) {
        const readAt = this.#readAt.get(key) ?? NaN // no answer at all makes both NaN
        since = Math.max(since, readAt)
        earliest = Math.min(earliest, readAt)
      }
    }
    return { since, until: earliest + this.#ttl }
  }

  /** Puts a number that the store has given, or will give after it was told. Numbers only grow. */
  put (key: string, value: number, now: number): void {
    const before = this.get(key)
    const known = Math.max(value, before)
    if (known > before) remember(this.#learned, key, ++this.#sequence)
    // Anew even if it is the same: a number that made room while it counts as read would be taken for 0.
    if (known > 0) remember(this.#present, key, known)
    remember(this.#readAt, key, now)
  }

  /** Takes back a number that could not be stored. */
  forget (key: string): void {
    this.#present.delete(key)
    this.#readAt.delete(key)
    this.#learned.delete(key)
  }
}

/** Puts a value into a bounded map, as its newest. */
export function remember<Value> (map: Map<string, Value>, key: string, value: Value, max = MAX_KEYS): void {
  map.delete(key) // so that it becomes the newest
  if (map.size >= max) map.delete(map.keys().next().value!) // it is not empty
  map.set(key, value)
}
