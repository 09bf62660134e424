// Cookies of `sessionCookies`, as the routes of an app find them.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import superjson from 'superjson'
import { z } from 'zod'
import { requireFresh, sealedSession, sessionInfo } from '../../src/index.ts'
import { createTestDevice, sessionCookies } from '../../src/testing/index.ts'
import { newApp, post, type AppSetup, type Bag } from '../support/app.ts'
import { appWithDevices, stolen } from '../support/device.ts'
import { newKey, setCookies } from '../support/helpers.ts'
import { TestRegistry, appListing, onlyOne } from '../support/registry.ts'
import { TestStore, appWithLogins } from '../support/revocation.ts'

const HOUR = 3_600_000
const USER = { userId: 42 }
const LARGE = { text: 'x'.repeat(4500) }
const SEALED = { format: 'sealed', cookie: { path: '/' } }

type Options = Parameters<typeof sessionCookies>[2]

/** Answer of a route for a user who has logged in with this data. */
async function visit (app: FastifyInstance, data: object, url = '/get', options?: Options): Promise<LightMyRequestResponse> {
  return await app.inject({ url, cookies: await sessionCookies(app, data, options) })
}

async function names (app: FastifyInstance, data: object, options?: Options): Promise<string[]> {
  return Object.keys(await sessionCookies(app, data, options))
}

/** The types of @fastify/cookie know no `decode`. */
const HEX = {
  encode: (value: string) => Buffer.from(value).toString('hex'),
  decode: (text: string) => Buffer.from(text, 'hex').toString()
}

const APPS: Record<string, AppSetup> = {
  'in the sealed format': { session: { key: newKey(), ...SEALED } },
  'in the secretbox format': { session: { key: newKey() } },
  'of an app with sealedSession': { plugin: sealedSession as never, session: { key: newKey() } },
  'with a passphrase': { session: { secret: 'a passphrase of more than 32 bytes', salt: Buffer.alloc(16, 'ab') } },
  'with a signature by the key of the session': { session: { key: newKey(), cookie: { signed: true } } },
  'with a signature by the secret of the app': { before: app => app.register(cookiePlugin, { secret: 'of the app' }), session: { key: newKey(), cookie: { signed: true } } },
  'signed in the sealed format': { session: { key: newKey(), ...SEALED, cookie: { signed: true, path: '/' } } },
  'with a serializer': { session: { key: newKey(), serializer: superjson } },
  'with a schema': { session: { key: newKey(), schema: z.object({ userId: z.number().optional(), text: z.string().optional() }) } },
  'of an app with its own @fastify/cookie': { before: app => app.register(cookiePlugin, { parseOptions: { path: '/', domain: 'app.test', sameSite: 'strict' } }), session: { key: newKey() } },
  'of an app with "hook: false"': { before: app => app.register(cookiePlugin, { hook: false }), session: { key: newKey() } },
  'with an encoding of the app that inject() can follow': {
    before: app => app.register(cookiePlugin, { parseOptions: HEX }),
    session: { key: newKey(), maxChunks: 4 }
  },
  'of an app that trusts its proxy': { server: { trustProxy: true }, session: { key: newKey(), ...SEALED, cookie: { path: '/', secure: 'auto' } } },
  'of an app that speaks HTTP/2': { server: { http2: true }, session: { key: newKey(), ...SEALED } }
}

describe('a session of sessionCookies', () => {
  for (const [title, setup] of Object.entries(APPS)) {
    it(`opens ${title}, also if it is split`, async t => {
      const app = newApp({ ...setup, t })
      assert.deepEqual((await visit(app, USER)).json(), USER)
      assert.ok((await names(app, LARGE)).length > 1)
      assert.deepEqual((await visit(app, LARGE)).json(), LARGE)
    })
  }

  it('is split as the app splits it: into the same cookies, for data of every length', async t => {
    const app = newApp({ t, session: { key: newKey(), ...SEALED } }) // without signature: its length varies
    for (let length = 2900; length < 3020; length += 4) {
      const data = { text: 'x'.repeat(length) }
      const lines = setCookies(await post(app, '/set', undefined, data))
      assert.deepEqual(await names(app, data), lines.map(line => line.split('=')[0]), `${length} characters`)
    }
  })

  it('has the name that the app gives its cookie', async t => {
    assert.deepEqual(await names(newApp({ t, plugin: sealedSession as never, session: { key: newKey() } }), USER), ['session'])
    assert.deepEqual(await names(newApp({ t, plugin: sealedSession as never, session: { key: newKey(), cookie: { secure: true } } }), USER), ['__Host-session'])
    assert.deepEqual(await names(newApp({ t, session: { key: newKey(), cookieName: 'sid' } }), USER), ['sid'])
  })

  it('is valid, and was opened from a token, as after a login', async t => {
    const app = newApp({ t, session: { key: newKey(), ...SEALED }, routes: { '/info': ({ session }) => sessionInfo(session) } })
    const { status, createdAt, lastWriteAt } = (await visit(app, USER, '/info')).json()
    assert.equal(status, 'valid')
    assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000 && Math.abs(Date.parse(lastWriteAt) - Date.now()) < 60_000)
  })

  it('waits until the app is ready, and finds the session of a plugin around it', async t => {
    let inner: FastifyInstance | undefined
    const scope = async (app: FastifyInstance): Promise<void> => {
      inner = app
      app.register(sealedSession, { key: newKey() })
      app.get('/get', async ({ session }) => session.data())
    }
    const app = newApp({ t, plugin: null, routes: app => app.register(scope) })
    await assert.rejects(sessionCookies(app, USER), { code: 'FST_SEALED_SESSION_TEST_ALONE' })
    assert.ok(inner !== undefined)
    const cookies = await sessionCookies(inner, USER)
    assert.deepEqual((await app.inject({ url: '/get', cookies })).json(), USER)
  })

  it('is the one of its name among several', async t => {
    const app = newApp({
      t,
      session: [{ key: newKey(), sessionName: 'session' }, { key: newKey(), sessionName: 'admin', cookieName: 'adm' }],
      routes: { '/get': request => [request.session.data(), (request as unknown as { admin: Bag }).admin.data()] }
    })
    const both = { ...await sessionCookies(app, USER), ...await sessionCookies(app, { level: 1 }, { sessionName: 'admin' }) }
    assert.deepEqual(Object.keys(both), ['session', 'adm'])
    assert.deepEqual((await app.inject({ url: '/get', cookies: both })).json(), [USER, { level: 1 }])
  })

  it('holds no part of the object that was given', async t => {
    const app = newApp({ t })
    const data = Object.freeze({ user: Object.freeze({ id: 1 }) })
    assert.deepEqual((await visit(app, data)).json(), { user: { id: 1 } })
  })

  it('runs no hook and no route of the app, and writes nothing into its log', async t => {
    let runs = 0
    const app = newApp({ t, before: app => { for (const hook of ['onRequest', 'onSend', 'onResponse'] as const) app.addHook(hook, async () => { runs++ }) } })
    await sessionCookies(app, USER)
    assert.equal(runs, 0)
  })
})

describe('the option "at"', () => {
  it('tests expiry: by a Date or by milliseconds', async t => {
    const app = newApp({ t, session: { key: newKey(), ...SEALED, expiry: 3600 } })
    for (const [age, expected] of [[59 * 60_000, USER], [61 * 60_000, {}]] as const) {
      assert.deepEqual((await visit(app, USER, '/get', { at: Date.now() - age })).json(), expected)
      assert.deepEqual((await visit(app, USER, '/get', { at: new Date(Date.now() - age) })).json(), expected)
    }
    assert.deepEqual((await visit(app, USER, '/get', { at: new Date(0) })).json(), {})
  })

  it('tests the renewal of a rolling session, and the absolute timeout', async t => {
    const app = newApp({ t, plugin: sealedSession as never, session: { key: newKey() } })
    assert.deepEqual(setCookies(await visit(app, USER, '/get', { at: Date.now() - 3 * HOUR })), [])
    assert.equal(setCookies(await visit(app, USER, '/get', { at: Date.now() - 5 * HOUR })).length, 1)
    const strict = newApp({ t, session: { key: newKey(), ...SEALED, absoluteTimeout: 60 } })
    assert.deepEqual((await visit(strict, USER, '/get', { at: Date.now() - 61_000 })).json(), {})
  })
})

describe('the option "authenticated"', () => {
  const routes = (app: FastifyInstance): void => {
    app.get('/any', { onRequest: requireFresh({ within: 300 }) }, async () => 'fresh')
    app.get('/password', { onRequest: requireFresh({ within: 300, method: 'password' }) }, async () => 'fresh')
  }

  it('lets the user on where requireFresh asks for one of the methods, as long as it is fresh', async t => {
    const app = newApp({ t, session: { key: newKey(), ...SEALED }, routes })
    const status = async (url: string, options?: Options): Promise<number> => (await visit(app, USER, url, options)).statusCode
    assert.deepEqual([await status('/any'), await status('/password')], [403, 403])
    assert.deepEqual([await status('/any', { authenticated: 'totp' }), await status('/password', { authenticated: 'totp' })], [200, 403])
    assert.equal(await status('/password', { authenticated: ['totp', 'password'] }), 200)
    assert.equal(await status('/password', { authenticated: 'password', at: Date.now() - 301_000 }), 403)
    assert.equal(await status('/password', { authenticated: 'password', at: Date.now() - 290_000 }), 200)
  })
})

describe('with revocation', () => {
  const ANN = { user: 'ann' }

  it('a session has an id of its own, and logout ends it', async t => {
    const app = await appWithLogins({ t })
    const [one, other] = [await sessionCookies(app, ANN), await sessionCookies(app, ANN)]
    assert.equal((await app.inject({ url: '/me', cookies: one })).body, 'ann')
    await app.inject({ method: 'POST', url: '/logout', cookies: one })
    assert.equal((await app.inject({ url: '/me', cookies: one })).body, 'nobody')
    assert.equal((await app.inject({ url: '/me', cookies: other })).body, 'ann')
  })

  it('"log out everywhere" ends the sessions from before, and none from after', async t => {
    const app = await appWithLogins({ t })
    const before = await sessionCookies(app, ANN)
    await app.revokeSubject('ann')
    const after = await sessionCookies(app, ANN)
    assert.equal((await app.inject({ url: '/me', cookies: before })).body, 'nobody')
    assert.equal((await app.inject({ url: '/me', cookies: after })).body, 'ann')
    const old = await sessionCookies(app, ANN, { at: Date.now() - 1000 })
    assert.equal((await app.inject({ url: '/me', cookies: old })).body, 'nobody', 'it began before the revocation')
  })

  it('a session has the stamp of its user, and ends when that changes', async t => {
    let version = '1'
    const app = await appWithLogins({ t, revocation: { store: false, cacheTtl: 0, stamp: () => version } })
    const cookies = await sessionCookies(app, ANN)
    const old = await sessionCookies(app, ANN, { at: Date.now() - HOUR })
    assert.equal((await app.inject({ url: '/me', cookies })).body, 'ann')
    assert.equal((await app.inject({ url: '/me', cookies: old })).body, 'ann')
    version = '2'
    assert.equal((await app.inject({ url: '/me', cookies })).body, 'nobody')
    assert.equal((await app.inject({ url: '/me', cookies: await sessionCookies(app, ANN) })).body, 'ann')
  })

  it('a login of a user who has no stamp fails, as it would in the app', async t => {
    const app = await appWithLogins({ t, revocation: { stamp: () => undefined } })
    await assert.rejects(sessionCookies(app, ANN), { code: 'FST_SEALED_SESSION_REVOKED_MEANWHILE' })
  })

  it('a login fails if the store is away', async t => {
    const store = new TestStore()
    store.before = () => { throw new Error('away') }
    const app = await appWithLogins({ t, revocation: { store } })
    await assert.rejects(sessionCookies(app, ANN), { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE' })
  })

  it('an app can use, write and end the session like any other', async t => {
    const app = await appWithLogins({ t })
    const written = await app.inject({ method: 'POST', url: '/write', payload: { theme: 'dark' }, cookies: await sessionCookies(app, ANN) })
    assert.equal(setCookies(written).length, 1)
  })
})

describe('with the registry', () => {
  it('a session is listed, with the description of a request without headers', async t => {
    const app = await appListing({ describe: ({ headers, ip }) => ({ browser: headers['user-agent'] ?? 'none', ip }) }, { t })
    const cookies = await sessionCookies(app, { user: 'ann' })
    const [listed, ...others] = (await app.inject({ url: '/devices', cookies })).json()
    assert.deepEqual([listed.current, listed.description, others], [true, { browser: 'none', ip: '127.0.0.1' }, []])
  })

  it('a limit counts it', async t => {
    const app = await appListing({ maxSessions: 1, onMaxSessions: 'refuse' }, { t })
    await sessionCookies(app, { user: 'ann' })
    await assert.rejects(sessionCookies(app, { user: 'ann' }), { code: 'FST_SEALED_SESSION_TOO_MANY_SESSIONS' })
  })

  it('one from before is listed with its times', async t => {
    const app = await appListing({}, { t, session: { expiry: 3600 } })
    const at = Date.now() - 1_800_000
    await sessionCookies(app, { user: 'ann' }, { at })
    const { createdAt, expiresAt } = await onlyOne(app)
    assert.equal(createdAt.getTime(), at)
    assert.ok(Math.abs(expiresAt.getTime() - at - 3_600_000) < 1000)
  })

  it('one that has expired is not written into its store, and ends no other for a limit', async t => {
    const store = new TestRegistry()
    const app = await appListing({ store, maxSessions: 1, onMaxSessions: 'end-oldest' }, { t, session: { expiry: 60 } })
    const cookies = await sessionCookies(app, { user: 'ann' })
    await sessionCookies(app, { user: 'ann' }, { at: Date.now() - 61_000 })
    assert.deepEqual(store.calls.filter(method => method === 'put'), ['put'])
    assert.equal((await app.inject({ url: '/me', cookies })).body, 'ann')
  })
})

describe('with device binding', () => {
  it('a session is not bound: with "require" it works as long as a login may be unbound', async t => {
    const app = await appWithDevices({ t, device: { policy: 'require', grace: 60 } })
    const who = async (options?: Options): Promise<string> => (await visit(app, { user: 'ann' }, '/me', options)).body
    assert.equal(await who(), 'ann')
    assert.equal(await who({ at: Date.now() - 61_000 }), 'nobody')
  })

  for (const format of ['sealed', 'secretbox']) {
    it(`createTestDevice takes the cookies of the ${format} format, and binds the session by a response that writes it`, async t => {
      const app = await appWithDevices({ t, device: { policy: 'require' }, session: { format, accept: ['sealed', format] } })
      const device = createTestDevice()
      device.addCookies(await sessionCookies(app, { user: 'ann', ...LARGE }))
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
      await device.register(app, await device.inject(app, { method: 'POST', url: '/write', payload: { theme: 'dark' } }))
      assert.equal(device.isBound, true)
      device.expire()
      assert.equal((await stolen(app, device.cookies)).body, 'nobody')
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    })
  }
})
