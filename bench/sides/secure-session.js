// What the peer and this package have in common: the same options, the same calls.
import Fastify from 'fastify'
import { KEY, SALT, SECRET } from '../data.js'
import { addRoutes } from '../request.js'

export function sideOf (name, plugin) {
  async function app (options = { key: KEY }) {
    const app = Fastify()
    await app.register(plugin, { ...options, cookie: { path: '/' } })
    addRoutes(app, {
      read: request => request.session.get('userId') ?? 'nobody',
      write: (request, key, value) => request.session.set(key, value)
    })
    await app.ready()
    return app
  }

  async function tokens (data) {
    const server = await app()
    const session = server.createSecureSession({ ...data })
    return {
      encode: () => server.encodeSecureSession(session),
      encodeOther: other => server.encodeSecureSession(server.createSecureSession({ ...other })),
      decode: token => server.decodeSecureSession(token)
    }
  }

  return { name, app, tokens, register: () => app({ secret: SECRET, salt: SALT }) }
}
