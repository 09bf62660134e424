// What register() was given, checked and made complete.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import type { SessionConfig } from '../../src/options/options.ts'
import { readOptionsList } from '../../src/options/options-list.ts'
import { JSON_SERIALIZER } from '../../src/data/serializer.ts'
import type { WarningCode } from '../../src/messages.ts'
import { isCachedEverywhere } from '../support/helpers.ts'

const key = randomBytes(32)
const SECRET = 'a passphrase of more than thirty-two bytes'
const SALT = 'sixteen bytes...'

/** What the options have that these tests do not set. */
const UNSET = { format: 'secretbox', accept: ['secretbox', 'sealed'], serializer: JSON_SERIALIZER, schema: null, cache: isCachedEverywhere ? { maxBytes: 1_048_576, maxAge: 60 } : null }

/** The keys of a session, newest first. */
function bytesOf ({ keyring }: SessionConfig): Buffer[] {
  return keyring.current.keys.map(({ bytes }) => bytes)
}

interface Read {
  config: SessionConfig
  configs: SessionConfig[]
  warnings: WarningCode[]
}

/** The sessions that options lead to, the first of them, and the warnings. */
async function read (options: unknown): Promise<Read> {
  const warnings: WarningCode[] = []
  const configs = await readOptionsList(options, code => { warnings.push(code) })
  const [config] = configs
  assert.ok(config !== undefined)
  return { config, configs, warnings }
}

function deepFreeze<T extends object> (value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null && !ArrayBuffer.isView(part)) deepFreeze(part as object)
  }
  return Object.freeze(value)
}

describe('one session', () => {
  it('has the peer\'s defaults', async () => {
    const { config, configs, warnings } = await read({ key })
    const { keyring, ...rest } = config
    assert.deepEqual(rest, { sessionName: 'session', cookieName: 'session', expiry: 86401, maxExpiry: 400 * 86400, absoluteTimeout: null, rolling: false, cookie: { httpOnly: true }, noStore: true, maxChunks: 2, ...UNSET, context: 'session', appKeyring: null, secrets: null })
    assert.deepEqual(bytesOf(config), [key])
    assert.equal(configs.length, 1)
    assert.deepEqual(warnings, [])
  })

  it('has what it is given', async () => {
    const cookie = { path: '/', signed: true, httpOnly: false, maxAge: 5 }
    const { config } = await read({ key, sessionName: 'user', cookieName: 'u', expiry: 0.5, maxExpiry: 1.5, absoluteTimeout: 5, rolling: true, cookie, noStore: false, maxChunks: 3 })
    const { keyring, ...rest } = config
    assert.deepEqual(rest, { sessionName: 'user', cookieName: 'u', expiry: 0.5, maxExpiry: 1.5, absoluteTimeout: 5, rolling: true, cookie, noStore: false, maxChunks: 3, ...UNSET, context: 'u', appKeyring: null, secrets: null })
  })

  const names: Array<[options: object, sessionName: string, cookieName: string]> = [
    [{ sessionName: 'user' }, 'user', 'user'],
    [{ cookieName: 'c' }, 'session', 'c'],
    [{ sessionName: '', cookieName: '' }, 'session', 'session'],
    [{ sessionName: null, cookieName: undefined }, 'session', 'session']
  ]
  for (const [options, sessionName, cookieName] of names) {
    it(`is named ${sessionName}, its cookie ${cookieName}, with ${JSON.stringify(options)}`, async () => {
      const { config } = await read({ key, ...options })
      assert.deepEqual([config.sessionName, config.cookieName], [sessionName, cookieName])
    })
  }

  const cookies: Array<[title: string, options: object, cookie: object]> = [
    ['takes cookieOptions as well', { cookieOptions: { path: '/' } }, { path: '/', httpOnly: true }],
    ['prefers cookieOptions to cookie', { cookie: { path: '/a', secure: true }, cookieOptions: { path: '/b' } }, { path: '/b', httpOnly: true }],
    ['takes cookie where cookieOptions is null', { cookie: { path: '/a' }, cookieOptions: null }, { path: '/a', httpOnly: true }],
    ['keeps httpOnly: false', { cookie: { httpOnly: false } }, { httpOnly: false }],
    ['takes httpOnly: undefined for the default', { cookie: { httpOnly: undefined } }, { httpOnly: true }]
  ]
  for (const [title, options, cookie] of cookies) {
    it(title, async () => assert.deepEqual((await read({ key, ...options })).config.cookie, cookie))
  }

  it('may come in options that are frozen, and leaves them as they were', async () => {
    const source = { key: [key, key.toString('hex')], cookie: { path: '/' }, expiry: 60 }
    const copy = structuredClone({ ...source, key: null })
    await read(deepFreeze(source))
    assert.deepEqual({ ...source, key: null }, copy)
  })

  it('does not follow later changes of what the caller gave', async () => {
    const source = { key: [Buffer.from(key)], cookie: { path: '/' } }
    const { config } = await read(source)
    source.key[0]?.fill(0)
    source.key.push(randomBytes(32))
    source.cookie.path = '/changed'
    assert.deepEqual(bytesOf(config), [key])
    assert.equal(config.cookie.path, '/')
  })

  it('cannot be changed', async () => {
    const { config } = await read({ key })
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.cookie))
  })
})

describe('several sessions', () => {
  it('stay in their order, each with what it was given', async () => {
    const other = randomBytes(32)
    const { configs } = await read([{ sessionName: 'b', key, expiry: 1 }, { sessionName: 'a', key: other }])
    assert.deepEqual(configs.map(config => [config.sessionName, config.expiry, bytesOf(config)[0]]), [['b', 1, key], ['a', 86401, other]])
  })

  const taken: Array<[title: string, entries: object[], message: string]> = [
    ['one name', [{ sessionName: 'a' }, { sessionName: 'b' }, { sessionName: 'a', cookieName: 'c' }], 'sessionName "a" is used by two sessions'],
    ['the default name', [{ cookieName: 'a' }, { cookieName: 'b' }], 'sessionName "session" is used by two sessions'],
    ['one cookie', [{ sessionName: 'a', cookieName: 'c' }, { sessionName: 'b', cookieName: 'c' }], 'cookieName "c" is used by two sessions'],
    ['the name of one as the cookie of another', [{ sessionName: 'a' }, { sessionName: 'b', cookieName: 'a' }], 'cookieName "a" is used by two sessions'],
    ['the name of a cookie that one is split into', [{ sessionName: 'a.1' }, { sessionName: 'a' }], 'cookieName "a.1" is used by two sessions'],
    ['the name of the last cookie that one is split into', [{ sessionName: 'a', maxChunks: 4 }, { sessionName: 'b', cookieName: 'a.3' }], 'cookieName "a.3" is used by two sessions']
  ]
  for (const [title, entries, message] of taken) {
    it(`may not share ${title}`, async () => {
      await assert.rejects(read(entries.map(entry => ({ key, ...entry }))), { code: 'FST_SEALED_SESSION_NAME_TAKEN', message })
    })
  }

  it('may have names that none of them is split into', async () => {
    const { configs } = await read([{ sessionName: 'a' }, { sessionName: 'a.2' }, { sessionName: 'b', maxChunks: 1 }, { sessionName: 'b.1' }].map(entry => ({ key, ...entry })))
    assert.equal(configs.length, 4)
  })

  it('are all checked without waiting for the key of one to be derived', async () => {
    let waited = false
    const immediate = setImmediate(() => { waited = true })
    const entries = [{ sessionName: 'a', secret: SECRET, salt: SALT }, { sessionName: 'b', key, expirey: 1 }]
    await assert.rejects(read(entries), { code: 'FST_SEALED_SESSION_OPTION_UNKNOWN' })
    assert.equal(waited, false)
    clearImmediate(immediate)
  })
})

describe('keys', () => {
  it('are all of an array, in its order', async () => {
    const others = [randomBytes(32), randomBytes(32)] as const
    const { config } = await read({ key: [others[0], others[1].toString('base64'), new Uint8Array(key)] })
    assert.deepEqual(bytesOf(config), [...others, key])
  })

  it('are derived from a secret, which is kept to sign cookies', async () => {
    const { config, warnings } = await read({ secret: SECRET, salt: SALT })
    assert.equal(bytesOf(config).length, 1)
    assert.equal(bytesOf(config)[0]!.length, 32)
    assert.deepEqual(config.secrets, [Buffer.from(SECRET)])
    assert.deepEqual(warnings, [])
  })

  it('count before a secret', async () => {
    const { config, warnings } = await read({ key, secret: 'short', salt: 1 })
    assert.deepEqual([bytesOf(config), config.secrets], [[key], null])
    assert.deepEqual(warnings, ['FST_SEALED_SESSION_WARN_KEY_AND_SECRET'])
  })

  for (const salt of [undefined, null, '']) {
    it(`are derived with the built-in salt where it is ${inspect(salt)}, with a warning`, async () => {
      assert.deepEqual((await read({ secret: SECRET, salt })).warnings, ['FST_SEALED_SESSION_WARN_SALT'])
    })
  }
})

describe('a warning', () => {
  const cases: Array<[options: object, warnings: WarningCode[]]> = [
    [{ expiry: 0 }, ['FST_SEALED_SESSION_WARN_EXPIRY']],
    [{ expiry: null }, ['FST_SEALED_SESSION_WARN_EXPIRY']],
    [{ key: Buffer.alloc(32) }, ['FST_SEALED_SESSION_WARN_KEY_CONSTANT']],
    [{ key: [key, '00'.repeat(32), Buffer.alloc(32, 1)] }, ['FST_SEALED_SESSION_WARN_KEY_CONSTANT', 'FST_SEALED_SESSION_WARN_KEY_CONSTANT']],
    [{ saveUninitialized: 1 }, ['FST_SEALED_SESSION_WARN_OPTION_UNKNOWN']]
  ]
  for (const [options, warnings] of cases) {
    it(`is given for ${inspect(options, { depth: 1, breakLength: Infinity, maxArrayLength: 0 })}`, async () => {
      assert.deepEqual((await read({ key, ...options })).warnings, warnings)
    })
  }

  for (const expiry of [0, null]) {
    it(`with expiry ${expiry} goes with the default`, async () => assert.equal((await read({ key, expiry })).config.expiry, 86401))
  }
})

describe('options are refused', () => {
  const cases: Array<[title: string, options: unknown, code: string, message: RegExp]> = [
    ['that are text', 'key', 'OPTIONS_INVALID', /^options must be an object, got a string$/],
    ['of which one entry is none', [{ key }, null], 'OPTIONS_INVALID', /^options\[1\] must be an object, got null$/],
    ['of which one entry is an array', [[{ key }]], 'OPTIONS_INVALID', /^options\[0\] must be an object, got an array$/],
    ['that are not given', undefined, 'KEY_MISSING', /^key or secret must specified$/],
    ['that are empty', {}, 'KEY_MISSING', /^key or secret must specified$/],
    ['that are no sessions', [], 'KEY_MISSING', /^key or secret must specified$/],
    ['with an empty key and an empty secret', { key: '', secret: '' }, 'KEY_MISSING', /^key or secret must specified$/],
    ['with no keys', { key: [] }, 'KEY_MISSING', /^key or secret must specified$/],
    ['with a key of another type', { key: 1 }, 'KEY_TYPE', /^key must be a string or a Buffer$/],
    ['with a later key of another type', { key: [key, null] }, 'KEY_ITEM_TYPE', /^Key must be string or buffer: key\[1\] is null$/],
    ['with a short key', { key: key.subarray(1) }, 'KEY_LENGTH', /^key must be 32 bytes, got 31$/],
    ['with a later key that is short', { key: [key, key, key.subarray(1)] }, 'KEY_LENGTH', /^key\[2\] must be 32 bytes, got 31$/],
    ['with a later key that is no text of a key', { key: [key, 'abc'] }, 'KEY_TEXT', /^key\[1\] must be 32 bytes: .* got 3 characters$/],
    ['with a name that is no text', { key, sessionName: 1 }, 'OPTION_INVALID', /^option "sessionName" must be a string, got a number$/],
    ['with a cookie name that is no text', { key, cookieName: {} }, 'OPTION_INVALID', /^option "cookieName" must be a string, got an object$/],
    ['with a cookie that is no object', { key, cookie: 'path=/' }, 'OPTION_INVALID', /^option "cookie" must be an object, got a string$/],
    ['with cookieOptions that are an array', { key, cookieOptions: [] }, 'OPTION_INVALID', /^option "cookieOptions" must be an object, got an array$/],
    ['with maxChunks 0', { key, maxChunks: 0 }, 'OPTION_INVALID', /^option "maxChunks" must be a whole number from 1 to 8, got 0$/],
    ['with maxChunks 9', { key, maxChunks: 9 }, 'OPTION_INVALID', /^option "maxChunks" must be a whole number from 1 to 8, got 9$/],
    ['with maxChunks that is no whole number', { key, maxChunks: 2.5 }, 'OPTION_INVALID', /got 2\.5$/],
    ['with maxChunks that is text', { key, maxChunks: '2' }, 'OPTION_INVALID', /^option "maxChunks" must be a whole number from 1 to 8, got a string$/],
    ['with noStore that is no boolean', { key, noStore: 'no' }, 'OPTION_INVALID', /^option "noStore" must be a boolean, got a string$/],
    ['with an expiry that is text', { key, expiry: '60' }, 'DURATION', /^option "expiry" must be .* got a string$/],
    ['with an expiry below zero', { key, expiry: -1 }, 'DURATION', /^option "expiry" must be .* got -1$/],
    ['with an expiry that is no number', { key, expiry: NaN }, 'DURATION', /^option "expiry" must be .* got NaN$/],
    ['with an expiry that never comes', { key, expiry: Infinity }, 'DURATION', /^option "expiry" must be .* got Infinity$/],
    ['with an expiry that is longer than maxExpiry', { key, expiry: 61, maxExpiry: 60 }, 'EXPIRY_TOO_LONG', /^an expiry of 61 seconds is longer than "maxExpiry", which is 60$/],
    ['with a misspelt name', { key, expirey: 60 }, 'OPTION_UNKNOWN', /did you mean "expiry"/]
  ]
  for (const [title, options, code, message] of cases) {
    it(title, async () => assert.rejects(read(options), { code: `FST_SEALED_SESSION_${code}`, message }))
  }
})
