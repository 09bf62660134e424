// node examples/metrics/server.js: an app with a session, and its metrics at /metrics.
import Fastify from 'fastify'
import secureSession, { Keyring } from 'fastify-sealed-session'
import { Registry } from 'prom-client'
import { countSessions } from './metrics.js'

const registry = new Registry()
const stop = countSessions(registry)

const app = Fastify()
app.addHook('onClose', async () => { stop() })

app.register(secureSession, {
  key: Keyring.fromEnv('SESSION_KEYS'),
  format: 'sealed',
  cookie: { path: '/', sameSite: 'lax', secure: 'auto' }
})

app.get('/', async ({ session }) => {
  const visits = Number(session.get('visits') ?? 0) + 1
  session.set('visits', visits)
  return { visits }
})

// Cannot be sealed: JSON has no BigInt. The response is an error, and the metrics count it.
app.get('/broken', async ({ session }) => {
  session.set('visits', 1n)
  return 'never sent'
})

// Key ids and the names of sessions are not secret, but nobody's business: serve this on a port of
// its own, or to your monitoring only.
app.get('/metrics', async (_request, reply) => {
  reply.type(registry.contentType)
  return await registry.metrics()
})

const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
console.log(`The app runs at ${url}, its metrics are at ${url}/metrics`)
