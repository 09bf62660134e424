import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import fp from 'fastify-plugin'
import { fail } from '../errors.ts'
import type { RevocationExtension } from './revocation-extension.ts'
import { kEndpoint, type RegisteredSession, sessionsOf } from '../fastify/registered-session.ts'
import { waitAsSent } from '../fastify/internals.ts'
import { assertRegistered } from '../fastify/mistakes.ts'
import type { SessionRequest } from '../http/exchange.ts'
import { DEVICE, REVOCATION } from '../extension/session-extension.ts'
import { warnerOf } from '../messages.ts'
import { readRevocationOptions } from './options.ts'
import { addRevocation } from './registration.ts'
import type { SessionRevocation, SessionRevocationOptions } from './types.ts'

// The wiring into Fastify. Revocations are in revocations.ts, their effect on a request in revocation-extension.ts, the methods of
// the app in end-sessions.ts, and registration.ts puts them together.

/** Request whose hooks and handler run, so that `app.revokeSubject()`, which is told of no request, knows its own. */
const currentRequest = new AsyncLocalStorage<SessionRequest>()

const plugin: FastifyPluginAsync<SessionRevocationOptions> = async (app, options) => {
  assertRegistered(app, 'sessionRevocation')
  const config = readRevocationOptions(options)
  const session = findSession(app, config.sessionName)
  const requestNow = (): SessionRequest | undefined => currentRequest.getStore()
  const { extension, methods } = addRevocation(session, config, { log: app.log, warn: warnerOf(app.log), requestNow, requestOf: requestNow })
  app.decorateRequest(extension.records.symbol, null)
  for (const [name, method] of Object.entries(methods)) app.decorate(name, method)
  addHooks(app, session, extension)
}

function addHooks (app: FastifyInstance, session: RegisteredSession, extension: RevocationExtension): void {
  app.addHook('onRequest', (request, _reply, done) => {
    extension.begin(request)
    // The endpoint of a device looks by itself, which needs no proof: a refresh is no session that was refused.
    const state = session.hasExtension(DEVICE) && isEndpoint(request) ? null : session.find(request)
    goOn(state?.origin?.ok === true ? extension.check(state, request) : undefined, within(request, done))
  })

  /** Checks a request again: a body that does not end can hold it open for as long as its client likes. */
  const recheck = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    const state = session.held(request)
    const waiting = state === null ? undefined : extension.recheck(state, request)
    if (waiting === undefined && currentRequest.getStore() === request) return done() // nearly always
    const next = within(request, done)
    // An async handler that called reply.callNotFound() may be done before that.
    if (waiting !== undefined && request.is404) waitAsSent(reply, waiting, next)
    else goOn(waiting, next)
  }
  // Twice: the app's own preValidation hooks come between, and may wait as well.
  app.addHook('preValidation', (request, reply, done) => { recheck(request, reply, done) })
  app.addHook('preHandler', (request, reply, done) => { recheck(request, reply, done) })
}

function isEndpoint (request: FastifyRequest): boolean {
  return ((request.routeOptions.config ?? {}) as { [kEndpoint]?: unknown })[kEndpoint] !== undefined
}

/** Has all code that follows know its request. To read a body loses it, so each of the hooks does it anew. */
function within (request: FastifyRequest, done: HookHandlerDoneFunction): HookHandlerDoneFunction {
  return error => { currentRequest.run(request, done, error) }
}

/**
 * Goes on without a promise if nothing has to be awaited, and else in a tick of its own: in a reaction of a
 * promise, Fastify would take an async handler for done before the stream that it sent has begun.
 */
function goOn (waiting: Promise<void> | undefined, done: HookHandlerDoneFunction): void {
  if (waiting === undefined) done()
  else waiting.then(() => { process.nextTick(done) }, (error: Error) => { process.nextTick(done, error) })
}

/** @throws `FST_SEALED_SESSION_REVOCATION_ALONE`, `FST_SEALED_SESSION_REVOCATION_TWICE` */
function findSession (app: FastifyInstance, name: string | null): RegisteredSession {
  const session = sessionsOf(app).find(({ sessionName }) => name === null || sessionName === name)
  if (session === undefined) throw fail('REVOCATION_ALONE', [name ?? 'session'])
  if (session.hasExtension(REVOCATION) || Object.hasOwn(app, 'revokeSession')) throw fail('REVOCATION_TWICE')
  return session
}

/**
 * The plugin that ends sessions on the server. Register it after `fastify-sealed-session`.
 * @throws (`app.ready()` rejects) a coded error for options that cannot be meant, such as
 * `FST_SEALED_SESSION_STORE_SILENT`.
 */
export const sessionRevocation: SessionRevocation = fp(plugin, {
  fastify: '5.x',
  name: 'fastify-sealed-session-revocation'
})
