// Sessions in a store, here in memory: the cookie holds a signed id.
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import { SECRET } from '../data.js'
import { addRoutes } from '../request.js'

export const name = '@fastify/session (memory)'

export async function app () {
  const app = Fastify()
  await app.register(cookie)
  await app.register(session, { secret: SECRET, cookie: { secure: false, path: '/' }, saveUninitialized: false, rolling: false })
  addRoutes(app, {
    read: request => request.session.get('userId') ?? 'nobody',
    write: (request, key, value) => request.session.set(key, value)
  })
  await app.ready()
  return app
}
