// examples/devices as the browsers of its users see it, over the network.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { Browser, locationOf } from './browser.ts'
import { Example } from './example.ts'

const PASSWORD = 'analytical engine'
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'

/** A line of the list: the name of the device, and its session's id; null for the device that looks. */
interface Line { device: string, id: string | null }

describe('examples/devices', () => {
  let example: Example
  let password = PASSWORD
  let desktop: Browser
  let phone: Browser

  before(async () => { example = await Example.start('devices/server.js') })
  beforeEach(async () => {
    desktop = await loggedIn(FIREFOX)
    await post(desktop, '/end-others') // those of the test before
    phone = await loggedIn(PHONE)
  })
  after(async () => await example.stop())

  async function loggedIn (userAgent: string, user = { name: 'ada', password }): Promise<Browser> {
    const browser = new Browser({ 'user-agent': userAgent })
    const response = await browser.post(`${example.url}/login`, user)
    assert.deepEqual([response.status, locationOf(response)], [303, `${example.url}/`])
    return browser
  }

  /** Path to which a request is redirected, or the status of another answer. */
  async function outcome (answer: Promise<Response>): Promise<string | number> {
    const response = await answer
    return response.status === 303 ? new URL(locationOf(response)!).pathname : response.status
  }

  const post = async (browser: Browser, path: string, fields?: Record<string, string>): Promise<string | number> =>
    await outcome(browser.post(example.url + path, fields))

  const page = async (browser: Browser, path = '/'): Promise<string> => await (await browser.follow(await browser.get(example.url + path))).text()

  async function list (browser: Browser): Promise<Line[]> {
    return [...(await page(browser)).matchAll(/<li><b>(.*?)<\/b>([^]*?)(?=<li>|<\/ul>)/g)]
      .map(([, device = '', rest = '']) => ({ device, id: /name="id" value="([\w-]{22})"/.exec(rest)?.[1] ?? null }))
  }

  const idOf = (lines: Line[], device: string): string => lines.find(line => line.device === device)?.id ?? assert.fail(`no ${device}`)

  it('lists each session with the name of its device, the address and times, and marks the one that looks', async () => {
    const devices = async (browser: Browser): Promise<string[]> => (await list(browser)).map(({ device, id }) => id === null ? `${device}, here` : device).sort()
    assert.deepEqual(await devices(desktop), ['Firefox, Linux, here', 'Safari, iPhone'])
    assert.deepEqual(await devices(phone), ['Firefox, Linux', 'Safari, iPhone, here'])
    assert.match(await page(desktop), /<b>Firefox, Linux<\/b> 127\.0\.0\.1<br>Since \w{3}, .* GMT, last seen .* GMT <em>This device<\/em>/)
  })

  it('ends one session: at once for all copies of its cookie, and no other', async () => {
    const stolen = phone.copy()
    assert.equal(await post(desktop, '/end', { id: idOf(await list(desktop), 'Safari, iPhone') }), '/')
    for (const ended of [phone, stolen]) {
      assert.equal(await outcome(ended.get(`${example.url}/`)), '/login')
      assert.match(await page(ended), /This session was ended: on another of your devices/)
    }
    assert.deepEqual((await list(desktop)).map(({ device }) => device), ['Firefox, Linux'])
  })

  it('ends all other sessions, and the copies of its own cookie', async () => {
    const [tablet, stolen] = [await loggedIn('tablet'), desktop.copy()]
    assert.equal(await post(desktop, '/end-others'), '/')
    for (const ended of [phone, tablet, stolen]) assert.equal(await outcome(ended.get(`${example.url}/`)), '/login')
    assert.deepEqual(await list(desktop), [{ device: 'Firefox, Linux', id: null }])
  })

  it('asks for the password before it ends anything once five minutes have passed, and takes the right one only', async () => {
    await example.wait(5 * 60 + 2)
    const id = idOf(await list(desktop), 'Safari, iPhone')
    for (const [path, fields] of [['/end', { id }], ['/end-others', {}]] as const) assert.equal(await post(desktop, path, fields), '/confirm')
    assert.equal(await post(desktop, '/confirm', { password: 'wrong' }), 401)
    assert.equal(await post(desktop, '/end', { id }), '/confirm')
    assert.equal((await list(phone)).length, 2)

    const stolen = desktop.copy()
    assert.equal(await post(desktop, '/confirm', { password }), '/')
    assert.equal(await outcome(stolen.get(`${example.url}/`)), '/login', 'the cookie of before is over')
    assert.equal((await list(desktop)).length, 2, 'a confirmation is no further session')
    assert.equal(await post(desktop, '/end', { id }), '/')
    assert.equal(await outcome(phone.get(`${example.url}/`)), '/login')
  })

  it('changes the password with the old one only, which ends all other sessions, and takes only the new one from then on', async () => {
    assert.equal(await post(phone, '/password', { password: 'wrong', next: 'difference engine' }), 401)
    assert.equal((await list(desktop)).length, 2)
    assert.equal(await post(phone, '/password', { password, next: 'difference engine' }), '/')
    assert.equal(await outcome(desktop.get(`${example.url}/`)), '/login')
    assert.deepEqual((await list(phone)).map(({ device }) => device), ['Safari, iPhone'])
    assert.equal(await post(new Browser(), '/login', { name: 'ada', password }), 401)
    password = 'difference engine'
    await loggedIn(FIREFOX)
  })

  it('has at most five sessions: the sixth login ends the one that began first, and one in the same browser ends none', async () => {
    for (const name of ['third', 'fourth', 'fifth']) await loggedIn(name)
    await post(phone, '/login', { name: 'ada', password })
    assert.equal((await list(desktop)).length, 5)
    await loggedIn('sixth')
    assert.equal(await outcome(desktop.get(`${example.url}/`)), '/login')
    assert.deepEqual((await list(phone)).map(({ device }) => device).sort(), ['Safari, iPhone', 'fifth', 'fourth', 'sixth', 'third'])
  })

  it('leaves a session out of the list once it has logged out or expired, and says to its browser that it expired', async () => {
    await post(phone, '/logout')
    assert.deepEqual((await list(desktop)).map(({ device }) => device), ['Firefox, Linux'])
    const tablet = await loggedIn('tablet')
    await example.wait(20 * 60)
    await list(desktop) // which renews it
    await example.wait(20 * 60)
    assert.deepEqual((await list(desktop)).map(({ device }) => device), ['Firefox, Linux'])
    assert.match(await page(tablet), /Your session has expired/)
  })

  it('ends nothing by an id of another user, an id of nobody, or text that is none', async () => {
    const grace = await loggedIn(FIREFOX, { name: 'grace', password: 'a nanosecond of wire' })
    assert.equal(await post(grace, '/end', { id: idOf(await list(desktop), 'Safari, iPhone') }), '/')
    for (const id of ['A'.repeat(22), 'no id', '']) assert.equal(await post(desktop, '/end', { id }), '/')
    assert.equal(await post(desktop, '/end', {}), 400)
    assert.equal((await list(desktop)).length, 2)
  })

  it('sends a visitor to the login, whatever is asked for', async () => {
    const visitor = new Browser()
    for (const path of ['/', '/confirm']) assert.equal(await outcome(visitor.get(example.url + path)), '/login')
    const id = idOf(await list(desktop), 'Safari, iPhone')
    const forms = { '/end': { id }, '/end-others': {}, '/password': { password, next: 'x' }, '/confirm': { password } }
    for (const [path, fields] of Object.entries(forms)) assert.equal(await post(visitor, path, fields), '/login', path)
    assert.equal((await visitor.get(`${example.url}/alive`)).status, 401)
    assert.equal(await post(visitor, '/login', { name: 'eve', password }), 401)
  })

  it('refuses what another site makes a browser send, a login included', async () => {
    for (const path of ['/login', '/end', '/end-others', '/password', '/confirm', '/logout']) {
      const response = await fetch(example.url + path, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' }, body: new URLSearchParams({ name: 'ada', password }) })
      assert.deepEqual([response.status, response.headers.get('set-cookie')], [403, null], path)
    }
  })

  it('shows a user agent and a name that are HTML as text', async () => {
    const evil = '<script>alert(1)</script>"\'&'
    await loggedIn(evil)
    assert.match(await page(desktop), /<b>&lt;script&gt;alert\(1\)&lt;\/script&gt;&quot;&#39;&amp;<\/b>/)
    const refused = await (await desktop.post(`${example.url}/login`, { name: evil, password: 'wrong' })).text()
    assert.match(refused, /value="&lt;script&gt;alert\(1\)&lt;\/script&gt;&quot;&#39;&amp;"/)
    for (const html of [await page(desktop), refused]) assert.doesNotMatch(html, /<script>/)
  })

  it('sends each page with a policy that allows no script but its own and no frame, and is stored nowhere', async () => {
    for (const path of ['/', '/login', '/confirm']) {
      const { headers } = await desktop.get(example.url + path)
      assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/)
      assert.equal(headers.get('cache-control'), 'no-store')
    }
  })

  it('breaks off the stream of an open page when its session is ended, and tells it then that it is over', async () => {
    const stream = await phone.get(`${example.url}/alive`)
    assert.equal(stream.headers.get('content-type'), 'text/event-stream')
    const over = stream.text()
    await post(desktop, '/end-others')
    assert.equal(await over, 'retry: 1000\n\n')
    assert.equal((await phone.get(`${example.url}/alive`)).status, 401)
  })

  it('is not kept alive by an open page', async () => {
    for (let minutes = 0; minutes < 30; minutes += 10) {
      const stream = await phone.get(`${example.url}/alive`)
      assert.deepEqual([stream.status, stream.headers.get('set-cookie')], [200, null])
      await stream.body?.cancel()
      await example.wait(10 * 60)
    }
    await example.wait(2) // times are whole seconds, and a login after a revocation begins in the next one
    assert.equal((await phone.get(`${example.url}/alive`)).status, 401)
  })

  it('closes its streams and ends on SIGTERM', async () => {
    const over = (await phone.get(`${example.url}/alive`)).text()
    const broken = assert.rejects(over)
    assert.equal(await example.stop(), 0)
    await broken
  })
})
