// The floor for requests: an app with @fastify/cookie and no session at all.
import cookie from '@fastify/cookie'
import Fastify from 'fastify'
import { addRoutes } from '../request.js'

export const name = 'floor (@fastify/cookie)'

export async function app () {
  const app = Fastify()
  await app.register(cookie)
  addRoutes(app, { read: () => 'ok', write: () => {} })
  await app.ready()
  return app
}
