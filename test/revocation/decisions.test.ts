// Each decision of the guard and of what is stored, one at a time: found by changing them by hand.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { sessionInfo } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { get, post, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { cookieOf, setCookies } from '../support/helpers.ts'
import { TestStore, appWithLogins, login, who } from '../support/revocation.ts'

const DAY = 86_400

function routes (app: FastifyInstance): void {
  app.post('/twice', async ({ session }) => { session.delete(); session.delete(); return '' })
  app.post('/quiet', async ({ session }) => { session.delete(); session.changed = false; return '' })
  app.post('/raw', (request, reply) => { reply.hijack(); request.session.delete(); reply.raw.end('') })
  app.post('/forget', async ({ session }) => { delete (session as Bag).user; return '' })
  app.post('/login-remembered', async ({ session }) => {
    session.regenerate();
    (session as Bag).user = 'ann'
    session.options({ expiry: 30 * DAY })
    return ''
  })
  app.post('/remember', async ({ session }) => { session.options({ expiry: 30 * DAY }); return '' })
}

function readOnly (store: TestStore): void {
  store.before = method => { if (method === 'set') throw new Error('read only') }
}

describe('a delete() that cannot be stored', () => {
  for (const url of ['/twice', '/quiet']) {
    it(`fails the request however it was made: ${url}`, async () => {
      const store = new TestStore()
      const app = await appWithLogins({ revocation: { store }, after: routes })
      const cookie = await login(app)
      readOnly(store)
      assert.equal((await post(app, url, cookie)).statusCode, 503)
    })
  }

  it('does not end the process where the response was hijacked', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store }, after: routes })
    const cookie = await login(app)
    readOnly(store)
    assert.equal((await post(app, '/raw', cookie)).statusCode, 200)
    await new Promise(setImmediate)
    assert.equal(await who(app, cookie), 'ann')
  })
})

describe('a delete() that a response waits for twice', () => {
  it('sends no deletion unless it was stored', async () => {
    const store = new TestStore()
    const app = await appWithLogins({
      revocation: { store },
      after: app => app.post('/both', async ({ session }, reply) => {
        session.delete()
        reply.sessionCookies().catch(() => {}) // not awaited: onSend waits for the same
        return ''
      })
    })
    const cookie = await login(app)
    store.before = async method => {
      for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate)
      if (method === 'set') throw new Error('read only')
    }
    assert.deepEqual(setCookies(await post(app, '/both', cookie)), [])
    store.recover()
    assert.equal(await who(app, cookie), 'ann')
  })
})

describe('a delete() that could not be stored', () => {
  it('is not followed by the cookie of a new session, which a later onSend hook writes to', async () => {
    const store = new TestStore()
    const app = await appWithLogins({
      revocation: { store },
      after: app => app.addHook('onSend', async ({ session }, { statusCode }) => { if (statusCode === 503) (session as Bag).flash = 'sorry' })
    })
    const cookie = await login(app)
    readOnly(store)
    const response = await post(app, '/logout', cookie)
    assert.equal(response.statusCode, 503)
    assert.deepEqual(setCookies(response), [], 'it would leave the old session alive, and its owner logged out')
  })
})

describe('two logouts at once in one process', () => {
  it('send one deletion: the other could take a newer login away', async () => {
    const app = await appWithLogins({ revocation: { store: new TestStore() } })
    const cookie = await login(app)
    const responses = await Promise.all([post(app, '/logout', cookie), post(app, '/logout', cookie)])
    assert.ok(responses.flatMap(response => setCookies(response)).length <= 1)
  })
})

describe('the subject of a session', () => {
  it('that becomes another one gives it a new id', async () => {
    const app = await appWithLogins()
    const ann = await login(app)
    const bob = cookieOf(await post(app, '/write', ann, { user: 'bob' }))
    assert.notEqual((await get(app, '/info', bob)).json().id, (await get(app, '/info', ann)).json().id)
  })

  it('that is taken away leaves it as it was', async () => {
    const app = await appWithLogins({ after: routes })
    const ann = await login(app)
    const nobody = cookieOf(await post(app, '/forget', ann))
    assert.equal((await get(app, '/info', nobody)).json().id, (await get(app, '/info', ann)).json().id)
  })
})

describe('a session that was regenerated, and then becomes somebody else\'s', () => {
  it('has the id that the app saw in between', async () => {
    let seen: string | null = null
    const app = await appWithLogins({
      after: app => app.post('/become', async ({ session }) => {
        session.regenerate(['user'])
        seen = sessionInfo(session).id;
        (session as Bag).user = 'bob'
        return ''
      })
    })
    const cookie = cookieOf(await post(app, '/become', await login(app)))
    assert.equal((await get(app, '/info', cookie)).json().id, seen)
    assert.ok(seen !== null)
  })
})

describe('a session that begins', () => {
  it('right after revokeAll is valid, although nobody is logged in', async t => {
    stopClock(t)
    const app = await appWithLogins()
    await app.revokeAll()
    const cookie = cookieOf(await post(app, '/write', undefined, { cart: 1 }))
    assert.equal((await get(app, '/info', cookie)).json().status, 'valid')
  })

  it('right after another process called revokeSubject is valid, whatever the cache says', async t => {
    stopClock(t)
    const store = new MemoryStore()
    const [app, other] = [await appWithLogins({ revocation: { store, cacheTtl: 300 } }), await appWithLogins({ revocation: { store } })]
    await who(app, await login(app))
    await other.revokeSubject('ann')
    const cookie = await login(app)
    assert.deepEqual([await who(app, cookie), await who(other, cookie)], ['ann', 'ann'])
  })

  for (const [what, lose] of Object.entries({
    forgets: (store: TestStore) => { store.held.clear() },
    fails: (store: TestStore) => { store.fail() }
  })) {
    it(`right after revokeSubject is valid, although the store ${what} it`, async t => {
      stopClock(t)
      const store = new TestStore()
      const app = await appWithLogins({ revocation: { store, onStoreError: 'accept' } })
      await app.revokeSubject('ann')
      lose(store)
      assert.equal(await who(app, await login(app)), 'ann')
    })
  }

  it('and ends before its response leaves is not sealed again by a late write', async () => {
    const app = await appWithLogins({
      after: app => app.addHook('onSend', async ({ session, url }) => {
        if (url !== '/login') return
        await app.revokeSubject('ann');
        (session as Bag).theme = 'dark'
      })
    })
    const response = await post(app, '/login', undefined, { user: 'ann' })
    assert.equal(await who(app, cookieOf(response)), 'nobody')
    assert.deepEqual(app.decodeSecureSession(decodeURIComponent(cookieOf(response).slice('session='.length)))?.data?.(), { user: 'ann' })
  })
})

describe('what could not be stored', () => {
  it('is not in force: revokeSubject and revokeAll', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store } })
    const cookie = await login(app)
    readOnly(store)
    await assert.rejects(app.revokeSubject('ann'))
    await assert.rejects(app.revokeAll())
    assert.equal(await who(app, cookie), 'ann')
  })
})

describe('a lifetime of its own', () => {
  for (const onStoreError of ['reject', 'accept'] as const) {
    it(`writes nothing to the store, which may be read only: ${onStoreError}`, async () => {
      const store = new TestStore()
      const app = await appWithLogins({ session: { expiry: DAY }, revocation: { store, onStoreError }, after: routes })
      readOnly(store)
      const remembered = cookieOf(await post(app, '/login-remembered'))
      assert.equal(await who(app, remembered), 'ann')
      assert.deepEqual(store.take().filter(call => call.startsWith('set')), [])
    })
  }
})

describe('a token that encodeSecureSession sealed for longer', () => {
  const sealed = (app: FastifyInstance): string => {
    const session = app.createSecureSession({ user: 'ann' }) as Bag
    session.options({ expiry: 30 * DAY })
    return app.encodeSecureSession(session)
  }

  const REVOKE: Record<string, (app: FastifyInstance, token: string) => Promise<unknown>> = {
    'by delete()': async (app, token) => await post(app, '/logout', `session=${token}`),
    'by revokeSession()': async (app, token) => await app.revokeSession(app.decodeSecureSession(token)!),
    'by revokeSubject()': async app => await app.revokeSubject('ann'),
    'by revokeAll()': async app => await app.revokeAll()
  }
  for (const [how, revoke] of Object.entries(REVOKE)) {
    it(`is revoked for as long as it can live, although no request had brought it: ${how}`, async t => {
      const clock = stopClock(t)
      const store = new MemoryStore()
      const setup = { session: { expiry: DAY }, revocation: { store } }
      const app = await appWithLogins(setup)
      const token = sealed(app)
      await revoke(app, token)
      clock.tick(30 * DAY * 1000 - 1)
      assert.equal((await get(await appWithLogins(setup), '/info', `session=${token}`)).json().reason, 'revoked')
    })
  }
})

describe('a session that is revoked', () => {
  it('stays so where revoking it again cannot be stored', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store, onStoreError: 'accept', cacheTtl: 0 } })
    const cookie = await login(app)
    const session = app.decodeSecureSession(decodeURIComponent(cookie.slice('session='.length)))!
    await app.revokeSession(session)
    store.fail()
    await assert.rejects(app.revokeSession(session))
    assert.equal(await who(app, cookie), 'nobody')
  })
})

describe('a login of the same user after delete() in one request', () => {
  const relogin = (app: FastifyInstance): void => {
    app.post('/relogin', async ({ session }) => {
      session.delete()
      Object.assign(session, { user: 'ann' })
      return ''
    })
  }

  it('gets its cookie, and the session of before has ended', async () => {
    const app = await appWithLogins({ after: relogin })
    const before = await login(app)
    const response = await post(app, '/relogin', before)
    assert.deepEqual([await who(app, cookieOf(response)), await who(app, before)], ['ann', 'nobody'])
  })

  it('gets none if the user has logged out elsewhere before', async () => {
    const app = await appWithLogins({
      after: app => {
        relogin(app)
        app.addHook('preHandler', async (request: FastifyRequest) => {
          if (request.url === '/relogin') await post(app, '/logout', request.headers.cookie)
        })
      }
    })
    assert.deepEqual(setCookies(await post(app, '/relogin', await login(app))), [])
  })
})
