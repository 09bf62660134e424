import { fillRandom, sodiumReady } from '#sodium'
import { KEY_BYTES } from '../crypto/library.ts'

// The defaults of `sealedSession`. Whatever the app gives stands; the rest of the checks is that of the drop-in.

const HOUR = 3600
const DAY = 24 * HOUR

const DEFAULT_EXPIRY = 8 * HOUR
const DEFAULT_ABSOLUTE_TIMEOUT = 7 * DAY

/** Attributes that browsers ask of a cookie whose name begins with `__Host-`, and those that keep it from scripts and other sites. */
const COOKIE = { path: '/', httpOnly: true, sameSite: 'lax' }

/** Prefixes that a browser takes only with `Secure`: RFC 6265bis section 4.1.3. */
const PREFIX = /^__(?:Host|Secure)-/i

/** Surroundings of an app, as far as the defaults depend on them. */
export interface Surroundings {
  readonly isProduction: boolean
  /** True if the app's own server speaks TLS. */
  readonly isTls: boolean
  /** Hears that prefix and `Secure` fall away for a session. */
  readonly fellAway: (sessionName: string, cookieName: string) => void
  /** Hears that a session has a key that ends with this process. */
  readonly madeKey: (sessionName: string) => void
}

type Given = Readonly<Record<string, unknown>>

/** Options with the safe defaults filled in. The caller's objects are read, never changed; what is no object is left to the checks. */
export async function withSafeDefaults (options: unknown, surroundings: Surroundings): Promise<unknown> {
  if (Array.isArray(options)) return await Promise.all(options.map(async (entry: unknown) => await withSafeDefaults(entry, surroundings)))
  const given = options ?? {}
  if (typeof given !== 'object') return options
  const entry = defined(given as Given)
  return { ...lifetimesOf(entry), format: 'sealed', ...entry, ...cookieOf(entry, surroundings), ...await keyOf(entry, surroundings) }
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
function cookieOf (entry: Given, { isProduction, isTls, fellAway }: Surroundings): Given {
  const name = entry.cookieOptions ? 'cookieOptions' : 'cookie'
  const given = entry[name] ?? {}
  if (typeof given !== 'object' || Array.isArray(given)) return {} // refused later
  const attributes = defined(given as Given)
  const isPlain = !isProduction && !isTls && attributes.secure === undefined
  const cookie: Given = { ...COOKIE, secure: isPlain ? 'auto' : true, ...attributes }
  const sessionName = typeof entry.sessionName === 'string' ? entry.sessionName : 'session'
  const safe = entry.cookieName ?? `${prefixFor(cookie)}${sessionName}`
  if (!isPlain) return { [name]: cookie, cookieName: safe }
  const cookieName = typeof safe === 'string' ? safe.replace(PREFIX, '') : safe
  fellAway(sessionName, String(cookieName))
  return { [name]: cookie, cookieName }
}

/** The strongest prefix that browsers take with these attributes. */
function prefixFor ({ secure, path, domain }: Given): string {
  if (secure !== true) return ''
  return path === '/' && !domain ? '__Host-' : '__Secure-'
}

/** A key for this process alone if the app has none: outside of production, so that the first start needs no file. */
async function keyOf ({ key, secret, sessionName = 'session' }: Given, { isProduction, madeKey }: Surroundings): Promise<Given> {
  if (key || secret || isProduction) return {}
  await sodiumReady()
  const bytes = Buffer.alloc(KEY_BYTES)
  fillRandom(bytes)
  madeKey(String(sessionName))
  return { key: bytes }
}
