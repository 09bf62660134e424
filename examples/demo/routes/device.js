// The page 'Steal this cookie': how the session is bound to the browser's device, and what becomes of a copy.
import { requireSession, sessionInfo } from 'fastify-sealed-session'
import { cookiesOf, COPY } from '../cookie.js'
import { COOKIE, COOKIE_NAME, PROOF_LASTS, PROOF_NAME } from '../settings.js'

const AS_IT_IS = { ...COOKIE, encode: (/** @type {string} */ value) => value }

/** Where the reasons of refusals go that this page has asked for only to name a session. */
const QUIET = { debug () {} }

/**
 * @param {import('fastify').FastifyInstance} app
 * @param {object} options
 * @param {import('../device-events.js').DeviceEvents} options.events
 * @param {import('../proofs.js').Proofs} options.proofs
 */
export function deviceBindingRoutes (app, { events, proofs }) {
  const loggedIn = requireSession({ keys: ['name'] })

  // Also runs after an answer of the plugin's endpoint, which no route of the app sees.
  app.addHook('onResponse', async (request, reply) => {
    const heard = events.heard(request.raw)
    const name = heard.length === 0 ? null : nameIn(app, sentIn(reply) ?? request.headers.cookie)
    if (name !== null) events.keep(name, heard)
  })

  // Asked every few seconds: that does not extend the session.
  app.get('/device/state', { config: { session: { extend: false } } }, async ({ session }, reply) => {
    const { status, reason, device } = sessionInfo(session)
    const name = nameOf(session)
    reply.header('cache-control', 'no-store')
    return {
      user: session.get('name') ?? null,
      status,
      reason,
      device, // null over plain http, where the plugin is not registered
      proofEndsAt: device?.provenAt == null ? null : Number(device.provenAt) + PROOF_LASTS * 1000,
      events: name === null ? [] : events.of(name)
    }
  })

  app.post('/device/copy', { onRequest: loggedIn }, async ({ session, headers, log }, reply) => {
    const values = cookiesOf(headers.cookie, COOKIE_NAME).map(({ value }) => value)
    const [proof] = cookiesOf(headers.cookie, PROOF_NAME)
    if (proof !== undefined) proofs.copied(String(nameOf(session)), `${PROOF_NAME}=${proof.value}`)
    log.info('stolen: the page has a copy of all cookies of this session')
    reply.header('cache-control', 'no-store')
    return { values, proof: proof?.value }
  })

  app.post('/device/plant', { schema: { body: COPY } }, async ({ session, body, log }, reply) => {
    if (session.get('name') !== undefined) return reply.code(409).send({ message: 'This browser has a session already. Open the link in a private window, or in another browser.' })
    const { values: [first, second], proof } = /** @type {{ values: string[], proof?: string }} */ (body)
    reply.setCookie(COOKIE_NAME, first, AS_IT_IS)
    if (second !== undefined) reply.setCookie(`${COOKIE_NAME}.1`, second, AS_IT_IS)
    // Without Max-Age: a thief does not drop it in time. The time that counts is sealed inside.
    if (proof !== undefined) reply.setCookie(PROOF_NAME, proof, AS_IT_IS)
    log.info('planted: another browser has the copied cookies')
    reply.code(204)
  })

  app.post('/device/end-proof', { onRequest: loggedIn }, async ({ session, headers, log }, reply) => {
    const [proof] = cookiesOf(headers.cookie, PROOF_NAME)
    if (proof === undefined) return reply.code(409).send({ message: 'There is no proof to end: this session is not bound.' })
    proofs.end(String(nameOf(session)), `${PROOF_NAME}=${proof.value}`)
    reply.clearCookie(PROOF_NAME, COOKIE) // a browser drops it when it is over
    log.info('ended early: the server refuses the proof of this browser, and its copies')
    reply.code(204)
  })
}

/**
 * Text by which the demo knows a session. Its id will not do: that changes when it is bound.
 * @param {import('fastify-sealed-session').Session} session
 */
function nameOf (session) {
  const { createdAt } = sessionInfo(session)
  return createdAt === null ? null : `${session.get('name')} ${Number(createdAt)}`
}

/**
 * The same for cookies, without asking for a proof: to file events, and to let nobody in.
 * @param {import('fastify').FastifyInstance} app
 * @param {string | undefined} cookie the header
 */
function nameIn (app, cookie) {
  const session = app.decodeSecureSession({ headers: { cookie } }, QUIET, undefined, { device: 'ignore' })
  return session === null ? null : nameOf(session)
}

/**
 * Cookies of a session that a response has sent, as a browser sends them back.
 * @param {import('fastify').FastifyReply} reply
 */
function sentIn (reply) {
  const pairs = [reply.getHeader('set-cookie') ?? []].flat().map(line => String(line).split(';', 1)[0] ?? '')
  return pairs.some(pair => pair.startsWith(`${COOKIE_NAME}=`) && pair.length > COOKIE_NAME.length + 1) ? pairs.join('; ') : null
}
