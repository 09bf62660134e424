// Bindings in a real Chromium: how it registers, what it refreshes and when, and what is left to a thief.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { launch, noBrowser, Visitor } from '../support/browser.ts'
import { BINDING, DeviceSite, DeviceVisitor, movableClock } from '../support/device-browser.ts'

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
})
