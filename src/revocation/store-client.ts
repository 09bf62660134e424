import { kindOf, sealedSessionError } from '../errors.ts'
import type { RevocationStore } from './types.ts'

/** Log of calls: hears when they begin to fail, and when they are answered again. */
export interface CallLog {
  failed: (error: Error) => void
  recovered: () => void
}

/** Calls to something that may hang or fail: each ends within the time limit, and each failure is the same coded error. */
export class LimitedCalls {
  readonly #timeout: number
  readonly #errorOf: (cause: unknown) => Error
  readonly #log: CallLog
  #isDown = false

  /** @param timeout milliseconds. */
  constructor (timeout: number, errorOf: (cause: unknown) => Error, log: CallLog) {
    this.#timeout = timeout
    this.#errorOf = errorOf
    this.#log = log
  }

  /** @param read takes the answer; what it throws is a failure as well. */
  async call<T> (call: () => unknown, read: (answer: unknown) => T): Promise<T> {
    try {
      const answer = call()
      const value = read(isPromise(answer) ? await this.#limited(answer) : answer)
      if (this.#isDown) this.#log.recovered()
      this.#isDown = false
      return value
    } catch (cause) {
      const error = this.#errorOf(cause)
      if (!this.#isDown) this.#log.failed(error)
      this.#isDown = true
      throw error
    }
  }

  async #limited (answer: PromiseLike<unknown>): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${this.#timeout} ms`)), this.#timeout)
    })
    try {
      return await Promise.race([answer, limit])
    } finally {
      clearTimeout(timer)
    }
  }
}

/**
 * Calls the store: each call ends within the time limit, and each failure is the same coded error. It stores
 * times and counts, as text, since not all stores take numbers.
 */
export class StoreClient {
  readonly #store: RevocationStore
  readonly #calls: LimitedCalls
  readonly #hasGetMany: boolean

  /** @param timeout milliseconds. */
  constructor (store: RevocationStore, timeout: number, log: CallLog) {
    this.#store = store
    this.#hasGetMany = hasGetMany(store)
    this.#calls = new LimitedCalls(timeout, unavailable, log)
  }

  /** The number of a key, or 0. @throws `FST_SEALED_SESSION_STORE_UNAVAILABLE` */
  async get (key: string): Promise<number> {
    return await this.#calls.call(() => this.#store.get(key), numberOf)
  }

  /**
   * The number of each key, or 0: in one round trip if the store can.
   * @throws (each rejects) `FST_SEALED_SESSION_STORE_UNAVAILABLE`
   */
  getEach (keys: string[]): Array<Promise<number>> {
    if (keys.length < 2 || !this.#hasGetMany) return keys.map(async key => await this.get(key))
    const answers = this.#calls.call(() => this.#store.getMany?.(keys), values => {
      // Fewer answers than questions would let somebody in.
      if (!Array.isArray(values) || values.length !== keys.length) throw new Error(`getMany() returned ${kindOf(values)}, which is no array of as many values`)
      return Array.from(values, numberOf)
    })
    return keys.map(async (_key, index) => (await answers)[index]!) // there are as many
  }

  /** @param ttl milliseconds. @throws `FST_SEALED_SESSION_STORE_UNAVAILABLE` */
  async set (key: string, value: number, ttl: number): Promise<void> {
    await this.#calls.call(() => this.#store.set(key, String(value), ttl), stored => {
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

function isPromise (value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}

/** Error for a failure of the store. The store's own words are in the cause: they may hold anything. */
export function unavailable (cause: unknown): Error {
  return Object.assign(sealedSessionError('FST_SEALED_SESSION_STORE_UNAVAILABLE', [wordFor(cause)]), { cause })
}

/** The same for a failure of the app's option "stamp". */
export function stampUnavailable (cause: unknown): Error {
  return Object.assign(sealedSessionError('FST_SEALED_SESSION_STAMP_UNAVAILABLE', [wordFor(cause)]), { cause })
}

function wordFor (cause: unknown): string {
  const { code, name } = (cause ?? {}) as { code?: unknown, name?: unknown }
  return [code, name].find(word => typeof word === 'string') as string | undefined ?? kindOf(cause)
}
