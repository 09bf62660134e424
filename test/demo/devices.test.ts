// The demo's list of devices, as several browsers of one user use it over HTTP.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Browser, Demo } from '../support/demo-process.ts'

const PASSWORD = 'analytical engine'
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

interface List {
  name: string
  limit: number
  confirmedUntil: number | null
  sessions: Array<{ id: string, current: boolean, description: { device: string, ip: string } }>
}

describe('the devices of the demo', () => {
  let demo: Demo
  let laptop: Browser
  let phone: Browser
  let name: string
  let users = 0

  before(async () => { demo = new Demo('0') })
  after(() => demo.stop())
  beforeEach(async () => {
    name = `Ada ${++users}` // sessions of the test before would be in the list
    laptop = await loggedIn(FIREFOX)
    phone = await loggedIn('phone')
  })

  async function loggedIn (userAgent: string, user = name): Promise<Browser> {
    const browser = new Browser(await demo.url())
    assert.equal((await browser.post('/login', { name: user }, { 'user-agent': userAgent })).status, 204)
    return browser
  }

  async function list (browser: Browser): Promise<List> {
    const response = await browser.fetch('/devices/list')
    assert.deepEqual([response.status, response.headers.get('cache-control')], [200, 'no-store'])
    return await response.json() as List
  }

  async function confirm (browser: Browser): Promise<void> {
    assert.equal((await browser.post('/devices/confirm', { password: PASSWORD }, { 'user-agent': FIREFOX })).status, 204)
  }

  /** Answer of the list to a browser that is not logged in any more. */
  async function refusal (browser: Browser): Promise<unknown[]> {
    const response = await browser.fetch('/devices/list')
    const { status, reason } = await response.json() as { status: string, reason: string | null }
    return [response.status, status, reason]
  }

  const otherId = async (browser: Browser): Promise<string> => (await list(browser)).sessions.find(({ current }) => !current)?.id ?? assert.fail('no other')

  async function codeOf (browser: Browser, path: string, body?: object): Promise<unknown[]> {
    const response = await browser.post(path, body)
    return [response.status, (await response.json() as { code?: string }).code]
  }

  test('are listed with names of devices and the limit, and the one that looks is marked', async () => {
    const { sessions, ...rest } = await list(laptop)
    assert.deepEqual(rest, { name, limit: 5, confirmedUntil: null })
    const found = sessions.map(({ description: { device, ip }, current }) => [device, ip.replace('::1', '127.0.0.1'), current])
    assert.deepEqual(found.sort(), [['Firefox, Linux', '127.0.0.1', true], ['phone', '127.0.0.1', false]])
  })

  test('end nothing until the password was given, which counts for a minute', async () => {
    const id = await otherId(laptop)
    const NOT_FRESH = [403, 'FST_SEALED_SESSION_NOT_FRESH']
    const both = async (): Promise<unknown> => [await codeOf(laptop, '/devices/end', { id }), await codeOf(laptop, '/devices/end-others')]
    assert.deepEqual(await both(), [NOT_FRESH, NOT_FRESH])
    assert.equal((await laptop.post('/devices/confirm', { password: 'wrong' })).status, 403)
    assert.deepEqual(await both(), [NOT_FRESH, NOT_FRESH])
    await confirm(laptop)
    assert.equal((await list(laptop)).sessions.length, 2)
    await demo.wait(60)
    assert.deepEqual(await both(), [NOT_FRESH, NOT_FRESH])
    assert.equal((await list(phone)).sessions.length, 2)
  })

  test('end one of them for all copies of its cookie, which are told that it was ended', async () => {
    const stolen = await loggedIn('tablet')
    stolen.cookie = phone.cookie
    await confirm(laptop)
    const { sessions } = await list(laptop)
    const { id } = sessions.find(({ description }) => description.device === 'phone')!
    assert.equal((await laptop.post('/devices/end', { id })).status, 204)
    for (const ended of [phone, stolen]) {
      assert.deepEqual(await refusal(ended), [401, 'rejected', 'revoked'])
      assert.equal((await ended.post('/devices/end-others')).status, 401)
    }
    assert.deepEqual((await list(laptop)).sessions.map(({ description }) => description.device).sort(), ['Firefox, Linux', 'tablet'])
    assert.equal((await laptop.post('/devices/end', { id })).status, 404, 'it has ended already')
  })

  test('end all others, and the copies of the cookie that goes on', async () => {
    await confirm(laptop)
    const { cookie } = laptop
    assert.equal((await laptop.post('/devices/end-others')).status, 204)
    assert.deepEqual(await refusal(phone), [401, 'rejected', 'revoked'])
    phone.cookie = cookie
    assert.deepEqual(await refusal(phone), [401, 'rejected', 'revoked'])
    assert.deepEqual((await list(laptop)).sessions.map(({ current }) => current), [true])
  })

  test('are none of another user', async () => {
    const grace = await loggedIn('laptop', 'Grace')
    await confirm(grace)
    for (const id of [await otherId(laptop), 'A'.repeat(22), 'no id']) assert.equal((await grace.post('/devices/end', { id })).status, 404)
    assert.equal((await grace.post('/devices/end-others')).status, 204)
    assert.equal((await list(phone)).sessions.length, 2)
  })

  test('are five at most: the sixth login ends the one that began first', async () => {
    for (const device of ['third', 'fourth', 'fifth']) await loggedIn(device)
    assert.equal((await list(laptop)).sessions.length, 5)
    await loggedIn('sixth')
    assert.deepEqual(await refusal(laptop), [401, 'rejected', 'revoked'])
    assert.equal((await list(phone)).sessions.length, 5)
  })

  test('are kept alive by no page that only looks at the list', async () => {
    for (let passed = 0; passed < 120; passed += 30) {
      await list(laptop)
      assert.deepEqual(laptop.setCookies, [])
      await demo.wait(30)
    }
    await demo.wait(2)
    assert.deepEqual(await refusal(laptop), [401, 'rejected', 'expired'])
  })

  test('need a session, and no request of another site', async () => {
    const stranger = new Browser(await demo.url())
    assert.deepEqual(await refusal(stranger), [401, 'new', null])
    await confirm(laptop)
    for (const [path, body] of [['/devices/confirm', { password: PASSWORD }], ['/devices/end', { id: await otherId(laptop) }], ['/devices/end-others', {}]] as const) {
      assert.equal((await stranger.post(path, body)).status, 401)
      assert.equal((await laptop.post(path, body, { 'sec-fetch-site': 'same-site' })).status, 403)
    }
    assert.equal((await list(phone)).sessions.length, 2)
  })
})
