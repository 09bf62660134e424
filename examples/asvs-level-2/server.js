// A setup for OWASP ASVS 5.0, level 2. The numbers are its items: README.md has all of them. In a clone of the repository,
// after `npm run build`, with a Redis: REDIS_URL=redis://127.0.0.1:6379 node examples/asvs-level-2/server.js
// Then open http://localhost:3000 in Chrome or Firefox, and log in as "ada" with the password "analytical engine".
import { subscribe } from 'node:diagnostics_channel'
import Fastify from 'fastify'
import { authenticated, Keyring, requireFresh, requireSession, sealedSession, sessionInfo } from 'fastify-sealed-session'
import { crossOriginProtection } from 'fastify-sealed-session/cross-origin'
import { redisRegistry, sessionRegistry } from 'fastify-sealed-session/registry'
import { redisStore, sessionRevocation } from 'fastify-sealed-session/revocation'
import { hashOf, isAdmin, isRight, redis, setPassword } from './database.js'
import { accountPage, addForms, confirmPage, describe, fieldsOf, form, loginPage, messagePage, refuse, sendPage } from './pages.js'

const app = Fastify({ logger: true, requestTimeout: 60_000, trustProxy: 'loopback' }) // addresses of your proxy, which has TLS
addForms(app)
app.register(crossOriginProtection) // 3.5.1, 7.6.2
app.register(sealedSession, {
  key: Keyring.fromEnv('SESSION_KEYS'), // from your vault: 13.3.1
  cookieName: '__Host-session', // 3.3.1, 3.3.3
  cookie: { secure: true }, // 3.3.1, on every machine; SameSite=Lax and HttpOnly are the defaults: 3.3.2, 3.3.4
  expiry: 60 * 60, // 7.3.1: it ends 30 to 60 minutes after the last request, since `rolling` is on
  absoluteTimeout: 12 * 60 * 60 // 7.3.2: a login a day
})
app.register(sessionRevocation, { store: redisStore(redis, { prefix: 'app:' }), subject: session => session.get('user') })
app.register(sessionRegistry, { store: redisRegistry(redis, { prefix: 'app:registry:' }), maxSessions: 5, describe }) // 7.1.2
subscribe('fastify-sealed-session:lifecycle', message => app.log.info(message, 'session')) // 16.3.1

const user = { preHandler: requireSession({ keys: ['user'], redirect: '/login' }) } // after the body: it may end while that comes
const sure = { preHandler: [user.preHandler, requireFresh({ within: 5 * 60, method: 'password', redirect: '/confirm' })] } // 7.5.1, 7.5.3

app.get('/login', async ({ session }, reply) => sendPage(reply, loginPage(sessionInfo(session).reason)))
app.post('/login', form('name', 'password'), async (request, reply) => {
  const { name, password } = fieldsOf(request)
  if (!await isRight(name, password)) return refuse(request, reply, loginPage('wrong'))
  request.session.regenerate() // nothing of before is the new user's: 7.2.4
  request.session.set('user', name)
  authenticated(request.session, 'password')
  return reply.redirect('/', 303)
})
app.get('/confirm', user, async (request, reply) => sendPage(reply, confirmPage()))
app.post('/confirm', { ...form('password'), ...user }, async (request, reply) => {
  if (!await isRight(request.session.get('user'), fieldsOf(request).password)) return refuse(request, reply, confirmPage('Wrong password.'))
  authenticated(request.session, 'password') // a new token: 7.2.4
  return reply.redirect('/', 303)
})
app.post('/logout', async ({ session }, reply) => { // 7.4.1
  session.delete()
  return reply.redirect('/login', 303)
})

app.get('/', user, async ({ session }, reply) => { // 7.5.2
  const name = session.get('user')
  return sendPage(reply, accountPage(name, await app.listSessions(name, { current: session }), isAdmin(name)))
})
app.post('/end', { ...form('id'), ...sure }, async (request, reply) => { // 7.5.2
  const { id } = fieldsOf(request)
  const own = await app.listSessions(request.session.get('user')) // an id may be anybody's
  if (own.some(session => session.id === id)) await app.revokeSessionId(id)
  return reply.redirect('/', 303)
})
app.post('/end-others', sure, async ({ session }, reply) => { // 7.4.3
  await app.revokeOtherSessions(session)
  return reply.redirect('/', 303)
})
app.post('/password', { ...form('next'), ...sure }, async (request, reply) => { // 7.4.3, 7.5.1
  const hash = await hashOf(fieldsOf(request).next) // takes a while
  setPassword(request.session.get('user'), hash) // of nobody, if the session was ended meanwhile
  await app.revokeOtherSessions(request.session)
  return reply.redirect('/', 303)
})
app.post('/admin/end', { ...form('name'), ...sure }, async (request, reply) => { // 7.4.2, 7.4.5
  const { name } = fieldsOf(request)
  if (!isAdmin(request.session.get('user'))) return refuse(request, reply, messagePage('This is for administrators.'), 403)
  await (name === '' ? app.revokeAll() : app.revokeSubject(name))
  return reply.redirect('/', 303)
})
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
process.once('SIGTERM', () => app.close().then(() => redis.destroy()))
