// The demo's page 'Steal this cookie': a session that a real Chromium binds, and a copy of its cookies in another browser.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { AxeResults } from 'axe-core'
import type { Browser } from 'playwright-core'
import { Demo } from '../support/demo-process.ts'
import { DemoVisit } from './demo-visit.ts'
import { launch, noBrowser } from '../support/browser.ts'
import { BINDING, BINDING_WITH_QUOTA } from '../support/device-browser.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

const BOUND = /^This session is bound to this device/
const WORKS = /^The copy works/
const OVER = /^The copy does not work any more: it is bound to the device of a browser/

describe("the demo's page 'Steal this cookie' in Chromium", { skip: noBrowser }, () => {
  let browser: Browser
  let demo: Demo
  let url: string
  let visits: DemoVisit[]

  before(async () => {
    demo = new Demo('0', ['--tls'])
    url = await demo.url()
    browser = await launch([...BINDING, await demo.printed(/--ignore-certificate-errors-spki-list=\S+/)])
  })
  after(async () => {
    await browser.close()
    await demo.stop()
  })
  beforeEach(() => { visits = [] })
  afterEach(async () => {
    const problems = await Promise.all(visits.map(async visit => await visit.problems()))
    for (const visit of visits) await visit.end()
    assert.deepEqual(problems.flat(), [])
  })

  async function enter (path?: string): Promise<DemoVisit> {
    const visit = await DemoVisit.beginAt(browser, demo, url, path)
    visits.push(visit)
    return visit
  }

  /** Somebody who has logged in, and looks at the page. */
  async function owner (): Promise<DemoVisit> {
    const visit = await enter()
    await visit.logIn()
    await visit.page.getByRole('link', { name: 'Steal this cookie' }).click()
    await visit.says(BOUND)
    return visit
  }

  async function linkOf (visit: DemoVisit): Promise<string> {
    await visit.press('Steal this cookie', /^Copied/)
    const href = await visit.page.getByRole('link', { name: 'Link for the other browser' }).getAttribute('href')
    return href!.slice(url.length) // it is an absolute URL, or the next step fails
  }

  /** Another browser that has opened the link, and uses the copy. */
  async function thiefOf (visit: DemoVisit): Promise<DemoVisit> {
    const thief = await enter(await linkOf(visit))
    await thief.press('Put the stolen cookies into this browser', WORKS)
    return thief
  }

  async function event (visit: DemoVisit, pattern: RegExp): Promise<void> {
    await visit.page.locator('#events li').filter({ hasText: pattern }).first().waitFor()
  }

  it('shows a stolen copy work in another browser while the proof lasts and stop when it ends, and the own browser goes on', async () => {
    const ada = await owner()
    assert.equal(await ada.text('#state'), 'Bound')
    assert.match(await ada.text('#facts'), /User\s+Ada\s+Bound\s+since \d\d:\d\d:\d\d\s+Proven\s+last at \d\d:\d\d:\d\d\s+Proof\s+[45]:\d\d left/)
    await event(ada, /the session is bound/)
    await event(ada, /offered to bind/)
    const thief = await thiefOf(ada)
    assert.equal(await thief.text('#state'), 'The copy works')
    assert.match(await thief.text('#result'), /for Ada's/)
    await ada.press('Let the proof end now', /^The proof has ended\. This browser has proved its key again/)
    await event(ada, /has a new proof/)
    await thief.says(OVER)
    assert.equal(await thief.text('#state'), 'The copy is over')
    await event(ada, /without a proof.*as a copy does/)
    assert.equal(await ada.text('#state'), 'Bound')
    await thief.page.getByRole('link', { name: 'as the thief' }).click()
    await thief.says(/^The server refuses the cookie of this browser: it is bound to the device of a browser/)
    await ada.page.getByRole('link', { name: 'Back to the session' }).click()
    await ada.says(/^Welcome back/)
    await ada.press('Touch it', /^Touched/)
  })

  it('stops the copy in the same way after five minutes, if nobody lets the proof end', async () => {
    const ada = await owner()
    const thief = await thiefOf(ada)
    await demo.wait(299)
    await thief.page.reload()
    await thief.says(WORKS)
    await demo.wait(7) // with the five seconds that a proof counts beyond its time
    await thief.says(OVER)
    await ada.says(BOUND)
    await event(ada, /has a new proof/)
  })

  it('ends a copy that was made before the browser proved its key again, too', async () => {
    const ada = await owner()
    const thief = await thiefOf(ada)
    await ada.visitor.context.clearCookies({ name: 'sealed-demo.device' })
    await event(ada, /has a new proof/)
    await thief.page.reload()
    await thief.says(WORKS)
    await ada.press('Let the proof end now', /^The proof has ended/)
    await thief.says(OVER)
  })

  it('puts no copy into a browser that has a session of its own', async () => {
    const ada = await owner()
    const link = await linkOf(ada)
    const grace = await enter()
    await grace.logIn('Grace')
    await grace.go(url + link)
    await grace.press('Put the stolen cookies into this browser', /^This browser has a session already/)
    await grace.go(url)
    assert.match(await grace.text('#content'), /Grace/)
  })

  it('shows the events of a session to nobody else, and says before a login that there is none', async () => {
    const ada = await owner()
    await event(ada, /the session is bound/)
    const grace = await enter('/device')
    await grace.says(/^There is no session in this browser/)
    assert.equal(await grace.page.locator('#events li').count(), 0)
    assert.equal(await grace.page.locator('#steal').isVisible(), false)
  })

  it('says to a browser that cannot bind that the session is unbound, and a copy of it works on', async t => {
    const usual = await launch([await demo.printed(/--ignore-certificate-errors-spki-list=\S+/)])
    t.after(async () => { await usual.close() })
    const ada = await DemoVisit.beginAt(usual, demo, url)
    await ada.logIn()
    await ada.go(`${url}/device`)
    await ada.says(/^This session is not bound: a copy of its cookie works until it expires/)
    assert.equal(await ada.text('#state'), 'Unbound')
    const thief = await DemoVisit.beginAt(usual, demo, url, await linkOf(ada))
    await thief.press('Put the stolen cookies into this browser', WORKS)
    await ada.press('Let the proof end now', /^There is no proof to end/)
    await thief.page.reload()
    await thief.says(WORKS)
  })

  it('shows the session as unproven to a browser that has used up its signatures, and says why', async t => {
    const strict = await launch([...BINDING_WITH_QUOTA, await demo.printed(/--ignore-certificate-errors-spki-list=\S+/)])
    t.after(async () => { await strict.close() })
    const ada = await DemoVisit.beginAt(strict, demo, url)
    await ada.logIn()
    await ada.go(`${url}/device`)
    await ada.says(BOUND)
    for (let proof = 2; proof <= 6; proof++) await ada.press('Let the proof end now', /^The proof has ended/)
    await ada.press('Let the proof end now', /^This browser came without a proof, and says why: it has proved its key six times in nine minutes/)
    assert.equal(await ada.text('#state'), 'Unproven')
  })

  it('has nothing that axe finds, in light and in the dark, and fits into 320 px: bound, as a thief, and when the copy is over', async () => {
    const ada = await owner()
    const thief = await thiefOf(ada)
    await sound(ada)
    await sound(thief)
    await ada.press('Let the proof end now', /^The proof has ended/)
    await thief.says(OVER)
    await sound(thief)
  })

  async function sound ({ page }: DemoVisit): Promise<void> {
    await page.evaluate(AXE)
    for (const [colorScheme, width] of [['light', 1280], ['dark', 360]] as const) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 800 })
      const { violations } = await page.evaluate<AxeResults>(`axe.run({ runOnly: ${JSON.stringify(RULES)} })`)
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ target }) => target.join())]), [], `${colorScheme}, ${width} px`)
    }
    await page.setViewportSize({ width: 320, height: 800 })
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 320)
  }
})

describe("the demo's page 'Steal this cookie' over plain http in Chromium", { skip: noBrowser }, () => {
  it('says in one sentence that nothing is bound, and how to start the demo over TLS', async t => {
    const browser = await launch(BINDING)
    t.after(async () => { await browser.close() })
    const demo = new Demo('0')
    t.after(async () => { await demo.stop() })
    const visit = await DemoVisit.begin(browser, demo, await demo.url())
    await visit.logIn()
    await visit.page.getByRole('link', { name: 'Steal this cookie' }).click()
    await visit.says(/^Over plain http no browser binds a session: start the demo with "npm run demo -- --tls", .*\.$/)
    assert.deepEqual(await visit.page.locator('section:visible').count(), 0)
    assert.deepEqual([...(await visit.visitor.cookies()).keys()], ['sealed-demo'])
    assert.deepEqual(await visit.problems(), [])
  })
})
