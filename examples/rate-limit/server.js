// Limits for each user with @fastify/rate-limit: of whoever is logged in, wherever they come from, and
// for all others of their address. In a clone of the repository, after `npm run build`:
//
//   node examples/rate-limit/server.js
//   curl -i -H 'content-type: application/json' -d '{"name":"Ada"}' http://127.0.0.1:3000/login
//   curl -i -H 'cookie: rate-limit-example=…' http://127.0.0.1:3000/profile
import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import Fastify from 'fastify'
import secureSession, { Keyring } from 'fastify-sealed-session'

const app = Fastify() // behind a proxy set `trustProxy`, or all users have the proxy's address

app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'rate-limit-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 15 * 60, // seconds
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})

/**
 * Only what the server itself has sealed: the cookie as it was sent would be another key with each
 * character that somebody changes in it, and so no limit at all.
 * @param {import('fastify').FastifyRequest} request
 */
function userOrAddress (request) {
  const name = request.session.get('name')
  return name === undefined ? address(request) : `user ${name}`
}

/**
 * Of an IPv6 address the network, as the plugin does it by default: a customer has a whole one.
 * @param {import('fastify').FastifyRequest} request
 */
function address ({ ip }) {
  return `address ${normalizeIP(ip)}`
}

// Awaited, since it limits only routes that are added after it.
await app.register(rateLimit, { max: 10, timeWindow: '1 minute', keyGenerator: userOrAddress })

app.get('/profile', async ({ session }, reply) => {
  reply.header('cache-control', 'no-store') // by itself it is on what sets the cookie only
  const name = session.get('name')
  if (name === undefined) reply.code(401)
  return { name }
})

const LOGIN = { body: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1, maxLength: 40 } } } }

// Of a login only the address counts: whoever guesses passwords may well be logged in as somebody.
// This refuses before anything is opened.
app.post('/login', { schema: LOGIN, config: { rateLimit: { max: 5, keyGenerator: address } } }, async (request, reply) => {
  const { name } = /** @type {{ name: string }} */ (request.body) // whoever your password check says it is
  request.session.regenerate()
  request.session.set('name', name)
  reply.code(204)
})

process.once('SIGTERM', () => app.close())

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)
