// One process of an app with revocation over Redis: listens, prints its port, and ends with its parent.
import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import Fastify from 'fastify'
import type { AddressInfo } from 'node:net'
import { createClient } from 'redis'
import secureSession, { sessionInfo } from '../../src/index.ts'
import { redisStore, sessionRevocation, type RevocationStore } from '../../src/revocation/index.ts'
import type { Bag } from '../support/app.ts'
import { subject } from '../support/revocation.ts'

const [port, key, cacheTtl, kind] = process.argv.slice(2)
const url = `redis://127.0.0.1:${port}`

async function throughKeyv (): Promise<RevocationStore> {
  const adapter = new KeyvRedis({ url, disableOfflineQueue: true }, { throwOnErrors: true })
  await adapter.getClient()
  return new Keyv({ store: adapter, throwOnErrors: true, namespace: 'app' })
}

async function ofOurs (): Promise<RevocationStore> {
  const client = createClient({ url, disableOfflineQueue: true })
  client.on('error', () => {})
  await client.connect()
  return redisStore(client)
}

const store = await (kind === 'keyv' ? throughKeyv() : ofOurs())

const app = Fastify()
app.register(secureSession, { key: key!, format: 'sealed' }) // the parent gives all three
app.register(sessionRevocation, { store, subject, cacheTtl: Number(cacheTtl) })
app.post('/login', async ({ session }) => { session.regenerate(); (session as Bag).user = 'ann'; return 'in' })
app.post('/logout', async ({ session }) => { session.delete(); return 'out' })
app.post('/everywhere', async () => { await app.revokeSubject('ann'); return 'out' })
app.post('/others', async ({ session }) => { await app.revokeOtherSessions(session); return 'out' })
app.post('/end/:id', async ({ params }) => { await app.revokeSessionId((params as { id: string }).id); return 'out' })
app.post('/once/:id', async ({ params }) => await app.useOnce((params as { id: string }).id, 60))
app.get('/id', async ({ session }) => sessionInfo(session).id)
app.get('/me', async ({ session }) => (session as Bag).user ?? 'nobody')
await app.listen({ port: 0, host: '127.0.0.1' })
process.on('disconnect', () => process.exit())
process.send?.((app.server.address() as AddressInfo).port)
