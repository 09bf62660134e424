// Sessions that are used or written where the plugin's hooks do not see it in time: in error handlers,
// after reply.send(), in later onSend hooks, beside streams and hijacked responses.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sessionInfo, type Session } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { get, post, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { cookieOf, cookiesOf, gate, setCookies } from '../support/helpers.ts'
import { TestStore, appWithLogins, login, subject, who } from '../support/revocation.ts'

describe('an error handler', () => {
  it('does not get at a session that could not be checked since "subject" refused it', async () => {
    let isStrict = false
    const app = await appWithLogins({
      revocation: { subject: session => isStrict ? 42 as never : subject(session) },
      after: app => app.setErrorHandler(async (_error, { session }) => (session as Bag).user)
    })
    const cookie = await login(app)
    isStrict = true
    const response = await get(app, '/me', cookie)
    assert.deepEqual([response.statusCode, response.json().code], [500, 'FST_SEALED_SESSION_NOT_CHECKED'])
  })

  it('that writes after a logout that could not be stored does not take the cookie away', async () => {
    const store = new TestStore()
    const app = await appWithLogins({
      revocation: { store },
      after: app => app.setErrorHandler(async (error: Error & { statusCode: number }, { session }, reply) => {
        (session as Bag).flash = 'sorry'
        return reply.code(error.statusCode).send('sorry')
      })
    })
    const cookie = await login(app)
    store.before = method => { if (method === 'set') throw new Error('read only') }
    const response = await post(app, '/logout', cookie)
    assert.deepEqual([response.statusCode, response.body], [503, 'sorry'])
    assert.deepEqual(setCookies(response), [], 'a new session here would leave the old one alive, and its owner logged out')
    assert.equal(await who(app, cookie), 'ann')
  })
})

describe('a session that is used while it is being checked', () => {
  it('throws the coded error', async () => {
    const store = new TestStore()
    const { opened, open } = gate()
    const seen: unknown[] = []
    const app = await appWithLogins({
      revocation: { store, cacheTtl: 0 },
      before: app => app.addHook('onRequest', (request, _reply, done) => {
        if (request.url === '/me') setImmediate(() => { try { seen.push((request.session as Bag).user) } catch (error) { seen.push((error as { code: string }).code) } finally { open() } })
        done()
      })
    })
    const cookie = await login(app)
    store.before = async () => await opened
    assert.equal(await who(app, cookie), 'ann')
    assert.deepEqual(seen, ['FST_SEALED_SESSION_NOT_CHECKED'])
  })
})

/** An app whose handler and later onSend hook a test chooses. */
async function late (act: (session: Bag, app: FastifyInstance) => unknown, session: object = {}): Promise<FastifyInstance> {
  return await appWithLogins({
    session,
    after: app => {
      app.get('/late', async ({ session }) => (session as Bag).user ?? 'nobody')
      app.addHook('onSend', async ({ session, url }) => { if (url === '/late') await act(session as Bag, app) })
    }
  })
}

for (const format of ['sealed', 'secretbox'] as const) {
  describe(`a write in a later onSend hook, in the ${format} format`, () => {
    it('is sealed, and the session goes on', async () => {
      const app = await late(session => { session.theme = 'dark' }, { format })
      const cookie = await login(app)
      const next = cookieOf(await get(app, '/late', cookie))
      assert.equal(await who(app, next), 'ann')
      await post(app, '/logout', cookie)
      assert.equal(await who(app, next), 'nobody', 'as the same session')
    })

    for (const [what, end] of Object.entries({
      revokeSession: async (app: FastifyInstance, session: Session) => await app.revokeSession(session),
      revokeSubject: async (app: FastifyInstance) => await app.revokeSubject('ann'),
      revokeAll: async (app: FastifyInstance) => await app.revokeAll()
    })) {
      it(`sends no cookie where this process has ended the session meanwhile: ${what}`, async () => {
        const app = await late(async (session, app) => {
          await end(app, session)
          session.theme = 'dark'
        }, { format })
        const cookie = await login(app)
        assert.deepEqual(setCookies(await get(app, '/late', cookie)), [])
        assert.equal(await who(app, cookie), 'nobody')
      })
    }

    it('that is a delete() sends the deletion, and the session is dead', async () => {
      const app = await late(session => { session.delete() }, { format })
      const cookie = await login(app)
      assert.match(setCookies(await get(app, '/late', cookie))[0] ?? '', /^session=; Max-Age=0/)
      assert.equal(await who(app, cookie), 'nobody')
    })
  })
}

/** Answers first, then does `act`, in the same tick. @param before done before it answers. */
async function sendingFirst (act: (session: Bag, app: FastifyInstance) => unknown, before: (session: Bag) => unknown = () => {}): Promise<FastifyInstance> {
  return await appWithLogins({
    after: app => app.post('/first', (request: FastifyRequest, reply: FastifyReply) => {
      const { session } = request
      assert.ok(sessionInfo(session))
      before(session as Bag)
      reply.send('sent')
      act(session as Bag, app)
    })
  })
}

describe('a write right after reply.send()', () => {
  it('is a login like any other: a new id, and valid right after revokeSubject', async t => {
    stopClock(t)
    const app = await sendingFirst(session => { session.user = 'ann' }, session => { session.touch() })
    const anonymous = cookieOf(await post(app, '/write', undefined, { cart: 1 }))
    await app.revokeSubject('ann')
    const cookie = cookieOf(await post(app, '/first', anonymous))
    assert.equal(await who(app, cookie), 'ann')
    const [before, after] = [(await get(app, '/info', anonymous)).json(), (await get(app, '/info', cookie)).json()]
    assert.notEqual(after.id, before.id)
  })

  it('of a session that another process ended meanwhile sends no cookie', async () => {
    const store = new MemoryStore()
    const other = await appWithLogins({ revocation: { store } })
    let cookie = ''
    const app = await appWithLogins({
      revocation: { store, cacheTtl: 300 },
      after: app => app.post('/first', (request: FastifyRequest, reply: FastifyReply) => {
        const { session } = request
        post(other, '/logout', cookie).then(() => {
          reply.send('sent');
          (session as Bag).theme = 'dark'
        }, error => { reply.send(error) })
      })
    })
    cookie = await login(app)
    assert.deepEqual(setCookies(await post(app, '/first', cookie)), [])
  })

  it('that is a delete() sends the deletion in place of the write before it', async () => {
    const app = await sendingFirst(session => { session.delete() }, session => { session.theme = 'dark' })
    const cookie = await login(app)
    const response = await post(app, '/first', cookie)
    assert.deepEqual(setCookies(response).map(line => line.split(';').slice(0, 2).join(';')), ['session=; Max-Age=0'])
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('that is a regenerate() leaves the user logged in, and ends the session of before', async () => {
    const app = await sendingFirst(session => { session.regenerate(['user']) }, session => { session.theme = 'dark' })
    const cookie = await login(app)
    const next = cookieOf(await post(app, '/first', cookie))
    assert.deepEqual([await who(app, next), await who(app, cookie)], ['ann', 'nobody'])
  })

  it('that is a regenerate() of a session that another process ended meanwhile sends no cookie', async () => {
    const store = new MemoryStore()
    const other = await appWithLogins({ revocation: { store } })
    for (const [what, end] of Object.entries({
      'a logout': async (cookie: string) => await post(other, '/logout', cookie),
      'revokeSubject()': async () => { await other.revokeSubject('ann') }
    })) {
      let cookie = ''
      const app = await appWithLogins({
        revocation: { store, cacheTtl: 300 },
        after: app => app.post('/first', ({ session }: FastifyRequest, reply: FastifyReply) => {
          (session as Bag).theme = 'dark'
          end(cookie).then(() => {
            reply.send('sent')
            session.regenerate(['user'])
          }, error => { reply.send(error) })
        })
      })
      cookie = await login(app)
      assert.deepEqual(setCookies(await post(app, '/first', cookie)), [], what)
    }
  })
})

describe('a regenerate() while reply.sessionCookies() and the hook both wait for the store', () => {
  it('leaves the user logged in', async () => {
    const store = new TestStore()
    const { opened, open } = gate()
    const app = await appWithLogins({
      revocation: { store, cacheTtl: 0 },
      after: app => app.post('/both', async ({ session }, reply) => {
        (session as Bag).theme = 'dark'
        store.before = method => method === 'get' ? opened : undefined
        const cookies = reply.sessionCookies()
        reply.send('sent')
        session.regenerate(['user'])
        open()
        await cookies
      })
    })
    const cookie = await login(app)
    const response = await post(app, '/both', cookie)
    assert.equal(setCookies(response).length, 1)
    assert.deepEqual([await who(app, cookieOf(response)), await who(app, cookie)], ['ann', 'nobody'])
  })
})

describe('a response that is a stream', () => {
  it('waits for the store before its headers leave', async () => {
    const store = new TestStore()
    const app = await appWithLogins({
      revocation: { store },
      after: app => app.post('/stream', async ({ session }, reply) => { session.delete(); return reply.send(Readable.from(['a', 'b'])) })
    })
    const cookie = await login(app)
    const { opened, open } = gate()
    store.before = method => method === 'set' ? opened : undefined
    let hasLeft = false
    const response = post(app, '/stream', cookie).finally(() => { hasLeft = true })
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate)
    assert.equal(hasLeft, false)
    open()
    assert.match(setCookies(await response)[0] ?? '', /Max-Age=0/)
    assert.equal(await who(app, cookie), 'nobody')
  })
})

describe('a response that is hijacked', () => {
  it('has its session checked, and its delete() reaches the store', async () => {
    const store = new TestStore()
    const app = await appWithLogins({
      revocation: { store },
      after: app => app.post('/raw', (request, reply) => {
        reply.hijack()
        const { session } = request
        const who = String((session as Bag).user)
        session.delete()
        reply.raw.end(who)
      })
    })
    const cookie = await login(app)
    assert.equal((await post(app, '/raw', cookie)).body, 'ann')
    assert.equal((await post(app, '/raw', cookie)).body, 'undefined')
    assert.equal([...store.held.keys()].filter(key => key.includes(':revoked:')).length, 1)
  })
})

describe('a session that is split over two cookies', () => {
  it('is revoked like any other, and nothing of it is left with the browser', async () => {
    const app = await appWithLogins()
    const response = await post(app, '/login', undefined, { user: 'ann', text: 'x'.repeat(4000) })
    const cookie = cookiesOf(response)
    assert.match(cookie, /session\.1=/)
    assert.equal(await who(app, cookie), 'ann')
    const lines = setCookies(await post(app, '/logout', cookie))
    assert.deepEqual(lines.map(line => line.split(';').slice(0, 2).join(';')), ['session=; Max-Age=0', 'session.1=; Max-Age=0'])
    assert.equal(await who(app, cookie), 'nobody')
  })
})
