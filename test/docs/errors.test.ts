// The table of errors: complete, and without a place for a key, a token or a value.
import cookiePlugin from '@fastify/cookie'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import Fastify, { type FastifyInstance } from 'fastify'
import { type ErrorCode, fail, kindOf } from '../../src/errors.ts'
import secureSession, { Keyring, authenticated, createSessionCodec, sessionSignal, type StandardSchema } from '../../src/index.ts'
import { WARNINGS } from '../../src/message-table.ts'
import { errorRow as atTheEdge, warningText as warningAtTheEdge } from '../../src/runtime/texts.ts'
import { CODES, rowOf } from '../support/errors.ts'
import { newKey, withKeyFile } from '../support/helpers.ts'
import { newApp, readyApp } from '../support/app.ts'
import { sessionRevocation } from '../../src/revocation/index.ts'
import { sessionCookies } from '../../src/testing/index.ts'
import { ROOT } from './workspace.ts'

/** What depends on how libsodium was loaded is tried in processes of its own: test/crypto/fallback.test.ts. */
type OfAProcess = 'FST_SEALED_SESSION_SODIUM_MISSING' | 'FST_SEALED_SESSION_SODIUM_NOT_READY'

describe('the table of errors', () => {
  for (const code of CODES) {
    const [message, advice] = rowOf(code)

    it(`${code} has a message of one sentence and advice of whole ones`, () => {
      assert.match(code, /^FST_SEALED_SESSION_[A-Z]+(_[A-Z]+)*$/)
      assert.match(message, /^\S.{10,}\S$/)
      assert.match(advice, /^[A-Z"].{5,}\.$/)
    })

    it(`the message of ${code} has no place that would write an object out`, () => {
      assert.deepEqual((message.match(/%./g) ?? []).filter(place => place !== '%s'), [])
      assert.doesNotMatch(advice, /%/)
    })
  }

  it('names pages by the path that they have in the app of a user, and only pages that the package has', () => {
    const texts = [...CODES.flatMap(code => rowOf(code).slice(0, 2).map(String)), ...Object.values(WARNINGS), atTheEdge('DURATION', 0)[1], warningAtTheEdge('FST_SEALED_SESSION_WARN_SALT', [])]
    const named = texts.flatMap(text => [...text.matchAll(/(\S*?)(docs\/[\w/-]+\.md)/g)].map(([, before, page = '']) => ({ before, page })))
    assert.ok(named.length > 4)
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] }
    assert.ok(files.includes('docs'))
    for (const { before, page } of named) {
      assert.equal(before, 'node_modules/fastify-sealed-session/', page)
      assert.ok(existsSync(join(ROOT, page)), page)
    }
  })

  it('has no message twice', () => {
    assert.equal(new Set(CODES.map(code => rowOf(code)[0])).size, CODES.length)
  })
})

// What an app or a client handed over and must not find in an error: 43 characters, so that it passes
// for the text of a key.
const SECRET = 'canary-canary-canary-canary-canary-canary-c'
const key = newKey()

/** Those are in test/device/mistakes.test.ts: they need the plugin that binds sessions to devices. */
type OfDevices = Extract<ErrorCode, `FST_SEALED_SESSION_DEVICE_${string}`>

/** That one is in test/keys/from-env.test.ts. */
type OfEnvironment = 'FST_SEALED_SESSION_ENV_MISSING'

/** What `ready()` rejects with. */
async function rejection (options: unknown, before?: (app: FastifyInstance) => unknown): Promise<unknown> {
  const app = newApp({ before, session: options })
  return await thrownBy(() => app.ready())
}

/** What a function throws that has an app, and a session that holds the secret. */
async function thrown (act: (app: FastifyInstance) => unknown, options: object = { key }): Promise<unknown> {
  const app = await readyApp({ session: options })
  return await thrownBy(() => act(app))
}

/** What a codec throws whose schema validates like this. */
async function sealedWith (validate: StandardSchema['~standard']['validate']): Promise<unknown> {
  return await thrownBy(async () => {
    const codec = await createSessionCodec<object>({ key, schema: { '~standard': { version: 1, vendor: 'test', validate } } })
    codec.seal({ user: SECRET })
  })
}

/** One of a series of keys, of which two were found that have the same id. */
function keyNumber (number: number): Buffer {
  const key = Buffer.alloc(32)
  key.write('two keys with one id')
  key.writeUInt32BE(number, 28)
  return key
}

async function thrownBy (act: () => unknown): Promise<unknown> {
  try {
    await act()
  } catch (error) {
    return error
  }
  return assert.fail('nothing was thrown')
}

/** What an error handler gets that a handler's doing led to. */
async function handled (act: (session: Record<string, unknown>, request: { session: unknown }) => unknown): Promise<unknown> {
  const errors: unknown[] = []
  const app = await readyApp({
    session: { key },
    after: app => { app.setErrorHandler(error => { errors.push(error); return 'failed' }) },
    routes: { '/': request => { act(request.session as never, request) } }
  })
  await app.inject('/')
  return errors[0]
}

/** Those are in test/revocation/errors.test.ts. */
type OfRevocation = `FST_SEALED_SESSION_${'REVOCATION_ALONE' | 'REVOCATION_TWICE' | 'STORE_SILENT' | 'STORE_UNAVAILABLE' | 'STORE_FULL' | 'REVOKED_AHEAD' | 'REVOKED_MEANWHILE' | 'NOT_CHECKED' | 'NO_ID' | 'STAMP_MISSING' | 'STAMP_TYPE' | 'STAMP_UNAVAILABLE' | 'STORE_NONE' | 'STORE_ADD' | 'ONCE_ID' | 'ID_INVALID' | 'SUBJECT_TYPE' | 'SUBJECT_LIMIT' | 'SUBJECT_MISSING' | 'SUBJECT_NOBODY'}`

/** Those are in test/cross-origin/options.test.ts. */
type OfCrossOrigin = `FST_SEALED_SESSION_${'CROSS_ORIGIN' | 'CROSS_ORIGIN_LATE' | 'CROSS_ORIGIN_TWICE' | 'ORIGIN_INVALID'}`

/** Those are in test/registry/errors.test.ts. */
type OfRegistry = `FST_SEALED_SESSION_${'REGISTRY_ALONE' | 'REGISTRY_TWICE' | 'REGISTRY_UNAVAILABLE' | 'TOO_MANY_SESSIONS' | 'DESCRIPTION_INVALID'}`

/** Those are in test/edge/refused.test.ts. */
type OfTheEdge = 'FST_SEALED_SESSION_NOT_AT_EDGE' | 'FST_SEALED_SESSION_PART_MISSING'

/** Those are in test/step-up/guards.test.ts: they are for users, and no mistakes. */
type OfGuards = `FST_SEALED_SESSION_${'LOGIN_REQUIRED' | 'NOT_FRESH' | 'GUARD_MISPLACED'}`

/** That one is in test/options/typical-mistakes.test.ts. */
type OfPlugins = 'FST_SEALED_SESSION_PLUGIN_MISPLACED'

/** Those are in test/web/errors.test.ts. */
type OfWebSessions = `FST_SEALED_SESSION_${'REQUEST_INVALID' | 'HEADERS_INVALID' | 'HEADERS_IMMUTABLE' | 'WEB_OPTION_MISSING'}`

/** What `ready()` rejects with. */
async function registered (register: (app: FastifyInstance) => void): Promise<unknown> {
  const app = Fastify()
  register(app)
  return await app.ready().then(() => assert.fail('ready() did not reject'), (error: unknown) => error)
}

/** Status of those that are no mistake of a developer. */
const EVENTS: Partial<Record<ErrorCode, number>> = { FST_SEALED_SESSION_ENDED: 409, FST_SEALED_SESSION_OVER: 401 }

const TRIGGERS: Record<Exclude<ErrorCode, OfAProcess | OfRevocation | OfCrossOrigin | OfRegistry | OfGuards | OfPlugins | OfDevices | OfEnvironment | OfWebSessions | OfTheEdge>, () => Promise<unknown>> = {
  FST_SEALED_SESSION_OPTIONS_INVALID: () => rejection([SECRET]),
  FST_SEALED_SESSION_OPTION_UNKNOWN: () => rejection({ keys: SECRET }),
  FST_SEALED_SESSION_OPTION_INVALID: () => rejection({ key, cookie: SECRET }),
  FST_SEALED_SESSION_ROUTE_CONFIG: () => registered(app => {
    app.register(secureSession, { key: SECRET })
    app.register(async app => { app.get('/', { config: { session: { extend: SECRET } as object } }, async () => '') })
  }),
  FST_SEALED_SESSION_OVER: async () => {
    const session = (await readyApp({ session: { key: SECRET } })).createSecureSession({ name: SECRET })
    const signal = sessionSignal(session)
    session.delete()
    return signal.reason
  },
  FST_SEALED_SESSION_DURATION: () => rejection({ key, expiry: SECRET }),
  FST_SEALED_SESSION_EXPIRY_TOO_LONG: () => rejection({ key: SECRET, expiry: 2, maxExpiry: 1 }),
  FST_SEALED_SESSION_COOKIE_INVALID: () => rejection({ key: SECRET, cookieName: 'a b' }),
  FST_SEALED_SESSION_NAME_TAKEN: () => rejection([{ key: SECRET }, { key: SECRET }]),
  FST_SEALED_SESSION_NAME_RESERVED: () => rejection({ key: SECRET, sessionName: 'headers' }),
  FST_SEALED_SESSION_REGISTERED_TWICE: () => registered(app => { for (let time = 0; time < 2; time++) app.register(secureSession, { key: SECRET }) }),
  FST_SEALED_SESSION_BESIDE_PEER: () => registered(app => { app.decorate('createSecureSession', null as never); app.register(secureSession, { key: SECRET }) }),
  FST_SEALED_SESSION_VERSIONS: () => registered(app => {
    app.decorate(Symbol.for('fastify-sealed-session.extensible') as never, [{ sessionName: SECRET }] as never)
    app.register(sessionRevocation)
  }),
  FST_SEALED_SESSION_COOKIE_PLUGIN_LATE: () => registered(app => { app.register(secureSession, { key: SECRET }); app.register(cookiePlugin, { secret: SECRET }) }),
  FST_SEALED_SESSION_KEY_MISSING: () => rejection({ salt: SECRET }),
  FST_SEALED_SESSION_KEY_TYPE: () => rejection({ key: { key: SECRET } }),
  FST_SEALED_SESSION_KEY_ITEM_TYPE: () => rejection({ key: [[SECRET]] }),
  FST_SEALED_SESSION_KEY_LENGTH: () => rejection({ key: Buffer.from(SECRET) }),
  FST_SEALED_SESSION_KEY_TEXT: () => rejection({ key: `${SECRET}!` }),
  FST_SEALED_SESSION_KEY_ID_TAKEN: () => rejection({ key: [1651, 7505].map(keyNumber) }),
  FST_SEALED_SESSION_KEY_UNKNOWN: async () => await thrownBy(() => { new Keyring([key]).retire(SECRET) }),
  FST_SEALED_SESSION_KEY_LAST: async () => await thrownBy(() => { const keyring = new Keyring([key]); keyring.retire(keyring.ids[0]!) }),
  FST_SEALED_SESSION_KEYRING_FOLLOWS: async () => await withKeyFile(`${key.toString('hex')}\n`, async path => {
    const keyring = await Keyring.fromFile(path, { watch: true })
    const error = await thrownBy(() => { keyring.rotate(SECRET) })
    keyring.close()
    return error
  }),
  FST_SEALED_SESSION_KEY_FILE: async () => await withKeyFile(`${key.toString('hex')}\n${SECRET}!\n`, async path => await thrownBy(async () => await Keyring.fromFile(path))),
  FST_SEALED_SESSION_SECRET_TYPE: () => rejection({ secret: [[SECRET]] }),
  FST_SEALED_SESSION_SECRET_LENGTH: () => rejection({ secret: SECRET.slice(0, 31) }),
  FST_SEALED_SESSION_SALT_TYPE: () => rejection({ secret: SECRET, salt: [SECRET] }),
  FST_SEALED_SESSION_SALT_LENGTH: () => rejection({ secret: SECRET, salt: SECRET }),
  FST_SEALED_SESSION_SIGNING_SECRET_MISSING: () => rejection({ key: SECRET, cookie: { signed: true } }, app => app.register(cookiePlugin)),
  FST_SEALED_SESSION_UNSIGN_MISSING: async () => await thrownBy(async () => (await createSessionCodec({ key, cookie: { signed: true } })).openCookies(`session=${SECRET}`)),
  FST_SEALED_SESSION_UNKNOWN_SESSION: () => thrown(app => app.decodeSecureSession(SECRET, undefined, 'other')),
  FST_SEALED_SESSION_NOT_A_SESSION: () => thrown(app => app.encodeSecureSession({ user: SECRET } as never)),
  FST_SEALED_SESSION_DATA_INVALID: () => thrown(app => app.createSecureSession(SECRET as never)),
  FST_SEALED_SESSION_ENDED: async () => {
    const keyring = new Keyring([key, newKey()])
    return await thrown(app => {
      const session = app.decodeSecureSession(app.encodeSecureSession(app.createSecureSession({ user: SECRET } as never)))
      keyring.retire(keyring.ids[0]!) // there are two
      app.encodeSecureSession(session!) // it was just sealed
    }, { key: keyring })
  },
  FST_SEALED_SESSION_ASSIGNED: () => handled((_session, request) => { request.session = SECRET }),
  FST_SEALED_SESSION_KEY_RESERVED: () => handled(session => { session.__ts = SECRET }),
  FST_SEALED_SESSION_VALUE_UNSTORABLE: () => handled(session => { session.user = { name: SECRET, find: () => SECRET } }),
  FST_SEALED_SESSION_SERIALIZER_FAILED: () => thrown(async () => {
    const fail = (): never => { throw new Error('of the serializer') }
    const codec = await createSessionCodec<object>({ key, serializer: { stringify: fail, parse: fail } })
    codec.seal({ user: SECRET })
  }),
  FST_SEALED_SESSION_SCHEMA_INVALID: () => sealedWith(value => ({ issues: [{ message: JSON.stringify(value), path: ['user'] }] })),
  FST_SEALED_SESSION_SCHEMA_FAILED: () => sealedWith(() => { throw new Error('of the schema') }),
  FST_SEALED_SESSION_SCHEMA_ASYNC: () => sealedWith(async value => ({ value })),
  FST_SEALED_SESSION_NOT_AWAITED: async () => {
    let error: unknown
    const app = await readyApp({
      routes: {
        '/': async ({ session }, reply) => {
          session.set('user', SECRET)
          error = await thrownBy(() => reply.raw.setHeader('set-cookie', reply.sessionCookies() as never))
        }
      }
    })
    await app.inject('/')
    return error
  },
  FST_SEALED_SESSION_METHOD_INVALID: () => thrown(app => { authenticated(app.createSecureSession(), `${SECRET} `) }),
  FST_SEALED_SESSION_HEADERS_SENT: async () => {
    let error: unknown
    const app = await readyApp({
      routes: {
        '/': async (_request, reply) => {
          reply.hijack()
          reply.raw.end(SECRET)
          error = await thrownBy(async () => await reply.sessionCookies())
        }
      }
    })
    await app.inject('/')
    return error
  },
  FST_SEALED_SESSION_COOKIE_TOO_LARGE: () => handled(session => { session.user = SECRET.repeat(200) }),
  FST_SEALED_SESSION_TOO_LARGE: () => handled(session => { session.user = SECRET.repeat(2000) }),
  FST_SEALED_SESSION_TEST_APP: async () => await thrownBy(async () => await sessionCookies(SECRET as never, {})),
  FST_SEALED_SESSION_TEST_ALONE: async () => await thrownBy(async () => await sessionCookies(Fastify(), { user: SECRET })),
  FST_SEALED_SESSION_TEST_ENCODING: async () => {
    const parseOptions = { encode: (value: string) => `${value}+`, decode: (text: string) => text.slice(0, -1) }
    const app = await readyApp({ session: { key, format: 'sealed' }, before: app => app.register(cookiePlugin, { parseOptions }) })
    return await thrownBy(async () => await sessionCookies(app, { user: SECRET } as never))
  }
}

describe('an error', () => {
  for (const code of Object.keys(TRIGGERS) as Array<keyof typeof TRIGGERS>) {
    it(`${code} is thrown, complete, and tells nothing of what it is about`, async () => {
      const error = await TRIGGERS[code]() as Error & { code: string, statusCode: number, hint: string }
      assert.equal(error.code, code)
      assert.ok(error instanceof (code in EVENTS ? Error : TypeError))
      assert.equal(error.statusCode, EVENTS[code] ?? 500)
      assert.doesNotMatch(error.message, /%s|undefined|\[object/)
      assert.ok(error.hint.endsWith(rowOf(code)[1]))
      for (const shown of [error.message, error.hint, inspect(error, { showHidden: true }), JSON.stringify(error)]) {
        assert.doesNotMatch(shown, /canary|63616e617279|Y2FuYXJ5/)
      }
    })
  }

  it('has its details before the advice', () => {
    const { hint } = fail('KEY_MISSING', [], { detail: 'The array is empty.' })
    assert.equal(hint, `The array is empty. ${rowOf('FST_SEALED_SESSION_KEY_MISSING')[1]}`)
  })

  it('has the value that was thrown as its cause, out of sight of loggers that copy properties', () => {
    const cause = new Error('away')
    const error = fail('STORE_UNAVAILABLE', ['Error'], { cause })
    assert.equal(error.cause, cause)
    assert.ok(!Object.keys(error).includes('cause'))
    assert.ok(!('cause' in fail('STORE_UNAVAILABLE', ['Error'])))
  })

  it('has a stack that starts where it was made', () => {
    function caller (): Error {
      return fail('UNKNOWN_SESSION')
    }
    assert.match(caller().stack ?? '', /caller/)
  })
})

describe('a token that cannot be written into a cookie', () => {
  it('is in no error message, neither at registration nor in a request', async () => {
    const encoded: string[] = []
    const encode = (value: string): string => { encoded.push(value); return value } // leaves the semicolon in
    const errors: unknown[] = []
    await readyApp({
      session: { key, cookie: { encode } },
      after: app => { app.setErrorHandler(error => { errors.push(error); return 'failed' }) },
      routes: { '/': ({ session }) => { session.set('a' as never, 1 as never) } }
    }).then(app => app.inject('/'), error => { errors.push(error) })
    assert.ok(errors.length > 0)
    for (const token of encoded.filter(({ length }) => length > 50)) {
      for (const error of errors) assert.ok(!inspect(error).includes(token), 'the token is in the error')
    }
  })
})

describe('kindOf', () => {
  const kinds: Array<[value: unknown, kind: string]> = [
    [null, 'null'], [undefined, 'undefined'], [true, 'true'], [false, 'false'], [NaN, 'NaN'], [Infinity, 'Infinity'], [-Infinity, '-Infinity'],
    [0, 'a number'], [-1.5, 'a number'], ['', 'a string'], ['text', 'a string'], [1n, 'a bigint'], [Symbol('s'), 'a symbol'],
    [() => 1, 'a function'], [class Named {}, 'a function'], [{}, 'an object'], [new Date(), 'an object'], [Object('text'), 'an object'],
    [Buffer.from('text'), 'an object'], [Object.create(null), 'an object'], [[], 'an array'], [['text'], 'an array']
  ]
  for (const [value, kind] of kinds) {
    it(`is ${kind} for ${inspect(value)}`, () => assert.equal(kindOf(value), kind))
  }

  it('shows nothing of any value: it is one of these words', () => {
    const words = new Set(kinds.map(([, kind]) => kind))
    const anything = fc.anything({ withBigInt: true, withBoxedValues: true, withDate: true, withMap: true, withSet: true, withTypedArray: true, withNullPrototype: true })
    fc.assert(fc.property(anything, value => { assert.ok(words.has(kindOf(value)), kindOf(value)) }), { numRuns: 1000 })
  })
})
