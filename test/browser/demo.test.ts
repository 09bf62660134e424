// The demo, clicked through in a real browser.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { Demo } from '../support/demo-process.ts'
import { DemoVisit } from './demo-visit.ts'
import { launch, noBrowser } from '../support/browser.ts'

describe('the demo in Chromium', { skip: noBrowser }, () => {
  let browser: Browser
  let demo: Demo
  let url: string
  let visit: DemoVisit

  before(async () => {
    browser = await launch()
    demo = new Demo('0')
    url = await demo.url()
  })
  after(async () => {
    await browser.close()
    await demo.stop()
  })
  beforeEach(async () => { visit = await DemoVisit.begin(browser, demo, url) })
  afterEach(async () => {
    const problems = await visit.problems()
    await visit.end()
    assert.deepEqual(problems, [])
  })

  it('says before a login that there is no session, and why each button does nothing yet', async () => {
    await visit.says(/^No session yet/)
    for (const button of ['Only read it', 'Touch it', 'Put a book in', 'Take a book out', 'Log out here', 'Give a thief a copy', 'Log out everywhere']) {
      await visit.press(button, /^There is no session: log in first\.$/)
    }
    await visit.press('Flip one bit', /^There is no cookie to tamper with/)
    await visit.press('Put the copied cookie back', /^There is no copied cookie yet/)
  })

  it('logs in, and shows the very cookie that is in the jar and that no script can read', async () => {
    await visit.logIn()
    const cookie = await visit.visitor.cookie()
    assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite, cookie.path, cookie.expires], ['sealed-demo', true, 'Lax', '/', -1])
    assert.equal(await visit.text('.token'), cookie.value)
    assert.equal(await visit.visitor.documentCookie(), '')
    assert.match(await visit.text('#content'), /"name": "Ada"/)
    assert.equal(await visit.text('#status'), 'Opened')
  })

  it('shows in the first minute that a copied cookie works, and that it is dead after a logout everywhere', async () => {
    assert.deepEqual([await visit.text('#you'), await visit.text('#thief')], ['No session', 'Has no cookie yet'])
    await visit.press('Give a thief a copy', /^There is no session: log in first/)
    await visit.logIn()
    await visit.press('Give a thief a copy', /^The thief has the cookie/)
    assert.deepEqual([await visit.text('#you'), await visit.text('#thief')], ['Logged in as Ada', 'Logged in as Ada, with the copy'])
    await visit.press('Log out everywhere', /^Logged out everywhere/)
    assert.equal(await visit.text('#you'), 'No session')
    assert.match(await visit.text('#thief'), /^Refused: that session has ended$/)
  })

  it('has the first step on the first screen of a phone, and after the login the other two', async () => {
    await visit.page.setViewportSize({ width: 390, height: 844 })
    const isInSight = async (name: string): Promise<boolean> => {
      const box = await visit.page.getByRole('button', { name, exact: true }).boundingBox()
      return box !== null && box.y >= 0 && box.y + box.height <= 844
    }
    assert.equal(await isInSight('Log in'), true)
    await visit.logIn()
    for (const name of ['Give a thief a copy', 'Log out everywhere']) assert.equal(await isInSight(name), true, name)
    await visit.press('Give a thief a copy', /^The thief has the cookie/)
    const { y, height } = (await visit.page.locator('#thief').boundingBox())!
    assert.ok(y + height <= 844, `the thief ends at ${y + height}`)
  })

  it('shows the thief with a session that was split into two cookies', async () => {
    await visit.logIn()
    for (let book = 1; book <= 5; book++) await visit.press('Put a book in', new RegExp(`^${book} book`))
    await visit.press('Give a thief a copy', /^The thief has the cookie/)
    assert.equal(await visit.text('#thief'), 'Logged in as Ada, with the copy')
  })

  it('counts visits, keeps a note, is read and touched', async () => {
    await visit.logIn()
    await visit.page.getByLabel('Something to remember').fill('weaves <b>patterns</b>')
    await visit.press('Save, and count a visit', /^Visit 2 is in the session/)
    assert.match(await visit.text('#content'), /"note": "weaves <b>patterns<\/b>"/)
    await visit.press('Only read it', /^Only read: /)
    await visit.press('Touch it', /^Touched: /)
  })

  it('remembers who asks for it, in the jar as well', async () => {
    await visit.logIn('Ada', true)
    assert.ok((await visit.visitor.cookie()).expires > 0)
  })

  it('outgrows one cookie, does not outgrow two, and shrinks again', async () => {
    await visit.logIn()
    for (const said of [/^1 book /, /^2 books/, /^3 books/, /^4 books .*fits into one/, /^5 books .*split into 2 cookies/, /^6 books/, /^7 books/]) {
      await visit.press('Put a book in', said)
    }
    assert.equal((await visit.visitor.cookies()).size, 2)
    assert.equal(await visit.page.locator('.token').count(), 2)
    await visit.press('Put a book in', /would not fit into two cookies.*FST_SEALED_SESSION_COOKIE_TOO_LARGE/)
    for (const said of [/^6 books/, /^5 books/, /^4 books .*one cookie is enough/]) await visit.press('Take a book out', said)
    assert.equal((await visit.visitor.cookies()).size, 1)
  })

  it('refuses a cookie with one bit flipped, shows which, and opens it flipped back', async () => {
    await visit.logIn()
    const { value } = await visit.visitor.cookie()
    await visit.press('Flip one bit', /the seal is broken/)
    assert.equal(await visit.text('#status'), 'Refused')
    assert.equal((await visit.text('.token mark')).length, 1)
    assert.notEqual((await visit.visitor.cookie()).value, value)
    await visit.press('Flip one bit', /^Flipped back/)
    assert.equal((await visit.visitor.cookie()).value, value)
  })

  it('keeps the session through new keys, and refuses what a retired one has sealed', async () => {
    await visit.logIn()
    await visit.press('Add a new key', /sealed again with the new one/)
    await visit.press('Put the copied cookie back', /^The copied cookie opens: its key is still there/)
    await visit.press('Add a new key', /sealed again with the new one/)
    while (await visit.page.locator('#keys li').count() > 1) await visit.press('Retire the oldest key', /^The oldest key is gone/)
    await visit.press('Put the copied cookie back', /refused: it names a key that the server does not have/)
  })

  it('logs out: the jar is empty, and the copied cookie is refused', async () => {
    await visit.logIn()
    await visit.press('Log out here', /^Logged out/)
    assert.equal((await visit.visitor.cookies()).size, 0)
    await visit.press('Put the copied cookie back', /ended by a logout/)
  })

  it('logs out everywhere: the other device learns it when its window is looked at', async () => {
    const other = await DemoVisit.begin(browser, demo, url)
    await other.logIn()
    await visit.logIn()
    await visit.press('Log out everywhere', /^Logged out everywhere/)
    await other.page.evaluate('window.dispatchEvent(new Event("focus"))')
    await other.says(/ended by a logout/)
    assert.deepEqual(await other.problems(), [])
    await other.end()
  })

  it('counts down, and says when the session has expired', async () => {
    await visit.logIn()
    await visit.later(60)
    await visit.page.locator('#idle-left').filter({ hasText: '1:00 left' }).waitFor()
    await visit.later(62)
    await visit.says(/^The session is over: it has reached one of its limits/)
  })

  it('shows nothing of the session with the back button where another tab has logged out meanwhile', async t => {
    await visit.logIn()
    const other = await visit.visitor.otherTab(t)
    await other.go(url)
    await visit.page.goto('about:blank')
    await other.fetch('/logout', {})
    await visit.page.goBack({ waitUntil: 'commit' })
    await visit.says(/^(No session yet|Logged out)/)
    assert.doesNotMatch(await visit.text('main'), /Ada/)
  })

  it('still shows the session after a reload, and nothing after a logout and the back button', async () => {
    await visit.logIn()
    await visit.page.reload()
    await visit.says(/^Welcome back/)
    await visit.press('Log out here', /^Logged out/)
    await visit.page.goto('about:blank')
    await visit.page.goBack({ waitUntil: 'commit' })
    await visit.says(/^(No session yet|Logged out)/)
    assert.doesNotMatch(await visit.text('main'), /Ada/)
  })
})
