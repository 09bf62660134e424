import { types } from 'node:util'
import type { CookieSerializeOptions } from '@fastify/cookie'

/**
 * Attributes that a session's cookie lacks in production, each with what to write. `secure: 'auto'` counts as
 * set. So does a `sameSite` that is left out, since `@fastify/cookie` adds `Lax` then; it adds none if the
 * option is there and empty.
 */
export function missingInProduction (attributes: CookieSerializeOptions): string[] {
  const words: string[] = []
  if (!attributes.secure) words.push('write "secure: true", or "secure: \'auto\'" behind a proxy that is trusted, so that it is never sent without TLS')
  if (Object.hasOwn(attributes, 'sameSite') && !attributes.sameSite) words.push('write "sameSite: \'lax\'", or \'strict\', so that it says which requests of other sites carry it')
  return words
}

/** Seconds by which `maxAge` may be longer than the session's life: the default expiry is a day and a second. */
const TOLERANCE = 60

/**
 * Reason why the time that a browser keeps a cookie cannot be meant, with what to change; null if it
 * can. Without `maxAge` and `expires` the browser decides. A `maxAge` that ends before the session is
 * fine: an app may want a cookie that goes while a copy of it would still open.
 *
 * @param life seconds that a session is valid after a write.
 */
export function lifetimeMismatch ({ maxAge, expires }: CookieSerializeOptions, life: number): string | null {
  if (typeof maxAge !== 'number') {
    return types.isDate(expires) || typeof expires === 'number' ? `"expires" is one date for all sessions, whenever they were written; write "maxAge: ${life}" in its place` : null
  }
  if (maxAge > life + TOLERANCE) return `its maxAge of ${maxAge} seconds outlives the session, which is valid for ${life}; give "maxAge" and "expiry" the same number`
  return maxAge > 0 ? null : `its maxAge of ${maxAge} has browsers drop it at once; write "maxAge: ${life}", or leave it out`
}
