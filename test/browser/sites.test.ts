// What other sites and sibling subdomains can do with the session of a user who is logged in.
import type { CookieSerializeOptions } from '@fastify/cookie'
import FakeTimers from '@sinonjs/fake-timers'
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import { tableUnder } from '../docs/markdown.ts'
import { read } from '../docs/source.ts'
import type { Session } from '../../src/index.ts'
import { newApp } from '../support/app.ts'
import { newKey } from '../support/helpers.ts'
import { otherSite, pageAt, planting } from './other-site.ts'
import { Visitor, launch, listen, noBrowser, plain, profileFolder, tls } from '../support/browser.ts'

/** By the way of a request, the values of `sameSite` that let the session go with it. */
const carried = new Map(tableUnder(read('docs/reference/browsers.md'), '## Requests from other sites').map(([way = '', ...cells]) =>
  [way, (['strict', 'lax', 'none'] as const).filter((_, index) => cells[index] === 'yes')]))

describe('in Chromium', { skip: noBrowser }, () => {
  let browser: Browser
  let visitor: Visitor
  let attacker: FastifyInstance
  /** Of the app under test, of another site and of a subdomain of the app's. */
  let app: FastifyInstance
  let origin: string
  let other: string
  let sub: string
  /** The user of the requests to `/seen`. */
  let seen: unknown[]
  /** What `/seen` then does. */
  let act: (session: Session) => void

  before(async () => {
    browser = await launch()
    visitor = await Visitor.enter(browser)
    attacker = otherSite()
    const port = await listen(attacker)
    other = `https://other.test:${port}`
    sub = `https://sub.app.test:${port}`
  })
  after(async () => {
    await browser.close()
    await attacker.close()
  })
  beforeEach(() => { seen = []; act = () => {} })
  afterEach(async () => {
    await visitor.context.clearCookies()
    await app.close()
  })

  /** Starts an app with a cookie and logs the visitor in. */
  async function logIn (cookie: CookieSerializeOptions, options: object = {}): Promise<void> {
    app = newApp({ server: tls(), session: { key: newKey(), format: 'sealed', cookie: { path: '/', secure: true, ...cookie }, ...options } })
    app.all('/seen', async request => {
      seen.push(request.session.get('userId') ?? null)
      act(request.session)
      return 'seen'
    })
    origin = `https://app.test:${await listen(app)}`
    await visitor.go(`${origin}/untouched`)
    await visitor.set({ userId: 42 })
  }

  /** How a request to the app comes about. */
  const ways: Record<string, () => Promise<void>> = {
    'a link on another site': async () => { await click(pageAt(other, '/link', `${origin}/seen`), 'a') },
    'a redirect from another site': async () => { await visitor.go(pageAt(other, '/redirect', `${origin}/seen`)) },
    'a form on another site that POSTs': async () => { await click(pageAt(other, '/form', `${origin}/seen`), 'button') },
    'a frame on another site': async () => { await visitor.go(pageAt(other, '/frame', `${origin}/seen`)) },
    'a script on another site': async () => {
      await visitor.go(other)
      await visitor.page.evaluate(async to => { await fetch(to, { mode: 'no-cors', credentials: 'include' }) }, `${origin}/seen`)
    },
    'a form on a subdomain that POSTs': async () => { await click(pageAt(sub, '/form', `${origin}/seen`), 'button') },
    'an address typed in': async () => { await visitor.go(`${origin}/seen`) }
  }

  async function click (page: string, element: string): Promise<void> {
    await visitor.go(page)
    await visitor.page.locator(element).click()
    await visitor.page.waitForURL(`${origin}/seen`)
  }

  for (const sameSite of ['strict', 'lax', 'none'] as const) {
    it(`sameSite: '${sameSite}' goes with ${[...carried.keys()].filter(way => carried.get(way)!.includes(sameSite)).join(', ')}; with nothing else`, async () => {
      await logIn({ sameSite })
      for (const [way, values] of carried) {
        seen = []
        await (ways[way] ?? assert.fail(way))()
        assert.deepEqual(seen, [values.includes(sameSite) ? 42 : null], way)
      }
      assert.equal(carried.size, Object.keys(ways).length)
    })
  }

  it("where cookies of third parties are not blocked, sameSite: 'none' goes with a frame and a script on another site, 'lax' does not", async t => {
    const usual = visitor
    visitor = await Visitor.withThirdParties(profileFolder())
    t.after(async () => {
      await visitor.leave()
      visitor = usual
    })
    for (const [sameSite, user] of [['lax', null], ['none', 42]] as const) {
      seen = []
      await logIn({ sameSite })
      await ways['a frame on another site']!()
      await ways['a script on another site']!()
      assert.deepEqual(seen, [user, user], sameSite)
      if (user === null) await app.close()
    }
  })

  it('without sameSite, a POST of another site right after the login has no session', async () => {
    await logIn({})
    await ways['a form on another site that POSTs']!()
    assert.deepEqual(seen, [null])
  })

  for (const sameSite of ['strict', 'lax'] as const) {
    it(`sameSite: '${sameSite}' does not keep the answer to a form on another site from replacing the session, or dropping it`, async () => {
      await logIn({ sameSite })
      act = session => { session.set('userId', 1) }
      await ways['a form on another site that POSTs']!()
      assert.deepEqual(await visitor.session(), { userId: 1 })
      act = session => { session.delete() }
      await ways['a form on another site that POSTs']!()
      assert.deepEqual([seen, await visitor.cookies()], [[null, null], new Map()])
    })
  }

  it("sameSite: 'strict' goes with a link on the page that a link on another site led to", async () => {
    await logIn({ sameSite: 'strict' })
    await click(pageAt(other, '/link', `${origin}/seen`), 'a')
    await visitor.fetch('/seen')
    assert.deepEqual(seen, [null, 42])
  })

  describe('a subdomain', () => {
    const garbage = 'AQk3nothing-that-opens'

    it('can plant a cookie of the same name, which does not log the user out', async () => {
      await logIn({ sameSite: 'lax' })
      await visitor.go(planting(sub, `session=${garbage}; Domain=app.test; Path=/; Secure`, `session=${garbage}2; Domain=app.test; Path=/get; Secure`))
      await visitor.go(`${origin}/untouched`)
      assert.equal((await visitor.context.cookies(`${origin}/get`)).filter(({ name }) => name === 'session').length, 3)
      assert.deepEqual(await visitor.session(), { userId: 42 })
    })

    it('can plant an older session of its own, which does not take the place of the newer one', async () => {
      await logIn({ sameSite: 'lax' })
      const clock = FakeTimers.install({ now: Date.now() - 60_000, toFake: ['Date'] })
      const older = app.encodeSecureSession(app.createSecureSession({ userId: 1 }))
      clock.uninstall()
      await visitor.go(planting(sub, `session=${older}; Domain=app.test; Path=/get; Secure`))
      await visitor.go(`${origin}/untouched`)
      assert.deepEqual(await visitor.session(), { userId: 42 })
    })

    it('cannot plant a __Host- cookie', async () => {
      await logIn({ sameSite: 'lax' }, { cookieName: '__Host-session' })
      const before = await visitor.cookie()
      await visitor.go(planting(sub, `__Host-session=${garbage}; Domain=app.test; Path=/; Secure`, `__Host-session=${garbage}; Domain=app.test; Path=/get; Secure`))
      assert.deepEqual(await visitor.cookie(), before)
    })

    for (const [cookieName, isPlanted] of [['session', true], ['__Host-session', false]] as const) {
      it(`that is no subdomain but answers without TLS can${isPlanted ? '' : 'not'} plant a cookie named ${cookieName} before the login, and not after it`, async () => {
        const plainSite = otherSite(plain)
        const plant = planting(`http://app.test:${await listen(plainSite)}`, `${cookieName}=${garbage}; Path=/`)
        await visitor.go(plant)
        assert.equal((await visitor.cookies()).size, isPlanted ? 1 : 0)
        await logIn({ sameSite: 'lax' }, { cookieName })
        assert.deepEqual(await visitor.session(), { userId: 42 })
        const { value } = await visitor.cookie()
        await visitor.go(plant)
        assert.equal((await visitor.cookie()).value, value)
        await plainSite.close()
      })
    }

    it('has a __Host- cookie of its own, which the app never sees', async () => {
      await logIn({ sameSite: 'lax' }, { cookieName: '__Host-session' })
      await visitor.go(planting(sub, `__Host-session=${garbage}; Path=/; Secure`))
      assert.equal((await visitor.context.cookies()).length, 2)
      assert.equal((await visitor.context.cookies(origin)).length, 1)
    })
  })
})
