// Forms that other sites cannot send: @fastify/csrf-protection, with its secret in the session. In a
// clone of the repository, after `npm run build`:
//
//   node examples/csrf/server.js
//
// Then open http://127.0.0.1:3000
import csrf from '@fastify/csrf-protection'
import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import secureSession, { Keyring } from 'fastify-sealed-session'

const app = Fastify()
app.register(secureSession, {
  // Several keys, newest first, with commas between them, while you rotate. Without this variable it makes a key at each
  // start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'csrf-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 30 * 60, // seconds; also how long a form may stay open in a tab
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})
app.register(formbody)
// Awaited, since the routes below use what it adds to the app.
await app.register(csrf, { sessionPlugin: '@fastify/secure-session' })

// The token is in the body, so this cannot be an onRequest hook: the body is not read yet.
const isProtected = { preValidation: app.csrfProtection }

const LOGIN = { body: { type: 'object', required: ['name'], properties: { name: { type: 'string', pattern: '^[A-Za-z]{1,40}$' } } } }

app.get('/', async (request, reply) => {
  const token = reply.generateCsrf() // starts a session, if there is none
  const name = request.session.get('name')
  const form = name === undefined
    ? '<form method="post" action="/login"><input name="name" required pattern="[A-Za-z]{1,40}"><button>Log in</button>'
    : `<p>Hello ${name}</p><form method="post" action="/logout"><button>Log out</button>`
  // The page belongs to one session, also where that was not changed and sends no cookie.
  return reply.type('text/html').header('cache-control', 'no-store').send(`<!doctype html>
<title>Forms</title>
${form}<input type="hidden" name="_csrf" value="${token}"></form>`)
})

// The login, too: or another site could log its visitor in as somebody else, and read along.
app.post('/login', { ...isProtected, schema: LOGIN }, async (request, reply) => {
  const { name } = /** @type {{ name: string }} */ (request.body) // whoever your password check says it is
  request.session.regenerate() // also drops the secret: forms of before the login are void
  request.session.set('name', name)
  return reply.redirect('/', 303)
})

app.post('/logout', isProtected, async (request, reply) => {
  request.session.delete()
  return reply.redirect('/', 303)
})

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)

process.once('SIGTERM', () => app.close())
