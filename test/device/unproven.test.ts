// Requests that bring a bound session without its proof: a copy, or a browser that is waiting for a refresh. Only a login, a
// logout and a session that the app assigns take the place of the one that is waiting.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { authenticated } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { createTestDevice } from '../../src/testing/index.ts'
import { linesOf, newSession, post, type Bag, type Handlers } from '../support/app.ts'
import { appWithDevices, boundDevice, only, SESSION_ONLY, stolen, type DeviceSetup } from '../support/device.ts'
import { captureLog } from '../support/helpers.ts'
import { subject } from '../support/revocation.ts'

const ROUTES: Handlers = {
  'POST /keep': ({ session }) => { session.regenerate(['user', 'cart'] as never) },
  'POST /keep-one': ({ session }) => { session.regenerate('user' as never) },
  'POST /keep-unread': ({ session }) => { session.regenerate(['user'] as never); session.touch() },
  'POST /rotate': ({ session }) => { session.regenerate(['user'] as never); Object.assign(session, { rotatedAt: 1 }) },
  'POST /confirm': ({ session }) => { authenticated(session, 'password') },
  'POST /confirm-kept': ({ session }) => { authenticated(session, 'password'); session.regenerate(['user'] as never) },
  'POST /login-kept': ({ session }) => { session.regenerate(['passport'] as never); Object.assign(session, { user: 'bob' }) },
  'POST /login-first': ({ session }) => { Object.assign(session, { user: 'bob' }); session.regenerate(['user'] as never) },
  'POST /login-authenticated': ({ session }) => { Object.assign(session, { user: 'bob' }); authenticated(session) },
  'POST /login-then': ({ session }) => { authenticated(session); Object.assign(session, { user: 'bob' }) },
  'POST /login-assigned': request => { request.session = newSession(request.server, { user: 'bob' }) },
  'POST /cart-first': ({ session }) => { Object.assign(session, { cart: 1 }) }
}

const KINDS: Record<string, () => DeviceSetup> = {
  'without revocation': () => ({}),
  'with revocation': () => ({ revocation: { store: new MemoryStore(), subject, cacheTtl: 0 } })
}

for (const [kind, setup] of Object.entries(KINDS)) {
  describe(`a bound session that came without its proof, ${kind}`, () => {
    async function sent (url: string, given: DeviceSetup = {}): Promise<{ app: FastifyInstance, response: LightMyRequestResponse, warned: number }> {
      const { lines, logger = false } = captureLog('warn')
      const app = await appWithDevices({ ...setup(), ...given, server: { logger }, routes: ROUTES })
      const device = await boundDevice(app)
      const response = await post(app, url, only(device.cookies, ...SESSION_ONLY))
      return { app, response, warned: lines.filter(({ code }) => code === 'FST_SEALED_SESSION_WARN_DEVICE_UNPROVEN').length }
    }

    for (const url of ['/keep', '/keep-one', '/keep-unread', '/confirm-kept']) {
      it(`24. is not replaced by an empty session after regenerate() with keys to keep, of which it has none here, and a warning tells: ${url}`, async () => {
        const { response, warned } = await sent(url)
        assert.deepEqual([response.statusCode, linesOf(response), warned], [200, [], 1])
      })
    }

    it('24. is not replaced by authenticated() of nobody, which must not seem to work', async () => {
      const { response, warned } = await sent('/confirm')
      assert.deepEqual([response.statusCode, linesOf(response), warned], [409, [], 1])
      assert.equal(response.json<{ code: string }>().code, 'FST_SEALED_SESSION_ENDED')
    })

    for (const url of ['/login-kept', '/login-first', '/login-authenticated', '/login-then', '/login-assigned']) {
      it(`24. is replaced by a login: ${url}`, async () => {
        const { app, response, warned } = await sent(url)
        assert.deepEqual([response.statusCode, linesOf(response).length, warned], [200, 1, 0])
        const browser = createTestDevice()
        browser.take(response)
        assert.equal((await stolen(app, browser.cookies)).body, 'bob')
      })
    }

    it('24. is not replaced by what is written in a session that has not begun anew', async () => {
      const { response, warned } = await sent('/cart-first')
      assert.deepEqual([linesOf(response), warned], [[], 1])
    })
  })
}

describe('a bound session that came without its proof, in an app that says whose a session is', () => {
  it('24. is not replaced by a session of nobody, which a route has begun with keys to keep', async () => {
    const app = await appWithDevices({ revocation: { store: new MemoryStore(), subject }, routes: ROUTES })
    const device = await boundDevice(app)
    assert.deepEqual(linesOf(await post(app, '/rotate', only(device.cookies, ...SESSION_ONLY))), [])
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
  })

  it('24. is replaced by any that has something in it, if the app does not say so: it may be a login', async () => {
    const app = await appWithDevices({ routes: ROUTES })
    const device = await boundDevice(app)
    assert.equal(linesOf(await post(app, '/rotate', only(device.cookies, ...SESSION_ONLY))).length, 1)
  })
})

describe('a session that came with its proof', () => {
  it('24. is sent whatever it holds, after regenerate() with keys to keep', async () => {
    const app = await appWithDevices({ routes: { 'POST /empty': ({ session }) => { session.regenerate(['cart'] as never) }, 'GET /data': ({ session }) => (session as Bag).data() } })
    const device = await boundDevice(app)
    assert.equal(linesOf(await device.inject(app, { method: 'POST', url: '/empty' })).length, 1)
    assert.equal((await device.inject(app, { url: '/data' })).body, '{}')
  })
})
