import type { CookieSerializeOptions } from '@fastify/cookie'
import { fail } from '../errors.ts'
import { escapeBase64 } from '../token/base64.ts'

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

/** Value with characters of a token and its signature that a cookie may not have, or that parsers trip over. */
const TRICKY_VALUE = 'a+b/c==;d.e'

/** Writes the cookie once, so that one that cannot be written is found at registration. @throws `FST_SEALED_SESSION_COOKIE_INVALID` */
export function assertWritable (serialize: Serialize, name: string, cookie: CookieSerializeOptions): void {
  try {
    serialize(name, TRICKY_VALUE, resolveAttributes(cookie, true))
  } catch (error) {
    throw fail('COOKIE_INVALID', [name, (error as Error).message])
  }
}
