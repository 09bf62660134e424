// A Fastify app with a sealed session: what an app of yours would look like, plus a few routes that
// attack the session's own cookie.
import Fastify from 'fastify'
import secureSession from 'fastify-sealed-session'
import { crossOriginProtection } from 'fastify-sealed-session/cross-origin'
import { deviceBinding } from 'fastify-sealed-session/device'
import { MemoryRegistry, sessionRegistry } from 'fastify-sealed-session/registry'
import { MemoryStore, sessionRevocation } from 'fastify-sealed-session/revocation'
import { deviceName } from '../devices/device-name.js'
import { WithoutRequests } from './journal.js'
import { attackRoutes } from './routes/attack.js'
import { deviceBindingRoutes } from './routes/device.js'
import { deviceRoutes } from './routes/devices.js'
import { keyRoutes } from './routes/keys.js'
import { sessionRoutes } from './routes/session.js'
import { stateRoutes } from './routes/state.js'
import { COOKIE, COOKIE_NAME, lifetimesOf, MAX_SESSIONS, PROOF_LASTS } from './settings.js'
import { servePages } from './web.js'

/**
 * @param {object} options
 * @param {import('fastify-sealed-session').Keyring} options.keyring
 * @param {import('./journal.js').Journal} options.journal
 * @param {import('./device-events.js').DeviceEvents} options.events
 * @param {import('./proofs.js').Proofs} options.proofs
 * @param {boolean} options.isTls over plain http no browser binds a session
 */
export async function buildApp ({ keyring, journal, events, proofs, isTls }) {
  const lifetimes = lifetimesOf(isTls)

  // At level debug the plugin says why it refuses a cookie.
  const app = Fastify({ logger: { level: 'debug', stream: journal }, logController: new WithoutRequests() })

  // `SameSite=Lax` keeps the cookie from other sites' POSTs, but every port of localhost is the same site.
  await app.register(crossOriginProtection)

  await app.register(secureSession, {
    key: keyring,
    format: 'sealed',
    cookieName: COOKIE_NAME,
    cookie: COOKIE,
    expiry: lifetimes.expiry,
    rolling: true, // reading keeps a session alive, too
    absoluteTimeout: lifetimes.absoluteTimeout,
    maxChunks: 2 // the default: a session may take two cookies
  })

  // What has ended is remembered here for as long as a copy of its cookie would open. This store is
  // one process's, and forgets at its end; an app of yours takes Redis or a database.
  await app.register(sessionRevocation, {
    store: new MemoryStore(),
    subject: session => /** @type {string | undefined} */ (session.get('name')) // whose session it is
  })

  // A line for each login, for the page 'Your devices'. It is never read to let somebody in.
  await app.register(sessionRegistry, {
    store: new MemoryRegistry(), // one process's as well
    maxSessions: MAX_SESSIONS, // the next login ends the oldest
    describe: ({ headers, ip }) => ({ device: deviceName(headers['user-agent']), ip })
  })

  // The browser makes a key that cannot leave the device, and proves again and again that it has it.
  if (isTls) await app.register(deviceBinding, { interval: PROOF_LASTS })

  servePages(app)
  sessionRoutes(app, lifetimes)
  deviceRoutes(app)
  deviceBindingRoutes(app, { events, proofs })
  attackRoutes(app)
  keyRoutes(app, keyring)
  stateRoutes(app, { keyring, journal, lifetimes })
  return app
}
