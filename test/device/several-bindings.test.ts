// A browser that has several bindings for one cookie, after another login: how few it comes by, and how they end.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import { createTestDevice } from '../../src/testing/index.ts'
import { stopClock } from '../support/configurations.ts'
import { setCookies } from '../support/helpers.ts'
import { appWithDevices, boundDevice, loggedIn, only, PROOF_ONLY } from '../support/device.ts'

describe('a session that is bound', () => {
  for (const [url, what] of [['/again', 'regenerate()'], ['/login', 'another login']] as const) {
    it(`14. has its proof deleted by ${what}, so that the browser asks for the binding at once, and hears that it has ended`, async () => {
      const app = await appWithDevices()
      const device = await boundDevice(app)
      const response = await device.inject(app, { method: 'POST', url, payload: { user: 'bob' } })
      assert.deepEqual(setCookies(response).map(line => line.split('=')[0]), ['session', 'session.device'])
      assert.match(setCookies(response)[1]!, /; Max-Age=0;|; Max-Age=0$/)
      await device.inject(app, { url: '/me' })
      assert.equal(device.isBound, false)
    })
  }

  it('14. has the proof of a session of before deleted by the next login, if one is left after delete()', async () => {
    const app = await appWithDevices()
    const device = await boundDevice(app)
    const proof = only(device.cookies, ...PROOF_ONLY)
    const response = await app.inject({ method: 'POST', url: '/login', payload: { user: 'bob' }, headers: { cookie: proof } })
    assert.deepEqual(setCookies(response).map(line => line.split('=')[0]), ['session', 'session.device'])
  })

  it('2. is offered again with a page that only uses it, half a minute after the offer that nobody took up', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    assert.ok(isOffered(response))
    assert.equal(isOffered(await device.inject(app, { url: '/me', headers: PAGE })), false)
    clock.tick(29_999)
    assert.equal(isOffered(await device.inject(app, { url: '/me', headers: PAGE })), false)
    clock.tick(1)
    assert.equal(isOffered(await device.inject(app, { url: '/me' })), false)
    assert.equal(isOffered(await device.inject(app, { url: '/me', headers: PAGE })), true)
  })

  it('11. is offered once in a chain of redirects from another site, by the response that begins the session, and not by a later write in it', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const device = createTestDevice()
    const headers = { ...PAGE, 'sec-fetch-site': 'cross-site' }
    const login = await device.inject(app, { method: 'POST', url: '/login', payload: { user: 'ann' }, headers })
    assert.equal(isOffered(login), true)
    for (const seconds of [0, 60]) {
      clock.tick(seconds * 1000)
      assert.equal(isOffered(await device.inject(app, { url: '/me', headers })), false)
      assert.equal(isOffered(await device.inject(app, { method: 'POST', url: '/write', payload: { flash: 1 }, headers })), false)
    }
    assert.equal(isOffered(await device.inject(app, { method: 'POST', url: '/again', headers })), true)
    assert.equal(isOffered(await device.inject(app, { method: 'POST', url: '/write', payload: { flash: 1 } })), true)
  })
})

const PAGE = { 'sec-fetch-dest': 'document' }

function isOffered ({ headers }: LightMyRequestResponse): boolean {
  return headers['secure-session-registration'] !== undefined
}
