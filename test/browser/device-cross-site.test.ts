// Bindings where other sites come in: Chromium sends neither Lax nor Strict cookies with a registration or a refresh that a
// page of another site has caused.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import { launch, listen, noBrowser } from '../support/browser.ts'
import { BINDING, DeviceSite, DeviceVisitor, movableClock } from '../support/device-browser.ts'
import type { Bag, Handlers } from '../support/app.ts'
import { otherSite, pageAt } from './other-site.ts'

describe('a session that Chromium binds', { skip: noBrowser }, () => {
  let browser: Browser
  let site: FastifyInstance
  let other: string

  before(async () => {
    browser = await launch(BINDING)
    site = otherSite()
    other = `https://other.test:${await listen(site)}`
  })
  after(async () => {
    await browser.close()
    await site.close()
  })

  /** Follows a link on a page of another site. @returns name of the user that the page shows */
  async function follow ({ visitor: { page } }: DeviceVisitor, to: string, end = to): Promise<string> {
    await page.goto(pageAt(other, '/link', to))
    await page.locator('a').click()
    await page.waitForURL(end)
    return await page.locator('#user').innerText()
  }

  /** Logs in at the other site, which redirects back to the app. */
  async function logInThere (user: DeviceVisitor, { origin }: DeviceSite, path: string): Promise<string> {
    return await follow(user, pageAt(other, '/redirect', origin + path), `${origin}/page`)
  }

  it('10. (Chromium) is proven for a link on another site, at the right fragment, although the refresh brings no cookie', async t => {
    const app = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(app)
    for (let round = 0; round < 3; round++) {
      await user.expire()
      app.calls.takeAll()
      assert.equal(await follow(user, `${app.origin}/page?n=${round}#part`), 'ann')
      assert.equal(await user.visitor.page.locator(':target').innerText(), 'a part')
      assert.deepEqual(app.calls.takeAll().map(({ kind, status, cookies }) => [kind, status, cookies]), [['proof', 200, []]])
      assert.equal(await user.state(), 'bound')
    }
  })

  it('10. (Chromium) is proven for a redirect from another site', async t => {
    const app = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(app)
    await user.expire()
    assert.equal(await logInThere(user, app, '/page'), 'ann')
    assert.equal(await user.state(), 'bound')
  })

  it('10. (Chromium) is proven for a link on another site after other logins in the same browser, whose bindings are still there', async t => {
    const clock = movableClock(t)
    const app = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(app)
    for (const round of [1, 2, 3, 4, 5, 6]) {
      clock.advance(1000) // bindings of the same second are in no order
      await user.post('/again')
      assert.equal(await user.next('creation'), 'Success')
      await user.expire()
      assert.equal(await follow(user, `${app.origin}/page?n=${round}`), 'ann')
    }
  })

  it('10. (Chromium) with sameSite strict does not come with a link on another site, as without a binding, and is there and proven for the next page', async t => {
    const app = await DeviceSite.start(t, { session: { cookie: { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } } })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(app)
    for (const isExpired of [false, true]) {
      if (isExpired) await user.expire()
      assert.equal(await follow(user, `${app.origin}/page?${String(isExpired)}#part`), 'nobody')
      assert.equal(await user.visitor.page.locator(':target').innerText(), 'a part')
      assert.deepEqual([await user.user(), await user.state()], ['ann', 'bound'])
      assert.match(await user.visitor.go(`${app.origin}/page`), /ann/)
    }
  })

  it('11. (Chromium) is bound once after a login that ends in a redirect from another site, although the registration brings no cookie', async t => {
    const app = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    assert.equal(await logInThere(user, app, '/callback?user=ann'), 'ann')
    assert.equal(await user.next('creation'), 'Success')
    assert.deepEqual(app.calls.takeAll().map(({ kind, status, cookies }) => [kind, status, cookies]), [['registration', 200, []]])
    await assertBound(user, app)
  })

  it('11. (Chromium) is bound after such a login that began with a session of the app, which was bound itself, and whose proof has expired meanwhile', async t => {
    const clock = movableClock(t)
    const app = await DeviceSite.start(t, { routes: OPENID })
    const user = await DeviceVisitor.enter(t, browser)
    await user.visitor.go(`${app.origin}/public`)
    await user.post('/begin', { state: 'abc' })
    assert.equal(await user.next('creation'), 'Success')
    assert.equal(await user.state(), 'bound')
    await user.visitor.go(other)
    await user.expire()
    clock.advance(1000)
    assert.equal(await logInThere(user, app, '/return?state=abc&user=ann'), 'ann')
    assert.equal(await user.next('creation'), 'Success')
    await assertBound(user, app)
  })

  it('11. (Chromium) is bound after such a login in a browser that has logged out, and has the binding of another user still', async t => {
    const clock = movableClock(t)
    const app = await DeviceSite.start(t)
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(app, 'bob')
    await user.post('/logout')
    clock.advance(1000)
    assert.equal(await logInThere(user, app, '/callback?user=ann'), 'ann')
    assert.equal(await user.next('creation'), 'Success')
    await assertBound(user, app)
  })

  /** The session is bound, also after its proof, and its cookie alone opens nothing. */
  async function assertBound (user: DeviceVisitor, { origin }: DeviceSite): Promise<void> {
    assert.deepEqual([await user.user(), await user.state()], ['ann', 'bound'])
    const cookies = await user.visitor.context.cookies()
    const { visitor: thief } = await DeviceVisitor.enter({ after: () => {} }, browser)
    await thief.context.addCookies(cookies.filter(({ name }) => name === 'session'))
    assert.match(await thief.go(`${origin}/page`), /nobody/)
    await thief.leave()
    await user.expire()
    assert.deepEqual([await user.user(), await user.state()], ['ann', 'bound'])
    await user.expire()
    assert.equal(await follow(user, `${origin}/page#part`), 'ann')
  }
})

/** A login at another site that the app's session remembers. */
const OPENID: Handlers = {
  'POST /begin': ({ session, body }) => { Object.assign(session, body) },
  'GET /return': ({ session, query }, reply) => {
    const { state, user } = query as Record<string, string>
    if ((session as Bag).state !== state) return reply.code(400).send('not begun here')
    session.regenerate()
    Object.assign(session, { user })
    return reply.redirect('/page')
  }
}
