const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/**
 * Flips the lowest bit of a base64url character in the middle of a cookie's value: what comes out is
 * as well-formed as before, so that nothing but the seal can tell. Flipping it twice restores the value.
 * @param {string} value
 */
export function flipOneBit (value) {
  const plain = /[A-Za-z0-9]/g
  plain.lastIndex = Math.floor(value.length / 2)
  const found = plain.exec(value)
  if (found === null) return value
  const flipped = ALPHABET.charAt(ALPHABET.indexOf(found[0]) ^ 1)
  return value.slice(0, found.index) + flipped + value.slice(found.index + 1)
}

/**
 * A session's cookies as the browser sent them: one, or as many as it was split into, in their order.
 * @param {string | undefined} header the whole `Cookie` header: it may hold those of other apps too
 * @param {string} name of the first; the others are `name.1` and so on
 */
export function cookiesOf (header = '', name) {
  const pairs = header.split('; ')
  const cookies = []
  for (let next = name; ; next = `${name}.${cookies.length}`) {
    const pair = pairs.find(pair => pair.startsWith(`${next}=`))
    if (pair === undefined) return cookies
    cookies.push({ name: next, value: pair.slice(next.length + 1), bytes: pair.length })
  }
}

const VALUE = { type: 'string', maxLength: 4096, pattern: '^[\\w%.~-]+$' }

/** Schema of a copy of a session's cookies: their values, and that of the proof of its device. */
export const COPY = {
  type: 'object',
  required: ['values'],
  properties: { values: { type: 'array', items: VALUE, minItems: 1, maxItems: 2 }, proof: VALUE }
}

/** Header of a client that sends a copy. @param {{ values: string[], proof?: string }} copy @param {{ cookie: string, proof: string }} names */
export function headerOf ({ values: [first, second], proof }, names) {
  const pairs = [`${names.cookie}=${first}`]
  if (second !== undefined) pairs.push(`${names.cookie}.1=${second}`)
  if (proof !== undefined) pairs.push(`${names.proof}=${proof}`)
  return pairs.join('; ')
}
