// Responses to requests from before a binding, which come after it and put their cookie in the place of the bound one.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { Keyring } from '../../src/index.ts'
import type { Handlers } from '../support/app.ts'
import { launch, noBrowser } from '../support/browser.ts'
import { BINDING, DeviceSite, DeviceVisitor, movableClock } from '../support/device-browser.ts'
import { gate, newKey } from '../support/helpers.ts'

describe('a session that Chromium binds', { skip: noBrowser }, () => {
  let browser: Browser

  before(async () => { browser = await launch(BINDING) })
  after(async () => { await browser.close() })

  /** A request that writes, and is not answered before the test says so. */
  function slowRequest (): { routes: Handlers, begun: Promise<void>, answer: () => void } {
    const [begun, answer] = [gate(), gate()]
    const routes: Handlers = {
      'POST /slow': async ({ session, body }) => {
        Object.assign(session, body)
        begun.open()
        await answer.opened
      }
    }
    return { routes, begun: begun.opened, answer: answer.open }
  }

  it('15. (Chromium) is bound again by the next request, if a response to a request from before the registration has taken its cookie', async t => {
    const { routes, begun, answer } = slowRequest()
    const site = await DeviceSite.start(t, { routes })
    const user = await DeviceVisitor.enter(t, browser)
    const register = site.calls.holdRegistrations()
    await user.logIn(site)
    const answered = user.post('/slow', { cart: 1 })
    await begun
    register()
    assert.equal(await user.next('creation'), 'Success')
    const bound = await user.cookie()
    answer()
    await answered
    const unbound = await user.cookie()
    assert.notEqual(unbound, bound)
    assert.equal(await user.state(), 'bound')
    assert.notEqual(await user.cookie(), unbound)
    await goesOn(t, user, site)
  })

  it('15. (Chromium) goes on, if a response to a request from before a renewal, after a rotation of the keys, has taken its cookie', async t => {
    const clock = movableClock(t)
    const keyring = new Keyring(newKey())
    const { routes, begun, answer } = slowRequest()
    const site = await DeviceSite.start(t, { session: { key: keyring }, routes })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    keyring.rotate(newKey())
    const register = site.calls.holdRegistrations()
    clock.advance(1000) // bindings of the same second are in no order
    await user.expire()
    assert.equal(await user.user(), 'ann')
    const answered = user.post('/slow', { cart: 1 })
    await begun
    register()
    assert.equal(await user.next('creation'), 'Success')
    const renewed = await user.cookie()
    answer()
    await answered
    assert.notEqual(await user.cookie(), renewed)
    site.calls.take()
    assert.deepEqual([await user.user(), await user.state()], ['ann', 'bound'])
    assert.deepEqual(site.calls.take(), [])
    await goesOn(t, user, site)
  })

  /** The session is proven after its proof, and a copy of its cookie alone is worth nothing. */
  async function goesOn (t: Parameters<typeof DeviceVisitor.enter>[0], user: DeviceVisitor, site: DeviceSite): Promise<void> {
    site.calls.take()
    await user.expire()
    assert.equal(await user.state(), 'bound')
    assert.deepEqual(site.calls.take(), ['proof 200'])
    await user.expire()
    const thief = await user.robbed(t, browser, site)
    assert.deepEqual([await thief.user(), await user.user()], ['nobody', 'ann'])
  }
})
