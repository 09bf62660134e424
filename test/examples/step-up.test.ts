// examples/step-up as browsers see it, over the network.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Browser, locationOf } from './browser.ts'
import { Example } from './example.ts'

const PASSWORD = 'analytical engine'

describe('examples/step-up', () => {
  let example: Example
  before(async () => { example = await Example.start('step-up/server.js') })
  after(async () => await example.stop())

  async function loggedIn (): Promise<Browser> {
    const browser = new Browser()
    const response = await browser.post(`${example.url}/login`, { name: 'ada', password: PASSWORD })
    assert.deepEqual([response.status, locationOf(response)], [303, `${example.url}/`])
    return browser
  }

  async function codes (browser: Browser): Promise<string> {
    const response = await browser.get(`${example.url}/backup-codes`)
    return response.status === 303 ? new URL(locationOf(response)!).pathname : await response.text()
  }

  it('sends a visitor to the login, which takes the right password only', async () => {
    const browser = new Browser()
    for (const path of ['/', '/backup-codes', '/confirm']) {
      const response = await browser.get(`${example.url}${path}`)
      assert.deepEqual([response.status, locationOf(response), response.headers.get('cache-control')], [303, `${example.url}/login`, 'no-store'])
    }
    for (const fields of [{ name: 'ada', password: 'wrong' }, { name: 'eve', password: PASSWORD }]) {
      assert.equal((await browser.post(`${example.url}/login`, fields)).status, 401)
    }
    assert.equal(browser.cookie('step-up-example'), undefined)
  })

  it('shows the codes for a minute after the login, then asks for the password, and shows them again', async () => {
    const browser = await loggedIn()
    assert.match(await codes(browser), /1815-1852/)
    await example.wait(60)
    assert.equal(await codes(browser), '/confirm')
    assert.match(await (await browser.get(`${example.url}/`)).text(), /Hello ada/, 'all else works')
    assert.equal((await browser.post(`${example.url}/confirm`, { password: 'wrong' })).status, 401)
    assert.equal(await codes(browser), '/confirm')
    assert.match(await (await browser.follow(await browser.post(`${example.url}/confirm`, { password: PASSWORD }))).text(), /1815-1852/)
  })

  it('ends the cookie of before with a confirmation, and the last one with the logout', async () => {
    const browser = await loggedIn()
    const stolen = browser.copy()
    await browser.post(`${example.url}/confirm`, { password: PASSWORD })
    assert.equal(await codes(stolen), '/login')
    const copy = browser.copy()
    assert.match(await codes(copy), /1815-1852/)
    await browser.post(`${example.url}/logout`)
    assert.equal(await codes(copy), '/login')
  })
})
