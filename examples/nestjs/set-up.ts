import type { NestApplicationOptions } from '@nestjs/common'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { Keyring, sealedSession } from 'fastify-sealed-session'
import { MemoryStore, sessionRevocation } from 'fastify-sealed-session/revocation'

/** Options of the app. Nest's own parsers take forms, and any site can have a browser send those: this app takes JSON only. */
export const OPTIONS: NestApplicationOptions = { bodyParser: false, logger: ['error', 'warn'] }

export function newAdapter (): FastifyAdapter {
  const adapter = new FastifyAdapter()
  adapter.getInstance().removeContentTypeParser('text/plain')
  return adapter
}

/** Adds all that the server and the tests have in common. */
export async function setUp (app: NestFastifyApplication): Promise<void> {
  await app.register(sealedSession, {
    key: Keyring.fromEnv('SESSION_KEYS'),
    expiry: 15 * 60 // seconds
  })
  await app.register(sessionRevocation, {
    store: new MemoryStore(), // for several processes: redisStore(client)
    subject: session => session.get('name') // the user
  })
}
