// Bindings in a real Chromium: how it registers, what it refreshes and when, and what is left to a thief.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { sessionInfo, type SessionInfo } from '../../src/index.ts'
import type { Handlers } from '../support/app.ts'
import { launch, noBrowser, Visitor } from '../support/browser.ts'
import { BINDING, DeviceSite, DeviceVisitor, movableClock } from '../support/device-browser.ts'

const PROOF = 'session.device'

const INTERVAL = 600_000

describe('a session that Chromium binds', { skip: noBrowser }, () => {
  let browser: Browser

  before(async () => { browser = await launch(BINDING) })
  after(async () => { await browser.close() })

  it('2. (Chromium) is registered after the login without any code of the app', async t => {
    const site = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    assert.deepEqual(site.calls.take(), ['registration 200'])
    assert.deepEqual([...(await user.visitor.cookies()).keys()].sort(), ['session', 'session.device'])
    assert.equal(await user.state(), 'bound')
    assert.equal(await user.user(), 'ann')
    assert.deepEqual(site.calls.take(), [])
  })

  it('2. (Chromium) is registered once after a form whose answer leads on to a page', async t => {
    const site = await DeviceSite.start(t, { routes: FORM })
    const user = await DeviceVisitor.enter(t, browser)
    const { page } = user.visitor
    await page.goto(`${site.origin}/form`)
    await page.locator('button').click()
    await page.waitForURL(`${site.origin}/page`)
    assert.equal(await user.next('creation'), 'Success')
    assert.match(await user.visitor.go(`${site.origin}/page`), /ann/)
    assert.equal(await user.state(), 'bound')
    assert.deepEqual(site.calls.take(), ['registration 200'])
  })

  it('3. (Chromium) is left as it is by a browser that does not bind: no second cookie, and reads and writes as ever', async t => {
    const usual = await launch()
    t.after(async () => { await usual.close() })
    const site = await DeviceSite.start(t)
    const visitor = await Visitor.enter(usual)
    await visitor.go(`${site.origin}/public`)
    await visitor.fetch('/login', { user: 'ann' })
    await visitor.fetch('/write', { cart: 1 })
    assert.equal(await visitor.go(`${site.origin}/me`), 'ann')
    assert.deepEqual([...(await visitor.cookies()).keys()], ['session'])
    assert.deepEqual(site.calls.take(), [])
  })

  it('4. (Chromium) serves a thief with a copy of all cookies while the proof lasts, and not afterwards, while its browser goes on', async t => {
    const clock = movableClock(t)
    const site = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    const thief = await user.robbed(t, browser, site)
    assert.equal(await thief.user(), 'ann')
    site.calls.take()
    clock.advance(INTERVAL + 10_000)
    assert.equal(await thief.user(), 'nobody')
    assert.equal(await thief.state(), 'unproven')
    assert.deepEqual(site.calls.take(), [])
    await user.expire()
    assert.equal(await user.user(), 'ann')
    assert.equal(await thief.user(), 'nobody')
  })

  it('6. (Chromium) is proven anew before a request is sent, if the proof has expired: the app sees one request, and that is proven', async t => {
    const states: unknown[] = []
    const site = await DeviceSite.start(t, { routes: { 'POST /order': ({ session, body }) => { states.push([sessionInfo(session).device?.state, body]) } } })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    const before = await user.cookie(PROOF)
    site.calls.take()
    await user.expire()
    await user.post('/order', { n: 1 })
    assert.deepEqual(states, [['bound', { n: 1 }]])
    assert.deepEqual(site.calls.take(), ['proof 200'])
    assert.notEqual(await user.cookie(PROOF), before)
  })

  it('6. (Chromium) is proven anew for a page that is opened by its address, too', async t => {
    const site = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    site.calls.take()
    await user.expire()
    assert.match(await user.visitor.go(`${site.origin}/page`), /ann/)
    assert.deepEqual(site.calls.take(), ['proof 200'])
  })

  it('6. (Chromium) is proven anew ahead of time, if the proof is about to expire', async t => {
    const site = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    const proof = (await user.visitor.cookies()).get(PROOF) ?? assert.fail('no proof')
    await user.visitor.context.addCookies([{ ...proof, expires: Math.floor(Date.now() / 1000) + 100 }])
    site.calls.take()
    assert.equal(await user.user(), 'ann')
    assert.equal(await user.next('refresh'), 'Refreshed')
    assert.deepEqual(site.calls.take(), ['proof 200'])
    assert.ok((await user.visitor.cookies()).get(PROOF)!.expires > proof.expires - 1) // there is one again
    assert.equal(await user.user(), 'ann')
    assert.deepEqual(site.calls.take(), [])
  })

  it('7. (Chromium) is proven anew once for eight requests at a time in each of two tabs, all of which are proven', async t => {
    const site = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    const other = await user.visitor.otherTab(t)
    await other.go(`${site.origin}/public`)
    site.calls.take()
    for (let round = 0; round < 3; round++) {
      await user.expire()
      const states = await Promise.all([user.visitor, other].map(async ({ page }) => await page.evaluate(async () => {
        const responses = await Promise.all(Array.from({ length: 8 }, async () => await fetch('/info')))
        return await Promise.all(responses.map(async response => (await response.json() as SessionInfo).device?.state))
      })))
      assert.deepEqual(states.flat(), Array(16).fill('bound'))
      assert.deepEqual(site.calls.take(), ['proof 200'])
    }
  })

  it('8. (Chromium) is proven anew with one request each time', async t => {
    const site = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    site.calls.take()
    for (let round = 0; round < 8; round++) {
      await user.expire()
      assert.equal(await user.user(), 'ann')
      assert.deepEqual(site.calls.take(), ['proof 200'])
    }
  })

  it('13. (Chromium) ends with delete(): the browser asks once more, for a proof that opens nothing, and the next login is bound', async t => {
    const clock = movableClock(t)
    const site = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    await user.post('/logout')
    assert.equal((await user.visitor.cookies()).size, 0)
    site.calls.take()
    for (let visit = 0; visit < 4; visit++) {
      assert.equal(await user.user(), 'nobody')
      await user.visitor.go(`${site.origin}/page`)
    }
    assert.deepEqual(site.calls.take(), ['proof 200'])
    assert.deepEqual([...(await user.visitor.cookies()).keys()], [PROOF])
    clock.advance(1000)
    await user.bind(site, 'bob')
    await goesOn(site, user, 'bob')
  })

  it('14. (Chromium) is bound anew after regenerate(), again and again', async t => {
    const clock = movableClock(t)
    const site = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    for (let round = 0; round < 5; round++) {
      clock.advance(1000) // bindings of the same second are in no order
      await user.post('/again')
      assert.equal(await user.next('creation'), 'Success')
      await goesOn(site, user, 'ann')
    }
  })

  it('14. (Chromium) goes on with its binding after regenerate() with keys to keep, and makes no other', async t => {
    const site = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    for (let round = 0; round < 2; round++) {
      site.calls.take()
      await user.post('/keep')
      assert.deepEqual([await user.user(), await user.state(), site.calls.take()], ['ann', 'bound', []])
      await goesOn(site, user, 'ann')
    }
  })

  for (const [title, act] of [
    ['14. (Chromium) is unbound after regenerate()', async user => { await user.post('/again') }],
    ['13. (Chromium) is unbound after another login', async user => {
      await user.post('/logout')
      await user.post('/login', { user: 'ann' })
    }]
  ] as Array<[string, (user: DeviceVisitor) => Promise<void>]>) {
    it(`${title} until the browser has registered, and the server ends the binding of before at the next request`, async t => {
      const site = await DeviceSite.start(t)
      const user = await DeviceVisitor.enter(t, browser)
      await user.bind(site)
      const register = site.calls.holdRegistrations()
      await act(user)
      assert.deepEqual([await user.user(), await user.state()], ['ann', 'unbound'])
      assert.equal(await user.next('termination'), 'ServerRequested')
      register()
      assert.equal(await user.next('creation'), 'Success')
      site.calls.take()
      await goesOn(site, user, 'ann')
    })
  }
})

/** A login by a form, as apps without scripts have it. */
const FORM: Handlers = {
  'GET /form': (_request, reply) => {
    reply.type('text/html')
    return '<!doctype html><title>Login</title><form method="post" action="/enter" enctype="text/plain"><button>log in</button></form>'
  },
  'POST /enter': ({ session }, reply) => {
    session.regenerate()
    Object.assign(session, { user: 'ann' })
    return reply.redirect('/page', 303)
  }
}

/** The session is bound, and is so again after each proof, which takes one request. */
async function goesOn (site: DeviceSite, user: DeviceVisitor, name: string): Promise<void> {
  site.calls.take()
  for (let round = 0; round < 2; round++) {
    assert.deepEqual([await user.user(), await user.state()], [name, 'bound'])
    await user.expire()
    assert.equal(await user.user(), name)
    assert.deepEqual(site.calls.take(), ['proof 200'])
  }
}
