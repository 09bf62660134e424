/**
 * Writes of one process, one after the other for each key: of two that are under way, the earlier one
 * may arrive last.
 */
export class Turns {
  /** The last write of each key that is under way or waits. */
  readonly #last = new Map<string, Promise<number>>()

  /**
   * Runs a write when those of the same key are done. If one fails, those that wait for it fail, too: if a
   * store hangs, they would otherwise wait for its time limit one after the other.
   * @param write gets the result of the write before it, or 0 if none was under way.
   */
  async run (key: string, write: (before: number) => Promise<number>): Promise<number> {
    const writing = (this.#last.get(key) ?? Promise.resolve(0)).then(write)
    this.#last.set(key, writing)
    try {
      return await writing
    } finally {
      if (this.#last.get(key) === writing) this.#last.delete(key)
    }
  }
}
