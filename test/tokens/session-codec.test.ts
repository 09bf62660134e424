// Tokens without Fastify, through the public surface: what a WebSocket server or a worker has of a session.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { inspect, promisify } from 'node:util'
import { describe, it, type TestContext } from 'node:test'
import cookiePlugin, { unsign } from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import fc from 'fast-check'
import { Keyring, createSessionCodec, type Format, type OpenedToken, type SecureSessionPluginOptions, type SessionCodec } from '../../src/index.ts'
import { asOptions, rejection, sealRaw, stopClock } from '../support/configurations.ts'
import { cookieOf, isWasmNotice, newKey, tokenOf } from '../support/helpers.ts'
import { readyApp } from '../support/app.ts'

const run = promisify(execFile)

const FORMATS: readonly Format[] = ['secretbox', 'sealed']
const DATA = { userId: 42, name: 'Zoë', roles: ['admin'] }
const SECRET = 'a passphrase of at least 32 bytes, for tests'

/** An app whose session is the one that the codec is made for; with a secret, it registers `@fastify/cookie` itself. */
async function appOf (t: TestContext, options: SecureSessionPluginOptions, secret?: string): Promise<FastifyInstance> {
  return await readyApp({
    t,
    before: app => secret !== undefined && app.register(cookiePlugin, { secret }),
    session: options,
    routes: {
      '/login': ({ session }) => { session.set('userId', 42) },
      '/': ({ session }) => session.data()
    }
  })
}

/** A codec with a key of its own unless told otherwise. */
async function codecOf (options: Partial<SecureSessionPluginOptions> = {}): Promise<SessionCodec<Record<string, unknown>>> {
  return await createSessionCodec<Record<string, unknown>>({ key: newKey(), ...options } as SecureSessionPluginOptions)
}

/** What was opened; fails where it was refused. */
function opened<T> (result: OpenedToken<T>): Extract<OpenedToken<T>, { ok: true }> {
  return result.ok ? result : assert.fail(`refused: ${result.reason}`)
}

for (const format of FORMATS) {
  describe(`a codec of the ${format} format`, () => {
    it('opens the cookie of an app with the same options', async t => {
      const options = { key: newKey(), format, cookieName: 'login' }
      const app = await appOf(t, options)
      const cookie = tokenOf(await app.inject('/login'), 'login')
      const { data, format: found } = opened((await createSessionCodec(options)).open(cookie))
      assert.deepEqual({ data, found }, { data: { userId: 42 }, found: format })
    })

    it('seals what an app with the same options takes for its cookie', async t => {
      const options = { key: newKey(), format, cookieName: 'login' }
      const app = await appOf(t, options)
      const token = (await createSessionCodec<typeof DATA>(options)).seal(DATA)
      const response = await app.inject({ url: '/', headers: { cookie: `login=${encodeURIComponent(token)}` } })
      assert.deepEqual(response.json(), DATA)
      assert.deepEqual(app.decodeSecureSession(token)?.data(), DATA)
    })

    it('opens what the decorators of the app have sealed', async t => {
      const options = { key: newKey(), format }
      const app = await appOf(t, options)
      const token = app.encodeSecureSession(app.createSecureSession(DATA))
      assert.deepEqual(opened((await createSessionCodec(options)).open(token)).data, DATA)
    })

    it('says what is to be known of a token', async t => {
      const clock = stopClock(t)
      const key = newKey()
      const { seal, open } = await codecOf({ key, format, expiry: 60 }) // the methods may be taken off
      const token = seal(DATA)
      clock.tick(10_000)
      const begun = new Date(1_800_000_000_000)
      assert.deepEqual(open(token), {
        ok: true,
        data: DATA,
        createdAt: format === 'sealed' ? begun : null,
        lastWriteAt: begun,
        expiresAt: new Date(1_800_000_060_000),
        keyId: new Keyring(key).ids[0],
        format,
        stale: false,
        authentications: {}
      })
    })

    it('opens a token until expiresAt and not from then on', async t => {
      const clock = stopClock(t)
      clock.tick(123) // a time with milliseconds
      const codec = await codecOf({ format, expiry: 60 })
      const token = codec.seal(DATA)
      const { expiresAt } = opened(codec.open(token))
      clock.setSystemTime(expiresAt.getTime() - 1)
      assert.equal(codec.open(token).ok, true)
      clock.setSystemTime(expiresAt)
      assert.deepEqual(codec.open(token), { ok: false, reason: 'expired' })
    })

    it('gives dates, whatever the expiry', async () => {
      const codec = await codecOf({ format, expiry: Number.MAX_VALUE })
      const { expiresAt } = opened(codec.open(codec.seal(DATA)))
      assert.equal(expiresAt.getTime(), 8.64e15) // the last that there is
    })

    it('never throws, whatever it is given', async () => {
      const { open, seal } = await codecOf({ format })
      const token = seal(DATA)
      const anything = fc.oneof(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withObjectString: true, withTypedArray: true, withSparseArray: true }),
        fc.string({ unit: 'binary' }),
        fc.tuple(fc.base64String(), fc.base64String()).map(parts => parts.join(';')),
        fc.base64String().map(text => Buffer.from(text, 'base64').toString('base64url')),
        fc.tuple(fc.nat(token.length - 1), fc.string({ unit: 'binary', minLength: 1 })).map(([at, text]) => token.slice(0, at) + text + token.slice(at + 1))
      )
      fc.assert(fc.property(anything, value => {
        const result = open(value as string)
        return result.ok ? value === token : typeof result.reason === 'string'
      }), { numRuns: 2000 })
    })

    it('refuses what is not a string as malformed, without calling anything of it', async () => {
      const { open } = await codecOf({ format })
      const hostile = new Proxy({}, { get: () => assert.fail('it was looked into') })
      for (const value of [undefined, null, 0, 1n, true, Symbol('token'), () => 'token', {}, [], ['token'], Buffer.from('token'), Object('token'), hostile]) {
        // As text for the message, since inspecting the last would fail the test.
        assert.deepEqual(open(value as string), { ok: false, reason: 'malformed' }, typeof value)
      }
    })

    it('is not thrown off by what the data is made of', async () => {
      const codec = await codecOf({ format })
      fc.assert(fc.property(fc.dictionary(fc.string({ unit: 'binary' }).filter(key => key !== '__ts'), fc.jsonValue()), data => {
        const found = opened(codec.open(codec.seal(data))).data
        assert.deepEqual(JSON.stringify(found), JSON.stringify(JSON.parse(JSON.stringify(data))))
      }))
    })
  })
}

describe('a token that another program with the key has sealed', () => {
  for (const time of [-1e300, -8.64e12 - 1, 0]) {
    it(`gives dates, whatever it says of its last write: ${time}`, async () => {
      const key = newKey()
      const codec = await codecOf({ key, expiry: Number.MAX_VALUE, absoluteTimeout: Number.MAX_VALUE })
      const { createdAt, lastWriteAt, expiresAt } = opened(codec.open(sealRaw(key, `{"__ts":${time}}`)))
      const firstOf = Math.max(time * 1000, -8.64e15) // no date is earlier
      assert.deepEqual([createdAt?.getTime(), lastWriteAt.getTime(), expiresAt.getTime()], [firstOf, firstOf, 8.64e15])
    })
  }
})

describe('createSessionCodec', () => {
  it('leaves its options as they are, which may be frozen', async () => {
    const options = Object.freeze({
      key: Object.freeze([newKey(), newKey()]),
      cookie: Object.freeze({ path: '/' }),
      accept: Object.freeze(['sealed'] as const),
      format: 'sealed',
      expiry: 60
    } as const)
    const before = inspect(options, { depth: null })
    await createSessionCodec(options)
    assert.equal(inspect(options, { depth: null }), before)
  })

  it('copies the key: changing its bytes later changes nothing', async () => {
    const key = newKey()
    const codec = await codecOf({ key })
    const token = codec.seal(DATA)
    key.fill(0)
    assert.equal(codec.open(token).ok, true)
  })

  // What registration refuses, it refuses with the same code.
  const mistakes: Record<string, unknown> = {
    'no options': undefined,
    'no key': {},
    'a key that is too short': { key: Buffer.alloc(31) },
    'a bad key in an array': { key: [newKey(), 'not a key'] },
    'a key that is a number': { key: 5 },
    'a secret that is too short': { secret: 'short' },
    'a salt of the wrong length': { secret: SECRET, salt: 'short' },
    'an expiry that is text': { key: newKey(), expiry: '60' },
    'a misspelt option': { key: newKey(), expirey: 60 },
    'an unknown format': { key: newKey(), format: 'jwt' },
    'an accept without the format': { key: newKey(), format: 'sealed', accept: ['secretbox'] },
    'a context that is no text': { key: newKey(), context: 1 },
    'options that are text': 'key'
  }
  for (const [what, options] of Object.entries(mistakes)) {
    it(`rejects ${what} with the code of registration`, async () => {
      const { code, hint } = await rejection(options)
      await assert.rejects(createSessionCodec(options as SecureSessionPluginOptions), { code, hint })
    })
  }

  it('refuses an array, since a codec is of one session, and says so', async () => {
    const options = [{ sessionName: 'session', key: newKey() }]
    await assert.rejects(createSessionCodec(options as unknown as SecureSessionPluginOptions), {
      code: 'FST_SEALED_SESSION_OPTIONS_INVALID', message: 'options must be an object, got an array', hint: /^Give the options of one session/
    })
  })

  it('warns through process.emitWarning with the codes of registration, and never with a key', async () => {
    const key = Buffer.alloc(32, 7)
    const warned = await warningsOf(() => createSessionCodec(asOptions({ key, secret: SECRET, expiry: 0, colour: 'red' }) as SecureSessionPluginOptions))
    assert.deepEqual(warned.map(({ code }) => code).sort(), [
      'FST_SEALED_SESSION_WARN_EXPIRY',
      'FST_SEALED_SESSION_WARN_KEY_AND_SECRET',
      'FST_SEALED_SESSION_WARN_KEY_CONSTANT',
      'FST_SEALED_SESSION_WARN_OPTION_UNKNOWN'
    ])
    for (const { message } of warned) {
      assert.match(message, /^session "session": /)
      assert.ok(!message.includes(SECRET) && !message.includes(key.toString('hex')) && !message.includes(key.toString('base64')))
    }
  })

  it('warns of nothing where there is nothing to warn of', async () => {
    assert.deepEqual(await warningsOf(() => codecOf({ format: 'sealed', cookie: { path: '/', secure: true } })), [])
  })

  it('warns where libsodium runs as WebAssembly, as registration does, and opens the same tokens', async () => {
    const key = newKey()
    const token = (await codecOf({ key, format: 'sealed' })).seal(DATA)
    const program = `
      import { createSessionCodec } from ${JSON.stringify(import.meta.resolve('../../src/index.ts'))}
      process.on('warning', ({ code }) => { console.log(code) })
      const codec = await createSessionCodec({ key: '${key.toString('hex')}', format: 'sealed' })
      console.log(JSON.stringify(codec.open('${token}').data))`
    const { stdout, stderr } = await run(process.execPath, ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', program], {
      env: { ...process.env, FASTIFY_SEALED_SESSION_SODIUM: 'wasm' }
    })
    assert.deepEqual(stdout.trim().split('\n').sort(), ['FST_SEALED_SESSION_WARN_WASM', JSON.stringify(DATA)], stderr)
  })

  it('takes secrets, which rotate like keys', async () => {
    const salt = 'mq9hDxBVDbspDR6n'
    const old = await createSessionCodec<object>({ secret: SECRET, salt })
    const both = await createSessionCodec<object>({ secret: ['another passphrase of 32 bytes and more', SECRET], salt })
    assert.equal(opened(both.open(old.seal(DATA))).stale, true)
    assert.deepEqual(old.open(both.seal(DATA)), { ok: false, reason: 'not-authentic' })
  })
})

/** The warnings that an act makes the process emit. */
async function warningsOf (act: () => Promise<unknown>): Promise<Array<Error & { code?: string }>> {
  const warned: Array<Error & { code?: string }> = []
  const listener = (warning: Error): void => { warned.push(warning) }
  process.on('warning', listener)
  try {
    await act()
    // Warnings are emitted in later ticks, in their order: once this one is here, the others are.
    process.emitWarning('the last one', { code: 'LAST' })
    while (warned.at(-1)?.code !== 'LAST') await once(process, 'warning')
  } finally {
    process.off('warning', listener)
  }
  return warned.slice(0, -1).filter(warning => !isWasmNotice(warning))
}

describe('a codec with a Keyring', () => {
  for (const format of FORMATS) {
    it(`seals with its first key from the moment of a rotation on, in the ${format} format`, async () => {
      const keyring = new Keyring(newKey())
      const [oldId] = keyring.ids
      const codec = await codecOf({ key: keyring, format })
      const token = codec.seal(DATA)
      assert.deepEqual([opened(codec.open(token)).keyId, opened(codec.open(token)).stale], [oldId, false])

      keyring.rotate(newKey())
      assert.deepEqual([opened(codec.open(token)).keyId, opened(codec.open(token)).stale], [oldId, true])
      const { keyId, stale } = opened(codec.open(codec.seal(DATA)))
      assert.deepEqual([keyId, stale], [keyring.ids[0], false])
      assert.notEqual(keyId, oldId)

      keyring.retire(oldId!)
      assert.deepEqual(codec.open(token), { ok: false, reason: format === 'sealed' ? 'key-unknown' : 'not-authentic' })
    })
  }

  it('sees the same rotation as an app with that keyring', async t => {
    const keyring = new Keyring(newKey())
    const app = await appOf(t, { key: keyring, format: 'sealed' })
    const codec = await codecOf({ key: keyring, format: 'sealed' })
    keyring.rotate(newKey())
    const token = tokenOf(await app.inject('/login'))
    assert.equal(opened(codec.open(token)).keyId, keyring.ids[0])
  })
})

describe('the binding of a sealed token', () => {
  it("is to the cookie's name: a token of another cookie is refused", async () => {
    const key = newKey()
    const session = await codecOf({ key, format: 'sealed', cookieName: 'session' })
    const ticket = await codecOf({ key, format: 'sealed', cookieName: 'ticket' })
    assert.deepEqual(session.open(ticket.seal(DATA)), { ok: false, reason: 'not-authentic' })
    assert.deepEqual(ticket.open(session.seal(DATA)), { ok: false, reason: 'not-authentic' })
  })

  it('is to the sessionName where there is no cookieName', async () => {
    const key = newKey()
    const named = await codecOf({ key, format: 'sealed', sessionName: 'login' })
    assert.equal((await codecOf({ key, format: 'sealed', cookieName: 'login' })).open(named.seal(DATA)).ok, true)
  })

  it('is to the context where there is one: the cookie may be renamed, and another context is refused', async () => {
    const key = newKey()
    const before = await codecOf({ key, format: 'sealed', context: 'login', cookieName: 'session' })
    const renamed = await codecOf({ key, format: 'sealed', context: 'login', cookieName: '__Host-session' })
    const other = await codecOf({ key, format: 'sealed', context: 'staging', cookieName: 'session' })
    assert.equal(renamed.open(before.seal(DATA)).ok, true)
    assert.deepEqual(other.open(before.seal(DATA)), { ok: false, reason: 'not-authentic' })
  })

  it('keeps a ticket from being used as the cookie of the app, and the cookie as a ticket', async t => {
    const key = newKey()
    const app = await appOf(t, { key, format: 'sealed' })
    const tickets = await codecOf({ key, format: 'sealed', context: 'ticket', expiry: 30 })
    const response = await app.inject({ url: '/', headers: { cookie: `session=${tickets.seal(DATA)}` } })
    assert.deepEqual(response.json(), {})
    assert.deepEqual(tickets.open(tokenOf(await app.inject('/login'))), { ok: false, reason: 'not-authentic' })
  })

  it('does not exist in the secretbox format', async () => {
    const key = newKey()
    const one = await codecOf({ key, cookieName: 'one', context: 'one' })
    const other = await codecOf({ key, cookieName: 'other', context: 'other' })
    assert.equal(other.open(one.seal(DATA)).ok, true)
  })
})

describe('formats of a codec', () => {
  it('are its own and sealed by default: a token in the other one opens and is stale', async () => {
    const key = newKey()
    const secretbox = await codecOf({ key })
    const sealed = await codecOf({ key, format: 'sealed' })
    const both = await codecOf({ key, format: 'sealed', accept: ['sealed', 'secretbox'] })
    assert.deepEqual(opened(secretbox.open(sealed.seal(DATA))).stale, true)
    assert.deepEqual(opened(both.open(secretbox.seal(DATA))).stale, true)
    assert.deepEqual(opened(both.open(sealed.seal(DATA))).stale, false)
    assert.deepEqual(sealed.open(secretbox.seal(DATA)), { ok: false, reason: 'format-not-accepted' })
  })
})

describe('SessionCodec.seal', () => {
  const refusals: Array<[what: string, data: unknown, code: string]> = [
    ['text', 'data', 'FST_SEALED_SESSION_DATA_INVALID'],
    ['an array', [], 'FST_SEALED_SESSION_DATA_INVALID'],
    ['null, which a query that found nobody gives', null, 'FST_SEALED_SESSION_DATA_INVALID'],
    ['undefined', undefined, 'FST_SEALED_SESSION_DATA_INVALID'],
    ['an object whose getter throws', { get total () { throw new Error('no total') } }, 'FST_SEALED_SESSION_DATA_INVALID'],
    ['a time of its own', { __ts: 1 }, 'FST_SEALED_SESSION_KEY_RESERVED'],
    ['a BigInt', { a: { b: 1n } }, 'FST_SEALED_SESSION_VALUE_UNSTORABLE'],
    ['a function', { a: () => {} }, 'FST_SEALED_SESSION_VALUE_UNSTORABLE'],
    ['more than fits', { a: 'x'.repeat(50_000) }, 'FST_SEALED_SESSION_TOO_LARGE']
  ]
  for (const format of FORMATS) {
    for (const [what, data, code] of refusals) {
      it(`refuses ${what} with a code, in the ${format} format`, async () => {
        const codec = await codecOf({ format })
        assert.throws(() => codec.seal(data as Record<string, unknown>), { code })
      })
    }
  }

  it('copies what it is given and changes nothing of it', async () => {
    const codec = await codecOf()
    const data = Object.freeze({ list: Object.freeze([1]) })
    codec.seal(data)
    assert.deepEqual(data, { list: [1] })
  })
})

describe('SessionCodec.open', () => {
  const NOW = 1_800_000_000
  const key = newKey()
  const tokens: Array<[reason: string, token: (codec: SessionCodec<object>) => string | undefined]> = [
    ['too-long', () => 'A'.repeat(65537)],
    ['malformed', () => 'garbage'],
    ['malformed', () => ''],
    ['malformed', codec => encodeURIComponent(codec.seal(DATA))],
    ['ciphertext-length', () => 'AAAA;AAAA'],
    ['nonce-length', () => `${'A'.repeat(64)};AAAA`],
    ['not-authentic', () => sealRaw(newKey(), `{"__ts":${NOW}}`)],
    ['payload-invalid', () => sealRaw(key, '[]')],
    ['time-missing', () => sealRaw(key, '{}')],
    ['time-in-future', () => sealRaw(key, `{"__ts":${NOW + 61}}`)],
    ['expired', () => sealRaw(key, `{"__ts":${NOW - 60}}`)]
  ]
  for (const [reason, token] of tokens) {
    it(`tells why it refuses: ${reason}`, async t => {
      stopClock(t)
      const codec = await codecOf({ key, expiry: 60 })
      assert.deepEqual(codec.open(token(codec)), { ok: false, reason })
    })
  }

  it('refuses a signed cookie until its signature is taken off', async t => {
    for (const format of FORMATS) {
      const options = { key: newKey(), format, cookie: { signed: true } } as const
      const app = await appOf(t, options)
      const codec = await createSessionCodec(options)
      const signed = decodeURIComponent(cookieOf(await app.inject('/login')).slice('session='.length))
      assert.equal(codec.open(signed).ok, false)
      const { value } = app.unsignCookie(signed)
      assert.deepEqual(opened(codec.open(value ?? undefined)).data, { userId: 42 })
    }
  })

  it("refuses a cookie that the app's @fastify/cookie has signed until unsign() takes the signature off", async t => {
    for (const format of FORMATS) {
      const options = { key: newKey(), format, cookie: { signed: true } } as const
      const app = await appOf(t, options, 'of the app')
      const codec = await createSessionCodec(options)
      const signed = decodeURIComponent(cookieOf(await app.inject('/login')).slice('session='.length))
      assert.equal(codec.open(signed).ok, false)
      const { value } = unsign(signed, 'of the app')
      assert.deepEqual(opened(codec.open(value ?? undefined)).data, { userId: 42 })
    }
  })

  it('gives data of its own each time', async () => {
    const codec = await codecOf()
    const token = codec.seal(DATA)
    opened(codec.open(token)).data.userId = 43
    assert.equal(opened(codec.open(token)).data.userId, 42)
  })

  it('gives times to the millisecond', async t => {
    const clock = stopClock(t)
    const expiry = 500_000_000 // until beyond 2 ** 31 seconds, where a sum with milliseconds is rounded in binary
    const codec = await codecOf({ format: 'sealed', expiry })
    for (let ms = 0; ms < 1000; ms++) {
      const now = 1_800_000_000_000 + ms
      clock.setSystemTime(now)
      const { createdAt, lastWriteAt, expiresAt } = opened(codec.open(codec.seal(DATA)))
      assert.deepEqual([createdAt?.getTime(), lastWriteAt.getTime(), expiresAt.getTime()], [now, now, now + expiry * 1000])
    }
  })
})
