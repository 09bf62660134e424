// Some of the examples as processes, used with a page: across a restart, over a WebSocket, on two devices.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { Example } from '../examples/example.ts'
import { newKey } from '../support/helpers.ts'
import { launch, listen, noBrowser, plain, Visitor } from '../support/browser.ts'
import { newApp } from '../support/app.ts'

describe('in Chromium, the example', { skip: noBrowser }, () => {
  let browser: Browser
  let visitor: Visitor
  let example: Example

  before(async () => { browser = await launch() })
  after(async () => { await browser.close() })
  beforeEach(async () => { visitor = await Visitor.enter(browser) })
  afterEach(async () => {
    await visitor.leave()
    await example.stop()
  })

  /** For an example whose answers have no content, of which a browser makes no page with scripts. */
  async function fakePages (): Promise<void> {
    await visitor.page.route('**/page', async route => { await route.fulfill({ contentType: 'text/html', body: 'a page' }) })
  }

  /** Starts an example and logs the visitor in. */
  async function logIn (path: string, environment: NodeJS.ProcessEnv): Promise<void> {
    example = await Example.start(path, environment)
    await visitor.page.goto(`${example.url}/page`)
    assert.equal((await visitor.fetch('/login', { name: 'Ada' })).status, 204)
    assert.equal(await visitor.documentCookie(), '')
  }

  /** Ends the process and starts it again at the same port. */
  async function restart (path: string, environment: NodeJS.ProcessEnv): Promise<void> {
    const { port } = new URL(example.url)
    await example.stop()
    example = await Example.start(path, { ...environment, PORT: port })
  }

  it('node-http keeps a session across a restart with the same key, and deletes it at a logout', async () => {
    const environment = { SESSION_KEYS: newKey().toString('hex') }
    await fakePages()
    await logIn('node-http/server.js', environment)
    await restart('node-http/server.js', environment)
    const { status, text } = await visitor.fetch('/profile')
    assert.deepEqual([status, (JSON.parse(text) as { name: string }).name], [200, 'Ada'])
    await visitor.fetch('/logout', {})
    assert.equal((await visitor.cookies()).size, 0)
    assert.equal((await visitor.fetch('/profile')).status, 401)
  })

  it('websocket greets the user of the page, across a restart too, and nobody after a logout', async () => {
    const environment = { SESSION_KEYS: newKey().toString('base64') }
    await logIn('websocket/server.js', environment)
    assert.equal(await greeting(), 'Hello Ada')
    await restart('websocket/server.js', environment)
    assert.equal(await greeting(), 'Hello Ada')
    await visitor.fetch('/logout', {})
    assert.equal(await greeting(), 'refused')
  })

  it('websocket refuses a page at another port of the same machine, which has the cookie', async () => {
    await logIn('websocket/server.js', {})
    const other = newApp({ server: plain, plugin: null })
    const origin = `http://127.0.0.1:${await listen(other)}`
    await visitor.page.goto(`${origin}/page`)
    const heard = await greeting()
    await other.close()
    assert.equal(heard, 'refused')
    assert.equal((await visitor.context.cookies(origin)).length, 1)
  })

  it('devices ends the session of another device, whose open page says so by itself, on a phone as well', async () => {
    example = await Example.start('devices/server.js')
    const other = await Visitor.enter(browser)
    for (const { page } of [visitor, other]) {
      await page.setViewportSize({ width: 360, height: 800 })
      await page.goto(example.url)
      await page.getByLabel('Name').fill('ada')
      await page.getByLabel('Password').fill('analytical engine')
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByRole('heading', { name: 'Your devices' }).waitFor()
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360)
    }
    const { page } = visitor
    await example.wait(5 * 60)
    await page.reload()
    await page.getByRole('button', { name: 'End', exact: true }).click()
    await page.getByLabel('Password').fill('analytical engine')
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByRole('button', { name: 'End', exact: true }).click()
    await other.page.getByText('This session was ended').waitFor()
    assert.equal(new URL(other.page.url()).pathname, '/login')
    await other.leave()
    assert.match(await visitor.text(), /Chrome, Linux.*\n.*This device/)
    assert.equal(await page.getByRole('button', { name: 'End', exact: true }).count(), 0)
  })

  /** What a page hears first over a WebSocket. */
  async function greeting (): Promise<string> {
    return await visitor.page.evaluate(`new Promise(resolve => {
      const socket = new WebSocket(${JSON.stringify(example.url.replace('http', 'ws'))})
      socket.onmessage = ({ data }) => { resolve(data); socket.close() }
      socket.onerror = () => resolve('refused')
    })`)
  }
})
