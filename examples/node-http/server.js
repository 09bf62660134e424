// Sessions without Fastify: a server of node:http that seals and opens its cookie itself. In a clone
// of the repository, after `npm run build`:
//
//   node examples/node-http/server.js
//   curl -i -H 'content-type: application/json' -d '{"name":"Ada"}' http://127.0.0.1:3000/login
//   curl -i -H 'cookie: node-http-example=…' http://127.0.0.1:3000/profile
import { createServer } from 'node:http'
import { stringifySetCookie } from 'cookie'
import { createSessionCodec, Keyring } from 'fastify-sealed-session'

const EXPIRY = 15 * 60 // seconds
const MAX_BODY = 1024

// Browsers take a `__Host-` cookie only over TLS, with Secure, Path=/ and no Domain. So no subdomain
// and nobody on the network can plant one of their own, which would log the user in as them. Over
// http://localhost not every browser takes it: hence the other name.
const isProduction = process.env.NODE_ENV === 'production'
const COOKIE_NAME = isProduction ? '__Host-session' : 'node-http-example'

/** @type {import('fastify-sealed-session').SessionCodec<{ name?: string }>} */
const codec = await createSessionCodec({
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: COOKIE_NAME, // what a token is bound to
  expiry: EXPIRY
})

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {{ status: number, body?: object, cookie?: string }} Answer
 */

/** @type {Record<string, (request: Request) => Answer | Promise<Answer>>} */
const routes = {
  'POST /login': async request => {
    const name = await readName(request) // whoever your password check says it is
    if (name === null) return { status: 400 }
    // Sealed anew, with nothing of what the session held before the login.
    return { status: 204, cookie: cookieLine(codec.seal({ name }), EXPIRY) }
  },

  'GET /profile': request => {
    const opened = codec.openCookies(request.headers.cookie)
    if (opened === null) return { status: 401 }
    if (!opened.ok) {
      // The log may say why; what a client hears would help whoever tries out tokens.
      console.log(`refused a session: ${opened.reason}`)
      return { status: 401 }
    }
    const { data: { name }, expiresAt } = opened
    // A session that opens is not one that is logged in.
    return name === undefined ? { status: 401 } : { status: 200, body: { name, expiresAt } }
  },

  // A copy of the cookie stays valid until it expires: this only has the browser drop it. A form on
  // another site could do so, too: where that matters, compare Origin with your own.
  'POST /logout': () => ({ status: 204, cookie: cookieLine('', 0) })
}

/**
 * Set and dropped with the same attributes, or a browser takes it for another cookie. Lax keeps it
 * out of the POST requests of other sites.
 * @param {string} value
 * @param {number} maxAge seconds; the token's own expiry is what protects
 */
function cookieLine (value, maxAge) {
  return stringifySetCookie({ name: COOKIE_NAME, value, maxAge, path: '/', httpOnly: true, sameSite: 'lax', secure: isProduction })
}

/**
 * The name in a body like `{"name":"Ada"}`, or null. Other sites cannot send this type of content
 * without asking first, so that they cannot log a user in as somebody else.
 * @param {Request} request
 */
async function readName (request) {
  const { 'content-type': type, 'content-length': length } = request.headers
  if (type !== 'application/json' || !(Number(length) <= MAX_BODY)) return null
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  try {
    const name = JSON.parse(text)?.name
    return typeof name === 'string' && name !== '' ? name : null
  } catch {
    return null // not JSON
  }
}

/**
 * @param {Request} request
 * @param {import('node:http').ServerResponse} response
 */
async function answer (request, response) {
  const route = routes[`${request.method} ${request.url}`]
  const { status, body, cookie } = await route?.(request) ?? { status: 404 }
  // Shared caches must keep neither a session nor what is made of one.
  response.setHeader('cache-control', 'no-store')
  if (cookie !== undefined) response.setHeader('set-cookie', cookie)
  if (body !== undefined) response.setHeader('content-type', 'application/json')
  response.writeHead(status).end(body === undefined ? '' : JSON.stringify(body))
}

const server = createServer((request, response) => {
  // Such as a client that goes away in the middle of its request: nobody is left to be answered.
  answer(request, response).catch(error => {
    console.log(`a request failed: ${error.message}`)
    response.destroy()
  })
})

const { PORT = '3000' } = process.env
server.listen(Number(PORT), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`listening at http://127.0.0.1:${port}`)
})

process.once('SIGTERM', () => server.close())
