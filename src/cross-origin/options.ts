import { kindOf, fail } from '../errors.ts'
import { REGISTER_OPTIONS, refuseUnknown } from '../options/readers.ts'
import { originOf, type Origins } from './judge.ts'

// Options of crossOriginProtection, and the setting of a route: `config: { crossOriginProtection: … }`.

/** @throws `FST_SEALED_SESSION_OPTION_UNKNOWN`, `FST_SEALED_SESSION_OPTION_INVALID`, `FST_SEALED_SESSION_ORIGIN_INVALID` */
export function readTrustedOrigins (options: object, place = ''): Origins {
  refuseUnknown(options, ['trustedOrigins', ...(place === '' ? REGISTER_OPTIONS : [])])
  const { trustedOrigins: list } = options as { trustedOrigins?: unknown }
  if (list === undefined) return new Set()
  const name = `${place}trustedOrigins`
  if (!Array.isArray(list)) throw fail('OPTION_INVALID', [name, 'an array of origins', kindOf(list)])
  return new Set(list.map((item: unknown, index) => readOrigin(item, `${name}[${index}]`)))
}

/** Takes the exact spelling only: any other would never be equal to what a browser sends. */
function readOrigin (value: unknown, name: string): string {
  const origin = typeof value === 'string' ? originOf(value) : null
  if (origin !== null && origin === value) return origin
  throw fail('ORIGIN_INVALID', [name, nameOf(value)])
}

/** Words for a value that is no origin. Of a URL, its origin only: the rest may hold a password. */
function nameOf (value: unknown): string {
  if (value === 'null') return '"null"'
  if (typeof value !== 'string' || !URL.canParse(value)) return kindOf(value)
  const { protocol, host } = new URL(value)
  const origin = originOf(`${protocol}//${host}`)
  return origin === null ? 'a string' : `a URL with the origin "${origin}"`
}

/** Origins that a route trusts besides the app's; null if it takes requests of every site. */
type Rule = Origins | null

const NONE: Origins = new Set()
const PLACE = 'config.crossOriginProtection'

/**
 * Rule of a route by its `config`. Anything but `false` leaves the check on: `null` or `0`, from a variable that is
 * not set, is refused. @throws `FST_SEALED_SESSION_OPTION_INVALID`, and as `readTrustedOrigins`
 */
export function ruleOf (config: object): Rule {
  const { crossOriginProtection: setting } = config as { crossOriginProtection?: unknown }
  if (setting === undefined || setting === true) return NONE
  if (setting === false) return null
  if (typeof setting === 'object' && setting !== null && !Array.isArray(setting)) return readTrustedOrigins(setting, `${PLACE}.`)
  throw fail('OPTION_INVALID', [PLACE, 'a boolean or { trustedOrigins }', kindOf(setting)])
}
