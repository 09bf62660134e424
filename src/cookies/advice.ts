import type { CookieSerializeOptions } from '@fastify/cookie'

/**
 * What a session's cookie lacks in production: one entry an attribute, each saying what to write.
 * `secure: 'auto'` counts as set.
 */
export function missingInProduction ({ secure, sameSite }: CookieSerializeOptions): string[] {
  const words: string[] = []
  if (!secure) words.push('write "secure: true", or "secure: \'auto\'" behind a proxy that is trusted, so that it is never sent without TLS')
  if (sameSite === undefined || sameSite === null || sameSite === false) words.push('write "sameSite: \'lax\'", or \'strict\', so that it says which requests of other sites carry it')
  return words
}

/** How far apart `maxAge` and the session's life may be, in seconds: the default expiry is a day and a second. */
const TOLERANCE = 60

/**
 * Why a browser would keep a cookie for longer or shorter than its session is valid, with what to
 * change; null where it would not. Without `maxAge` and `expires` the browser decides, which is fine.
 *
 * @param life seconds that a session is valid after a write.
 */
export function lifetimeMismatch ({ maxAge, expires }: CookieSerializeOptions, life: number): string | null {
  if (typeof maxAge !== 'number') {
    return expires instanceof Date || typeof expires === 'number' ? `"expires" is one date for all sessions, whenever they were written; write "maxAge: ${life}" in its place` : null
  }
  if (maxAge > life + TOLERANCE) return `its maxAge of ${maxAge} seconds outlives the session, which is valid for ${life}; give "maxAge" and "expiry" the same number`
  if (maxAge < life - TOLERANCE) return `its maxAge of ${maxAge} seconds ends before the session, which is valid for ${life}; give "maxAge" and "expiry" the same number`
  return null
}
