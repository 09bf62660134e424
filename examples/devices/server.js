// The page 'Your devices': a user sees all sessions, ends one of them or all others, after giving the password again. In
// a clone of the repository, after `npm run build`:
//
//   node examples/devices/server.js
//
// Then open http://127.0.0.1:3000 in two browsers, and log in as "ada" with the password "analytical engine".
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import secureSession, { authenticated, Keyring, requireFresh, requireSession, sessionInfo, sessionSignal } from 'fastify-sealed-session'
import { crossOriginProtection } from 'fastify-sealed-session/cross-origin'
import { MemoryRegistry, sessionRegistry } from 'fastify-sealed-session/registry'
import { MemoryStore, sessionRevocation } from 'fastify-sealed-session/revocation'
import { deviceName } from './device-name.js'
import { confirmPage, devicesPage, loginPage, messagePage, sendPage, WATCH } from './pages.js'

/** @type {(password: string, salt: Buffer, length: number) => Promise<any>} */
const slowHash = promisify(scrypt)

/** @param {string} password */
async function hashOf (password, salt = randomBytes(16)) {
  return { salt, hash: await slowHash(password, salt, 32) }
}

// Stands for your table of users. It has a slow, salted hash in the place of each password.
const users = new Map([['ada', await hashOf('analytical engine')], ['grace', await hashOf('a nanosecond of wire')]])
const NOBODY = { salt: randomBytes(16), hash: randomBytes(32) } // takes as long to refuse as a wrong password

/**
 * @param {string} name
 * @param {string} password
 */
async function isRight (name, password) {
  const { salt, hash } = users.get(name) ?? NOBODY
  return timingSafeEqual((await hashOf(password, salt)).hash, hash)
}

const app = Fastify({ forceCloseConnections: true }) // pages keep a stream of events open
app.register(crossOriginProtection)
await app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'devices-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 30 * 60, // seconds without a request
  rolling: true,
  absoluteTimeout: 12 * 60 * 60,
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})
// Both stores are of one process. With several, take Redis or PostgreSQL.
app.register(sessionRevocation, { store: new MemoryStore(), subject: session => session.get('user') })
app.register(sessionRegistry, {
  store: new MemoryRegistry(),
  maxSessions: 5, // the next login ends the oldest
  describe: ({ headers, ip }) => ({ device: deviceName(headers['user-agent']), ip })
})
app.register(formbody)

const loggedIn = requireSession({ keys: ['user'], redirect: '/login' })
const confirmed = requireFresh({ within: 5 * 60, method: 'password', redirect: '/confirm' })

/** @param {string[]} required */
function form (...required) {
  const text = { type: 'string', maxLength: 100 }
  return { schema: { body: { type: 'object', required, properties: Object.fromEntries(required.map(name => [name, text])) } } }
}

app.get('/login', async ({ session }, reply) => sendPage(reply, loginPage({ reason: sessionInfo(session).reason })))

// Limit the rate of the forms with a password in production: see examples/rate-limit.
app.post('/login', form('name', 'password'), async ({ session, body }, reply) => {
  const { name, password } = /** @type {Record<string, string>} */ (body)
  if (!await isRight(name, password)) return sendPage(reply.code(401), loginPage({ name }))
  session.regenerate() // nothing of before is the new user's
  session.set('user', name)
  authenticated(session, 'password')
  return reply.redirect('/', 303)
})

app.get('/', { onRequest: loggedIn }, async ({ session }, reply) => {
  const user = session.get('user')
  return sendPage(reply, devicesPage({ user, sessions: await app.listSessions(user, { current: session }) }))
})

app.post('/end', { ...form('id'), onRequest: [loggedIn, confirmed] }, async ({ session, body }, reply) => {
  const { id } = /** @type {Record<string, string>} */ (body)
  // An id may be anybody's: end only what is in the user's own list. If it is not there, it may have ended already.
  const sessions = await app.listSessions(session.get('user'))
  if (sessions.some(session => session.id === id)) await app.revokeSessionId(id)
  return reply.redirect('/', 303)
})

app.post('/end-others', { onRequest: [loggedIn, confirmed] }, async ({ session }, reply) => {
  await app.revokeOtherSessions(session)
  return reply.redirect('/', 303)
})

app.post('/password', { ...form('password', 'next'), onRequest: loggedIn }, async ({ session, body }, reply) => {
  const { password, next } = /** @type {Record<string, string>} */ (body)
  const user = session.get('user')
  const [wasRight, hashed] = [await isRight(user, password), await hashOf(next)]
  if (!wasRight) return sendPage(reply.code(401), messagePage('Wrong password. Nothing was changed.'))
  // To hash takes a while. A thief whose session was ended meanwhile must not change the password any more.
  if (session.get('user') !== user) return reply.redirect('/login', 303)
  users.set(user, hashed) // save it first: a login that is under way has compared the old one
  await app.revokeOtherSessions(session)
  return reply.redirect('/', 303)
})

app.get('/confirm', { onRequest: loggedIn }, async (request, reply) => sendPage(reply, confirmPage()))

app.post('/confirm', { ...form('password'), onRequest: loggedIn }, async ({ session, body }, reply) => {
  const { password } = /** @type {Record<string, string>} */ (body)
  // Of the user who is logged in: a name out of the form would let everybody confirm with a password of their own.
  if (!await isRight(session.get('user'), password)) return sendPage(reply.code(401), confirmPage('Wrong password.'))
  authenticated(session, 'password')
  return reply.redirect('/', 303)
})

app.post('/logout', async ({ session }, reply) => {
  session.delete()
  return reply.redirect('/login', 303)
})

// A stream that says nothing and breaks off when the session ends. The page comes back, and learns by 401 that it is over.
// A hijacked response sends no cookie, so a page that is left open does not extend the session.
app.get('/alive', { onRequest: requireSession({ keys: ['user'] }) }, (request, reply) => {
  const signal = sessionSignal(request.session)
  reply.hijack()
  reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).write('retry: 1000\n\n')
  if (signal.aborted) reply.raw.end()
  signal.addEventListener('abort', () => reply.raw.end())
})

app.get('/watch.js', async (request, reply) => reply.type('text/javascript').send(WATCH))

app.setErrorHandler(async (error, request, reply) => {
  const { statusCode = 500 } = /** @type {import('fastify').FastifyError} */ (error)
  if (statusCode === 409) return reply.redirect('/login', 303) // the session was ended elsewhere during this request
  if (statusCode >= 500) console.error(error)
  return sendPage(reply.code(statusCode), messagePage('That did not work.'))
})

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)

process.once('SIGTERM', () => app.close())
