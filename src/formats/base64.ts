// Strict base64 (RFC 4648 section 4: standard alphabet, padded). Node's decoder skips stray
// characters and takes other alphabets, paddings and spare bits, so that one token would have many
// spellings. One token, one string: what compares or caches cookies must not be fooled by another.

/** Whether a part of a token is the one spelling of the bytes that Node decoded from it, alphabet aside. */
export function isCanonical (text: string, byteCount: number): boolean {
  const { length } = text
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  // Whatever Node skips is missing in the count.
  if (length % 4 !== 0 || byteCount !== length / 4 * 3 - padding) return false
  return padding === 0 || SPARE_BITS_ZERO[padding]!.includes(text[length - padding - 1]!)
}

/** The characters that may stand before one or two `=`: those whose last 2 or 4 bits are zero. */
const SPARE_BITS_ZERO: Record<number, string> = { 1: 'AEIMQUYcgkosw048', 2: 'AQgw' }

/** Whether text has no character that Node's decoder takes for another one of the alphabet. */
export function isStandardAlphabet (text: string): boolean {
  // It reads a character beyond ASCII by its low byte, and base64url as if it were base64.
  return Buffer.byteLength(text) === text.length && !text.includes('-') && !text.includes('_')
}
