// Times at which a user has authenticated: sealed, and moved by nothing but `authenticated`.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { Keyring, authenticated, createSessionCodec, sessionInfo } from '../../src/index.ts'
import { held, PROTOCOL_NAMES } from './held.ts'
import { newKey, tokenOf } from '../support/helpers.ts'
import { appWithStepUp, FORMATS, key, loggedIn, START, Visitor, withSubjects } from './support.ts'

for (const format of FORMATS) {
  for (const kind of ['without revocation', 'with revocation'] as const) {
    const setup = () => ({ session: { format }, revocation: kind === 'with revocation' ? withSubjects() : undefined })

    describe(`authenticated(), in the ${format} format, ${kind}`, () => {
      it('seals the time of now for the method, beside those of other methods', async t => {
        const { clock, ann } = await loggedIn(t, setup())
        clock.tick(5_250)
        await ann.post('/confirm?method=totp')
        assert.deepEqual(await ann.times(), { password: 0, totp: 5.25 })
        clock.tick(1000)
        await ann.post('/confirm?method=password')
        assert.deepEqual(await ann.times(), { password: 6.25, totp: 5.25 })
      })

      it('takes "login" for the method if none is given', async t => {
        const { clock, ann } = await loggedIn(t, setup())
        clock.tick(2000)
        await ann.post('/confirm')
        assert.deepEqual(await ann.times(), { login: 2, password: 0 })
      })

      it('shows the times as dates at once, in the request that has them sealed', async t => {
        const { app } = await loggedIn(t, setup())
        const response = await new Visitor(app).post('/login', { user: 'bob' })
        assert.deepEqual(response.json().authentications, { password: new Date(START).toISOString() })
      })

      it('keeps the data', async t => {
        const { ann } = await loggedIn(t, setup())
        await ann.post('/confirm')
        assert.deepEqual((await ann.info()).data, { user: 'ann', cart: [1] })
      })

      it('is moved by no write, touch, renewal or plain read', async t => {
        const { clock, ann } = await loggedIn(t, { ...setup(), session: { format, rolling: true, expiry: 100, absoluteTimeout: 1000 } })
        for (const act of [
          async () => await ann.post('/write', { theme: 'dark' }),
          async () => await ann.get('/info'), // renews
          async () => await ann.post('/keep', { keep: ['user', 'cart', 'theme'] })
        ]) {
          clock.tick(60_000)
          const { cookie } = ann
          await act()
          assert.notEqual(ann.cookie, cookie, 'it was sealed again')
          assert.deepEqual(await ann.times(), { password: 0 })
        }
      })

      it('is moved by no change of the key, and by no change of the format', async t => {
        const { clock, ann } = await loggedIn(t, setup())
        clock.tick(5000)
        const other = format === 'sealed' ? 'secretbox' : 'sealed'
        const { revocation } = setup()
        const app = await appWithStepUp({ session: { key: new Keyring([newKey(), key]), format: other }, revocation })
        const later = new Visitor(app, ann.cookie)
        await later.get('/info')
        assert.notEqual(later.cookie, ann.cookie, 'it was sealed again')
        assert.deepEqual(await later.times(), { password: 0 })
      })

      it('is dropped by delete() and by regenerate() without keys', async t => {
        for (const path of ['/keep', '/out']) {
          const { clock, ann } = await loggedIn(t, {
            ...setup(),
            routes: app => { app.post('/out', async ({ session }) => { session.delete(); session.set('flash' as never, 'bye' as never); return sessionInfo(session) }) }
          })
          assert.deepEqual((await ann.post(path)).json().authentications ?? {}, {})
          await ann.post('/write', { user: 'bob' })
          assert.deepEqual(await ann.times(), {}, path)
          clock.uninstall()
        }
      })

      it('is dropped by a regenerate() that leaves something behind: the session may be the next user\'s', async t => {
        const { ann } = await loggedIn(t, setup())
        assert.deepEqual((await ann.post('/keep', { keep: ['cart'] })).json(), { cart: [1] })
        await ann.post('/write', { user: 'bob' })
        assert.deepEqual(await ann.times(), {})
      })
    })
  }
}

describe('a new life by authenticated()', () => {
  it('has a new id and a new time of creation, so that an absolute timeout counts from there', async t => {
    const { clock, ann } = await loggedIn(t, { revocation: withSubjects(), session: { absoluteTimeout: 100, expiry: 100 } })
    const before = await ann.info()
    clock.tick(60_000)
    await ann.post('/confirm')
    const after = await ann.info()
    assert.notEqual(after.id, before.id)
    assert.equal(Date.parse(after.createdAt!) - Date.parse(before.createdAt!), 60_000)
    clock.tick(60_000)
    assert.equal((await ann.info()).status, 'valid')
  })

  it('keeps the lifetime that the session has of its own, and its cookie\'s', async t => {
    const { ann } = await loggedIn(t, {
      routes: app => {
        app.post('/remember', async ({ session }) => { session.options({ expiry: 5000, maxAge: 4000 }); authenticated(session, 'password'); return 'ok' })
      }
    })
    const remembered = await ann.post('/remember')
    assert.match(String(remembered.headers['set-cookie']), /Max-Age=4000/)
    assert.equal(Date.parse((await ann.info()).expiresAt), START + 5_000_000)
    const confirmed = await ann.post('/confirm')
    assert.match(String(confirmed.headers['set-cookie']), /Max-Age=4000/)
    assert.equal(Date.parse((await ann.info()).expiresAt), START + 5_000_000)
  })

  it('ends the token of before, with revocation', async t => {
    for (const revocation of [withSubjects(), {}]) {
      const { clock, app, ann } = await loggedIn(t, { revocation })
      const stolen = new Visitor(app, ann.cookie)
      await ann.post('/confirm')
      assert.equal((await stolen.info()).status, 'rejected')
      assert.equal((await ann.info()).status, 'valid')
      clock.uninstall()
    }
  })

  it('does not bring a session back that was ended in another process meanwhile', async t => {
    const revocation = withSubjects()
    const { clock, app, ann } = await loggedIn(t, { revocation })
    const other = await appWithStepUp({ revocation })
    await ann.info()
    await other.revokeSubject('ann')
    clock.tick(1)
    const response = await ann.post('/confirm') // this process does not know yet
    assert.equal(response.headers['set-cookie'], undefined)
    clock.tick(3000)
    assert.equal((await new Visitor(app, ann.cookie).info()).status, 'rejected')
  })

  it('is sealed with the time if that comes after the hook that seals', async t => {
    const { clock, ann } = await loggedIn(t, {
      routes: app => {
        app.get('/late', { onSend: async ({ session }) => { authenticated(session, 'late') } }, async () => 'late')
      }
    })
    clock.tick(3000)
    await ann.get('/late')
    assert.deepEqual(await ann.times(), { late: 3, password: 0 })
  })

  it('after delete() is one of a new session', async t => {
    const { ann } = await loggedIn(t, {
      routes: app => {
        app.post('/switch', async ({ session }) => { session.delete(); authenticated(session, 'totp'); return session.deleted })
      }
    })
    assert.equal((await ann.post('/switch')).body, 'false')
    assert.deepEqual(await ann.times(), { totp: 0 })
  })
})

describe('a session that another user takes over without regenerate(), with a subject', () => {
  const setup = {
    revocation: withSubjects(),
    routes: (app: FastifyInstance) => {
      app.post('/before', async ({ session }) => { authenticated(session, 'password'); Object.assign(session, { user: 'bob' }); return 'bob' })
      app.post('/after', async ({ session }) => { Object.assign(session, { user: 'bob' }); authenticated(session, 'password'); return 'bob' })
      app.post('/kept', async ({ session }) => { session.regenerate(['user', 'cart']); Object.assign(session, { user: 'bob' }); return 'bob' })
    }
  }

  it('does not give that user the times of the one before', async t => {
    for (const [path, times] of [['/write', {}], ['/kept', {}], ['/before', { password: 5 }], ['/after', { password: 5 }]] as const) {
      const { clock, ann } = await loggedIn(t, setup)
      await ann.post('/confirm?method=totp')
      clock.tick(5000)
      assert.equal((await ann.post(path, { user: 'bob' })).statusCode, 200)
      assert.deepEqual(await ann.times(), times, path)
      assert.equal((await ann.info()).data.user, 'bob')
      clock.uninstall()
    }
  })

  it('does not give the next user the times of one who was taken out of it', async t => {
    const { ann } = await loggedIn(t, setup)
    await ann.post('/write', { user: null })
    await ann.post('/write', { user: 'bob' })
    assert.deepEqual(await ann.times(), {})
  })

  it('has the times of all steps of a login, of which only the last one says who it is', async t => {
    const { clock, app } = await loggedIn(t, setup)
    const ann = new Visitor(app)
    await ann.post('/login', { pending: 'ann' })
    clock.tick(5000)
    await ann.post('/write', { user: 'ann' })
    await ann.post('/confirm?method=totp')
    assert.deepEqual(await ann.times(), { password: 0, totp: 5 })
  })

  it('keeps the times of a user who gains another subject', async t => {
    const { ann } = await loggedIn(t, { ...setup, revocation: { ...withSubjects(), subject: session => [session.get('user'), session.get('tenant')].filter(Boolean) as string[] } })
    await ann.post('/write', { tenant: 't' })
    assert.deepEqual(await ann.times(), { password: 0 })
  })
})

describe('a login by authenticated()', () => {
  it('costs a store nothing but what regenerate() does', async () => {
    const keys: string[] = []
    const store = new Map<string, string>()
    const app = await appWithStepUp({
      revocation: { ...withSubjects(), store: { get: async (key: string) => store.get(key), set: async (key: string, value: string) => { keys.push(key); store.set(key, value) } } }
    })
    await new Visitor(app).post('/login', { user: 'ann' })
    assert.deepEqual(keys, [])
  })

  it('works in two methods within one request', async t => {
    const { clock, ann } = await loggedIn(t, {
      revocation: withSubjects(),
      routes: app => { app.post('/both', async ({ session }) => { authenticated(session, 'password'); authenticated(session, 'totp'); return 'ok' }) }
    })
    clock.tick(1000)
    await ann.post('/both')
    assert.deepEqual(await ann.times(), { password: 1, totp: 1 })
  })

  for (const protocol of PROTOCOL_NAMES) {
    it(`fails with 409 if the session has ended while its client held the request open, over ${protocol}`, async t => {
      const { status, body, cookies } = await held(t, protocol)
      assert.deepEqual({ status, code: JSON.parse(body).code, cookies }, { status: 409, code: 'FST_SEALED_SESSION_ENDED', cookies: [] })
    })
  }
})

describe('a method', () => {
  it('is 1 to 32 characters of a-z, 0-9, "_" and "-", or is refused before anything changes', async () => {
    const app = await appWithStepUp()
    const session = app.createSecureSession({ user: 'ann' } as never)
    for (const method of ['', 'a'.repeat(33), 'Password', 'pass word', 'é', 'a\n', null, 5, {}, ['password']]) {
      assert.throws(() => { authenticated(session, method as never) }, { code: 'FST_SEALED_SESSION_METHOD_INVALID', statusCode: 500 })
    }
    assert.deepEqual(sessionInfo(session).authentications, {})
    for (const method of ['a', 'a'.repeat(32), 'web-authn_2']) authenticated(session, method)
    assert.deepEqual(Object.keys(sessionInfo(session).authentications), ['a', 'a'.repeat(32), 'web-authn_2'])
  })

  it('may be named like what objects inherit', async () => {
    const app = await appWithStepUp()
    const session = app.createSecureSession()
    authenticated(session, '__proto__')
    authenticated(session, 'constructor')
    const opened = app.decodeSecureSession(app.encodeSecureSession(session))!
    assert.deepEqual(Object.keys(sessionInfo(opened).authentications).sort(), ['__proto__', 'constructor'])
  })

  it('is one of at most 8 of a session, and a ninth is refused before anything changes', async () => {
    const app = await appWithStepUp()
    const session = app.createSecureSession()
    for (let number = 0; number < 8; number++) authenticated(session, `${number}${'x'.repeat(31)}`)
    assert.throws(() => { authenticated(session, 'ninth') }, { code: 'FST_SEALED_SESSION_METHOD_INVALID', message: /at most 8/ })
    authenticated(session, `0${'x'.repeat(31)}`)
    const opened = app.decodeSecureSession(app.encodeSecureSession(session))!
    assert.equal(Object.keys(sessionInfo(opened).authentications).length, 8)
  })
})

describe('authenticated()', () => {
  it('takes sessions only', () => {
    for (const value of [null, undefined, {}, 'token']) assert.throws(() => { authenticated(value as never) }, { code: 'FST_SEALED_SESSION_NOT_A_SESSION' })
  })

  it('takes a session outside a request, whose next token has the time', async () => {
    for (const format of FORMATS) {
      const app = await appWithStepUp({ session: { format } })
      const before = app.encodeSecureSession(app.createSecureSession({ user: 'ann' } as never))
      const opened = app.decodeSecureSession(before)!
      const now = Date.now()
      authenticated(opened, 'password')
      const after = app.decodeSecureSession(app.encodeSecureSession(opened))!
      assert.ok(sessionInfo(after).authentications.password!.getTime() >= now)
      assert.equal((after as unknown as { user: string }).user, 'ann')
    }
  })

  it('leaves the cookie that holds it in place: those of before have no time, and a codec reads them all', async t => {
    for (const format of FORMATS) {
      const { app, clock } = await loggedIn(t, { session: { format } })
      const codec = await createSessionCodec<{ user: string }>({ key, format, accept: [...FORMATS] })
      const opened = codec.open(tokenOf(await new Visitor(app).post('/login', { user: 'bob' })))
      assert.ok(opened.ok)
      assert.deepEqual(opened.data, { user: 'bob' })
      assert.deepEqual(opened.authentications, { password: new Date(START) })
      clock.uninstall()
    }
  })
})
