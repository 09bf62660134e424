import { distance } from 'fastest-levenshtein'
import type { Warn } from '../messages.ts'

// Hints at options that are misspelt, or have numbers of another unit. They are for the developer of an app: the edge goes
// without most of them, see runtime/silent.ts.

const DAY = 86_400

/** Least number of seconds that is taken for milliseconds: a session of ten minutes. Nobody means less. */
const LEAST = 6 * DAY

/**
 * Days, in seconds, of three hours in milliseconds: whole hours in milliseconds make whole days three at a
 * time. In seconds nobody means a multiple.
 */
const THREE_HOURS = 125 * DAY

/**
 * True for a number of seconds that is more likely one of milliseconds: whole minutes, if read so, and
 * no whole number of days if read as seconds, as lifetimes of weeks are.
 */
export function looksLikeMilliseconds (seconds: number): boolean {
  if (seconds < LEAST || seconds % 60_000 !== 0) return false
  return seconds % DAY !== 0 || seconds % THREE_HOURS === 0
}

/**
 * Warns of a number that looks like milliseconds: eight hours in milliseconds are 333 days in seconds, and
 * nothing would say so.
 */
export function warnOfMilliseconds (name: string, seconds: unknown, sessionName: string, warn: Warn): void {
  if (typeof seconds !== 'number' || !looksLikeMilliseconds(seconds)) return
  warn('FST_SEALED_SESSION_WARN_MILLISECONDS', sessionName, name, seconds, Math.floor(seconds / DAY), seconds / 1000)
}

/** Attributes of cookies. */
const COOKIE_ATTRIBUTES = ['domain', 'encode', 'expires', 'httpOnly', 'maxAge', 'partitioned', 'path', 'priority', 'sameSite', 'secure', 'signed']

/** Advice on an attribute of the cookie that stands among the options of a session; null for any other name. */
export function attributeAdvice (name: string): string | null {
  return COOKIE_ATTRIBUTES.includes(name) ? `attributes of the cookie go under "cookie": { cookie: { ${name}: … } }` : null
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

/** Hint at a flag of the cookie that is no boolean. */
export function hintOfFlag (name: string, value: unknown): string {
  const isAuto = name.endsWith('.secure') && typeof value === 'string' && value.trim().toLowerCase() === 'auto'
  return isAuto ? "Write 'auto' in small letters." : 'Text is no boolean, and would count as true. If it comes from the environment, write process.env.NAME === "true".'
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
