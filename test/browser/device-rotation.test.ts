// Several bindings for one cookie in a real Chromium: it has another after a rotation of the sealing keys, or a login.
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser } from 'playwright-core'
import { launch, listen, noBrowser } from '../support/browser.ts'
import { BINDING, DeviceSite, DeviceVisitor, movableClock } from '../support/device-browser.ts'
import { newKey } from '../support/helpers.ts'
import { otherSite, pageAt } from './other-site.ts'

describe('a bound session in Chromium', { skip: noBrowser }, () => {
  let browser: Browser

  before(async () => { browser = await launch(BINDING) })
  after(async () => { await browser.close() })

  /** The same app at the same place with other keys. */
  async function restart (t: TestContext, { app, origin }: DeviceSite, key: Buffer[]): Promise<DeviceSite> {
    await app.close()
    return await DeviceSite.start(t, { session: { key } }, { port: Number(new URL(origin).port) })
  }

  /** Follows a link on another site, whose refresh brings no cookie. @returns user that the page is shown for */
  async function followLink (t: TestContext, { visitor: { page } }: DeviceVisitor, { origin }: DeviceSite): Promise<string> {
    const other = otherSite()
    t.after(async () => { await other.close() })
    await page.goto(pageAt(`https://other.test:${await listen(other)}`, '/link', `${origin}/page`))
    await page.locator('a').click()
    await page.waitForURL(`${origin}/page`)
    return await page.locator('#user').innerText()
  }

  it('29. (Chromium) is renewed at the next refresh after a rotation of the sealing keys, and works without a login after the old key is retired', async t => {
    const clock = movableClock(t)
    const [older, newer] = [newKey(), newKey()]
    let site = await DeviceSite.start(t, { session: { key: [older] } })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    site = await restart(t, site, [newer, older])
    clock.advance(2000)
    await user.expire()
    assert.equal(await user.user(), 'ann')
    assert.equal(await user.next('creation'), 'Success')
    assert.deepEqual(site.calls.take(), ['proof 200', 'registration 200'])
    assert.equal(await user.user(), 'ann')
    site = await restart(t, site, [newer])
    assert.equal(await user.user(), 'ann') // its proof was sealed with the newer key, too
    await user.expire()
    assert.equal(await user.user(), 'ann')
    assert.equal(await user.state(), 'bound')
    assert.deepEqual(site.calls.take(), ['proof 200'])
  })

  it('29. (Chromium) is asked for a proof of this minute before it is renewed', async t => {
    const clock = movableClock(t)
    const [older, newer] = [newKey(), newKey()]
    let site = await DeviceSite.start(t, { session: { key: [older] } })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    site = await restart(t, site, [newer, older])
    clock.advance(61_000)
    await user.expire()
    assert.equal(await user.user(), 'ann')
    assert.equal(await user.next('creation'), 'Success')
    assert.deepEqual(site.calls.take(), ['proof 403', 'proof 200', 'registration 200'])
    assert.deepEqual([await user.user(), await user.state()], ['ann', 'bound'])
  })

  it('14. (Chromium) gets another identifier after regenerate() with keys to keep, if the session ends later than that', async t => {
    const clock = movableClock(t)
    const site = await DeviceSite.start(t, { session: { absoluteTimeout: 3600 } })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    site.calls.take()
    clock.advance(2000)
    await user.post('/keep')
    await user.expire()
    assert.equal(await user.user(), 'ann')
    assert.equal(await user.next('creation'), 'Success')
    assert.deepEqual(site.calls.take(), ['proof 200', 'registration 200'])
    await user.expire()
    assert.deepEqual([await user.user(), await user.state(), site.calls.take()], ['ann', 'bound', ['proof 200']])
  })

  it('29. (Chromium) is proven by its newest binding after rotations of the sealing keys, also for a link from another site', async t => {
    const clock = movableClock(t)
    let keys = [newKey()]
    let site = await DeviceSite.start(t, { session: { key: keys } })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    for (let rotation = 0; rotation < 3; rotation++) {
      keys = [newKey(), ...keys]
      site = await restart(t, site, keys)
      clock.advance(2000)
      await user.expire()
      assert.equal(await user.user(), 'ann')
      assert.equal(await user.next('creation'), 'Success')
    }
    await user.expire()
    assert.equal(await followLink(t, user, site), 'ann')
  })

  it('14. (Chromium) is proven by its newest binding after several logins, in one request, also for a link from another site', async t => {
    const clock = movableClock(t)
    const site = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    for (let login = 0; login < 3; login++) {
      clock.advance(2000)
      await user.post('/login', { user: 'ann' })
      assert.equal(await user.next('creation'), 'Success')
    }
    site.calls.take()
    await user.expire()
    assert.equal(await followLink(t, user, site), 'ann')
    assert.deepEqual(site.calls.take(), ['proof 200'])
  })
})
