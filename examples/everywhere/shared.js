// Options of all servers that have files and sockets.
import { createClient } from 'redis'
import { Keyring } from 'fastify-sealed-session'
import { redisStore } from 'fastify-sealed-session/revocation'
import { PREFIX, session, subject } from './session.js'

export async function sharedOptions () {
  const client = createClient({
    url: process.env.REDIS_URL,
    disableOfflineQueue: true, // fail at once while Redis is away
    socket: { connectTimeout: 1000, reconnectStrategy: retries => Math.min(50 * retries, 500) }
  })
  client.on('error', error => console.error(error.message))
  await client.connect()
  return {
    ...session,
    key: await Keyring.fromFile(process.env.SESSION_KEY_FILE, { watch: true }), // a new key needs no restart
    revocation: { store: redisStore(client, { prefix: PREFIX }), subject }
  }
}
