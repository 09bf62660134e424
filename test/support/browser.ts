// A real Chromium, visitors in it with a cookie jar each, and servers that it reaches by name.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate, createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { chromium, type Browser, type BrowserContext, type Cookie, type LaunchOptions, type Page } from 'playwright-core'

/** Path of the browser; undefined without one. */
export const browserPath = process.env.CHROMIUM || ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(path => existsSync(path))

/** Why there can be no browser here, for `skip`; false where there is one. */
export const noBrowser: string | false = browserPath === undefined
  ? 'Chromium is not installed: apt-get install chromium, or name its path in the environment variable CHROMIUM'
  : spawnSync('openssl', ['version']).error === undefined ? false : 'openssl, which makes a certificate for the tests, is not installed'

/**
 * A folder for what a browser keeps, which is there until this process ends. Hooks run in the order in which a test adds them: one that
 * removed the folder would come before the one that closes the browser, which writes into it meanwhile.
 */
export function profileFolder (): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealed-session-profile-'))
  process.once('exit', () => { rmSync(folder, { recursive: true, force: true }) })
  return folder
}

/** Every name below `.test` is this machine, so that there are several sites; all others lead nowhere. */
const NAMES = 'MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1'

/** How Chromium is started. @param args more arguments */
function options (args: readonly string[]): LaunchOptions {
  return {
    executablePath: browserPath!, // tests are skipped without one
    // Playwright turns off what lets the back button show a page as it was left.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', `--host-resolver-rules=${NAMES}`,
      `--ignore-certificate-errors-spki-list=${publicKeyHash()}`, ...args
    ]
  }
}

/** A browser for visitors, all of them in private windows, which block cookies of third parties. */
export async function launch (args: readonly string[] = []): Promise<Browser> {
  return await chromium.launch(options(args))
}

/** Skips a test for a browser that is older than it needs. @returns true if it is skipped. */
export function skipBefore (t: TestContext, browser: Browser, version: number): boolean {
  const isOlder = Number.parseInt(browser.version()) < version
  if (isOlder) t.skip(`Chromium ${browser.version()} is older than ${version}`)
  return isOlder
}

let certificate: { key: string, cert: string } | undefined

/** Server options for plain HTTP. Browsers hold connections, some of them unused, which closing would wait for. */
export const plain: FastifyServerOptions = { forceCloseConnections: true }

/** Server options for TLS with a certificate of its own, which the browser trusts. */
export function tls (): FastifyServerOptions {
  certificate ??= makeCertificate()
  return { ...plain, https: certificate } as FastifyServerOptions
}

/**
 * What the browser knows the certificate by. Were its errors ignored (`ignoreHTTPSErrors`), it would
 * take the site for an unsafe one, of which it caches nothing and takes no `Clear-Site-Data`.
 */
function publicKeyHash (): string {
  certificate ??= makeCertificate()
  const publicKey = new X509Certificate(certificate.cert).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(publicKey).digest('base64')
}

function makeCertificate (): { key: string, cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'sealed-session-tls-'))
  const [keyFile, certFile] = [join(folder, 'key'), join(folder, 'cert')]
  try {
    execFileSync('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1',
      '-subj', '/CN=app.test', '-keyout', keyFile, '-out', certFile
    ], { stdio: 'ignore' })
    return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true, maxRetries: 20 })
  }
}

/** Starts an app on this machine. @returns its port */
export async function listen (app: FastifyInstance, port = 0): Promise<number> {
  await app.listen({ port, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** Somebody with a browser profile of their own, and one tab of it. */
export class Visitor {
  readonly context: BrowserContext
  readonly page: Page

  private constructor (context: BrowserContext, page: Page) {
    this.context = context
    this.page = page
  }

  static async enter (browser: Browser): Promise<Visitor> {
    const context = await browser.newContext()
    return new Visitor(context, await context.newPage())
  }

  /** With a browser that takes cookies of third parties, in the folder given. */
  static async withThirdParties (folder: string): Promise<Visitor> {
    mkdirSync(join(folder, 'Default'))
    writeFileSync(join(folder, 'Default', 'Preferences'), JSON.stringify({ profile: { cookie_controls_mode: 0 } }))
    return await Visitor.withProfile(folder)
  }

  /** With a browser of their own that keeps what it has in the folder given: the next one that starts with it goes on. */
  static async withProfile (folder: string, args: readonly string[] = []): Promise<Visitor> {
    const context = await chromium.launchPersistentContext(folder, options(args))
    return new Visitor(context, await context.newPage())
  }

  /** The same person with another tab, which is closed when the test ends. */
  async otherTab (t: TestContext): Promise<Visitor> {
    const page = await this.context.newPage()
    t.after(async () => { await page.close() })
    return new Visitor(this.context, page)
  }

  async leave (): Promise<void> {
    await this.context.close()
  }

  /** Opens a page. @returns its text */
  async go (url: string): Promise<string> {
    await this.page.goto(url)
    return await this.text()
  }

  /** The text that the tab shows. */
  async text (): Promise<string> {
    return await this.page.locator('body').innerText()
  }

  /** Has the page that is open send a request to its own origin. */
  async fetch (path: string, body?: object): Promise<{ status: number, text: string }> {
    return await this.page.evaluate(async ({ path, json }) => {
      const response = await fetch(path, json === null ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: json })
      return { status: response.status, text: await response.text() }
    }, { path, json: body === undefined ? null : JSON.stringify(body) })
  }

  /** Stores properties in the session, on an app with the routes of `SET_AND_GET`. */
  async set (data: object): Promise<void> {
    const { status, text } = await this.fetch('/set', data)
    assert.deepEqual([status, text], [200, 'set'])
  }

  /** What the session holds, on an app with the routes of `SET_AND_GET`. */
  async session (): Promise<Record<string, unknown>> {
    return JSON.parse((await this.fetch('/get')).text) as Record<string, unknown>
  }

  /** What a script of the page reads of its cookies. */
  async documentCookie (): Promise<string> {
    return await this.page.evaluate('document.cookie')
  }

  /** What is in the jar, as the browser stored it; by name. */
  async cookies (): Promise<Map<string, Cookie>> {
    return new Map((await this.context.cookies()).map(cookie => [cookie.name, cookie]))
  }

  /** The only cookie in the jar; fails where there is none, or several. */
  async cookie (): Promise<Cookie> {
    const cookies = await this.context.cookies()
    assert.equal(cookies.length, 1, JSON.stringify(cookies.map(({ name }) => name)))
    return cookies[0]!
  }
}
