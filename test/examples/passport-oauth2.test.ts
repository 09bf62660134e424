// examples/passport-oauth2 as browsers see it, over the network, with a provider to log in at.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createSessionCodec, type SessionCodec } from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { Browser, locationOf } from './browser.ts'
import { Example } from './example.ts'
import { Provider } from './provider.ts'

const KEY = newKey().toString('hex')
const COOKIE = 'passport-oauth2-example'
/** Where passport-oauth2 keeps what it waits for. */
const PENDING = 'oauth2:127.0.0.1'

interface Pending { state: { handle: string, code_verifier: string } }

describe('examples/passport-oauth2', () => {
  let provider: Provider
  let example: Example
  let codec: SessionCodec<Record<string, unknown>>

  before(async () => {
    provider = await Provider.start('client_secret_post')
    example = await Example.start('passport-oauth2/server.js', { SESSION_KEYS: KEY, ...provider.environment })
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

  const NOBODY = 'Nobody is logged in.'

  it('logs in with a state and a PKCE challenge', async () => {
    const browser = new Browser()
    const redirect = await browser.get(`${example.url}/login`)
    const { searchParams } = new URL(locationOf(redirect)!)
    assert.equal(searchParams.get('code_challenge_method'), 'S256')
    assert.ok(searchParams.get('state'))
    const response = await browser.get((await provider.logIn(browser, redirect, 'Ada')).href)
    assert.deepEqual([response.status, locationOf(response)], [302, `${example.url}/`])
    assert.equal(await greeting(browser), 'Hello Ada')
    assert.deepEqual(dataIn(browser), { passport: 'Ada' }, 'nothing of the login is left in the session, and no token of the provider')
  })

  it('keeps state and verifier where nobody reads them: in the session, and in no other cookie', async () => {
    const browser = new Browser()
    const response = await browser.get(`${example.url}/login`)
    const { state } = dataIn(browser)[PENDING] as Pending
    assert.equal(new URL(locationOf(response)!).searchParams.get('state'), state.handle)
    const [line = '', ...others] = response.headers.getSetCookie()
    assert.deepEqual(others, [])
    const bytes = Buffer.from(browser.cookie(COOKIE) ?? '', 'base64url').toString('latin1')
    for (const secret of [state.handle, state.code_verifier]) {
      assert.ok(secret.length > 20)
      assert.ok(![line, bytes].some(text => text.includes(secret)))
      assert.ok(!example.output.includes(secret))
    }
    assert.ok(!locationOf(response)!.includes(state.code_verifier))
  })

  it('refuses a callback with another state, and forgets the login that it belonged to', async () => {
    const browser = new Browser()
    const callback = await authorize(browser)
    const right = callback.href
    callback.searchParams.set('state', 'another')
    assert.equal((await browser.get(callback.href)).status, 403)
    assert.deepEqual(dataIn(browser), {})
    assert.equal((await browser.get(right)).status, 403, 'the right one comes too late')
    assert.equal(await greeting(browser), NOBODY)
  })

  it('refuses a callback without a state', async () => {
    const browser = new Browser()
    const callback = await authorize(browser)
    callback.searchParams.delete('state')
    assert.equal((await browser.get(callback.href)).status, 403)
  })

  it('refuses a callback that is replayed', async () => {
    const browser = new Browser()
    const callback = await authorize(browser)
    assert.equal((await browser.get(callback.href)).status, 302)
    assert.equal((await browser.get(callback.href)).status, 403)
    assert.equal(await greeting(browser), 'Hello Ada', 'who is logged in stays so')
  })

  it('refuses a callback in a browser that did not begin the login, or began another one', async () => {
    const attackers = await authorize(new Browser(), 'Eve')
    for (const victim of [new Browser(), await begun()]) {
      assert.equal((await victim.get(attackers.href)).status, 403)
      assert.equal(await greeting(victim), NOBODY)
    }
  })

  async function begun (): Promise<Browser> {
    const browser = new Browser()
    await browser.get(`${example.url}/login`)
    return browser
  }

  it('refuses a code that was stolen on its way, as the provider does: it is bound to the verifier of its session', async () => {
    const stolen = (await authorize(new Browser())).searchParams.get('code')!
    const attacker = new Browser()
    const callback = await authorize(attacker, 'Eve')
    callback.searchParams.set('code', stolen)
    const response = await attacker.get(callback.href)
    assert.equal(response.status, 500)
    assert.match((await response.json() as { message: string }).message, /grant request is invalid/)
    assert.equal(await greeting(attacker), NOBODY)
  })

  it('logs in after a login that was given up half way', async () => {
    const browser = await begun()
    const { state } = dataIn(browser)[PENDING] as Pending
    const callback = await authorize(browser)
    assert.notEqual(callback.searchParams.get('state'), state.handle)
    assert.equal((await browser.get(callback.href)).status, 302)
    assert.equal(await greeting(browser), 'Hello Ada')
  })

  it('begins another session at the login, so that whoever planted the one before is not in it', async () => {
    const browser = new Browser()
    browser.plant(COOKIE, codec.seal({ planted: true }))
    const callback = await authorize(browser)
    const copy = browser.copy()
    await browser.get(callback.href)
    assert.deepEqual(dataIn(browser), { passport: 'Ada' })
    assert.equal(await greeting(copy), NOBODY)
  })

  it('has the browser drop the cookie at a logout', async () => {
    const browser = new Browser()
    await browser.get((await authorize(browser)).href)
    assert.equal((await browser.post(`${example.url}/logout`)).status, 303)
    assert.equal(browser.cookie(COOKIE), undefined)
    assert.equal(await greeting(browser), NOBODY)
  })

  it('finishes in another process with the same key a login that began in this one', async t => {
    const browser = new Browser()
    const other = await Example.start('passport-oauth2/server.js', { SESSION_KEYS: KEY, ...provider.environment })
    t.after(async () => await other.stop())
    const began = await authorize(browser)
    // The provider wants the redirect URI that it was given: the processes would be behind one URL.
    const { state } = dataIn(browser)[PENDING] as Pending
    assert.equal(began.searchParams.get('state'), state.handle)
    const response = await browser.get(`${other.url}/callback?state=${state.handle}&code=none`)
    assert.equal(response.status, 500, 'the state is right, and the code is the provider\'s to refuse')
  })
})
