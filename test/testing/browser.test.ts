// Cookies of `browserCookies`, in the jar of a browser.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import { sealedSession } from '../../src/index.ts'
import { browserCookies, type BrowserCookie } from '../../src/testing/index.ts'
import { newApp } from '../support/app.ts'
import { launch, listen, noBrowser, plain, tls } from '../support/browser.ts'
import { newKey } from '../support/helpers.ts'

const USER = { userId: 42 }
const LARGE = { text: 'x'.repeat(4500) }
const url = 'https://app.test/start?a=b'

async function one (session: object, more: Parameters<typeof newApp>[0] = {}): Promise<Omit<BrowserCookie, 'value'>> {
  const [{ value, ...cookie }, ...others] = await browserCookies(newApp({ session: { key: newKey(), format: 'sealed', ...session }, ...more }), USER, { url, at: Date.now() - 60_500 }) as [BrowserCookie]
  assert.equal(others.length, 0)
  return cookie
}

describe('browserCookies', () => {
  it('gives each attribute as Playwright takes it', async () => {
    assert.deepEqual(await one({ cookieName: '__Host-session', cookie: { path: '/', secure: true, sameSite: 'strict' } }),
      { name: '__Host-session', domain: 'app.test', path: '/', expires: -1, httpOnly: true, secure: true, sameSite: 'Strict' })
    assert.deepEqual(await one({ cookie: { path: '/in', domain: 'app.test', httpOnly: false, sameSite: 'none' } }),
      { name: 'session', domain: '.app.test', path: '/in', expires: -1, httpOnly: false, secure: false, sameSite: 'None' })
  })

  it('has the attributes that the app gives all cookies', async () => {
    const before = (app: FastifyInstance): unknown => app.register(cookiePlugin, { parseOptions: { domain: '.app.test', path: '/all', sameSite: true, secure: 'auto' } })
    assert.deepEqual(await one({}, { before }), { name: 'session', domain: '.app.test', path: '/all', expires: -1, httpOnly: true, secure: true, sameSite: 'Strict' })
  })

  it('ends with Max-Age after the time of the write, or at "expires"', async () => {
    const { expires } = await one({ cookie: { path: '/', maxAge: 600 } })
    assert.ok(Math.abs(expires - (Date.now() / 1000 + 600 - 60.5)) < 60)
    assert.equal((await one({ cookie: { path: '/', expires: new Date(2_000_000_000_000) } })).expires, 2_000_000_000)
  })

  it('is Secure over TLS only, if the app leaves that to the request', async t => {
    const app = newApp({ t, plugin: sealedSession as never, session: { key: newKey() } })
    const secure = async (url: string): Promise<boolean[]> => (await browserCookies(app, USER, { url })).map(({ secure }) => secure)
    assert.deepEqual([await secure('http://localhost:3000'), await secure('https://app.test')], [[false], [true]])
  })
})

describe('in Chromium', { skip: noBrowser }, () => {
  let browser: Browser
  before(async () => { browser = await launch() })
  after(async () => { await browser.close() })

  async function seen (app: FastifyInstance, scheme: string, data: object): Promise<unknown> {
    const address = `${scheme}://app.test:${await listen(app)}`
    const context = await browser.newContext()
    await context.addCookies(await browserCookies(app, data, { url: address }))
    const page = await context.newPage()
    const text = await (await page.goto(`${address}/get`))?.text()
    await context.close()
    return JSON.parse(text ?? '')
  }

  for (const [title, scheme, server] of [['at home over http', 'http', plain], ['over TLS with __Host-', 'https', tls()]] as const) {
    it(`a user of addCookies() is logged in ${title}, also if the session is split`, async t => {
      for (const data of [USER, LARGE]) {
        assert.deepEqual(await seen(newApp({ t, server, plugin: sealedSession as never, session: { key: newKey() } }), scheme, data), data)
      }
    })
  }

  it('a user of addCookies() is logged in with a value that needs an encoding', async t => {
    assert.deepEqual(await seen(newApp({ t, server: plain, session: { key: newKey(), cookie: { path: '/', signed: true } } }), 'http', LARGE), LARGE)
  })
})
