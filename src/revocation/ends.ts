/** An entry that ends. */
export interface Ending {
  /** Time at which it is looked at; not later than its end. Milliseconds since 1970. */
  due: number
}

/**
 * Entries in the order in which they are due: a binary heap. The next one is found without a look at
 * the others, and to add or remove one takes as many steps as the logarithm of their number.
 */
export class Ends<Entry extends Ending> {
  /** Each entry is due no earlier than its parent, which stands at half of its index. */
  readonly #heap: Entry[] = []

  /** The entry that is due first. */
  get first (): Entry | undefined { return this.#heap[0] }

  add (entry: Entry): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#due(parent) <= entry.due) break
      this.#swap(at, parent)
      at = parent
    }
  }

  removeFirst (): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const child = this.#due(left + 1) < this.#due(left) ? left + 1 : left
      if (this.#due(child) >= last.due) return
      this.#swap(at, child)
      at = child
    }
  }

  /** Time at which the entry at an index is due; never, if there is none. */
  #due (index: number): number {
    return this.#heap[index]?.due ?? Infinity
  }

  #swap (a: number, b: number): void {
    const heap = this.#heap
    const entry = heap[a]! // both are indexes of entries
    heap[a] = heap[b]!
    heap[b] = entry
  }
}
