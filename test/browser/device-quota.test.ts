// Quota of signatures of a real Chromium, as it is shipped: six in nine minutes.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { launch, noBrowser } from '../support/browser.ts'
import { BINDING_WITH_QUOTA, DeviceSite, DeviceVisitor } from '../support/device-browser.ts'

describe('a bound session in a Chromium with a quota', { skip: noBrowser }, () => {
  it('47. (Chromium) is proven at the login and by five refreshes within nine minutes; then requests go out unproven and say why, and the session does not end', async t => {
    const browser = await launch(BINDING_WITH_QUOTA)
    t.after(async () => { await browser.close() })
    const site = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    assert.deepEqual(site.calls.take(), ['registration 200'])
    for (let refresh = 0; refresh < 5; refresh++) {
      await user.expire()
      assert.equal(await user.user(), 'ann')
      assert.deepEqual(site.calls.take(), ['proof 200'])
    }
    const cookies = await user.visitor.context.cookies()
    await user.expire()
    for (let request = 0; request < 3; request++) {
      const { device } = JSON.parse((await user.visitor.fetch('/info')).text) as { device: unknown }
      assert.deepEqual(device, { state: 'unproven', boundAt: null, provenAt: null, skipped: 'quota_exceeded' })
      assert.deepEqual(site.calls.take(), [])
    }
    await user.post('/write', { cart: 1 })
    assert.equal(await user.user(), 'nobody')
    // With a proof, as the browser gets one when the nine minutes are over.
    await user.visitor.context.addCookies(cookies.filter(({ name }) => name === 'session.device'))
    assert.equal(await user.user(), 'ann')
    assert.equal(await user.cookie(), cookies.find(({ name }) => name === 'session')?.value)
  })
})
