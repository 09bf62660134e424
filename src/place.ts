import type { CookieSerializeOptions } from '@fastify/cookie'
import { kindOf, sealedSessionError } from './errors.ts'

/** Place of a session's cookie, if the session has one of its own: a cookie elsewhere is another cookie. */
export interface Place {
  domain?: string
  path?: string
}

/** Longest domain or path, in characters: a token has one byte for each length. */
export const MAX_PLACE_LENGTH = 255

const RULES = { domain: /^[a-z\d.-]{1,255}$/i, path: /^[\x20-\x3a\x3c-\x7e]{1,255}$/ }

/** True for a place that a cookie can be written with. */
export function isPlace ({ domain, path }: { domain?: unknown, path?: unknown }): boolean {
  return fits('domain', domain) && fits('path', path)
}

/**
 * Place that attributes name; attributes that they leave out are as before.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID`
 */
export function placeOf (attributes: CookieSerializeOptions, before: Place | undefined): Place | undefined {
  let place = before
  for (const name of ['domain', 'path'] as const) {
    const value: unknown = attributes[name]
    if (value === undefined || value === null || value === '') continue
    if (!fits(name, value)) throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', [name, `text that a cookie can have, of at most ${MAX_PLACE_LENGTH} characters`, kindOf(value)])
    place = { ...place, [name]: value }
  }
  return place
}

function fits (name: keyof Place, value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && RULES[name].test(value))
}
