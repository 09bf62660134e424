// examples/audit-log, over the network: the lines that it writes.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Example, cookieOf } from './example.ts'

interface Line { event: string, id: string | null, why: string | null, subjects: string[], requestId: string }

describe('examples/audit-log', () => {
  let example: Example
  before(async () => { example = await Example.start('audit-log/server.js') })
  after(async () => await example.stop())

  async function logIn (password: string): Promise<Response> {
    return await example.post('/login', JSON.stringify({ name: 'Grace', password }))
  }

  /** The line about an event, once it is written. */
  async function line (event: string): Promise<Line> {
    return JSON.parse(await example.printed(new RegExp(`^.*"${event}".*$`, 'm'))) as Line
  }

  it('writes a line about a login that fails, with the method and the id of the request', async () => {
    assert.equal((await logIn('wrong')).status, 401)
    const { requestId, why } = await line('login.failed')
    assert.match(requestId, /^[\da-f-]{36}$/)
    assert.equal(why, 'password')
    assert.doesNotMatch(example.output, /session\.begun/)
  })

  it('writes by which method a user has logged in, and that the session has ended, with one id and one hash, and no name', async () => {
    const cookie = cookieOf((await logIn('analytical engine')).headers.get('set-cookie') ?? '')
    const [begun, authenticated] = [await line('session.begun'), await line('session.authenticated')]
    const { status } = await fetch(`${example.url}/logout`, { method: 'POST', headers: { cookie } })
    assert.equal(status, 204)
    const ended = await line('session.ended')
    assert.match(String(begun.id), /^[\w-]{22}$/)
    assert.deepEqual([authenticated, ended].map(({ id, why, subjects }) => [id, why, subjects]), [[begun.id, 'password', begun.subjects], [begun.id, 'logout', begun.subjects]])
    assert.equal(authenticated.requestId, begun.requestId)
    assert.notEqual(ended.requestId, begun.requestId)
    assert.doesNotMatch(example.output, /Grace/)
  })

  it('writes why a cookie was refused', async () => {
    await example.get('/me', 'audit-log-example=garbage')
    assert.equal((await line('session.refused')).why, 'malformed')
  })

  it('ends on SIGTERM', async () => {
    assert.equal(await example.stop(), 0)
  })
})
