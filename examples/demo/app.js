// A Fastify app with a sealed session: what an app of yours would look like, plus a few routes that
// attack the session's own cookie.
import Fastify from 'fastify'
import secureSession from 'fastify-sealed-session'
import { MemoryStore, sessionRevocation } from 'fastify-sealed-session/revocation'
import { WithoutRequests } from './journal.js'
import { attackRoutes } from './routes/attack.js'
import { keyRoutes } from './routes/keys.js'
import { sessionRoutes } from './routes/session.js'
import { stateRoutes } from './routes/state.js'
import { ABSOLUTE_TIMEOUT, COOKIE, COOKIE_NAME, EXPIRY } from './settings.js'
import { refuseOtherSites, servePage } from './web.js'

/**
 * @param {object} options
 * @param {import('fastify-sealed-session').Keyring} options.keyring
 * @param {import('./journal.js').Journal} options.journal
 */
export async function buildApp ({ keyring, journal }) {
  // At level debug the plugin says why it refuses a cookie.
  const app = Fastify({ logger: { level: 'debug', stream: journal }, logController: new WithoutRequests() })
  refuseOtherSites(app)

  await app.register(secureSession, {
    key: keyring,
    format: 'sealed',
    cookieName: COOKIE_NAME,
    cookie: COOKIE,
    expiry: EXPIRY,
    rolling: true, // reading keeps a session alive, too
    absoluteTimeout: ABSOLUTE_TIMEOUT,
    maxChunks: 2 // the default: a session may take two cookies
  })

  // What has ended is remembered here for as long as a copy of its cookie would open. This store is
  // one process's, and forgets at its end; an app of yours takes Redis or a database.
  await app.register(sessionRevocation, {
    store: new MemoryStore(),
    subject: session => /** @type {string | undefined} */ (session.get('name')) // whose session it is
  })

  servePage(app)
  sessionRoutes(app)
  attackRoutes(app)
  keyRoutes(app, keyring)
  stateRoutes(app, { keyring, journal })
  return app
}
