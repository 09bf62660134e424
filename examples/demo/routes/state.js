// What the page shows: what the server knows of the session, and what it logged.
import { sessionInfo } from 'fastify-sealed-session'
import { cookiesOf } from '../cookie.js'
import { COOKIE_NAME } from '../settings.js'

/**
 * @param {import('fastify').FastifyInstance} app
 * @param {object} options
 * @param {import('fastify-sealed-session').Keyring} options.keyring
 * @param {import('../journal.js').Journal} options.journal
 * @param {import('../settings.js').Lifetimes} options.lifetimes
 */
export function stateRoutes (app, { keyring, journal, lifetimes }) {
  app.get('/state', async ({ session, headers }, reply) => {
    const info = sessionInfo(session)
    reply.header('cache-control', 'no-store')
    return {
      cookies: cookiesOf(headers.cookie, COOKIE_NAME),
      info,
      limits: info.status === 'valid' ? limitsOf(session, lifetimes) : null,
      data: info.status === 'valid' ? session.data() : null,
      keys: keyring.ids,
      log: journal.recent
    }
  })

  // A session that was only read is not sent again, unless an older key had sealed it, or more than
  // half of its idle limit has passed. The page is told, since it cannot see cookies. This hook runs
  // after that of the plugin, which is registered before.
  app.addHook('onSend', async (request, reply) => {
    if (request.method !== 'GET' || !isSent(reply)) return
    const { keyId } = sessionInfo(request.session)
    const cause = keyId === keyring.ids[0] ? 'rolling' : 'rotation'
    reply.header('x-sealed-again', cause)
    request.log.info(cause === 'rolling'
      ? 'only read, with more than half of the idle limit over: sealed again'
      : `opened with the older key ${keyId}: sealed again with key ${keyring.ids[0]}`)
  })
}

/**
 * True if a response has the session's cookie: it may have that of a proof alone.
 * @param {import('fastify').FastifyReply} reply
 */
function isSent (reply) {
  return [reply.getHeader('set-cookie') ?? []].flat().some(line => String(line).startsWith(`${COOKIE_NAME}=`))
}

/**
 * When a session ends by each of its two limits. The earlier one counts: it is `expiresAt`.
 * @param {import('fastify-sealed-session').Session} session
 * @param {import('../settings.js').Lifetimes} lifetimes
 */
function limitsOf (session, { expiry, remembered, absoluteTimeout }) {
  const { createdAt, lastWriteAt } = sessionInfo(session)
  const idle = limit(lastWriteAt, session.get('remembered') === true ? remembered : expiry)
  const absolute = limit(createdAt, absoluteTimeout)
  return { idle, absolute, first: idle.endsAt < absolute.endsAt ? 'idle' : 'absolute' }
}

/**
 * @param {Date | null} from
 * @param {number} seconds
 */
function limit (from, seconds) {
  return { seconds, endsAt: Number(from) + seconds * 1000 }
}
