// Base64 as it stands in a cookie, where `/` is percent-encoded, and `+` if @fastify/secure-session wrote it.
// It is decoded as it is: to take the escapes out first, for Node's decoder, would be a copy of the text,
// which takes three times as long for a token of ordinary length.

const PERCENT = 0x25
const TWO = 0x32
const THREE = 0x33
const LETTER_B = 0x42
const LETTER_D = 0x44
const LETTER_F = 0x46

const SLASH_VALUE = 63
const PLUS_VALUE = 62

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

const ALPHABET_CODES = new Uint8Array(Buffer.from(ALPHABET, 'latin1'))

/** Values of characters, by their codes; -1 for those that are not in the standard alphabet. */
const VALUES = new Int8Array(256).fill(-1)
for (const [value, code] of ALPHABET_CODES.entries()) VALUES[code] = value

/**
 * Decodes the bytes of text from `start` to `end` into `target` at `to`, which may be in the place of the
 * text: the bytes are never longer than the text that was read.
 * @param padding number of `=` that followed the text.
 * @returns number of bytes; -1 if the text is not the one spelling of them, but for its escapes.
 */
export function decodeBase64 (text: Buffer, start: number, end: number, padding: number, target: Buffer, to: number): number {
  let from = start
  let at = to
  while (from < end) {
    // Four characters without an escape, which most are: -1 has all bits set, so that the sum has its sign.
    const quick = from + 4 > end ? -1 : VALUES[text[from]!]! << 18 | VALUES[text[from + 1]!]! << 12 | VALUES[text[from + 2]!]! << 6 | VALUES[text[from + 3]!]! // bytes, of 256
    if (quick >= 0) {
      target[at++] = quick >> 16
      target[at++] = quick >> 8
      target[at++] = quick
      from += 4
      continue
    }
    let bits = 0
    let count = 0
    for (; count < 4 && from < end; count++) {
      const value = valueAt(text, from)
      if (value < 0) return -1
      from += text[from] === PERCENT ? 3 : 1
      bits = bits << 6 | value
    }
    if (count < 4) return from === end ? last(bits, count, padding, target, at, to) : -1
    target[at++] = bits >> 16
    target[at++] = bits >> 8
    target[at++] = bits
  }
  return from === end && padding === 0 ? at - to : -1
}

function valueAt (text: Buffer, at: number): number {
  const code = text[at]! // it is before the end
  if (code !== PERCENT) return VALUES[code]!
  if (text[at + 1] !== TWO) return -1
  return text[at + 2] === LETTER_F ? SLASH_VALUE : text[at + 2] === LETTER_B ? PLUS_VALUE : -1
}

/** The last two or three characters: one or two bytes, and bits to spare, which are zero. */
function last (bits: number, count: number, padding: number, target: Buffer, at: number, to: number): number {
  if (count + padding !== 4 || count === 1 || (bits & (count === 2 ? 15 : 3)) !== 0) return -1
  target[at++] = count === 2 ? bits >> 4 : bits >> 10
  if (count === 3) target[at++] = bits >> 2
  return at - to
}

// Line of a cookie, put together in memory. Of a token of ordinary length, Node's encoder and the escapes would make
// strings of three times the line's length.

/** The most bytes whose base64 may fit into one cookie. */
const MAX_LINE_BYTES = 3072

/** The most characters beside the base64. */
const MAX_LINE_TEXT = 4096

/** Room for a line: three bytes are four characters, which are twelve if each is percent-encoded. */
const LINE_LENGTH = MAX_LINE_TEXT + MAX_LINE_BYTES * 4

/** Pairs of characters by the 12 bits that they stand for; 0 for a pair with a `/`. Empty until the first line is made. */
const PAIRS = new Uint16Array(4096)

/** An app that starts writes no cookie, and need not wait for this. */
function fillPairs (): void {
  for (let first = 0; first < SLASH_VALUE; first++) {
    for (let second = 0; second < SLASH_VALUE; second++) PAIRS[first << 6 | second] = ALPHABET_CODES[first]! << 8 | ALPHABET_CODES[second]! // of 64
  }
}

/** Line of text with base64 in it, all of it ASCII. */
class Line {
  readonly #bytes = Buffer.allocUnsafeSlow(LINE_LENGTH)
  /** Writes and reads several bytes at once, which takes three quarters of the time. */
  readonly #view = new DataView(this.#bytes.buffer)
  #length = 0
  // Texts of the last line, which nearly all lines share: to write them again is a call into Node for each.
  #before = ''
  #after = ''
  #afterBytes = Buffer.alloc(0)

  constructor () { fillPairs() }

  /** Begins anew, with a text. */
  begin (before: string): void {
    if (before !== this.#before) this.#bytes.write(before, 0, 'latin1')
    this.#before = before
    this.#length = before.length
  }

  /** Base64 of the bytes from `start` to `end`, its `/` and `=` percent-encoded. */
  base64 (source: DataView, start: number, end: number): void {
    this.#groups(source, start, end)
    const count = (end - start) % 3
    if (count === 0) return
    this.#length = this.#characters(this.#length, restOf(source, end, count), count + 1)
    for (let padding = count; padding < 3; padding++) this.#escape(LETTER_D)
  }

  /** A `;`, percent-encoded. */
  semicolon (): void { this.#escape(LETTER_B) }

  /** Text of the line, with another one behind it. */
  end (after: string): string {
    if (after !== this.#after) this.#afterBytes = Buffer.from(after, 'latin1')
    this.#after = after
    this.#bytes.set(this.#afterBytes, this.#length)
    return this.#bytes.toString('latin1', 0, this.#length + after.length)
  }

  /** A character that is percent-encoded with a 3: `;` or `=`. */
  #escape (digit: number): void {
    this.#bytes[this.#length++] = PERCENT
    this.#bytes[this.#length++] = THREE
    this.#bytes[this.#length++] = digit
  }

  /** All groups of three bytes. */
  #groups (source: DataView, start: number, end: number): void {
    const view = this.#view
    let at = this.#length // a field would be written in each round
    for (let from = start; from + 3 <= end; from += 3) {
      const bits = source.getUint16(from) << 8 | source.getUint8(from + 2)
      const first = PAIRS[bits >> 12]! // of 4096
      const second = PAIRS[bits & 4095]!
      if (first !== 0 && second !== 0) {
        view.setUint32(at, first << 16 | second)
        at += 4
      } else {
        at = this.#characters(at, bits, 4)
      }
    }
    this.#length = at
  }

  /** The first characters of a group, one by one. @returns where they end. */
  #characters (start: number, bits: number, count: number): number {
    let at = start
    for (let shift = 18; shift > 18 - count * 6; shift -= 6) {
      const value = bits >> shift & 63
      if (value === SLASH_VALUE) {
        this.#bytes[at++] = PERCENT
        this.#bytes[at++] = TWO
        this.#bytes[at++] = LETTER_F
      } else {
        this.#bytes[at++] = ALPHABET_CODES[value]! // of 64
      }
    }
    return at
  }
}

/** Bits of the one or two bytes before `end`, as of a group of three. */
function restOf (source: DataView, end: number, count: number): number {
  return count === 1 ? source.getUint8(end - 1) << 16 : source.getUint16(end - 2) << 8
}

/** Null until it is first needed, as the workspace is. */
let line: Line | null = null

/** Line in which there is room for base64 of so many bytes beside two texts; null if no cookie has that. */
export function lineFor (byteCount: number, before: string, after: string): Line | null {
  if (byteCount > MAX_LINE_BYTES || before.length + after.length > MAX_LINE_TEXT - 128) return null
  return (line ??= new Line())
}
