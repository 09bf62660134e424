// How long the demo's sessions live, on a clock that the tests move.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { assertAbout, Browser, Demo } from '../support/demo-process.ts'

describe("the lifetimes of the demo's sessions", () => {
  let demo: Demo
  let browser: Browser

  beforeEach(async () => {
    demo = new Demo('0')
    browser = new Browser(await demo.url())
  })
  afterEach(() => demo.stop())

  test('are shown as two limits, of which the idle one ends first after a login', async () => {
    await browser.post('/login', { name: 'Ada' })
    const { limits, info: { createdAt, expiresAt } } = await browser.state()
    assert.equal(limits?.first, 'idle')
    assert.deepEqual([limits.idle.seconds, limits.absolute.seconds], [120, 600])
    assertAbout(limits.idle.endsAt, Date.parse(expiresAt!))
    assert.equal(limits.absolute.endsAt, Date.parse(createdAt!) + 600_000)
  })

  test('end two minutes after the last write, and the server says that the cookie has expired', async () => {
    await browser.post('/login', { name: 'Ada' })
    await demo.wait(122)
    const { info: { status, reason }, limits, cookies } = await browser.state()
    assert.deepEqual({ status, reason, limits, cookies: cookies.length }, { status: 'rejected', reason: 'expired', limits: null, cookies: 1 })
  })

  test('are not put off by reading in the first half, which sends no cookie', async () => {
    await browser.post('/login', { name: 'Ada' })
    const { limits } = await browser.state()
    await demo.wait(50)
    const read = await browser.state()
    assert.deepEqual([read.sealedAgain, read.limits, browser.setCookies], [null, limits, []])
  })

  test('are put off by reading in the second half, which sends the session again', async () => {
    await browser.post('/login', { name: 'Ada' })
    const { limits, cookies } = await browser.state()
    await demo.wait(70)
    assert.equal((await browser.state()).sealedAgain, 'rolling')
    assert.equal(browser.setCookies.length, 1)
    const after = await browser.state()
    assert.notEqual(after.cookies[0]?.value, cookies[0]?.value)
    assertAbout(after.limits!.idle.endsAt, limits!.idle.endsAt + 70_000)
    assert.equal(after.limits!.absolute.endsAt, limits!.absolute.endsAt)
    assert.match(after.log.at(-1)?.text ?? '', /^only read, .*: sealed again$/)
  })

  test('begin the idle limit anew at a touch, until the absolute one ends first and is final', async () => {
    await browser.post('/login', { name: 'Ada' })
    const { absolute } = (await browser.state()).limits!
    for (let passed = 90; passed < 600; passed += 90) {
      await demo.wait(90)
      assert.equal((await browser.post('/touch')).status, 204)
      const { limits, info } = await browser.state()
      assert.equal(limits?.first, passed < 480 ? 'idle' : 'absolute', `after ${passed} seconds`)
      assert.equal(limits.absolute.endsAt, absolute.endsAt)
      assertAbout(Date.parse(info.expiresAt!), limits[limits.first].endsAt)
    }
    await demo.wait(62)
    assert.equal((await browser.post('/touch')).status, 401)
    assert.equal((await browser.state()).info.reason, 'expired')
  })

  test('are longer for those who ask to be remembered, in the cookie and in every later one', async () => {
    await browser.post('/login', { name: 'Ada', remember: 'true' })
    assert.match(browser.setCookies[0]!, /; Max-Age=480; Path=\//)
    const { limits, data } = await browser.state()
    assert.deepEqual([limits?.idle.seconds, limits?.first, data?.remembered], [480, 'idle', true])
    await demo.wait(300)
    await browser.post('/visit', { note: '' })
    assert.match(browser.setCookies[0]!, /; Max-Age=480; Path=\//)
    const later = await browser.state()
    assert.equal(later.info.status, 'valid')
    assert.deepEqual([later.limits?.idle.seconds, later.limits?.first], [480, 'absolute'])
    assertAbout(Date.parse(later.info.expiresAt!), later.limits!.absolute.endsAt)
  })
})
