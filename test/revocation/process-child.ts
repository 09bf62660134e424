// One process of an app with revocation over Redis, and a registry there: listens, sends its port, and ends with its parent.
import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import type { AddressInfo } from 'node:net'
import { createClient } from 'redis'
import secureSession, { sessionInfo } from '../../src/index.ts'
import { redisRegistry, sessionRegistry, type RegistryStore } from '../../src/registry/index.ts'
import { redisStore, sessionRevocation, type RevocationStore } from '../../src/revocation/index.ts'
import type { Bag } from '../support/app.ts'
import { subject } from '../support/revocation.ts'

/** Options as the parent gives them, in JSON. */
export interface ChildOptions {
  /** Port of Redis. */
  port: number
  key: string
  client: 'keyv' | 'redis' | 'ioredis'
  cacheTtl: number
  onStoreError?: 'reject' | 'accept'
  storeTimeout?: number
}

interface Stores { store: RevocationStore, registry?: RegistryStore }

const { port, key, client: kind, ...revocation } = JSON.parse(process.argv[2] ?? '') as ChildOptions
const url = `redis://127.0.0.1:${port}`

// The clients are set up as docs/guide/revocation.md shows.
const CLIENTS: Record<ChildOptions['client'], () => Promise<Stores>> = {
  async keyv () {
    const adapter = new KeyvRedis({ url, disableOfflineQueue: true }, { throwOnErrors: true })
    await adapter.getClient()
    return { store: new Keyv({ store: adapter, throwOnErrors: true, namespace: 'app' }) }
  },
  async redis () {
    const client = createClient({
      url,
      disableOfflineQueue: true,
      socket: { connectTimeout: 1000, reconnectStrategy: retries => Math.min(50 * retries, 500) }
    })
    client.on('error', () => {})
    await client.connect()
    return { store: redisStore(client), registry: redisRegistry(client) }
  },
  async ioredis () {
    const client = new Redis(url, { enableOfflineQueue: false, lazyConnect: true })
    client.on('error', () => {})
    await client.connect()
    return { store: redisStore(client), registry: redisRegistry(client) }
  }
}

const { store, registry } = await CLIENTS[kind]()

const app = Fastify()
app.register(secureSession, { key, format: 'sealed' })
app.register(sessionRevocation, { store, subject, ...revocation })
if (registry !== undefined) app.register(sessionRegistry, { store: registry, storeTimeout: revocation.storeTimeout })
app.post('/login', async ({ session, query }) => {
  session.regenerate()
  const { user = 'ann' } = query as { user?: string }
  ;(session as Bag).user = user
  return 'in'
})
app.post('/logout', async ({ session }) => { session.delete(); return 'out' })
app.post('/everywhere', async () => { await app.revokeSubject('ann'); return 'out' })
app.post('/all', async () => { await app.revokeAll(); return 'out' })
app.post('/others', async ({ session }) => { await app.revokeOtherSessions(session); return 'out' })
app.post('/end/:id', async ({ params }) => { await app.revokeSessionId((params as { id: string }).id); return 'out' })
app.post('/once/:id', async ({ params }) => await app.useOnce((params as { id: string }).id, 60))
app.post('/touch', async ({ session }) => { session.touch(); return 'touched' })
app.get('/id', async ({ session }) => sessionInfo(session).id)
app.get('/me', async ({ session }) => (session as Bag).user ?? 'nobody')
app.get('/sessions/:user', async ({ params }) => (await app.listSessions((params as { user: string }).user)).map(({ id }) => id))
await app.listen({ port: 0, host: '127.0.0.1' })
process.on('disconnect', () => process.exit())
process.send?.((app.server.address() as AddressInfo).port)
