// Sessions of all sizes up to the limit: Chromium stores what we send, and drops what we have it drop.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import type { Browser } from 'playwright-core'
import { newApp, post } from '../support/app.ts'
import { newKey, setCookies } from '../support/helpers.ts'
import { otherSite, planting } from './other-site.ts'
import { Visitor, launch, listen, noBrowser, plain } from '../support/browser.ts'

/** What a server needs to take eight cookies. */
const LARGE_HEADERS = { ...plain, http: { maxHeaderSize: 65536 } } as FastifyServerOptions

describe('in Chromium', { skip: noBrowser }, () => {
  let browser: Browser
  let visitor: Visitor
  let app: FastifyInstance

  before(async () => {
    browser = await launch()
    visitor = await Visitor.enter(browser)
  })
  after(async () => { await browser.close() })
  afterEach(async () => {
    await visitor.context.clearCookies()
    await app.close()
  })

  async function visit (options: object = {}): Promise<void> {
    app = newApp({ server: LARGE_HEADERS, session: { key: newKey(), format: 'sealed', cookie: { path: '/', sameSite: 'lax' }, ...options } })
    await visitor.go(`http://app.test:${await listen(app)}/untouched`)
  }

  async function names (): Promise<string[]> {
    return [...(await visitor.cookies()).keys()].sort()
  }

  /** The longest text that a session can hold in so many cookies, in characters. */
  async function longest (cookies: number): Promise<number> {
    let [fits, tooLong] = [1, 40_000]
    while (tooLong - fits > 1) {
      const length = Math.floor((fits + tooLong) / 2)
      const response = await post(app, '/set', undefined, { text: 'x'.repeat(length) })
      if (response.statusCode === 200 && setCookies(response).length <= cookies) fits = length
      else tooLong = length
    }
    return fits
  }

  async function assertHolds (length: number): Promise<void> {
    assert.equal(((await visitor.session()).text as string).length, length)
  }

  it('a session that fills one cookie to our limit is stored as one and comes back, one character more as two', async () => {
    await visit()
    const length = await longest(1)
    await visitor.set({ text: 'x'.repeat(length) })
    assert.deepEqual(await names(), ['session'])
    await assertHolds(length)
    await visitor.set({ text: 'x'.repeat(length + 1) })
    assert.deepEqual(await names(), ['session', 'session.1'])
    await assertHolds(length + 1)
  })

  for (const maxChunks of [2, 3, 4, 8]) {
    it(`a session that fills maxChunks: ${maxChunks} is stored whole and comes back; one character more is an error and changes nothing`, async () => {
      await visit({ maxChunks })
      const length = await longest(maxChunks)
      await visitor.set({ text: 'x'.repeat(length) })
      assert.equal((await names()).length, maxChunks)
      await assertHolds(length)

      const { status, text } = await visitor.fetch('/set', { text: 'x'.repeat(length + 1) })
      assert.deepEqual([status, (JSON.parse(text) as { code: string }).code], [500, 'FST_SEALED_SESSION_COOKIE_TOO_LARGE'])
      assert.equal((await names()).length, maxChunks)
      await assertHolds(length)
    })
  }

  it('a session that gets small again leaves no chunk in the jar', async () => {
    await visit({ maxChunks: 4 })
    const length = await longest(4)
    for (const [part, cookies] of [[1, 4], [0.6, 3], [0.4, 2], [0.1, 1], [1, 4], [0.1, 1]] as const) {
      await visitor.set({ text: 'x'.repeat(Math.floor(length * part)) })
      assert.equal((await names()).length, cookies)
      await assertHolds(Math.floor(length * part))
    }
  })

  for (const cookie of [{}, { signed: true }, { domain: 'app.test', maxAge: 86401 }]) {
    it(`delete() leaves no chunk in the jar, with ${JSON.stringify(cookie)}`, async () => {
      await visit({ maxChunks: 3, cookie: { path: '/', ...cookie } })
      // A signature may have some `/` more, each of which takes three bytes.
      await visitor.set({ text: 'x'.repeat(await longest(3) - 100) })
      assert.equal((await names()).length, 3)
      await visitor.fetch('/delete', {})
      assert.deepEqual(await names(), [])
      assert.deepEqual(await visitor.session(), {})
    })
  }

  it('a cookie of another app that is named like a chunk stays', async () => {
    await visit({ maxChunks: 3 })
    await visitor.page.evaluate('document.cookie = "session.1=not ours; Path=/"')
    await visitor.set({ text: 'short' })
    await visitor.fetch('/delete', {})
    assert.deepEqual(await names(), ['session.1'])
  })

  describe('the browser itself', () => {
    let port: number
    beforeEach(async () => {
      app = otherSite()
      port = await listen(app)
    })

    for (const [bytes, isStored] of [[4096, true], [4097, false]] as const) {
      it(`${isStored ? 'stores' : 'drops'} a cookie whose name and value are ${bytes} bytes, whatever its attributes`, async () => {
        const value = 'x'.repeat(bytes - 'session'.length)
        await visitor.go(planting(`https://app.test:${port}`, `session=${value}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=1000`))
        assert.deepEqual(await names(), isStored ? ['session'] : [])
      })
    }

    it('keeps 180 cookies a site at most, subdomains together, and drops others of the site for more', async () => {
      await visitor.go(planting(`https://app.test:${port}`, '__Host-session=mine; Path=/; Secure; HttpOnly'))
      for (let batch = 0; batch < 4; batch++) {
        await visitor.go(planting(`https://sub.app.test:${port}`, ...Array.from({ length: 50 }, (_, index) => `c${batch}-${index}=1; Path=/; Secure`)))
      }
      const jar = await visitor.cookies()
      assert.ok(jar.size <= 180, String(jar.size))
      assert.ok(!jar.has('__Host-session'))
    })
  })
})
