// A login at an OpenID Connect provider, and a logout there that ends the session here: OpenID Connect Back-Channel
// Logout 1.0. The provider sends a signed token, from server to server, and the browser takes no part. In a clone of the
// repository, after `npm run build`, with a provider where these are registered: http://127.0.0.1:3000/callback, and
// http://127.0.0.1:3000/backchannel-logout as `backchannel_logout_uri`, with `backchannel_logout_session_required`:
//
//   ISSUER=https://… CLIENT_ID=… CLIENT_SECRET=… node examples/oidc-logout/server.js
//
// Then open http://127.0.0.1:3000/login
import { randomBytes } from 'node:crypto'
import formbody from '@fastify/formbody'
import oauth2 from '@fastify/oauth2'
import Fastify from 'fastify'
import secureSession, { Keyring } from 'fastify-sealed-session'
import { crossOriginProtection } from 'fastify-sealed-session/cross-origin'
import { MemoryStore, sessionRevocation } from 'fastify-sealed-session/revocation'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { ISSUER = '', CLIENT_ID = '', CLIENT_SECRET = '', PORT = '3000' } = process.env

const response = await fetch(`${ISSUER}/.well-known/openid-configuration`)
const provider = /** @type {{ jwks_uri: string, end_session_endpoint: string }} */ (await response.json())
/** Keys of the provider, fetched when they are needed, and again when it has new ones. */
const keys = createRemoteJWKSet(new URL(provider.jwks_uri))
/** Checks of each token of the provider. The algorithm is the one that your client is registered with. */
const CHECKS = { issuer: ISSUER, audience: CLIENT_ID, algorithms: ['RS256'], clockTolerance: 30 } // seconds

/** Seconds after which users authenticate at the provider again, whatever their session here says: ASVS 7.6.1. */
const MAX_AGE = Number(process.env.MAX_AGE ?? 8 * 60 * 60)

/**
 * True for a login at the provider that is young enough. @param time claim `auth_time`, in seconds since 1970
 * @param {unknown} time
 */
const isRecent = time => typeof time === 'number' && Date.now() < (time + MAX_AGE) * 1000

const app = Fastify()
app.register(crossOriginProtection) // lets the provider through: a server sends no Origin
// Before @fastify/oauth2, which otherwise registers @fastify/cookie, without a secret.
app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'oidc-logout-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 8 * 60 * 60, // seconds
  // Not 'strict': the provider sends the browser back from another site, and the state has to come along.
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})
const store = new MemoryStore() // a restart forgets. For production: redisStore(client)
app.register(sessionRevocation, {
  store,
  // The user, and the session at the provider: the logout there ends either one session or all.
  subject (session) {
    const [user, sid] = [session.get('user'), session.get('sid')]
    if (user === undefined) return []
    return sid === undefined ? [`user:${user}`] : [`user:${user}`, `sid:${sid}`]
  }
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
  callbackUriParams: { max_age: MAX_AGE }, // the provider asks for the password again if its own session is older
  pkce: 'S256',
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' },
  // The state in the session: see examples/oauth2.
  generateStateFunction ({ session }) {
    const state = randomBytes(16).toString('base64url')
    session.set('state', state)
    return state
  },
  checkStateFunction (request) {
    const { state } = /** @type {{ state?: string }} */ (request.query)
    const expected = request.session.get('state')
    request.session.set('state', undefined)
    return expected !== undefined && state === expected
  }
})

app.get('/callback', async (request, reply) => {
  /** @type {import('@fastify/oauth2').OAuth2Namespace} */
  const { getAccessTokenFromAuthorizationCodeFlow } = app.getDecorator('provider')
  let claims
  try {
    const { token } = await getAccessTokenFromAuthorizationCodeFlow(request, reply)
    claims = (await jwtVerify(token.id_token ?? '', keys, { ...CHECKS, requiredClaims: ['sub'] })).payload
    // A provider may ignore `max_age`.
    if (!isRecent(claims.auth_time)) throw new Error('the user has authenticated too long ago')
  } catch (error) {
    console.log(`refused a login: ${/** @type {Error} */ (error).message}`)
    return reply.code(403).send('The login failed.')
  }
  request.session.regenerate()
  request.session.set('user', claims.sub)
  request.session.set('authTime', claims.auth_time)
  request.session.set('sid', claims.sid) // a provider that names no session has none
  return reply.redirect('/')
})

app.get('/', async ({ session }, reply) => {
  reply.header('cache-control', 'no-store')
  // On all your routes: the login at the provider counts, and no write or renewal of the session moves it.
  const user = isRecent(session.get('authTime')) ? session.get('user') : undefined
  if (user === undefined) return reply.code(401).send('Nobody is logged in.')
  return `Hello ${user}`
})

// Ends the session here, and sends the user to the provider to end the one there.
app.post('/logout', async ({ session }, reply) => {
  session.delete()
  return reply.redirect(`${provider.end_session_endpoint}?${new URLSearchParams({ client_id: CLIENT_ID })}`, 303)
})

const LOGOUT = 'http://schemas.openid.net/event/backchannel-logout'
/** Seconds after which a logout token is too old. */
const TOKEN_AGE = 120
/** Seconds for which a token is being handled: longer than it takes, also while the store hangs. */
const HANDLING = 5

/** @param {unknown} value */
const isText = value => typeof value === 'string' && value !== ''

/**
 * Checks a logout token as section 2.6 of the specification says. @returns its id, and the subject whose sessions end
 * @param {string} token
 */
async function check (token) {
  const { payload } = await jwtVerify(token, keys, {
    ...CHECKS,
    // An ID token has another type: it is no logout, although the same key has signed it.
    typ: 'logout+jwt',
    maxTokenAge: TOKEN_AGE,
    requiredClaims: ['exp', 'jti'] // section 2.4
  })
  const { events, jti, sid, sub } = payload
  const event = /** @type {Record<string, unknown> | undefined} */ (events)?.[LOGOUT]
  if (typeof event !== 'object' || event === null) throw new Error('the token is about no logout')
  // A logout token with a nonce could pass for an ID token.
  if ('nonce' in payload) throw new Error('the token has a nonce')
  if (!isText(jti)) throw new Error('the token has no id')
  if (!isText(sid) && !isText(sub)) throw new Error('the token names nobody')
  return { jti, subject: isText(sid) ? `sid:${sid}` : `user:${sub}` }
}

/**
 * Ends the sessions that a token is about, once. A token that was sent again would end what the user has begun since.
 * @param {string} token
 */
async function logOut (token) {
  const { jti, subject } = await check(token)
  const handled = `logout-token:${jti}`
  // `useOnce` is for a token that comes twice at the same moment.
  if (!await app.useOnce(handled, HANDLING) || await store.get(handled) !== undefined) throw new Error('the token was used')
  await app.revokeSubject(subject)
  // Noted after it, not before. If the sessions could not be ended, the provider's second try must work: section 2.5.
  await store.set(handled, '1', 2 * TOKEN_AGE * 1000) // milliseconds, for longer than the token could be taken
}

const TOKEN = { type: 'object', required: ['logout_token'], properties: { logout_token: { type: 'string' } } }

// Limit the rate in production: see examples/rate-limit.
app.post('/backchannel-logout', {
  schema: { body: TOKEN },
  onRequest: async (request, reply) => { reply.header('cache-control', 'no-store') },
  // 400 for all that fails, also for a store that does: so the specification says, section 2.8.
  errorHandler (error, request, reply) {
    console.log(`refused a logout: ${error.message}`)
    reply.code(400).send({ error: 'invalid_request' })
  }
}, async (request, reply) => {
  const { logout_token: token } = /** @type {{ logout_token: string }} */ (request.body)
  await logOut(token)
  return reply.code(200).send()
})

url = await app.listen({ host: '127.0.0.1', port: Number(PORT) })
console.log(`listening at ${url}`)

process.once('SIGTERM', () => app.close())
