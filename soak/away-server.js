// One process of the app whose Redis goes away: revocation and registry there, set up as docs/guide/revocation.md and
// docs/guide/registry.md show.
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import secureSession, { sessionInfo } from 'fastify-sealed-session'
import { redisRegistry, sessionRegistry } from 'fastify-sealed-session/registry'
import { redisStore, sessionRevocation } from 'fastify-sealed-session/revocation'

const { key, redisPort, client: kind, cacheTtl, onStoreError } = JSON.parse(process.argv[2])
const url = `redis://127.0.0.1:${redisPort}`

const CLIENTS = {
  redis: () => createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: 1000, reconnectStrategy: retries => Math.min(50 * retries, 500) }
  }),
  ioredis: () => new Redis(url, { enableOfflineQueue: false, lazyConnect: true })
}

const client = CLIENTS[kind]()
client.on('error', () => {}) // the answers say it
await client.connect()

const app = Fastify({ keepAliveTimeout: 86_400_000 })
app.register(secureSession, { key, format: 'sealed', cookie: { path: '/' } })
app.register(sessionRevocation, { store: redisStore(client), subject: session => session.get('user'), cacheTtl, onStoreError })
app.register(sessionRegistry, { store: redisRegistry(client) })

app.post('/login/:user', async ({ session, params }) => {
  session.set('user', params.user)
  return sessionInfo(session).id
})
app.post('/touch', async ({ session }) => { session.touch(); return session.get('user') ?? 'nobody' })
app.post('/end/:id', async ({ params }) => { await app.revokeSessionId(params.id); return 'ended' })
app.get('/id', async ({ session }) => sessionInfo(session).id)
app.get('/me', async ({ session }) => session.get('user') ?? 'nobody')
app.get('/sessions/:user', async ({ params }) => (await app.listSessions(params.user)).map(({ id }) => id))

process.on('disconnect', () => process.exit())
await app.listen({ port: 0, host: '127.0.0.1' })
process.send({ port: app.server.address().port })
