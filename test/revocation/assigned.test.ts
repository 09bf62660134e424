// `request.session = session` where sessions can be revoked: what was opened before is looked at again.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Keyring, type Session } from '../../src/index.ts'
import { MemoryStore, type RevocationStore } from '../../src/revocation/index.ts'
import { get, post, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { cookieOf, newKey, setCookies } from '../support/helpers.ts'
import { TestStore, appWithLogins, login, who } from '../support/revocation.ts'

/** A session of a login, opened outside a request. */
async function openedSession (app: FastifyInstance): Promise<Session> {
  const [line = ''] = setCookies(await post(app, '/login', undefined, { user: 'ann' }))
  return app.decodeSecureSession({ headers: { cookie: line.slice(0, line.indexOf(';')) } })!
}

/** An app with a route that assigns `session`, after `before`. */
async function assigning (before: (app: FastifyInstance, session: Session) => unknown, store: RevocationStore = new MemoryStore()): Promise<{ app: FastifyInstance, session: Session }> {
  const given: { session?: Session } = {}
  const app = await appWithLogins({
    revocation: { store, cacheTtl: 60 },
    after: app => app.get('/assign', async request => {
      request.session = given.session!
      const user = (request.session as Bag).user ?? 'nobody'
      await before(app, given.session!)
      return user
    })
  })
  given.session = await openedSession(app)
  return { app, session: given.session }
}

describe('a session that was opened outside a request', () => {
  it('is not assigned before the app has asked whether it was revoked', async () => {
    const { app } = await assigning(() => {})
    const response = await get(app, '/assign')
    assert.equal(response.json().code, 'FST_SEALED_SESSION_NOT_CHECKED')
    assert.deepEqual(setCookies(response), [])
  })

  it('is assigned and sent when it was not revoked', async () => {
    const { app, session } = await assigning(() => {})
    assert.equal(await app.isSessionRevoked(session), false)
    const response = await get(app, '/assign')
    assert.equal(response.body, 'ann')
    const [line = ''] = setCookies(response)
    assert.equal((await get(app, '/me', line.slice(0, line.indexOf(';')))).body, 'ann')
  })

  it('is not assigned when it was revoked', async () => {
    const { app, session } = await assigning(() => {})
    await app.revokeSession(session)
    assert.equal(await app.isSessionRevoked(session), true)
    assert.equal((await get(app, '/assign')).json().code, 'FST_SEALED_SESSION_NOT_CHECKED')
  })

  for (const [title, revoke] of Object.entries({
    'it was revoked': (app: FastifyInstance, session: Session) => app.revokeSession(session),
    'all of the user were revoked': (app: FastifyInstance) => app.revokeSubject('ann')
  })) {
    it(`reads as empty and is not sent when ${title} since the app asked`, async () => {
      const { app, session } = await assigning(() => {})
      assert.equal(await app.isSessionRevoked(session), false)
      await revoke(app, session)
      const response = await get(app, '/assign')
      assert.equal(response.body, 'nobody')
      assert.deepEqual(setCookies(response), [])
    })

    it(`is not sent when ${title} by another process while the handler runs`, async () => {
      const store = new MemoryStore()
      const other = await appWithLogins({ revocation: { store, cacheTtl: 60 } })
      const { app, session } = await assigning((_app, session) => revoke(other, session), store)
      assert.equal(await app.isSessionRevoked(session), false)
      const response = await get(app, '/assign')
      assert.equal(response.statusCode, 200)
      assert.deepEqual(setCookies(response), [])
    })
  }
})

it('a new session may be assigned at once, and can be revoked', async () => {
  const app = await appWithLogins({
    after: app => app.get('/assign', async request => { request.session = app.createSecureSession({ user: 'ann' }) })
  })
  const [line = ''] = setCookies(await get(app, '/assign'))
  const cookie = line.slice(0, line.indexOf(';'))
  assert.equal((await get(app, '/me', cookie)).body, 'ann')
  await app.revokeSession(app.decodeSecureSession({ headers: { cookie } })!)
  assert.equal((await get(app, '/me', cookie)).body, 'nobody')
})

it('a logout whose session is then replaced is stored, and a store that fails fails the request', async () => {
  const store = new MemoryStore()
  let fails = false
  const failing: RevocationStore = {
    get: key => store.get(key),
    set: (key, value, ttl) => { if (fails) throw new Error('out'); return store.set(key, value, ttl) }
  }
  const app = await appWithLogins({
    revocation: { store: failing },
    after: app => app.get('/switch', async request => {
      request.session.delete()
      request.session = app.createSecureSession({ user: 'bob' })
    })
  })
  const login = async (): Promise<string> => setCookies(await post(app, '/login', undefined, { user: 'ann' }))[0]!.split(';')[0]!
  const cookie = await login()
  assert.equal((await get(app, '/switch', cookie)).statusCode, 200)
  assert.equal((await get(app, '/me', cookie)).body, 'nobody')
  const second = await login()
  fails = true
  const response = await get(app, '/switch', second)
  assert.equal(response.statusCode, 503)
  assert.deepEqual(setCookies(response), [])
})

/** An app whose `POST /switch` reads the session, does `meanwhile`, and assigns what `make` gives. */
async function switching (meanwhile: (app: FastifyInstance, cookie: string) => unknown, make: (app: FastifyInstance, read: unknown, cookie: string) => Session | Promise<Session>, { isDiscarded = false, store = new MemoryStore() as RevocationStore, then = (_session: Session): void => {} } = {}): Promise<{ app: FastifyInstance, other: FastifyInstance }> {
  const revocation = { store, cacheTtl: 0 }
  const other = await appWithLogins({ revocation })
  const app = await appWithLogins({
    revocation,
    after: app => app.post('/switch', async request => {
      const cookie = String(request.headers.cookie)
      const user = (request.session as Bag).user
      await meanwhile(other, cookie)
      if (isDiscarded) (request as { session: unknown }).session = null
      request.session = await make(app, user, cookie)
      then(request.session)
    })
  })
  return { app, other }
}

const made = (app: FastifyInstance, user: unknown): Session => app.createSecureSession({ user })
const ENDED_BY_OTHERS: Record<string, { end: (app: FastifyInstance, cookie: string) => unknown, status: number }> = {
  'a logout': { end: (app, cookie) => post(app, '/logout', cookie), status: 200 },
  'revokeSession()': { end: (app, cookie) => app.revokeSession(app.decodeSecureSession({ headers: { cookie } })!), status: 200 },
  'revokeSubject()': { end: app => app.revokeSubject('ann'), status: 409 },
  'revokeAll()': { end: app => app.revokeAll(), status: 409 }
}

describe('a new session assigned with who was read before', () => {
  for (const [title, { end, status }] of Object.entries(ENDED_BY_OTHERS)) {
    for (const isDiscarded of [false, true]) {
      it(`is not sent after ${title} in another process while the request is under way${isDiscarded ? ', and null was assigned between' : ''}: ${status}`, async () => {
        const { app } = await switching(end, made, { isDiscarded })
        const response = await post(app, '/switch', await login(app))
        assert.deepEqual([response.statusCode, setCookies(response)], [status, []])
      })
    }
  }

  it('is not sent after a logout in this process', async () => {
    const { app } = await switching((_other, cookie) => post(app, '/logout', cookie), made)
    assert.deepEqual(setCookies(await post(app, '/switch', await login(app))), [])
  })

  it('is sent after its own revokeSubject(), and lives', async () => {
    const { app } = await switching(() => app.revokeSubject('ann'), made)
    assert.equal(await who(app, cookieOf(await post(app, '/switch', await login(app)))), 'ann')
  })

  it('ends the session that it replaces, as regenerate() does', async () => {
    const { app, other } = await switching(() => {}, app => app.createSecureSession({ user: 'bob' }))
    const cookie = await login(app)
    const next = cookieOf(await post(app, '/switch', cookie))
    assert.deepEqual([await who(other, next), await who(other, cookie)], ['bob', 'nobody'])
  })

  it('is refused while the store fails, and nothing is sent', async () => {
    const store = new TestStore()
    const { app } = await switching(() => { store.fail() }, made, { store })
    const response = await post(app, '/switch', await login(app))
    assert.deepEqual([response.statusCode, setCookies(response)], [503, []])
  })
})

for (const revoke of ['revokeSubject', 'revokeAll'] as const) {
  it(`a session made before ${revoke}() and assigned in a request after it ends with it: 409, and no cookie`, async t => {
    const clock = stopClock(t)
    const { app } = await switching(() => {}, () => session)
    const session = app.createSecureSession({ user: 'ann' })
    clock.tick(1000)
    await app[revoke]('ann')
    clock.tick(1000)
    const response = await post(app, '/switch')
    assert.deepEqual([response.statusCode, response.json().code, setCookies(response)], [409, 'FST_SEALED_SESSION_REVOKED_MEANWHILE', []])
  })
}

describe('a session that was opened and is assigned', () => {
  const checked = async (app: FastifyInstance, cookie: string): Promise<Session> => {
    const session = app.decodeSecureSession({ headers: { cookie } })!
    await app.isSessionRevoked(session)
    return session
  }

  it('may be the one that the request brings, opened once more, and goes on', async () => {
    const { app, other } = await switching(() => {}, (app, _user, cookie) => checked(app, cookie))
    assert.equal(await who(other, cookieOf(await post(app, '/switch', await login(app)))), 'ann')
  })

  for (const again of ['', 'regenerate']) {
    it(`is not sent when it is logged out after it was checked${again && ', even after regenerate()'}`, async () => {
      const { app, other } = await switching(() => {}, async (app, _user, cookie) => {
        const second = again === '' ? cookie : await login(app)
        const session = await checked(app, second)
        await post(other, '/logout', second)
        return session
      }, { then: session => { if (again !== '') Object.assign((session.regenerate(), session), { user: 'ann' }) } })
      assert.deepEqual(setCookies(await post(app, '/switch', await login(app))), [])
    })
  }

  it('keeps its own check when the app ends the session before it afterwards', async () => {
    const store = new MemoryStore()
    const other = await appWithLogins({ revocation: { store, cacheTtl: 0 } })
    const app = await appWithLogins({
      revocation: { store, cacheTtl: 60 },
      after: app => app.post('/switch', async request => {
        const before = request.session
        const next = await checked(app, String(request.headers['x-cookie']))
        request.session = next
        before.regenerate()
        await login(other, 'bob', String(request.headers['x-cookie'])) // takes its place
      })
    })
    const headers = { cookie: await login(app), 'x-cookie': await login(app, 'bob') }
    assert.deepEqual(setCookies(await app.inject({ method: 'POST', url: '/switch', headers })), [])
  })

  it('has to be checked again once the answer is older than ten seconds and cacheTtl', async t => {
    const clock = stopClock(t)
    const { app } = await switching(() => {}, () => session)
    const session = await checked(app, await login(app))
    clock.tick(10_001)
    assert.equal((await post(app, '/switch')).json().code, 'FST_SEALED_SESSION_NOT_CHECKED')
    await app.isSessionRevoked(session)
    assert.equal((await post(app, '/switch')).statusCode, 200)
  })

  for (const [title, change] of Object.entries({
    'another user was written into it': (session: Session) => { (session as Bag).user = 'bob' },
    'it was regenerated': (session: Session) => { session.regenerate(['user'] as never) }
  })) {
    it(`does not count as checked when the app asked after ${title}`, async () => {
      const { app } = await switching(() => {}, () => session)
      const session = app.decodeSecureSession({ headers: { cookie: await login(app) } })!
      await app.revokeSubject('ann')
      change(session)
      await app.isSessionRevoked(session)
      const response = await post(app, '/switch')
      assert.deepEqual([response.json().code, setCookies(response)], ['FST_SEALED_SESSION_NOT_CHECKED', []])
    })
  }
})

it('with revocation, a session that is assigned after the store could be asked is not sent', async () => {
  const app = await appWithLogins({
    after: app => {
      app.get('/late', async () => 'late')
      app.addHook('onSend', async request => { if (request.url === '/late') request.session = app.createSecureSession({ user: 'ann' }) })
    }
  })
  assert.deepEqual(setCookies(await get(app, '/late')), [])
})

it('with revocation, a new session is sent where the one that the request brings has expired before anybody used it', async t => {
  const clock = stopClock(t)
  const app = await appWithLogins({
    session: { expiry: 60 },
    after: app => app.get('/assign', async request => {
      clock.tick(61_000)
      request.session = app.createSecureSession({ user: 'bob' })
    })
  })
  assert.equal(await who(app, cookieOf(await get(app, '/assign', await login(app)))), 'bob')
})

/** Requests to an app whose first `onRequest` hook, before or after that of revocation, assigns a session. */
async function assigningFirst (place: 'before' | 'after', store = new MemoryStore()): Promise<{ app: FastifyInstance, assign: (session: Session) => void }> {
  let given: Session | undefined
  const addHook = (app: FastifyInstance): void => {
    app.addHook('onRequest', async request => {
      if (given !== undefined && request.url === '/me') request.session = given
    })
  }
  const app = await appWithLogins({ revocation: { store, cacheTtl: 0 }, [place]: addHook })
  return { app, assign: session => { given = session } }
}

describe('a session that a hook assigns', () => {
  it('before the one that the request brings was checked is refused', async () => {
    const { app, assign } = await assigningFirst('before')
    const cookie = await login(app)
    assign(app.createSecureSession({ user: 'bob' }))
    const response = await get(app, '/me', cookie)
    assert.deepEqual([response.json().code, setCookies(response)], ['FST_SEALED_SESSION_NOT_CHECKED', []])
  })

  it('never becomes another of the sessions that it was opened with', async () => {
    const store = new MemoryStore()
    const { app, assign } = await assigningFirst('before', store)
    const other = await appWithLogins({ revocation: { store } })
    const cookies = [await login(app, 'bob'), await login(app, 'ann')]
    const session = app.decodeSecureSession({ headers: { cookie: cookies.join('; ') } })!
    const { user } = session as Bag
    assert.equal(await app.isSessionRevoked(session), false)
    await other.revokeSession(session)
    assign(session)
    const response = await get(app, '/me', 'xsession=1')
    assert.ok([user, 'nobody'].includes(response.body), response.body)
    assert.deepEqual(setCookies(response), [])
  })

  it('is looked at again before the handler, if it was checked earlier than the request', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore()
    const { app, assign } = await assigningFirst('after', store)
    const other = await appWithLogins({ revocation: { store } })
    const session = app.decodeSecureSession({ headers: { cookie: await login(app, 'bob') } })!
    const cookie = await login(app)
    assert.equal(await app.isSessionRevoked(session), false)
    await other.revokeSession(session)
    clock.tick(9000)
    assign(session)
    assert.equal(await who(app, cookie), 'nobody')
  })
})

describe('request.session = null before the check of a request', () => {
  /** Null in a hook before that of revocation; then `POST /switch` logs bob in. */
  const nullFirst = async (store: TestStore, meanwhile: (other: FastifyInstance, cookie: string) => unknown = () => {}, user = 'bob'): Promise<FastifyInstance> => {
    const other = await appWithLogins({ revocation: { store, cacheTtl: 0 } })
    return await appWithLogins({
      revocation: { store, cacheTtl: 0 },
      after: app => app.post('/switch', async request => {
        await meanwhile(other, String(request.headers.cookie))
        request.session = app.createSecureSession({ user })
      }),
      before: app => {
        app.addHook('onRequest', (request, _reply, done) => {
          if (request.url === '/switch') (request as { session: unknown }).session = null
          done()
        })
      }
    })
  }

  it('keeps no session from being ended by the one that is assigned later', async () => {
    const store = new TestStore()
    const app = await nullFirst(store)
    const cookie = await login(app)
    const next = cookieOf(await post(app, '/switch', cookie))
    assert.deepEqual([await who(app, next), await who(app, cookie)], ['bob', 'nobody'])
  })

  for (const [title, { end, status }] of Object.entries(ENDED_BY_OTHERS)) {
    it(`keeps no login from ending with ${title} while the request is under way: ${status}`, async () => {
      const app = await nullFirst(new TestStore(), end, 'ann')
      const response = await post(app, '/switch', await login(app))
      assert.deepEqual([response.statusCode, setCookies(response)], [status, []])
    })
  }
})

describe('a session that was opened and is changed between the question and the assignment is refused', () => {
  const CHANGES: Record<string, (session: Bag) => void> = {
    'by a write': session => { session.user = 'bob' },
    'within a value': session => { (session.get('cart') as string[]).push('pen') },
    'by touch()': session => { session.touch() },
    'by regenerate()': session => { session.regenerate(['user'] as never) },
    'by delete()': session => { session.delete() }
  }
  for (const [title, change] of Object.entries(CHANGES)) {
    it(title, async () => {
      const { app } = await switching(() => {}, () => session)
      const cookie = cookieOf(await post(app, '/login', undefined, { user: 'ann', cart: [] }))
      const session = app.decodeSecureSession({ headers: { cookie } })! as Bag
      assert.equal(await app.isSessionRevoked(session), false)
      change(session)
      const response = await post(app, '/switch')
      assert.deepEqual([response.json().code, setCookies(response)], ['FST_SEALED_SESSION_NOT_CHECKED', []])
    })
  }

  it('but one that was only read is taken', async () => {
    const { app } = await switching(() => {}, () => session)
    const cookie = cookieOf(await post(app, '/login', undefined, { user: 'ann', cart: ['pen'] }))
    const session = app.decodeSecureSession({ headers: { cookie } })! as Bag
    await app.isSessionRevoked(session)
    assert.deepEqual(session.get('cart'), ['pen'])
    assert.equal(await who(app, cookieOf(await post(app, '/switch'))), 'ann')
  })
})

it('a session assigned to a client without one costs the store no entry', async () => {
  const store = new TestStore()
  const app = await appWithLogins({
    revocation: { store, subject: undefined as never },
    after: app => app.get('/assign', async request => { request.session = app.createSecureSession({ user: 'ann' }) })
  })
  cookieOf(await get(app, '/assign'))
  assert.deepEqual(store.calls.filter(([method]) => method === 'set'), [])
})

it('a new session is sent where the key of the one that nobody has read was retired', async () => {
  const keyring = new Keyring(newKey())
  const app = await appWithLogins({
    session: { key: keyring },
    after: app => app.get('/assign', async request => {
      keyring.rotate(newKey())
      keyring.retire(keyring.ids[1]!)
      request.session = app.createSecureSession({ user: 'bob' })
    })
  })
  assert.equal(await who(app, cookieOf(await get(app, '/assign', await login(app)))), 'bob')
})

it('the entry of a session that was opened, assigned and given a longer life lives as long as its old cookie', async () => {
  const DAY = 86_400
  const store = new TestStore()
  const app = await appWithLogins({
    session: { expiry: 60 },
    revocation: { store },
    after: app => {
      app.post('/remember', async ({ session }) => { Object.assign(session, { user: 'ann' }); session.options({ expiry: 30 * DAY }) })
      app.post('/assign', async request => {
        const session = app.decodeSecureSession({ headers: { cookie: String(request.headers['x-cookie']) } })!
        await app.isSessionRevoked(session)
        request.session = session
        session.options({ expiry: 60 * DAY })
      })
    }
  })
  const headers = { cookie: await login(app, 'bob'), 'x-cookie': cookieOf(await post(app, '/remember')) }
  store.calls.length = 0
  await app.inject({ method: 'POST', url: '/assign', headers })
  const lives = store.calls.flatMap(([method, , , ttl]) => method === 'set' ? Number(ttl) : [])
  assert.ok(Math.max(...lives) >= 30 * DAY * 1000, String(lives))
})

it('a log serializer that assigns a session before the check ends no process: it is ignored, with a warning', async () => {
  const lines: Array<{ code?: string }> = []
  const stream = { write: (text: string) => { lines.push(JSON.parse(text) as { code?: string }) } }
  const given: { app?: FastifyInstance } = {}
  const req = (request: FastifyRequest): object => {
    request.session = given.app!.createSecureSession({ user: 'bob' })
    return {}
  }
  const app = given.app = await appWithLogins({ server: { logger: { level: 'info', stream, serializers: { req } } } as never })
  const cookie = await login(app)
  const response = await get(app, '/me', cookie)
  assert.deepEqual([response.statusCode, response.body], [200, 'ann'])
  assert.ok(lines.some(({ code }) => code === 'FST_SEALED_SESSION_WARN_WRITE_IGNORED'))
})

it('a session that an error handler assigns after 409 is not sent either, and the client gets an answer', async () => {
  const store = new MemoryStore()
  const other = await appWithLogins({ revocation: { store, cacheTtl: 0 } })
  const app = await appWithLogins({
    revocation: { store, cacheTtl: 0 },
    after: app => {
      app.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
        request.session = app.createSecureSession({ user: 'ann' })
        return reply.code(error.statusCode ?? 500).send({ code: (error as { code?: string }).code })
      })
      app.post('/switch', async request => {
        const user = (request.session as Bag).user
        await other.revokeSubject('ann')
        request.session = app.createSecureSession({ user })
      })
    }
  })
  const response = await post(app, '/switch', await login(app))
  assert.deepEqual([response.statusCode, setCookies(response)], [409, []])
})

it('after the store could be asked, null before it changes nothing: the session is not sent, with a warning', async () => {
  const lines: Array<{ code?: string }> = []
  const stream = { write: (text: string) => { lines.push(JSON.parse(text) as { code?: string }) } }
  const app = await appWithLogins({
    server: { logger: { level: 'warn', stream } } as never,
    after: app => {
      app.get('/late', async ({ session }) => { (session as Bag).n = 1 })
      app.addHook('onSend', async request => {
        if (request.url !== '/late') return
        ;(request as { session: unknown }).session = null
        request.session = app.createSecureSession({ user: 'ann' })
        ;(request.session as Bag).n = 2
      })
    }
  })
  const cookie = await login(app, 'bob')
  assert.deepEqual(setCookies(await get(app, '/late', cookie)), [])
  assert.ok(lines.some(({ code }) => code === 'FST_SEALED_SESSION_WARN_WRITE_LOST'))
  assert.equal(await who(app, cookie), 'bob', 'the session before did not end for one that is lost')
})

describe('a session that was opened and assigned in a request that is held open', () => {
  for (const [title, revoke] of Object.entries({
    'is revoked': (app: FastifyInstance, session: Session) => app.revokeSession(session),
    'has its user revoked': (app: FastifyInstance) => app.revokeSubject('bob')
  })) {
    it(`reads as empty in the handler, and is not sent, when it ${title} meanwhile`, async t => {
      const clock = stopClock(t)
      const store = new MemoryStore()
      const other = await appWithLogins({ revocation: { store, cacheTtl: 0 } })
      const app = await appWithLogins({
        revocation: { store, cacheTtl: 0 },
        after: app => {
          app.addHook('onRequest', async request => {
            if (request.url !== '/held') return
            const session = app.decodeSecureSession({ headers: { cookie: String(request.headers['x-cookie']) } })!
            await app.isSessionRevoked(session)
            request.session = session
          })
          app.addHook('preParsing', async request => {
            if (request.url !== '/held') return
            clock.tick(1000)
            await revoke(other, other.decodeSecureSession({ headers: { cookie: String(request.headers['x-cookie']) } })!)
          })
          app.post('/held', async ({ session }) => (session as Bag).user ?? 'nobody')
        }
      })
      const headers = { cookie: await login(app), 'x-cookie': await login(app, 'bob') }
      clock.tick(1000)
      const response = await app.inject({ method: 'POST', url: '/held', headers, payload: {} })
      assert.deepEqual([response.body, setCookies(response)], ['nobody', []])
    })
  }
})

for (const kind of ['new', 'opened']) {
  for (const [title, { end }] of Object.entries(ENDED_BY_OTHERS)) {
    if (title === 'revokeAll()') continue // ends the other user's, too
    it(`a session of another user, ${kind}, is sent although the one before it ended by ${title} meanwhile`, async () => {
      const { app, other } = await switching(end, async app => {
        if (kind === 'new') return app.createSecureSession({ user: 'bob' })
        const session = app.decodeSecureSession({ headers: { cookie: await login(other, 'bob') } })!
        await app.isSessionRevoked(session)
        return session
      })
      assert.equal(await who(other, cookieOf(await post(app, '/switch', await login(app)))), 'bob')
    })
  }
}
