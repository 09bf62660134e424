import type { CookieSerializeOptions } from '@fastify/cookie'
import { escapeBase64, MAX_ENCODED_LENGTH } from '../token/format.ts'

/**
 * Cookies of one name that are looked at in a request, at most. A browser sends several if a subdomain or
 * another path has set one of the same name; nobody honest has more than a few.
 */
export const MAX_CANDIDATES = 16

const TAB = 0x09
const SPACE = 0x20
const SEMICOLON = 0x3b
const EQUALS = 0x3d
const ZERO = 0x30

/**
 * Values of the cookies of one name in a `Cookie` header (RFC 6265 section 4.2.1), each once, in their order,
 * at most `MAX_CANDIDATES`.
 *
 * Each of them is tried, so that a cookie of the same name which somebody planted from a subdomain cannot
 * lock the user out. Only a `__Host-` name keeps such a cookie from being planted.
 * @param decode inverse of the encoding of values in the header; it returns undefined for one that is left
 * out.
 */
export function cookieValues (header: string | undefined, name: string, decode: Decode): string[] {
  if (typeof header !== 'string') return []
  const values: string[] = []
  let start = valueIndex(header, name, 0)
  for (let seen = 0; start !== -1 && seen < MAX_CANDIDATES; seen++) {
    const end = endOfPair(header, start)
    addValue(values, trimmed(header, start, end), decode)
    start = valueIndex(header, name, end)
  }
  return values
}

type Decode = (text: string) => string | undefined

function addValue (values: string[], text: string, decode: Decode): void {
  const value = text.length > MAX_ENCODED_LENGTH ? text : decode(text)
  if (value !== undefined && !values.includes(value)) values.push(value)
}

/** Reads the values of the cookies `name.1` to `name.9` of a header, by their number. */
export interface NumberedValues {
  /** @param picks chooses values, as they stand in the header, that count beside `MAX_CANDIDATES` others. */
  (number: number, picks?: (text: string) => boolean): string[]
}

/** The header is searched once for all of them, when the first is asked for: hostile ones are long. */
export function numberedValues (header: string | undefined, name: string, decode: Decode): NumberedValues {
  let texts: readonly string[][] | null = null
  return (number, picks) => {
    texts ??= numberedTexts(header, `${name}.`)
    const values: string[] = []
    let others = 0
    for (const text of texts[number] ?? []) {
      if (picks?.(text) === true || others++ < MAX_CANDIDATES) addValue(values, text, decode)
    }
    return values
  }
}

function numberedTexts (header: string | undefined, prefix: string): readonly string[][] {
  const texts: string[][] = Array.from({ length: 10 }, () => [])
  if (typeof header !== 'string') return texts
  for (let at = header.indexOf(prefix); at !== -1; at = header.indexOf(prefix, at)) {
    const start = at
    at += prefix.length
    const number = header.charCodeAt(at) - ZERO
    const equals = skipSpace(header, at + 1)
    if (!(number > 0 && number < 10) || header.charCodeAt(equals) !== EQUALS || !startsPair(header, start)) continue
    at = endOfPair(header, equals + 1)
    texts[number]?.push(trimmed(header, equals + 1, at))
  }
  return texts
}

/** Value of the only cookie of a name, as it stands in the header; null if there is none, or several. */
export function onlyText (header: string | undefined, name: string): string | null {
  if (typeof header !== 'string') return null
  const start = valueIndex(header, name, 0)
  if (start === -1) return null
  const end = endOfPair(header, start)
  return valueIndex(header, name, end) === -1 ? trimmed(header, start, end) : null
}

function endOfPair (header: string, at: number): number {
  const semicolon = header.indexOf(';', at)
  return semicolon === -1 ? header.length : semicolon
}

/**
 * Index at which the value of the next cookie of a name begins, or -1. Looks for the name itself, so that
 * other cookies cost nothing.
 */
function valueIndex (header: string, name: string, from: number): number {
  for (let at = header.indexOf(name, from); at !== -1; at = header.indexOf(name, at + 1)) {
    const end = skipSpace(header, at + name.length)
    if (header.charCodeAt(end) === EQUALS && startsPair(header, at)) return end + 1
  }
  return -1
}

function startsPair (header: string, at: number): boolean {
  let before = at - 1
  while (isSpace(header.charCodeAt(before))) before--
  return before < 0 || header.charCodeAt(before) === SEMICOLON
}

// Only spaces and tabs, unlike trim(): all characters that a browser takes for part of a name are part of it
// here, too, or a subdomain could set a name that is read as one with a `__Host-` prefix.

function trimmed (header: string, start: number, end: number): string {
  const first = skipSpace(header, start)
  let last = end
  while (last > first && isSpace(header.charCodeAt(last - 1))) last--
  return header.slice(first, Math.max(first, last))
}

function skipSpace (header: string, at: number): number {
  while (isSpace(header.charCodeAt(at))) at++
  return at
}

function isSpace (code: number): boolean {
  return code === SPACE || code === TAB
}

/**
 * Bytes of a name, value and attributes that browsers take at least (RFC 6265 section 6.1). Chromium counts
 * name and value only, as RFC 6265bis section 5.6 has it; others need not.
 */
export const MAX_COOKIE_BYTES = 4096

/** Writer of a whole `Set-Cookie` line; `@fastify/cookie` decorates the app with one. */
export type Serialize = (name: string, value: string, attributes: CookieSerializeOptions) => string

/** Line that has the browser drop a cookie: same name, path and domain, expired. */
export function deleteCookieLine (name: string, attributes: CookieSerializeOptions, serialize: Serialize): string {
  return serialize(name, '', { ...attributes, expires: new Date(0), maxAge: 0 })
}

/** Text behind the value in a line: `; Path=/; HttpOnly` and so on. */
export function attributesEnd (name: string, attributes: CookieSerializeOptions, serialize: Serialize): string {
  return serialize(name, '', attributes).slice(name.length + 1)
}

/**
 * Percent-encodes the characters that a cookie's value should not have. A token is base64 with one `;`, to
 * which a signature adds a `.`, so the semicolon is all that RFC 6265 section 4.1.1 forbids. But parsers
 * split at every `=`, and clients put a value with `/` in quotes, as Python's do. @fastify/secure-session
 * encodes `+` as well, which costs it three bytes of a hundred.
 */
export function encodeValue (value: string): string {
  const semicolon = value.indexOf(';')
  if (semicolon === -1) return escapeBase64(value)
  // Base64 has `=` at its end only, and the nonce behind the semicolon needs none.
  return `${escapeBase64(value.slice(0, semicolon))}%3B${escapeBase64(value.slice(semicolon + 1))}`
}

/**
 * Value of a cookie as it was before it was encoded and, by some clients, put in double quotes (RFC 6265
 * section 4.1.1).
 */
export function readValue (text: string): string {
  return decodeValue(unquoted(text))
}

export function unquoted (text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}

/**
 * The inverse of `encodeValue`, and of @fastify/secure-session's encoding: the default `decode` of the
 * `cookie` package, quicker if there is little to decode.
 */
export function decodeValue (text: string): string {
  if (!text.includes('%')) return text
  const decoded = decodeToken(text.replaceAll('%2F', '/'))
  if (!decoded.includes('%')) return decoded
  try {
    return decodeURIComponent(text)
  } catch {
    return text // as the package does; the codec will refuse it
  }
}

function decodeToken (text: string): string {
  const semicolon = text.indexOf('%3B')
  if (semicolon === -1) return text
  let end = semicolon
  while (text.endsWith('%3D', end)) end -= 3
  return `${text.slice(0, end)}${'='.repeat((semicolon - end) / 3)};${text.slice(semicolon + 3)}`
}

/** Attributes as the serializer takes them, with what `setCookie` of `@fastify/cookie` adds itself. */
export function resolveAttributes (attributes: CookieSerializeOptions, isSecure: boolean): CookieSerializeOptions {
  const { signed, ...resolved } = attributes
  if (resolved.secure === 'auto') resolved.secure = isSecure
  const { expires } = resolved as { expires?: unknown }
  if (typeof expires === 'number' && Number.isInteger(expires) && expires !== 0) resolved.expires = new Date(expires)
  return resolved
}

/** A `Set-Cookie` header with lines put in, and those that were put in earlier taken out. */
export function replaceLines (header: unknown, earlier: readonly string[], lines: readonly string[]): string[] {
  const present: string[] = header === undefined ? [] : Array.isArray(header) ? header : [String(header)]
  return [...present.filter(line => !earlier.includes(line)), ...lines]
}
