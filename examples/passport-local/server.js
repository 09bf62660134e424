// A login form with @fastify/passport and passport-local; who is logged in stands in the session's
// cookie. In a clone of the repository, after `npm run build`:
//
//   node examples/passport-local/server.js
//
// Then open http://127.0.0.1:3000/profile and log in as "ada" with the password "analytical engine".
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import formbody from '@fastify/formbody'
import { Authenticator } from '@fastify/passport'
import Fastify from 'fastify'
import secureSession, { Keyring } from 'fastify-sealed-session'
import { Strategy as LocalStrategy } from 'passport-local'

/** @type {(password: string, salt: Buffer, length: number) => Promise<any>} */
const hash = promisify(scrypt)

/** @typedef {{ id: string, name: string, salt: Buffer, hash: Buffer }} User */

// Stands for your table of users, with a slow, salted hash in the place of each password.
const salt = randomBytes(16)
/** @type {Map<string, User>} */
const users = new Map([['ada', { id: 'ada', name: 'Ada', salt, hash: await hash('analytical engine', salt, 32) }]])
const NOBODY = { salt, hash: randomBytes(32) } // takes as long to refuse as a wrong password

/**
 * @param {string} name
 * @param {string} password
 */
async function userWith (name, password) {
  const user = users.get(name)
  const { salt, hash: expected } = user ?? NOBODY
  return timingSafeEqual(await hash(password, salt, 32), expected) ? user : undefined
}

// At a login the session is regenerated and loses what it held, but for these keys. Keep only what
// is harmless if somebody else planted it. (A key named "session" is always kept: do not use it.)
const passport = new Authenticator({ clearSessionIgnoreFields: ['returnTo'] })

passport.use(new LocalStrategy((name, password, done) => {
  userWith(name, password).then(user => done(null, user ?? false), done)
}))

// The id and no more: a cookie is small, is sent with each request, and keeps what it says of a
// user for as long as it lives.
passport.registerUserSerializer(async (/** @type {User} */ { id }) => id)
// Runs in each request that has somebody logged in. Null, for a user who is gone, logs out.
passport.registerUserDeserializer(async (/** @type {string} */ id) => users.get(id) ?? null)

const app = Fastify()
app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'passport-local-example', // with `secure: true` better '__Host-session', which nobody can plant
  expiry: 30 * 60, // seconds
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})
app.register(formbody)
app.register(passport.initialize())
app.register(passport.secureSession())

app.get('/login', async (request, reply) => {
  // To read a message takes it out, which is a write: only where there is one, or everybody who
  // looks at the form would get a session.
  const flash = /** @type {{ error?: string[] } | undefined} */ (request.session.get('flash'))
  const [message = ''] = flash?.error === undefined ? [] : /** @type {string[]} */ (reply.flash('error'))
  return reply.type('text/html').header('cache-control', 'no-store').send(`<!doctype html>
<title>Log in</title>
<p>${message}</p>
<form method="post">
  <input name="username" autocomplete="username" required>
  <input name="password" type="password" autocomplete="current-password" required>
  <button>Log in</button>
</form>`)
})

app.post('/login', {
  preValidation: passport.authenticate('local', {
    successReturnToOrRedirect: '/profile',
    failureRedirect: '/login',
    failureFlash: { type: 'error', message: 'Wrong name or password.' },
    authInfo: false
  })
}, () => {}) // never gets here: each outcome is a redirect

app.get('/profile', { preValidation: requireLogin }, async ({ user }, reply) => {
  const { name } = /** @type {User} */ (user)
  return reply.type('text/html').header('cache-control', 'no-store').send(`<!doctype html>
<title>Profile</title>
<p>Hello ${name}</p>
<form method="post" action="/logout"><button>Log out</button></form>`)
})

// A POST, so that neither a link nor a page that is loaded ahead logs anybody out. A form on another
// site still can, since the answer drops the cookie, with or without one: where that matters, see
// examples/csrf.
app.post('/logout', async (request, reply) => {
  await request.logOut() // leaves an empty session
  request.session.delete() // has the browser drop the cookie, too
  return reply.redirect('/login', 303)
})

/**
 * @param {import('fastify').FastifyRequest} request
 * @param {import('fastify').FastifyReply} reply
 */
async function requireLogin (request, reply) {
  if (request.isAuthenticated()) return
  // A path of this app. What is not from a browser may ask for a whole URL, of another site, and the
  // session with it be planted in a browser that would go there after the login.
  if (/^\/\w/.test(request.url)) request.session.set('returnTo', request.url)
  return reply.redirect('/login')
}

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)

process.once('SIGTERM', () => app.close())
