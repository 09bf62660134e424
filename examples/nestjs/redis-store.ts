import type { NestFastifyApplication } from '@nestjs/platform-fastify'
import { redisStore, type RevocationStore } from 'fastify-sealed-session/revocation'
import { createClient } from 'redis'

/** Store that all processes share, and that remembers over a restart. It connects and closes with the app. */
export async function connectStore (app: NestFastifyApplication): Promise<RevocationStore> {
  const fastify = app.getHttpAdapter().getInstance()
  const client = createClient({
    url: process.env.REDIS_URL,
    disableOfflineQueue: true, // fail at once while Redis is away, rather than pile up commands
    socket: { connectTimeout: 1000, reconnectStrategy: retries => Math.min(50 * retries, 500) }
  })
  client.on('error', error => { fastify.log.warn(error) }) // without this line, the process ends when Redis does
  await client.connect()
  fastify.addHook('onClose', async () => { client.destroy() })
  return redisStore(client, { prefix: 'app:' })
}
