// examples/websocket as its clients see it, over the network.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { createSessionCodec } from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { Example, cookieOf, splitCookie, tamperedWith } from './example.ts'
import { next, refusalOf, type Refusal } from './sockets.ts'

const KEY = newKey().toString('hex')
const COOKIE = 'websocket-example'

describe('examples/websocket', () => {
  let example: Example
  before(async () => { example = await Example.start('websocket/server.js', { SESSION_KEYS: KEY }) })
  after(async () => await example.stop())

  /** What a page of the app opens, with these headers. */
  function open (headers: Record<string, string | undefined>): WebSocket {
    const all = { origin: example.url, ...headers }
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<string, string>
    return new WebSocket(example.url.replace('http', 'ws'), { headers: given })
  }

  /** The status, headers and body with which an upgrade is refused; fails where it is not. */
  async function refusal (headers: Record<string, string | undefined>): Promise<Refusal> {
    return await refusalOf(open(headers))
  }

  /** A token that the app's key has sealed. */
  async function sealed (data: object, options: object = {}): Promise<string> {
    const codec = await createSessionCodec<object>({ key: KEY, format: 'sealed', cookieName: COOKIE, ...options })
    return `${COOKIE}=${codec.seal(data)}`
  }

  const UNAUTHORIZED = [401, ['Connection', 'close', 'Content-Length', '0'], '']
  const FORBIDDEN = [403, ['Connection', 'close', 'Content-Length', '0'], '']

  it('seals its cookie in the sealed format, which needs no percent-encoding', async () => {
    assert.match(await example.logIn(), /^websocket-example=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  it('greets the user who has logged in', async () => {
    const client = open({ cookie: `other=1; ${cookieOf(await example.logIn('Grace'))}` })
    const [message] = await next(client, 'message')
    assert.equal(String(message), 'Hello Grace')
    client.close()
    await next(client, 'close')
  })

  it('greets the user although a cookie of the same name was planted before', async () => {
    const client = open({ cookie: `${COOKIE}=planted; ${cookieOf(await example.logIn('Grace'))}` })
    assert.equal(String((await next(client, 'message'))[0]), 'Hello Grace')
    client.close()
    await next(client, 'close')
  })

  it('greets the user whose session was split over several cookies', async () => {
    const client = open({ cookie: await splitCookie({ key: KEY, cookieName: COOKIE }, 'Grace') })
    assert.equal(String((await next(client, 'message'))[0]), 'Hello Grace')
    client.close()
    await next(client, 'close')
  })

  it('refuses an upgrade without a cookie', async () => {
    assert.deepEqual(await refusal({}), UNAUTHORIZED)
    assert.deepEqual(await refusal({ cookie: 'other=1' }), UNAUTHORIZED)
  })

  it('tells apart to no client why a cookie is refused', async () => {
    const cookie = cookieOf(await example.logIn())
    const cookies = {
      garbage: `${COOKIE}=garbage`,
      empty: `${COOKIE}=`,
      'changed on the way': tamperedWith(cookie),
      'sealed with another key': await sealed({ name: 'Eve' }, { key: newKey() }),
      'sealed for another cookie': await sealed({ name: 'Eve' }, { cookieName: 'other' }),
      'in a format that is not accepted': encodeURIComponent(await sealed({ name: 'Eve' }, { format: 'secretbox' })).replace('%3D', '='),
      'of a session that is not logged in': await sealed({})
    }
    for (const [what, cookie] of Object.entries(cookies)) assert.deepEqual(await refusal({ cookie }), UNAUTHORIZED, what)
  })

  it('refuses a session that has expired, and closes the connection that it has opened', async () => {
    const cookie = cookieOf(await example.logIn())
    const client = open({ cookie })
    await next(client, 'message')
    const closed = next(client, 'close')
    await example.wait(15 * 60 - 1)
    assert.equal(client.readyState, WebSocket.OPEN)
    await example.wait(1)
    const [code, reason] = await closed
    assert.deepEqual([code, String(reason)], [1008, 'session expired'])
    assert.deepEqual(await refusal({ cookie }), UNAUTHORIZED)
    await example.printed(/refused an upgrade: expired/)
  })

  it('refuses a page of another origin, even with a valid cookie, and what names no origin', async () => {
    const cookie = cookieOf(await example.logIn())
    const { port } = new URL(example.url)
    for (const origin of ['https://example.com', 'http://127.0.0.1:1', `http://localhost:${port}`, `http://127.0.0.1:${port}.example.com`, 'null', '', undefined]) {
      assert.deepEqual(await refusal({ cookie, origin }), FORBIDDEN, origin)
    }
  })

  it('tells the browser to drop the cookie at a logout', async () => {
    const response = await example.post('/logout', '{}')
    assert.match(response.headers.get('set-cookie') ?? '', /^websocket-example=; Max-Age=0; Path=\//)
  })

  it('goes on when clients break off or break the rules', async () => {
    const { hostname, port } = new URL(example.url)
    const socket = connect(Number(port), hostname)
    await next(socket, 'connect')
    socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}:${port}\r\nOrigin: https://example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    socket.resetAndDestroy()

    const client = open({ cookie: cookieOf(await example.logIn()) })
    await next(client, 'message')
    client.send('x'.repeat(2000))
    const [code] = await next(client, 'close')
    assert.equal(code, 1009)
    assert.match(await example.logIn(), /^websocket-example=/)
  })

  it('logs why it refuses, and never a token', async () => {
    const cookie = await sealed({ name: 'Eve' }, { cookieName: 'other' })
    await refusal({ cookie })
    await example.printed(/refused an upgrade: not-authentic/)
    assert.doesNotMatch(example.output, /[\w-]{40}/)
  })

  it('ends on SIGTERM, and says so to whom it is connected with', async () => {
    const other = await Example.start('websocket/server.js')
    const client = new WebSocket(other.url.replace('http', 'ws'), { headers: { cookie: cookieOf(await other.logIn()), origin: other.url } })
    await next(client, 'message')
    const closed = next(client, 'close')
    assert.equal(await other.stop(), 0)
    assert.equal((await closed)[0], 1001)
  })
})
