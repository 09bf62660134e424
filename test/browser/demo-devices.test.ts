// The demo's page 'Your devices', used by two devices of one user in a real browser.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { AxeResults } from 'axe-core'
import type { Browser } from 'playwright-core'
import { Browser as Client, Demo } from '../support/demo-process.ts'
import { DemoVisit } from './demo-visit.ts'
import { launch, noBrowser } from '../support/browser.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const ENDED = /^This session is over: .* on another device, .* log in again\.$/

describe("the demo's page 'Your devices' in Chromium", { skip: noBrowser }, () => {
  let browser: Browser
  let demo: Demo
  let url: string
  let name: string
  let users = 0
  let laptop: DemoVisit
  let phone: DemoVisit

  before(async () => {
    browser = await launch()
    demo = new Demo('0')
    url = await demo.url()
  })
  after(async () => {
    await browser.close()
    await demo.stop()
  })
  beforeEach(async () => {
    name = `Ada ${++users}` // sessions of the test before would be in the list
    laptop = await enter()
    phone = await enter()
    await phone.page.setViewportSize({ width: 360, height: 740 })
  })
  afterEach(async () => {
    const problems = [...await laptop.problems(), ...await phone.problems()]
    await laptop.end()
    await phone.end()
    assert.deepEqual(problems, [])
  })

  /** Logs in, and goes to the list by the link. */
  async function enter (): Promise<DemoVisit> {
    const visit = await DemoVisit.begin(browser, demo, url)
    await visit.logIn(name)
    await visit.page.getByRole('link', { name: 'Your devices' }).click()
    await visit.says(/^These are your sessions/)
    return visit
  }

  async function confirm ({ page }: DemoVisit): Promise<void> {
    await page.getByLabel('Password').fill('analytical engine')
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByRole('status').filter({ hasText: /^Confirmed/ }).waitFor()
  }

  /** Waits until the list has so many sessions. */
  async function has ({ page }: DemoVisit, sessions: number): Promise<void> {
    await page.locator('#count').filter({ hasText: `${sessions} of 5` }).waitFor()
    assert.equal(await page.locator('#list li').count(), sessions)
  }

  it('asks for the password, ends the other session, and the open page there says so by itself instead of a list', async () => {
    await has(laptop, 2)
    await laptop.press('End', /^Give your password first/)
    assert.equal(await laptop.page.evaluate('document.activeElement.id'), 'password')
    await confirm(laptop)
    assert.match(await laptop.text('#confirmed'), /^Confirmed, [01]:\d\d left$/)
    await laptop.press('End', /^Ended: its cookie is refused/)
    await has(laptop, 1)
    await phone.says(ENDED)
    assert.equal(await phone.page.locator('#list').isVisible(), false)
    assert.equal(await phone.page.getByLabel('Password').isVisible(), false)
    await phone.page.getByRole('link', { name: 'Back to the session' }).click()
    await phone.says(/on another device/)
    await phone.logIn(name)
  })

  it('ends all others from a phone, with a finger, and the list of the laptop is gone', async () => {
    await confirm(phone)
    await phone.press('End all others', /^All others are ended/)
    await has(phone, 1)
    assert.equal(await phone.text('#list .pill'), 'This device')
    await laptop.says(ENDED)
  })

  it('says that it is over to who presses a button in the moment after it was ended', async () => {
    await confirm(phone)
    await phone.press('End all others', /^All others are ended/)
    // The page may have heard of the end by now, and have hidden the button from a mouse.
    const answered = laptop.page.waitForResponse(response => response.request().method() === 'POST')
    await laptop.page.locator('[data-action="end-others"]').dispatchEvent('click')
    await answered
    await laptop.says(ENDED)
  })

  it('shows a login elsewhere by itself, and a device and a user whose names are HTML as text', async () => {
    const evil = '<img src=x onerror=alert(1)>'
    const client = new Client(url)
    await client.post('/login', { name }, { 'user-agent': evil })
    await has(laptop, 3)
    assert.deepEqual(await laptop.page.locator('#list strong').filter({ hasText: evil }).allTextContents(), [evil])
    assert.equal(await laptop.page.locator('img').count(), 0)
    await laptop.page.goto(url)
    await laptop.press('Log out here', /^Logged out/)
    await laptop.logIn(evil)
    await laptop.page.goto(`${url}/devices`)
    await has(laptop, 1)
    assert.equal(await laptop.text('#devices-title'), `Sessions of ${evil}`)
  })

  it('keeps the focus on a button while the list is built anew', async () => {
    const end = laptop.page.getByRole('button', { name: 'End', exact: true })
    await end.focus()
    await new Client(url).post('/login', { name })
    await has(laptop, 3)
    assert.equal(await laptop.page.evaluate('document.activeElement.dataset.action'), 'end')
  })

  it('lets a sixth login end the one that began first, whose page says why', async () => {
    for (let more = 0; more < 4; more++) await new Client(url).post('/login', { name })
    await laptop.says(ENDED)
    await has(phone, 5)
  })

  it('has nothing that axe finds, in light and on a phone in the dark, and fits into 320 px: with a list, and when it is over', async () => {
    for (const state of ['list', 'over']) {
      if (state === 'over') {
        await confirm(phone)
        await phone.press('End all others', /^All others/)
        await laptop.says(ENDED)
      }
      await laptop.page.evaluate(AXE)
      for (const [colorScheme, width] of [['light', 1280], ['dark', 360]] as const) {
        await laptop.page.emulateMedia({ colorScheme })
        await laptop.page.setViewportSize({ width, height: 800 })
        const { violations } = await laptop.page.evaluate<AxeResults>(`axe.run({ runOnly: ${JSON.stringify(RULES)} })`)
        assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ target }) => target.join())]), [], `${state}, ${colorScheme}, ${width} px`)
      }
      await laptop.page.setViewportSize({ width: 320, height: 800 })
      assert.equal(await laptop.page.evaluate('document.documentElement.scrollWidth'), 320)
    }
  })
})
