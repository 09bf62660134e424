// What Chromium makes of each attribute: what is in its jar, which pages see the cookie, how it is dropped.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import { newApp } from '../support/app.ts'
import { newKey } from '../support/helpers.ts'
import { Visitor, launch, listen, noBrowser, plain, tls } from '../support/browser.ts'

/** How long a test may take between the answer and a look into the jar. */
const SECONDS = 30

describe('in Chromium', { skip: noBrowser }, () => {
  let browser: Browser
  let visitor: Visitor
  const apps: FastifyInstance[] = []

  before(async () => {
    browser = await launch()
    visitor = await Visitor.enter(browser)
  })
  after(async () => { await browser.close() })
  afterEach(async () => {
    await visitor.context.clearCookies()
    await Promise.all(apps.splice(0).map(async app => { await app.close() }))
  })

  /** Starts an app, opens one of its pages and stores something in the session. @returns the origin */
  async function visit (options: object, scheme: 'http' | 'https' = 'https', host = 'app.test'): Promise<string> {
    const app = newApp({ server: scheme === 'https' ? tls() : plain, session: { key: newKey(), format: 'sealed', ...options } })
    apps.push(app)
    app.get('/account/login', async ({ session }) => { session.set('userId' as never, 1 as never); return 'logged in' })
    app.get('/account/page', async ({ session }) => session.data())
    const origin = `${scheme}://${host}:${await listen(app)}`
    await visitor.go(`${origin}/untouched`)
    await visitor.set({ userId: 42 })
    return origin
  }

  it('the session is stored, comes back, and no script of the page can read it', async () => {
    await visit({ cookie: { path: '/', secure: true } })
    assert.equal((await visitor.cookie()).httpOnly, true)
    assert.equal(await visitor.documentCookie(), '')
    assert.deepEqual(await visitor.session(), { userId: 42 })
  })

  it('a script of the page can read it with httpOnly: false', async () => {
    await visit({ cookie: { path: '/', httpOnly: false } })
    assert.match(await visitor.documentCookie(), /^session=[\w-]+$/)
  })

  it('a script of the page cannot put one of its own in the place of an HttpOnly cookie', async () => {
    await visit({ cookie: { path: '/', secure: true } })
    await visitor.page.evaluate('document.cookie = "session=mine; Path=/; Secure"')
    assert.notEqual((await visitor.cookie()).value, 'mine')
    assert.deepEqual(await visitor.session(), { userId: 42 })
  })

  for (const [cookieName, canBeside, canBefore] of [
    ['session', true, true], ['__Secure-session', true, true], ['__Host-session', false, true],
    ['__Http-session', false, false], ['__Host-Http-session', false, false]
  ] as const) {
    it(`a script of the page can${canBeside ? '' : 'not'} put another ${cookieName} beside it, for a longer path, and can${canBefore ? '' : 'not'} set one where there is none`, async () => {
      await visit({ cookieName, cookie: { path: '/', secure: true } })
      await visitor.page.evaluate(`document.cookie = "${cookieName}=mine; Path=/get; Secure"`)
      assert.equal((await visitor.context.cookies()).length, canBeside ? 2 : 1)
      assert.deepEqual(await visitor.session(), { userId: 42 })
      await visitor.context.clearCookies()
      await visitor.page.evaluate(`document.cookie = "${cookieName}=mine; Path=/; Secure"`)
      assert.equal((await visitor.context.cookies()).length, canBefore ? 1 : 0)
    })
  }

  for (const [sameSite, stored] of [[undefined, 'Lax'], ['lax', 'Lax'], ['strict', 'Strict'], ['none', 'None']] as const) {
    it(`sameSite: ${String(sameSite)} is stored as ${stored}`, async () => {
      await visit({ cookie: { path: '/', secure: true, ...sameSite !== undefined && { sameSite } } })
      assert.equal((await visitor.cookie()).sameSite, stored)
    })
  }

  it("secure: 'auto' is Secure over TLS, and not without; both come back", async () => {
    await visit({ cookie: { path: '/', secure: 'auto' } })
    assert.equal((await visitor.cookie()).secure, true)
    assert.deepEqual(await visitor.session(), { userId: 42 })
    await visitor.context.clearCookies()

    await visit({ cookie: { path: '/', secure: 'auto' } }, 'http')
    assert.equal((await visitor.cookie()).secure, false)
    assert.deepEqual(await visitor.session(), { userId: 42 })
  })

  it('secure: true is never stored without TLS, but for localhost', async () => {
    await visit({ cookie: { path: '/', secure: true } }, 'http')
    assert.equal((await visitor.cookies()).size, 0)
    await visit({ cookie: { path: '/', secure: true } }, 'http', 'localhost')
    assert.equal((await visitor.cookie()).secure, true)
    assert.deepEqual(await visitor.session(), { userId: 42 })
  })

  for (const [path, stored, isEverywhere] of [[undefined, '/account', false], ['/account', '/account', false], ['/', '/', true]] as const) {
    it(`a login at /account/login with path: ${String(path)} is for pages ${isEverywhere ? 'everywhere' : 'below /account only'}`, async () => {
      const origin = await visit({ cookie: { secure: true, ...path !== undefined && { path } } })
      await visitor.context.clearCookies()
      await visitor.go(`${origin}/account/login`)
      assert.equal((await visitor.cookie()).path, stored)
      assert.equal(await visitor.go(`${origin}/account/page`), '{"userId":1}')
      assert.equal(await visitor.go(`${origin}/get`), isEverywhere ? '{"userId":1}' : '{}')
    })
  }

  it('without "domain" no subdomain has the session', async () => {
    const origin = await visit({ cookie: { path: '/', secure: true } })
    assert.equal((await visitor.cookie()).domain, 'app.test')
    assert.equal(await visitor.go(origin.replace('app.test', 'sub.app.test') + '/get'), '{}')
  })

  it('with "domain" every subdomain has the session', async () => {
    const origin = await visit({ cookie: { path: '/', secure: true, domain: 'app.test' } })
    assert.equal((await visitor.cookie()).domain, '.app.test')
    assert.equal(await visitor.go(origin.replace('app.test', 'sub.app.test') + '/get'), '{"userId":42}')
  })

  for (const domain of ['other.test', 'sub.app.test', 'test']) {
    it(`with the domain "${domain}" an app at app.test stores nothing`, async () => {
      await visit({ cookie: { path: '/', secure: true, domain } })
      assert.equal((await visitor.cookies()).size, 0)
    })
  }

  it('without maxAge and expires it lasts as long as the browser runs', async () => {
    await visit({ cookie: { path: '/', secure: true } })
    assert.equal((await visitor.cookie()).expires, -1)
  })

  it('maxAge is when the jar drops it, in seconds from now', async () => {
    await visit({ expiry: 3600, cookie: { path: '/', secure: true, maxAge: 3600 } })
    assertSoon((await visitor.cookie()).expires, 3600)
  })

  it('maxAge counts where "expires" is given as well', async () => {
    await visit({ expiry: 3600, cookie: { path: '/', secure: true, maxAge: 3600, expires: new Date(0) } })
    assertSoon((await visitor.cookie()).expires, 3600)
  })

  it('"expires" alone is when the jar drops it', async () => {
    const expires = new Date(Math.ceil(Date.now() / 1000) * 1000 + 7_200_000)
    await visit({ cookie: { path: '/', secure: true, expires } })
    // Chromium adds by how much it takes the server's clock to be slow.
    assert.ok(Math.abs((await visitor.cookie()).expires - expires.getTime() / 1000) < SECONDS)
  })

  it('a maxAge of more than 400 days is cut to 400 days', async () => {
    const day = 24 * 60 * 60
    await visit({ expiry: 500 * day, cookie: { path: '/', secure: true, maxAge: 500 * day } })
    assertSoon((await visitor.cookie()).expires, 400 * day)
  })

  for (const [what, cookieName, cookie] of [
    ['a plain cookie', 'session', {}],
    ['a __Host- cookie', '__Host-session', { secure: true }],
    ['a __Host-Http- cookie', '__Host-Http-session', { secure: true }],
    ['a cookie for all subdomains', 'session', { domain: 'app.test' }],
    ['a cookie that outlives the browser', 'session', { maxAge: 86401 }],
    ['a signed cookie', 'session', { signed: true }],
    ['a partitioned cookie', 'session', { secure: true, sameSite: 'none', partitioned: true }]
  ] as const) {
    it(`delete() leaves nothing in the jar: ${what}`, async () => {
      await visit({ cookieName, cookie: { path: '/', ...cookie } })
      assert.equal((await visitor.cookie()).name, cookieName)
      assert.equal((await visitor.fetch('/delete', {})).text, 'deleted')
      assert.equal((await visitor.cookies()).size, 0)
      assert.deepEqual(await visitor.session(), {})
    })
  }

  it('a session written over and over is one cookie in the jar', async () => {
    await visit({ cookie: { path: '/', secure: true } })
    const first = await visitor.cookie()
    await visitor.set({ userId: 43 })
    const { value, ...second } = await visitor.cookie()
    assert.notEqual(value, first.value)
    assert.deepEqual({ ...second, value: first.value }, first)
    assert.deepEqual(await visitor.session(), { userId: 43 })
  })
})

function assertSoon (expires: number, seconds: number): void {
  const now = Date.now() / 1000
  assert.ok(expires > now + seconds - SECONDS && expires <= now + seconds + 1, `${expires - now} seconds`)
}
