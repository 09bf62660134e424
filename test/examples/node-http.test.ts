// examples/node-http as a visitor's browser sees it, over the network.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createSessionCodec } from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { Example, cookieOf, splitCookie, tamperedWith } from './example.ts'

const KEY = newKey().toString('hex')
const COOKIE = 'node-http-example'

describe('examples/node-http', () => {
  let example: Example
  before(async () => { example = await Example.start('node-http/server.js', { SESSION_KEYS: KEY }) })
  after(async () => await example.stop())

  async function profile (cookie?: string): Promise<Response> {
    return await fetch(`${example.url}/profile`, { headers: cookie === undefined ? {} : { cookie } })
  }

  it('logs in with a cookie that no script sees, and shows the profile of whoever sends it', async () => {
    const line = await example.logIn('Grace')
    assert.match(line, /^node-http-example=[\w-]+; Max-Age=900; Path=\/; HttpOnly; SameSite=Lax$/)
    const response = await profile(`other=1; ${cookieOf(line)}`)
    assert.equal(response.status, 200)
    const { name, expiresAt } = await response.json() as { name: string, expiresAt: string }
    assert.equal(name, 'Grace')
    assert.ok(Math.abs(Date.parse(expiresAt) - Date.now() - 900_000) < 60_000)
    assert.equal(response.headers.get('cache-control'), 'no-store')
  })

  it('keeps what is not ASCII', async () => {
    const response = await profile(cookieOf(await example.logIn('Zoë 日本')))
    assert.equal((await response.json() as { name: string }).name, 'Zoë 日本')
  })

  it('shows the profile although a cookie of the same name was planted before it', async () => {
    const response = await profile(`${COOKIE}=planted; ${cookieOf(await example.logIn('Grace'))}`)
    assert.equal(response.status, 200)
  })

  it('shows the profile of a session that was split over several cookies', async () => {
    const response = await profile(await splitCookie({ key: KEY, cookieName: COOKIE }, 'Grace'))
    assert.equal((await response.json() as { name: string }).name, 'Grace')
  })

  it('answers 401 to a request without a good cookie, and says no more', async () => {
    const sealed = async (data: object, options: object = {}): Promise<string> => {
      const codec = await createSessionCodec<object>({ key: KEY, format: 'sealed', cookieName: COOKIE, ...options })
      return `${COOKIE}=${codec.seal(data)}`
    }
    const cookies = {
      none: undefined,
      garbage: `${COOKIE}=garbage`,
      'changed on the way': tamperedWith(cookieOf(await example.logIn())),
      'sealed with another key': await sealed({ name: 'Eve' }, { key: newKey() }),
      'sealed for another cookie': await sealed({ name: 'Eve' }, { cookieName: 'other' }),
      'of a session that is not logged in': await sealed({})
    }
    for (const [what, cookie] of Object.entries(cookies)) {
      const response = await profile(cookie)
      assert.deepEqual([response.status, await response.text()], [401, ''], what)
    }
    await example.printed(/refused a session: not-authentic/)
    assert.doesNotMatch(example.output, /[\w-]{40}/)
  })

  it('answers 401 once the session has expired', async () => {
    const cookie = cookieOf(await example.logIn())
    await example.wait(15 * 60 - 1)
    assert.equal((await profile(cookie)).status, 200)
    await example.wait(1)
    assert.equal((await profile(cookie)).status, 401)
  })

  it('tells the browser to drop the cookie at a logout, with the attributes it was set with', async () => {
    const response = await example.post('/logout', '')
    assert.equal(response.headers.get('set-cookie'), 'node-http-example=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax')
  })

  it('refuses a login that is not the JSON it expects', async () => {
    for (const body of ['', '{', 'null', '[]', '{}', '{"name":1}', '{"name":""}', JSON.stringify({ name: 'x'.repeat(2000) })]) {
      const response = await example.post('/login', body)
      assert.deepEqual([response.status, response.headers.get('set-cookie')], [400, null], body.slice(0, 20))
    }
    assert.equal((await example.post('/login', '{"name":"Ada"}', 'text/plain')).status, 400, 'as a form of another site sends it')
  })

  it('answers 404 to anything else', async () => {
    for (const path of ['/', '/login', '/constructor']) assert.equal((await fetch(example.url + path)).status, 404)
  })

  it('goes on when a client goes away in the middle of its request', async () => {
    const { hostname, port } = new URL(example.url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    socket.end(`POST /login HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`)
    await example.printed(/a request failed: aborted/)
    assert.match(await example.logIn(), /^node-http-example=/)
  })

  it('has a __Host- cookie in production, as browsers take it, and ends on SIGTERM', async () => {
    const production = await Example.start('node-http/server.js', { SESSION_KEYS: KEY, NODE_ENV: 'production' })
    const line = await production.logIn()
    assert.match(line, /^__Host-session=[\w-]+; Max-Age=900; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    const response = await fetch(`${production.url}/profile`, { headers: { cookie: cookieOf(line) } })
    assert.equal(response.status, 200)
    assert.equal(await production.stop(), 0)
  })
})
