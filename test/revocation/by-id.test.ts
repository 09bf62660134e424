// Ending one session by the id that a list of sessions shows.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { MemoryStore } from '../../src/revocation/index.ts'
import { get, post, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { cookieOf, setCookies } from '../support/helpers.ts'
import { TestStore, appWithLogins, login, who } from '../support/revocation.ts'

const DAY = 86_400

/** The id as sessionInfo shows it. */
async function idOf (app: FastifyInstance, cookie: string): Promise<string> {
  return (await get(app, '/info', cookie)).json<{ id: string }>().id
}

for (const format of ['sealed', 'secretbox'] as const) {
  describe(`revokeSessionId, in the ${format} format`, () => {
    it('ends the session that has the id, each copy of its cookie, and no other of the same user', async () => {
      const app = await appWithLogins({ session: { format } })
      const [phone, laptop] = [await login(app), await login(app)]
      const later = cookieOf(await post(app, '/write', phone, { theme: 'dark' }))
      await app.revokeSessionId(await idOf(app, phone))
      assert.deepEqual([await who(app, phone), await who(app, later), await who(app, laptop)], ['nobody', 'nobody', 'ann'])
      assert.equal((await get(app, '/info', phone)).json().reason, 'revoked')
      assert.equal(await who(app, await login(app, 'ann', phone)), 'ann', 'a login in the same browser works')
    })
  })
}

describe('revokeSessionId', () => {
  it('is idempotent, and takes an id that no session has', async () => {
    const app = await appWithLogins()
    const cookie = await login(app)
    const id = await idOf(app, cookie)
    for (let times = 0; times < 3; times++) await app.revokeSessionId(id)
    await app.revokeSessionId('AAAAAAAAAAAAAAAAAAAAAA')
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('is in force in another process within cacheTtl', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore()
    const [a, b] = [await appWithLogins({ revocation: { store } }), await appWithLogins({ revocation: { store } })]
    const cookie = await login(a)
    const id = await idOf(b, cookie)
    await a.revokeSessionId(id)
    assert.equal(await who(a, cookie), 'nobody', 'here at once')
    clock.tick(2000)
    assert.equal(await who(b, cookie), 'nobody')
  })

  it('ends a session with a lifetime of its own for as long as that may be, of which the caller need not know', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore()
    const setup = {
      session: { expiry: DAY },
      revocation: { store },
      after: (app: FastifyInstance) => { app.post('/remember', async ({ session }) => { session.options({ expiry: 30 * DAY }); return '' }) }
    }
    const app = await appWithLogins(setup)
    const cookie = cookieOf(await post(app, '/remember', await login(app)))
    await app.revokeSessionId(await idOf(app, cookie))
    clock.tick(29 * DAY * 1000)
    assert.equal((await get(await appWithLogins(setup), '/info', cookie)).json().reason, 'revoked')
  })

  it('ends the session of the request that calls it, as revokeSession does: no cookie is sent', async () => {
    const app = await appWithLogins({
      after: app => app.post('/end/:id', async ({ params, session }) => {
        await app.revokeSessionId((params as { id: string }).id);
        (session as Bag).note = 'late'
        return 'ended'
      })
    })
    const cookie = await login(app)
    const response = await post(app, `/end/${await idOf(app, cookie)}`, cookie)
    assert.deepEqual([response.body, await who(app, cookie)], ['ended', 'nobody'])
    const next = setCookies(response).map(line => line.split(';')[0]!) // split gives one part
    for (const sent of next) assert.equal(await who(app, sent), 'nobody', 'what was written is a new session\'s')
  })

  it('stops a request under way that would begin the session anew', async () => {
    const app = await appWithLogins({
      after: app => app.post('/renew/:id', async ({ params, session }) => {
        await app.revokeSessionId((params as { id: string }).id)
        session.regenerate();
        (session as Bag).user = 'ann'
        return ''
      })
    })
    const cookie = await login(app)
    const response = await post(app, `/renew/${await idOf(app, cookie)}`, cookie)
    assert.deepEqual(setCookies(response), [])
  })

  for (const [what, id] of Object.entries({
    'of another length': 'AAAA',
    'with padding': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'in the standard alphabet': 'AAAAAAAAAAAAAAAAAAAA+A',
    'with spare bits that are set': 'AAAAAAAAAAAAAAAAAAAAAB',
    'with white space': 'AAAAAAAAAAAAAAAAAAAAAA ',
    empty: '',
    'that is a number': 42,
    'that is missing': undefined,
    'that is bytes': Buffer.alloc(16),
    'that is an array': ['AAAAAAAAAAAAAAAAAAAAAA']
  })) {
    it(`refuses an id ${what} with a code, and stores nothing`, async () => {
      const store = new TestStore()
      const app = await appWithLogins({ revocation: { store } })
      await assert.rejects(app.revokeSessionId(id as string), { code: 'FST_SEALED_SESSION_ID_INVALID', statusCode: 400 })
      assert.deepEqual(store.take(), [])
    })
  }

  it('takes the name of its session, and refuses another with a code', async () => {
    const app = await appWithLogins({ session: { sessionName: 'session', cookieName: 'session' } })
    const cookie = await login(app)
    const id = await idOf(app, cookie)
    await assert.rejects(app.revokeSessionId(id, 'other'), { code: 'FST_SEALED_SESSION_UNKNOWN_SESSION' })
    assert.equal(await who(app, cookie), 'ann')
    await app.revokeSessionId(id, 'session')
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('that cannot be stored fails loudly, and leaves the session as it was', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store } })
    const cookie = await login(app)
    const id = await idOf(app, cookie)
    store.fail()
    await assert.rejects(app.revokeSessionId(id), { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE' })
    store.recover()
    assert.equal(await who(app, cookie), 'ann')
  })
})

describe('revokeOtherSessions', () => {
  const others = (app: FastifyInstance): void => {
    app.post('/others', async ({ session }) => { await app.revokeOtherSessions(session); return 'ended' })
  }

  it('ends all other sessions of the user, copies of its own old cookie too, and goes on with its data and a new id', async t => {
    stopClock(t)
    const app = await appWithLogins({ after: others })
    const [here, there, bob] = [await login(app), await login(app), await login(app, 'bob')]
    const before = await idOf(app, here)
    const next = cookieOf(await post(app, '/others', here))
    assert.deepEqual([await who(app, next), await who(app, here), await who(app, there), await who(app, bob)], ['ann', 'nobody', 'nobody', 'bob'])
    assert.notEqual(await idOf(app, next), before)
    assert.equal(await who(app, await login(app)), 'ann', 'a login right after works')
  })

  it('of a session that is nobody\'s is refused with a code, and stores nothing', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store }, after: others })
    const cookie = cookieOf(await post(app, '/write', undefined, { cart: 1 }))
    store.take()
    for (const sent of [cookie, undefined]) {
      const response = await post(app, '/others', sent)
      assert.deepEqual([response.statusCode, response.json().code], [401, 'FST_SEALED_SESSION_SUBJECT_NOBODY'])
    }
    assert.deepEqual(store.take().filter(call => call.startsWith('set')), [])
  })

  it('of a session that somebody has ended meanwhile is a conflict, and ends nobody: a thief must not throw the owner out', async () => {
    const app = await appWithLogins({
      after: app => app.post('/late', async ({ session }) => {
        const { id } = (await get(app, '/info', cookie)).json<{ id: string }>()
        await app.revokeSessionId(id)
        await app.revokeOtherSessions(session)
      })
    })
    const [cookie, other] = [await login(app), await login(app)]
    const response = await post(app, '/late', cookie)
    assert.deepEqual([response.statusCode, response.json().code], [409, 'FST_SEALED_SESSION_REVOKED_MEANWHILE'])
    assert.equal(await who(app, other), 'ann')
  })

  it('needs the option "subject"', async () => {
    const app = await appWithLogins({ revocation: { subject: undefined } as never })
    await assert.rejects(app.revokeOtherSessions(app.createSecureSession()), { code: 'FST_SEALED_SESSION_SUBJECT_MISSING', message: 'revokeOtherSessions needs the option "subject"' })
  })

  it('takes a session and nothing else', async () => {
    const app = await appWithLogins()
    await assert.rejects(app.revokeOtherSessions({}), { code: 'FST_SEALED_SESSION_NOT_A_SESSION' })
  })
})
