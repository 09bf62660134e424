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
 * A cookie's value as the browser sent it, or null.
 * @param {string | undefined} header the whole `Cookie` header: it may hold those of other apps too
 * @param {string} name
 */
export function rawValue (header = '', name) {
  const pair = header.split('; ').find(pair => pair.startsWith(`${name}=`))
  return pair === undefined ? null : pair.slice(name.length + 1)
}
