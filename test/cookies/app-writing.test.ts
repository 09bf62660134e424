// The app's own @fastify/cookie: how the session's cookie is written.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import cookiePlugin, { type FastifyCookieOptions } from '@fastify/cookie'
import { newKey, setCookies } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, properties, readyApp, type AppSetup, type Handler } from '../support/app.ts'

/** `decode` is missing from the types of `parseOptions`. */
type ParseOptions = FastifyCookieOptions['parseOptions'] & { decode?: (text: string) => string }

function withCookies (parseOptions: ParseOptions, options: object = {}, more: AppSetup = {}): AppSetup {
  return { ...more, session: { key: newKey(), ...options }, before: app => app.register(cookiePlugin, { parseOptions, secret: 'a secret of the app, for signing' }) }
}

const writing: Handler = ({ session }) => session.set('n', 1)

/** The attributes of the session's cookie on a response, sorted. */
async function attributes (setup: AppSetup, handler: Handler = writing): Promise<string[]> {
  const app = await readyApp({ ...setup, routes: { '/': handler } })
  const lines = linesOf(await get(app))
  assert.equal(lines.length, 1)
  return (lines[0] ?? '').split('; ').slice(1).sort()
}

describe('the attributes in parseOptions apply to the session\'s cookie', () => {
  const cases: Array<[parseOptions: ParseOptions, attributes: string[]]> = [
    [{}, ['HttpOnly', 'SameSite=Lax']],
    [{ path: '/app' }, ['HttpOnly', 'Path=/app', 'SameSite=Lax']],
    [{ domain: 'example.com' }, ['Domain=example.com', 'HttpOnly', 'SameSite=Lax']],
    [{ sameSite: 'strict' }, ['HttpOnly', 'SameSite=Strict']],
    [{ sameSite: false }, ['HttpOnly']],
    [{ maxAge: 60 }, ['HttpOnly', 'Max-Age=60', 'SameSite=Lax']],
    [{ secure: true, partitioned: true, priority: 'high' }, ['HttpOnly', 'Partitioned', 'Priority=High', 'SameSite=Lax', 'Secure']],
    [{ expires: new Date(Date.UTC(2040, 0, 1)) }, ['Expires=Sun, 01 Jan 2040 00:00:00 GMT', 'HttpOnly', 'SameSite=Lax']]
  ]
  for (const [parseOptions, expected] of cases) {
    it(JSON.stringify(parseOptions), async () => assert.deepEqual(await attributes(withCookies(parseOptions)), expected))
  }

  it('those of the session take precedence, then those of options()', async () => {
    const setup = withCookies({ path: '/app', domain: 'example.com', maxAge: 60 }, { cookie: { path: '/session', maxAge: 70 } })
    assert.deepEqual(await attributes(setup), ['Domain=example.com', 'HttpOnly', 'Max-Age=70', 'Path=/session', 'SameSite=Lax'])
    const handler: Handler = ({ session }) => { session.touch(); session.options({ path: '/now' }) }
    assert.deepEqual(await attributes(setup, handler), ['Domain=example.com', 'HttpOnly', 'Max-Age=70', 'Path=/now', 'SameSite=Lax'])
  })

  it('options() of one response does not reach the next', async () => {
    const app = await readyApp({
      ...withCookies({ path: '/app' }),
      routes: { '/': ({ session, query }) => { session.touch(); if (properties(query).path !== undefined) session.options({ path: '/now' }) } }
    })
    for (const [url, path] of [['/', '/app'], ['/?path', '/now'], ['/', '/app']] as const) {
      assert.ok(linesOf(await get(app, url))[0]?.includes(`Path=${path};`))
    }
  })

  it('the line that drops the cookie has them too', async () => {
    const lines = await attributes(withCookies({ path: '/app', domain: 'example.com' }), ({ session }) => session.delete())
    assert.deepEqual(lines, ['Domain=example.com', 'Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'HttpOnly', 'Max-Age=0', 'Path=/app', 'SameSite=Lax'])
  })

  for (const [where, setup] of Object.entries({
    parseOptions: withCookies({ secure: 'auto' }, {}, { server: { trustProxy: true } }),
    'the session\'s cookie': withCookies({}, { cookie: { secure: 'auto' } }, { server: { trustProxy: true } })
  })) {
    it(`secure: 'auto' in ${where} depends on the request`, async () => {
      const app = await readyApp({ ...setup, routes: { '/': writing } })
      for (const proto of ['http', 'https', 'http', 'https']) {
        const response = await app.inject({ url: '/', headers: { 'x-forwarded-proto': proto } })
        assert.equal(/; Secure/.test(linesOf(response)[0] ?? ''), proto === 'https', proto)
      }
    })
  }

  it('signed: true in parseOptions does not keep the session\'s cookie from being sent', async () => {
    const app = await readyApp({ ...withCookies({ signed: true }), routes: { '/': writing } })
    const response = await get(app)
    assert.equal(response.statusCode, 200)
    assert.equal(linesOf(response).length, 1)
  })

  it('the session\'s cookie can be signed with the app\'s secret', async () => {
    const app = await readyApp({ ...withCookies({}, { cookie: { signed: true } }), routes: { '/': writing, '/read': ({ session }) => session.data() } })
    const [line = ''] = linesOf(await get(app))
    const cookie = line.split(';')[0] ?? ''
    assert.equal(app.unsignCookie(decodeURIComponent(cookie.slice('session='.length))).valid, true)
    assert.deepEqual((await get(app, '/read', cookie)).json(), { n: 1 })
  })
})

describe('encode and decode in parseOptions apply to the session\'s cookie', () => {
  const hex = { encode: (text: string) => Buffer.from(text).toString('hex'), decode: (text: string) => Buffer.from(text, 'hex').toString() }
  // As HTML forms have it: a plus sign is a space, so a plus sign must be escaped.
  const form = { decode: (text: string) => decodeURIComponent(text.replaceAll('+', ' ')) }
  // Long enough that its token has a plus sign.
  const large = 'x'.repeat(2000)

  for (const hook of ['onRequest', 'preHandler', false] as const) {
    it(`a pair of functions writes and reads it, with the parsing hook ${hook}`, async () => {
      const app = await readyApp({
        before: app => app.register(cookiePlugin, { hook, parseOptions: hex as ParseOptions }),
        routes: { '/': writing, '/read': ({ session }) => session.data() }
      })
      const cookie = linesOf(await get(app))[0]?.split(';')[0] ?? ''
      assert.match(cookie, /^session=[0-9a-f]+$/)
      assert.deepEqual((await get(app, '/read', cookie)).json(), { n: 1 })
    })

    it(`a cookie that is encoded otherwise is not read, with the parsing hook ${hook}`, async () => {
      const app = await readyApp({ before: app => app.register(cookiePlugin, { hook, parseOptions: hex as ParseOptions }), routes: { '/read': ({ session }) => session.data() } })
      assert.deepEqual((await get(app, '/read', cookieWith(app, { n: 1 }))).json(), {})
    })

    it(`a decode function alone reads what is written, with the parsing hook ${hook}`, async () => {
      const app = await readyApp({
        before: app => app.register(cookiePlugin, { hook, parseOptions: form as ParseOptions }),
        routes: { '/': ({ session }) => session.set('large', large), '/read': ({ session }) => String(session.get('large') === large) }
      })
      const cookie = linesOf(await get(app))[0]?.split(';')[0] ?? ''
      assert.equal((await get(app, '/read', cookie)).body, 'true')
    })
  }

  it('an encode function under the session\'s own cookie comes first', async () => {
    const cookie = { encode: (text: string) => `own-${text.length}` }
    const app = await readyApp({ ...withCookies(hex, { cookie }), routes: { '/': writing } })
    assert.match(linesOf(await get(app))[0] ?? '', /^session=own-\d+;/)
  })
})

describe('the other cookies of the app are sent beside the session\'s', () => {
  const names = (lines: string[]): string[] => lines.map(line => line.split('=')[0] ?? '').sort()

  it('set in the handler before and after the session, in hooks, and as headers', async () => {
    const app = await readyApp({
      before: app => { app.register(cookiePlugin); app.addHook('onRequest', async (_request, reply) => { reply.setCookie('early', '0') }) },
      after: app => app.addHook('onSend', async (_request, reply) => { reply.setCookie('late', '9').header('set-cookie', 'later=10') }),
      routes: {
        '/': ({ session }, reply) => {
          reply.setCookie('a', '1')
          session.set('n', 1)
          reply.setCookie('b', '2').header('set-cookie', 'c=3').header('set-cookie', ['d=4', 'e=5'])
          reply.raw.setHeader('x-raw', 'kept')
        }
      }
    })
    const response = await get(app)
    assert.deepEqual(names(setCookies(response)), ['a', 'b', 'c', 'd', 'e', 'early', 'late', 'later', 'session'])
    assert.deepEqual(contentOf(app, response), { n: 1 })
  })

  it('set on the raw response', async () => {
    for (const value of ['a=1', ['a=1', 'b=2']]) {
      const app = await readyApp({ routes: { '/': ({ session }, reply) => { reply.raw.setHeader('Set-Cookie', value); session.set('n', 1) } } })
      assert.deepEqual(names(setCookies(await get(app))), [...[value].flat().map(line => line.charAt(0)), 'session'])
    }
  })

  it('with a name that starts like the session\'s', async () => {
    const app = await readyApp({ routes: { '/': ({ session }, reply) => { session.touch(); reply.setCookie('session2', '1').setCookie('sessio', '2').setCookie('xsession', '3') } } })
    assert.deepEqual(names(setCookies(await get(app))), ['sessio', 'session', 'session2', 'xsession'])
  })

  it('with the session\'s name and another path or domain, as an app does that moves its cookie', async () => {
    const app = await readyApp({
      ...withCookies({}, { cookie: { path: '/' } }),
      routes: {
        '/': ({ session }, reply) => {
          reply.clearCookie('session', { path: '/old' }).clearCookie('session', { path: '/', domain: 'old.example.com' })
          session.set('n', 1)
        }
      }
    })
    const lines = setCookies(await get(app))
    assert.equal(lines.filter(line => /^session=;.*Path=\/old/.test(line)).length, 1)
    assert.equal(lines.filter(line => /^session=;.*Domain=old\.example\.com/.test(line)).length, 1)
    assert.equal(lines.filter(line => /^session=[^;]/.test(line)).length, 1)
  })
})
