import { AEAD_NONCE_BYTES } from '../crypto/library.ts'
import type { Serializer } from '../data/serializer.ts'
import type { DerivedKey, KeySet } from '../keys/key-set.ts'
import type { FormatOpened, SessionRecord } from './record.ts'
import type { Format } from '../types.ts'

/** Format of tokens, with the settings of one codec. */
export interface TokenFormat<Refusal extends string = string> {
  readonly name: Format
  /** @throws `FST_SEALED_SESSION_TOO_LARGE`, and the errors of the serializer */
  seal (record: SessionRecord, key: DerivedKey): string
  /** The same token as it stands in a cookie, percent-encoded as `encodeValue` does. */
  sealEncoded (record: SessionRecord, key: DerivedKey): string
  open (token: string, keys: KeySet): FormatOpened<DerivedKey, Refusal>
  /**
   * The same of a token as `sealEncoded` writes it. Null if it is spelt otherwise, or is no token: then it
   * has to be decoded first.
   */
  openEncoded (text: string, keys: KeySet): FormatOpened<DerivedKey, Refusal> | null
  /** The same with one key: the one with this index, of those that `decryptions` counts. */
  openWith (token: string, keys: KeySet, index: number): FormatOpened<DerivedKey, Refusal>
  /** Number of decryptions that are tried for a token, at most. */
  decryptions (keys: KeySet): number
}

/** Settings that all formats of a codec share. */
export interface FormatSettings {
  /** Context that sealed tokens are bound to. */
  context: string
  serializer: Serializer
  fillRandom: (nonce: Uint8Array) => void
  /**
   * True if something depends on when a session began. A secretbox token then says it:
   * @fastify/secure-session shows it as data. It may become true while the format is in use.
   */
  saysCreated: boolean
}

/**
 * The longest token that is looked at, in characters. Node takes 16 KiB of request headers unless told
 * otherwise, so no honest cookie is longer; the bound is for servers that raised that limit.
 */
export const MAX_TOKEN_LENGTH = 65536

/** Room for a signature behind a token. */
export const MAX_SIGNED_LENGTH = MAX_TOKEN_LENGTH + 1024

/** The longest value that is decoded. No value that a codec would open is longer, however it is encoded. */
export const MAX_ENCODED_LENGTH = 3 * MAX_TOKEN_LENGTH

/** Offset of the message in the workspace, encrypted or not: room for nonce and tag is before it. */
export const MESSAGE_OFFSET = 32

/**
 * Memory in which sealing and opening are done, laid out like a token. libsodium gets views of it, which cost
 * less than buffers of their own.
 *
 * All formats of a thread share one. So no code of the app's (a `toJSON`, a serializer) runs between writing
 * to it and reading from it.
 */
export interface Workspace {
  bytes: Buffer
  /** The 16 bytes before the message. */
  mac: Uint8Array
  /** Beside the bytes, for the format that has its nonce in a part of its own. */
  nonce: Buffer
  /** Views of the message, by length: the lengths of cookies are few and soon all made. `messageOf` makes one. */
  messages: Array<Uint8Array | undefined>
}

const MAX_KEPT = 4096

/** Null until it is first needed, so that a startup snapshot holds none: `workspace ?? getWorkspace()`. */
export let workspace: Workspace | null = null

export function getWorkspace (): Workspace {
  if (workspace === null) {
    const bytes = Buffer.allocUnsafeSlow(MESSAGE_OFFSET + MAX_TOKEN_LENGTH)
    workspace = {
      bytes,
      mac: bytes.subarray(MESSAGE_OFFSET - 16, MESSAGE_OFFSET),
      nonce: Buffer.allocUnsafeSlow(AEAD_NONCE_BYTES),
      messages: new Array<undefined>(MAX_KEPT + 1)
    }
  }
  return workspace
}

/** View of the message, which begins at `MESSAGE_OFFSET`. */
export function messageOf ({ bytes, messages }: Workspace, length: number): Uint8Array {
  if (length > MAX_KEPT) return bytes.subarray(MESSAGE_OFFSET, MESSAGE_OFFSET + length)
  messages[length] ??= bytes.subarray(MESSAGE_OFFSET, MESSAGE_OFFSET + length)
  return messages[length]
}

// Strict base64: with the standard alphabet and padded (RFC 4648 section 4). Node's decoder skips stray characters and takes other alphabets, paddings and spare bits, so
// that one token would have many spellings. One token, one string: code that compares or caches cookies must
// not be fooled by another.

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

// Base64 as it stands in a cookie, where `/` is percent-encoded, and `+` if @fastify/secure-session wrote it.
// It is decoded as it is: to take the escapes out first, for Node's decoder, would be a copy of the text,
// which takes three times as long for a token of ordinary length.

const PERCENT = 0x25
const TWO = 0x32
const LETTER_B = 0x42
const LETTER_F = 0x46

const SLASH_VALUE = 63
const PLUS_VALUE = 62

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const EQUALS = 0x3d

/** Values of characters, by their codes; -1 for those that are not in the standard alphabet. */
const VALUES = new Int8Array(256).fill(-1)
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value

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
