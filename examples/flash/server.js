// Messages that are shown once, on the page after the one that left them: @fastify/flash, which keeps
// them in the session. In a clone of the repository, after `npm run build`:
//
//   node examples/flash/server.js
//
// Then open http://127.0.0.1:3000
import flash from '@fastify/flash'
import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import secureSession, { Keyring } from 'fastify-sealed-session'

const app = Fastify()
app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'flash-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 30 * 60, // seconds
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})
app.register(formbody)
app.register(flash)

app.get('/', async (request, reply) => {
  const messages = takeMessages(request, reply)
  const action = request.session.get('name') === undefined ? 'login' : 'logout'
  return reply.type('text/html').header('cache-control', 'no-store').send(`<!doctype html>
<title>Messages</title>
${messages.map(message => `<p>${message}</p>`).join('\n')}
<form method="post" action="/${action}"><button>${action}</button></form>`)
})

/**
 * The messages, which are taken out of the session. `reply.flash()` writes it even where there are
 * none: each page view would set a cookie, and begin a session for whoever has none.
 *
 * Two requests with the same cookie both show them: the session is in the cookie, and nothing on the
 * server knows that they were shown. Take them in the page itself, and not in what it loads.
 * @param {import('fastify').FastifyRequest} request
 * @param {import('fastify').FastifyReply} reply
 * @returns {readonly string[]} without HTML, since it is put into a page: escape what users write
 */
function takeMessages (request, reply) {
  const flash = /** @type {{ notice?: string[] } | undefined} */ (request.session.get('flash'))
  return flash?.notice === undefined ? [] : /** @type {string[]} */ (reply.flash('notice'))
}

// Other sites can send such forms, too, and log a visitor in or out: examples/csrf keeps them from it.
app.post('/login', async (request, reply) => {
  request.session.regenerate()
  request.session.set('name', 'Ada') // whoever your password check says it is
  request.flash('notice', 'Welcome back.')
  return reply.redirect('/', 303)
})

app.post('/logout', async (request, reply) => {
  request.session.delete()
  request.flash('notice', 'See you.') // begins a new session, for the message
  return reply.redirect('/', 303)
})

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)

process.once('SIGTERM', () => app.close())
