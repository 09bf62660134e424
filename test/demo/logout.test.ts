// Logging out of the demo: on one device, on all of them, and for whoever copied the cookie.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Browser, Demo } from '../support/demo-process.ts'

describe('logging out of the demo', () => {
  let demo: Demo
  let laptop: Browser
  let phone: Browser

  before(async () => { demo = new Demo('0') })
  after(() => demo.stop())
  beforeEach(async () => {
    laptop = new Browser(await demo.url())
    phone = new Browser(await demo.url())
    for (const device of [laptop, phone]) await device.post('/login', { name: 'Ada' })
  })

  async function outcome (device: Browser): Promise<Array<string | null>> {
    const { info: { status, reason } } = await device.state()
    return [status, reason]
  }

  test('does not come by itself: until then, an earlier copy of the cookie opens', async () => {
    const copy = await laptop.state()
    await laptop.post('/visit', { note: '' })
    await laptop.post('/replay', { values: copy.cookies.map(({ value }) => value) })
    assert.deepEqual(await outcome(laptop), ['valid', null])
  })

  test('here ends this session, drops its cookie and refuses every copy; the other device stays', async () => {
    const copies = [laptop.cookie]
    await laptop.post('/visit', { note: '' })
    copies.push(laptop.cookie)
    assert.equal((await laptop.post('/logout')).status, 204)
    assert.equal(laptop.cookie, null)
    for (const copy of copies) {
      laptop.cookie = copy
      assert.deepEqual(await outcome(laptop), ['rejected', 'revoked'])
    }
    assert.deepEqual(await outcome(phone), ['valid', null])
  })

  test('everywhere refuses the copied cookie and the other device', async () => {
    const values = (await laptop.state()).cookies.map(({ value }) => value)
    assert.equal((await laptop.post('/logout-everywhere')).status, 204)
    assert.equal(laptop.cookie, null)
    await laptop.post('/replay', { values })
    assert.deepEqual(await outcome(laptop), ['rejected', 'revoked'])
    assert.deepEqual(await outcome(phone), ['rejected', 'revoked'])
    assert.equal((await phone.post('/visit', { note: '' })).status, 401)
  })

  test('everywhere ends a session that was split, too', async () => {
    for (let book = 0; book < 5; book++) await phone.post('/grow')
    await laptop.post('/logout-everywhere')
    assert.deepEqual(await outcome(phone), ['rejected', 'revoked'])
  })

  test('everywhere leaves other users alone, and a login right after it works', async () => {
    const other = new Browser(await demo.url())
    await other.post('/login', { name: 'Grace' })
    await laptop.post('/logout-everywhere')
    assert.deepEqual(await outcome(other), ['valid', null])
    await laptop.post('/login', { name: 'Ada' })
    assert.deepEqual(await outcome(laptop), ['valid', null])
    assert.deepEqual(await outcome(phone), ['rejected', 'revoked'])
  })

  test('everywhere needs a session', async () => {
    const stranger = new Browser(await demo.url())
    assert.equal((await stranger.post('/logout-everywhere')).status, 401)
    assert.deepEqual(await outcome(phone), ['valid', null])
  })
})
