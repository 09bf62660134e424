// One server process of the soak run: an app as docs/guide/revocation.md and docs/guide/keys.md set it up. Tells
// its parent what it uses and what it has seen when asked.
import { subscribe } from 'node:diagnostics_channel'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import KeyvRedis from '@keyv/redis'
import Fastify, { LogController } from 'fastify'
import { Keyv } from 'keyv'
import secureSession, { Keyring } from 'fastify-sealed-session'
import { sessionRevocation } from 'fastify-sealed-session/revocation'
import { SESSION } from './plan.js'

const { keyFile, redisPort, onStoreError } = JSON.parse(process.argv[2])
const { expiry, absoluteTimeout, activateAfter, cacheTtl } = SESSION

/** Lines of the log and refused tokens, counted by code and by reason. */
const log = {}
const refusals = {}
const count = (counts, name) => { counts[name] = (counts[name] ?? 0) + 1 }

/** When calls of the store failed, as the log says it; milliseconds since 1970. */
const failures = []

/** Takes the lines of the log. */
function write (line) {
  const { code, err, msg, time } = JSON.parse(line)
  const name = code ?? err?.code ?? msg.replaceAll(keyFile, 'FILE')
  count(log, name)
  if (name === 'FST_SEALED_SESSION_STORE_UNAVAILABLE') failures.push({ from: time, to: null })
  if (name === 'the revocation store answers again') failures.at(-1).to = time
}

/** Milliseconds. Longer than a run: a connection that is closed while the client sends on it would look like a lost request. */
const KEEP_ALIVE = 86_400_000

const app = Fastify({ keepAliveTimeout: KEEP_ALIVE, logger: { level: 'info', stream: { write } }, logController: new LogController({ disableRequestLogging: true }) })

const adapter = new KeyvRedis({
  url: `redis://127.0.0.1:${redisPort}`,
  disableOfflineQueue: true,
  socket: { connectTimeout: 1000, reconnectStrategy: retries => Math.min(50 * retries, 500) }
}, { throwOnErrors: true })
const store = new Keyv({ store: adapter, namespace: 'soak', throwOnErrors: true })
store.on('error', () => {}) // the app's log has it
await adapter.getClient()

app.register(secureSession, {
  key: await Keyring.fromFile(keyFile, { watch: true, activateAfter }),
  format: 'sealed',
  expiry,
  rolling: true,
  absoluteTimeout,
  cookie: { path: '/', sameSite: 'lax' }
})
app.register(sessionRevocation, { store, subject: session => session.get('user'), cacheTtl, onStoreError })

/** Changes the session of somebody who is logged in, and answers with what it holds. */
const changing = change => async ({ session }) => {
  if (session.get('user') !== undefined) change(session)
  return session.data()
}

app.get('/untouched', async () => 'hello')
app.get('/read', async ({ session }) => session.data())
app.post('/login', async ({ session, body }) => {
  session.regenerate()
  for (const [key, value] of Object.entries(body)) session.set(key, value)
  return session.data()
})
app.post('/write', changing(session => { session.set('count', session.get('count') + 1) }))
app.post('/nested', changing(session => { session.get('list').push(session.get('list').length) }))
app.post('/grow', changing(session => { session.set('text', 'x'.repeat(3000)) }))
app.post('/shrink', changing(session => { session.set('text', '') }))
app.post('/logout', async ({ session }) => { session.delete(); return session.data() })
app.post('/everywhere', async ({ session }) => {
  const user = session.get('user')
  if (user !== undefined) await app.revokeSubject(user)
  session.delete()
  return session.data()
})

subscribe('fastify-sealed-session:open', ({ reason }) => { if (reason !== null) count(refusals, reason) })

const delay = monitorEventLoopDelay({ resolution: 10 })
delay.enable()

/** Bytes, microseconds of CPU time, and by how many milliseconds the event loop was late since the last time. */
function sample () {
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const figures = { rss, heapUsed, cpu: user + system, delay: delay.percentile(99) / 1e6 }
  delay.reset()
  return figures
}

const answers = {
  sample,
  seen: () => ({ log, refusals, failures }),
  collect: () => { globalThis.gc(); return sample() }
}
process.on('message', question => process.send(answers[question]()))
process.on('disconnect', () => process.exit())

await app.listen({ port: 0, host: '127.0.0.1', listenTextResolver: () => 'listening' })
process.send({ port: app.server.address().port })
