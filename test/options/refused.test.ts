// The caller's options: left alone, and every mistake in them an error of ready().
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { get, newApp, post } from '../support/app.ts'
import { cookieOf, newKey, setCookies } from '../support/helpers.ts'
import { prepare, rejection, warningsOf } from '../support/configurations.ts'

const SECRET = 'a passphrase of more than thirty-two bytes'

/** Frozen all the way down, except for bytes, which cannot be. */
function deepFreeze<T> (value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}

const COOKIE = { path: '/', maxAge: 600, expires: new Date(4e12), sameSite: 'lax' }

const OPTIONS: Record<string, () => unknown> = {
  'the options of one session': () => ({ key: newKey(), cookie: { ...COOKIE } }),
  'cookieOptions, signed': () => ({ key: newKey().toString('hex'), cookieOptions: { ...COOKIE, signed: true }, expiry: 60, noStore: false }),
  'several keys': () => ({ key: [newKey(), newKey().toString('base64')], cookie: {} }),
  'a passphrase and a salt': () => ({ secret: Buffer.from(SECRET), salt: Buffer.alloc(16, 1) }),
  'an array of sessions that share a cookie object': () => {
    const cookie = { ...COOKIE }
    return [{ sessionName: 'session', key: newKey(), cookie }, { sessionName: 'other', key: [newKey()], cookie }]
  },
  "with Fastify's own options": () => ({ key: newKey(), prefix: '/x', logLevel: 'warn', logSerializers: {} })
}

async function assertWorks (options: unknown): Promise<string> {
  const app = newApp({ session: options })
  const cookie = cookieOf(await post(app, '/set', undefined, { user: 1 }))
  assert.deepEqual((await get(app, '/get', cookie)).json(), { user: 1 })
  await post(app, '/delete', cookie)
  return cookie
}

describe("the caller's options", () => {
  for (const [what, make] of Object.entries(OPTIONS)) {
    it(`may be frozen: ${what}`, async () => {
      await assertWorks(deepFreeze(make()))
    })

    it(`are never changed, and serve a second app, which opens what the first one sealed: ${what}`, async () => {
      const options = make()
      const before = structuredClone(options)
      const cookie = await assertWorks(options)
      assert.deepEqual(structuredClone(options), before)
      const second = newApp({ session: options })
      assert.deepEqual((await get(second, '/get', cookie)).json(), { user: 1 })
      assert.deepEqual(structuredClone(options), before)
    })
  }

  it('are never changed by a registration that fails', async () => {
    const options = deepFreeze({ key: [newKey(), 'short'], cookie: { path: '/' } })
    assert.equal((await rejection(options)).code, 'FST_SEALED_SESSION_KEY_TEXT')
  })

  it('may change after the registration without an effect', async () => {
    const options = { key: newKey(), cookieName: 'sid', expiry: 60, cookie: { path: '/', httpOnly: true } }
    const app = newApp({ session: options })
    await app.ready()
    Object.assign(options.cookie, { path: '/changed', httpOnly: false })
    Object.assign(options, { cookieName: 'changed', expiry: -1 })
    const response = await post(app, '/set', undefined, { user: 1 })
    assert.match(setCookies(response)[0]!, /^sid=.*; Path=\/; HttpOnly/)
    assert.deepEqual((await get(app, '/get', cookieOf(response, 'sid'))).json(), { user: 1 })
  })

  it('given to session.options() may be frozen, and unknown ones pass silently', async () => {
    const { app, lines } = prepare({ key: newKey() })
    app.get('/', async ({ session }) => {
      session.options(deepFreeze({ path: '/x', ttl: 5, expirey: 5, touchAfter: 1 }))
      session.set('user', 1)
      return 'done'
    })
    const response = await app.inject('/')
    assert.match(setCookies(response)[0]!, /; Path=\/x/)
    assert.doesNotMatch(setCookies(response)[0]!, /ttl|expirey|touchAfter/i)
    assert.deepEqual(lines.filter(({ level }) => level >= 40), [])
  })
})

describe("Fastify's own register options", () => {
  for (const option of [{ prefix: '/api' }, { logLevel: 'debug' }, { logSerializers: { user: () => 'x' } }]) {
    it(`pass silently: ${Object.keys(option)[0]}`, async () => {
      assert.deepEqual(await warningsOf({ key: newKey(), ...option }), [])
      assert.deepEqual(await warningsOf([{ sessionName: 'a', key: newKey(), ...option }]), [])
    })
  }
})

const ATTRIBUTES: Array<[what: string, cookie: object, line: RegExp]> = [
  ['expires as a Date', { expires: new Date(4e12) }, /Expires=Tue, 02 Oct 2096/],
  ['expires as milliseconds', { expires: 4e12 }, /Expires=Tue, 02 Oct 2096/],
  ["secure: 'auto'", { secure: 'auto' }, /HttpOnly/],
  ['sameSite: true', { sameSite: true }, /SameSite=Strict/],
  ['priority', { priority: 'high' }, /Priority=High/],
  ['a function that encodes', { encode: (value: string) => Buffer.from(value).toString('base64url') }, /^session=[\w-]+;/]
]

describe('what setCookie takes is no configuration error', () => {
  for (const [what, cookie, line] of ATTRIBUTES) {
    it(what, async () => {
      const response = await post(newApp({ session: { key: newKey(), cookie } }), '/set', undefined, { user: 1 })
      assert.equal(response.statusCode, 200)
      assert.match(setCookies(response)[0]!, line)
    })
  }
})

/** Each with a part of its code, and what its message must say. */
const MISTAKES: Record<string, [options: unknown, code: string, message: RegExp]> = {
  'no options': [undefined, 'KEY_MISSING', /key or secret/],
  'options that are text': ['key', 'OPTIONS_INVALID', /must be an object, got a string/],
  'an empty array': [[], 'KEY_MISSING', /key or secret/],
  'an array with null': [[{ sessionName: 'a', key: newKey() }, null], 'OPTIONS_INVALID', /options\[1\] must be an object, got null/],
  'an array in an array': [[[{ key: newKey() }]], 'OPTIONS_INVALID', /options\[0\] must be an object, got an array/],
  'an empty key': [{ key: '' }, 'KEY_MISSING', /key or secret/],
  'an empty array of keys': [{ key: [] }, 'KEY_MISSING', /key or secret/],
  'a sessionName that is no string': [{ key: newKey(), sessionName: 5 }, 'OPTION_INVALID', /"sessionName" must be a string, got a number/],
  'a cookieName that is no string': [{ key: newKey(), cookieName: {} }, 'OPTION_INVALID', /"cookieName" must be a string, got an object/],
  'a cookieName that browsers cannot take': [{ key: newKey(), cookieName: 'my session' }, 'COOKIE_INVALID', /"my session".*name/],
  'a cookie that is no object': [{ key: newKey(), cookie: 'secure' }, 'OPTION_INVALID', /"cookie" must be an object, got a string/],
  'cookieOptions that are an array': [{ key: newKey(), cookieOptions: [] }, 'OPTION_INVALID', /"cookieOptions" must be an object, got an array/],
  'a path with a semicolon': [{ key: newKey(), cookie: { path: '/;x' } }, 'COOKIE_INVALID', /path/],
  'a domain with a semicolon': [{ key: newKey(), cookie: { domain: 'a;b' } }, 'COOKIE_INVALID', /domain/],
  'an unknown sameSite': [{ key: newKey(), cookie: { sameSite: 'laxx' } }, 'COOKIE_INVALID', /sameSite/],
  'an unknown priority': [{ key: newKey(), cookie: { priority: 'urgent' } }, 'COOKIE_INVALID', /priority/],
  'expires that is text': [{ key: newKey(), cookie: { expires: 'tomorrow' } }, 'COOKIE_INVALID', /expires/],
  'an invalid Date': [{ key: newKey(), cookie: { expires: new Date(NaN) } }, 'COOKIE_INVALID', /expires/],
  'encode that is no function': [{ key: newKey(), cookie: { encode: 5 } }, 'OPTION_INVALID', /"cookie\.encode" must be a function, got a number/],
  'noStore that is text': [{ key: newKey(), noStore: 'false' }, 'OPTION_INVALID', /"noStore" must be a boolean, got a string/],
  'a passphrase that is a number': [{ secret: 5 }, 'SECRET_TYPE', /secret must be a string or a Buffer, got a number/],
  'a passphrase of bytes that is short': [{ secret: Buffer.alloc(31) }, 'SECRET_LENGTH', /secret must be at least 32 bytes/],
  'a salt that is a number': [{ secret: SECRET, salt: 5 }, 'SALT_TYPE', /salt must be a string or a Buffer, got a number/],
  'a salt of 17 bytes': [{ secret: SECRET, salt: Buffer.alloc(17) }, 'SALT_LENGTH', /salt must be length 16/]
}

describe('a configuration error', () => {
  for (const [what, [options, code, message]] of Object.entries(MISTAKES)) {
    it(`rejects ready() with a code, a message and a hint: ${what}`, async () => {
      const error = await rejection(options)
      assert.ok(error instanceof Error)
      assert.equal(error.code, `FST_SEALED_SESSION_${code}`)
      assert.match(error.message, message)
      assert.match(error.hint, /^[A-Z].{20,}\.$/)
      assert.doesNotMatch(`${error.message}${error.hint}`, /%s|undefined|\[object/)
    })
  }

  it('rejects inject() and listen() as well, and reaches the callback of ready()', async () => {
    const start = () => newApp({ session: { key: 'short' } })
    const expected = { code: 'FST_SEALED_SESSION_KEY_TEXT' }
    await assert.rejects(async () => await start().inject('/'), expected)
    await assert.rejects(async () => await start().listen({ port: 0 }), expected)
    const error = await new Promise(resolve => start().ready(resolve as (error: Error | null) => void))
    assert.equal((error as { code?: string }).code, expected.code)
  })

  it('never crashes the process, before or after ready() has been asked', async () => {
    const child = fileURLToPath(new URL('./crash-child.ts', import.meta.url))
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '--import', './test/support/quiet.ts', child])
    assert.equal(stderr, '')
    const report = JSON.parse(stdout) as string[][]
    assert.equal(report.length, 17)
    for (const codes of report) {
      assert.match(codes[0]!, /^FST_SEALED_SESSION_/)
      assert.deepEqual(codes, [codes[0], codes[0], codes[0]])
    }
  })
})
