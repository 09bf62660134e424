import type { Development } from './development.ts'

// The defaults of `sealedSession`. Whatever the app gives stands; the rest of the checks is that of the drop-in.

const HOUR = 3600
const DAY = 24 * HOUR

const DEFAULT_EXPIRY = 8 * HOUR
const DEFAULT_ABSOLUTE_TIMEOUT = 7 * DAY

/** Attributes that browsers ask of a cookie whose name begins with `__Host-`, and those that keep it from scripts and other sites. */
const COOKIE = { path: '/', httpOnly: true, sameSite: 'lax' }

type Given = Readonly<Record<string, unknown>>

/**
 * Options of a session with the safe defaults filled in. The caller's object is read, never changed; what is no object is
 * left to the checks.
 */
export async function withSafeDefaults (options: unknown, development: Development | undefined): Promise<unknown> {
  const given = options ?? {}
  if (typeof given !== 'object' || Array.isArray(given)) return options
  const entry = defined(given as Given)
  return { ...lifetimesOf(entry), format: 'sealed', ...entry, ...cookieOf(entry, development), ...await development?.keyOf(entry) }
}

/** An option that is undefined was not given: a spread would put it in the place of the default. */
function defined (given: Given): Given {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

/** No default is cut by, or refused for, another lifetime that the app gives. */
function lifetimesOf ({ expiry, maxExpiry, absoluteTimeout }: Given): Given {
  const shortest = Math.min(DEFAULT_EXPIRY, positive(maxExpiry, Infinity), positive(absoluteTimeout, Infinity))
  return { expiry: shortest, rolling: true, absoluteTimeout: Math.max(DEFAULT_ABSOLUTE_TIMEOUT, positive(expiry, 0)) }
}

function positive (value: unknown, fallback: number): number {
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : fallback
}

/**
 * Attributes and name of the cookie. Outside of production an app that speaks no TLS gets one that a browser takes
 * over plain http as well: without a prefix, and `Secure` as the request is.
 */
function cookieOf (entry: Given, development: Development | undefined): Given {
  const name = entry.cookieOptions ? 'cookieOptions' : 'cookie'
  const given = entry[name] ?? {}
  if (typeof given !== 'object' || Array.isArray(given)) return {} // refused later
  const attributes = defined(given as Given)
  const plain = development?.isPlain(attributes) === true ? development : null
  const cookie: Given = { ...COOKIE, secure: plain === null ? true : 'auto', ...attributes }
  const sessionName = typeof entry.sessionName === 'string' ? entry.sessionName : 'session'
  const cookieName = entry.cookieName ?? `${prefixFor(cookie)}${sessionName}`
  return { [name]: cookie, cookieName: plain === null ? cookieName : plain.plainName(sessionName, cookieName) }
}

/** The strongest prefix that browsers take with these attributes. */
function prefixFor ({ secure, path, domain }: Given): string {
  if (secure !== true) return ''
  return path === '/' && !domain ? '__Host-' : '__Secure-'
}
