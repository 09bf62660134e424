// What is refused at registration and in calls, with which code, and that nothing of it shows.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import Fastify, { type FastifyInstance } from 'fastify'
import secureSession from '../../src/index.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { rowOf } from '../support/errors.ts'
import { MemoryStore, sessionRevocation, type SessionRevocationOptions } from '../../src/revocation/index.ts'
import { get, post, readyApp, type Bag } from '../support/app.ts'
import { TestStore, appWithLogins, key, login, subject, who, type LoginsSetup } from '../support/revocation.ts'

interface CodedError extends Error { code: string, statusCode: number, hint: string }

const SECRET = 'canary'

/** The error that an app with these plugins does not start with. */
async function rejection (register: (app: FastifyInstance) => unknown): Promise<CodedError> {
  const app = Fastify()
  register(app)
  return await app.ready().then(() => assert.fail('it starts'), (error: CodedError) => error)
}

async function refused (options: object): Promise<CodedError> {
  return await rejection(app => {
    app.register(secureSession, { key })
    app.register(sessionRevocation, options as SessionRevocationOptions)
  })
}

/** The error that a call fails with. */
async function failure (call: (app: FastifyInstance) => unknown, setup: LoginsSetup = {}): Promise<CodedError> {
  try {
    await call(await appWithLogins(setup))
  } catch (error) {
    return error as CodedError
  }
  return assert.fail('nothing was thrown')
}

async function answered (setup: LoginsSetup): Promise<CodedError> {
  let caught: unknown
  const app = await appWithLogins({ ...setup, after: app => { app.setErrorHandler(error => { caught = error; return '' }) } })
  await post(app, '/login', undefined, { user: SECRET })
  return caught as CodedError
}

const full = new MemoryStore({ maxEntries: 1 })
full.set('key', '1', 60_000)
const failing = new TestStore()
failing.fail()

const TRIGGERS = {
  FST_SEALED_SESSION_REVOCATION_ALONE: () => rejection(app => { app.register(sessionRevocation) }),
  FST_SEALED_SESSION_REVOCATION_TWICE: () => failure(() => {}, { after: app => { app.register(sessionRevocation) } }),
  FST_SEALED_SESSION_STORE_SILENT: () => refused({ store: { get () {}, set () {}, throwOnErrors: false, name: SECRET } }),
  FST_SEALED_SESSION_STORE_UNAVAILABLE: () => failure(async app => await app.revokeSubject(SECRET), { revocation: { store: failing } }),
  FST_SEALED_SESSION_STORE_FULL: () => failure(async () => full.set(SECRET, SECRET, 1)),
  FST_SEALED_SESSION_REVOKED_AHEAD: () => {
    const store = new MemoryStore()
    store.set('sealed-session:all', String(Date.now() + 3_600_000), 3_600_000)
    return answered({ revocation: { store } })
  },
  FST_SEALED_SESSION_REVOKED_MEANWHILE: () => failure(async app => {
    const session = app.decodeSecureSession(app.encodeSecureSession(Object.assign(app.createSecureSession(), { user: SECRET })))! // it was just sealed
    await app.revokeSession(session)
    await app.revokeSubject(SECRET, { except: session })
  }),
  FST_SEALED_SESSION_NOT_CHECKED: async () => {
    const app = await appWithLogins({ before: app => app.addHook('onRequest', async request => { String(request.session) }) })
    const token = app.encodeSecureSession(app.createSecureSession({ user: SECRET }))
    const { code, message, statusCode } = (await get(app, '/me', `session=${token}`)).json()
    return Object.assign(new TypeError(message), { code, statusCode, hint: rowOf('FST_SEALED_SESSION_NOT_CHECKED')[1] })
  },
  FST_SEALED_SESSION_NO_ID: async () => {
    const app = await readyApp({
      session: [{ sessionName: 'a', key }, { sessionName: 'b', key: Buffer.alloc(32, 7) }],
      revocation: { sessionName: 'b' }
    })
    await assert.rejects(app.isSessionRevoked(app.createSecureSession()), { code: 'FST_SEALED_SESSION_NO_ID' })
    return await app.revokeSession(app.createSecureSession({ user: SECRET })).then(() => assert.fail('revoked'), (error: CodedError) => error)
  },
  FST_SEALED_SESSION_ID_INVALID: () => failure(async app => await app.revokeSessionId(SECRET)),
  FST_SEALED_SESSION_SUBJECT_NOBODY: () => failure(async app => await app.revokeOtherSessions(app.createSecureSession({ note: SECRET } as never))),
  FST_SEALED_SESSION_STAMP_MISSING: () => failure(async app => await app.restampSession(app.createSecureSession({ user: SECRET } as never))),
  FST_SEALED_SESSION_STAMP_TYPE: () => answered({ revocation: { stamp: async () => [SECRET] as never } }),
  FST_SEALED_SESSION_STAMP_UNAVAILABLE: () => answered({ revocation: { stamp: async () => { throw new Error('the table is locked') } } }),
  FST_SEALED_SESSION_STORE_NONE: () => failure(async app => await app.revokeSubject(SECRET), { revocation: { store: false, stamp: async () => '' } }),
  FST_SEALED_SESSION_STORE_ADD: () => failure(async app => await app.useOnce(SECRET, 1), { revocation: { store: new TestStore() } }),
  FST_SEALED_SESSION_ONCE_ID: () => failure(async app => await app.useOnce(SECRET.repeat(1000), 1)),
  FST_SEALED_SESSION_SUBJECT_TYPE: () => answered({ revocation: { subject: session => ({ name: (session as Bag).user }) as never } }),
  FST_SEALED_SESSION_SUBJECT_LIMIT: () => failure(async app => await app.revokeSubject(SECRET.repeat(1000))),
  FST_SEALED_SESSION_SUBJECT_MISSING: () => failure(async app => await app.revokeSubject(SECRET), { revocation: { subject: undefined } as never })
} satisfies Partial<Record<ErrorCode, () => Promise<CodedError>>>

/** Status of an error that is no mistake of the developer's. */
const STATUS: Array<[codes: RegExp, status: number]> = [[/REVOKED_MEANWHILE/, 409], [/UNAVAILABLE|FULL|REVOKED_AHEAD/, 503], [/ID_INVALID/, 400], [/NOBODY/, 401]]

describe('an error', () => {
  for (const [code, trigger] of Object.entries(TRIGGERS)) {
    it(`${code} is thrown, complete, and tells nothing of what it is about`, async () => {
      const error = await trigger()
      assert.equal(error.code, code)
      const status = STATUS.find(([codes]) => codes.test(code))?.[1] ?? 500
      assert.equal(error.statusCode, status)
      assert.doesNotMatch(error.message, /%s|undefined|\[object/)
      assert.ok(error.hint.endsWith(rowOf(code)[1]))
      for (const shown of [error.message, error.hint, inspect(error, { showHidden: true }), JSON.stringify(error)]) {
        assert.doesNotMatch(shown, /canary/)
      }
    })
  }
})

describe('an option', () => {
  const BAD: Array<[options: object, code: string]> = [
    [{ cacheTTL: 1 }, 'FST_SEALED_SESSION_OPTION_UNKNOWN'],
    [{ stor: new MemoryStore() }, 'FST_SEALED_SESSION_OPTION_UNKNOWN'],
    [{ store: {} }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ store: { get () {} } }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ store: { set () {} } }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ store: 'redis://' }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ store: new Map([['get', 1]]), subject: 'user' }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ onStoreError: 'ignore' }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ sessionName: 7 }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ sessionName: 'other' }, 'FST_SEALED_SESSION_REVOCATION_ALONE'],
    [{ cacheTtl: '2' }, 'FST_SEALED_SESSION_DURATION'],
    [{ cacheTtl: -1 }, 'FST_SEALED_SESSION_DURATION'],
    [{ storeTimeout: 0 }, 'FST_SEALED_SESSION_DURATION'],
    [{ storeTimeout: NaN }, 'FST_SEALED_SESSION_DURATION'],
    [{ storeTimeout: 500 }, 'FST_SEALED_SESSION_OPTION_INVALID'], // milliseconds, where seconds are meant
    [{ cacheTtl: 2000 }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ cacheTtl: 300.001 }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ storeTimeout: 60.001 }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ store: { get () {}, set () {}, throwOnErrors: undefined } }, 'FST_SEALED_SESSION_STORE_SILENT'],
    [{ store: false }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ store: false, subject: () => 'a' }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ store: true, subject: () => 'a', stamp: () => '' }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ stamp: 'version', subject: () => 'a' }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ stamp: () => 'version' }, 'FST_SEALED_SESSION_SUBJECT_MISSING']
  ]
  for (const [options, code] of BAD) {
    it(`is refused with a code: ${inspect(options)}`, async () => {
      assert.equal((await refused(options)).code, code)
    })
  }

  it('of Fastify\'s own passes', async () => {
    await appWithLogins({ revocation: { prefix: '/x', logLevel: 'warn' } as never })
  })

  it('that is null or undefined means the default', async () => {
    const app = await appWithLogins({ revocation: { store: null } as never })
    const cookie = await login(app)
    await post(app, '/logout', cookie)
    assert.equal(await who(app, cookie), 'nobody')
  })

  for (const maxEntries of [0, -1, 1.5, NaN, Infinity, '10']) {
    it(`maxEntries of a MemoryStore is refused with a code: ${inspect(maxEntries)}`, () => {
      assert.throws(() => new MemoryStore({ maxEntries: maxEntries as number }), { code: 'FST_SEALED_SESSION_OPTION_INVALID' })
    })
  }

  it('object is not changed and may be frozen', async () => {
    await appWithLogins({ revocation: Object.freeze({ store: new MemoryStore(), subject }) })
  })
})

describe('a subject', () => {
  for (const [value, got] of [[42, 'a number'], ['', 'empty text'], [true, 'true'], [{}, 'an object']] as const) {
    it(`must be text: ${inspect(value)} fails the request, and revokeSubject`, async () => {
      const error = await answered({ revocation: { subject: () => value as never } })
      assert.equal(error.code, 'FST_SEALED_SESSION_SUBJECT_TYPE')
      assert.ok(error.message.endsWith(got))
      assert.equal((await failure(async app => await app.revokeSubject(value as never))).code, 'FST_SEALED_SESSION_SUBJECT_TYPE')
    })
  }

  it('may be null where nobody is logged in, and a session is written', async () => {
    const app = await appWithLogins({ revocation: { subject: session => (session as Bag).user as string ?? null } })
    assert.equal((await post(app, '/write', undefined, { cart: 1 })).statusCode, 200)
  })

  it('may be null, as undefined, where nobody is logged in', async () => {
    const app = await appWithLogins({ revocation: { subject: session => (session as Bag).user as string ?? null } })
    assert.equal(await who(app, await login(app)), 'ann')
  })
})

describe('of several sessions', () => {
  it('one has one revocation; a second in another context is refused with a code', async () => {
    const error = await rejection(app => {
      app.register(secureSession, { key })
      for (const prefix of ['/a', '/b']) app.register(async child => { child.register(sessionRevocation, { store: new MemoryStore() }) }, { prefix })
    })
    assert.equal(error.code, 'FST_SEALED_SESSION_REVOCATION_TWICE')
  })

  it('one can be revoked in an app; the second is refused with a code', async () => {
    const error = await rejection(app => {
      app.register(secureSession, [{ sessionName: 'a', key }, { sessionName: 'b', key: Buffer.alloc(32, 7) }])
      app.register(sessionRevocation, { sessionName: 'a', store: new MemoryStore() })
      app.register(sessionRevocation, { sessionName: 'b', store: new MemoryStore() })
    })
    assert.equal(error.code, 'FST_SEALED_SESSION_REVOCATION_TWICE')
  })

  it('the one with the sessionName is revoked, and the others are not', async () => {
    const app = await readyApp({
      session: [{ sessionName: 'prefs', key }, { sessionName: 'auth', key: Buffer.from(key).reverse() }],
      revocation: { sessionName: 'auth', store: new MemoryStore() },
      routes: {
        '/': request => {
          const { prefs, auth } = request as unknown as Record<string, Bag>
          return [prefs?.theme, auth?.user]
        },
        'POST /end': request => { for (const session of Object.values(request.body as object)) (request as unknown as Record<string, Bag>)[session]?.delete() }
      }
    })
    const cookie = ['prefs', 'auth'].map(name => {
      const session = app.createSecureSession() as unknown as Bag
      Object.assign(session, { theme: 'dark', user: 'ann' })
      return `${name}=${encodeURIComponent(app.encodeSecureSession(session, name))}`
    }).join('; ')
    assert.deepEqual((await get(app, '/', cookie)).json(), ['dark', 'ann'])
    await post(app, '/end', cookie, ['prefs', 'auth'])
    assert.deepEqual((await get(app, '/', cookie)).json(), ['dark', null])
  })
})
