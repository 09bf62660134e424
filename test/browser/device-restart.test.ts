// Bindings in a Chromium that is closed and started again with what it has stored.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { noBrowser, profileFolder } from '../support/browser.ts'
import { DeviceSite, DeviceVisitor, movableClock } from '../support/device-browser.ts'
import { SESSION } from '../support/device.ts'

/** The session's cookie outlives the browser. */
const LASTING = { cookie: { ...SESSION.cookie, maxAge: 86_400 } }

describe('a session that Chromium binds', { skip: noBrowser }, () => {
  /** Closes the browser, and starts it again. */
  async function restart (t: TestContext, folder: string, user: DeviceVisitor): Promise<DeviceVisitor> {
    await user.visitor.leave()
    return await DeviceVisitor.withProfile(t, folder)
  }

  it('9. (Chromium) is proven after a restart of the browser, also if the proof has expired meanwhile', async t => {
    const folder = profileFolder()
    const site = await DeviceSite.start(t, { session: LASTING })
    let user = await DeviceVisitor.withProfile(t, folder)
    await user.bind(site)
    site.calls.take()

    user = await restart(t, folder, user)
    assert.match(await user.visitor.go(`${site.origin}/page`), /ann/)
    assert.equal(await user.state(), 'bound')
    assert.deepEqual(site.calls.take(), [])

    await user.expire()
    user = await restart(t, folder, user)
    assert.match(await user.visitor.go(`${site.origin}/page`), /ann/)
    assert.equal(await user.state(), 'bound')
    assert.equal(site.calls.take().at(-1), 'proof 200')

    await user.expire()
    assert.equal(await user.state(), 'bound')
    assert.deepEqual(site.calls.take(), ['proof 200'])
  })

  it('9. (Chromium) is proven after a day for which the browser was closed', async t => {
    const clock = movableClock(t)
    const folder = profileFolder()
    const site = await DeviceSite.start(t, { session: { expiry: 7 * 86_400, ...LASTING } })
    let user = await DeviceVisitor.withProfile(t, folder)
    await user.bind(site)
    await user.expire()
    site.calls.take()
    clock.advance(86_400_000)
    user = await restart(t, folder, user)
    assert.match(await user.visitor.go(`${site.origin}/page`), /ann/)
    assert.equal(site.calls.take().at(-1), 'proof 200')
    assert.equal(await user.state(), 'bound')
  })

  it('9. (Chromium) ends with the browser if its cookie does, and the next login is bound', async t => {
    const clock = movableClock(t)
    const folder = profileFolder()
    const site = await DeviceSite.start(t)
    let user = await DeviceVisitor.withProfile(t, folder)
    await user.bind(site)
    user = await restart(t, folder, user)
    assert.match(await user.visitor.go(`${site.origin}/page`), /nobody/)
    clock.advance(1000) // bindings of the same second are in no order
    await user.bind(site, 'bob')
    for (let round = 0; round < 2; round++) {
      assert.deepEqual([await user.user(), await user.state()], ['bob', 'bound'])
      await user.expire()
    }
  })
})
