// sealedSession: the same line at home over http and in production behind a proxy.
import assert from 'node:assert/strict'
import { afterEach, describe, it, type TestContext } from 'node:test'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { sealedSession, sessionInfo, type SealedSessionOptions } from '../../src/index.ts'
import { newApp, post, SET_AND_GET } from '../support/app.ts'
import { tls } from '../support/browser.ts'
import { stopClock } from '../support/configurations.ts'
import { captureLog, newKey, setCookies, type LogLine } from '../support/helpers.ts'

const { NODE_ENV } = process.env
afterEach(() => { be(NODE_ENV) })

function be (environment: string | undefined): void {
  if (environment === undefined) delete process.env.NODE_ENV
  else process.env.NODE_ENV = environment
}

interface Started {
  app: FastifyInstance
  lines: LogLine[]
}

async function start (t: TestContext, options?: SealedSessionOptions, server: FastifyServerOptions = {}): Promise<Started> {
  const { lines, logger = false } = captureLog('info')
  const app = newApp({ t, server: { ...server, logger } as FastifyServerOptions, plugin: null, after: app => options === undefined ? app.register(sealedSession) : app.register(sealedSession, options), routes: { ...SET_AND_GET, '/info': ({ session }) => sessionInfo(session) } })
  await app.ready()
  return { app, lines }
}

/** `Set-Cookie` of a write, with the value left out. */
async function written (app: FastifyInstance, headers: Record<string, string> = {}): Promise<string> {
  const response = await app.inject({ method: 'POST', url: '/set', payload: { user: 'ann' }, headers })
  return setCookies(response).join('\n').replace(/=[^;]*/, '')
}

const FULL = '__Host-session; Path=/; HttpOnly; Secure; SameSite=Lax'
const PLAIN = 'session; Path=/; HttpOnly; SameSite=Lax'
const BEHIND_TLS = { 'x-forwarded-proto': 'https' }

describe('the cookie of sealedSession', () => {
  for (const environment of ['production', 'development', 'test', undefined]) {
    for (const server of ['plain', 'plain behind a proxy', 'plain behind a trusted proxy', 'tls']) {
      const isFull = environment === 'production' || server === 'tls'
      const expected = isFull ? FULL : server === 'plain behind a trusted proxy' ? 'session; Path=/; HttpOnly; Secure; SameSite=Lax' : PLAIN
      it(`is ${expected} with NODE_ENV ${environment ?? 'not set'}, ${server}`, async t => {
        be(environment)
        const { app, lines } = await start(t, { key: newKey() }, server === 'tls' ? tls() : { trustProxy: server.includes('trusted') })
        assert.equal(await written(app, server.includes('proxy') ? BEHIND_TLS : {}), expected)
        const told = lines.filter(({ level, msg }) => level === 30 && msg.includes('NODE_ENV is not production'))
        assert.equal(told.length, isFull ? 0 : 1)
        // A server that was deployed without NODE_ENV is told so by its first cookie behind TLS.
        const isWarned = lines.some(({ code }) => code === 'FST_SEALED_SESSION_WARN_ENVIRONMENT')
        assert.equal(isWarned, !isFull && server === 'plain behind a proxy')
      })
    }
  }

  it('comes back to the app over plain http, outside of production', async t => {
    be('development')
    const { app } = await start(t, { key: newKey() })
    const response = await post(app, '/set', undefined, { user: 'ann' })
    const cookie = setCookies(response).join('').split(';')[0]
    assert.deepEqual((await app.inject({ url: '/get', headers: { cookie } })).json(), { user: 'ann' })
  })

  for (const [title, cookie, expected] of [
    ['another path', { path: '/app' }, '__Secure-session; Path=/app; HttpOnly; Secure; SameSite=Lax'],
    ['a domain', { domain: 'app.test' }, '__Secure-session; Domain=app.test; Path=/; HttpOnly; Secure; SameSite=Lax'],
    ['another SameSite', { sameSite: 'strict' }, '__Host-session; Path=/; HttpOnly; Secure; SameSite=Strict'],
    ['secure: auto', { secure: 'auto' }, 'session; Path=/; HttpOnly; SameSite=Lax'],
    ['an attribute that is undefined', { path: undefined, sameSite: undefined } as object, FULL]
  ] as const) {
    it(`has the strongest name that browsers take with ${title}`, async t => {
      be('production')
      const { app } = await start(t, { key: newKey(), cookie })
      assert.equal(await written(app), expected)
    })
  }

  it('has the attributes of cookieOptions, too, and the name that the app gives', async t => {
    be('production')
    const { app } = await start(t, { key: newKey(), cookieName: '__Secure-mine', cookieOptions: { sameSite: 'strict' } })
    assert.equal(await written(app), '__Secure-mine; Path=/; HttpOnly; Secure; SameSite=Strict')
  })

  it('has no prefix outside of production over plain http either if the app gives one', async t => {
    be('development')
    const { app } = await start(t, { key: newKey(), cookieName: '__Host-mine' })
    assert.equal(await written(app), 'mine; Path=/; HttpOnly; SameSite=Lax')
  })

  it('is as the app says if it gives secure, outside of production as well', async t => {
    be('development')
    const { app, lines } = await start(t, { key: newKey(), cookie: { secure: true } })
    assert.equal(await written(app), FULL)
    assert.ok(!lines.some(({ msg }) => msg.includes('NODE_ENV')))
  })

  it('is one for each of several sessions', async t => {
    be('production')
    const { app } = await start(t, [{ sessionName: 'session', key: newKey() }, { sessionName: 'cart', key: newKey(), expiry: 60 }])
    app.log.info('')
    const response = await app.inject({ method: 'POST', url: '/set', payload: { user: 'ann' } })
    assert.equal(setCookies(response)[0]?.split('=')[0], '__Host-session')
  })
})

describe('the lifetimes of sealedSession', () => {
  it('are eight hours, prolonged by use, and a week at most', async t => {
    be('production')
    const clock = stopClock(t)
    const { app } = await start(t, { key: newKey() })
    let cookie = setCookies(await post(app, '/set', undefined, { user: 'ann' })).join('').split(';')[0]
    const isIn = async (): Promise<boolean> => {
      const response = await app.inject({ url: '/get', headers: { cookie } })
      cookie = setCookies(response)[0]?.split(';')[0] ?? cookie
      return response.json<{ user?: string }>().user === 'ann'
    }
    const HOURS = 3_600_000
    for (let hour = 0; hour < 167; hour += 5) {
      assert.ok(await isIn(), `after ${hour} hours`)
      clock.tick(5 * HOURS)
    }
    assert.equal(await isIn(), false)
  })

  it('end eight hours after the last use', async t => {
    be('production')
    const clock = stopClock(t)
    const { app } = await start(t, { key: newKey() })
    const cookie = setCookies(await post(app, '/set', undefined, { user: 'ann' })).join('').split(';')[0]
    clock.tick(8 * 3_600_000 - 1)
    assert.equal((await app.inject({ url: '/info', headers: { cookie } })).json<{ status: string }>().status, 'valid')
    clock.tick(1)
    assert.equal((await app.inject({ url: '/info', headers: { cookie } })).json<{ reason: string }>().reason, 'expired')
  })

  for (const [title, options] of [
    ['a longer expiry', { expiry: 30 * 86_400 }],
    ['a shorter maxExpiry', { maxExpiry: 600 }],
    ['a shorter absoluteTimeout', { absoluteTimeout: 600 }],
    ['no absoluteTimeout and no rolling', { absoluteTimeout: null, rolling: false }]
  ] as const) {
    it(`cut nothing that the app gives: ${title}`, async t => {
      be('production')
      const { app, lines } = await start(t, { key: newKey(), ...options })
      const cookie = setCookies(await post(app, '/set', undefined, { user: 'ann' })).join('').split(';')[0]
      const { lastWriteAt, expiresAt } = (await app.inject({ url: '/info', headers: { cookie } })).json<Record<string, string>>()
      const seconds = (Date.parse(expiresAt!) - Date.parse(lastWriteAt!)) / 1000
      const expected = 'expiry' in options ? options.expiry : 'maxExpiry' in options || options.absoluteTimeout === 600 ? 600 : 8 * 3600
      assert.equal(seconds, expected)
      assert.deepEqual(lines.filter(({ level }) => level >= 40), [])
    })
  }
})

describe('sealedSession without a key', () => {
  for (const options of [undefined, {}, { key: undefined }, { key: '' }, { key: process.env.NO_SUCH_VARIABLE }]) {
    it(`makes one outside of production, and warns: ${JSON.stringify(options)}`, async t => {
      be(undefined)
      const { app, lines } = await start(t, options)
      assert.equal(await written(app), PLAIN)
      assert.deepEqual(lines.flatMap(({ code }) => code ?? []), ['FST_SEALED_SESSION_WARN_KEY_EPHEMERAL'])
    })
  }

  it('is refused in production', async t => {
    be('production')
    await assert.rejects(start(t, {}), { code: 'FST_SEALED_SESSION_KEY_MISSING' })
    await assert.rejects(start(t, { key: '' }), { code: 'FST_SEALED_SESSION_KEY_MISSING' })
  })
})

describe('sealedSession', () => {
  it('is there under the name of @fastify/secure-session for plugins that ask', async t => {
    const { app } = await start(t, { key: newKey() })
    assert.ok(app.hasPlugin('@fastify/secure-session'))
  })

  it('changes nothing in the options that it is given', async t => {
    const options = Object.freeze({ key: newKey(), cookie: Object.freeze({ sameSite: 'strict' as const }) })
    const { app } = await start(t, options)
    assert.match(await written(app), /Strict/)
  })

  it('refuses what the drop-in refuses', async t => {
    await assert.rejects(start(t, 'key' as never), { code: 'FST_SEALED_SESSION_OPTIONS_INVALID' })
    await assert.rejects(start(t, { key: newKey(), expirey: 60 } as never), { code: 'FST_SEALED_SESSION_OPTION_UNKNOWN' })
    await assert.rejects(start(t, { key: newKey(), cookie: 'strict' } as never), { code: 'FST_SEALED_SESSION_OPTION_INVALID' })
    await assert.rejects(start(t, [] as never), { code: 'FST_SEALED_SESSION_KEY_MISSING' })
  })

  it('opens no session of the default format', async t => {
    be('production')
    const { app } = await start(t, { key: newKey() })
    const { reason } = (await app.inject({ url: '/info', headers: { cookie: '__Host-session=YQ==;Yg==' } })).json<{ reason: string }>()
    assert.equal(reason, 'malformed')
  })
})
