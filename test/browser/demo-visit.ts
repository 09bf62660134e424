// A visit to the demo that notes what must not happen: errors, requests to elsewhere, what its
// Content-Security-Policy has stopped.
import type { Browser, Page } from 'playwright-core'
import { Browser as Client, type Demo } from '../support/demo-process.ts'
import { Visitor } from '../support/browser.ts'

export class DemoVisit {
  readonly visitor: Visitor
  readonly page: Page
  readonly #demo: Demo
  readonly #problems: string[] = []
  /** The server's, in milliseconds since 1970. */
  #now = 0

  private constructor (visitor: Visitor, demo: Demo) {
    this.visitor = visitor
    this.page = visitor.page
    this.#demo = demo
  }

  static async begin (browser: Browser, demo: Demo, url: string): Promise<DemoVisit> {
    const visit = new DemoVisit(await Visitor.enter(browser), demo)
    await visit.#watch(url)
    visit.#now = await timeOf(url)
    await visit.page.clock.setFixedTime(visit.#now)
    await visit.go(url)
    return visit
  }

  /** With the clock of the browser, at any page: over TLS nobody but the browser reaches the demo. */
  static async beginAt (browser: Browser, demo: Demo, url: string, path = '/'): Promise<DemoVisit> {
    const visit = new DemoVisit(await Visitor.enter(browser), demo)
    await visit.#watch(url)
    await visit.go(url + path)
    return visit
  }

  /** Opens a page, and waits until it says something. */
  async go (url: string): Promise<void> {
    await this.page.goto(url)
    await this.says(/^(?!Loading)/)
  }

  async end (): Promise<void> {
    await this.visitor.leave()
  }

  async #watch (url: string): Promise<void> {
    this.page.setDefaultTimeout(20_000)
    this.page.on('pageerror', error => this.#problems.push(`error: ${error.message}`))
    this.page.on('console', message => {
      // That an answer was an error is what some tests are about; the page says so itself.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) this.#problems.push(`console: ${message.text()}`)
    })
    this.page.on('request', request => {
      if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('data:')) this.#problems.push(`request: ${request.url()}`)
    })
    await this.page.addInitScript(`
      globalThis.violations = []
      addEventListener('securitypolicyviolation', event => violations.push(event.effectiveDirective + ' ' + event.blockedURI))`)
  }

  /** What must not have happened. */
  async problems (): Promise<string[]> {
    return [...this.#problems, ...await this.page.evaluate<string[]>('violations')]
  }

  /** Waits until the page says something. */
  async says (pattern: RegExp): Promise<void> {
    await this.page.getByRole('status').filter({ hasText: pattern }).waitFor()
  }

  /** Presses a button, also one that says why it does nothing now. */
  async press (name: string, said: RegExp): Promise<void> {
    await this.page.evaluate('document.getElementById("result").textContent = ""') // what it said before does not count
    await this.page.getByRole('button', { name, exact: true }).click({ force: true })
    await this.says(said)
  }

  async logIn (name = 'Ada', isRemembered = false): Promise<void> {
    await this.page.getByLabel('Your name').fill(name)
    if (isRemembered) await this.page.getByLabel('Remember me').check()
    await this.press('Log in', /^Logged in/)
  }

  async text (selector: string): Promise<string> {
    return await this.page.locator(selector).first().innerText()
  }

  /** Moves the clock of the server and that of the page, which counts down once a second. */
  async later (seconds: number): Promise<void> {
    await this.#demo.wait(seconds)
    this.#now += seconds * 1000
    await this.page.clock.setFixedTime(this.#now)
  }
}

/** What the server's clock says, which stands still: its sessions do. */
async function timeOf (url: string): Promise<number> {
  const client = new Client(url)
  await client.post('/login', { name: 'Clock' })
  return Date.parse((await client.state()).info.createdAt!) // of a session that was just made
}
