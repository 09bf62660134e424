import { types } from '#runtime'
import type { CookieSerializeOptions } from '@fastify/cookie'
import type { Warn } from '../messages.ts'

// Warnings of a session's cookie whose attributes cannot be meant.

/** Cookie of a session, as far as advice needs it. Times are in seconds. */
interface Advised {
  readonly sessionName: string
  readonly cookieName: string
  readonly expiry: number
  readonly absoluteTimeout: number | null
}

/** Warns of a cookie that browsers refuse. */
export function warnOfRefusals ({ sessionName, cookieName }: Advised, attributes: CookieSerializeOptions, warn: Warn): void {
  for (const refusal of browserRefusals(cookieName, attributes)) warn('FST_SEALED_SESSION_WARN_COOKIE_REFUSED', sessionName, cookieName, refusal)
}

/** Warns of a cookie that is too open for production. */
export function warnOfMissing ({ sessionName, cookieName }: Advised, attributes: CookieSerializeOptions, warn: Warn): void {
  const missing = missingInProduction(attributes)
  if (missing.length > 0) warn('FST_SEALED_SESSION_WARN_PRODUCTION', sessionName, cookieName, missing.join('; '))
}

/** Warns of a cookie that a browser keeps for longer than its session is valid, or not at all. */
export function warnOfLifetime ({ sessionName, cookieName, expiry, absoluteTimeout }: Advised, attributes: CookieSerializeOptions, warn: Warn): void {
  const mismatch = lifetimeMismatch(attributes, Math.min(expiry, absoluteTimeout ?? expiry))
  if (mismatch !== null) warn('FST_SEALED_SESSION_WARN_MAX_AGE', sessionName, cookieName, mismatch)
}

/**
 * Attributes that a session's cookie lacks in production, each with what to write. `secure: 'auto'` counts as
 * set. So does a `sameSite` that is left out, since `@fastify/cookie` adds `Lax` then; it adds none if the
 * option is there and empty.
 */
function missingInProduction (attributes: CookieSerializeOptions): string[] {
  const words: string[] = []
  if (!attributes.secure) words.push('write "secure: true", so that it is sent over TLS only, or "secure: \'auto\'" behind a proxy that you trust')
  if (Object.hasOwn(attributes, 'sameSite') && !attributes.sameSite) words.push('write "sameSite: \'lax\'" or \'strict\', so that fewer requests of foreign sites carry it')
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
function lifetimeMismatch ({ maxAge, expires }: CookieSerializeOptions, life: number): string | null {
  if (typeof maxAge !== 'number') {
    return types.isDate(expires) || typeof expires === 'number' ? `"expires" is the same date for all sessions, so later logins last less. Write "maxAge: ${life}" in its place` : null
  }
  if (maxAge > life + TOLERANCE) return `its maxAge of ${maxAge} seconds outlives the session, which is valid for ${life}. Give "maxAge" and "expiry" the same number`
  return maxAge > 0 ? null : `its maxAge of ${maxAge} makes browsers drop it at once. Write "maxAge: ${life}", or leave it out`
}

/**
 * Reasons for which browsers would refuse a cookie with this name and these attributes: one entry a rule
 * broken, each saying what to change. They do it without telling the server, so it is said at registration.
 *
 * @see RFC 6265bis sections 4.1.3 (name prefixes) and 5.7 (SameSite=None), its successor on `__Http-`
 * and `__Host-Http-`, and CHIPS (Partitioned)
 */
export function browserRefusals (name: string, attributes: CookieSerializeOptions): string[] {
  const { secure, path, domain, httpOnly, sameSite, partitioned } = attributes
  const [prefix = ''] = /^__(?:host-http|host|http|secure)-/i.exec(name) ?? []
  const isHost = prefix.toLowerCase().startsWith('__host-')
  const isHttp = prefix.toLowerCase().endsWith('http-')
  const rules: Array<[broken: boolean, words: string]> = [
    [prefix !== '' && secure !== true, `a name that starts with ${prefix} needs "secure: true"`],
    [isHost && path !== '/', `a name that starts with ${prefix} needs "path: '/'"`],
    [isHost && Boolean(domain), `a name that starts with ${prefix} must not have "domain"`],
    [isHttp && httpOnly !== true, `a name that starts with ${prefix} needs "httpOnly: true"`],
    [isSameSiteNone(sameSite) && secure !== true, '"sameSite: \'none\'" needs "secure: true"'],
    [partitioned === true && secure !== true, '"partitioned: true" needs "secure: true"']
  ]
  return rules.filter(([broken]) => broken).map(([, words]) => words)
}

function isSameSiteNone (sameSite: unknown): boolean {
  return typeof sameSite === 'string' && sameSite.toLowerCase() === 'none'
}
