import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { fail, type SealedSessionError } from '../errors.ts'
import { internalOf } from '../fastify/internals.ts'
import { assertRegistered } from '../fastify/mistakes.ts'
import { isTrusted, isUpgrade, originOf, type Origins, reasonToRefuse } from './judge.ts'
import { readTrustedOrigins, ruleOf } from './options.ts'
import type { CrossOriginProtection, CrossOriginProtectionOptions } from './types.ts'

/** Mark of an app that has the plugin. Registered, since ESM and CommonJS each have a copy of this file. */
const kProtected: unique symbol = Symbol.for('fastify-sealed-session.cross-origin')

const plugin: FastifyPluginAsync<CrossOriginProtectionOptions> = async (app, options) => {
  assertRegistered(app, 'crossOriginProtection')
  const trusted = readTrustedOrigins(options)
  assertFirst(app)
  app.decorate(kProtected, true)
  // Mistakes of a route are told when it is added, not when it is first asked for.
  app.addHook('onRoute', ({ config = {} }) => { ruleOf(config) })
  app.addHook('onRequest', (request, reply, done) => {
    const error = refusalOf(request, trusted)
    if (error !== undefined && isUpgrade(request)) closeAfter(reply)
    done(error)
  })
}

/**
 * Refuses a place in which the hook would not run for all that the app serves: contexts that are there already
 * have their hooks, and none that is added later.
 * @throws `FST_SEALED_SESSION_CROSS_ORIGIN_TWICE`, `FST_SEALED_SESSION_CROSS_ORIGIN_LATE`
 */
function assertFirst (app: FastifyInstance): void {
  if (kProtected in app) throw fail('CROSS_ORIGIN_TWICE')
  const [earlier] = internalOf(app, 'fastify.children') ?? []
  if (earlier !== undefined) throw fail('CROSS_ORIGIN_LATE', [(earlier as FastifyInstance).pluginName])
}

/** Error to answer a request with; undefined if it may go on. */
function refusalOf (request: FastifyRequest, trusted: Origins): SealedSessionError | undefined {
  const reason = reasonToRefuse(request, trusted)
  if (reason === null) return
  const rule = ruleOf(request.routeOptions.config)
  if (rule === null || isTrusted(request, rule)) return
  const { headers: { origin = '', 'sec-fetch-site': site }, host } = request
  request.log.debug({ code: 'FST_SEALED_SESSION_CROSS_ORIGIN', reason, site, origin: originOf(origin), host }, 'a request of another origin was refused')
  return fail('CROSS_ORIGIN')
}

/**
 * Closes the connection once it is answered. After an upgrade that was refused, Node has given it out of its
 * hands, and @fastify/websocket closes it only if its hook ran first: a client that does not close it would
 * hold it for ever, and `app.close()` as well.
 */
function closeAfter ({ raw }: FastifyReply): void {
  const { socket } = raw
  raw.setHeader('connection', 'close')
  raw.once('finish', () => { socket?.end(() => { socket.destroy() }) })
}

/**
 * Refuses requests that change something and come from a page of another origin, with 403: forged requests
 * (CSRF), login forms of other sites among them. Register it before your routes, and before other plugins that
 * answer requests.
 * @throws (`app.ready()` rejects) a coded error for options that cannot be meant, such as
 * `FST_SEALED_SESSION_ORIGIN_INVALID`, and `FST_SEALED_SESSION_CROSS_ORIGIN_LATE` if routes of the app would not be covered.
 */
export const crossOriginProtection: CrossOriginProtection = fp(plugin, {
  fastify: '5.x',
  name: 'fastify-sealed-session-cross-origin'
})
