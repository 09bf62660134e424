// An API whose session is used by pages of other origins, with @fastify/cors. In a clone of the
// repository, after `npm run build`:
//
//   PAGE_ORIGIN=http://127.0.0.1:8080 node examples/cors/server.js
//   then, in the console of a page at http://127.0.0.1:8080:
//   await fetch('http://127.0.0.1:3000/login', { method: 'POST', credentials: 'include',
//     headers: { 'content-type': 'application/json' }, body: '{"name":"Ada"}' })
//   await (await fetch('http://127.0.0.1:3000/profile', { credentials: 'include' })).json()
import cors from '@fastify/cors'
import Fastify from 'fastify'
import secureSession, { Keyring } from 'fastify-sealed-session'

// By name: with `origin: true`, any site could read what this API says to its users.
const ORIGINS = [process.env.PAGE_ORIGIN ?? 'http://127.0.0.1:8080']

const app = Fastify()

// Answers preflights, which carry no cookie: the session is not touched.
app.register(cors, { origin: ORIGINS, credentials: true, methods: ['GET', 'HEAD', 'POST'] })

// CORS keeps other pages from reading answers, not from sending: without this, a page on a subdomain
// or on another port could have a user do things. Browsers send Origin with each POST.
app.addHook('onRequest', async ({ method, headers: { origin } }, reply) => {
  const isAllowed = origin === undefined || ORIGINS.includes(origin)
  if (!isAllowed && !['GET', 'HEAD', 'OPTIONS'].includes(method)) return reply.code(403).send()
})

app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'cors-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 15 * 60, // seconds
  // Lax is enough where pages and API are one site: app.example.com and api.example.com, or two ports
  // of one host. Between sites it takes { sameSite: 'none', secure: true }, and many browsers still
  // block it as a third-party cookie.
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})

app.get('/profile', async ({ session }, reply) => {
  reply.header('cache-control', 'no-store') // by itself it is on what sets the cookie only
  const name = session.get('name')
  if (name === undefined) reply.code(401)
  return { name }
})

const LOGIN = { body: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1, maxLength: 40 } } } }

app.post('/login', { schema: LOGIN }, async (request, reply) => {
  const { name } = /** @type {{ name: string }} */ (request.body) // whoever your password check says it is
  request.session.regenerate()
  request.session.set('name', name)
  reply.code(204)
})

app.post('/logout', async (request, reply) => {
  request.session.delete()
  reply.code(204)
})

process.once('SIGTERM', () => app.close())

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)
