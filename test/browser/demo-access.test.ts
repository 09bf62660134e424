// The demo's page is for everybody: by keyboard alone, with a screen reader, on a phone, in the dark.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { AxeResults } from 'axe-core'
import type { Browser } from 'playwright-core'
import { Demo } from '../support/demo-process.ts'
import { DemoVisit } from './demo-visit.ts'
import { launch, noBrowser } from '../support/browser.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** WCAG 2.2 AA, and what axe's makers advise besides. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** What a visitor has: colors, and the width of a window in CSS pixels. */
const WINDOWS = [['light', 1280], ['dark', 360]] as const

/** What WCAG asks for, in CSS pixels (1.4.10, reflow). */
const NARROWEST = 320

describe('the demo in Chromium', { skip: noBrowser }, () => {
  let browser: Browser
  let demo: Demo
  let visit: DemoVisit

  before(async () => {
    browser = await launch()
    demo = new Demo('0')
    await demo.url()
  })
  after(async () => {
    await browser.close()
    await demo.stop()
  })
  beforeEach(async () => { visit = await DemoVisit.begin(browser, demo, await demo.url()) })
  afterEach(async () => { await visit.end() })

  async function logIn (): Promise<void> { await visit.logIn() }

  /** What leads into each state of the page. */
  const states: Record<string, () => Promise<void>> = {
    'logged out': async () => {},
    'logged in': logIn,
    stolen: async () => {
      await logIn()
      await visit.press('Give a thief a copy', /^The thief has/)
    },
    split: async () => {
      await logIn()
      for (let book = 1; book <= 5; book++) await visit.press('Put a book in', new RegExp(`^${book} book`))
    },
    tampered: async () => {
      await logIn()
      await visit.press('Flip one bit', /the seal is broken/)
    },
    expired: async () => {
      await logIn()
      await visit.later(122)
      await visit.says(/^The session is over/)
    }
  }

  for (const [state, lead] of Object.entries(states)) {
    it(`has nothing that axe finds, in light and on a phone in the dark, and fits into ${NARROWEST} px: ${state}`, async () => {
      await lead()
      await visit.page.evaluate(AXE)
      for (const [colorScheme, width] of WINDOWS) {
        await visit.page.emulateMedia({ colorScheme })
        await visit.page.setViewportSize({ width, height: 800 })
        const where = `${colorScheme}, ${width} px`
        const { violations } = await visit.page.evaluate<AxeResults>(`axe.run({ runOnly: ${JSON.stringify(RULES)} })`)
        assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ target }) => target.join())]), [], where)
      }
      await visit.page.setViewportSize({ width: NARROWEST, height: 800 })
      assert.equal(await visit.page.evaluate('document.documentElement.scrollWidth'), NARROWEST)
    })
  }

  for (const [state, width] of [['logged out', 1280], ['split', 1280], ['split', 360]] as const) {
    it(`is reached by the Tab key in the order of the page, each control in sight and with a ring: ${state}, ${width} px`, async () => {
      await states[state]!()
      await visit.page.setViewportSize({ width, height: 800 })
      await visit.page.getByRole('heading', { level: 1 }).click() // where the Tab key starts from
      await visit.page.evaluate(CONTROLS)
      const controls = await visit.page.evaluate<string[]>('controls.map(nameOf)')
      assert.ok(controls.length >= 14)
      const reached = []
      for (const name of controls) {
        await visit.page.keyboard.press('Tab')
        const { focused, ring, isInSight } = await visit.page.evaluate<{ focused: string, ring: number, isInSight: boolean }>('focusNow()')
        reached.push(focused)
        assert.ok(ring >= 2, `${name} has a ring`)
        assert.ok(isInSight, `${name} is in sight`)
      }
      assert.deepEqual(reached, controls)
    })
  }

  it('is used with the keyboard alone: log in, break the cookie, log out', async () => {
    const { keyboard } = visit.page
    const focused = async (): Promise<string> => await visit.page.evaluate('document.activeElement.id || document.activeElement.dataset.action')
    await keyboard.press('Tab')
    await keyboard.type('Ada')
    await keyboard.press('Tab')
    await keyboard.press('Space')
    await keyboard.press('Enter')
    await visit.says(/^Logged in/)
    assert.equal(await focused(), 'steal')
    while (await focused() !== 'tamper') await keyboard.press('Tab')
    await keyboard.press('Space')
    await visit.says(/the seal is broken/)
    assert.equal(await focused(), 'tamper')
    await keyboard.press('Enter')
    await visit.says(/^Flipped back/)
    while (await focused() !== 'logout') await keyboard.press('Tab')
    await keyboard.press('Enter')
    await visit.says(/^Logged out/)
    assert.equal(await focused(), 'logout')
  })

  it('tells a screen reader results only, and each button with what it does', async () => {
    await visit.logIn()
    const { page } = visit
    assert.equal(await page.locator('[role=status], [role=alert], [aria-live]').count(), 1)
    const snapshot = await page.locator('main').ariaSnapshot()
    assert.match(snapshot, /- status: Logged in\. Your session is sealed/)
    for (const button of await page.getByRole('button').filter({ visible: true }).all()) {
      const description = await button.evaluate('element => document.getElementById(element.getAttribute("aria-describedby"))?.textContent ?? ""')
      assert.ok(description !== '' || await button.evaluate('element => element.form !== null'), await button.innerText())
    }
  })
})

/** What the page has that takes the focus, and what is to know of that which has it. */
const CONTROLS = `
  controls = [...document.querySelectorAll('a[href], button, input, textarea, [tabindex]')].filter(element => element.getClientRects().length > 0)
  nameOf = element => element.tagName + ' ' + (element.dataset.action ?? (element.id || element.ariaLabel || element.textContent))
  focusNow = () => {
    const element = document.activeElement
    const { left, top, width, height } = element.getBoundingClientRect()
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    const found = document.elementFromPoint(left + width / 2, top + height / 2)
    return { focused: nameOf(element), ring: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth), isInSight: element.contains(found) }
  }`
