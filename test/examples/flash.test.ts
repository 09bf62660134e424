// examples/flash as browsers see it, over the network.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { newKey } from '../support/helpers.ts'
import { Browser } from './browser.ts'
import { Example } from './example.ts'

const KEY = newKey().toString('hex')
const COOKIE = 'flash-example'

describe('examples/flash', () => {
  let example: Example
  before(async () => { example = await Example.start('flash/server.js', { SESSION_KEYS: KEY }) })
  after(async () => await example.stop())

  const messagesOn = (page: string): string[] => [...page.matchAll(/<p>(.*)<\/p>/g)].map(([, message = '']) => message)
  const visit = async (browser: Browser, url = example.url): Promise<string[]> => messagesOn(await (await browser.get(url)).text())

  it('shows a message on the page after, and never again', async () => {
    const browser = new Browser()
    const response = await browser.post(`${example.url}/login`)
    assert.deepEqual(messagesOn(await (await browser.follow(response)).text()), ['Welcome back.'])
    assert.deepEqual(await visit(browser), [])
  })

  it('shows the message of a logout, which has ended the session that the user was in', async () => {
    const browser = new Browser()
    await browser.follow(await browser.post(`${example.url}/login`))
    await browser.post(`${example.url}/logout`)
    const page = await (await browser.get(example.url)).text()
    assert.deepEqual(messagesOn(page), ['See you.'])
    assert.match(page, /action="\/login"/)
    assert.deepEqual(await visit(browser), [])
  })

  it('begins no session for a visitor without messages, and writes none that has no more of them', async () => {
    const browser = new Browser()
    assert.deepEqual((await browser.get(example.url)).headers.getSetCookie(), [])
    await browser.follow(await browser.post(`${example.url}/login`))
    assert.deepEqual((await browser.get(example.url)).headers.getSetCookie(), [])
  })

  it('shows a message to each of two requests with the same cookie, as the example says', async () => {
    const browser = new Browser()
    await browser.post(`${example.url}/login`)
    assert.deepEqual(await Promise.all([visit(browser.copy()), visit(browser.copy())]), [['Welcome back.'], ['Welcome back.']])
  })

  it('shows a message that another process with the same key has left', async t => {
    const other = await Example.start('flash/server.js', { SESSION_KEYS: KEY })
    t.after(async () => await other.stop())
    const browser = new Browser()
    await browser.post(`${other.url}/login`)
    assert.equal(await other.stop(), 0)
    assert.ok(browser.cookie(COOKIE))
    assert.deepEqual(await visit(browser), ['Welcome back.'])
  })
})
