// examples/passport-local as browsers see it, over the network.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { createSessionCodec, type SessionCodec } from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { Browser, locationOf } from './browser.ts'
import { Example } from './example.ts'

/** The cookies of the answer to a request line with this target, which no browser would send. */
async function askFor ({ hostname, port }: URL, target: string): Promise<string[]> {
  const [response] = await once(get({ hostname, port, path: target }), 'response') as [IncomingMessage]
  response.resume()
  return response.headers['set-cookie'] ?? []
}

const KEY = newKey().toString('hex')
const COOKIE = 'passport-local-example'
const ADA = { username: 'ada', password: 'analytical engine' }

describe('examples/passport-local', () => {
  let example: Example
  let codec: SessionCodec<object>

  before(async () => {
    example = await Example.start('passport-local/server.js', { SESSION_KEYS: KEY })
    codec = await createSessionCodec<object>({ key: KEY, format: 'sealed', cookieName: COOKIE })
  })
  after(async () => await example.stop())

  async function logIn (browser = new Browser()): Promise<Browser> {
    const response = await browser.post(`${example.url}/login`, ADA)
    assert.equal(response.status, 302)
    return browser
  }

  /** Whether a browser sees the profile, and is not sent to the form. */
  async function isLoggedIn (browser: Browser, url = example.url): Promise<boolean> {
    const response = await browser.get(`${url}/profile`)
    if (response.status === 200) assert.match(await response.text(), /Hello Ada/)
    else assert.equal(locationOf(response), `${url}/login`)
    return response.status === 200
  }

  it('sends who is not logged in to the form, and after the login to the page they came for', async () => {
    const browser = new Browser()
    assert.equal(locationOf(await browser.get(`${example.url}/profile?tab=2`)), `${example.url}/login`)
    const response = await browser.post(`${example.url}/login`, ADA)
    assert.equal(locationOf(response), `${example.url}/profile?tab=2`)
    const page = await browser.follow(response)
    assert.match(await page.text(), /Hello Ada/)
    assert.equal(page.headers.get('cache-control'), 'no-store')
  })

  it('sends nobody to another site after the login, also not with a session that somebody planted', async () => {
    const attacker = new Browser()
    const [line] = await askFor(new URL(example.url), 'http://other.example/profile')
    if (line !== undefined) attacker.plant(COOKIE, line.slice(line.indexOf('=') + 1, line.indexOf(';')))
    assert.equal(locationOf(await attacker.post(`${example.url}/login`, ADA)), `${example.url}/profile`)
  })

  it('keeps no more of the user in the cookie than the id', async () => {
    const browser = await logIn()
    const opened = codec.open(browser.cookie(COOKIE) ?? '')
    assert.deepEqual(opened.ok && opened.data, { passport: 'ada' })
  })

  it('begins another session at the login, so that whoever planted the one before is not in it', async () => {
    const attacker = new Browser()
    attacker.plant(COOKIE, codec.seal({ planted: true, returnTo: '/profile?planted' }))
    const victim = await logIn(attacker.copy())
    assert.equal(await isLoggedIn(victim), true)
    assert.equal(await isLoggedIn(attacker.copy()), false)
    const opened = codec.open(victim.cookie(COOKIE) ?? '')
    assert.deepEqual(opened.ok && opened.data, { passport: 'ada' }, 'nothing of the session before is left')
  })

  it('counts the age of the session from the login on', async () => {
    const browser = new Browser()
    await browser.get(`${example.url}/profile`)
    const before = codec.open(browser.cookie(COOKIE) ?? '')
    await example.wait(10)
    const after = codec.open((await logIn(browser)).cookie(COOKIE) ?? '')
    assert.ok(before.ok && after.ok)
    assert.equal(Number(after.createdAt) - Number(before.createdAt), 10_000)
  })

  it('begins no session for who only looks at the form', async () => {
    const response = await new Browser().get(`${example.url}/login`)
    assert.deepEqual([response.status, response.headers.getSetCookie()], [200, []])
  })

  it('says once that a login failed, with the same words for a wrong name and a wrong password', async () => {
    for (const wrong of [{ ...ADA, password: 'difference engine' }, { ...ADA, username: 'eve' }, { username: 'ada' }]) {
      const browser = new Browser()
      const form = async (): Promise<string> => await (await browser.get(`${example.url}/login`)).text()
      const response = await browser.post(`${example.url}/login`, wrong as Record<string, string>)
      assert.equal(locationOf(response), `${example.url}/login`)
      assert.match(await form(), /<p>Wrong name or password\.<\/p>/)
      assert.match(await form(), /<p><\/p>/)
      assert.equal(await isLoggedIn(browser), false)
    }
  })

  it('writes no session when the form is shown again, after its message', async () => {
    const browser = new Browser()
    await browser.follow(await browser.post(`${example.url}/login`, { ...ADA, password: 'wrong' }))
    assert.deepEqual((await browser.get(`${example.url}/login`)).headers.getSetCookie(), [])
  })

  it('has the browser drop the cookie at a logout', async () => {
    const browser = await logIn()
    const response = await browser.post(`${example.url}/logout`)
    assert.deepEqual([response.status, locationOf(response), browser.cookie(COOKIE)], [303, `${example.url}/login`, undefined])
    assert.equal(await isLoggedIn(browser), false)
  })

  it('logs out a user who is gone', async () => {
    const browser = new Browser()
    browser.plant(COOKIE, codec.seal({ passport: 'gone' }))
    assert.equal(await isLoggedIn(browser), false)
    const opened = codec.open(browser.cookie(COOKIE) ?? '')
    assert.deepEqual(opened.ok && opened.data, { returnTo: '/profile' })
  })

  it('lets a session go on in another process that has the key, and in no other', async t => {
    const browser = await logIn()
    for (const [key, expected] of [[KEY, true], [newKey().toString('hex'), false]] as const) {
      const other = await Example.start('passport-local/server.js', { SESSION_KEYS: key })
      t.after(async () => await other.stop())
      assert.equal(await isLoggedIn(browser.copy(), other.url), expected)
    }
  })
})
