import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { publishDevice } from '../diagnostics.ts'
import { fail } from '../errors.ts'
import type { CompanionCookie } from '../fastify/companion-cookie.ts'
import { kEndpoint, type RegisteredSession, sessionsOf } from '../fastify/registered-session.ts'
import { addBehindFirst } from '../fastify/internals.ts'
import { assertRegistered, configsOfAll } from '../fastify/mistakes.ts'
import { hasUser } from '../extension/session-identities.ts'
import { DEVICE } from '../extension/session-extension.ts'
import { warnerOf } from '../messages.ts'
import { stateOf } from '../session/info.ts'
import { Devices } from './devices.ts'
import { type DeviceEvent, Endpoint, type EndpointAnswer } from './endpoint.ts'
import { DeviceExtension } from './device-extension.ts'
import { Offers } from './offers.ts'
import { assertFormat, type DeviceConfig, MIN_INTERVAL, readDeviceOptions } from './options.ts'
import type { DeviceBinding, DeviceBindingOptions } from './types.ts'
import { DeviceValues, PROOF_SUFFIX } from './values.ts'

/** Seconds below which more than two bound sessions may use up the signatures that a browser makes. */
const QUOTA_INTERVAL = 1200

const plugin: FastifyPluginAsync<DeviceBindingOptions> = async (app, options) => {
  assertRegistered(app, 'deviceBinding')
  const config = readDeviceOptions(options)
  const session = findSession(app, config.sessionName)
  const cookie = session.companion(PROOF_SUFFIX)
  assertBindable(session, cookie)
  const path = pathOf(app, config, session, cookie)
  const { sessionName } = session
  app.addHook('onReady', async () => { assertNameFree(app, cookie.name, sessionName) })
  const values = new DeviceValues(session.config.keyring, session.config.context)
  const devices = new Devices({ values, policy: config.policy, interval: config.interval * 1000, grace: config.grace, unboundExpiry: config.unboundExpiry, proofsIn: brought => cookie.valuesIn(brought) })
  const offers = new Offers({ session, devices, values, cookie, config, path: path.shown, host: onlyHost(config, session, cookie), offered: () => { tellDevice(sessionName, { event: 'offered', reason: null, algorithm: null }) } })
  const { domain, sameSite } = cookie.given
  const extension = extensionOf(app, session, devices, config)
  const endpoint = new Endpoint({
    session,
    extension,
    values,
    cookie,
    offers,
    config,
    initiators: config.initiators ?? (String(sameSite).toLowerCase() === 'none' ? [] : ['*']),
    includeSite: config.includeSite ?? Boolean(domain),
    tell: (request, event) => { tellDevice(sessionName, event, request) }
  })
  session.useDevices(devices)
  session.extend(extension)
  addEndpoint(app, path.route, endpoint)
  app.addHook('onSend', (request, reply, _payload, done) => {
    try {
      offers.look(request, reply)
      done()
    } catch (error) {
      done(error as Error)
    }
  })
  if (config.policy !== 'off') warnOfLife(app, session)
  warnOfQuota(app, session, config.interval)
}

/** @throws `FST_SEALED_SESSION_DEVICE_ALONE`, `FST_SEALED_SESSION_DEVICE_TWICE` */
function findSession (app: FastifyInstance, name: string | null): RegisteredSession {
  const session = sessionsOf(app).find(({ sessionName }) => name === null || sessionName === name)
  if (session === undefined) throw fail('DEVICE_ALONE', [name ?? 'session'])
  if (session.hasExtension(DEVICE)) throw fail('DEVICE_TWICE', [session.sessionName])
  return session
}

/** @throws `FST_SEALED_SESSION_DEVICE_FORMAT`, `FST_SEALED_SESSION_DEVICE_COOKIE` */
function assertBindable ({ sessionName, config }: RegisteredSession, { isNeverSecure, given: { secure, partitioned } }: CompanionCookie): void {
  assertFormat(config)
  if (secure === false) throw fail('DEVICE_COOKIE', [sessionName, 'secure: false'])
  if (isNeverSecure) throw fail('DEVICE_COOKIE', [sessionName, 'no secure: true'])
  if (/^__host-http-/i.test(config.cookieName)) throw fail('DEVICE_COOKIE', [sessionName, 'the prefix __Host-Http-'])
  if (partitioned === true) throw fail('DEVICE_COOKIE', [sessionName, 'partitioned: true'])
}

/** Path of the endpoint for a route, and as browsers see it. @throws `FST_SEALED_SESSION_DEVICE_PATH` */
function pathOf (app: FastifyInstance, { path, publicPath }: DeviceConfig, { sessionName }: RegisteredSession, { given }: CompanionCookie): { route: string, shown: string } {
  const route = path ?? (sessionName === 'session' ? '/session-device' : `/session-device/${segmentOf(sessionName)}`)
  const shown = publicPath ?? app.prefix.replace(/\/$/, '') + route
  const covered = given.path === undefined || given.path === '' ? '/' : given.path
  const isBelow = shown === covered || shown.startsWith(covered.endsWith('/') ? covered : `${covered}/`)
  if (!isBelow) throw fail('DEVICE_PATH', [shown, covered])
  return { route, shown }
}

/**
 * Host at which alone sessions are bound; null for any. Chromium takes "include_site" from the registrable domain only,
 * and says no after the endpoint has bound the session, which would end then with its first proof.
 * @throws `FST_SEALED_SESSION_DEVICE_SITE` for a domain that may be none
 */
function onlyHost ({ includeSite }: DeviceConfig, { sessionName }: RegisteredSession, { given: { domain = '' } }: CompanionCookie): string | null {
  if (includeSite !== null || domain === '') return null
  const host = domain.replace(/^\./, '').toLowerCase()
  if (host.split('.').length > 2) throw fail('DEVICE_SITE', [sessionName, domain])
  return host
}

/** Name of a session in a path. The router decodes URLs, so that a route with an escape is never found. */
function segmentOf (sessionName: string): string {
  return /^[\w-]+$/.test(sessionName) ? sessionName : Buffer.from(sessionName).toString('base64url')
}

/** Looks at all contexts, once each has its sessions: browsers send the cookies of all. @throws `FST_SEALED_SESSION_DEVICE_NAME_TAKEN` */
function assertNameFree (app: FastifyInstance, name: string, sessionName: string): void {
  if (configsOfAll(app).some(({ cookieName }) => cookieName === name)) throw fail('DEVICE_NAME_TAKEN', [name, sessionName])
}

function extensionOf (app: FastifyInstance, session: RegisteredSession, devices: Devices, { policy }: DeviceConfig): DeviceExtension {
  const { sessionName } = session
  const warn = warnerOf(app.log)
  let isWarned = false
  return new DeviceExtension({
    devices,
    isOff: policy === 'off',
    hasUser: state => hasUser(session.identities, state),
    unproven: ({ origin }) => {
      const skipped = origin?.device?.skipped ?? null
      tellDevice(sessionName, { event: skipped === null ? 'unproven' : 'skipped', reason: skipped, algorithm: null })
    },
    ignored: () => {
      if (isWarned) return
      isWarned = true
      warn('FST_SEALED_SESSION_WARN_DEVICE_UNPROVEN', sessionName)
    }
  })
}

/** Events that are written to the log, at level debug. */
const LOGGED: ReadonlyArray<DeviceEvent['event']> = ['refused', 'ended', 'unproven', 'skipped']

/** Publishes an event on the channel `fastify-sealed-session:device`; refusals are in the log, too. Nothing of a request is in either. */
function tellDevice (sessionName: string, { event, reason, algorithm }: DeviceEvent, request?: FastifyRequest): void {
  publishDevice({ sessionName, event, reason, algorithm })
  if (LOGGED.includes(event)) request?.log.debug(`@fastify/secure-session: device ${event}${reason === null ? '' : `, ${reason}`}`)
}

/**
 * Adds the endpoint. It is answered in a hook of its own, which is put before those of the app, so that a check of logins,
 * wherever it was registered, does not answer 401: browsers take that for the end of the binding.
 */
function addEndpoint (app: FastifyInstance, path: string, endpoint: Endpoint): void {
  const answer = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack()
    // Code of the app's may have its say when the headers leave, and throw.
    endpoint.answer(request, reply).then(answer => { write(reply, answer) }).catch(() => { reply.raw.destroy() })
  }
  const answerFirst: onRequestHookHandler = (request, reply, done) => {
    const { [kEndpoint]: own } = (request.routeOptions.config ?? {}) as { [kEndpoint]?: Endpoint }
    if (own === endpoint) answer(request, reply)
    else done()
  }
  addBehindFirst(app, answerFirst)
  app.route({
    method: 'POST',
    url: path,
    schema: { hide: true } as object,
    config: { rateLimit: false, [kEndpoint]: endpoint } as object,
    handler: (request, reply) => { answer(request, reply) }
  })
}

/**
 * Writes the answer past the hooks of the app: a header that allows other origins, a redirect or another status would be
 * taken for something else.
 */
function write ({ raw }: FastifyReply, { status, headers = {}, body }: EndpointAnswer): void {
  if (raw.headersSent || raw.destroyed) return
  const text = body === undefined ? '' : JSON.stringify(body)
  raw.writeHead(status, {
    'cache-control': 'no-store',
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    ...(body !== undefined && { 'content-type': 'application/json' }),
    'content-length': Buffer.byteLength(text),
    ...headers
  })
  raw.end(text)
}

/** A proof ends with its session: browsers would refresh it as often as that. */
function warnOfLife (app: FastifyInstance, { sessionName, expiry, absoluteTimeout }: RegisteredSession): void {
  const seconds = Math.min(expiry, absoluteTimeout ?? Infinity)
  const warn = warnerOf(app.log)
  if (seconds < MIN_INTERVAL) warn('FST_SEALED_SESSION_WARN_DEVICE_EXPIRY', sessionName, seconds, MIN_INTERVAL)
}

/** Bound sessions of an app, on its server. Registered, since ESM and CommonJS each have a copy of this file. */
const kBound: unique symbol = Symbol.for('fastify-sealed-session.bound')

function warnOfQuota (app: FastifyInstance, { sessionName }: RegisteredSession, interval: number): void {
  const warn = warnerOf(app.log)
  const server = app.server as { [kBound]?: Array<{ sessionName: string, interval: number }> }
  const bound = server[kBound] ??= []
  bound.push({ sessionName, interval })
  const often = bound.reduce((a, b) => b.interval < a.interval ? b : a)
  if (bound.length > 2 && often.interval < QUOTA_INTERVAL) warn('FST_SEALED_SESSION_WARN_DEVICE_QUOTA', bound.length, often.sessionName, often.interval)
}

/**
 * The plugin that binds sessions to devices. Register it after `fastify-sealed-session`, and before plugins with checks
 * of their own.
 * @throws (`app.ready()` rejects) a coded error for options that cannot be meant, such as
 * `FST_SEALED_SESSION_DEVICE_PATH`.
 */
export const deviceBinding: DeviceBinding = fp(plugin, {
  fastify: '5.x',
  name: 'fastify-sealed-session-device'
})

/**
 * Has this response offer the browser to bind the session, although nothing was written. Ordinarily nobody need call it.
 * @param session `request.session`.
 * @throws `FST_SEALED_SESSION_NOT_A_SESSION`, `FST_SEALED_SESSION_DEVICE_MISSING`
 */
export function offerDeviceBinding (session: object): void {
  const state = stateOf(session)
  const { devices } = state.held.settings
  if (devices === undefined) throw fail('DEVICE_MISSING')
  devices.offer(state)
}
