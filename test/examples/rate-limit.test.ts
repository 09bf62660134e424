// examples/rate-limit over the network, and the limiter beside revocation.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import rateLimit from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import { createSessionCodec } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { get, newApp, post } from '../support/app.ts'
import { cookieOf as cookieIn, newKey } from '../support/helpers.ts'
import { Example, cookieOf, tamperedWith } from './example.ts'

const KEY = newKey().toString('hex')
const COOKIE = 'rate-limit-example'
const [LIMIT, LOGINS] = [10, 5] // a minute

describe('examples/rate-limit', () => {
  let example: Example
  before(async () => { example = await Example.start('rate-limit/server.js', { SESSION_KEYS: KEY }) })
  after(async () => await example.stop())
  beforeEach(async () => await example.wait(60))

  const status = async (cookie?: string): Promise<number> => (await example.get('/profile', cookie)).status

  /** Sends requests until the limit is reached. */
  async function exhaust (cookie: (attempt: number) => string | undefined, expected: number): Promise<void> {
    for (let attempt = 0; attempt < LIMIT; attempt++) assert.equal(await status(cookie(attempt)), expected)
  }

  it('counts each user apart from others of the same address, and from those who are not logged in', async () => {
    const [ada, grace] = [cookieOf(await example.logIn('Ada')), cookieOf(await example.logIn('Grace'))]
    await exhaust(() => ada, 200)
    assert.equal(await status(ada), 429)
    assert.equal(await status(grace), 200)
    assert.equal(await status(), 401)
  })

  it('counts the sessions of one user together', async () => {
    const sessions = [cookieOf(await example.logIn()), cookieOf(await example.logIn())]
    await exhaust(attempt => sessions[attempt % 2], 200)
    for (const cookie of sessions) assert.equal(await status(cookie), 429)
  })

  it('gives nobody a new count for another cookie that does not open', async () => {
    const cookie = cookieOf(await example.logIn())
    const foreign = await createSessionCodec<object>({ key: newKey(), format: 'sealed', cookieName: COOKIE })
    const kinds = [undefined, `${COOKIE}=garbage`, tamperedWith(cookie)]
    await exhaust(attempt => attempt < kinds.length ? kinds[attempt] : `${COOKIE}=${foreign.seal({ name: `Eve ${attempt}` })}`, 401)
    for (const cookie of kinds) assert.equal(await status(cookie), 429)
    assert.equal(await status(cookie), 200, 'the user is not kept out by that')
  })

  it('does not let a user whose name is an address count as that address', async () => {
    const cookie = cookieOf(await example.logIn('127.0.0.1'))
    await exhaust(() => cookie, 200)
    assert.equal(await status(), 401)
  })

  it('opens a session once, for the limiter and the handler together', async () => {
    const cookie = cookieOf(await example.logIn())
    assert.equal(await example.opensDuring(async () => assert.equal(await status(cookie), 200)), 1)
  })

  it('refuses with 429, when to come back, and no cookie; the session stays as it is', async () => {
    const cookie = cookieOf(await example.logIn())
    await exhaust(() => cookie, 200)
    const response = await example.get('/profile', cookie)
    assert.deepEqual([response.status, response.headers.get('retry-after'), response.headers.get('set-cookie')], [429, '60', null])
    await example.wait(60)
    assert.equal(await status(cookie), 200)
  })

  it('counts logins by address alone, and refuses one without opening its cookie', async () => {
    const logIn = async (cookie: string): Promise<Response> =>
      await fetch(`${example.url}/login`, { method: 'POST', headers: { 'content-type': 'application/json', cookie }, body: '{"name":"Ada"}' })
    const cookie = cookieOf(await example.logIn())
    for (let attempt = 1; attempt < LOGINS; attempt++) assert.equal((await logIn(cookie)).status, 204)
    const opens = await example.opensDuring(async () => {
      const response = await logIn(cookie)
      assert.deepEqual([response.status, response.headers.get('set-cookie')], [429, null])
    })
    assert.equal(opens, 0)
  })

  it('ends on SIGTERM', async () => {
    assert.equal(await example.stop(), 0)
  })
})

describe('a limiter that reads the session', () => {
  it('finds a revoked session empty, so a copy of its cookie does not count as its user', async () => {
    const keys: unknown[] = []
    const keyGenerator = ({ session }: FastifyRequest): string => {
      keys.push(session.get('name'))
      return 'key'
    }
    const app = newApp({
      session: { key: newKey(), format: 'sealed' },
      revocation: { store: new MemoryStore() },
      after: app => app.register(rateLimit, { max: 10, keyGenerator }),
      routes: app => {
        app.after(() => {
          app.post('/login', async ({ session }) => { session.set('name', 'Ada'); return 'in' })
          app.post('/logout', async ({ session }) => { session.delete(); return 'out' })
          app.get('/', async () => 'done')
        })
      }
    })

    const cookie = cookieIn(await post(app, '/login'))
    await get(app, '/', cookie)
    await post(app, '/logout', cookie)
    await get(app, '/', cookie)
    assert.deepEqual(keys, [undefined, 'Ada', 'Ada', undefined])
  })
})
