// Pages with a strict Content-Security-Policy by @fastify/helmet, and a session beside it. In a clone
// of the repository, after `npm run build`:
//
//   node examples/helmet/server.js
//   then open http://127.0.0.1:3000
import helmet from '@fastify/helmet'
import Fastify from 'fastify'
import secureSession, { Keyring } from 'fastify-sealed-session'

const app = Fastify()

// First, so that its headers are also on what later hooks refuse.
app.register(helmet, {
  enableCSPNonces: true,
  contentSecurityPolicy: {
    useDefaults: false, // nothing but what is listed, and the scripts and styles with this response's nonce
    directives: {
      defaultSrc: ["'none'"],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"]
    }
  }
})

app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'helmet-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 15 * 60, // seconds
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' } // httpOnly by default: no script reads it, whatever the policy
})

// A nonce is for one response: a cache that kept the page would hand it to others.
app.get('/', async (_request, reply) => {
  reply.header('cache-control', 'no-store').type('text/html; charset=utf-8')
  return page(reply.cspNonce.script)
})

/** @param {string} nonce */
const page = nonce => `<!doctype html>
<html lang="en">
<title>Who are you?</title>
<p><output></output> <button>Log in as Ada</button>
<script nonce="${nonce}">
  const show = async () => {
    const { name } = await (await fetch('/profile')).json()
    document.querySelector('output').textContent = name ?? 'Nobody'
  }
  document.querySelector('button').onclick = async () => {
    const headers = { 'content-type': 'application/json' }
    await fetch('/login', { method: 'POST', headers, body: '{"name":"Ada"}' })
    await show()
  }
  show()
</script>
</html>`

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

process.once('SIGTERM', () => app.close())

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)
