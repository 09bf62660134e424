// Random numbers that come again with the same seed (mulberry32).

export class Random {
  #state

  constructor (seed) {
    this.#state = seed >>> 0
  }

  /** From 0 up to 1. */
  next () {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  chance (share) { return this.next() < share }
  between ([least, most]) { return least + this.next() * (most - least) }
  below (count) { return Math.floor(this.next() * count) }
  of (list) { return list[this.below(list.length)] }

  /** A key of an object, as often as its weight says. */
  weighted (weights) {
    let left = this.next() * Object.values(weights).reduce((sum, weight) => sum + weight, 0)
    for (const [name, weight] of Object.entries(weights)) {
      left -= weight
      if (left < 0) return name
    }
  }
}
