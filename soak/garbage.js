// Cookies that must not open, made of nothing or of real ones.
import { headerOf } from './jar.js'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const text = (random, length) => Array.from({ length }, () => random.of(ALPHABET)).join('')

/** Kinds of garbage: what makes a `Cookie` header out of a user's cookies. The last one must not do harm. */
export const GARBAGE = {
  random: random => `session=${text(random, 1 + random.below(4000))}`,
  truncated: (random, pairs) => change(random, pairs, value => value.slice(0, -1 - random.below(value.length / 2))),
  flipped: (random, pairs) => change(random, pairs, value => {
    const at = 3 + random.below(value.length - 4) // behind the mark of a cookie that was split, before spare bits
    return value.slice(0, at) + random.of(ALPHABET.replace(value[at], '')) + value.slice(at + 1)
  }),
  foreign: (random, pairs, foreign) => `session=${foreign()}`,
  planted: (random, pairs, foreign) => `session=${random.chance(0.5) ? foreign() : text(random, 200)}; ${headerOf(pairs)}`
}

/** One of the cookies in another form, the others as they are. */
function change (random, pairs, other) {
  const index = random.below(pairs.length)
  return headerOf(pairs.map(([name, value], at) => [name, at === index ? other(value) : value]))
}
