// Apps of tests: one maker, `newApp`. The other files of test/support have presets of it, such as logins.
//
// A test calls Fastify and registers by hand only if registration itself is what it tests: the order of plugins, a
// plugin in two contexts or in none, what `ready()` rejects with, a program of its own. Such files are listed, each with
// its reason, in test/repository/test-apps.test.ts.
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions, type LightMyRequestResponse } from 'fastify'
import type { TestContext } from 'node:test'
import { crossOriginProtection, type CrossOriginProtectionOptions } from '../../src/cross-origin/index.ts'
import secureSession, { type FastifySecureSession, type Session } from '../../src/index.ts'
import { deviceBinding, type DeviceBindingOptions } from '../../src/device/index.ts'
import { sessionRegistry, type SessionRegistryOptions } from '../../src/registry/index.ts'
import { sessionRevocation, type SessionRevocationOptions } from '../../src/revocation/index.ts'
import { captureLog, newKey, setCookies, tokenOf, type LogLine } from './helpers.ts'

/** A session with properties that no type declares. */
export type Bag = Session & Record<PropertyKey, unknown>

export type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown

/** Handlers by method and path, such as `POST /login`; a path alone is a GET route. */
export type Handlers = Record<string, Handler>

export type ServerOptions = FastifyServerOptions & { http2?: boolean, https?: object }

/** An app, in the order in which its parts are added to it. */
export interface AppSetup {
  /** Options of Fastify. */
  server?: ServerOptions
  /** Test at whose end the app is closed. */
  t?: Pick<TestContext, 'after'>
  /** Adds what comes before the plugins: `@fastify/cookie`, hooks that run before theirs. */
  before?: ((app: FastifyInstance) => unknown) | undefined
  /** Registers the protection with these options; default: none. */
  crossOrigin?: CrossOriginProtectionOptions
  /** Plugin for the session; default: that of this package. The peer, if a test compares them; null: none. */
  plugin?: FastifySecureSession | null
  /** Options of the session, an array for several, or what a test has refused. Default: a new key. */
  session?: unknown
  /** Registers revocation with these options; default: none. */
  revocation?: SessionRevocationOptions | undefined
  /** Registers the registry with these options; default: none. */
  registry?: SessionRegistryOptions
  /** Registers the binding to devices with these options; default: none. */
  device?: DeviceBindingOptions
  /** Adds what comes after the plugins and before the routes: other plugins, hooks, error handlers. */
  after?: ((app: FastifyInstance) => unknown) | undefined
  /** Routes as handlers, or a function that adds routes with options. Default: `SET_AND_GET`. */
  routes?: Handlers | ((app: FastifyInstance) => unknown)
}

/** Plugin of apps that name none. */
let front: FastifySecureSession = secureSession

/** Has the apps of all tests that follow in this file another plugin, if they name none. It gets the options of the other plugins with its own. */
export function useFront (plugin: FastifySecureSession): void {
  front = plugin
}

/** Options of a test that is about Fastify: it has no place on another front, where it is not made. */
export function ofFastify (): { skip: false | string } {
  return { skip: front === secureSession ? false : 'a matter of Fastify' }
}

/** Passphrases take half a second each, and on a busy machine more than the ten that Fastify gives a plugin. */
const PATIENT: FastifyServerOptions = { pluginTimeout: 120_000 }

/** Routes that do to the session what a test asks for; `POST /set` stores the properties of the body. */
export const SET_AND_GET: Handlers = {
  'POST /set': ({ session, body }) => {
    for (const [key, value] of Object.entries(body as object)) session.set(key as never, value as never)
    return 'set'
  },
  'GET /get': ({ session }) => session.data(),
  'POST /delete': ({ session }) => { session.delete(); return 'deleted' },
  'POST /touch': ({ session }) => { session.touch(); return 'touched' },
  'GET /untouched': () => 'untouched'
}

/** An app that has not started: it starts with `ready()`, `listen()` or the first request. */
export function newApp (setup: AppSetup = {}): FastifyInstance {
  const { server, t, before, crossOrigin, plugin = front, revocation, registry, device, after, routes = SET_AND_GET } = setup
  const session = 'session' in setup ? setup.session : { key: newKey() }
  const app = Fastify({ ...PATIENT, ...server } as FastifyServerOptions) as FastifyInstance
  t?.after(async () => { await app.close() })
  before?.(app)
  if (crossOrigin !== undefined) app.register(crossOriginProtection, crossOrigin)
  const isOnWeb = plugin !== secureSession && plugin === front
  if (plugin !== null) app.register(plugin, (isOnWeb ? { ...session as object, revocation, registry } : session) as Parameters<FastifySecureSession>[1])
  if (revocation !== undefined && !isOnWeb) app.register(sessionRevocation, revocation)
  if (registry !== undefined && !isOnWeb) app.register(sessionRegistry, registry)
  if (device !== undefined) app.register(deviceBinding, device)
  after?.(app)
  if (typeof routes === 'function') routes(app)
  else addHandlers(app, routes)
  return app
}

/** An app of `newApp` that has started. */
export async function readyApp (setup?: AppSetup): Promise<FastifyInstance> {
  const app = newApp(setup)
  await app.ready()
  return app
}

/** Adds routes. A handler that returns nothing answers "done". */
export function addHandlers (app: FastifyInstance, handlers: Handlers): void {
  for (const [name, handler] of Object.entries(handlers)) {
    const [path = '', method = 'GET'] = name.split(' ').reverse()
    app.route({ method, url: path, handler: async (request, reply) => (await handler(request, reply)) ?? (reply.sent ? reply : 'done') })
  }
}

/** An app's log in memory, and the server options that write it. */
export function logged (level = 'debug'): { lines: LogLine[], server: FastifyServerOptions } {
  const { lines, logger = false } = captureLog(level)
  return { lines, server: { logger } }
}

/** A `Cookie` header with a session that holds `data`. */
export function cookieWith (app: FastifyInstance, data: object, name = 'session'): string {
  return `${name}=${encodeURIComponent(tokenWith(app, data))}`
}

/** A session outside a request. Typed here, since tests that load the peer merge its types into Fastify's. */
export function newSession (app: FastifyInstance, data?: object | null): Session {
  return app.createSecureSession(data as object) as Session
}

/** A token of a session that holds `data`. */
export function tokenWith (app: FastifyInstance, data: object): string {
  return app.encodeSecureSession(app.createSecureSession(data))
}

/** What the session's cookie of a response holds. */
export function contentOf (app: FastifyInstance, response: LightMyRequestResponse, name = 'session'): object | undefined {
  return app.decodeSecureSession(tokenOf(response, name), undefined, name)?.data()
}

/** The `Set-Cookie` lines of one session. */
export function linesOf (response: LightMyRequestResponse, name = 'session'): string[] {
  return setCookies(response).filter(line => line.startsWith(`${name}=`))
}

/** A session as a bag of properties, for keys that no type declares. */
export function properties (session: unknown): Record<string, unknown> {
  return session as Record<string, unknown>
}

/** GET with a cookie. */
export async function get (app: FastifyInstance, url = '/', cookie?: string): Promise<LightMyRequestResponse> {
  return await app.inject({ url, headers: cookie === undefined ? {} : { cookie } })
}

/** POST with a cookie and a body. */
export async function post (app: FastifyInstance, url: string, cookie?: string, body?: object): Promise<LightMyRequestResponse> {
  return await app.inject({ method: 'POST', url, headers: cookie === undefined ? {} : { cookie }, ...(body && { payload: body }) })
}

/** Has an app wrap each hook in a function of its own, as @fastify/otel, dd-trace and other tools do that trace an app. */
export function wrapHooks (app: FastifyInstance): void {
  const addHook = app.addHook as (this: FastifyInstance, name: string, hook: (...values: unknown[]) => unknown) => FastifyInstance
  Object.assign(app, {
    addHook (this: FastifyInstance, name: string, hook: (...values: unknown[]) => unknown) {
      return addHook.call(this, name, function (this: unknown, ...values) { return hook.apply(this, values) })
    }
  })
}
