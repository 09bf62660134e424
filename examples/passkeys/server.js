// A login with a passkey, and the passkey again before something dangerous, with @simplewebauthn/server. The challenge
// waits in the session for the browser's answer, and counts once. In a clone of the repository, after `npm run build`:
//
//   node examples/passkeys/server.js
//
// Then open http://localhost:3000, since passkeys belong to a name and never to an address, and create a passkey. After
// a minute, new recovery codes ask for it again.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  generateAuthenticationOptions, generateRegistrationOptions, verifyAuthenticationResponse, verifyRegistrationResponse
} from '@simplewebauthn/server'
import Fastify from 'fastify'
import secureSession, { authenticated, Keyring, requireFresh, requireSession } from 'fastify-sealed-session'
import { crossOriginProtection } from 'fastify-sealed-session/cross-origin'
import { MemoryStore, sessionRevocation } from 'fastify-sealed-session/revocation'

/** Host of the site. A passkey works there and on its subdomains, and nowhere else. */
const RP_ID = 'localhost'
/** Seconds for which a challenge can be answered. */
const CHALLENGE_TTL = 120

// Stands for your table of passkeys, by the id of each.
/** @type {Map<string, { user: string, credential: import('@simplewebauthn/server').WebAuthnCredential }>} */
const passkeys = new Map()

/** @param {string} user */
const passkeysOf = user => [...passkeys.values()].filter(passkey => passkey.user === user)

const app = Fastify()
app.register(crossOriginProtection)
app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'passkeys-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 8 * 60 * 60, // seconds
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})
// With several processes: a store that they share, such as redisStore(client), so that a challenge counts once in all.
app.register(sessionRevocation, { store: new MemoryStore(), subject: session => session.get('user') })

/** Origin of the page that may answer a challenge. In production, the public one from your configuration. */
let origin = ''

/**
 * Keeps a challenge in the session, until the browser answers.
 * @template {{ challenge: string }} Options
 * @param {import('fastify').FastifyRequest} request
 * @param {Options} options
 * @param {string} [name] of the user who registers
 */
function ask ({ session }, options, name) {
  session.set('asked', { challenge: options.challenge, name, ends: Date.now() + CHALLENGE_TTL * 1000 })
  return options
}

/**
 * Takes the challenge out of the session. A copy of the cookie still has it, so useOnce() remembers that it was used: else
 * a thief of the cookie and of one answer could send both again.
 * @param {import('fastify').FastifyRequest} request
 */
async function takeChallenge ({ session }) {
  /** @type {{ challenge: string, name?: string, ends: number } | undefined} */
  const asked = session.get('asked')
  if (asked === undefined) throw new Error('the session has no challenge')
  session.set('asked', undefined)
  if (Date.now() >= asked.ends) throw new Error('the challenge is too old')
  if (!await app.useOnce(`passkey:${asked.challenge}`, CHALLENGE_TTL)) throw new Error('the challenge was used')
  return asked
}

/**
 * Checks a new passkey, and stores it.
 * @param {import('fastify').FastifyRequest} request
 * @returns {Promise<string>} its user
 */
async function register (request) {
  const { challenge, name } = await takeChallenge(request)
  const { verified, registrationInfo } = await verifyRegistrationResponse({
    response: /** @type {import('@simplewebauthn/server').RegistrationResponseJSON} */ (request.body),
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: RP_ID
  })
  // The name again: somebody else may have taken it meanwhile.
  if (!verified || name === undefined || passkeysOf(name).length > 0) throw new Error('not verified')
  const { credential } = registrationInfo
  if (passkeys.has(credential.id)) throw new Error('the passkey is known')
  passkeys.set(credential.id, { user: name, credential })
  return name
}

/**
 * Checks the answer of a passkey.
 * @param {import('fastify').FastifyRequest} request
 * @returns {Promise<string>} its user
 */
async function userOfPasskey (request) {
  const { challenge } = await takeChallenge(request)
  const response = /** @type {import('@simplewebauthn/server').AuthenticationResponseJSON} */ (request.body)
  const passkey = passkeys.get(response.id)
  if (passkey === undefined) throw new Error('the passkey is unknown')
  const { credential } = passkey
  const { verified, authenticationInfo } = await verifyAuthenticationResponse({
    response,
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: RP_ID,
    credential // with the counter of the last time: an authenticator that counts has been copied if it is behind
  })
  if (!verified) throw new Error('not verified')
  credential.counter = authenticationInfo.newCounter
  return passkey.user
}

/**
 * Logs a user in, in another session than the visitor's.
 * @param {import('fastify').FastifyRequest} request
 * @param {string} user
 */
function logIn ({ session }, user) {
  session.regenerate() // nothing of before is the new user's
  session.set('user', user)
  authenticated(session, 'passkey')
  return { user }
}

/**
 * Gives an answer that tells nobody but the log why a passkey was refused.
 * @param {Error} error
 * @param {import('fastify').FastifyRequest} request
 * @param {import('fastify').FastifyReply} reply
 */
function errorHandler (error, request, reply) {
  if ('statusCode' in error) throw error // of the session or its store, such as 503: not the fault of the passkey
  console.log(`refused a passkey: ${error.message}`)
  return reply.code(403).send({ error: 'The passkey was refused.' })
}

const NAME = { schema: { body: { type: 'object', required: ['name'], properties: { name: { type: 'string', pattern: '^\\w{1,40}$' } } } } }
const FIELDS = { type: 'object', required: ['id', 'response'], properties: { id: { type: 'string' }, response: { type: 'object' } } }
const ANSWER = { schema: { body: FIELDS }, errorHandler }

const loggedIn = requireSession({ keys: ['user'] })
const confirmed = requireFresh({ within: 60, method: 'passkey' })

// Limit the rate of all routes below in production: see examples/rate-limit.
app.post('/register/options', NAME, async (request, reply) => {
  const { name } = /** @type {{ name: string }} */ (request.body)
  // A second passkey of a user is for a page behind requireFresh(), or everybody could add theirs.
  if (passkeysOf(name).length > 0) return reply.code(409).send({ error: 'This name is taken.' })
  return ask(request, await generateRegistrationOptions({
    rpName: 'Passkeys',
    rpID: RP_ID,
    userName: name,
    userID: randomBytes(32),
    // Kept by the authenticator, so that a login asks for no name, and used with a PIN or a finger only.
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' }
  }), name)
})

app.post('/register', ANSWER, async request => logIn(request, await register(request)))

app.post('/login/options', async request => ask(request, await generateAuthenticationOptions({ rpID: RP_ID, userVerification: 'required' })))

app.post('/login', ANSWER, async request => logIn(request, await userOfPasskey(request)))

app.post('/confirm/options', { onRequest: loggedIn }, async request => ask(request, await generateAuthenticationOptions({
  rpID: RP_ID,
  userVerification: 'required',
  allowCredentials: passkeysOf(request.session.get('user')).map(({ credential: { id, transports = [] } }) => ({ id, transports }))
})))

app.post('/confirm', { ...ANSWER, onRequest: loggedIn }, async request => {
  // Of the user who is logged in: with any passkey, everybody could confirm with their own.
  if (await userOfPasskey(request) !== request.session.get('user')) throw new Error('the passkey of another user')
  authenticated(request.session, 'passkey')
  return { confirmed: true }
})

app.post('/recovery-codes', { onRequest: [loggedIn, confirmed] }, async () => ({ codes: [randomBytes(5).toString('hex')] }))

app.get('/me', { onRequest: loggedIn }, async ({ session }) => ({ user: session.get('user') }))

app.post('/logout', async ({ session }) => {
  session.delete()
  return { user: null }
})

const [page, script] = ['page.html', 'page.js'].map(file => readFileSync(new URL(file, import.meta.url)))
app.get('/', async (request, reply) => reply.type('text/html').header('content-security-policy', "default-src 'self'").send(page))
app.get('/page.js', async (request, reply) => reply.type('text/javascript').send(script))

const { PORT = '3000' } = process.env
const url = await app.listen({ host: '127.0.0.1', port: Number(PORT) })
origin = `http://localhost:${new URL(url).port}`
console.log(`listening at ${url}: open ${origin}`)

process.once('SIGTERM', () => app.close())
