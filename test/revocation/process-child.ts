// One process of an app with revocation over Redis: listens, prints its port, and ends with its parent.
import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import Fastify from 'fastify'
import type { AddressInfo } from 'node:net'
import secureSession from '../../src/index.ts'
import { sessionRevocation } from '../../src/revocation/index.ts'
import { subject, type Bag } from '../support/revocation.ts'

const [port, key, cacheTtl] = process.argv.slice(2)
const adapter = new KeyvRedis({ url: `redis://127.0.0.1:${port}`, disableOfflineQueue: true }, { throwOnErrors: true })
const store = new Keyv({ store: adapter, throwOnErrors: true, namespace: 'app' })
await adapter.getClient()

const app = Fastify()
app.register(secureSession, { key: key!, format: 'sealed' }) // the parent gives all three
app.register(sessionRevocation, { store, subject, cacheTtl: Number(cacheTtl) })
app.post('/login', async ({ session }) => { session.regenerate(); (session as Bag).user = 'ann'; return 'in' })
app.post('/logout', async ({ session }) => { session.delete(); return 'out' })
app.post('/everywhere', async () => { await app.revokeSubject('ann'); return 'out' })
app.get('/me', async ({ session }) => (session as Bag).user ?? 'nobody')
await app.listen({ port: 0, host: '127.0.0.1' })
process.on('disconnect', () => process.exit())
process.send?.((app.server.address() as AddressInfo).port)
