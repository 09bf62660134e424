// The text of a secretbox token, `base64(tag | ciphertext);base64(nonce)`, taken apart without a
// copy of it.

const EQUALS = 0x3d

/** The parts of a text. */
export interface TextParts {
  /** Both parts and what is between them. */
  whole: string
  /** Without its padding. */
  ciphertext: string
  /** How many `=` follow it. */
  padding: number
  nonce: string
}

/** The parts of a token; null where there are not two. What follows a second `;` is not looked at. */
export function partsOf (token: string): TextParts | null {
  const semicolon = token.indexOf(';')
  if (semicolon === -1) return null
  const second = token.indexOf(';', semicolon + 1)
  const whole = second === -1 ? token : token.slice(0, second)
  let end = semicolon
  while (whole.charCodeAt(end - 1) === EQUALS) end--
  return { whole, ciphertext: whole.slice(0, end), padding: semicolon - end, nonce: whole.slice(semicolon + 1) }
}

/**
 * The same of a token whose `=` and `;` are percent-encoded, as they are in a cookie. Null where
 * anything else is encoded, too, or is encoded otherwise: then it has to be decoded first.
 */
export function partsOfEncoded (text: string): TextParts | null {
  const semicolon = text.indexOf('%3B')
  if (semicolon === -1) return null
  let end = semicolon
  while (text.endsWith('%3D', end)) end -= 3
  if (text.indexOf('%') !== end || text.charCodeAt(end - 1) === EQUALS || text.includes('%', semicolon + 3)) return null
  return { whole: text, ciphertext: text.slice(0, end), padding: (semicolon - end) / 3, nonce: text.slice(semicolon + 3) }
}
