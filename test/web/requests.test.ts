// Requests that sessions are opened from: one session for each, whatever object a server wraps it in, and never that of another.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createWebSessions, type WebSession, type WebSessions } from '../../src/web/index.ts'
import { newKey } from '../support/helpers.ts'

const sessions: WebSessions = await createWebSessions({ key: newKey(), cookie: { secure: false } })

async function committed (session: WebSession): Promise<string[]> {
  const headers = new Headers()
  await session.commit(headers)
  return headers.getSetCookie()
}

async function cookieOf (userId: number): Promise<string> {
  const session = await sessions.open({ headers: {} })
  session.set('userId', userId)
  return (await committed(session))[0]!.split(';')[0]!
}

it('two wrappers of one request have one session: a logout in the one is not undone by a write in the other', async () => {
  const request = new Request('http://app.test/', { headers: { cookie: await cookieOf(1) } })
  const first = await sessions.open({ headers: request.headers })
  const second = await sessions.open(Object.create(request, { headers: { value: request.headers } }) as Request)
  assert.equal(first, second)
  first.delete()
  second.set('notice', 'logged out')
  const lines = await committed(second)
  assert.equal(lines.length, 1)
  const next = await sessions.open({ headers: { cookie: lines[0]!.split(';')[0] } })
  assert.deepEqual(next.data(), { notice: 'logged out' })
})

it('an object that a server uses for one request after the other gives each user their own session', async () => {
  const [ann, bob] = [await cookieOf(1), await cookieOf(2)]
  const pooled: { headers: { cookie?: string } } = { headers: { cookie: ann } }
  assert.equal((await sessions.open(pooled)).get('userId'), 1)
  pooled.headers.cookie = bob
  assert.equal((await sessions.open(pooled)).get('userId'), 2)
  delete pooled.headers.cookie
  assert.equal((await sessions.open(pooled)).get('userId'), undefined)
})

it('a logout is sent with other headers after those that refuse changes', async () => {
  const session = await sessions.open({ headers: { cookie: await cookieOf(1) } })
  session.delete()
  const redirect = Response.redirect('http://app.test/', 303)
  await assert.rejects(session.commit(redirect.headers), { code: 'FST_SEALED_SESSION_HEADERS_IMMUTABLE' })
  assert.match((await committed(session)).join(), /Max-Age=0/)
})

it('headers that refuse changes are refused at the first try, also if nothing has to be sent', async () => {
  const session = await sessions.open({ headers: {} })
  await assert.rejects(session.commit(Response.redirect('http://app.test/', 303).headers), { code: 'FST_SEALED_SESSION_HEADERS_IMMUTABLE' })
})
