// Several bindings for one cookie: a browser has one for each login and each rotation of the keys until they have ended.
// Chromium refreshes that with the lowest identifier, as text.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestDevice } from '../../src/testing/index.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, challengeOf, loggedIn, refresh } from '../support/device.ts'

describe('the identifier of a binding', () => {
  it('29. is lower as text than those of all earlier bindings, so that a browser refreshes the newest first', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const identifiers: string[] = []
    for (const seconds of [1, 1, 14, 3600, 86_400 * 365]) {
      const device = createTestDevice()
      const { response } = await loggedIn(app, device)
      clock.tick(250)
      identifiers.unshift(challengeOf(await device.register(app, response) ?? assert.fail()).id)
      clock.tick(seconds * 1000)
    }
    assert.deepEqual([...identifiers].sort(), identifiers)
  })

  it('29. has one spelling: with the order of another it has ended', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const device = createTestDevice()
    const { response } = await loggedIn(app, device)
    const { id } = challengeOf(await device.register(app, response) ?? assert.fail())
    assert.equal((await refresh(app, id)).statusCode, 403)
    clock.tick(1000)
    for (let index = 0; index < 8; index++) {
      const other = id.slice(0, index) + (id[index] === '0' ? '1' : '0') + id.slice(index + 1)
      assert.deepEqual((await refresh(app, other)).json(), { session_identifier: other, continue: false })
    }
    assert.deepEqual((await refresh(app, id.slice(8))).json(), { session_identifier: id.slice(8), continue: false })
  })
})
