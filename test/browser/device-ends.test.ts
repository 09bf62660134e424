// Ends of bindings in a real Chromium, and what does not end them: a server that is down for a while.
import assert from 'node:assert/strict'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import https, { type Server } from 'node:https'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser } from 'playwright-core'
import { sessionInfo } from '../../src/index.ts'
import type { Bag, ServerOptions } from '../support/app.ts'
import { launch, noBrowser, tls } from '../support/browser.ts'
import { PATH, SESSION_ONLY, type DeviceSetup } from '../support/device.ts'
import { BINDING, DeviceSite, DeviceVisitor } from '../support/device-browser.ts'
import { cookieOf } from '../support/helpers.ts'
import { TestStore } from '../support/revocation.ts'

interface Outage {
  /** Reason that the browser gives. */
  skipped: string
  /** Setup of an app, and a function that begins the outage, and ends it. */
  start: () => { setup: DeviceSetup, interrupt: (isDown: boolean) => void }
}

/** Outage of a proxy before the app. */
function proxyOutage (skipped: string, fail: (request: IncomingMessage, response: ServerResponse) => void): Outage {
  const start: Outage['start'] = () => {
    let isDown = false
    const { https: certificate, ...rest } = tls() as { https: https.ServerOptions }
    const serverFactory = (handler: RequestListener): Server => https.createServer(certificate, (request, response) => {
      if (isDown && request.url === PATH) fail(request, response)
      else handler(request, response)
    })
    return { setup: { server: { ...rest, serverFactory } as ServerOptions }, interrupt: down => { isDown = down } }
  }
  return { skipped, start }
}

const OUTAGES: Record<string, Outage> = {
  'a proxy answers 503 for the endpoint': proxyOutage('server_error', (_request, response) => { response.writeHead(503).end() }),
  'the endpoint is out of reach': proxyOutage('unreachable', request => { request.socket.destroy() }),
  'the store of the revocation fails': {
    skipped: 'server_error',
    start: () => {
      const store = new TestStore()
      const interrupt = (isDown: boolean): void => { if (isDown) store.fail(); else store.recover() }
      return { setup: { revocation: { store, cacheTtl: 0 } }, interrupt }
    }
  }
}

describe('a session that Chromium has bound', { skip: noBrowser }, () => {
  let browser: Browser

  before(async () => { browser = await launch(BINDING) })
  after(async () => { await browser.close() })

  async function boundVisitor (t: TestContext, site: DeviceSite): Promise<DeviceVisitor> {
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    site.calls.take()
    return user
  }

  it('21. (Chromium) is forgotten by the browser if the identifier does not open any more, and the next login is bound', async t => {
    const before = await DeviceSite.start(t)
    const user = await boundVisitor(t, before)
    await before.app.close()
    const site = await DeviceSite.start(t, {}, { port: Number(new URL(before.origin).port) }) // it has another key
    await user.expire()
    assert.equal(await user.user(), 'nobody')
    assert.deepEqual(site.calls.take(), ['proof 200'])
    assert.equal(await user.next('termination'), 'ServerRequested')
    assert.equal(await user.user(), 'nobody')
    assert.deepEqual(site.calls.take(), [])
    await user.post('/login', { user: 'ann' })
    assert.equal(await user.next('creation'), 'Success')
    assert.equal(await user.state(), 'bound')
  })

  it('21. (Chromium) is forgotten by the browser if the session cookie is that of another session', async t => {
    const site = await DeviceSite.start(t)
    const user = await boundVisitor(t, site)
    const other = cookieOf(await site.app.inject({ method: 'POST', url: '/login', payload: { user: 'bob' } }))
    const { context } = user.visitor
    const [own] = (await context.cookies()).filter(({ name }) => name === SESSION_ONLY[0])
    await context.addCookies([{ ...own ?? assert.fail(), value: other.slice(other.indexOf('=') + 1) }])
    await user.expire()
    assert.equal(await user.user(), 'bob')
    assert.deepEqual(site.calls.take(), ['proof 200'])
    assert.equal(await user.next('termination'), 'ServerRequested')
    assert.equal(await user.state(), 'unbound')
    assert.deepEqual(site.calls.take(), [])
  })

  for (const [outage, { skipped, start }] of Object.entries(OUTAGES)) {
    it(`25. (Chromium) reads as empty while ${outage}, and works again afterwards without a login`, async t => {
      const { setup, interrupt } = start()
      const site = await DeviceSite.start(t, { ...setup, routes: { 'GET /both': ({ session }) => ({ user: (session as Bag).user ?? null, device: sessionInfo(session).device }) } })
      const user = await boundVisitor(t, site)
      const before = await user.cookie()
      interrupt(true)
      await user.expire()
      assert.deepEqual(JSON.parse((await user.visitor.fetch('/both')).text), { user: null, device: { state: 'unproven', boundAt: null, provenAt: null, skipped } })
      assert.equal((await user.visitor.fetch('/write', { cart: 1 })).status, 200)
      assert.equal(await user.cookie(), before)
      interrupt(false)
      await readUntil(user, 'ann') // after several failures, Chromium waits for a while
      assert.equal(await user.state(), 'bound')
      assert.equal(await user.cookie(), before)
    })
  }

  async function readUntil (user: DeviceVisitor, expected: string): Promise<void> {
    const end = performance.now() + 60_000
    while (await user.user() !== expected && performance.now() < end);
    assert.equal(await user.user(), expected)
  }
})
