// The app's own origin: Host, ports, TLS, proxies, HTTP/2.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import type { FastifyServerOptions } from 'fastify'
import { noBrowser, tls } from '../support/browser.ts'
import { ask, listening, statusOf } from '../support/cross-origin.ts'

describe('Origin and Host', () => {
  const same: Array<[origin: string, host: string]> = [
    ['https://app.example', 'app.example'],
    ['http://app.example', 'app.example'],
    ['https://app.example', 'app.example:443'],
    ['http://app.example', 'app.example:80'],
    ['https://app.example:8443', 'app.example:8443'],
    ['https://app.example', 'APP.Example'],
    ['http://[::1]:3000', '[::1]:3000'],
    ['http://[::1]:3000', '[0:0:0:0:0:0:0:1]:3000'],
    ['https://[2001:db8::1]', '[2001:DB8::1]'],
    ['http://127.0.0.1:3000', '127.0.0.1:3000'],
    ['https://xn--bcher-kva.example', 'xn--bcher-kva.example']
  ]
  for (const [origin, host] of same) {
    it(`${origin} is the app's own at ${host}`, async t => {
      assert.equal(await statusOf(await listening(t), { headers: { origin, host } }), 200)
    })
  }

  const others: Array<[origin: string, host: string]> = [
    ['https://app.example:8443', 'app.example'],
    ['https://app.example', 'app.example:8443'],
    ['https://app.example', 'app.example:80'],
    ['http://app.example', 'app.example:443'],
    ['http://localhost:3000', 'localhost:4000'],
    ['http://[::1]:3000', '[::2]:3000'],
    ['http://localhost', '127.0.0.1'],
    ['https://app.example', 'app.example/'],
    ['https://app.example', 'user@app.example'],
    ['https://app.example', '']
  ]
  for (const [origin, host] of others) {
    it(`${origin} is another origin at "${host}"`, async t => {
      assert.equal(await statusOf(await listening(t), { headers: { origin, host } }), 403)
    })
  }

  it('a request of HTTP/1.0 without Host is refused if it has an Origin, and passes if it has none', async t => {
    const app = await listening(t)
    const statusWith = async (header: string): Promise<string | undefined> => {
      const socket = net.connect((app.server.address() as AddressInfo).port, '127.0.0.1')
      socket.write(`POST /act HTTP/1.0\r\nContent-Length: 0\r\n${header}\r\n`)
      return (await text(socket)).split(' ')[1]
    }
    assert.deepEqual([await statusWith('Origin: https://app.example\r\n'), await statusWith('')], ['403', '200'])
  })
})

describe('over TLS', { skip: noBrowser }, () => {
  /** The answer to a POST over TLS. */
  async function statusOver (t: TestContext, headers: Record<string, string>): Promise<number | undefined> {
    const app = await listening(t, { server: tls() })
    const { port } = app.server.address() as AddressInfo
    const request = https.request({ host: '127.0.0.1', port, method: 'POST', path: '/act', headers, agent: false, rejectUnauthorized: false })
    request.end()
    const [response] = await once(request, 'response')
    response.resume()
    return response.statusCode
  }

  it('a page of the same name without TLS is of another origin', async t => {
    assert.equal(await statusOver(t, { host: 'app.example', origin: 'http://app.example' }), 403)
  })

  it('a page of the same name with TLS is the app\'s own', async t => {
    assert.equal(await statusOver(t, { host: 'app.example', origin: 'https://app.example' }), 200)
  })
})

describe('behind a proxy', () => {
  const trusting: FastifyServerOptions = { trustProxy: '127.0.0.1' }
  const forwarded = { host: 'upstream:3000', 'x-forwarded-host': 'app.example', 'x-forwarded-proto': 'https' }

  it('that Fastify trusts, the host is the one that the browser asked for', async t => {
    const app = await listening(t, { server: trusting })
    assert.equal(await statusOf(app, { headers: { ...forwarded, origin: 'https://app.example' } }), 200)
    assert.equal(await statusOf(app, { headers: { ...forwarded, origin: 'https://other.example' } }), 403)
    assert.equal(await statusOf(app, { headers: { ...forwarded, origin: 'http://upstream:3000' } }), 403)
  })

  it('that Fastify trusts and that took the request over TLS, a page of the same name without TLS is of another origin', async t => {
    const app = await listening(t, { server: trusting })
    assert.equal(await statusOf(app, { headers: { ...forwarded, origin: 'http://app.example' } }), 403)
  })

  it('that Fastify does not trust, what it forwards does not count', async t => {
    for (const server of [{}, { trustProxy: '192.0.2.1' }]) {
      const app = await listening(t, { server })
      assert.equal(await statusOf(app, { headers: { ...forwarded, origin: 'https://app.example' } }), 403)
      assert.equal(await statusOf(app, { headers: { ...forwarded, host: 'other.example', origin: 'https://other.example' } }), 200)
    }
  })

  it('that changes Host, pages of the app pass if its origin is trusted', async t => {
    const app = await listening(t, { crossOrigin: { trustedOrigins: ['https://app.example'] } })
    assert.equal(await statusOf(app, { headers: { host: 'upstream', origin: 'https://app.example' } }), 200)
  })

  it('that changes Host, pages of the app pass if the browser says that they are of the same origin', async t => {
    const app = await listening(t)
    assert.equal(await statusOf(app, { headers: { host: 'upstream', origin: 'https://app.example', 'sec-fetch-site': 'same-origin' } }), 200)
  })
})

describe('over HTTP/2', () => {
  async function statusOver (t: TestContext, headers: Record<string, string>): Promise<unknown> {
    const app = await listening(t, { server: { http2: true, forceCloseConnections: false } })
    const client = http2.connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
    try {
      const stream = client.request({ ':method': 'POST', ':path': '/act', ':authority': 'app.example', ...headers })
      stream.end()
      const [answer] = await once(stream, 'response')
      stream.resume()
      return answer[':status']
    } finally {
      client.close() // before the app, which waits for it for more than a minute
    }
  }

  it('the host is the authority of the request', async t => {
    assert.equal(await statusOver(t, { origin: 'https://app.example' }), 200)
    assert.equal(await statusOver(t, { origin: 'https://other.example' }), 403)
  })

  it('Sec-Fetch-Site counts', async t => {
    assert.equal(await statusOver(t, { origin: 'https://app.example', 'sec-fetch-site': 'same-origin' }), 200)
    assert.equal(await statusOver(t, { origin: 'https://app.example', 'sec-fetch-site': 'cross-site' }), 403)
  })
})

it('app.inject() of a test passes, with the Origin of its Host as well', async t => {
  const app = await listening(t)
  for (const [headers, status] of [[{}, 200], [{ origin: 'http://localhost' }, 200], [{ origin: 'http://other.example' }, 403]] as const) {
    assert.equal((await app.inject({ method: 'POST', url: '/act', headers })).statusCode, status)
  }
  assert.equal((await ask(app)).body, 'done')
})
