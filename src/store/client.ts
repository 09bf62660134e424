import { kindOf } from '../errors.ts'
import { StoreCalls, type StoreLog } from './calls.ts'
import type { RevocationStore } from '../revocation/types.ts'

/**
 * Calls the store: each call ends within the time limit, and each failure is the same coded error. It stores
 * times and counts, as text, since not all stores take numbers.
 */
export class StoreClient {
  readonly #store: RevocationStore
  readonly #calls: StoreCalls
  readonly #hasGetMany: boolean

  /** @param timeout milliseconds. */
  constructor (store: RevocationStore, timeout: number, log: StoreLog) {
    this.#store = store
    this.#hasGetMany = hasGetMany(store)
    this.#calls = new StoreCalls({ timeout, log, error: 'STORE_UNAVAILABLE' })
  }

  /** The number of a key, or 0. @throws `FST_SEALED_SESSION_STORE_UNAVAILABLE` */
  async get (key: string): Promise<number> {
    return await this.#calls.run(() => this.#store.get(key), numberOf)
  }

  /**
   * The number of each key, or 0: in one round trip if the store can.
   * @throws (each rejects) `FST_SEALED_SESSION_STORE_UNAVAILABLE`
   */
  getEach (keys: string[]): Array<Promise<number>> {
    if (keys.length < 2 || !this.#hasGetMany) return keys.map(async key => await this.get(key))
    const answers = this.#calls.run(() => this.#store.getMany?.(keys), values => {
      // Fewer answers than questions would let somebody in.
      if (!Array.isArray(values) || values.length !== keys.length) throw new Error(`getMany() returned ${kindOf(values)}, which is no array of as many values`)
      return Array.from(values, numberOf)
    })
    return keys.map(async (_key, index) => (await answers)[index]!) // there are as many
  }

  /** True if the store can tell the first of several that add a key. */
  get canAdd (): boolean { return typeof this.#store.add === 'function' }

  /**
   * Adds a key, unless it is there.
   * @param ttl milliseconds.
   * @param value default 1.
   * @returns true for the one who has added it.
   * @throws `FST_SEALED_SESSION_STORE_UNAVAILABLE`
   */
  async add (key: string, ttl: number, value = 1): Promise<boolean> {
    return await this.#calls.run(() => this.#store.add?.(key, String(value), ttl), added => {
      // To take 'OK' or 1 for true could let the second one in as well.
      if (typeof added === 'boolean') return added
      throw new Error(`add() returned ${kindOf(added)}, which is not true or false`)
    })
  }

  /** @param ttl milliseconds. @throws `FST_SEALED_SESSION_STORE_UNAVAILABLE` */
  async set (key: string, value: number, ttl: number): Promise<void> {
    await this.#calls.run(() => this.#store.set(key, String(value), ttl), stored => {
      if (stored === false) throw new Error('set() returned false')
    })
  }
}

/**
 * True for a store that reads several keys at once and says if that fails. A Keyv whose adapter cannot is no such
 * store: its getMany() calls get() for each key, and answers a failure with 'nothing found', `throwOnErrors` or not.
 */
function hasGetMany (store: RevocationStore): boolean {
  const { store: adapter } = store as { store?: unknown } // a Keyv has it there
  return typeof store.getMany === 'function' && (typeof adapter !== 'object' || adapter === null || typeof (adapter as RevocationStore).getMany === 'function')
}

function numberOf (value: unknown): number {
  if (value === undefined || value === null) return 0
  // Only whole numbers are stored. Empty text, false and the like are no 'not revoked'.
  if (/^\d+$/.test(String(value))) return Number(value)
  throw new Error(`the store has ${kindOf(value)} that is no number`)
}
