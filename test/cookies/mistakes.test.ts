// Attributes of the cookie that are not what they look like: text in place of a boolean, paths, seconds.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import cookiePlugin, { type CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import { looksLikeMilliseconds } from '../../src/options/option-hints.ts'
import { get, logged, newApp, type Handler } from '../support/app.ts'
import { cookieOf, newKey, setCookies, warnings, type LogLine } from '../support/helpers.ts'
import { prepare, rejection, warningsOf } from '../support/configurations.ts'

const FLAGS = ['httpOnly', 'partitioned', 'secure', 'signed']
const TEXT = 'FST_SEALED_SESSION_WARN_COOKIE_TEXT'

function setProduction (t: TestContext): void {
  const { NODE_ENV } = process.env
  process.env.NODE_ENV = 'production'
  t.after(() => {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
  })
}

/** An app that writes its session at each URL, and its log. */
function writing (options: object, before?: (app: FastifyInstance) => void, attributes?: object): { app: FastifyInstance, lines: LogLine[] } {
  const { lines, server } = logged()
  const write: Handler = ({ session }) => {
    if (attributes !== undefined) session.options(attributes as CookieSerializeOptions)
    session.set('user', 1)
  }
  return { app: newApp({ server, before, session: { key: newKey(), ...options }, routes: { '/*': write } }), lines }
}

async function lineOf (options: object): Promise<string> {
  return setCookies(await writing(options).app.inject('/'))[0]!
}

describe('text in place of a boolean of the cookie', () => {
  for (const name of FLAGS) {
    for (const value of ['false', '0', 'no', 'on', ' ', 'AUTO', 2, {}, []]) {
      it(`is refused, since it would count as true: ${name}: ${JSON.stringify(value)}`, async () => {
        for (const option of ['cookie', 'cookieOptions']) {
          const error = await rejection({ key: newKey(), [option]: { path: '/', [name]: value } })
          assert.equal(error.code, 'FST_SEALED_SESSION_OPTION_INVALID')
          assert.match(error.message, new RegExp(`^option "${option}\\.${name}" must be a boolean`))
        }
      })
    }

    it(`counts as true, as with the peer, and is warned about: ${name}: 'true'`, async () => {
      const options = { key: newKey(), cookie: { path: '/', secure: true, [name]: 'true' } }
      const found = await warningsOf(options)
      assert.deepEqual(found.map(({ code }) => code), [TEXT])
      assert.match(found[0]!.msg, new RegExp(`session "session": cookie\\.${name} is text and counts as true`))
    })

    it(`counts as a boolean without a word if it is 1 or 0: ${name}`, async () => {
      assert.deepEqual(await warningsOf({ key: newKey(), cookie: { path: '/', secure: true, [name]: 1 } }), [])
      assert.deepEqual(await warningsOf({ key: newKey(), cookie: { path: '/', [name]: 0 } }), [])
    })
  }

  it("'auto' is meant for secure, and in other letters the hint says how to write it", async () => {
    assert.deepEqual(await warningsOf({ key: newKey(), cookie: { path: '/', secure: 'auto' } }), [])
    assert.match((await rejection({ key: newKey(), cookie: { secure: 'Auto' } })).hint, /^Write 'auto' in small letters\./)
    assert.match((await rejection({ key: newKey(), cookie: { secure: 'false' } })).hint, /^Text is no boolean, .*process\.env\.NAME === "true"/)
  })

  it('an empty one, as of a variable that is not set, counts as false and is warned about', async () => {
    const options = { key: newKey(), cookie: { path: '/', secure: '', httpOnly: '' } }
    assert.deepEqual((await warningsOf(options)).map(({ code }) => code), [TEXT, TEXT])
    assert.doesNotMatch(await lineOf(options), /HttpOnly|Secure/)
  })

  it("signed: 'true' signs, and opens signed cookies only", async () => {
    for (const signed of ['true', '1', 1]) {
      const { app } = writing({ cookie: { path: '/', signed } })
      app.get('/get', async ({ session }) => session.data())
      const cookie = cookieOf(await app.inject('/set'))
      assert.deepEqual((await get(app, '/get', cookie)).json(), { user: 1 })
      assert.deepEqual((await get(app, '/get', cookie.slice(0, cookie.lastIndexOf('.')))).json(), {})
    }
  })

  it("partitioned: 'true' without secure is warned about, as true is", async () => {
    const found = await warningsOf({ key: newKey(), cookie: { path: '/', partitioned: 'true' } })
    assert.deepEqual(found.map(({ code }) => code), [TEXT, 'FST_SEALED_SESSION_WARN_COOKIE_REFUSED'])
  })
})

describe('session.options()', () => {
  it('refuses text in place of a boolean, with the same code', async () => {
    const { app, lines } = writing({}, undefined, { secure: 'false' })
    assert.equal((await app.inject('/')).json<{ code: string }>().code, 'FST_SEALED_SESSION_OPTION_INVALID')
    assert.deepEqual(warnings(lines), [])
  })

  it("takes 'true' for true, and warns once", async () => {
    const { app, lines } = writing({}, undefined, { secure: 'true' })
    for (let time = 0; time < 3; time++) assert.match(setCookies(await app.inject('/'))[0]!, /; Secure/)
    assert.deepEqual(warnings(lines).map(({ code }) => code), [TEXT])
  })

  for (const [name, attribute] of Object.entries({ samesite: 'sameSite', same_site: 'sameSite', 'max-age': 'maxAge', HttpOnly: 'httpOnly', maxage: 'maxAge' })) {
    it(`warns once of a misspelt attribute: ${name} for ${attribute}`, async () => {
      const { app, lines } = writing({}, undefined, { [name]: 1 })
      for (let time = 0; time < 3; time++) await app.inject('/')
      assert.deepEqual(warnings(lines).map(({ msg }) => msg), [`session "session": option "options().${name}" is not known and has no effect; did you mean "${attribute}"?`])
    })
  }

  it('warns once of an expiry that absoluteTimeout cuts', async () => {
    const { app, lines } = writing({ absoluteTimeout: 43_200 }, undefined, { expiry: 2_592_000 })
    for (let time = 0; time < 3; time++) await app.inject('/')
    assert.deepEqual(warnings(lines).map(({ code }) => code), ['FST_SEALED_SESSION_WARN_EXPIRY_CUT'])
    assert.match(lines[lines.length - 1]!.msg + warnings(lines)[0]!.msg, /2592000 seconds, but "absoluteTimeout" ends the session 43200 seconds after it began/)
  })

  it('says nothing of one that it does not cut', async () => {
    const { app, lines } = writing({ absoluteTimeout: 43_200 }, undefined, { expiry: 43_200 })
    await app.inject('/')
    assert.deepEqual(warnings(lines), [])
  })
})

const PATH = 'FST_SEALED_SESSION_WARN_COOKIE_PATH'
const NO_PATH = 'FST_SEALED_SESSION_WARN_PATH_MISSING'

async function codesAt (url: string, options: object, before?: (app: FastifyInstance) => void, attributes?: object): Promise<unknown[]> {
  const { app, lines } = writing(options, before, attributes)
  for (let time = 0; time < 3; time++) await app.inject(url)
  return warnings(lines).map(({ code }) => code)
}

describe('a path that browsers ignore, since it begins with no slash', () => {
  it('is warned about at registration', async () => {
    const found = await warningsOf({ key: newKey(), cookie: { path: 'app' } })
    assert.deepEqual(found.map(({ code }) => code), [PATH])
    assert.match(found[0]!.msg, /Write "path: '\/'"/)
  })

  it("is warned about once where it comes from the app's own @fastify/cookie", async () => {
    assert.deepEqual(await codesAt('/', {}, app => app.register(cookiePlugin, { parseOptions: { path: 'app' } })), [PATH])
  })
})

describe('a cookie without a path', () => {
  it('is warned about once, when it is set below the root, with the route and the reach that it has', async () => {
    const { app, lines } = prepare({ key: newKey() })
    app.post('/api/auth/:tenant/login', async ({ session }) => { session.set('user', 1); return 'done' })
    for (let time = 0; time < 2; time++) await app.inject({ method: 'POST', url: '/api/auth/hidden/login?next=/hidden' })
    assert.deepEqual(warnings(lines).map(({ msg }) => msg), [
      'session "session": the cookie "session" has no path and was set by POST /api/auth/:tenant/login. Browsers send it back only to URLs that begin with /api/auth/:tenant, and your session is empty at all others. Write "path: \'/\'".'
    ])
  })

  it('is warned about without the URL, where a handler of URLs without a route has set it', async () => {
    const { app, lines } = prepare({ key: newKey() })
    app.setNotFoundHandler(async ({ session }) => { session.set('user', 1); return 'done' })
    await app.inject('/hidden/hidden')
    assert.match(warnings(lines)[0]!.msg, /set by GET \(no route\)\. .* begin with the folder of that one,/)
    assert.doesNotMatch(warnings(lines)[0]!.msg, /hidden/)
  })

  it('is no matter where it is set at the root, since it is sent to all URLs then', async () => {
    for (const url of ['/', '/login', '/login?next=/a/b']) assert.deepEqual(await codesAt(url, {}), [])
  })

  it('is no matter where the options, the app or the response give one', async () => {
    assert.deepEqual(await codesAt('/api/login', { cookie: { path: '/' } }), [])
    assert.deepEqual(await codesAt('/api/login', {}, app => app.register(cookiePlugin, { parseOptions: { path: '/' } })), [])
    assert.deepEqual(await codesAt('/api/login', {}, undefined, { path: '/' }), [])
    assert.deepEqual(await codesAt('/api/login', { cookie: { path: '' } }), [NO_PATH])
  })
})

describe("secure: 'auto' in production, behind a proxy that Fastify does not trust", () => {
  const PROXY = 'FST_SEALED_SESSION_WARN_PROXY'

  async function codes (headers: Record<string, string>, cookie: object = { path: '/', secure: 'auto', sameSite: 'lax' }): Promise<unknown[]> {
    const { app, lines } = writing({ cookie })
    for (let time = 0; time < 3; time++) await app.inject({ url: '/', headers })
    return warnings(lines).map(({ code }) => code)
  }

  it('is warned about once, when the proxy says that a request came over TLS', async t => {
    setProduction(t)
    assert.deepEqual(await codes({ 'x-forwarded-proto': 'https' }), [PROXY])
    assert.deepEqual(await codes({ 'x-forwarded-proto': 'https, http' }), [PROXY])
  })

  it('is no matter without a proxy, over plain HTTP, with secure: true, or elsewhere', async t => {
    assert.deepEqual(await codes({ 'x-forwarded-proto': 'https' }), [])
    setProduction(t)
    assert.deepEqual(await codes({}), [])
    assert.deepEqual(await codes({ 'x-forwarded-proto': 'http' }), [])
    assert.deepEqual(await codes({ 'x-forwarded-proto': 'https' }, { path: '/', secure: true, sameSite: 'lax' }), [])
  })
})

describe('seconds that look like milliseconds', () => {
  const MILLISECONDS = 'FST_SEALED_SESSION_WARN_MILLISECONDS'
  const [MINUTE, HOUR, DAY] = [60, 3600, 86_400]

  it('are whole minutes, hours, days and weeks in milliseconds', () => {
    for (const seconds of [10 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 8 * HOUR, 12 * HOUR, DAY, 7 * DAY, 30 * DAY, 365 * DAY]) {
      assert.equal(looksLikeMilliseconds(seconds * 1000), true, String(seconds))
    }
  })

  it('are no lifetimes that people mean in seconds', () => {
    const days = [1, 2, 3, 5, 7, 10, 14, 15, 20, 21, 28, 30, 31, 45, 50, 60, 90, 100, 120, 180, 182, 200, 300, 360, 365, 366, 400, 500 + 47, 730, 3650]
    for (const seconds of [1, 59, 300, 900, 1800, 3600, 7200, 28_800, 43_200, 86_401, 36 * HOUR, 1_000_000, ...days.map(day => day * DAY)]) {
      assert.equal(looksLikeMilliseconds(seconds), false, String(seconds))
    }
  })

  it('are warned about at registration, each by its name', async () => {
    const eightHours = 8 * HOUR * 1000
    const found = await warningsOf({ key: newKey(), expiry: eightHours, absoluteTimeout: eightHours, cookie: { path: '/', maxAge: eightHours } })
    assert.deepEqual(found.map(({ code }) => code), [MILLISECONDS, MILLISECONDS, MILLISECONDS])
    assert.deepEqual(found.map(({ msg }) => /: (\S+) is 28800000 seconds, which are 333 days, and looks like milliseconds\. If it is, give 28800\./.exec(msg)?.[1]), ['expiry', 'absoluteTimeout', 'cookie.maxAge'])
  })

  it('are warned about once, where session.options() gives them', async () => {
    assert.deepEqual(await codesAt('/', {}, undefined, { expiry: 8 * HOUR * 1000 }), [MILLISECONDS])
  })
})
