// examples/oauth2 as browsers see it, over the network, with a provider to log in at.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createSessionCodec, type SessionCodec } from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { Browser, locationOf } from './browser.ts'
import { Example } from './example.ts'
import { Provider } from './provider.ts'

const KEY = newKey().toString('hex')
const COOKIE = 'oauth2-example'
/** The plugin's own cookies. */
const STATE_COOKIE = 'oauth2-redirect-state'
const VERIFIER_COOKIE = 'oauth2-code-verifier'

describe('examples/oauth2', () => {
  let provider: Provider
  let example: Example
  let codec: SessionCodec<Record<string, unknown>>

  before(async () => {
    provider = await Provider.start('client_secret_basic')
    example = await Example.start('oauth2/server.js', { SESSION_KEYS: KEY, ...provider.environment })
    codec = await createSessionCodec({ key: KEY, format: 'sealed', cookieName: COOKIE })
  })
  after(async () => {
    await example.stop()
    await provider.stop()
  })

  /** Logs in at the provider. @returns the URL that it sends the browser back to, which has yet to go there */
  async function authorize (browser: Browser, name = 'Ada'): Promise<URL> {
    return await provider.logIn(browser, await browser.get(`${example.url}/login`), name)
  }

  async function greeting (browser: Browser, url = example.url): Promise<string> {
    return await (await browser.get(url)).text()
  }

  function dataIn (browser: Browser): Record<string, unknown> {
    const opened = codec.open(browser.cookie(COOKIE) ?? '')
    assert.ok(opened.ok)
    return opened.data
  }

  async function assertRefused (browser: Browser, callback: URL): Promise<void> {
    const response = await browser.get(callback.href)
    assert.deepEqual([response.status, await response.text()], [403, 'The login failed.'])
    assert.equal(await greeting(browser), 'Nobody is logged in.')
  }

  it('logs in with a state in the session and a PKCE challenge', async () => {
    const browser = new Browser()
    const redirect = await browser.get(`${example.url}/login`)
    const { searchParams } = new URL(locationOf(redirect)!)
    assert.equal(searchParams.get('code_challenge_method'), 'S256')
    assert.deepEqual(dataIn(browser), { state: searchParams.get('state') })
    const response = await browser.get((await provider.logIn(browser, redirect, 'Ada')).href)
    assert.deepEqual([response.status, locationOf(response)], [302, `${example.url}/`])
    assert.equal(await greeting(browser), 'Hello Ada')
    assert.deepEqual(dataIn(browser), { userId: 'Ada' }, 'nothing of the login is left in the session, and no token of the provider')
  })

  it('leaves no cookie of the plugin in the browser after a login', async () => {
    const browser = new Browser()
    const callback = await authorize(browser)
    assert.ok(browser.cookie(STATE_COOKIE) !== undefined && browser.cookie(VERIFIER_COOKIE) !== undefined)
    await browser.get(callback.href)
    assert.deepEqual([browser.cookie(STATE_COOKIE), browser.cookie(VERIFIER_COOKIE)], [undefined, undefined])
  })

  it('refuses a callback with another state, and forgets the login that it belonged to', async () => {
    const browser = new Browser()
    const callback = await authorize(browser)
    const wrong = new URL(callback)
    wrong.searchParams.set('state', 'another')
    await assertRefused(browser, wrong)
    assert.deepEqual(dataIn(browser), {})
    await assertRefused(browser, callback)
    await example.printed(/refused a login: Invalid state/)
  })

  it('refuses a callback without a state, also in a session that has none', async () => {
    const browser = new Browser()
    const callback = await authorize(browser)
    callback.searchParams.delete('state')
    await assertRefused(browser, callback)
    await assertRefused(browser, callback)
  })

  it('refuses a callback that is replayed', async () => {
    const browser = new Browser()
    const callback = await authorize(browser)
    await browser.get(callback.href)
    assert.equal((await browser.get(callback.href)).status, 403)
    assert.equal(await greeting(browser), 'Hello Ada', 'who is logged in stays so')
  })

  it('refuses a login that somebody else began, although they planted the cookies of the plugin', async () => {
    const attacker = new Browser()
    const callback = await authorize(attacker, 'Eve')
    const victim = new Browser()
    const plant = (): void => { for (const name of [STATE_COOKIE, VERIFIER_COOKIE]) victim.plant(name, attacker.cookie(name)!) }
    plant()
    await assertRefused(victim, callback)
    plant()
    callback.searchParams.delete('state')
    await assertRefused(victim, callback)
  })

  it('refuses a code whose verifier the browser does not have, as the provider does', async () => {
    const browser = new Browser()
    const callback = await authorize(browser)
    browser.plant(VERIFIER_COOKIE, 'v'.repeat(43))
    await assertRefused(browser, callback)
    await example.printed(/refused a login: Response Error: 400/)
  })

  it('refuses a login that the user refused at the provider', async () => {
    const browser = new Browser()
    const redirect = await browser.get(`${example.url}/login`)
    const state = new URL(locationOf(redirect)!).searchParams.get('state')!
    await assertRefused(browser, new URL(`${example.url}/callback?error=access_denied&state=${state}`))
  })

  it('begins another session at the login, so that whoever planted the one before is not in it', async () => {
    const browser = new Browser()
    browser.plant(COOKIE, codec.seal({ planted: true }))
    const callback = await authorize(browser)
    const copy = browser.copy()
    await browser.get(callback.href)
    assert.deepEqual(dataIn(browser), { userId: 'Ada' })
    assert.equal(await greeting(copy), 'Nobody is logged in.')
  })

  it('has the browser drop the cookie at a logout', async () => {
    const browser = new Browser()
    await browser.get((await authorize(browser)).href)
    assert.equal((await browser.post(`${example.url}/logout`)).status, 303)
    assert.equal(browser.cookie(COOKIE), undefined)
  })

  it('keeps a user logged in when the process is replaced by one with the same key', async t => {
    const browser = new Browser()
    await browser.get((await authorize(browser)).href)
    const other = await Example.start('oauth2/server.js', { SESSION_KEYS: KEY, ...provider.environment })
    t.after(async () => await other.stop())
    assert.equal(await greeting(browser, other.url), 'Hello Ada')
  })
})
