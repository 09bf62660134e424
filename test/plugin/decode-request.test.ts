// `app.decodeSecureSession(request)`: the session that a request brings, found as the plugin finds it.
import type { FastifyInstance } from 'fastify'
import assert from 'node:assert/strict'
import { createServer, request as send, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import cookiePlugin from '@fastify/cookie'
import type { Session } from '../../src/index.ts'
import { cookiesOf, newKey, setCookies } from '../support/helpers.ts'
import { cookieWith, get, logged, newApp, readyApp } from '../support/app.ts'

const LARGE = 'x'.repeat(5000)
const SETUPS: Record<string, object> = {
  'a plain cookie': {},
  'the sealed format': { format: 'sealed' },
  'a signed cookie': { cookie: { signed: true } },
  'a cookie of another name': { cookieName: '__Host-id', cookie: { path: '/', secure: true } }
}

/** The `Cookie` header of a browser that got what a session that holds `data` was sent as. */
async function headerOf (app: FastifyInstance, data: object): Promise<string> {
  const response = await app.inject({ url: '/write', query: data as Record<string, string> })
  return cookiesOf(response)
}

async function appThatWrites (options: object, before?: (app: FastifyInstance) => void): Promise<FastifyInstance> {
  return await readyApp({
    session: { key: newKey(), ...options },
    before,
    routes: {
      '/write': ({ session, query }) => { for (const [key, value] of Object.entries(query as object)) session.set(key, value) },
      '/decode': request => (app(request) as Session | null)?.data() ?? { refused: true }
    }
  })

  function app (request: { server: FastifyInstance }): unknown {
    return request.server.decodeSecureSession(request as never)
  }
}

describe('decodeSecureSession of a request opens', () => {
  for (const [title, options] of Object.entries(SETUPS)) {
    for (const [size, data] of Object.entries({ whole: { user: 'ann' }, split: { user: 'ann', large: LARGE } })) {
      it(`${title}, ${size}`, async () => {
        const app = await appThatWrites(options)
        const cookie = await headerOf(app, data)
        assert.equal(cookie.split('; ').length > 1, size === 'split')
        assert.deepEqual((await get(app, '/decode', cookie)).json(), data)
        assert.deepEqual(app.decodeSecureSession({ headers: { cookie } })?.data(), data)
      })
    }
  }

  it('what the app put into request.cookies, as request.session does', async () => {
    const app = await appThatWrites({}, app => {
      app.register(cookiePlugin)
      app.addHook('onRequest', async request => {
        const { 'x-token': token } = request.headers
        if (token !== undefined) request.cookies['session'] = String(token)
      })
    })
    const token = app.encodeSecureSession(app.createSecureSession({ user: 'ann' }))
    assert.deepEqual((await app.inject({ url: '/decode', headers: { 'x-token': token, cookie: 'session=other' } })).json(), { user: 'ann' })
  })

  it('the session of a name', async () => {
    const key = newKey()
    const app = await readyApp({ session: [{ sessionName: 'one', key }, { sessionName: 'two', key }] })
    const request = { headers: { cookie: cookieWith(app, { n: 1 }, 'two') } }
    assert.equal(app.decodeSecureSession(request), null)
    assert.deepEqual(app.decodeSecureSession(request, undefined, 'two')?.data(), { n: 1 })
    assert.throws(() => app.decodeSecureSession(request, undefined, 'three'), { code: 'FST_SEALED_SESSION_UNKNOWN_SESSION' })
  })

  it('the request of an upgrade, which Fastify has not seen', async () => {
    const app = await appThatWrites({ cookie: { signed: true } })
    const cookie = await headerOf(app, { user: 'ann', large: LARGE })
    const server = createServer()
    const upgraded = new Promise<IncomingMessage>(resolve => { server.once('upgrade', (request, socket) => { socket.destroy(); resolve(request) }) })
    await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
    const { port } = server.address() as AddressInfo
    const client = send({ port, host: '127.0.0.1', headers: { connection: 'Upgrade', upgrade: 'websocket', cookie } })
    client.on('error', () => {}) // the socket is closed without an answer
    client.end()
    assert.deepEqual(app.decodeSecureSession(await upgraded)?.data(), { user: 'ann', large: LARGE })
    server.close()
  })
})

describe('decodeSecureSession of a request gives null', () => {
  const refused: Record<string, object> = {
    'without a cookie': { headers: {} },
    'with a cookie of another name': { headers: { cookie: 'other=1' } },
    'with a cookie that does not open': { headers: { cookie: 'session=AAAA' } },
    'with headers of a web request, which have no property for a cookie': new Request('http://localhost/', { headers: { cookie: 'session=AAAA' } })
  }
  for (const [title, request] of Object.entries(refused)) {
    it(title, async () => {
      const app = await readyApp()
      assert.equal(app.decodeSecureSession(request as never), null)
    })
  }

  it('for a cookie without a signature, where sessions are signed', async () => {
    const app = await appThatWrites({ cookie: { signed: true } })
    const token = app.encodeSecureSession(app.createSecureSession({ user: 'ann' }))
    assert.deepEqual(app.decodeSecureSession(token)?.data(), { user: 'ann' })
    assert.equal(app.decodeSecureSession({ headers: { cookie: `session=${encodeURIComponent(token)}` } }), null)
  })

  it('and says why in the log that it is given, else in that of the request, else in that of the app', async () => {
    const { lines, server } = logged()
    const app = await readyApp({ server })
    const own = logged()
    const request = { headers: { cookie: 'session=AAAA' } }
    const given = newApp({ server: own.server }).log
    app.decodeSecureSession(request, given)
    assert.equal(lines.length, 0)
    assert.match(own.lines[0]?.msg ?? '', /nonce|cipher|malformed|length/)
    app.decodeSecureSession({ ...request, log: given } as never)
    assert.equal(own.lines.length, 2)
    app.decodeSecureSession(request)
    assert.equal(lines.length, 1)
  })
})

it('decodeSecureSession of a request leaves request.session as it is', async () => {
  const app = await readyApp({
    routes: {
      '/': request => {
        const decoded = app.decodeSecureSession(request)!
        decoded.set('n', 2)
        assert.notEqual(decoded, request.session)
        return request.session.data()
      }
    }
  })
  const response = await get(app, '/', cookieWith(app, { n: 1 }))
  assert.deepEqual(response.json(), { n: 1 })
  assert.deepEqual(setCookies(response), [])
})
