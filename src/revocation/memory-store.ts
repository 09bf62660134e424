import { sealedSessionError } from '../errors.ts'
import type { RevocationStore } from './types.ts'

interface Entry {
  value: string
  /** Milliseconds since 1970. */
  end: number
}

/** How many revocations a `MemoryStore` holds unless told otherwise: about 20 MB. */
const DEFAULT_MAX_ENTRIES = 100_000

/**
 * Keeps revocations in the memory of this process, for development, tests and an app that is one
 * process and never restarts. It forgets nothing that is still in force: when it is full, `set` throws
 * `FST_SEALED_SESSION_STORE_FULL`.
 */
export class MemoryStore implements RevocationStore {
  readonly #entries = new Map<string, Entry>()
  readonly #maxEntries: number

  /**
   * @param options `maxEntries`: how many revocations it holds; default 100 000.
   * @throws `FST_SEALED_SESSION_OPTION_INVALID` where that is no whole number above 0.
   */
  constructor ({ maxEntries = DEFAULT_MAX_ENTRIES }: { maxEntries?: number | undefined } = {}) {
    if (!Number.isInteger(maxEntries) || maxEntries < 1) {
      throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', ['maxEntries', 'a whole number above 0', String(maxEntries)])
    }
    this.#maxEntries = maxEntries
  }

  get (key: string): string | undefined {
    const entry = this.#entries.get(key)
    return entry !== undefined && entry.end > Date.now() ? entry.value : undefined
  }

  set (key: string, value: string, ttl: number): void {
    if (!this.#entries.has(key) && this.#entries.size >= this.#maxEntries) this.#makeRoom()
    this.#entries.set(key, { value, end: Date.now() + ttl })
  }

  #makeRoom (): void {
    const now = Date.now()
    for (const [key, { end }] of this.#entries) if (end <= now) this.#entries.delete(key)
    if (this.#entries.size >= this.#maxEntries) throw sealedSessionError('FST_SEALED_SESSION_STORE_FULL', [this.#maxEntries])
  }
}
