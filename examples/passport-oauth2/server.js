// A login at an OAuth 2.0 provider with @fastify/passport and passport-oauth2. The state and the PKCE
// verifier wait in the session for the provider to send the browser back. In a clone of the
// repository, after `npm run build`, with any OpenID Connect provider where
// http://127.0.0.1:3000/callback is registered:
//
//   ISSUER=https://… CLIENT_ID=… CLIENT_SECRET=… node examples/passport-oauth2/server.js
//
// Then open http://127.0.0.1:3000/login
import formbody from '@fastify/formbody'
import { Authenticator } from '@fastify/passport'
import Fastify from 'fastify'
import secureSession, { Keyring } from 'fastify-sealed-session'
import OAuth2Strategy from 'passport-oauth2'

const { ISSUER, CLIENT_ID = '', CLIENT_SECRET = '', PORT = '3000' } = process.env

/** @param {string} url */
async function fetchJson (url, headers = {}) {
  const response = await fetch(url, { headers })
  if (!response.ok) throw new Error(`the provider answered ${response.status}`)
  return /** @type {Record<string, string>} */ (await response.json())
}

const provider = await fetchJson(`${ISSUER}/.well-known/openid-configuration`)

/** @typedef {{ id: string }} User */

const passport = new Authenticator()
// Only who the user is. The provider's tokens have done their work once that is known; if you need
// them later, keep them on the server: they are large, and a cookie lies around in a browser.
passport.registerUserSerializer(async (/** @type {User} */ { id }) => id)
passport.registerUserDeserializer(async (/** @type {string} */ id) => ({ id })) // look it up in your table

const app = Fastify()
app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'passport-oauth2-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 30 * 60, // seconds; also the time that a user has to log in at the provider
  // Not 'strict': the provider sends the browser back from another site, and the state has to come along.
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})
app.register(formbody)
app.register(passport.initialize())
app.register(passport.secureSession())

app.get('/login', { preValidation: passport.authenticate('oauth2') }, () => {}) // redirects to the provider

app.get('/callback', {
  preValidation: passport.authenticate('oauth2', { successRedirect: '/', authInfo: false })
}, () => {})

app.get('/', async (request, reply) => {
  reply.header('cache-control', 'no-store')
  if (!request.isAuthenticated()) return reply.code(401).send('Nobody is logged in.')
  return `Hello ${/** @type {User} */ (request.user).id}`
})

app.post('/logout', async (request, reply) => {
  await request.logOut() // leaves an empty session
  request.session.delete() // has the browser drop the cookie, too
  return reply.redirect('/', 303)
})

/**
 * Asks the provider who has logged in.
 * @param {string} accessToken
 * @param {string} _refreshToken
 * @param {unknown} _profile which the strategy leaves empty
 * @param {OAuth2Strategy.VerifyCallback} done
 */
function findUser (accessToken, _refreshToken, _profile, done) {
  fetchJson(provider.userinfo_endpoint ?? '', { authorization: `Bearer ${accessToken}` })
    .then(({ sub }) => done(null, { id: sub }), done)
}

const url = await app.listen({ host: '127.0.0.1', port: Number(PORT) })

passport.use(new OAuth2Strategy({
  authorizationURL: provider.authorization_endpoint ?? '',
  tokenURL: provider.token_endpoint ?? '',
  clientID: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  // A whole URL: the strategy cannot make one out of a path and a request of Fastify's. In
  // production it is the public one, from your configuration.
  callbackURL: `${url}/callback`,
  scope: 'openid',
  state: true,
  pkce: true
}, findUser))

console.log(`listening at ${url}`)

process.once('SIGTERM', () => app.close())
