// A WebSocket that knows the session, with @fastify/websocket. (examples/websocket does the same
// with `ws` alone.) In a clone of the repository, after `npm run build`:
//
//   node examples/fastify-websocket/server.js
//   curl -i -H 'content-type: application/json' -d '{"name":"Ada"}' http://127.0.0.1:3000/login
//   npx wscat -o http://127.0.0.1:3000 -H 'cookie: fastify-websocket-example=…' -c ws://127.0.0.1:3000/greeting
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import secureSession, { Keyring, sessionSignal } from 'fastify-sealed-session'

const app = Fastify({ logger: { level: 'warn' } })

app.register(websocket, { options: { maxPayload: 1024 } })
app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'fastify-websocket-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 15 * 60, // seconds
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})

/**
 * Browsers let any site open a WebSocket to any other, without CORS. `SameSite=Lax` leaves the cookie
 * out between sites, but not for a page on a subdomain or on another port: only its Origin tells it from
 * one of this app. Behind a proxy that changes Host, compare with the app's own origin.
 * @param {import('fastify').FastifyRequest} request
 * @param {import('fastify').FastifyReply} reply
 */
async function ownPagesOnly ({ headers: { origin = '', host } }, reply) {
  if (!URL.canParse(origin) || new URL(origin).host !== host) return reply.code(403).send()
}

/**
 * @param {import('fastify').FastifyRequest} request
 * @param {import('fastify').FastifyReply} reply
 */
async function usersOnly ({ session }, reply) {
  if (session.get('name') === undefined) return reply.code(401).send()
}

// Routes are added once the plugins are there: @fastify/websocket has to see them.
app.register(async app => {
  // Hooks run before the upgrade, so what they refuse is answered over HTTP, as any request is.
  app.get('/greeting', { websocket: true, onRequest: [ownPagesOnly, usersOnly] }, (socket, { session }) => {
    // From here on the session is there to be read. The response was the upgrade, which no cookie can
    // join: what is written now is lost, and warned about.
    socket.send(`Hello ${session.get('name')}`)

    // It was opened once, so the connection would outlive it. With sessionRevocation, a logout in another tab
    // closes it as well.
    sessionSignal(session).addEventListener('abort', () => socket.close(1008, 'session ended'))
  })
})

const LOGIN = { body: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1, maxLength: 40 } } } }

app.post('/login', { schema: LOGIN }, async (request, reply) => {
  const { name } = /** @type {{ name: string }} */ (request.body) // whoever your password check says it is
  request.session.regenerate()
  request.session.set('name', name)
  reply.code(204)
})

process.once('SIGTERM', () => app.close())

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)
