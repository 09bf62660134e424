// Attacking the session: these write the cookie past it, its value as it stands in the header.
import { cookiesOf, flipOneBit } from '../cookie.js'
import { COOKIE, COOKIE_NAME } from '../settings.js'

const VALUE = { type: 'string', maxLength: 4096, pattern: '^[\\w%.~-]+$' }
const REPLAY = { type: 'object', required: ['values'], properties: { values: { type: 'array', items: VALUE, minItems: 1, maxItems: 2 } } }

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

  app.post('/replay', { schema: { body: REPLAY } }, async (request, reply) => {
    const { values: [first, second] } = /** @type {{ values: string[] }} */ (request.body)
    reply.setCookie(COOKIE_NAME, first, AS_IT_IS)
    if (second === undefined) reply.clearCookie(`${COOKIE_NAME}.1`, COOKIE)
    else reply.setCookie(`${COOKIE_NAME}.1`, second, AS_IT_IS)
    request.log.info('replayed: the browser has an earlier cookie again')
    reply.code(204)
  })
}
