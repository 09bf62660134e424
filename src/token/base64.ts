// Strict base64: with the standard alphabet and padded (RFC 4648 section 4). Node's decoder skips stray characters
// and takes other alphabets, paddings and spare bits, so that one token would have many spellings. One token, one
// string: code that compares or caches cookies must not be fooled by another.

/**
 * True if a part of a token is the one spelling of the bytes that Node decoded from it, alphabet aside.
 * @param text the part without its padding, of which there are `padding` characters.
 */
export function isCanonical (text: string, padding: number, byteCount: number): boolean {
  const length = text.length + padding
  // Characters that Node skips are missing in the count.
  if (padding > 2 || length % 4 !== 0 || byteCount !== length / 4 * 3 - padding) return false
  return padding === 0 || SPARE_BITS_ZERO[padding]!.includes(text[text.length - 1]!)
}

/** The characters that may stand before one or two `=`: those whose last 2 or 4 bits are zero. */
export const SPARE_BITS_ZERO: Record<number, string> = { 1: 'AEIMQUYcgkosw048', 2: 'AQgw' }

/** True if text has no character that Node's decoder takes for another one of the alphabet. */
export function isStandardAlphabet (text: string): boolean {
  // It reads a character beyond ASCII by its low byte, and base64url as if it were base64.
  return text.indexOf('-') === -1 && text.indexOf('_') === -1 && Buffer.byteLength(text) === text.length
}

// Base64 as it stands in a cookie. encoded-base64.ts has the same in bytes.

const EQUALS = 0x3d
const ESCAPED_PADDING = ['', '%3D', '%3D%3D']

/**
 * Base64 with its `/` and `=` percent-encoded, `/` in half the time that `replaceAll` takes. Each part of a token by
 * itself: to search a string that was just put together, V8 has to copy it first.
 */
export function escapeBase64 (base64: string): string {
  let end = base64.length
  while (base64.charCodeAt(end - 1) === EQUALS) end--
  let escaped = ''
  let from = 0
  for (let next = base64.indexOf('/'); next !== -1; next = base64.indexOf('/', from)) {
    escaped += `${base64.slice(from, next)}%2F`
    from = next + 1
  }
  return `${escaped}${base64.slice(from, end)}${ESCAPED_PADDING[base64.length - end] ?? ''}`
}
