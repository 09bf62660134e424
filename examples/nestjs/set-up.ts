import type { NestApplicationOptions } from '@nestjs/common'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { Keyring, sealedSession } from 'fastify-sealed-session'
import { crossOriginProtection } from 'fastify-sealed-session/cross-origin'
import { MemoryStore, sessionRevocation } from 'fastify-sealed-session/revocation'

/** Options of the app. Nest's own parsers take forms, and any site can have a browser send those: this app takes JSON only. */
export const OPTIONS: NestApplicationOptions = { bodyParser: false, logger: ['error', 'warn'] }

export function newAdapter (): FastifyAdapter {
  const adapter = new FastifyAdapter({ logger: { level: 'warn' } }) // without a logger, warnings and failures of the store are lost
  adapter.getInstance().removeContentTypeParser('text/plain')
  return adapter
}

/** Adds all that the server and the tests have in common. */
export async function setUp (app: NestFastifyApplication): Promise<void> {
  await app.register(crossOriginProtection) // refuses requests that pages of other sites make a browser send
  await app.register(sealedSession, {
    key: Keyring.fromEnv('SESSION_KEYS'),
    expiry: 15 * 60 // seconds
  })
  await app.register(sessionRevocation, {
    store: new MemoryStore(), // for one process that may forget when it restarts
    subject: session => session.get('name') // the user
  })
}
