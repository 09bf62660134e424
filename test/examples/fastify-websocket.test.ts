// examples/fastify-websocket as its clients see it, over the network.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { createSessionCodec } from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { Example, cookieOf, splitCookie, tamperedWith } from './example.ts'
import { next, refusalOf } from './sockets.ts'

const KEY = newKey().toString('hex')
const COOKIE = 'fastify-websocket-example'

describe('examples/fastify-websocket', () => {
  let example: Example
  before(async () => { example = await Example.start('fastify-websocket/server.js', { SESSION_KEYS: KEY }) })
  after(async () => await example.stop())

  /** What a page of the app opens, with this cookie. */
  function open (cookie?: string, origin: string | undefined = example.url): WebSocket {
    const headers = { ...(origin !== '' && { origin }), ...(cookie !== undefined && { cookie }) }
    return new WebSocket(`${example.url.replace('http', 'ws')}/greeting`, { headers })
  }

  async function status (cookie?: string, origin?: string): Promise<number | undefined> {
    const [code, headers, body] = await refusalOf(open(cookie, origin))
    assert.ok(!headers.some(name => name.toLowerCase() === 'set-cookie'))
    assert.equal(body, '')
    return code
  }

  it('greets the user who has logged in, also one whose session was split over several cookies', async () => {
    const cookies = [cookieOf(await example.logIn('Grace')), await splitCookie({ key: KEY, cookieName: COOKIE }, 'Grace')]
    for (const cookie of cookies) {
      const client = open(cookie)
      assert.equal(String((await next(client, 'message'))[0]), 'Hello Grace')
      client.close()
      await next(client, 'close')
    }
  })

  it('answers 401 before the upgrade to whoever is not logged in, and says no more', async () => {
    const codec = await createSessionCodec<object>({ key: KEY, format: 'sealed', cookieName: COOKIE })
    const cookies = {
      none: undefined,
      garbage: `${COOKIE}=garbage`,
      'changed on the way': tamperedWith(cookieOf(await example.logIn())),
      'of a session that is not logged in': `${COOKIE}=${codec.seal({})}`
    }
    for (const [what, cookie] of Object.entries(cookies)) assert.equal(await status(cookie), 401, what)
  })

  it('answers 403 to a page of another origin, even with a valid cookie, and does not open that', async () => {
    const cookie = cookieOf(await example.logIn())
    const { port } = new URL(example.url)
    const origins = ['https://example.com', 'http://127.0.0.1:1', `http://localhost:${port}`, 'null', '']
    const opens = await example.opensDuring(async () => {
      for (const origin of origins) assert.equal(await status(cookie, origin), 403, origin)
    })
    assert.equal(opens, 0)
  })

  it('closes the connection when the session expires', async () => {
    const cookie = cookieOf(await example.logIn())
    const client = open(cookie)
    await next(client, 'message')
    const closed = next(client, 'close')
    await example.wait(15 * 60 - 1)
    assert.equal(client.readyState, WebSocket.OPEN)
    await example.wait(1)
    const [code, reason] = await closed
    assert.deepEqual([code, String(reason)], [1008, 'session ended'])
    assert.equal(await status(cookie), 401)
  })

  it('goes on when a client breaks the rules', async () => {
    const client = open(cookieOf(await example.logIn()))
    await next(client, 'message')
    client.send('x'.repeat(2000))
    assert.equal((await next(client, 'close'))[0], 1009)
    assert.match(await example.logIn(), /^fastify-websocket-example=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  it('closes its connections and ends on SIGTERM', async () => {
    const client = open(cookieOf(await example.logIn()))
    await next(client, 'message')
    const closed = next(client, 'close')
    assert.equal(await example.stop(), 0)
    await closed
  })
})
