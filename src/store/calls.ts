import { fail, kindOf, type ErrorName } from '../errors.ts'

/** Hears when a store begins to fail and when it answers again. */
export interface StoreLog {
  failed: (error: Error) => void
  recovered: () => void
}

export interface StoreCallsOptions {
  /** Milliseconds that a call may take. */
  timeout: number
  log: StoreLog
  /** Error of each failure; its message has a place for one word. */
  error: ErrorName
}

/** Calls of a store: each ends within the time limit, and each failure is the same coded error. */
export class StoreCalls {
  readonly #options: StoreCallsOptions
  #isDown = false

  constructor (options: StoreCallsOptions) {
    this.#options = options
  }

  /**
   * Calls the store.
   * @param read makes a value of the answer, and throws if that cannot be meant.
   * @throws (rejects) the error for a failure.
   */
  async run<T> (call: () => unknown, read: (answer: unknown) => T): Promise<T> {
    const { log, error: name } = this.#options
    try {
      const answer = call()
      const value = read(isPromise(answer) ? await this.#limited(answer) : answer)
      if (this.#isDown) log.recovered()
      this.#isDown = false
      return value
    } catch (cause) {
      const error = unavailable(name, cause)
      if (!this.#isDown) log.failed(error)
      this.#isDown = true
      throw error
    }
  }

  async #limited (answer: PromiseLike<unknown>): Promise<unknown> {
    const { timeout } = this.#options
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${timeout} ms`)), timeout)
    })
    try {
      return await Promise.race([answer, limit])
    } finally {
      clearTimeout(timer)
    }
  }
}

function isPromise (value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}

/** Error for a failure of a store, with one word for it. The store's own words are in the cause: they may hold anything. */
export function unavailable (name: ErrorName, cause: unknown): Error {
  const { code, name: type } = Object(cause) as { code?: unknown, name?: unknown }
  const word = [code, type].find(word => typeof word === 'string') as string | undefined
  return fail(name, [word ?? kindOf(cause)], { cause })
}
