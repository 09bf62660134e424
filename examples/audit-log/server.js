// An app whose sessions leave an audit log. In a clone of the repository, after `npm run build`:
//
//   node examples/audit-log/server.js
//   curl -i -H 'content-type: application/json' -d '{"name":"Ada","password":"analytical engine"}' http://127.0.0.1:3000/login
import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import secureSession, { authenticated, Keyring } from 'fastify-sealed-session'
import sessionRevocation, { MemoryStore } from 'fastify-sealed-session/revocation'
import { auditSessions } from './audit-log.js'

// Write to a place where the app itself cannot change a line afterwards: a pipe, a collector, a service.
/** @param {string} line */
const write = line => { process.stdout.write(`${line}\n`) }
const stop = auditSessions(write)

const app = Fastify({ genReqId: () => randomUUID() }) // in all lines about a request, and in the access log as `reqId`
app.addHook('onClose', async () => { stop() })

app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'audit-log-example', // with `secure: true` better '__Host-session', which nobody can plant
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})
// It gives sessions ids, and has a logout count on the server. Several processes share a store.
app.register(sessionRevocation, { store: new MemoryStore(), subject: session => session.get('name') })

const LOGIN = { body: { type: 'object', required: ['name', 'password'], properties: { name: { type: 'string', minLength: 1, maxLength: 40 }, password: { type: 'string', maxLength: 100 } } } }

app.post('/login', { schema: LOGIN }, async (request, reply) => {
  const { name, password } = /** @type {{ name: string, password: string }} */ (request.body)
  if (password !== 'analytical engine') { // stands for your check: see examples/step-up
    // The session hears nothing of it. The name is left out: users type passwords into the wrong field.
    write(JSON.stringify({ time: new Date(), event: 'login.failed', why: 'password', requestId: request.id }))
    return reply.code(401).send({ error: 'wrong name or password' })
  }
  request.session.regenerate()
  request.session.set('name', name)
  authenticated(request.session, 'password')
  // The hash in the log does not say who it is. This line does, for those who may know: keep it elsewhere.
  request.log.info({ user: name }, 'login')
  reply.code(204)
})

app.get('/me', async ({ session }) => ({ name: session.get('name') ?? null }))

app.post('/logout', async ({ session }, reply) => {
  session.delete()
  reply.code(204)
})

process.once('SIGTERM', () => app.close())

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)
