// The page 'Your devices': all sessions of a user, to be ended after the password was given again.
import { authenticated, requireFresh, requireSession, sessionInfo } from 'fastify-sealed-session'
import { CONFIRMED, MAX_SESSIONS, PASSWORD } from '../settings.js'

const CONFIRM = { type: 'object', required: ['password'], properties: { password: { type: 'string', maxLength: 100 } } }
const END = { type: 'object', required: ['id'], properties: { id: { type: 'string', maxLength: 100 } } }

/** @param {import('fastify').FastifyInstance} app */
export function deviceRoutes (app) {
  const loggedIn = requireSession({ keys: ['name'] })
  const confirmed = requireFresh({ within: CONFIRMED, method: 'password' })

  // The page asks every few seconds, also when its user has left: that does not extend the session.
  app.get('/devices/list', { config: { session: { extend: false } } }, async ({ session }, reply) => {
    const { status, reason, authentications: { password } } = sessionInfo(session)
    const name = /** @type {string | undefined} */ (session.get('name'))
    reply.header('cache-control', 'no-store')
    if (name === undefined) return reply.code(401).send({ status, reason })
    return {
      name,
      limit: MAX_SESSIONS,
      confirmedUntil: password === undefined ? null : Number(password) + CONFIRMED * 1000,
      sessions: await app.listSessions(name, { current: session })
    }
  })

  app.post('/devices/confirm', { schema: { body: CONFIRM }, onRequest: loggedIn }, async ({ session, body, log }, reply) => {
    const { password } = /** @type {{ password: string }} */ (body)
    if (password !== PASSWORD) return reply.code(403).send({ message: 'That is not the password.' })
    authenticated(session, 'password')
    log.info('confirmed with the password: the time is sealed into a new cookie, and the one of before is over')
    reply.code(204)
  })

  app.post('/devices/end', { schema: { body: END }, onRequest: [loggedIn, confirmed] }, async ({ session, body, log }, reply) => {
    const { id } = /** @type {{ id: string }} */ (body)
    // An id may be anybody's: end only what is in the user's own list.
    const sessions = await app.listSessions(/** @type {string} */ (session.get('name')))
    if (!sessions.some(session => session.id === id)) return reply.code(404).send({ message: 'That session is not in your list. It may have ended already.' })
    await app.revokeSessionId(id)
    log.info('ended one session by its id, for every copy of its cookie')
    reply.code(204)
  })

  app.post('/devices/end-others', { onRequest: [loggedIn, confirmed] }, async ({ session, log }, reply) => {
    await app.revokeOtherSessions(session)
    log.info('ended all other sessions of this user')
    reply.code(204)
  })
}
