import type { NestApplicationOptions } from '@nestjs/common'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { sealedSession } from 'fastify-sealed-session'

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
    key: process.env.SESSION_KEY,
    cookieName: 'nestjs-example',
    expiry: 15 * 60 // seconds
  })
}
