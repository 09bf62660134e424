// The password again before something dangerous: a time inside the session says when the user has last given it. In a
// clone of the repository, after `npm run build`:
//
//   node examples/step-up/server.js
//
// Then open http://127.0.0.1:3000 and log in as "ada" with the password "analytical engine". After a minute, the page
// with the backup codes asks for the password again.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import formbody from '@fastify/formbody'
import Fastify from 'fastify'
import secureSession, { authenticated, Keyring, requireFresh, requireSession } from 'fastify-sealed-session'
import { crossOriginProtection } from 'fastify-sealed-session/cross-origin'
import { sessionRevocation } from 'fastify-sealed-session/revocation'

/** @type {(password: string, salt: Buffer, length: number) => Promise<any>} */
const hash = promisify(scrypt)

// Stands for your table of users, with a slow, salted hash in the place of each password.
const salt = randomBytes(16)
/** @type {Map<string, Buffer>} */
const users = new Map([['ada', await hash('analytical engine', salt, 32)]])
const NOBODY = randomBytes(32) // takes as long to refuse as a wrong password

/**
 * @param {string} name
 * @param {string} password
 */
async function isRight (name, password) {
  return timingSafeEqual(await hash(password, salt, 32), users.get(name) ?? NOBODY)
}

const app = Fastify()
app.register(crossOriginProtection)
app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'step-up-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 8 * 60 * 60, // seconds
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})
// With it, the cookie of before ends with each authentication, and with the logout.
app.register(sessionRevocation, { subject: session => session.get('user') })
app.register(formbody)

const loggedIn = requireSession({ keys: ['user'], redirect: '/login' })
const confirmed = requireFresh({ within: 60, method: 'password', redirect: '/confirm' })

const FIELDS = { type: 'object', required: ['password'], properties: { name: { type: 'string', maxLength: 40 }, password: { type: 'string', maxLength: 100 } } }
const FORM = { schema: { body: FIELDS } }

/**
 * @param {import('fastify').FastifyReply} reply
 * @param {string} content
 */
function page (reply, content) {
  return reply.type('text/html').header('cache-control', 'no-store').send(`<!doctype html>
<title>Step-up</title>
${content}`)
}

const PASSWORD = '<input name="password" type="password" autocomplete="current-password" required>'

app.get('/login', async (request, reply) => page(reply, `<form method="post">
  <input name="name" autocomplete="username" required> ${PASSWORD} <button>Log in</button>
</form>`))

app.post('/login', FORM, async ({ session, body }, reply) => {
  const { name = '', password } = /** @type {{ name?: string, password: string }} */ (body)
  if (!await isRight(name, password)) return page(reply.code(401), '<p>Wrong name or password. <a href="/login">Again</a></p>')
  session.regenerate() // nothing of before is the new user's
  session.set('user', name)
  authenticated(session, 'password')
  return reply.redirect('/', 303)
})

app.get('/', { onRequest: loggedIn }, async ({ session }, reply) => page(reply, `<p>Hello ${session.get('user')}</p>
<p><a href="/backup-codes">Backup codes</a></p>
<form method="post" action="/logout"><button>Log out</button></form>`))

app.get('/backup-codes', { onRequest: [loggedIn, confirmed] }, async (request, reply) => page(reply, '<p>1815-1852</p>'))

app.get('/confirm', { onRequest: loggedIn }, async (request, reply) => page(reply, `<form method="post">
  <p>Please give your password again.</p> ${PASSWORD} <button>Confirm</button>
</form>`))

// Limit the rate of both forms in production: see examples/rate-limit.
app.post('/confirm', { ...FORM, onRequest: loggedIn }, async ({ session, body }, reply) => {
  const { password } = /** @type {{ password: string }} */ (body)
  // Of the user who is logged in: a name out of the form would let everybody confirm with a password of their own.
  if (!await isRight(session.get('user'), password)) return page(reply.code(401), '<p>Wrong password. <a href="/confirm">Again</a></p>')
  authenticated(session, 'password')
  return reply.redirect('/backup-codes', 303)
})

app.post('/logout', async ({ session }, reply) => {
  session.delete()
  return reply.redirect('/login', 303)
})

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)

process.once('SIGTERM', () => app.close())
