import type { FastifyInstance } from 'fastify'
import { fail } from '../errors.ts'
import { REVOCATION } from '../extension/session-extension.ts'
import type { Registered } from '../http/session-manager.ts'
import type { Warn } from '../messages.ts'
import type { SessionConfig } from '../options/options.ts'
import { areAlike } from '../options/options-list.ts'
import { kSessions } from './registered-session.ts'

// Plugins and hooks in the wrong place: plugins that cannot be registered beside this one, or only before it, which Fastify
// would say without advice; a plugin in the place of a hook, and a hook in that of a plugin.

/** True for a request of Fastify. */
export function isRequest (value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'raw' in value && 'headers' in value
}

/** True for an app of Fastify. */
export function isApp (value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'decorateRequest' in value
}

/**
 * Refuses to be the hook of a route, which is called with a request. @param plugin its name.
 * @throws `FST_SEALED_SESSION_PLUGIN_MISPLACED`
 */
export function assertRegistered (app: object, plugin: string): void {
  if (isRequest(app)) throw fail('PLUGIN_MISPLACED', [plugin])
}

/**
 * Refuses a second registration, and one beside @fastify/secure-session. Called before anything is decorated.
 * @throws `FST_SEALED_SESSION_REGISTERED_TWICE`, `FST_SEALED_SESSION_BESIDE_PEER`
 */
export function assertAlone (app: FastifyInstance): void {
  if (Object.hasOwn(app, kSessions)) throw fail('REGISTERED_TWICE')
  if (Object.hasOwn(app, 'createSecureSession')) throw fail('BESIDE_PEER')
}

/**
 * Refuses a plugin that is registered after this one and would collide with it, when it adds its first
 * decorator.
 * @param isCookieOurs true if `@fastify/cookie` was registered by this plugin, for the app.
 */
export function refuseLater (app: FastifyInstance, isCookieOurs: boolean): void {
  const { decorate } = app as unknown as { decorate: (this: unknown, name: PropertyKey, ...rest: unknown[]) => unknown }
  const checked: typeof decorate = function (name, ...rest) {
    // In a context inside this one as well: it shares the reply.
    if (isCookieOurs && name === 'serializeCookie') throw fail('COOKIE_PLUGIN_LATE')
    if (this === app && name === 'decodeSecureSession') throw fail('BESIDE_PEER')
    return decorate.call(this, name, ...rest)
  }
  Object.assign(app, { decorate: checked })
}

/** Methods of sessions in express-session, @fastify/session and iron-session, and what to call in their place. */
const FOREIGN: Readonly<Record<string, string>> = {
  save: 'Remove the call: your session is sent with the response by itself.',
  reload: 'Remove the call: each request opens its session by itself.',
  destroy: 'Call delete() to end the session.'
}

/**
 * Warns once of a handler that failed since it called a method of another package's session. A session has no such
 * method, since each name on it is a name that the data of an app cannot have.
 */
export function watchForeignMethods (app: FastifyInstance, sessions: ReadonlyArray<{ sessionName: string }>, warn: Warn): void {
  const told = new Set<string>()
  app.addHook('onError', (_request, _reply, error, done) => {
    const [, sessionName = '', method = ''] = /\b([\w$]+)\.(save|reload|destroy) is not a function/.exec(String(error?.message)) ?? []
    const advice = FOREIGN[method]
    if (advice !== undefined && sessions.some(session => session.sessionName === sessionName) && !told.has(method)) {
      told.add(method)
      warn('FST_SEALED_SESSION_WARN_FOREIGN_METHOD', sessionName, method, advice)
    }
    done()
  })
}

/** Error of a handler that calls a method of a session that is undefined, in V8. Others, such as `data`, are names of much else. */
const OF_UNDEFINED = /^Cannot read properties of undefined \(reading '(get|set|delete|touch|regenerate)'\)/

/**
 * Warns once of a handler in another context that failed for want of a session that was registered inside a plugin: its
 * error says "undefined" and names no session.
 */
export function watchOtherContexts (app: FastifyInstance, sessions: ReadonlyArray<{ sessionName: string }>, warn: Warn): void {
  const root = outermost(app)
  if (root === app) return // all contexts have it
  let isTold = false
  root.addHook('onError', (request, _reply, error, done) => {
    const method = OF_UNDEFINED.exec(String(error?.message))?.[1]
    const missing = method === undefined || isTold ? undefined : sessions.find(({ sessionName }) => !(sessionName in request))
    if (missing !== undefined) {
      isTold = true
      warn('FST_SEALED_SESSION_WARN_OTHER_CONTEXT', `${request.method} ${request.routeOptions.url ?? '(no route)'}`, method, missing.sessionName)
    }
    done()
  })
}

function outermost (app: FastifyInstance): FastifyInstance {
  const around = Object.getPrototypeOf(app) as FastifyInstance | null
  return typeof around?.addHook === 'function' ? outermost(around) : app
}

/** Session of some context of the app, as others see it; it may be of the other copy of this package. */
interface Seen {
  readonly config: SessionConfig
  readonly isGuarded: () => boolean
}

/** Configurations of the sessions of all contexts, as far as they are registered. */
export function configsOfAll (app: FastifyInstance): readonly SessionConfig[] {
  const { [kAll]: all = [] } = app.server as { [kAll]?: readonly Seen[] }
  return all.map(({ config }) => config)
}

/** The sessions of all contexts, on their server. Registered, since ESM and CommonJS each have a copy of this file. */
const kAll: unique symbol = Symbol.for('fastify-sealed-session.all')

/**
 * Warns when the app is ready of a session without revocation that opens the tokens of one with it: a
 * cookie that was revoked for the API would still open the pages.
 */
export function warnOfUnguarded (app: FastifyInstance, sessions: readonly Registered[], warn: Warn): void {
  const server = app.server as { [kAll]?: Seen[] }
  if (!Object.hasOwn(server, kAll)) Object.defineProperty(server, kAll, { value: [] })
  const own = sessions.map((session): Seen => ({ config: session.manager.config, isGuarded: () => session.extensions?.has(REVOCATION) === true }))
  const all = server[kAll]! // defined above
  all.push(...own)

  app.addHook('onReady', async () => {
    for (const { config, isGuarded } of own) {
      if (isGuarded()) continue
      const guarded = all.find(other => other.isGuarded() && areAlike(config, other.config))
      if (guarded !== undefined) warn('FST_SEALED_SESSION_WARN_UNGUARDED', config.sessionName, guarded.config.sessionName)
    }
  })
}
