// The text of a secretbox token, `base64(tag | ciphertext);base64(nonce)`, taken apart without a
// copy of it.

const EQUALS = 0x3d

/** The parts of a text. */
export interface TextParts {
  /** Both parts and the text between them. */
  whole: string
  /** First part, without its padding. */
  ciphertext: string
  /** Number of `=` that follow it. */
  padding: number
  nonce: string
}

/** Parts of a token; null if there are not two. Text behind a second `;` is not looked at. */
export function partsOf (token: string): TextParts | null {
  const semicolon = token.indexOf(';')
  if (semicolon === -1) return null
  const second = token.indexOf(';', semicolon + 1)
  const whole = second === -1 ? token : token.slice(0, second)
  let end = semicolon
  while (whole.charCodeAt(end - 1) === EQUALS) end--
  return { whole, ciphertext: whole.slice(0, end), padding: semicolon - end, nonce: whole.slice(semicolon + 1) }
}

/** Characters of `%3B` and a nonce of 24 bytes, if each of its characters were percent-encoded. */
const ESCAPED_NONCE_LENGTH = 3 + 3 * 32

/** Positions of the parts of a token whose `;` and `=` are percent-encoded, as in a cookie. */
export interface EncodedParts {
  /** End of the first part, without its padding. */
  end: number
  padding: number
  /** Start of the nonce's part, which ends with the text. */
  nonceStart: number
}

/** Positions of the parts; null if there are not two. Other escapes in them are not looked at. */
export function partsOfEncoded (text: string): EncodedParts | null {
  // Searched from the earliest place where it can be: a text has many other escapes. One that comes earlier
  // is none of a token.
  const semicolon = text.indexOf('%3B', text.length - ESCAPED_NONCE_LENGTH)
  if (semicolon === -1) return null
  let end = semicolon
  while (text.endsWith('%3D', end)) end -= 3
  return { end, padding: (semicolon - end) / 3, nonceStart: semicolon + 3 }
}
