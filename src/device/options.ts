import { fail, kindOf } from '../errors.ts'
import { readDuration, readText, refuseUnknown, REGISTER_OPTIONS } from '../options/readers.ts'
import type { SessionConfig } from '../options/options.ts'
import type { Session } from '../types.ts'
import type { DeviceAlgorithm, DeviceBindingOptions } from './types.ts'

const NAMES = ['sessionName', 'interval', 'policy', 'grace', 'unboundExpiry', 'when', 'path', 'publicPath', 'algorithms', 'initiators', 'includeSite']

/** Seconds below which browsers need more signatures than they make. */
export const MIN_INTERVAL = 300

const DEFAULT_INTERVAL = 600
const MAX_INTERVAL = 86_400
const DEFAULT_GRACE = 60

/** The options of `deviceBinding`, checked and complete, but for what depends on the session. */
export interface DeviceConfig {
  /** Null for the first session of the app. */
  sessionName: string | null
  /** Seconds. */
  interval: number
  policy: 'prefer' | 'require' | 'off'
  /** Milliseconds. */
  grace: number
  /** Milliseconds; null for no limit. */
  unboundExpiry: number | null
  when: (session: Session) => boolean
  /** Null for the default. */
  path: string | null
  publicPath: string | null
  algorithms: readonly DeviceAlgorithm[]
  initiators: readonly string[] | null
  includeSite: boolean | null
}

/** Checks the options given to `register`; nothing of them is changed. */
export function readDeviceOptions (options: DeviceBindingOptions): DeviceConfig {
  refuseUnknown(options, [...NAMES, ...REGISTER_OPTIONS])
  const { unboundExpiry } = options as { unboundExpiry?: unknown }
  return {
    sessionName: readText(options, 'sessionName') ?? null,
    interval: readInterval(options),
    policy: readPolicy(options.policy),
    grace: readDuration(options, 'grace', DEFAULT_GRACE) * 1000,
    unboundExpiry: unboundExpiry === undefined || unboundExpiry === null ? null : readDuration(options, 'unboundExpiry', 0) * 1000,
    when: readWhen(options.when),
    path: readPath(options, 'path'),
    publicPath: readPath(options, 'publicPath'),
    algorithms: readAlgorithms(options.algorithms),
    initiators: readInitiators(options.initiators),
    includeSite: readIncludeSite(options.includeSite)
  }
}

/** @throws `FST_SEALED_SESSION_DEVICE_FORMAT` for a session that cannot be bound. */
export function assertFormat ({ sessionName, accept }: Pick<SessionConfig, 'sessionName' | 'accept'>): void {
  if (!accept.includes('sealed')) throw fail('DEVICE_FORMAT', [sessionName])
}

function readInterval (options: DeviceBindingOptions): number {
  const interval = Math.floor(readDuration(options, 'interval', DEFAULT_INTERVAL))
  if (interval >= MIN_INTERVAL && interval <= MAX_INTERVAL) return interval
  throw fail('OPTION_INVALID', ['interval', `from ${MIN_INTERVAL} to ${MAX_INTERVAL} seconds`, interval])
}

function readPolicy (policy: unknown): DeviceConfig['policy'] {
  if (policy === undefined) return 'prefer'
  if (policy === 'prefer' || policy === 'require' || policy === 'off') return policy
  throw fail('OPTION_INVALID', ['policy', "'prefer', 'require' or 'off'", kindOf(policy)])
}

function readWhen (when: unknown): DeviceConfig['when'] {
  if (when === undefined) return () => true
  if (typeof when === 'function') return when as DeviceConfig['when']
  throw fail('OPTION_INVALID', ['when', 'a function', kindOf(when)])
}

/** A path that stands in a header and a URL as it is: with two slashes at its beginning it would be another host. */
const PATH = /^\/(?!\/)[\w.~!$&'+,=@/-]*$/

/** Segments that browsers take out of a path. */
const DOTS = /\/\.{1,2}(?:\/|$)/

function readPath (options: DeviceBindingOptions, name: 'path' | 'publicPath'): string | null {
  const path = readText(options, name) ?? null
  if (path === null || (PATH.test(path) && !DOTS.test(path))) return path
  throw fail('OPTION_INVALID', [name, 'a path that begins with "/", without parameters', 'other text'])
}

function readAlgorithms (algorithms: unknown): readonly DeviceAlgorithm[] {
  if (algorithms === undefined) return ['ES256']
  const isList = Array.isArray(algorithms) && algorithms.length > 0 && algorithms.every(algorithm => algorithm === 'ES256' || algorithm === 'RS256')
  if (!isList) throw fail('OPTION_INVALID', ['algorithms', "an array of 'ES256' and 'RS256'", kindOf(algorithms)])
  return [...new Set(algorithms as DeviceAlgorithm[])]
}

/** Chromium refuses a binding for a pattern with a star in another place, when the endpoint has bound the session. */
const HOST = /^(\*|(\*\.)?[a-z\d-]+(\.[a-z\d-]+)*)$/i

function readInitiators (initiators: unknown): readonly string[] | null {
  if (initiators === undefined) return null
  if (!Array.isArray(initiators)) throw fail('OPTION_INVALID', ['initiators', 'an array of hosts', kindOf(initiators)])
  const other: unknown = initiators.find(host => typeof host !== 'string' || !HOST.test(host))
  if (other === undefined) return [...initiators as string[]]
  throw fail('OPTION_INVALID', ['initiators', "an array of hosts, such as 'example.com', '*.example.com' or '*'", typeof other === 'string' ? 'one with other text' : `one with ${kindOf(other)}`])
}

function readIncludeSite (value: unknown): boolean | null {
  if (value === undefined || typeof value === 'boolean') return value ?? null
  throw fail('OPTION_INVALID', ['includeSite', 'a boolean', kindOf(value)])
}
