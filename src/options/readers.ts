import type { CookieSerializeOptions } from '@fastify/cookie'
import { attributeAdvice, checkAttributeNames, checkSpelling, hintOfFlag, nearest, warnOfMilliseconds } from '#option-hints'
import { kindOf, fail } from '../errors.ts'
import type { Warn } from '../messages.ts'
import type { SessionKeyOptions, SessionOptions } from '../types.ts'

// Options of simple types, read and checked.

type OptionName = keyof SessionOptions | keyof SessionKeyOptions

/** Options of one session, not checked yet. */
export type Options = { readonly [Name in OptionName]?: unknown }

/**
 * A text. An empty one means the default, as in @fastify/secure-session. @throws
 * `FST_SEALED_SESSION_OPTION_INVALID`
 */
export function readText<Given extends object> (options: Given, name: keyof Given & string): string | undefined {
  const value: unknown = options[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw fail('OPTION_INVALID', [name, 'a string', kindOf(value)])
  return value
}

/** @throws `FST_SEALED_SESSION_OPTION_INVALID` */
export function readFlag<Given extends object> (options: Given, name: keyof Given & string, fallback: boolean): boolean {
  const value: unknown = options[name] ?? fallback
  if (typeof value !== 'boolean') throw fail('OPTION_INVALID', [name, 'a boolean', kindOf(value)])
  return value
}

/** @throws `FST_SEALED_SESSION_OPTION_INVALID` */
export function readWhole<Given extends object> (options: Given, name: keyof Given & string, fallback: number, max: number, min = 1): number {
  const value: unknown = options[name] ?? fallback
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw fail('OPTION_INVALID', [name, `a whole number from ${min} to ${max}`, typeof value === 'number' ? String(value) : kindOf(value)])
}

/** A number of seconds. @throws `FST_SEALED_SESSION_DURATION` */
export function readDuration<Given extends object> (options: Given, name: keyof Given & string, fallback: number, { orZero = false, most = Number.MAX_VALUE } = {}): number {
  const value: unknown = options[name] ?? fallback
  const isInRange = typeof value === 'number' && value <= most && (value > 0 || (orZero && value === 0))
  if (isInRange) return value
  throw fail('DURATION', [name, typeof value === 'number' ? String(value) : kindOf(value)])
}

/**
 * Checks a lifetime against the longest. @throws `FST_SEALED_SESSION_EXPIRY_TOO_LONG` if a session would live
 * longer than any may.
 */
export function assertWithin (expiry: number, maxExpiry: number): void {
  if (expiry > maxExpiry) throw fail('EXPIRY_TOO_LONG', [expiry, maxExpiry])
}

/** Names of the options of a session. One that is missing, or misspelt, does not compile. */
const OPTIONS = Object.keys({
  sessionName: true,
  cookieName: true,
  key: true,
  secret: true,
  salt: true,
  expiry: true,
  maxExpiry: true,
  cookie: true,
  cookieOptions: true,
  noStore: true,
  format: true,
  accept: true,
  context: true,
  rolling: true,
  absoluteTimeout: true,
  maxChunks: true,
  serializer: true,
  schema: true,
  cache: true
} satisfies Record<OptionName, true>)

/** Options of Fastify's own `register`, in the same object. */
export const REGISTER_OPTIONS = ['prefix', 'logLevel', 'logSerializers']

/**
 * Refuses a name that is nearly one of ours, and warns about any other that is not known: an option that
 * silently has no effect is the worst kind of mistake in a package that protects a login.
 * @throws `FST_SEALED_SESSION_OPTION_UNKNOWN`
 */
export function checkOptionNames (options: object, sessionName: string, warn: Warn): void {
  for (const name of Object.keys(options)) {
    if (OPTIONS.includes(name) || REGISTER_OPTIONS.includes(name)) continue
    const advice = attributeAdvice(name)
    const near = advice === null ? nearest(name, OPTIONS) : undefined
    if (near !== undefined) throw fail('OPTION_UNKNOWN', [name, near])
    warn('FST_SEALED_SESSION_WARN_OPTION_UNKNOWN', sessionName, name, advice ?? 'remove it')
  }
}

/**
 * Refuses every name but those that are known: for options without a log to warn in, and to which no plugin
 * adds options of its own.
 * @throws `FST_SEALED_SESSION_OPTION_UNKNOWN`, `FST_SEALED_SESSION_OPTIONS_INVALID`
 */
export function refuseUnknown (options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw fail('OPTIONS_INVALID', ['', kindOf(options)])
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const near = nearest(name, known)
    throw fail('OPTION_UNKNOWN', [name, near ?? known.join('", "')])
  }
}

// Attributes of the cookie, as an app gives them: at registration, and to session.options().

const FLAGS = ['httpOnly', 'partitioned', 'secure', 'signed'] as const

/**
 * Attributes of the session's cookie, checked and frozen.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID`
 */
export function readCookie (options: Options, sessionName: string, warn: Warn): CookieSerializeOptions {
  const name = options.cookieOptions ? 'cookieOptions' : 'cookie'
  const cookie = options[name] ?? {}
  if (typeof cookie !== 'object' || Array.isArray(cookie)) {
    throw fail('OPTION_INVALID', [name, 'an object', kindOf(cookie)])
  }
  checkAttributeNames(cookie, `${name}.`, sessionName, warn)
  const copy = withFlags(cookie, `${name}.`, sessionName, warn)
  warnOfMilliseconds(`${name}.maxAge`, copy.maxAge, sessionName, warn)
  if (copy.encode !== undefined && typeof copy.encode !== 'function') {
    throw fail('OPTION_INVALID', [`${name}.encode`, 'a function', kindOf(copy.encode)])
  }
  // A script that runs in the page cannot read a cookie that it cannot see, and so cannot steal it.
  if (copy.httpOnly === undefined) copy.httpOnly = true
  return Object.freeze(copy)
}

/**
 * Reader of the attributes given to `session.options()`, which warns of each mistake once: it is called in
 * requests.
 */
export function responseOptionsReader (sessionName: string, absoluteTimeout: number | null, log: Warn): (given: CookieSerializeOptions) => CookieSerializeOptions {
  const told = new Set<string>()
  const warn: Warn = (code, ...values) => {
    const mistake = `${code} ${values[1]}` // the name of the attribute
    if (told.has(mistake)) return
    told.add(mistake)
    log(code, ...values)
  }
  return given => {
    checkSpelling(given, sessionName, warn)
    warnOfMilliseconds('options().maxAge', given.maxAge, sessionName, warn)
    const { expiry } = given as { expiry?: unknown }
    warnOfMilliseconds('options().expiry', expiry, sessionName, warn)
    if (typeof expiry === 'number' && absoluteTimeout !== null && expiry > absoluteTimeout) {
      warn('FST_SEALED_SESSION_WARN_EXPIRY_CUT', sessionName, 'options().expiry', expiry, absoluteTimeout)
    }
    return withFlags(withoutNothing(given), 'options().', sessionName, warn)
  }
}

/** Attributes that are given: process.env.NAME that is not set must not take `Secure` or `HttpOnly` off a response. */
function withoutNothing (given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null))
}

/**
 * Copy whose booleans are booleans. Text comes from the environment: 'false' would be true, and `signed:
 * 'true'` a cookie without a signature.
 */
function withFlags (given: object, prefix: string, sessionName: string, warn: Warn): CookieSerializeOptions {
  const copy: Record<string, unknown> = { ...given }
  for (const name of FLAGS) {
    const value = copy[name]
    if (value === undefined || value === null || typeof value === 'boolean' || (name === 'secure' && value === 'auto')) continue
    copy[name] = readFlagAttribute(prefix + name, value, sessionName, warn)
  }
  return copy
}

function readFlagAttribute (name: string, value: unknown, sessionName: string, warn: Warn): boolean {
  if (value === 0 || value === 1) return value === 1
  const isTrue = value === 'true' || value === '1'
  if (!isTrue && value !== '') throw notFlag(name, value)
  // @fastify/secure-session takes them so, too: apps that come from it go on working.
  warn('FST_SEALED_SESSION_WARN_COOKIE_TEXT', sessionName, name, isTrue)
  return isTrue
}

function notFlag (name: string, value: unknown): Error {
  const expected = name.endsWith('.secure') ? "a boolean or 'auto'" : 'a boolean'
  return fail('OPTION_INVALID', [name, expected, kindOf(value)], { detail: hintOfFlag(name, value) })
}
