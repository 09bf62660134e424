// An app whose spans tell what happens to sessions. In a clone of the repository, after `npm run build`:
//
//   node examples/opentelemetry/server.js
//   curl -i -H 'content-type: application/json' -d '{"name":"Ada"}' http://127.0.0.1:3000/login
//
// Without an SDK of OpenTelemetry, its API does nothing. Here a few lines stand in for the SDK and print to the console.
import { AsyncLocalStorage } from 'node:async_hooks'
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import Fastify from 'fastify'
import secureSession, { Keyring } from 'fastify-sealed-session'
import sessionRevocation, { MemoryStore } from 'fastify-sealed-session/revocation'
import { observeSessions } from './sessions.js'

// Your app has NodeSDK of @opentelemetry/sdk-node, with the instrumentations of HTTP and Fastify, in place of this.
const contexts = new AsyncLocalStorage()
context.setGlobalContextManager(/** @type {import('@opentelemetry/api').ContextManager} */ ({
  active: () => contexts.getStore() ?? ROOT_CONTEXT,
  with: (active, run, self, ...values) => contexts.run(active, () => run.apply(self, values)),
  bind: (active, target) => target,
  enable () { return this },
  disable () { return this }
}))
const printing = /** @type {import('@opentelemetry/api').Span} */ (/** @type {unknown} */ ({
  addEvent: (/** @type {string} */ name, /** @type {object} */ attributes) => console.log(JSON.stringify({ name, ...attributes }))
}))

const stop = observeSessions()

const app = Fastify()
app.addHook('onClose', async () => { stop() })
// The span of a request.
app.addHook('onRequest', (_request, _reply, done) => context.with(trace.setSpan(ROOT_CONTEXT, printing), done))

app.register(secureSession, {
  // Without this variable it makes a key at each start, and warns.
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookieName: 'opentelemetry-example', // with `secure: true` better '__Host-session', which nobody can plant
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})
app.register(sessionRevocation, { store: new MemoryStore(), subject: session => session.get('name') })

const LOGIN = { body: { type: 'object', required: ['name'], properties: { name: { type: 'string', minLength: 1, maxLength: 40 } } } }

app.post('/login', { schema: LOGIN }, async (request, reply) => {
  const { name } = /** @type {{ name: string }} */ (request.body) // whoever your password check says it is
  request.session.regenerate()
  request.session.set('name', name)
  reply.code(204)
})

app.post('/logout', async ({ session }, reply) => {
  session.delete()
  reply.code(204)
})

process.once('SIGTERM', () => app.close())

const { PORT = '3000' } = process.env
console.log(`listening at ${await app.listen({ host: '127.0.0.1', port: Number(PORT) })}`)
