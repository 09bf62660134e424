// A login at an OAuth 2.0 provider with @fastify/oauth2 and PKCE. The state waits in the session for
// the provider to send the browser back. In a clone of the repository, after `npm run build`, with
// any OpenID Connect provider where http://127.0.0.1:3000/callback is registered:
//
//   ISSUER=https://… CLIENT_ID=… CLIENT_SECRET=… node examples/oauth2/server.js
//
// Then open http://127.0.0.1:3000/login
import { randomBytes } from 'node:crypto'
import formbody from '@fastify/formbody'
import oauth2 from '@fastify/oauth2'
import Fastify from 'fastify'
import secureSession, { Keyring } from 'fastify-sealed-session'

const { ISSUER = '', CLIENT_ID = '', CLIENT_SECRET = '', PORT = '3000' } = process.env

const app = Fastify()
// Before @fastify/oauth2, which otherwise registers @fastify/cookie, without a secret.
app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'oauth2-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 30 * 60, // seconds; also the time that a user has to log in at the provider
  // Not 'strict': the provider sends the browser back from another site, and the state has to come along.
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})
app.register(formbody)

/** Where it listens. In production, the public URL from your configuration. */
let url = ''

app.register(oauth2, {
  name: 'provider',
  scope: ['openid'],
  credentials: { client: { id: CLIENT_ID, secret: CLIENT_SECRET } },
  discovery: { issuer: ISSUER },
  startRedirectPath: '/login',
  callbackUri: () => `${url}/callback`,
  // The verifier is in a cookie of the plugin's own, readable for whoever has the browser: the plugin
  // has no option for another place. With TLS set hostPrefixedCookies, so that nobody can plant it.
  pkce: 'S256',
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' },
  // Without these two, the state is only compared with another cookie, which can be planted with it.
  generateStateFunction ({ session }) {
    const state = randomBytes(16).toString('base64url')
    session.set('state', state)
    return state
  },
  checkStateFunction (request) {
    const { state } = /** @type {{ state?: string }} */ (request.query)
    const expected = request.session.get('state')
    request.session.set('state', undefined) // used up, whether it is right or not
    return expected !== undefined && state === expected
  }
})

app.get('/callback', async (request, reply) => {
  /** @type {import('@fastify/oauth2').OAuth2Namespace} */
  const provider = app.getDecorator('provider')
  let sub
  try {
    const { token } = await provider.getAccessTokenFromAuthorizationCodeFlow(request, reply)
    ;({ sub } = /** @type {{ sub: string }} */ (await provider.userinfo(token)))
  } catch (error) {
    // A state or a verifier that is wrong, or a provider that says no. The log may say why.
    console.log(`refused a login: ${/** @type {Error} */ (error).message}`)
    return reply.code(403).send('The login failed.')
  }
  // Another session from here on. The provider's tokens have done their work: if you need them
  // later, keep them on the server.
  request.session.regenerate()
  request.session.set('userId', sub)
  return reply.redirect('/')
})

app.get('/', async ({ session }, reply) => {
  reply.header('cache-control', 'no-store')
  const userId = session.get('userId')
  if (userId === undefined) return reply.code(401).send('Nobody is logged in.')
  return `Hello ${userId}`
})

app.post('/logout', async ({ session }, reply) => {
  session.delete()
  return reply.redirect('/', 303)
})

url = await app.listen({ host: '127.0.0.1', port: Number(PORT) })
console.log(`listening at ${url}`)

process.once('SIGTERM', () => app.close())
