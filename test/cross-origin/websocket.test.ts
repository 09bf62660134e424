// A WebSocket begins with a GET, and browsers let any site open one: the upgrade is checked like a POST.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type RouteShorthandOptions } from 'fastify'
import { WebSocket, WebSocketServer } from 'ws'
import { crossOriginProtection } from '../../src/cross-origin/index.ts'
import secureSession from '../../src/index.ts'
import { cookieWith } from '../support/app.ts'
import { CODE, ask, listening } from '../support/cross-origin.ts'
import { newKey } from '../support/helpers.ts'

type Order = ReadonlyArray<'websocket' | 'session' | 'protection'>

/** An app whose `/socket` says whose session it has. */
async function socketApp (t: TestContext, order: Order, config: RouteShorthandOptions['config'] = {}): Promise<FastifyInstance> {
  const app = Fastify({ forceCloseConnections: true })
  const plugins = {
    websocket: () => app.register(websocket),
    session: () => app.register(secureSession, { key: newKey() }),
    protection: () => app.register(crossOriginProtection, { trustedOrigins: ['https://trusted.example'] })
  }
  for (const name of order) plugins[name]()
  app.register(async app => {
    app.get('/socket', { websocket: true, config }, (socket, { session }) => { socket.send(`user ${session.get('userId' as never)}`) })
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(async () => { await app.close() })
  return app
}

const ORDERS: Order[] = [['websocket', 'session', 'protection'], ['protection', 'websocket', 'session'], ['session', 'protection', 'websocket']]

/** The first message of a connection that brings a session, or the answer to an upgrade that was refused. */
async function connect (app: FastifyInstance, headers: Record<string, string>): Promise<string | { status: number | undefined, code: string }> {
  const { port } = app.server.address() as AddressInfo
  const client = new WebSocket(`ws://127.0.0.1:${port}/socket`, { headers: { host: 'app.example', cookie: cookieWith(app, { userId: 42 }), ...headers } })
  const refused = once(client, 'unexpected-response') as Promise<[unknown, IncomingMessage]>
  const first = await Promise.race([once(client, 'message'), refused])
  if (first.length === 2 && !Buffer.isBuffer(first[0])) {
    const [, response] = await refused
    const body = JSON.parse((await response.toArray()).join('')) as { code: string }
    return { status: response.statusCode, code: body.code }
  }
  client.terminate()
  return String(first[0])
}

const REFUSED = { status: 403, code: CODE }

for (const order of ORDERS) {
  describe(`in a route of @fastify/websocket, registered as ${order.join(', ')}`, () => {
    it('a page of another origin cannot open a WebSocket as the user', async t => {
      const app = await socketApp(t, order)
      for (const headers of [
        { origin: 'https://other.example' }, { origin: 'https://sub.app.example' }, { origin: 'null' }, { origin: 'http://app.example:8080' },
        { origin: 'https://sub.app.example', 'sec-fetch-site': 'same-site' }, { origin: 'https://other.example', 'sec-fetch-site': 'cross-site' }
      ]) assert.deepEqual(await connect(app, headers), REFUSED, JSON.stringify(headers))
    })

    it('a page of the app can, and a program that is no browser', async t => {
      const app = await socketApp(t, order)
      for (const headers of [{ origin: 'https://app.example' }, { origin: 'https://app.example', 'sec-fetch-site': 'same-origin' }, {}]) {
        assert.equal(await connect(app, headers), 'user 42', JSON.stringify(headers))
      }
    })
  })
}

for (const order of ORDERS) {
  it(`a connection whose upgrade was refused is closed, also if its client does not: ${order.join(', ')}`, { timeout: 60_000 }, async t => {
    const app = await socketApp(t, order)
    const client = net.connect({ port: (app.server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
    t.after(() => { client.destroy() })
    client.write('GET /socket HTTP/1.1\r\nHost: app.example\r\nOrigin: https://other.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
    assert.match(await text(client), /^HTTP\/1.1 403 [^]*"code":"FST_SEALED_SESSION_CROSS_ORIGIN"/)
    await app.close() // would wait for the connection
  })
}

it('app.injectWS() of a test is refused with the Origin of another site', async t => {
  const app = await socketApp(t, ORDERS[1]!)
  await assert.rejects(app.injectWS('/socket', { headers: { host: 'app.example', origin: 'https://other.example' } }), /403/)
})

describe('a WebSocket', () => {
  it('may be opened from a trusted origin', async t => {
    assert.equal(await connect(await socketApp(t, ORDERS[0]!), { origin: 'https://trusted.example' }), 'user 42')
  })

  it('may be opened from everywhere if its route says so', async t => {
    assert.equal(await connect(await socketApp(t, ORDERS[0]!, { crossOriginProtection: false }), { origin: 'https://other.example' }), 'user 42')
  })

  it('without this plugin, is opened from everywhere', async t => {
    assert.equal(await connect(await socketApp(t, ['websocket', 'session']), { origin: 'https://other.example' }), 'user 42')
  })

  it('of a server that listens for upgrades itself is not checked, since no hook runs', async t => {
    const app = await socketApp(t, ['session', 'protection', 'websocket'])
    app.server.removeAllListeners('upgrade')
    const server = new WebSocketServer({ server: app.server })
    server.on('connection', socket => { socket.send('open') })
    t.after(() => { server.close() })
    assert.equal(await connect(app, { origin: 'https://other.example' }), 'open')
  })
})

it('a GET of another site that asks for any upgrade is refused', async t => {
  const app = await listening(t)
  const { status } = await ask(app, { method: 'GET', headers: { host: 'app.example', origin: 'https://other.example', upgrade: 'h2c', connection: 'upgrade' } })
  assert.equal(status, 403)
})
