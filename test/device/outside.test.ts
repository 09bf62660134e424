// Sessions that are bound, outside of the handlers of the app: a codec, decodeSecureSession(), the upgrade of a WebSocket.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { createSessionCodec, sessionInfo, sessionSignal, type SessionCodecOptions } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { createTestDevice, type TestDevice } from '../../src/testing/index.ts'
import { newSession, post } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, boundDevice, loggedIn, only, PROOF_ONLY, SESSION, SESSION_ONLY, stolen } from '../support/device.ts'
import { newKey, setCookies } from '../support/helpers.ts'
import { subject } from '../support/revocation.ts'

const REFUSED = { ok: false, reason: 'device-unproven' }
const BOUND = { state: 'bound', skipped: null }
const UNBOUND = { state: 'unbound', boundAt: null, provenAt: null, skipped: null }
const UNPROVEN = { state: 'unproven', boundAt: null, provenAt: null, skipped: null }
const INTERVAL = 600_000
const LEEWAY = 5000

interface Bag { user?: string }

/** An app, a browser that is bound to it, and the options of its session. */
async function parts (session: object = {}, device: object = {}): Promise<{ app: FastifyInstance, browser: TestDevice, options: SessionCodecOptions }> {
  const options = { key: newKey(), ...SESSION, ...session } as SessionCodecOptions
  const app = await appWithDevices({ session: options, device })
  return { app, browser: await boundDevice(app), options }
}

/** The token in a header with one cookie of the session. */
function tokenIn (cookies: string): string {
  return decodeURIComponent(only(cookies, ...SESSION_ONLY).slice('session='.length))
}

function sessionOnly ({ cookies }: TestDevice): string {
  return only(cookies, ...SESSION_ONLY)
}

describe('openCookies of a codec with device: true', () => {
  it('42. opens a bound session beside its proof, and says what device it is', async t => {
    const clock = stopClock(t)
    const { app, browser, options } = await parts()
    clock.tick(60_000)
    await browser.refresh(app)
    const opened = (await createSessionCodec<Bag>({ ...options, device: true })).openCookies(browser.cookies)
    assert.ok(opened?.ok === true)
    assert.equal(opened.data.user, 'ann')
    assert.deepEqual(opened.device, { ...BOUND, boundAt: new Date(1_800_000_000_000), provenAt: new Date(1_800_000_060_000) })
  })

  it('42. refuses it without the proof, with that of another session, and when the proof has ended', async t => {
    const clock = stopClock(t)
    const { app, browser, options } = await parts()
    const other = await boundDevice(app, createTestDevice(), 'bob')
    const codec = await createSessionCodec({ ...options, device: true })
    const jar = browser.cookies
    assert.deepEqual(codec.openCookies(sessionOnly(browser)), REFUSED)
    assert.deepEqual(codec.openCookies(`${sessionOnly(browser)}; ${only(other.cookies, ...PROOF_ONLY)}`), REFUSED)
    assert.equal(codec.openCookies(only(jar, ...PROOF_ONLY)), null)
    clock.tick(INTERVAL + LEEWAY - 1)
    assert.equal(codec.openCookies(jar)?.ok, true)
    clock.tick(1)
    assert.deepEqual(codec.openCookies(jar), REFUSED)
  })

  it('42. finds the right proof among others that were planted', async () => {
    const { app, browser, options } = await parts()
    const other = await boundDevice(app, createTestDevice(), 'bob')
    const codec = await createSessionCodec({ ...options, device: true })
    const planted = `session.device=garbage; ${only(other.cookies, ...PROOF_ONLY)}`
    assert.equal(codec.openCookies(`${planted}; ${browser.cookies}`)?.ok, true)
    assert.equal((await stolen(app, `${planted}; ${browser.cookies}`)).body, 'ann')
  })

  it('42. opens an unbound session, and takes one for bound that a slow response has unbound, as the app does', async () => {
    const { app, options } = await parts()
    const codec = await createSessionCodec<Bag>({ ...options, device: true })
    const { device: browser, response } = await loggedIn(app)
    const unbound = codec.openCookies(browser.cookies)
    assert.deepEqual(unbound?.ok === true && unbound.device, UNBOUND)
    const before = browser.cookies
    await browser.register(app, response)
    const healed = codec.openCookies(`${before}; ${only(browser.cookies, ...PROOF_ONLY)}`)
    assert.equal(healed?.ok === true && healed.device?.state, 'bound')
  })

  it('40. opens a bound session that is signed, and refuses it with a proof whose signature is wrong', async () => {
    const { app, browser, options } = await parts({ cookie: { ...SESSION.cookie, signed: true } })
    const codec = await createSessionCodec({ ...options, device: true })
    assert.equal(codec.openCookies(browser.cookies, app.unsignCookie)?.ok, true)
    const [session, proof] = [sessionOnly(browser), only(browser.cookies, ...PROOF_ONLY)]
    assert.deepEqual(codec.openCookies(`${session}; ${proof.slice(0, -3)}`, app.unsignCookie), REFUSED)
    assert.deepEqual(codec.openCookies(`${session}; ${app.unsignCookie(decodeURIComponent(proof.slice(15))).value}`, app.unsignCookie), REFUSED)
  })

  it('40. opens a bound session that is split', async () => {
    const { app, browser, options } = await parts()
    await browser.inject(app, { method: 'POST', url: '/write', payload: { cart: 'x'.repeat(4000) } })
    assert.match(browser.cookies, /session\.1=/)
    const codec = await createSessionCodec<{ cart: string }>({ ...options, device: true })
    const opened = codec.openCookies(browser.cookies)
    assert.equal(opened?.ok === true && opened.data.cart.length, 4000)
    assert.deepEqual(codec.openCookies(only(browser.cookies, 'session', 'session.1')), REFUSED)
  })

  it('31. refuses an unbound session as the app does, if it has the options of the plugin', async t => {
    const clock = stopClock(t)
    const { app, browser, options } = await parts({}, { policy: 'require', grace: 30 })
    const { device: unbound } = await loggedIn(app)
    const [codec, plain] = [await createSessionCodec({ ...options, device: { policy: 'require', grace: 30 } }), await createSessionCodec({ ...options, device: true })]
    const opened = codec.openCookies(unbound.cookies)
    assert.deepEqual(opened?.ok === true && opened.expiresAt, new Date(1_800_000_030_000))
    clock.tick(30_000)
    assert.deepEqual(codec.openCookies(unbound.cookies), { ok: false, reason: 'device-required' })
    assert.deepEqual(codec.open(tokenIn(unbound.cookies)), { ok: false, reason: 'device-required' })
    assert.equal(codec.openCookies(browser.cookies)?.ok, true)
    assert.equal(plain.openCookies(unbound.cookies)?.ok, true)
  })

  it('32. refuses an unbound session after unboundExpiry, and says when that is', async t => {
    const clock = stopClock(t)
    const { app, browser, options } = await parts({}, { unboundExpiry: 3600 })
    const { device: unbound } = await loggedIn(app)
    const codec = await createSessionCodec({ ...options, device: { unboundExpiry: 3600, when: () => true, path: '/elsewhere' } })
    const [opened, bound] = [codec.openCookies(unbound.cookies), codec.openCookies(browser.cookies)]
    assert.deepEqual(opened?.ok === true && opened.expiresAt, new Date(1_800_000_000_000 + 3_600_000))
    assert.deepEqual(bound?.ok === true && bound.expiresAt, new Date(1_800_000_000_000 + 86_401_000))
    clock.tick(3_600_000)
    assert.deepEqual(codec.openCookies(unbound.cookies), { ok: false, reason: 'expired' })
  })

  it('33. opens a bound session without a proof with policy "off"', async () => {
    const { browser, options } = await parts()
    const codec = await createSessionCodec({ ...options, device: { policy: 'off' } })
    const opened = codec.openCookies(sessionOnly(browser))
    assert.deepEqual(opened?.ok === true && opened.device, UNBOUND)
    assert.equal(codec.open(tokenIn(browser.cookies)).ok, true)
  })
})

describe('open of a codec', () => {
  for (const device of [undefined, false, true] as const) {
    it(`42. refuses the token of a bound session, and opens it if the device is ignored: device ${device}`, async () => {
      const { browser, options } = await parts()
      const codec = await createSessionCodec<Bag>({ ...options, ...(device !== undefined && { device }) })
      const token = tokenIn(browser.cookies)
      assert.deepEqual(codec.open(token), REFUSED)
      assert.deepEqual(codec.open(token, {}), REFUSED)
      assert.deepEqual(codec.open(token, { device: undefined }), REFUSED)
      const opened = codec.open(token, { device: 'ignore' })
      assert.ok(opened.ok)
      assert.deepEqual([opened.data.user, opened.device], ['ann', device === true ? UNPROVEN : undefined])
      if (device !== true) assert.deepEqual(codec.openCookies(browser.cookies), REFUSED)
    })
  }

  it('42. refuses all else as ever, if the device is ignored', async () => {
    const { browser, options } = await parts()
    const codec = await createSessionCodec({ ...options, device: true })
    for (const token of [undefined, '', 'garbage', tokenIn(browser.cookies).slice(1), decodeURIComponent(only(browser.cookies, ...PROOF_ONLY).slice(15))]) {
      const opened = codec.open(token, { device: 'ignore' })
      assert.deepEqual(opened, codec.open(token))
      assert.equal(opened.ok, false)
    }
  })

  it('42. opens what it has sealed itself, which is not bound, and so does the app', async () => {
    const { app, options } = await parts()
    const codec = await createSessionCodec<Bag>({ ...options, device: true })
    const token = codec.seal({ user: 'eve' })
    const opened = codec.open(token)
    assert.deepEqual(opened.ok && [opened.data, opened.device], [{ user: 'eve' }, UNBOUND])
    assert.equal((await stolen(app, `session=${token}`)).body, 'eve')
  })

  for (const [given, kind] of [['true', 'a string'], [1, 'a number'], [null, 'null'], [[], 'an array']] as const) {
    it(`42. comes from options that mean something: device is not ${kind}`, async () => {
      await assert.rejects(createSessionCodec({ key: newKey(), device: given as never }), { code: 'FST_SEALED_SESSION_OPTION_INVALID', message: `option "device" must be true, or the options of deviceBinding, got ${kind}` })
    })
  }

  it('42. takes no option of the plugin that has none of its names or values', async () => {
    await assert.rejects(createSessionCodec({ key: newKey(), device: { polizy: 'off' } as never }), { code: 'FST_SEALED_SESSION_OPTION_UNKNOWN' })
    await assert.rejects(createSessionCodec({ key: newKey(), device: { grace: -1 } }), { code: 'FST_SEALED_SESSION_DURATION' })
  })
})

describe('decodeSecureSession', () => {
  it('42. opens the bound session of a request beside its proof', async () => {
    const { app, browser } = await parts()
    const session = app.decodeSecureSession<Bag>({ headers: { cookie: browser.cookies } })
    assert.equal(session?.user, 'ann')
    assert.equal(sessionInfo(session).device?.state, 'bound')
  })

  it('42. opens none without the proof, and none of a token', async () => {
    const { app, browser } = await parts()
    assert.equal(app.decodeSecureSession({ headers: { cookie: sessionOnly(browser) } }), null)
    assert.equal(app.decodeSecureSession(tokenIn(browser.cookies)), null)
  })

  it('42. opens it if the device is ignored, and says that nothing has proved it', async () => {
    const { app, browser } = await parts()
    for (const from of [tokenIn(browser.cookies), { headers: { cookie: sessionOnly(browser) } }]) {
      const session = app.decodeSecureSession<Bag>(from, undefined, undefined, { device: 'ignore' })
      assert.equal(session?.user, 'ann')
      assert.deepEqual(sessionInfo(session).device, UNPROVEN)
    }
  })

  it('42. finds the proof where it finds the session, if only parsed cookies are there', async () => {
    const { app, browser } = await parts()
    const cookies = Object.fromEntries(browser.cookies.split('; ').map(pair => pair.split('=') as [string, string]))
    assert.equal(app.decodeSecureSession<Bag>({ headers: {}, cookies })?.user, 'ann')
    const { 'session.device': proof, ...others } = cookies
    assert.ok(proof !== undefined)
    assert.equal(app.decodeSecureSession({ headers: { cookie: browser.cookies }, cookies: others }), null)
  })

  it('31. refuses an unbound session as a request does, of a token too', async t => {
    const clock = stopClock(t)
    const { app } = await parts({}, { policy: 'require' })
    const { device: unbound } = await loggedIn(app)
    clock.tick(60_000)
    assert.equal(app.decodeSecureSession({ headers: { cookie: unbound.cookies } }), null)
    assert.equal(app.decodeSecureSession(tokenIn(unbound.cookies)), null)
  })
})

describe('a session that was opened while its device was ignored', () => {
  const ROUTES = {
    'POST /take': (request: { session: unknown, headers: { cookie?: string }, body: unknown }) => {
      const { how } = request.body as { how: string }
      const session = app.decodeSecureSession<Bag>(request, undefined, undefined, { device: 'ignore' })!
      if (how === 'regenerated') session.regenerate(['user'])
      if (how === 'written') session.user = 'eve'
      request.session = session
    }
  }
  let app: FastifyInstance

  for (const how of ['as it is', 'written', 'regenerated']) {
    it(`42. cannot be assigned to a request, or a copy of the cookie would do: ${how}`, async () => {
      app = await appWithDevices({ routes: ROUTES as never })
      const browser = await boundDevice(app)
      const response = await post(app, '/take', sessionOnly(browser), { how })
      assert.equal(response.statusCode, 403)
      assert.equal(response.json<{ code: string }>().code, 'FST_SEALED_SESSION_DEVICE_UNPROVEN')
      assert.deepEqual(setCookies(response), [])
    })
  }

  it('42. may be assigned if the proof was there all the same', async () => {
    app = await appWithDevices({
      routes: {
        'POST /take': request => { request.session = app.decodeSecureSession(request)! },
        'POST /new': request => { request.session = newSession(app, { user: 'new' }) }
      }
    })
    const browser = await boundDevice(app)
    assert.equal((await post(app, '/take', browser.cookies)).statusCode, 200)
    assert.equal((await post(app, '/new', sessionOnly(browser))).statusCode, 200)
  })
})

describe('data of a bound session that the app has opened itself, which goes on in a new session', () => {
  const LOOK = { device: 'ignore' } as const
  let app: FastifyInstance

  /** Ways in which an app opens the session of a request, and assigns its data. */
  const WAYS: Record<string, (request: FastifyRequest) => Bag | null> = {
    'by decodeSecureSession(request)': request => app.decodeSecureSession<Bag>(request),
    'by decodeSecureSession(request.raw)': request => app.decodeSecureSession<Bag>(request.raw),
    'by decodeSecureSession(request), and the session of the request is read as well': request => {
      const opened = app.decodeSecureSession<Bag>(request)
      return (request.session as Bag).user === undefined ? null : opened
    }
  }

  for (const [kind, setup] of Object.entries({ 'without revocation': {}, 'with revocation': { revocation: { store: new MemoryStore(), subject } } })) {
    for (const [way, open] of Object.entries(WAYS)) {
      it(`14. stays bound, so that a thief with both cookies gets a session that ends with the proof: ${way}, ${kind}`, async t => {
        const clock = stopClock(t)
        app = await appWithDevices({ ...setup, routes: { 'POST /take': request => { request.session = newSession(app, { user: open(request)?.user ?? 'nobody' }); return sessionInfo(request.session) } } })
        const browser = await boundDevice(app)
        const response = await browser.inject(app, { method: 'POST', url: '/take' })
        assert.equal(response.json<{ device: { state: string } }>().device.state, 'bound')
        assert.equal(response.headers['secure-session-registration'], undefined)
        assert.equal((await stolen(app, sessionOnly(browser))).body, 'nobody')
        assert.equal((await stolen(app, browser.cookies)).body, 'ann')
        clock.tick(INTERVAL + LEEWAY)
        assert.equal((await stolen(app, browser.cookies)).body, 'nobody')
        assert.equal((await browser.inject(app, { url: '/me' })).body, 'ann')
      })
    }
  }

  it('14. stays bound if a hook of the app has set headers of the request', async () => {
    app = await appWithDevices({
      after: app => { app.addHook('onRequest', async request => { request.headers = { 'x-tenant': 'a' } }) },
      routes: { 'POST /take': request => { request.session = newSession(app, { user: app.decodeSecureSession<Bag>(request)?.user }) } }
    })
    const browser = await boundDevice(app)
    await browser.inject(app, { method: 'POST', url: '/take' })
    assert.equal((await stolen(app, sessionOnly(browser))).body, 'nobody')
    assert.equal((await stolen(app, browser.cookies)).body, 'ann')
  })

  it('14. stays bound if its device was ignored: a copy without the proof gets nothing', async () => {
    app = await appWithDevices({ routes: { 'POST /take': request => { request.session = newSession(app, app.decodeSecureSession<Bag>(request, undefined, undefined, LOOK)!) } } })
    const browser = await boundDevice(app)
    const thief = createTestDevice()
    thief.take(await post(app, '/take', sessionOnly(browser)))
    assert.equal((await stolen(app, thief.cookies)).body, 'nobody')
    assert.equal((await stolen(app, `${thief.cookies}; ${only(browser.cookies, ...PROOF_ONLY)}`)).body, 'ann')
  })

  it('14. is another session in another request, and is not bound to the device of the first', async () => {
    let opened: Bag | null = null
    app = await appWithDevices({
      routes: {
        'POST /open': request => { opened = app.decodeSecureSession<Bag>(request) },
        'POST /take': request => { request.session = newSession(app, { user: opened?.user }) }
      }
    })
    const browser = await boundDevice(app)
    await browser.inject(app, { method: 'POST', url: '/open' })
    const response = await post(app, '/take')
    assert.notEqual(response.headers['secure-session-registration'], undefined)
  })

  it('14. is not bound if the session that was opened was not', async () => {
    app = await appWithDevices({ routes: { 'POST /take': request => { request.session = newSession(app, app.decodeSecureSession<Bag>(request)!) } } })
    const { device } = await loggedIn(app)
    const response = await device.inject(app, { method: 'POST', url: '/take' })
    assert.notEqual(response.headers['secure-session-registration'], undefined)
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
  })
})

describe('sessionSignal', () => {
  it('42. of a WebSocket that was opened with a stolen jar fires an interval after the last proof', async t => {
    const { app, browser } = await parts()
    const clock = FakeTimers.install({ now: Date.now(), toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    t.after(() => clock.uninstall())
    const session = app.decodeSecureSession<Bag>({ headers: { cookie: browser.cookies } })
    const signal = sessionSignal(session!) // the jar has the proof
    clock.tick(2 * INTERVAL - 60_000)
    assert.deepEqual([signal.aborted, session?.user], [false, 'ann'])
    clock.tick(120_000)
    assert.deepEqual([(signal.reason as { end?: string } | undefined)?.end, session?.user], ['device-unproven', undefined])
  })
})
