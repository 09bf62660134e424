// This package with its own token, and sessions that are bound to a device. `bound()` has the requests of a browser with
// such a session: it is bound by another app under the same key, as processes share it.
import Fastify from 'fastify'
import plugin from 'fastify-sealed-session'
import { deviceBinding } from 'fastify-sealed-session/device'
import { createTestDevice } from 'fastify-sealed-session/testing'
import { KEY, SESSIONS } from '../data.js'
import { addRoutes } from '../request.js'

async function newApp (algorithm) {
  const app = Fastify()
  await app.register(plugin, { key: KEY, format: 'sealed', cookie: { path: '/', secure: true } })
  await app.register(deviceBinding, { algorithms: [algorithm] })
  addRoutes(app, {
    read: request => request.session.get('userId') ?? 'nobody',
    write: (request, key, value) => request.session.set(key, value)
  })
  await app.ready()
  return app
}

async function bind (algorithm) {
  const sent = []
  const app = await newApp(algorithm)
  const inject = app.inject.bind(app)
  app.inject = request => {
    const { method, url, headers: { cookie, ...headers } } = request
    if (method === 'POST') sent.push({ url, cookie, headers })
    return inject(request)
  }
  const device = createTestDevice({ algorithm })
  const login = await device.inject(app, { url: '/login', query: { data: JSON.stringify(SESSIONS['170 B']) } })
  await device.register(app, login)
  const { cookies: cookie } = device
  await device.refresh(app)
  await app.close()
  const [registration, refresh] = sent
  return { cookie, registration, refresh }
}

export function boundSide (algorithm) {
  return {
    name: `fastify-sealed-session, bound to a device (${algorithm})`,
    app: () => newApp(algorithm),
    bound: () => bind(algorithm)
  }
}
