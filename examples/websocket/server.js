// A Fastify app whose users log in with a session cookie, and a WebSocket server beside it that lets
// in whoever has such a cookie. In a clone of the repository, after `npm run build`:
//
//   node examples/websocket/server.js
//   curl -i -H 'content-type: application/json' -d '{"name":"Ada"}' http://127.0.0.1:3000/login
//   npx wscat -o http://127.0.0.1:3000 -H 'cookie: websocket-example=…' -c ws://127.0.0.1:3000
import Fastify from 'fastify'
import secureSession, { createSessionCodec, Keyring } from 'fastify-sealed-session'
import { WebSocketServer } from 'ws'

const COOKIE_NAME = 'websocket-example' // with `secure: true` better '__Host-session', which nobody can plant

/**
 * The same for the app and for the codec: so one opens what the other seals.
 * @satisfies {import('fastify-sealed-session').SecureSessionPluginOptions}
 */
const options = {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: /** @type {const} */ ('sealed'),
  cookieName: COOKIE_NAME,
  expiry: 15 * 60, // seconds
  cookie: { path: '/', sameSite: /** @type {const} */ ('lax'), secure: /** @type {const} */ ('auto') }
}

const app = Fastify()
app.register(secureSession, options)

const LOGIN = { body: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1, maxLength: 40 } } } }

app.post('/login', { schema: LOGIN }, async (request, reply) => {
  const { name } = /** @type {{ name: string }} */ (request.body) // whoever your password check says it is
  request.session.regenerate()
  request.session.set('name', name)
  reply.code(204)
})

app.post('/logout', async (request, reply) => {
  request.session.delete() // open connections stay: close those of the user here, if you know them
  reply.code(204)
})

/** @type {import('fastify-sealed-session').SessionCodec<{ name?: string }>} */
const codec = await createSessionCodec(options)
const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024 })

app.server.on('upgrade', (request, socket, head) => {
  // Until ws takes over, nobody else listens, and an error that nobody hears ends the process.
  const giveUp = () => socket.destroy()
  socket.on('error', giveUp)
  if (!comesFromOwnPage(request)) return refuse(socket, '403 Forbidden')
  const user = userOf(request)
  if (user === null) return refuse(socket, '401 Unauthorized')
  socket.off('error', giveUp)
  sockets.handleUpgrade(request, socket, head, client => greet(client, user))
})

/**
 * Browsers let any site open a WebSocket to any other, without CORS, and `SameSite=Lax` leaves the
 * cookie out only between sites: a page on a subdomain, or on another port of localhost, could use
 * the connection as the user (cross-site WebSocket hijacking). Only the Origin header tells such a
 * page from one of this app. Behind a proxy that changes Host, compare with the app's own origin.
 * @param {import('node:http').IncomingMessage} request
 */
function comesFromOwnPage ({ headers: { origin = '', host } }) {
  return URL.canParse(origin) && new URL(origin).host === host
}

/**
 * Who has sent the session's cookie, or null.
 * @param {import('node:http').IncomingMessage} request
 */
function userOf ({ headers }) {
  const opened = codec.openCookies(headers.cookie)
  if (opened === null) return null
  if (!opened.ok) {
    // The log may say why; what a client hears would help whoever tries out tokens.
    console.log(`refused an upgrade: ${opened.reason}`)
    return null
  }
  // A session that opens is not one that is logged in: one may begin before the login.
  const { data: { name }, expiresAt } = opened
  return name === undefined ? null : { name, expiresAt }
}

/**
 * @param {import('node:stream').Duplex} socket
 * @param {string} status
 */
function refuse (socket, status) {
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

/**
 * @param {import('ws').WebSocket} client
 * @param {{ name: string, expiresAt: Date }} user
 */
function greet (client, { name, expiresAt }) {
  client.on('error', error => console.log(`a connection failed: ${error.message}`))
  client.send(`Hello ${name}`)
  // The cookie is looked at once, so a connection would outlive the session that it was opened with.
  const timer = setTimeout(() => client.close(1008, 'session expired'), expiresAt.getTime() - Date.now())
  client.on('close', () => clearTimeout(timer))
}

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)

process.once('SIGTERM', async () => {
  for (const client of sockets.clients) client.close(1001, 'going away')
  await app.close()
})
