// Attributes of the proof's cookie, the sessions that it stands beside, and what sessionInfo() tells of a device.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance, FastifyServerOptions, LightMyRequestResponse } from 'fastify'
import { sessionInfo } from '../../src/index.ts'
import { createTestDevice, type TestDevice } from '../../src/testing/index.ts'
import { readyApp } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, boundDevice, infoOf, loggedIn, only, PROOF_ONLY, SESSION, SESSION_ONLY, stolen } from '../support/device.ts'
import { setCookies } from '../support/helpers.ts'

const START = 1_800_000_000_000

/** Attributes of a Set-Cookie line, without those of its life, by name in small letters. */
function attributesIn (text: string): Record<string, string> {
  const pairs = text.split('; ').map(part => part.split('=') as [string, string?])
  return Object.fromEntries(pairs.map(([name, value = '']) => [name.toLowerCase(), value.toLowerCase()] as const).filter(([name]) => !['max-age', 'expires'].includes(name)))
}

/** The same of a line with its cookie, and defaults that browsers take written out. */
function attributesOf (line: string): Record<string, string> {
  return { path: '/', samesite: 'lax', ...attributesIn(line.slice(line.indexOf('; ') + 2)) }
}

/** A browser that has logged in and registered, and both answers. */
async function registered (app: FastifyInstance): Promise<{ device: TestDevice, login: LightMyRequestResponse, answer: LightMyRequestResponse }> {
  const device = createTestDevice({ origin: 'https://app.test' })
  const { response: login } = await loggedIn(app, device)
  const answer = await device.register(app, login)
  assert.equal(answer?.statusCode, 200)
  return { device, login, answer }
}

function lineOf (response: LightMyRequestResponse, name: string): string {
  return setCookies(response).find(line => line.startsWith(`${name}=`)) ?? assert.fail(`no cookie ${name}`)
}

describe('the cookie of the proof', () => {
  const PATHS = [undefined, '/', '/session-device'] as const
  const DOMAINS = [undefined, 'app.test'] as const
  const SECURE = [true, 'auto'] as const
  const HTTP_ONLY = [undefined, true, false] as const
  const SAME_SITE = [undefined, false, true, 'lax', 'Lax', 'strict', 'none'] as const
  const combinations = PATHS.flatMap(path => DOMAINS.flatMap(domain => SECURE.flatMap(secure => HTTP_ONLY.flatMap(httpOnly => SAME_SITE.map(sameSite => ({ path, domain, secure, httpOnly, sameSite }))))))

  async function check (app: FastifyInstance, name: string): Promise<void> {
    const { device, login, answer } = await registered(app)
    const { credentials: [credential] } = answer.json<{ credentials: [{ type: string, name: string, attributes: string }] }>()
    const refreshed = await device.refresh(app)
    const expected = attributesOf(lineOf(login, 'session'))
    for (const response of [answer, refreshed]) {
      const line = lineOf(response, 'session.device')
      assert.deepEqual(attributesOf(line), expected, name)
      assert.match(line, /; Max-Age=600(?:;|$)/)
      // Nothing is left to a default of the browser's: a SameSite that is missing has it refresh before each request.
      assert.deepEqual(attributesIn(line.slice(line.indexOf('; ') + 2)), attributesIn(credential.attributes), name)
    }
    assert.deepEqual(attributesOf(lineOf(answer, 'session')), expected, name)
    assert.deepEqual([credential.type, credential.name], ['cookie', 'session.device'])
    assert.match(credential.attributes, /(?=.*Path=)(?=.*SameSite=)(?=.*Secure)/)
  }

  it(`36. has the attributes of the session, and the JSON names exactly those: all ${combinations.length} combinations`, async () => {
    assert.equal(combinations.length, 252)
    for (const given of combinations) {
      const cookie = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
      const app = await appWithDevices({ server: AS_TLS, session: { cookie } })
      await check(app, JSON.stringify(given))
      await app.close()
    }
  })

  it('36. has those that @fastify/cookie gives to all cookies of the app', async () => {
    for (const parseOptions of [{ secure: true, path: '/' }, { secure: true, domain: 'app.test', sameSite: 'strict' }, { secure: 'auto', httpOnly: false, sameSite: 'none' }] as const) {
      const app = await appWithDevices({ server: AS_TLS, before: app => app.register(cookiePlugin, { parseOptions: parseOptions as never }), session: { cookie: {} } })
      await check(app, JSON.stringify(parseOptions))
    }
  })

  it('36. is deleted with the attributes that it was set with', async () => {
    for (const more of [{}, { domain: 'app.test', sameSite: 'none', path: '/' }]) {
      const app = await appWithDevices({ session: { cookie: { ...SESSION.cookie, ...more } } })
      const { device, answer } = await registered(app)
      const gone = await device.inject(app, { method: 'POST', url: '/logout' })
      assert.deepEqual(attributesOf(lineOf(gone, 'session.device')), attributesOf(lineOf(answer, 'session.device')))
      assert.equal(device.cookies, '')
    }
  })

  it('36. has the prefix of the session: __Host- and __Secure-', async () => {
    for (const cookieName of ['__Host-session', '__Secure-session']) {
      const app = await appWithDevices({ session: { cookieName } })
      const { device, answer } = await registered(app)
      assert.ok(setCookies(answer).some(line => line.startsWith(`${cookieName}.device=`)))
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    }
  })
})

/** Requests that came over TLS: the endpoint is answered before the hooks of the app. */
const AS_TLS: FastifyServerOptions = {
  trustProxy: true,
  rewriteUrl: ({ headers, url = '/' }) => { headers['x-forwarded-proto'] = 'https'; return url }
}

describe('a session', () => {
  it('40. is bound and proven alike if it is split, before or after the binding', async () => {
    const app = await appWithDevices()
    const large = 'x'.repeat(4000)
    for (const isBefore of [true, false]) {
      const device = createTestDevice()
      let { response } = await loggedIn(app, device)
      if (isBefore) response = await device.inject(app, { method: 'POST', url: '/write', payload: { large } })
      assert.equal((await device.register(app, response))?.statusCode, 200)
      if (!isBefore) await device.inject(app, { method: 'POST', url: '/write', payload: { large } })
      assert.deepEqual(device.cookies.split('; ').map(pair => pair.split('=')[0]).sort(), ['session', 'session.1', 'session.device'])
      assert.equal((await infoOf(app, device.cookies)).device?.state, 'bound')
      assert.equal((await infoOf(app, only(device.cookies, 'session', 'session.1'))).reason, 'device-unproven')
      device.expire()
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
      await device.inject(app, { method: 'POST', url: '/logout' })
      assert.equal(device.cookies, '')
    }
  })

  for (const isOwn of [false, true]) {
    it(`40. is bound and proven alike if it is signed, and so is its proof: ${isOwn ? 'by the app\'s @fastify/cookie' : 'by default'}`, async () => {
      const app = await appWithDevices({
        ...(isOwn && { before: (app: FastifyInstance) => app.register(cookiePlugin, { secret: 'a secret of the app that is long' }) }),
        session: { cookie: { ...SESSION.cookie, signed: true } }
      })
      const device = await boundDevice(app)
      const [session, proof] = [only(device.cookies, ...SESSION_ONLY), only(device.cookies, ...PROOF_ONLY)]
      assert.equal((await stolen(app, device.cookies)).body, 'ann')
      const { valid, value } = app.unsignCookie(decodeURIComponent(proof.slice('session.device='.length)))
      assert.equal(valid, true)
      assert.equal((await stolen(app, `${session}; session.device=${value}`)).body, 'nobody')
      assert.equal((await stolen(app, `${session}; ${proof.slice(0, -2)}`)).body, 'nobody')
      device.expire()
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    })
  }

  it('40. is bound and proven alike with a life of its own: its cookie keeps what is left of it, and no proof lasts longer', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({
      session: { maxExpiry: 30 * 86_400 },
      routes: { 'POST /remember': ({ session, body }) => { const { seconds } = body as { seconds: number }; session.regenerate(); Object.assign(session, { user: 'ann' }); session.options({ expiry: seconds, maxAge: seconds }) } }
    })
    for (const [seconds, proof] of [[2_592_000, 600], [400, 370]] as const) {
      const device = createTestDevice()
      const response = await device.inject(app, { method: 'POST', url: '/remember', payload: { seconds } })
      clock.tick(30_000)
      const answer = await device.register(app, response)
      assert.equal(answer?.statusCode, 200)
      assert.match(lineOf(answer, 'session'), new RegExp(`; Max-Age=${seconds - 30};`))
      assert.match(lineOf(answer, 'session.device'), new RegExp(`; Max-Age=${proof};`))
      assert.equal((await infoOf(app, device.cookies)).device?.state, 'bound')
      clock.tick(200_000)
      assert.match(lineOf(await device.refresh(app), 'session.device'), new RegExp(`; Max-Age=${Math.min(600, seconds - 230)};`))
    }
  })
})

describe('sessionInfo().device', () => {
  it('41. tells unbound, bound and unproven, and when it was bound and proven', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    assert.deepEqual((await infoOf(app, device.cookies)).device, { state: 'unbound', boundAt: null, provenAt: null, skipped: null })
    clock.tick(10_000)
    await device.register(app, response)
    clock.tick(300_000)
    await device.refresh(app)
    const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString()
    assert.deepEqual((await infoOf(app, device.cookies)).device, { state: 'bound', boundAt: at(10), provenAt: at(310), skipped: null })
    assert.deepEqual((await infoOf(app, only(device.cookies, ...SESSION_ONLY))).device, { state: 'unproven', boundAt: null, provenAt: null, skipped: null })
    assert.deepEqual((await infoOf(app, '')).device, { state: 'unbound', boundAt: null, provenAt: null, skipped: null })
  })

  it('41. is null without deviceBinding', async () => {
    const app = await appWithDevices()
    assert.notEqual(sessionInfo(app.createSecureSession()).device, null)
    const without = await readyApp()
    assert.equal(sessionInfo(without.createSecureSession()).device, null)
  })

  const SKIPPED: Array<[header: string, skipped: string | null]> = [
    ['unreachable;session_identifier="abc"', 'unreachable'], ['server_error;session_identifier="abc"', 'server_error'],
    ['quota_exceeded', 'quota_exceeded'], ['anything', null], ['unreachable_too', null], ['', null], ['x, unreachable', null], ['__proto__', null]
  ]
  for (const [header, skipped] of SKIPPED) {
    it(`41. has what the browser gave as the reason, which opens nothing: ${JSON.stringify(header)}`, async () => {
      const app = await appWithDevices()
      const { cookies } = await boundDevice(app)
      const headers = { cookie: only(cookies, ...SESSION_ONLY), 'secure-session-skipped': header }
      const { device, reason } = (await app.inject({ url: '/info', headers })).json<{ device: object, reason: string }>()
      assert.deepEqual([device, reason], [{ state: 'unproven', boundAt: null, provenAt: null, skipped }, 'device-unproven'])
      assert.equal((await app.inject({ url: '/me', headers })).body, 'nobody')
    })
  }

  it('41. has no such reason for a session that is proven, or unbound', async () => {
    const app = await appWithDevices()
    for (const cookie of [(await boundDevice(app)).cookies, (await loggedIn(app)).device.cookies]) {
      const { device } = (await app.inject({ url: '/info', headers: { cookie, 'secure-session-skipped': 'unreachable' } })).json<{ device: { skipped: unknown } }>()
      assert.equal(device.skipped, null)
    }
  })
})
