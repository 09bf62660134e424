// A session of the demo that outgrows one cookie, and shrinks again.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Browser, Demo } from '../support/demo-process.ts'

describe('the cart of the demo', () => {
  let demo: Demo
  let browser: Browser

  before(async () => { demo = new Demo('0') })
  after(() => demo.stop())
  beforeEach(async () => {
    browser = new Browser(await demo.url())
    await browser.post('/login', { name: 'Ada' })
  })

  async function grow (books: number): Promise<void> {
    for (let book = 1; book <= books; book++) assert.equal((await browser.post('/grow')).status, 204)
  }

  test('stays in one cookie as long as it fits', async () => {
    await grow(4)
    assert.deepEqual(browser.setCookies.map(nameOf), ['sealed-demo'])
    const { cookies, data } = await browser.state()
    assert.equal(data?.cart?.length, 4)
    assert.deepEqual(cookies.map(({ name }) => name), ['sealed-demo'])
  })

  test('is split into two cookies that browsers take, each shown with its bytes', async () => {
    await grow(5)
    assert.deepEqual(browser.setCookies.map(nameOf), ['sealed-demo', 'sealed-demo.1'])
    for (const line of browser.setCookies) {
      assert.ok(line.length <= 4096, `${line.length} bytes`)
      assert.match(line, /; Path=\/; HttpOnly; SameSite=Lax$/)
    }
    const { cookies, data } = await browser.state()
    assert.equal(data?.cart?.length, 5)
    assert.deepEqual(
      cookies.map(({ name, bytes }) => [name, bytes]),
      browser.cookie!.split('; ').map(pair => [pair.split('=')[0], pair.length])
    )
  })

  test('shrinks into one cookie, and the browser is told to drop the other', async () => {
    await grow(5)
    assert.equal((await browser.post('/shrink')).status, 204)
    assert.deepEqual(browser.setCookies.map(nameOf), ['sealed-demo', 'sealed-demo.1'])
    assert.match(browser.setCookies[1]!, /^sealed-demo\.1=; Max-Age=0; Path=\//)
    const { cookies, data } = await browser.state()
    assert.deepEqual([cookies.length, data?.cart?.length], [1, 4])
  })

  test('is gone from the session with its last book', async () => {
    await grow(1)
    await browser.post('/shrink')
    assert.deepEqual((await browser.state()).data, { name: 'Ada', visits: 1 })
    assert.equal((await browser.post('/shrink')).status, 204)
  })

  test('that does not fit is a coded error, sends no part of it, and leaves the cookies as they are', async () => {
    await grow(7)
    const { cookie } = browser
    const response = await browser.post('/grow')
    assert.equal(response.status, 500)
    const { code } = await response.json() as { code: string }
    assert.equal(code, 'FST_SEALED_SESSION_COOKIE_TOO_LARGE')
    assert.deepEqual([browser.setCookies, browser.cookie], [[], cookie])
    const { info, data } = await browser.state()
    assert.deepEqual([info.status, data?.cart?.length], ['valid', 7])
  })

  test('is refused where one of its two cookies is missing or changed', async () => {
    await grow(5)
    const [first, second] = browser.cookie!.split('; ')
    browser.cookie = first!
    assert.equal((await browser.state()).info.reason, 'chunk-missing')
    browser.cookie = `${first}; ${second}`
    await browser.post('/tamper')
    assert.equal((await browser.state()).info.reason, 'not-authentic')
  })

  test('comes back with both of its cookies, and with one in the place of two', async () => {
    const small = valuesOf(await browser.state())
    await grow(5)
    const large = valuesOf(await browser.state())
    await browser.post('/replay', { values: small })
    assert.deepEqual(valuesOf(await browser.state()), small)
    await browser.post('/replay', { values: large })
    const { data, cookies } = await browser.state()
    assert.deepEqual([cookies.length, data?.cart?.length], [2, 5])
  })

  test('needs a session', async () => {
    const stranger = new Browser(await demo.url())
    assert.deepEqual([(await stranger.post('/grow')).status, (await stranger.post('/shrink')).status], [401, 401])
    assert.equal(stranger.cookie, null)
  })
})

function nameOf (line: string): string {
  return line.slice(0, line.indexOf('='))
}

function valuesOf ({ cookies }: { cookies: Array<{ value: string }> }): string[] {
  return cookies.map(({ value }) => value)
}
