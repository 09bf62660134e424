// A Fastify app with a sealed session: what an app of yours would look like, plus a few routes that
// attack the session's own cookie.
import Fastify from 'fastify'
import secureSession, { generateKey, sessionInfo } from 'fastify-sealed-session'
import { flipOneBit, rawValue } from './cookie.js'
import { WithoutRequests } from './journal.js'
import { refuseOtherSites, servePage } from './web.js'

/** Seconds. */
const EXPIRY = 15 * 60

// Cookies do not know ports: with a name of its own, this one leaves those of other apps on localhost alone.
const COOKIE_NAME = 'sealed-demo'

// In production use `secure: true` and the name `__Host-session`, which no subdomain can plant. Not
// here: Safari takes neither from http://localhost. 'auto' means Secure over TLS only.
const COOKIE = /** @type {const} */ ({ path: '/', httpOnly: true, sameSite: 'lax', secure: 'auto', maxAge: EXPIRY })

/** A note of this length fits into a cookie, however many bytes its characters take. */
const MAX_NOTE = 400

/**
 * @param {object} options
 * @param {import('fastify-sealed-session').Keyring} options.keyring
 * @param {import('./journal.js').Journal} options.journal
 */
export function buildApp ({ keyring, journal }) {
  // At level debug the plugin says why it refuses a cookie.
  const app = Fastify({ logger: { level: 'debug', stream: journal }, logController: new WithoutRequests() })

  app.register(secureSession, {
    key: keyring,
    format: 'sealed',
    cookieName: COOKIE_NAME,
    cookie: COOKIE,
    expiry: EXPIRY
  })
  refuseOtherSites(app)
  servePage(app)

  // Using a session: what every app does.

  app.post('/login', { schema: bodyWith('name', { minLength: 1, maxLength: 40 }) }, async (request, reply) => {
    const { name } = /** @type {{ name: string }} */ (request.body)
    // Nothing that was in the session before the login lives on after it.
    request.session.regenerate()
    request.session.set('name', name)
    request.session.set('visits', 1)
    request.log.info('logged in: a session is sealed into a cookie, nothing is stored')
    reply.code(204)
  })

  app.post('/visit', { schema: bodyWith('note', { maxLength: MAX_NOTE }) }, async (request, reply) => {
    const { session } = request
    const { note } = /** @type {{ note: string }} */ (request.body)
    if (session.get('name') === undefined) return reply.code(401).send({ message: 'There is no session: log in first.' })
    session.set('visits', Number(session.get('visits')) + 1)
    session.set('note', note)
    request.log.info('visit counted: the changed session is sealed into a new cookie')
    reply.code(204)
  })

  app.post('/logout', async (request, reply) => {
    request.session.delete()
    request.log.info('logged out: the browser is told to drop its cookie')
    reply.code(204)
  })

  // Attacking it: these write the cookie past the session, its value as it stands in the header.

  const asItIs = { ...COOKIE, encode: (/** @type {string} */ value) => value }

  app.post('/tamper', async (request, reply) => {
    const value = rawValue(request.headers.cookie, COOKIE_NAME)
    if (value === null) return reply.code(409).send({ message: 'There is no cookie to tamper with: log in first.' })
    reply.setCookie(COOKIE_NAME, flipOneBit(value), asItIs)
    request.log.info('tampered: one bit of the cookie is flipped')
    reply.code(204)
  })

  app.post('/replay', { schema: bodyWith('value', { maxLength: 4096, pattern: '^[\\w%.-]+$' }) }, async (request, reply) => {
    const { value } = /** @type {{ value: string }} */ (request.body)
    reply.setCookie(COOKIE_NAME, value, asItIs)
    request.log.info('replayed: the browser has an earlier cookie again')
    reply.code(204)
  })

  // Keys: the session sees at once what happens to the keyring.

  app.post('/rotate', async (request, reply) => {
    keyring.rotate(generateKey())
    request.log.info(`rotated: key ${keyring.ids[0]} seals, the older ones still open`)
    reply.code(204)
  })

  app.post('/retire', async (request, reply) => {
    if (keyring.ids.length === 1) return reply.code(409).send({ message: 'There is only one key: add a new one first.' })
    const oldest = keyring.ids[keyring.ids.length - 1]
    keyring.retire(oldest)
    request.log.info(`retired: key ${oldest} opens nothing any more`)
    reply.code(204)
  })

  // What the page shows.

  app.get('/state', async (request, reply) => {
    const { session } = request
    const value = rawValue(request.headers.cookie, COOKIE_NAME)
    const info = sessionInfo(session)
    // A session that was only read is not sent again, unless an older key had sealed it.
    const resealed = session.changed
    if (resealed) request.log.info(`opened with the older key ${info.keyId}: sealed again with key ${keyring.ids[0]}`)

    reply.header('cache-control', 'no-store')
    return {
      cookie: value === null ? null : { name: COOKIE_NAME, value, bytes: `${COOKIE_NAME}=${value}`.length },
      info,
      data: info.status === 'valid' ? session.data() : null,
      resealed,
      keys: keyring.ids,
      log: journal.recent
    }
  })

  return app
}

/**
 * The schema of a body that is an object with one text.
 * @param {string} name
 * @param {{ minLength?: number, maxLength: number, pattern?: string }} limits
 */
function bodyWith (name, limits) {
  return { body: { type: 'object', required: [name], properties: { [name]: { type: 'string', ...limits } } } }
}
