// Hooks that let a request on only if somebody is logged in, or has authenticated a short time ago.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import secureSession, { authenticated, requireFresh, requireSession, type NotFreshError } from '../../src/index.ts'
import { sessionRevocation, type SessionRevocationOptions } from '../../src/revocation/index.ts'
import { captureLog, countTries, gate, newKey, setCookies, warnings } from '../support/helpers.ts'
import { TestStore } from '../support/revocation.ts'
import { appWithStepUp, key, loggedIn, type Setup, Visitor, withSubjects } from './support.ts'
import { get, newApp } from '../support/app.ts'

type Guard = ReturnType<typeof requireSession>

it('a refusal is logged without a stack: anybody could fill the log of an app with those', async () => {
  const { lines, logger } = captureLog('info')
  const app = await newApp({
    server: { logger },
    session: { key, format: 'sealed' },
    routes: app => {
      app.get('/member', { preHandler: requireSession() }, async () => 'let in')
      app.get('/fresh', { preHandler: requireFresh({ within: 60 }) }, async () => 'let in')
    }
  })
  for (const path of ['/member', '/fresh']) await get(app, path)
  const errors = lines.flatMap(line => 'err' in line ? [line.err as { code: string, stack: string }] : [])
  assert.deepEqual(errors.map(({ code }) => code), ['FST_SEALED_SESSION_LOGIN_REQUIRED', 'FST_SEALED_SESSION_NOT_FRESH'])
  for (const { stack } of errors) assert.doesNotMatch(stack, /\n/)
})

/** Routes `GET /guarded` and `POST /guarded` behind a guard. */
function behind (guard: Guard, hook: 'onRequest' | 'preValidation' | 'preHandler' = 'preHandler'): Pick<Setup, 'routes'> {
  return {
    routes: app => {
      app.get('/guarded', { [hook]: guard }, async () => 'let in')
      app.post('/guarded', { [hook]: guard }, async () => 'let in')
    }
  }
}

const HOOKS = ['onRequest', 'preValidation', 'preHandler'] as const

for (const hook of HOOKS) {
  describe(`requireSession() as ${hook}`, () => {
    it('answers 401 to a request without a session, through the error handler of the app, which caches keep no copy of', async () => {
      const app = await appWithStepUp(behind(requireSession(), hook))
      const { statusCode, headers, body } = await new Visitor(app).get('/guarded')
      assert.equal(statusCode, 401)
      assert.equal(JSON.parse(body).code, 'FST_SEALED_SESSION_LOGIN_REQUIRED')
      assert.equal(headers['cache-control'], 'no-store')
      assert.equal(headers['set-cookie'], undefined)
    })

    it('lets a valid session on', async t => {
      const { ann } = await loggedIn(t, behind(requireSession(), hook))
      assert.equal((await ann.get('/guarded')).body, 'let in')
    })
  })

  describe(`requireFresh() as ${hook}`, () => {
    it('answers 403 with what the page has to ask for, through the error handler of the app', async t => {
      const { clock, ann } = await loggedIn(t, {
        routes: app => {
          app.setErrorHandler((error: NotFreshError, _request, reply) =>
            reply.code(error.statusCode).send({ code: error.code, within: error.within, method: error.method }))
          app.get('/guarded', { [hook]: requireFresh({ within: 300, method: 'totp' }) }, async () => 'let in')
          app.get('/any', { [hook]: requireFresh({ within: 1.5 }) }, async () => 'let in')
        }
      })
      clock.tick(2000)
      const { statusCode, headers, body } = await ann.get('/guarded')
      assert.deepEqual([statusCode, headers['cache-control']], [403, 'no-store'])
      assert.deepEqual(JSON.parse(body), { code: 'FST_SEALED_SESSION_NOT_FRESH', within: 300, method: 'totp' })
      assert.deepEqual((await ann.get('/any')).json(), { code: 'FST_SEALED_SESSION_NOT_FRESH', within: 1.5, method: null })
    })
  })
}

describe('requireSession({ keys })', () => {
  it('lets nobody on whose session lacks one of the keys, such as a visitor with a shopping cart', async t => {
    const { ann, app } = await loggedIn(t, behind(requireSession({ keys: ['user', 'tenant'] as never[] })))
    assert.equal((await ann.get('/guarded')).statusCode, 401)
    await ann.post('/write', { tenant: 't' })
    assert.equal((await ann.get('/guarded')).statusCode, 200)
    const visitor = new Visitor(app)
    await visitor.post('/write', { cart: [1] })
    assert.equal((await visitor.get('/guarded')).statusCode, 401)
  })

  it('takes a key for missing that holds null, false or empty text, and for there if it holds 0', async () => {
    const app = await appWithStepUp(behind(requireSession({ keys: ['user'] as never[] })))
    for (const [value, status] of [[null, 401], [false, 401], ['', 401], [0, 200], ['0', 200], [{}, 200]] as const) {
      const visitor = new Visitor(app)
      await visitor.post('/write', { user: value })
      assert.equal((await visitor.get('/guarded')).statusCode, status, JSON.stringify(value))
    }
  })

  it('finds nothing on the prototype', async () => {
    for (const key of ['constructor', '__proto__', 'toString', 'get']) {
      const app = await appWithStepUp(behind(requireSession({ keys: [key] as never[] })))
      const visitor = new Visitor(app)
      await visitor.post('/write', { user: 'ann' })
      assert.equal((await visitor.get('/guarded')).statusCode, 401, key)
    }
  })

  it('lets a session on that an earlier hook has logged in', async () => {
    const app = await appWithStepUp({
      routes: app => {
        app.addHook('onRequest', async ({ session }) => { session.set('user' as never, 'ann' as never) })
        behind(requireSession({ keys: ['user'] as never[] })).routes?.(app)
      }
    })
    assert.equal((await new Visitor(app).get('/guarded')).body, 'let in')
  })
})

describe('requireSession()', () => {
  it('lets nobody on after a logout, an expired session, a changed cookie or one of another key', async t => {
    const { clock, app, ann } = await loggedIn(t, { session: { expiry: 60 }, ...behind(requireSession()) })
    const other = new Visitor(await appWithStepUp({ session: { key: newKey() } }))
    await other.post('/login', { user: 'eve' })
    for (const cookie of [`${ann.cookie!}A`, other.cookie, 'session=', 'session=%']) {
      assert.equal((await new Visitor(app, cookie).get('/guarded')).statusCode, 401, cookie)
    }
    clock.tick(61_000)
    assert.equal((await ann.get('/guarded')).statusCode, 401)
  })

  it('lets nobody on whose session a hook has deleted, or taken away', async t => {
    const { ann } = await loggedIn(t, {
      routes: app => {
        app.get('/deleted', { onRequest: async ({ session }) => { session.delete() }, preHandler: requireSession() }, async () => 'let in')
        app.get('/gone', { onRequest: async request => { request.session = null as never }, preHandler: [requireSession(), requireFresh({ within: 60 })] }, async () => 'let in')
        app.get('/gone-fresh', { onRequest: async request => { request.session = null as never }, preHandler: requireFresh({ within: 60 }) }, async () => 'let in')
      }
    })
    assert.deepEqual([(await ann.get('/gone')).statusCode, (await ann.get('/gone-fresh')).statusCode], [401, 403])
    assert.equal((await ann.get('/deleted')).statusCode, 401)
  })

  it('opens the session once, together with the handler behind it, and sends no cookie for it', async t => {
    const { ann } = await loggedIn(t, {
      routes: app => { app.get('/me', { onRequest: [requireSession(), requireFresh({ within: 60 })] }, async ({ session }) => session.get('user')) }
    })
    const tries = countTries(t)
    const response = await ann.get('/me')
    assert.deepEqual([response.body, tries.decryptions, setCookies(response)], ['ann', 1, []])
  })

  it('lets nobody on whose session was revoked, and answers 503 as long as nobody can say', async t => {
    const store = new TestStore()
    const { clock, app, ann } = await loggedIn(t, { revocation: { ...withSubjects(), store }, ...behind(requireSession({ redirect: '/login' })) })
    assert.equal((await ann.get('/guarded')).statusCode, 200)
    store.fail()
    clock.tick(3000)
    assert.equal((await ann.get('/guarded')).statusCode, 503)
    store.recover()
    await app.revokeSubject('ann')
    assert.equal((await ann.get('/guarded')).statusCode, 303)
  })

  it('finds a session that goes by another name, and the first one by itself', async () => {
    const app = newApp({
      session: [{ sessionName: 'user', key, format: 'sealed' }, { sessionName: 'admin', key: newKey(), format: 'sealed' }],
      routes: app => {
        app.get('/login', async request => { (request as unknown as { user: Map<string, number> }).user.set('n', 1); return 'in' })
        app.get('/first', { onRequest: requireSession() }, async () => 'let in')
        app.get('/admin', { onRequest: requireSession({ sessionName: 'admin' }) }, async () => 'let in')
      }
    })
    const visitor = new Visitor(app)
    await visitor.get('/login')
    assert.deepEqual([(await visitor.get('/first')).statusCode, (await visitor.get('/admin')).statusCode], [200, 401])
  })

  it('lets nobody on without a session to look at: it is a mistake of the app, and an error 500', async () => {
    const app = Fastify()
    app.get('/', { onRequest: requireSession() }, async () => 'let in')
    app.get('/fresh', { onRequest: requireFresh({ within: 1 }) }, async () => 'let in')
    app.register(async app => {
      app.register(secureSession, { key })
      app.get('/named', { onRequest: requireSession({ sessionName: 'other' }) }, async () => 'let in')
      app.get('/header', { onRequest: requireSession({ sessionName: 'headers' }) }, async () => 'let in')
    })
    const codes = await Promise.all(['/', '/fresh', '/named', '/header'].map(async url => (await app.inject(url)).json().code))
    assert.deepEqual(codes, [...Array<string>(3).fill('FST_SEALED_SESSION_UNKNOWN_SESSION'), 'FST_SEALED_SESSION_NOT_A_SESSION'])
  })

  it('lets nobody on before the check of the revocation, in a hook that was registered too early', async t => {
    const { ann } = await loggedIn(t, { revocation: withSubjects() })
    const app = newApp({
      session: { key, format: 'sealed' },
      after: app => {
        app.register(fp(async app => { app.addHook('onRequest', requireSession()) }))
        app.register(sessionRevocation, withSubjects())
      },
      routes: { '/': () => 'let in' }
    })
    const response = await get(app, '/', ann.cookie)
    assert.deepEqual([response.statusCode, response.json().code], [500, 'FST_SEALED_SESSION_NOT_CHECKED'])
  })
})

describe('requireFresh()', () => {
  it('lets a request on for exactly as long as "within" says', async t => {
    const { clock, ann } = await loggedIn(t, behind(requireFresh({ within: 300 })))
    const statuses = []
    for (const step of [0, 299_999, 1]) {
      clock.tick(step)
      statuses.push((await ann.get('/guarded')).statusCode)
    }
    assert.deepEqual(statuses, [200, 200, 403])
  })

  it('lets the user on again after another authentication, and nobody with a copy of the cookie of before', async t => {
    for (const revocation of [undefined, withSubjects()]) {
      const { clock, app, ann } = await loggedIn(t, { revocation, ...behind(requireFresh({ within: 300, method: 'password' })) })
      const stolen = new Visitor(app, ann.cookie)
      clock.tick(300_000)
      await ann.post('/confirm?method=totp')
      assert.equal((await ann.get('/guarded')).statusCode, 403, 'another method')
      await ann.post('/confirm?method=password')
      assert.deepEqual([(await ann.get('/guarded')).statusCode, (await stolen.get('/guarded')).statusCode], [200, 403])
      clock.uninstall()
    }
  })

  it('without a method takes the latest of all', async t => {
    const { clock, ann } = await loggedIn(t, behind(requireFresh({ within: 300 })))
    clock.tick(200_000)
    await ann.post('/confirm?method=totp')
    clock.tick(200_000)
    assert.equal((await ann.get('/guarded')).statusCode, 200)
    clock.tick(100_000)
    assert.equal((await ann.get('/guarded')).statusCode, 403)
  })

  it('lets nobody on without a session, with one that nobody has authenticated in, and by writes and touches', async t => {
    const { app, clock, ann } = await loggedIn(t, behind(requireFresh({ within: 300 })))
    const visitor = new Visitor(app)
    assert.equal((await visitor.get('/guarded')).statusCode, 403)
    await visitor.post('/write', { user: 'eve', __authentications: { password: Date.now() }, authentications: { password: Date.now() } })
    assert.equal((await visitor.get('/guarded')).statusCode, 403)
    clock.tick(300_000)
    await ann.post('/write', { theme: 'dark' })
    await ann.post('/keep', { keep: ['user', 'cart', 'theme'] })
    assert.equal((await ann.get('/guarded')).statusCode, 403)
  })

  it('takes a time that is up to 60 seconds ahead, as of a server whose clock differs, and none that is further ahead', async t => {
    const { clock, ann } = await loggedIn(t, behind(requireFresh({ within: 300 })))
    await ann.post('/write', { a: 1 })
    clock.setSystemTime(1_800_000_000_000 - 60_000)
    assert.equal((await ann.get('/guarded')).statusCode, 200)
    const app = await appWithStepUp(behind(requireFresh({ within: 300 })))
    const session = app.createSecureSession({ user: 'eve' } as never)
    clock.setSystemTime(1_800_000_000_000 + 61_000)
    authenticated(session)
    clock.setSystemTime(1_800_000_000_000)
    // A token from that far ahead is refused as a whole, so the session is given to the guard as it is.
    const refusal = await new Promise<Error | undefined>(resolve => {
      requireFresh({ within: 300, sessionName: 'session' })({ session }, { header: () => {}, redirect: () => {} }, resolve)
    })
    assert.equal((refusal as NotFreshError | undefined)?.code, 'FST_SEALED_SESSION_NOT_FRESH')
  })

  it('lets a user on whose handler has just authenticated', async t => {
    const { clock, ann } = await loggedIn(t, {
      routes: app => { app.get('/both', { onRequest: async ({ session }) => { authenticated(session, 'proxy') }, preHandler: requireFresh({ within: 1, method: 'proxy' }) }, async () => 'let in') }
    })
    clock.tick(300_000)
    assert.equal((await ann.get('/both')).body, 'let in')
  })

  it('forgets an authentication that was revoked while the client held the request open', async t => {
    const { opened, open } = gate()
    const revocation = withSubjects()
    const { app, ann } = await loggedIn(t, {
      revocation,
      routes: app => {
        app.get('/slow', { onRequest: async ({ session }) => { session.get('user' as never); await opened }, preHandler: requireFresh({ within: 300 }) }, async () => 'let in')
      }
    })
    const answer = ann.get('/slow')
    await new Promise(resolve => setImmediate(resolve))
    await app.revokeSubject('ann')
    open()
    assert.equal((await answer).statusCode, 403)
  })
})

describe('the option redirect', () => {
  it('answers 303 with the path in place of the error, with no-store, over a real connection', async t => {
    const app = await appWithStepUp({
      routes: app => {
        app.get('/session', { onRequest: requireSession({ redirect: '/login?from=here#form' }) }, async () => 'let in')
        app.post('/fresh', { preHandler: requireFresh({ within: 60, redirect: '/confirm' }) }, async () => 'let in')
      }
    })
    t.after(async () => { await app.close() })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const base = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
    const answers = await Promise.all([fetch(`${base}/session`, { redirect: 'manual' }), fetch(`${base}/fresh`, { method: 'POST', redirect: 'manual' })])
    assert.deepEqual(answers.map(({ status, headers }) => [status, headers.get('location'), headers.get('cache-control')]), [
      [303, '/login?from=here#form', 'no-store'],
      [303, '/confirm', 'no-store']
    ])
  })

  it('goes nowhere but to a path of this site: anything else is refused when the guard is made', () => {
    const elsewhere = [
      'https://evil.example', '//evil.example', '///evil.example', '/\\evil.example', '\\\\evil.example', '/a\\b', 'javascript:alert(1)', 'login', '', '?a', '#a', '.', '../a',
      '/\t/evil.example', '/\n/evil.example', '/\r\nset-cookie: a=b', '/ /a', ' /a', '/a ', '/ä', '/\0', '/\u007f', null, 5, {}, ['/a'], new URL('https://evil.example/a')
    ]
    for (const redirect of elsewhere) {
      for (const make of [() => requireSession({ redirect: redirect as never }), () => requireFresh({ within: 60, redirect: redirect as never })]) {
        assert.throws(make, { code: 'FST_SEALED_SESSION_OPTION_INVALID' }, JSON.stringify(redirect))
      }
    }
  })

  it('takes paths that browsers resolve to this site', () => {
    for (const redirect of ['/', '/login', '/a//b', '/login?next=%2Fa&b=//evil.example', '/%5Cevil.example', '/.//evil.example', '/a:b@c']) {
      requireSession({ redirect })
      assert.equal(new URL(redirect, 'https://own.example/x').host, 'own.example')
    }
  })
})

describe('the options of the guards', () => {
  it('are checked when the guard is made', () => {
    for (const within of [undefined, null, 0, -1, NaN, Infinity, '300', {}]) {
      assert.throws(() => requireFresh({ within: within as never }), { code: 'FST_SEALED_SESSION_DURATION' }, String(within))
    }
    for (const method of ['', 'Password', null, 5, ['password']]) {
      assert.throws(() => requireFresh({ within: 1, method: method as never }), { code: 'FST_SEALED_SESSION_OPTION_INVALID' }, String(method))
    }
    for (const keys of ['user', [], [''], [5], null, {}]) {
      assert.throws(() => requireSession({ keys: keys as never }), { code: 'FST_SEALED_SESSION_OPTION_INVALID' }, JSON.stringify(keys))
    }
    for (const sessionName of [5, {}]) assert.throws(() => requireSession({ sessionName: sessionName as never }), { code: 'FST_SEALED_SESSION_OPTION_INVALID' })
    assert.throws(() => requireSession({ key: ['user'] } as never), { code: 'FST_SEALED_SESSION_OPTION_UNKNOWN' })
    assert.throws(() => requireFresh({ within: 1, maxAge: 5 } as never), { code: 'FST_SEALED_SESSION_OPTION_UNKNOWN' })
    for (const options of [null, 'user']) assert.throws(() => requireSession(options as never), { code: 'FST_SEALED_SESSION_OPTIONS_INVALID' })
    assert.throws(() => requireFresh(undefined as never), { code: 'FST_SEALED_SESSION_OPTIONS_INVALID' })
  })

  it('are copied: a later change of the keys has no effect', async t => {
    const keys = ['user']
    const { ann } = await loggedIn(t, behind(requireSession({ keys: keys as never[] })))
    keys[0] = 'other'
    assert.equal((await ann.get('/guarded')).statusCode, 200)
  })
})

it('a guard that is registered like a plugin is refused, with a call and without one', () => {
  const refusal = (message: string): object => ({ code: 'FST_SEALED_SESSION_GUARD_MISPLACED', message, hint: /Give what it returns to a route or to addHook\(\)/ })
  // Fastify calls a plugin with the app, its options and a callback.
  assert.throws(() => { requireSession(Fastify() as never) }, refusal('requireSession got an app in place of its options'))
  assert.throws(() => { requireFresh(Fastify() as never) }, refusal('requireFresh got an app in place of its options'))
  assert.throws(() => { requireSession()(Fastify(), {} as never, () => {}) }, refusal('a guard got an app in place of a request'))
})

describe('requireSession() without keys, in an app that says whose a session is', () => {
  async function watched (guards: Guard | Guard[], revocation: SessionRevocationOptions | null = withSubjects()): Promise<{ app: FastifyInstance, told: () => string[] }> {
    const { lines, logger } = captureLog('warn')
    const app = await newApp({
      server: { logger },
      session: { key, format: 'sealed', cookie: { path: '/' } },
      revocation: revocation ?? undefined,
      routes: app => {
        app.post('/write', async ({ session, body }) => { Object.assign(session, body); return '' })
        app.get('/guarded', { preHandler: guards }, async () => 'let in')
        app.get('/other/:id', { preHandler: guards }, async () => 'let in')
        app.get('/logs-in', { onRequest: async ({ session }) => { Object.assign(session, { user: 'ann' }) }, preHandler: guards }, async () => 'let in')
      }
    })
    return { app, told: () => warnings(lines.splice(0)).map(({ code, msg }) => `${String(code)} ${msg}`) }
  }

  async function withData (app: FastifyInstance, data: object): Promise<Visitor> {
    const visitor = new Visitor(app)
    await visitor.post('/write', data)
    return visitor
  }

  it('lets a visitor with a shopping cart on, with a warning once a route, which says what to do', async () => {
    const { app, told } = await watched(requireSession())
    const visitor = await withData(app, { cart: [1] })
    assert.deepEqual([(await visitor.get('/guarded')).body, (await visitor.get('/guarded')).body], ['let in', 'let in'])
    const [text, ...others] = told()
    assert.deepEqual(others, [])
    assert.match(text ?? '', /^FST_SEALED_SESSION_WARN_GUARD_NOBODY session "session": requireSession\(\) let a session of nobody on at GET \/guarded\./)
    assert.match(text ?? '', /requireSession\(\{ keys: \["userId"\] \}\)/)
    for (const id of ['1', '2']) await visitor.get(`/other/${id}`)
    const [other, ...more] = told()
    assert.deepEqual([other?.includes(' at GET /other/:id. '), more], [true, []])
  })

  it('lets a user on without a warning, also one whom an earlier hook has just logged in', async () => {
    const { app, told } = await watched(requireSession())
    await (await withData(app, { user: 'ann' })).get('/guarded')
    await (await withData(app, { cart: [1] })).get('/logs-in')
    assert.deepEqual(told(), [])
  })

  it('refuses a visitor without a session as before, and warns of none', async () => {
    const { app, told } = await watched(requireSession())
    assert.equal((await new Visitor(app).get('/guarded')).statusCode, 401)
    assert.deepEqual(told(), [])
  })

  it('is silent if keys are named, for an app that means visitors too, and for requireFresh()', async () => {
    for (const guard of [requireSession({ keys: ['cart'] as never[] }), requireFresh({ within: 60 })]) {
      const { app, told } = await watched(guard)
      await (await withData(app, { cart: [1] })).get('/guarded')
      assert.deepEqual(told(), [])
    }
  })

  it('is silent in an app that does not say whose a session is', async () => {
    for (const revocation of [null, { store: new TestStore() }]) {
      const { app, told } = await watched(requireSession(), revocation)
      assert.equal((await (await withData(app, { cart: [1] })).get('/guarded')).body, 'let in')
      assert.deepEqual(told(), [])
    }
  })
})
