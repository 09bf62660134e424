import type { RouteOptions } from 'fastify'
import { kindOf, fail } from '../errors.ts'
import type { Warn } from '../messages.ts'
import { nearest } from '../options/option-hints.ts'

// Settings of one route for its sessions: `config: { session: { extend: false } }`.

const NAMES = ['extend']

/** Configs that were looked at: Fastify makes a HEAD route of each GET route, with the same config. */
type Seen = WeakSet<object>

/**
 * Checks the config of each route that is added from here on. A name that is nearly ours is refused. An app may have a
 * `config.session` of its own, of which it is told once that it has no effect here.
 * @returns a hook for `onRoute`.
 */
export function routeConfigCheck (warn: Warn): (route: RouteOptions) => void {
  const seen: Seen = new WeakSet()
  return ({ config, method, url }) => {
    const given: unknown = config?.session
    if (config === undefined || given === undefined || given === null || seen.has(config)) return
    seen.add(config)
    checkConfig(given, `${String(method)} ${url}`, warn)
  }
}

/** @throws `FST_SEALED_SESSION_ROUTE_CONFIG` */
function checkConfig (given: unknown, route: string, warn: Warn): void {
  if (typeof given !== 'object') return warn('FST_SEALED_SESSION_WARN_ROUTE_CONFIG', route, `is ${kindOf(given)}`)
  const { extend } = given as { extend?: unknown }
  if (extend !== undefined && typeof extend !== 'boolean') throw fail('ROUTE_CONFIG', [route, `extend must be true or false, got ${kindOf(extend)}`])
  for (const name of Object.keys(given as object)) {
    if (NAMES.includes(name)) continue
    const near = nearest(name, NAMES)
    if (near !== undefined) throw fail('ROUTE_CONFIG', [route, `"${name}" is not known, did you mean "${near}"?`])
    warn('FST_SEALED_SESSION_WARN_ROUTE_CONFIG', route, `has "${name}"`)
  }
}
