// The back button after a logout: what a page shows depends on what the browser may keep of it.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import { tableUnder } from '../docs/markdown.ts'
import { read } from '../docs/source.ts'
import { newKey } from '../support/helpers.ts'
import { launch, listen, noBrowser, tls, Visitor } from '../support/browser.ts'
import { newApp } from '../support/app.ts'

interface Setup {
  /** Options of the session. */
  session?: object
  /** Of `/read` and `/written`. */
  headers?: Record<string, string>
  /** Headers of the answer to the logout. */
  atLogout?: Record<string, string>
  /** Of the pages. */
  script?: string
}

/** What becomes of a page: one that listens for `unload` is never kept whole. */
const KEPT = [{ how: 'kept whole', script: '' }, { how: 'in the HTTP cache', script: 'addEventListener("unload", () => {})' }]

/** The rows of the table in docs/reference/browsers.md: a page, and what else there is. */
const CASES: Record<string, [path: '/read' | '/written', setup: Setup]> = {
  'it changed the session': ['/written', {}],
  'it changed the session, with `noStore: false`': ['/written', { session: { noStore: false } }],
  'it only read the session': ['/read', {}],
  'it only read the session, with `private, no-cache`': ['/read', { headers: { 'cache-control': 'private, no-cache' } }],
  'it only read the session, with `no-store`': ['/read', { headers: { 'cache-control': 'no-store' } }],
  'it only read the session, and the logout has `Clear-Site-Data: "cache"`': ['/read', { atLogout: { 'clear-site-data': '"cache"' } }]
}

describe('in Chromium, the back button after a logout', { skip: noBrowser }, () => {
  let browser: Browser
  let visitor: Visitor
  let app: FastifyInstance
  let origin: string

  before(async () => {
    browser = await launch()
    visitor = await Visitor.enter(browser)
  })
  after(async () => { await browser.close() })
  afterEach(async () => {
    await visitor.context.clearCookies()
    await app.close()
  })

  /** Starts an app; `/written` changes the session, `/read` only reads it, and both show what is in it. */
  async function visit ({ session = {}, headers = {}, atLogout = {}, script = '' }: Setup = {}): Promise<void> {
    app = newApp({
      server: tls(),
      session: { key: newKey(), format: 'sealed', cookieName: '__Host-session', cookie: { path: '/', secure: true, sameSite: 'lax' }, ...session }
    })
    app.get('/login', async ({ session }, reply) => {
      session.set('name', 'Ada')
      return reply.redirect('/start')
    })
    app.get('/start', async (_request, reply) => reply.type('text/html').send('<title>Start</title>Start'))
    for (const path of ['/read', '/written']) {
      app.get(path, async ({ session }, reply) => {
        const name = session.get('name')
        if (path === '/written' && name !== undefined) session.touch()
        const text = name === undefined ? 'Please log in' : `The secret of ${name}`
        return reply.headers(headers).type('text/html').send(`<title>Page</title><script>${script}</script><p>${text}</p><form method="post" action="/logout" enctype="text/plain"><button>Log out</button></form>`)
      })
    }
    app.post('/logout', async ({ session }, reply) => {
      session.delete()
      return reply.headers(atLogout).redirect('/bye', 303)
    })
    app.get('/bye', async (_request, reply) => reply.type('text/html').send('<title>Bye</title>Bye'))
    origin = `https://app.test:${await listen(app)}`
    await visitor.go(`${origin}/login`)
  }

  /** What the back button shows once somebody has logged out on a page. */
  async function back (path: string): Promise<string> {
    await visitor.go(origin + path)
    assert.match(await visitor.text(), /The secret of Ada/)
    await visitor.page.locator('button').click()
    await visitor.page.waitForURL(`${origin}/bye`)
    assert.equal((await visitor.cookies()).size, 0)
    await visitor.page.goBack({ waitUntil: 'commit' })
    await visitor.page.locator('p').waitFor()
    return await visitor.page.locator('p').innerText()
  }

  for (const [what = '', ...cells] of tableUnder(read('docs/reference/browsers.md'), '## The back button')) {
    for (const [index, { how, script }] of KEPT.entries()) {
      it(`on a page that was ${how}: ${what}; the browser ${cells[index]}`, async () => {
        const [path, setup] = CASES[what] ?? assert.fail(what)
        await visit({ ...setup, script })
        assert.equal(await back(path), cells[index] === 'asks the server' ? 'Please log in' : 'The secret of Ada')
      })
    }
  }
})
