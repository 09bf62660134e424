import type { CookieSerializeOptions } from '@fastify/cookie'

/** Browsers drop a cookie whose name, value and attributes are longer (RFC 6265bis section 5.6). */
export const MAX_COOKIE_BYTES = 4096

/** What writing a cookie needs of the app and its `@fastify/cookie`. */
export interface CookieWriter {
  serialize: (name: string, value: string, attributes: CookieSerializeOptions) => string
  sign: (value: string) => string
  /** Whether the request came over TLS, for `secure: 'auto'`. */
  isSecure: boolean
}

/** The line that gives the browser a cookie. */
export function setCookieLine (name: string, value: string, attributes: CookieSerializeOptions, writer: CookieWriter): string {
  const { signed, ...rest } = attributes
  return writer.serialize(name, signed === true ? writer.sign(value) : value, resolve(rest, writer.isSecure))
}

/** The line that has the browser drop a cookie: same name, path and domain, expired. */
export function deleteCookieLine (name: string, attributes: CookieSerializeOptions, writer: CookieWriter): string {
  return setCookieLine(name, '', { ...attributes, signed: false, expires: new Date(0), maxAge: 0 }, writer)
}

/** Attributes as the serializer takes them, with what `setCookie` of `@fastify/cookie` adds itself. */
function resolve (attributes: CookieSerializeOptions, isSecure: boolean): CookieSerializeOptions {
  const resolved = { ...attributes }
  if (resolved.secure === 'auto') resolved.secure = isSecure
  if (typeof resolved.expires === 'number') resolved.expires = new Date(resolved.expires)
  return resolved
}

/** The `Set-Cookie` header without the lines for `name`, so that a line replaces an earlier one. */
export function withoutCookie (header: unknown, name: string): string[] {
  const lines = Array.isArray(header) ? header : header === undefined ? [] : [header]
  return lines.filter(line => !String(line).startsWith(`${name}=`))
}
