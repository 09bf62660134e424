// examples/mercurius as its clients see it, over the network.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { newKey } from '../support/helpers.ts'
import { Example, cookieOf } from './example.ts'
import { next, refusalOf } from './sockets.ts'

const LOGIN = 'mutation { login(id: 1) { id } }'
const ME = '{ me { id } }'
const COOKIE_LINE = /^mercurius-example=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/

describe('examples/mercurius', () => {
  let example: Example
  before(async () => { example = await Example.start('mercurius/server.js', { SESSION_KEYS: newKey().toString('hex') }) })
  after(async () => await example.stop())

  /** What a query is answered with, or a batch of them. */
  async function ask (query: string | string[], cookie = ''): Promise<{ status: number, body: any, cookies: string[] }> {
    const body = JSON.stringify(typeof query === 'string' ? { query } : query.map(query => ({ query })))
    const response = await fetch(`${example.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', cookie }, body })
    return { status: response.status, body: await response.json(), cookies: response.headers.getSetCookie() }
  }

  async function logIn (id: number): Promise<string> {
    const { cookies } = await ask(`mutation { login(id: ${id}) { id } }`)
    return cookieOf(cookies[0] ?? '')
  }

  it('logs in with a mutation, and knows who asks', async () => {
    const { body, cookies: [line = '', ...more] } = await ask(LOGIN)
    assert.deepEqual(body, { data: { login: { id: 1 } } })
    assert.match(line, COOKIE_LINE)
    assert.deepEqual(more, [])
    const asked = await ask(ME, cookieOf(line))
    assert.deepEqual([asked.body, asked.cookies], [{ data: { me: { id: 1 } } }, []])
  })

  it('knows nobody without a cookie that opens', async () => {
    for (const cookie of ['', 'mercurius-example=garbage']) assert.deepEqual((await ask(ME, cookie)).body, { data: { me: null } })
  })

  it('opens no session for a query that asks for nothing of it', async () => {
    const cookie = await logIn(1)
    const opens = await example.opensDuring(async () => {
      assert.deepEqual((await ask('{ __typename }', cookie)).body, { data: { __typename: 'Query' } })
    })
    assert.equal(opens, 0)
  })

  it('drops the cookie at a logout', async () => {
    const { body, cookies } = await ask('mutation { logout }', await logIn(1))
    assert.deepEqual(body, { data: { logout: true } })
    assert.equal(cookies.length, 1)
    assert.match(cookies[0] ?? '', /^mercurius-example=; Max-Age=0; Path=\/;.* HttpOnly; SameSite=Lax$/)
  })

  it('sends one cookie for a batch of operations, which share the session', async () => {
    const { body, cookies } = await ask([LOGIN, ME, 'mutation { login(id: 2) { id } }'])
    assert.deepEqual(body.map(({ data }: { data: object }) => Object.keys(data)), [['login'], ['me'], ['login']])
    assert.equal(cookies.length, 1)
    assert.equal(typeof (await ask(ME, cookieOf(cookies[0] ?? ''))).body.data.me.id, 'number')
  })

  it('sends the cookie of one operation of a batch although another fails', async () => {
    const { body: [failed, login], cookies } = await ask(['mutation { say(text: "hi") }', LOGIN])
    assert.equal(failed.errors[0].extensions.code, 'UNAUTHENTICATED')
    assert.deepEqual(login.data, { login: { id: 1 } })
    assert.match(cookies[0] ?? '', COOKIE_LINE)
  })

  it('performs no mutation for a GET, which links of other sites send with the cookie', async () => {
    const response = await example.get(`/graphql?query=${encodeURIComponent(LOGIN)}`)
    assert.deepEqual([response.status, response.headers.get('set-cookie')], [405, null])
  })

  describe('subscriptions', () => {
    /** What a page of the app opens. */
    function open (cookie: string, origin = example.url): WebSocket {
      return new WebSocket(`${example.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers: { cookie, origin } })
    }

    /** Sends a message and waits for the answer. */
    async function answer (client: WebSocket, message: object): Promise<{ type: string, payload?: any }> {
      const answered = next(client, 'message')
      client.send(JSON.stringify(message))
      return JSON.parse(String((await answered)[0]))
    }

    /** A connection that is ready for subscriptions. */
    async function connected (cookie: string, payload?: object): Promise<WebSocket> {
      const client = open(cookie)
      await next(client, 'open')
      assert.equal((await answer(client, { type: 'connection_init', payload })).type, 'connection_ack')
      return client
    }

    it('bring a user what others say', async () => {
      const client = await connected(await logIn(1))
      client.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: 'subscription { said }' } }))
      // The next message is answered after the one before has been dealt with.
      await answer(client, { type: 'ping' })
      const said = next(client, 'message')
      assert.deepEqual((await ask('mutation { say(text: "hi") }', await logIn(2))).body, { data: { say: true } })
      assert.deepEqual(JSON.parse(String((await said)[0])).payload, { data: { said: 'hi' } })
      client.close()
      await next(client, 'close')
    })

    it('are refused before the upgrade to whoever is not logged in, and to pages of other origins', async () => {
      const cookie = await logIn(1)
      assert.equal((await refusalOf(open('mercurius-example=garbage')))[0], 401)
      assert.equal((await refusalOf(open(cookie, 'https://example.com')))[0], 403)
    })

    it('end with the session', async () => {
      const client = await connected(await logIn(1))
      const closed = next(client, 'close')
      await example.wait(15 * 60)
      const [code, reason] = await closed
      assert.deepEqual([code, String(reason)], [1008, 'session expired'])
    })
  })

  it('ends on SIGTERM', async () => {
    assert.equal(await example.stop(), 0)
  })
})
