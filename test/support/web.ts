// The web entry as a plugin of Fastify: the tests of cookies run against both, by the same routes and requests. Fastify is
// the HTTP server here and nothing more: each session comes from `sessions.open(request)` and goes by `commit(headers)`.
// An app on Fastify with the same options stands beside it, for tokens outside requests.
import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance, FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import { MemoryStore } from '../../src/revocation/index.ts'
import secureSession, { type FastifySecureSession } from '../../src/index.ts'
import { createWebSessions, type WebSession, type WebSessionsOptions } from '../../src/web/index.ts'
import { newApp } from './app.ts'

/** The drop-in's defaults as options, since those of the web entry are the ones of `sealedSession`. */
const DROP_IN = { format: 'secretbox', cookieName: 'session', expiry: 86_401, rolling: false, absoluteTimeout: null, cookie: { httpOnly: true, secure: false, sameSite: 'lax', path: undefined } } as const

const METHODS = ['revokeSession', 'revokeSessionId', 'revokeSubject', 'revokeOtherSessions', 'revokeAll', 'restampSession', 'isSessionRevoked', 'useOnce', 'listSessions'] as const

const NAMES = ['createSecureSession', 'encodeSecureSession', 'decodeSecureSession', 'signCookie', 'unsignCookie'] as const

/** Puts the headers of a web response on a reply. */
function apply (reply: FastifyReply, headers: Headers): void {
  for (const name of ['set-cookie', 'cache-control']) reply.removeHeader(name)
  const lines = headers.getSetCookie()
  if (lines.length > 0) reply.header('set-cookie', lines)
  const control = headers.get('cache-control')
  if (control !== null) reply.header('cache-control', control)
}

/** Headers of a reply, as a web response has them. */
function headersOf (reply: FastifyReply): Headers {
  const headers = new Headers()
  for (const name of ['set-cookie', 'cache-control']) {
    for (const value of [reply.getHeader(name) ?? []].flat()) headers.append(name, String(value))
  }
  return headers
}

async function plugin (app: FastifyInstance, { revocation, registry, ...options }: WebSessionsOptions): Promise<void> {
  const sessions = await createWebSessions({ log: app.log as never, ...options, ...(revocation !== undefined && { revocation }), ...(registry !== undefined && { registry }) } as WebSessionsOptions)
  // With revocation, sessions have ids.
  const other = newApp({ plugin: secureSession, session: options, routes: {}, ...(revocation !== undefined && { revocation: { store: new MemoryStore() } }) })
  await other.ready()
  if (!app.hasPlugin('@fastify/cookie')) await app.register(cookiePlugin)
  app.addHook('onClose', async () => { await other.close(); sessions.close() })
  for (const name of NAMES) if (other.hasDecorator(name)) app.decorate(name, (other[name] as () => unknown).bind(other) as never)
  for (const name of METHODS) app.decorate(name, sessions[name] as never)
  app.decorateRequest('session', null as never)
  app.addHook('onRequest', async request => {
    // As a framework on web standards does it. Headers of node:http work as well, see test/web/.
    const url = `${request.protocol}://${request.host}${request.url}`
    const headers = new Headers()
    for (const [name, value] of Object.entries(request.headers)) if (typeof value === 'string' && !name.startsWith(':')) headers.set(name, value)
    request.session = await sessions.open({ url, method: request.method, headers })
  })
  app.addHook('onSend', async (request, reply) => {
    const headers = headersOf(reply)
    await (request.session as WebSession).commit(headers)
    apply(reply, headers)
  })
}

/** The plugin with the defaults of the drop-in, on the web entry. */
export const onWeb = fp(async (app: FastifyInstance, given: Record<string, unknown>) => {
  const { cookie, cookieOptions, ...rest } = given
  const attributes = { ...DROP_IN.cookie, ...cookieOptions as object ?? cookie as object }
  const name = typeof given.sessionName === 'string' ? { cookieName: given.sessionName } : {}
  const accept = given.format === undefined && given.accept === undefined ? { accept: ['secretbox', 'sealed'] as const } : {}
  await plugin(app, { ...DROP_IN, ...accept, ...name, ...rest, cookie: attributes } as unknown as WebSessionsOptions)
}, { fastify: '5.x', name: '@fastify/secure-session' }) as unknown as FastifySecureSession
