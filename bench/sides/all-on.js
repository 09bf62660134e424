// This package with all that it has: its own token, revocation, registry and device binding, over one Redis.
import Fastify from 'fastify'
import plugin from 'fastify-sealed-session'
import { deviceBinding } from 'fastify-sealed-session/device'
import { redisRegistry, sessionRegistry } from 'fastify-sealed-session/registry'
import { redisStore, sessionRevocation } from 'fastify-sealed-session/revocation'
import { createTestDevice } from 'fastify-sealed-session/testing'
import { KEY, SESSIONS } from '../data.js'

export async function allOn (client) {
  const app = Fastify()
  await app.register(plugin, { key: KEY, format: 'sealed', cookie: { path: '/', secure: true } })
  await app.register(sessionRevocation, { store: redisStore(client), subject: session => session.get('userId') })
  await app.register(sessionRegistry, { store: redisRegistry(client) })
  await app.register(deviceBinding, { algorithms: ['ES256'] })
  app.get('/ping', (_request, reply) => { reply.send('ok') })
  app.get('/read', (request, reply) => { reply.send(request.session.get('userId') ?? 'nobody') })
  app.get('/write', (request, reply) => { request.session.set('visits', 1); reply.send('ok') })
  app.get('/login/:user', ({ session, params }, reply) => {
    session.regenerate()
    for (const [key, value] of Object.entries(SESSIONS['170 B'])) session.set(key, value)
    session.set('userId', params.user)
    reply.send('ok')
  })
  app.get('/logout', ({ session }, reply) => { session.delete(); reply.send('ok') })
  await app.ready()
  return app
}

/** Device of a user who has logged in, and whose session is bound to it. */
export async function boundIn (app, user) {
  const device = createTestDevice({ algorithm: 'ES256' })
  await device.register(app, await device.inject(app, { url: `/login/${user}` }))
  return device
}

/** Cookies of a browser with a bound session, and the request by which it proves its key. */
export async function refreshOf (app) {
  const device = await boundIn(app, 'user-device')
  const { cookies: cookie } = device
  const sent = []
  await device.refresh({
    inject (request) {
      const { method, url, headers: { cookie, ...headers } } = request
      if (method === 'POST') sent.push({ url, cookie, headers })
      return app.inject(request)
    }
  })
  return { cookie, refresh: sent.at(-1) }
}
