// Attacking the session: these write the cookie past it, its value as it stands in the header.
import { sessionInfo } from 'fastify-sealed-session'
import { cookiesOf, COPY, flipOneBit, headerOf } from '../cookie.js'
import { COOKIE, COOKIE_NAME, PROOF_NAME } from '../settings.js'

const AS_IT_IS = { ...COOKIE, encode: (/** @type {string} */ value) => value }

/** @param {import('fastify').FastifyInstance} app */
export function attackRoutes (app) {
  app.post('/tamper', async (request, reply) => {
    const [first] = cookiesOf(request.headers.cookie, COOKIE_NAME)
    if (first === undefined) return reply.code(409).send({ message: 'There is no cookie to tamper with: log in first.' })
    reply.setCookie(COOKIE_NAME, flipOneBit(first.value), AS_IT_IS)
    request.log.info('tampered: one bit of the cookie is flipped')
    reply.code(204)
  })

  app.post('/replay', { schema: { body: COPY } }, async (request, reply) => {
    const { values: [first, second] } = /** @type {{ values: string[] }} */ (request.body)
    reply.setCookie(COOKIE_NAME, first, AS_IT_IS)
    if (second === undefined) reply.clearCookie(`${COOKIE_NAME}.1`, COOKIE)
    else reply.setCookie(`${COOKIE_NAME}.1`, second, AS_IT_IS)
    request.log.info('replayed: the browser has an earlier cookie again')
    reply.code(204)
  })
  // A request of its own, from a client that has nothing but the copy.
  app.post('/thief', { schema: { body: COPY } }, async ({ body, server }) => {
    const copy = /** @type {{ values: string[], proof?: string }} */ (body)
    const cookie = headerOf(copy, { cookie: COOKIE_NAME, proof: PROOF_NAME })
    return (await server.inject({ url: '/profile', headers: { cookie } })).json()
  })

  app.get('/profile', { config: { session: { extend: false } } }, async ({ session }, reply) => {
    const { status, reason } = sessionInfo(session)
    reply.header('cache-control', 'no-store')
    return { status, reason, name: session.get('name') ?? null }
  })
}
