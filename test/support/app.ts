// What the tests of the plugin share: apps whose routes do what one test needs.
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions, type LightMyRequestResponse } from 'fastify'
import secureSession, { type Session } from '../../src/index.ts'
import { PATIENT, captureLog, newKey, setCookies, tokenOf, type LogLine } from './helpers.ts'

export type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown

export interface Setup {
  /** Of the plugin; default a new key. */
  options?: object
  server?: FastifyServerOptions
  /** Runs before the plugin is registered. */
  before?: (app: FastifyInstance) => void
  /** Runs after the plugin is registered, before the routes are added. */
  after?: (app: FastifyInstance) => void
}

/** A ready app with the plugin and a GET route for each handler. What returns nothing answers "done". */
export async function appWith (routes: Record<string, Handler>, setup: Setup = {}): Promise<FastifyInstance> {
  const { options = { key: newKey() }, server = {}, before, after } = setup
  const app = Fastify({ ...PATIENT, ...server })
  before?.(app)
  app.register(secureSession, options as Parameters<typeof secureSession>[1])
  after?.(app)
  for (const [path, handler] of Object.entries(routes)) {
    app.get(path, async (request, reply) => (await handler(request, reply)) ?? (reply.sent ? reply : 'done'))
  }
  await app.ready()
  return app
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
