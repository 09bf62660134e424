import { distance } from 'fastest-levenshtein'
import { kindOf, sealedSessionError } from '../errors.ts'
import type { Warn } from '../warnings.ts'

const OPTIONS = ['sessionName', 'cookieName', 'key', 'secret', 'salt', 'expiry', 'maxExpiry', 'cookie', 'cookieOptions', 'noStore', 'format', 'accept', 'context', 'rolling', 'absoluteTimeout', 'maxChunks', 'serializer', 'schema']

/** Options of Fastify's own `register`, in the same object. */
export const REGISTER_OPTIONS = ['prefix', 'logLevel', 'logSerializers']

const COOKIE_ATTRIBUTES = ['domain', 'encode', 'expires', 'httpOnly', 'maxAge', 'partitioned', 'path', 'priority', 'sameSite', 'secure', 'signed']

/**
 * Refuses a name that is nearly one of ours, and warns about any other that is not known: an option that
 * silently has no effect is the worst kind of mistake in a package that protects a login.
 * @throws `FST_SEALED_SESSION_OPTION_UNKNOWN`
 */
export function checkOptionNames (options: object, sessionName: string, warn: Warn): void {
  for (const name of Object.keys(options)) {
    if (OPTIONS.includes(name) || REGISTER_OPTIONS.includes(name)) continue
    if (COOKIE_ATTRIBUTES.includes(name)) {
      warn('FST_SEALED_SESSION_WARN_OPTION_UNKNOWN', sessionName, name, `attributes of the cookie go under "cookie": { cookie: { ${name}: … } }`)
      continue
    }
    const near = nearest(name, OPTIONS)
    if (near !== undefined) throw sealedSessionError('FST_SEALED_SESSION_OPTION_UNKNOWN', [name, near])
    warn('FST_SEALED_SESSION_WARN_OPTION_UNKNOWN', sessionName, name, 'remove it')
  }
}

/**
 * Refuses every name but those that are known: for options without a log to warn in, and to which no plugin
 * adds options of its own.
 * @throws `FST_SEALED_SESSION_OPTION_UNKNOWN`, `FST_SEALED_SESSION_OPTIONS_INVALID`
 */
export function refuseUnknown (options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw sealedSessionError('FST_SEALED_SESSION_OPTIONS_INVALID', ['', kindOf(options)])
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const near = nearest(name, known)
    throw sealedSessionError('FST_SEALED_SESSION_OPTION_UNKNOWN', [name, near ?? known.join('", "')])
  }
}

/**
 * Warns about an attribute of the cookie that is nearly a known one: `samesite` has no effect, and
 * nothing says so. Others pass, as with `setCookie`.
 */
export function checkAttributeNames (cookie: object, prefix: string, sessionName: string, warn: Warn): void {
  checkNames(cookie, nearest, prefix, sessionName, warn)
}

/**
 * The same of `session.options()`, for names that are written otherwise only, such as `samesite` and
 * `max-age`: plugins give it names of their own.
 */
export function checkSpelling (attributes: object, sessionName: string, warn: Warn): void {
  checkNames(attributes, name => COOKIE_ATTRIBUTES.find(known => known.toLowerCase() === name.toLowerCase().replace(/[-_]/g, '')), 'options().', sessionName, warn)
}

function checkNames (attributes: object, meant: (name: string, known: readonly string[]) => string | undefined, prefix: string, sessionName: string, warn: Warn): void {
  for (const name of Object.keys(attributes)) {
    if (COOKIE_ATTRIBUTES.includes(name)) continue
    const near = meant(name, COOKIE_ATTRIBUTES)
    if (near !== undefined) warn('FST_SEALED_SESSION_WARN_OPTION_UNKNOWN', sessionName, prefix + name, `did you mean "${near}"?`)
  }
}

/** Known name that was likely meant by another one. */
export function nearest<Known extends string> (name: string, known: readonly Known[]): Known | undefined {
  return known.find(option => isNear(name, option))
}

/**
 * True if names are equal but for case or the order of letters; or one edit apart in a short name, two in a
 * longer one.
 */
function isNear (name: string, option: string): boolean {
  const [a, b] = [name.toLowerCase(), option.toLowerCase()]
  return sorted(a) === sorted(b) || distance(a, b) <= (Math.min(a.length, b.length) > 5 ? 2 : 1)
}

function sorted (name: string): string {
  return [...name].sort().join('')
}
