// This package with its own token, and revocation over the Redis that the run has started.
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import plugin from 'fastify-sealed-session'
import { redisStore, sessionRevocation } from 'fastify-sealed-session/revocation'
import { KEY } from '../data.js'
import { addRoutes } from '../request.js'

export const name = 'fastify-sealed-session, revocation over Redis'

export async function app () {
  const app = Fastify()
  await app.register(plugin, { key: KEY, format: 'sealed', cookie: { path: '/' } })
  await app.register(sessionRevocation, { store: redisStore(new Redis(process.env.BENCH_REDIS)), subject: session => session.get('userId') })
  addRoutes(app, {
    read: request => request.session.get('userId') ?? 'nobody',
    write: (request, key, value) => request.session.set(key, value)
  })
  await app.ready()
  return app
}
