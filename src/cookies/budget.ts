import { MAX_ENCODED_LENGTH, MAX_SIGNED_LENGTH } from '../limits.ts'

/** Tries of keys in a request, over all cookies: to decrypt a token, or to check a signature. */
const MAX_TRIES = 64

/**
 * Bound on the work that the cookies of a request may cause for one session, whatever a client sends. A
 * cookie that comes alone is bounded by its length, and tried with all keys there are.
 */
export class Budget {
  #tries: number
  #characters = MAX_SIGNED_LENGTH
  #encoded = MAX_ENCODED_LENGTH

  /** @param keys of the session: one of several cookies must not be tried less than one that comes alone. */
  constructor (keys: number) {
    this.#tries = Math.max(MAX_TRIES, keys)
  }

  /** True if a key may be tried. */
  get hasTry (): boolean {
    return this.#tries > 0
  }

  spendTry (): void {
    this.#tries--
  }

  /**
   * Takes a value of so many characters, if there is room for it. All values together are no longer than one
   * may be: many that were made of the same chunks cost no more than one that a client can send.
   */
  takeValue (length: number): boolean {
    if (length > this.#characters) return false
    this.#characters -= length
    return true
  }

  /** Has a function decode no more text than all values of a request may have. */
  limit (decode: (text: string) => string | undefined): (text: string) => string | undefined {
    return text => {
      // Text without an escape costs nothing.
      if (text.includes('%') && (this.#encoded -= text.length) < 0) return undefined
      return decode(text)
    }
  }
}
