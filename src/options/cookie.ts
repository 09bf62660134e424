import type { CookieSerializeOptions } from '@fastify/cookie'
import { kindOf, sealedSessionError } from '../errors.ts'
import { warnOfMilliseconds } from './milliseconds.ts'
import { checkAttributeNames, checkSpelling } from './names.ts'
import type { Options } from './values.ts'
import type { Warn } from '../warnings.ts'

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
    throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', [name, 'an object', kindOf(cookie)])
  }
  checkAttributeNames(cookie, `${name}.`, sessionName, warn)
  const copy = withFlags(cookie, `${name}.`, sessionName, warn)
  warnOfMilliseconds(`${name}.maxAge`, copy.maxAge, sessionName, warn)
  if (copy.encode !== undefined && typeof copy.encode !== 'function') {
    throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', [`${name}.encode`, 'a function', kindOf(copy.encode)])
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
  const isAuto = name.endsWith('.secure') && typeof value === 'string' && value.trim().toLowerCase() === 'auto'
  const expected = name.endsWith('.secure') ? "a boolean or 'auto'" : 'a boolean'
  const detail = isAuto ? "Write 'auto' in small letters." : 'Text is no boolean, and would count as true: write process.env.NAME === "true" where it comes from the environment.'
  return sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', [name, expected, kindOf(value)], detail)
}
