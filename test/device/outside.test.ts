// Sessions that are bound, outside of the handlers of the app: decodeSecureSession(), the upgrade of a WebSocket.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyInstance } from 'fastify'
import { sessionInfo, sessionSignal } from '../../src/index.ts'
import type { TestDevice } from '../../src/testing/index.ts'
import { newSession, post } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, boundDevice, loggedIn, only, SESSION_ONLY } from '../support/device.ts'
import { setCookies } from '../support/helpers.ts'

const UNPROVEN = { state: 'unproven', boundAt: null, provenAt: null, skipped: null }
const INTERVAL = 600_000

interface Bag { user?: string }

/** An app, and a browser that is bound to it. */
async function parts (session: object = {}, device: object = {}): Promise<{ app: FastifyInstance, browser: TestDevice }> {
  const app = await appWithDevices({ session, device })
  return { app, browser: await boundDevice(app) }
}

/** The token in a header with one cookie of the session. */
function tokenIn (cookies: string): string {
  return decodeURIComponent(only(cookies, ...SESSION_ONLY).slice('session='.length))
}

function sessionOnly ({ cookies }: TestDevice): string {
  return only(cookies, ...SESSION_ONLY)
}

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
