// Cookies that work but are likely not meant: too open in production, or kept for another time than their session.
import assert from 'node:assert/strict'
import cookiePlugin, { type CookieSerializeOptions } from '@fastify/cookie'
import { describe, it, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { newKey, warnings } from '../support/helpers.ts'
import { prepare, warningsOf } from '../support/configurations.ts'

const PRODUCTION = 'FST_SEALED_SESSION_WARN_PRODUCTION'
const MAX_AGE = 'FST_SEALED_SESSION_WARN_MAX_AGE'

function setEnvironment (t: TestContext, value: string): void {
  const { NODE_ENV } = process.env
  process.env.NODE_ENV = value
  t.after(() => {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
  })
}

async function messages (code: string, options: object): Promise<string[]> {
  const found = await warningsOf({ key: newKey(), ...options })
  return found.filter(line => line.code === code).map(({ msg }) => msg)
}

/** Warnings after two cookies of an app that registered @fastify/cookie itself. */
async function messagesWith (parseOptions: CookieSerializeOptions, code: string, cookie: object): Promise<string[]> {
  const { app, lines } = prepare({ key: newKey(), cookie }, app => app.register(cookiePlugin, { parseOptions }))
  app.get('/', async ({ session }) => { session.set('user', 1); return 'done' })
  await app.inject('/')
  await app.inject('/')
  return warnings(lines).filter(line => line.code === code).map(({ msg }) => msg)
}

const SECURE = /write "secure: true"/
const SAME_SITE = /write "sameSite: 'lax'"/

const IN_PRODUCTION: Array<[cookie: object, words: RegExp[]]> = [
  [{}, [SECURE]],
  [{ secure: false, sameSite: 'lax' }, [SECURE]],
  [{ secure: true }, []], // it is sent with SameSite=Lax
  [{ secure: true, sameSite: false }, [SAME_SITE]],
  [{ secure: true, sameSite: undefined }, [SAME_SITE]],
  [{ secure: false, sameSite: false }, [SECURE, SAME_SITE]],
  [{ secure: 'auto' }, []],
  [{ secure: 'auto', sameSite: 'lax' }, []],
  [{ secure: true, sameSite: 'strict' }, []],
  [{ secure: true, sameSite: true }, []]
]

describe('in production, a cookie that is sent without Secure or without SameSite', () => {
  for (const [cookie, words] of IN_PRODUCTION) {
    it(`${inspect(cookie)} gives ${words.length === 0 ? 'no warning' : 'one, with what to write'}`, async t => {
      setEnvironment(t, 'production')
      const found = await messages(PRODUCTION, { cookie })
      assert.equal(found.length, Math.min(words.length, 1))
      for (const pattern of [SECURE, SAME_SITE]) assert.equal(pattern.test(found[0] ?? ''), words.includes(pattern), found[0])
      assert.doesNotMatch(found.join(), /\n/)
    })
  }

  it('is warned about for each session that has one', async t => {
    setEnvironment(t, 'production')
    const good = { secure: true, sameSite: 'lax' }
    const entries = [['a', {}], ['b', good], ['c', {}]].map(([sessionName, cookie]) => ({ sessionName, cookie, key: newKey() }))
    const found = (await warningsOf(entries)).filter(({ code }) => code === PRODUCTION)
    assert.deepEqual(found.map(({ msg }) => msg.slice(0, 11)), ['session "a"', 'session "c"'])
  })

  it('is told right: what it is not warned about says SameSite=Lax, and what it is warned about says nothing', async () => {
    for (const [cookie, expected] of [[{}, true], [{ sameSite: undefined }, false], [{ sameSite: false }, false]] as const) {
      const { app } = prepare({ key: newKey(), cookie })
      app.get('/', async ({ session }) => { session.set('user', 1); return 'done' })
      const { headers } = await app.inject('/')
      assert.equal(/SameSite=Lax/.test(String(headers['set-cookie'])), expected, inspect(cookie))
    }
  })

  it('is no matter elsewhere', async t => {
    setEnvironment(t, 'development')
    assert.deepEqual(await messages(PRODUCTION, {}), [])
  })

  it("is warned about once, at the first cookie, where the app's own @fastify/cookie has a say, and not if that sets it", async t => {
    setEnvironment(t, 'production')
    assert.equal((await messagesWith({}, PRODUCTION, {})).length, 1)
    assert.deepEqual(await messagesWith({ secure: true, sameSite: 'strict' }, PRODUCTION, {}), [])
    assert.deepEqual(await messagesWith({ secure: 'auto' }, PRODUCTION, { sameSite: 'lax' }), [])
  })
})

const OUTLIVES = /maxAge of \d+ seconds outlives the session/
const DROPPED = /maxAge of 0 makes browsers drop it at once/
const DATE = /"expires" is the same date for all sessions/

const LIVES: Array<[options: object, words: RegExp | null]> = [
  [{}, null],
  [{ cookie: { maxAge: 86400 } }, null],
  [{ expiry: 3600, cookie: { maxAge: 3600 } }, null],
  [{ expiry: 3600, cookie: { maxAge: 3660 } }, null],
  [{ expiry: 3600, cookie: { maxAge: 3661 } }, OUTLIVES],
  [{ expiry: 3600, cookie: { maxAge: 3540 } }, null],
  [{ expiry: 3600, cookie: { maxAge: 60 } }, null], // shorter, which an app may want
  [{ expiry: 3600, cookieOptions: { maxAge: 0 } }, DROPPED],
  [{ expiry: 3600, absoluteTimeout: 1800, cookie: { maxAge: 3600 } }, OUTLIVES],
  [{ expiry: 3600, absoluteTimeout: 1800, cookie: { maxAge: 1800 } }, null],
  [{ expiry: 3600, absoluteTimeout: 7200, rolling: true, cookie: { maxAge: 3600 } }, null],
  [{ expiry: 3600, absoluteTimeout: 7200, rolling: true, cookie: { maxAge: 7200 } }, OUTLIVES],
  [{ expiry: 3600, absoluteTimeout: 7200, rolling: true, cookie: { maxAge: 1800 } }, null],
  [{ cookie: { expires: new Date(2_000_000_000_000) } }, DATE],
  [{ cookie: { expires: new Date(2_000_000_000_000), maxAge: 86401 } }, null]
]

describe('a cookie that browsers keep for longer than its session is valid, or not at all', () => {
  for (const [options, words] of LIVES) {
    it(`is ${words === null ? 'not ' : ''}what ${JSON.stringify(options)} gives, and registration says so`, async () => {
      const found = await messages(MAX_AGE, options)
      assert.equal(found.length, words === null ? 0 : 1)
      if (words !== null) assert.match(found[0]!, words)
    })
  }

  it("is warned about once where the app's own @fastify/cookie gives it the time, and not where the session has its own", async () => {
    assert.equal((await messagesWith({ maxAge: 90_000 }, MAX_AGE, {})).length, 1)
    assert.deepEqual(await messagesWith({ maxAge: 90_000 }, MAX_AGE, { maxAge: 86401 }), [])
    assert.equal((await messagesWith({}, MAX_AGE, { maxAge: 90_000 })).length, 1)
  })
})
