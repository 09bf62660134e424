// examples/csrf as browsers see it, over the network.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { newKey } from '../support/helpers.ts'
import { Browser, locationOf } from './browser.ts'
import { Example } from './example.ts'

const KEY = newKey().toString('hex')
const COOKIE = 'csrf-example'

describe('examples/csrf', () => {
  let example: Example
  before(async () => { example = await Example.start('csrf/server.js', { SESSION_KEYS: KEY }) })
  after(async () => await example.stop())

  /** The page that a browser sees, and the token in its form. */
  async function open (browser: Browser, url = example.url): Promise<{ page: string, token: string }> {
    const page = await (await browser.get(url)).text()
    const [, token = assert.fail(page)] = /name="_csrf" value="([^"]+)"/.exec(page) ?? []
    return { page, token }
  }

  async function logIn (browser: Browser, token: string, url = example.url): Promise<Response> {
    return await browser.post(`${url}/login`, { name: 'Ada', _csrf: token })
  }

  async function assertRefused (response: Response, code: string): Promise<void> {
    assert.equal(response.status, 403)
    assert.equal((await response.json() as { code: string }).code, code)
    assert.deepEqual(response.headers.getSetCookie(), [])
  }

  it('takes a form with the token of its session', async () => {
    const browser = new Browser()
    const response = await logIn(browser, (await open(browser)).token)
    assert.deepEqual([response.status, locationOf(response)], [303, `${example.url}/`])
    assert.match((await open(browser)).page, /Hello Ada/)
  })

  it('takes each form that was opened in a session, not only the last one', async () => {
    const browser = new Browser()
    const { token } = await open(browser)
    await open(browser)
    assert.equal((await logIn(browser, token)).status, 303)
  })

  it('refuses a form without a token, or with one that is wrong', async () => {
    const browser = new Browser()
    const { token } = await open(browser)
    const wrong = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')
    for (const fields of [{ name: 'Ada' }, { name: 'Ada', _csrf: '' }, { name: 'Ada', _csrf: wrong }] as Record<string, string>[]) {
      await assertRefused(await browser.post(`${example.url}/login`, fields), 'FST_CSRF_INVALID_TOKEN')
    }
    assert.doesNotMatch((await open(browser)).page, /Hello/)
  })

  it('refuses the token of another session, as an attacker has one', async () => {
    const { token } = await open(new Browser())
    const victim = new Browser()
    await open(victim)
    await assertRefused(await logIn(victim, token), 'FST_CSRF_INVALID_TOKEN')
  })

  it('refuses a form that comes without the session, as from another site', async () => {
    const { token } = await open(new Browser())
    await assertRefused(await logIn(new Browser(), token), 'FST_CSRF_MISSING_SECRET')
  })

  it('has another secret after the login, so that a token of before is void', async () => {
    const browser = new Browser()
    const { token } = await open(browser)
    await logIn(browser, token)
    const { token: newToken } = await open(browser)
    await assertRefused(await browser.post(`${example.url}/logout`, { _csrf: token }), 'FST_CSRF_INVALID_TOKEN')
    assert.equal((await browser.post(`${example.url}/logout`, { _csrf: newToken })).status, 303)
    assert.equal(browser.cookie(COOKIE), undefined)
  })

  it('marks a page with a token as one that no cache keeps, also where it sets no cookie', async () => {
    const browser = new Browser()
    await open(browser)
    const response = await browser.get(example.url)
    assert.deepEqual([response.headers.getSetCookie(), response.headers.get('cache-control')], [[], 'no-store'])
  })

  it('takes a form that was opened before the process was replaced by one with a new key', async t => {
    const browser = new Browser()
    const { token } = await open(browser)
    const rotated = await Example.start('csrf/server.js', { SESSION_KEYS: `${newKey().toString('hex')},${KEY}` })
    t.after(async () => await rotated.stop())
    assert.equal((await logIn(browser, token, rotated.url)).status, 303)
    assert.match((await open(browser, rotated.url)).page, /Hello Ada/)
  })
})
