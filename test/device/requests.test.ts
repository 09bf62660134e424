// Requests with bound sessions: what a thief reads, and what the browser that it was stolen from goes on to read.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestDevice } from '../../src/testing/index.ts'
import { stopClock } from '../support/configurations.ts'
import { captureLog, setCookies } from '../support/helpers.ts'
import { appWithDevices, boundDevice, infoOf, loggedIn, only, PROOF_ONLY, SESSION_ONLY, stolen } from '../support/device.ts'

const INTERVAL = 600_000

describe('a session that is bound', () => {
  it('2. is offered a registration by the response of the login, and bound by it without any code of the app', async () => {
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    assert.match(String(response.headers['secure-session-registration']), /^\(ES256\);path="\/session-device";challenge="[\w-]{70,100}"$/)
    const answer = await device.register(app, response)
    assert.equal(answer?.statusCode, 200)
    const { session_identifier: id, ...rest } = answer.json<Record<string, unknown>>()
    assert.match(String(id), /^[\w-]{150,200}$/)
    assert.deepEqual(rest, {
      scope: { include_site: false },
      credentials: [{ type: 'cookie', name: 'session.device', attributes: 'Path=/; HttpOnly; Secure; SameSite=Lax' }],
      allowed_refresh_initiators: ['*']
    })
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    assert.equal((await infoOf(app, device.cookies)).device?.state, 'bound')
  })

  it('3. changes nothing for a browser that does not know of it: no second cookie, and reads and writes as ever', async () => {
    const app = await appWithDevices()
    const { device } = await loggedIn(app)
    const response = await device.inject(app, { method: 'POST', url: '/write', payload: { n: 1 } })
    assert.deepEqual(setCookies(response).map(line => line.split('=')[0]), ['session'])
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    assert.equal((await infoOf(app, device.cookies)).device?.state, 'unbound')
  })

  it('4. is served to who has copied both cookies while the proof lasts, and reads as empty afterwards, while its browser goes on', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const device = await boundDevice(app)
    const jar = device.cookies
    assert.equal((await stolen(app, jar)).body, 'ann')
    clock.tick(INTERVAL - 1)
    assert.equal((await stolen(app, jar)).body, 'ann')
    clock.tick(5001) // beside the leeway
    assert.equal((await stolen(app, jar)).body, 'nobody')
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    assert.equal((await stolen(app, jar)).body, 'nobody')
  })

  it('5. reads as empty at once without the proof, with the reason device-unproven', async () => {
    const app = await appWithDevices()
    const device = await boundDevice(app)
    const { status, reason, device: info } = await infoOf(app, only(device.cookies, ...SESSION_ONLY))
    assert.deepEqual([status, reason, info], ['rejected', 'device-unproven', { state: 'unproven', boundAt: null, provenAt: null, skipped: null }])
    assert.equal((await stolen(app, only(device.cookies, ...SESSION_ONLY))).body, 'nobody')
    assert.equal((await stolen(app, only(device.cookies, ...PROOF_ONLY))).body, 'nobody')
  })

  it('6. is proven before the request is sent, if the proof is missing', async () => {
    const app = await appWithDevices()
    const device = await boundDevice(app)
    device.expire()
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
  })

  it('8. is proven again by one request, since the next challenge comes with each answer', async t => {
    const paths: string[] = []
    const app = await appWithDevices({ server: { rewriteUrl: ({ url = '' }) => { paths.push(url); return url } } })
    const device = await boundDevice(app)
    t.after(() => app.close())
    for (let round = 0; round < 3; round++) {
      paths.length = 0
      device.expire()
      await device.inject(app, { url: '/me' })
      assert.deepEqual(paths, ['/session-device', '/me'])
    }
  })

  it('11. is bound after a login that ends in a redirect from another site, although the registration brings no cookie', async () => {
    const app = await appWithDevices()
    const device = createTestDevice()
    const response = await device.inject(app, { method: 'POST', url: '/login', payload: { user: 'ann' }, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' } })
    const answer = await device.register(app, response, { withCookies: false })
    assert.equal(answer?.statusCode, 200)
    const next = await device.inject(app, { method: 'POST', url: '/write', payload: { cart: 1 } })
    assert.equal(setCookies(next).length, 1)
    assert.equal((await infoOf(app, only(device.cookies, ...SESSION_ONLY))).reason, 'device-unproven')
    device.expire()
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
  })

  it('12. is served by two processes that share only the key', async () => {
    const key = Buffer.alloc(32, 9).map((_, index) => index)
    const [app, other] = [await appWithDevices({ session: { key } }), await appWithDevices({ session: { key } })]
    const { device, response } = await loggedIn(app)
    assert.equal((await device.register(other, response))?.statusCode, 200)
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    assert.equal((await device.refresh(app)).statusCode, 200)
    assert.equal((await device.refresh(other)).statusCode, 200)
    assert.equal((await device.inject(other, { url: '/me' })).body, 'ann')
  })

  it('13. ends with delete(), which takes both cookies away; the next login is bound', async () => {
    const app = await appWithDevices()
    const device = await boundDevice(app)
    const response = await device.inject(app, { method: 'POST', url: '/logout' })
    assert.deepEqual(setCookies(response).map(line => line.split('=')[0]), ['session', 'session.device'])
    assert.equal(device.cookies, '')
    assert.equal((await device.inject(app, { url: '/me' })).body, 'nobody')
    const again = await device.inject(app, { method: 'POST', url: '/login', payload: { user: 'bob' } })
    assert.equal((await device.register(app, again))?.statusCode, 200)
    assert.equal((await infoOf(app, device.cookies)).device?.state, 'bound')
  })

  it('14. is unbound after regenerate(), which offers anew, and the binding of before is ended at its next refresh', async () => {
    const app = await appWithDevices()
    const device = await boundDevice(app)
    const response = await device.inject(app, { method: 'POST', url: '/again' })
    assert.ok(response.headers['secure-session-registration'] !== undefined)
    assert.equal((await infoOf(app, device.cookies)).device?.state, 'unbound')
    assert.deepEqual((await device.refresh(app)).json<{ continue: boolean }>().continue, false)
    assert.equal(device.isBound, false)
  })

  it('15. is bound again at the next request, if a slow response from before the registration has taken its cookie', async () => {
    const app = await appWithDevices()
    const { device, response } = await loggedIn(app)
    const before = device.cookies
    const slow = await app.inject({ method: 'POST', url: '/write', payload: { n: 1 }, headers: { cookie: before } })
    await device.register(app, response)
    device.take(slow)
    assert.equal((await stolen(app, only(device.cookies, ...SESSION_ONLY))).body, 'ann') // it is unbound now
    const next = await device.inject(app, { url: '/info' })
    assert.equal(next.json<{ device: { state: string } }>().device.state, 'bound')
    assert.equal((await stolen(app, only(device.cookies, ...SESSION_ONLY))).body, 'nobody')
    device.expire()
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
  })

  it('23. has a wrong proof deleted, so that the browser gets another, and a missing one not answered with anything', async () => {
    const app = await appWithDevices()
    const [device, other] = [await boundDevice(app), await boundDevice(app, createTestDevice(), 'bob')]
    const wrong = await stolen(app, `${only(device.cookies, ...SESSION_ONLY)}; ${only(other.cookies, ...PROOF_ONLY)}`)
    assert.equal(wrong.body, 'nobody')
    assert.match(setCookies(wrong).join('\n'), /^session\.device=; .*Max-Age=0.*$/)
    assert.deepEqual(setCookies(await stolen(app, only(device.cookies, ...SESSION_ONLY))), [])
    const { device: unbound } = await loggedIn(app)
    assert.match(setCookies(await stolen(app, `${unbound.cookies}; ${only(other.cookies, ...PROOF_ONLY)}`)).join('\n'), /^session\.device=; /)
  })

  it('24. is not replaced by an ordinary write without its proof, which warns once; regenerate() and delete() are sent', async () => {
    const { lines, logger = false } = captureLog('warn')
    const app = await appWithDevices({ server: { logger } })
    const device = await boundDevice(app)
    const cookie = only(device.cookies, ...SESSION_ONLY)
    for (let round = 0; round < 2; round++) {
      const response = await app.inject({ method: 'POST', url: '/write', payload: { cart: 1 }, headers: { cookie } })
      assert.equal(response.statusCode, 200)
      assert.deepEqual(setCookies(response), [])
    }
    assert.equal(lines.filter(({ code }) => code === 'FST_SEALED_SESSION_WARN_DEVICE_UNPROVEN').length, 1)
    for (const url of ['/login', '/logout']) {
      const response = await app.inject({ method: 'POST', url, payload: { user: 'bob' }, headers: { cookie } })
      assert.equal(setCookies(response).filter(line => line.startsWith('session=')).length, 1)
    }
  })
})
