// What is refused at registration and in calls, with which code, and that nothing of it shows.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import Fastify, { type FastifyInstance } from 'fastify'
import { rowOf } from '../support/errors.ts'
import type { ErrorCode, SealedSessionError } from '../../src/errors.ts'
import secureSession from '../../src/index.ts'
import { MemoryRegistry, postgresRegistry, redisRegistry, type RegistryStore, sessionRegistry } from '../../src/registry/index.ts'
import { sessionRevocation } from '../../src/revocation/index.ts'
import { post } from '../support/app.ts'
import { setEnvironment } from '../support/environment.ts'
import { captureLog, setCookies, warnings } from '../support/helpers.ts'
import { appListing, idsOf, TestRegistry } from '../support/registry.ts'
import { key, login, subject, TestStore } from '../support/revocation.ts'

const SECRET = 'canary-canary-canary'
const BIG = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`${SECRET}${index}`, SECRET]))

/** What a promise rejects with. */
async function rejected (promise: Promise<unknown>): Promise<SealedSessionError> {
  return await promise.then(() => assert.fail('nothing was thrown'), (error: SealedSessionError) => error)
}

/** What `ready()` rejects with. */
async function rejection (register: (app: FastifyInstance) => unknown): Promise<SealedSessionError> {
  const app = Fastify()
  register(app)
  return await rejected(app.ready() as unknown as Promise<void>)
}

async function refused (options: object): Promise<SealedSessionError> {
  return await rejected(appListing(options))
}

/** What the error handler gets of a login; no cookie is sent. */
async function failedLogin (options: object): Promise<SealedSessionError> {
  const errors: SealedSessionError[] = []
  const app = await appListing(options, { before: app => app.setErrorHandler(async (error: SealedSessionError) => { errors.push(error); return 'failed' }) })
  assert.deepEqual(setCookies(await post(app, '/login', undefined, { user: SECRET })), [])
  return errors[0] ?? assert.fail('it did not fail')
}

const failing = new TestRegistry()
failing.fail()

const TRIGGERS: Partial<Record<ErrorCode, () => Promise<SealedSessionError>>> = {
  FST_SEALED_SESSION_REGISTRY_ALONE: async () => await rejection(app => app.register(secureSession, { key }).register(sessionRegistry, { describe: () => ({ SECRET }) })),
  FST_SEALED_SESSION_REGISTRY_TWICE: async () => await rejected(appListing({}, { after: app => { app.register(sessionRegistry) } })),
  FST_SEALED_SESSION_REGISTRY_UNAVAILABLE: async () => await rejected((await appListing({ store: failing })).listSessions(SECRET)),
  FST_SEALED_SESSION_TOO_MANY_SESSIONS: async () => {
    const store = new MemoryRegistry()
    const more = { store, maxSessions: 1, onMaxSessions: 'refuse' }
    await login(await appListing(more as never), SECRET)
    return await failedLogin(more)
  },
  FST_SEALED_SESSION_DESCRIPTION_INVALID: async () => await failedLogin({ describe: () => BIG })
}
describe('an error', () => {
  for (const [code, trigger] of Object.entries(TRIGGERS)) {
    it(`${code} is thrown, complete, and tells nothing of what it is about`, async () => {
      const error = await trigger()
      assert.equal(error.code, code)
      assert.equal(error.statusCode, /TOO_MANY/.test(code) ? 409 : /UNAVAILABLE/.test(code) ? 503 : 500)
      assert.doesNotMatch(error.message, /%s|undefined|\[object/)
      assert.ok(error.hint.endsWith(rowOf(code)[1]))
      for (const shown of [error.message, error.hint, inspect(error, { showHidden: true }), JSON.stringify(error)]) assert.doesNotMatch(shown, /canary/)
    })
  }
})

describe('sessionRegistry', () => {
  const ALONE: Record<string, [missing: RegExp, register: (app: FastifyInstance) => unknown]> = {
    'without a session': [/no session "session"/, app => app.register(sessionRegistry)],
    'without revocation': [/no sessionRevocation of session "session"/, app => app.register(secureSession, { key }).register(sessionRegistry)],
    'before revocation': [/no sessionRevocation/, app => app.register(secureSession, { key }).register(sessionRegistry).register(sessionRevocation, { subject })],
    'without a subject': [/no option "subject"/, app => app.register(secureSession, { key }).register(sessionRevocation).register(sessionRegistry)],
    'for a session that there is not': [/no session "other"/, app => app.register(secureSession, { key }).register(sessionRevocation, { subject }).register(sessionRegistry, { sessionName: 'other' })]
  }
  for (const [how, [missing, register]] of Object.entries(ALONE)) {
    it(`is refused ${how}, and says what to do`, async () => {
      const error = await rejection(register)
      assert.equal(error.code, 'FST_SEALED_SESSION_REGISTRY_ALONE')
      assert.match(error.message, missing)
      assert.match(error.hint, /Register in this order/)
    })
  }

  it('is refused with a limit if the revocation has no store, which could end nothing; without one it lists', async () => {
    const setup = { revocation: { store: false as const, stamp: async () => '1' } }
    assert.equal((await rejected(appListing({ maxSessions: 1 }, setup))).code, 'FST_SEALED_SESSION_STORE_NONE')
    const app = await appListing({}, setup)
    const cookie = await login(app)
    assert.equal((await idsOf(app)).length, 1)
    await post(app, '/logout', cookie)
    assert.deepEqual(await idsOf(app), [])
  })

  it('warns if it has no store', async () => {
    const { lines, logger } = captureLog()
    const app = await appListing({ store: undefined }, { server: { logger } })
    await login(app)
    assert.deepEqual([warnings(lines).map(({ code }) => code), (await idsOf(app)).length], [['FST_SEALED_SESSION_WARN_MEMORY_REGISTRY'], 1])
  })

  it('warns in production if its store is a MemoryRegistry, and not elsewhere', async t => {
    const told = async (store: RegistryStore): Promise<string[]> => {
      const { lines, logger } = captureLog()
      await appListing({ store }, { server: { logger }, revocation: { store: new TestStore() } })
      return warnings(lines).filter(({ code }) => code !== 'FST_SEALED_SESSION_WARN_PRODUCTION').map(({ msg }) => msg)
    }
    assert.deepEqual(await told(new MemoryRegistry()), [])
    setEnvironment(t, 'production')
    assert.match((await told(new MemoryRegistry())).join(), /^sessionRegistry lists sessions in the memory of this process, since its "store" is a MemoryRegistry\.[^,]+$/)
    assert.deepEqual(await told(new TestRegistry()), [])
  })
})

describe('an option', () => {
  const BAD: Array<[options: object, code: string]> = [
    [{ maxSession: 1 }, 'FST_SEALED_SESSION_OPTION_UNKNOWN'],
    [{ store: {} }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ store: { put () {}, remove () {} } }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ store: 'redis://' }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ describe: {} }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ describe: null }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    ...[0, -1, 1.5, NaN, Infinity, '3', 10_001].map((maxSessions): [object, string] => [{ maxSessions }, 'FST_SEALED_SESSION_OPTION_INVALID']),
    [{ maxSessions: 1, onMaxSessions: 'end' }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ onMaxSessions: 'refuse' }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ sessionName: 7 }, 'FST_SEALED_SESSION_OPTION_INVALID'],
    [{ storeTimeout: 0 }, 'FST_SEALED_SESSION_DURATION'],
    [{ storeTimeout: 500 }, 'FST_SEALED_SESSION_OPTION_INVALID'] // milliseconds, where seconds are meant
  ]
  for (const [options, code] of BAD) {
    it(`is refused with a code: ${inspect(options)}`, async () => {
      assert.equal((await refused(options)).code, code)
    })
  }

  it('object is not changed and may be frozen', async () => {
    await appListing(Object.freeze({ store: new MemoryRegistry(), maxSessions: 1 }))
  })

  const STORES: Record<string, () => unknown> = {
    'a client that is none': () => redisRegistry({} as never),
    'no client': () => redisRegistry(undefined as never),
    'a prefix that is no text': () => redisRegistry({ eval: async () => {} }, { prefix: 7 as never }),
    'a pool that is none': () => postgresRegistry({} as never),
    'no pool': () => postgresRegistry(undefined as never),
    'a table with a quote in its name': () => postgresRegistry({ query: async () => ({ rows: [] }) }, { table: 'a"; DROP TABLE users; --' }),
    'a table in two schemas': () => postgresRegistry({ query: async () => ({ rows: [] }) }, { table: 'a.b.c' })
  }
  for (const [what, make] of Object.entries(STORES)) {
    it(`of a store is refused with a code: ${what}`, () => {
      assert.throws(make, { code: 'FST_SEALED_SESSION_OPTION_INVALID' })
    })
  }

  for (const make of [() => redisRegistry({ eval: async () => {} }, { prefx: '' } as never), () => postgresRegistry({ query: async () => ({ rows: [] }) }, { tabel: '' } as never)]) {
    it(`of a store that is misspelt is refused with a code: ${String(make)}`, () => {
      assert.throws(make, { code: 'FST_SEALED_SESSION_OPTION_UNKNOWN' })
    })
  }

  for (const maxEntries of [0, -1, 1.5, NaN, Infinity, '10']) {
    it(`maxEntries of a MemoryRegistry is refused with a code: ${inspect(maxEntries)}`, () => {
      assert.throws(() => new MemoryRegistry({ maxEntries: maxEntries as number }), { code: 'FST_SEALED_SESSION_OPTION_INVALID' })
    })
  }
})

describe('a description', () => {
  const circular: Record<string, unknown> = {}
  circular.self = circular
  const BAD: Record<string, unknown> = { text: 'Firefox', nothing: undefined, null: null, 'an array': ['Firefox'], 'a promise': Promise.resolve({}), 'a circle': circular, 'a bigint': { a: 1n }, 'more than 2048 bytes': BIG }
  for (const [what, description] of Object.entries(BAD)) {
    it(`that is ${what} fails the login`, async () => {
      assert.equal((await failedLogin({ describe: () => description })).code, 'FST_SEALED_SESSION_DESCRIPTION_INVALID')
    })
  }

  it('that throws fails the login with what it has thrown', async () => {
    assert.equal((await failedLogin({ describe: () => { throw Object.assign(new Error(), { code: 'OWN' }) } })).code, 'OWN')
  })
})
