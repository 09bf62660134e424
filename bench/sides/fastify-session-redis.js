// Sessions in the Redis that the run has started; the cookie holds a signed id.
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { SECRET } from '../data.js'
import { addRoutes } from '../request.js'

export const name = '@fastify/session (Redis)'

/** The least that such a store does: one command a call. */
class RedisSessions {
  #client = new Redis(process.env.BENCH_REDIS)

  get (id, callback) {
    this.#client.get(`sess:${id}`).then(text => callback(null, text === null ? null : JSON.parse(text)), callback)
  }

  set (id, session, callback) {
    this.#client.set(`sess:${id}`, JSON.stringify(session), 'EX', 86_400).then(() => callback(), callback)
  }

  destroy (id, callback) {
    this.#client.del(`sess:${id}`).then(() => callback(), callback)
  }
}

export async function app () {
  const app = Fastify()
  await app.register(cookie)
  await app.register(session, { secret: SECRET, store: new RedisSessions(), cookie: { secure: false, path: '/' }, saveUninitialized: false, rolling: false })
  addRoutes(app, {
    read: request => request.session.get('userId') ?? 'nobody',
    write: (request, key, value) => request.session.set(key, value)
  })
  await app.ready()
  return app
}
