// The back button after a logout: what a page shows depends on what the browser may keep of it.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import secureSession from '../../src/index.ts'
import { newKey } from '../helpers.ts'
import { launch, listen, noBrowser, tls, Visitor } from './support.ts'

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

describe('in Chromium, the back button after a logout', { skip: noBrowser }, () => {
  let browser: Browser
  let visitor: Visitor
  let app: FastifyInstance
  let origin: string

  before(async () => { browser = await launch() })
  after(async () => { await browser.close() })
  beforeEach(async () => { visitor = await Visitor.enter(browser) })
  afterEach(async () => {
    await visitor.leave()
    await app.close()
  })

  /** Starts an app; `/written` changes the session, `/read` only reads it, and both show what is in it. */
  async function visit ({ session = {}, headers = {}, atLogout = {}, script = '' }: Setup = {}): Promise<void> {
    app = Fastify(tls())
    app.register(secureSession, { key: newKey(), format: 'sealed', cookieName: '__Host-session', cookie: { path: '/', secure: true, sameSite: 'lax' }, ...session })
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

  // A page without `unload` is kept whole, with its scripts; of others, the response may be in the HTTP cache.
  for (const [how, script] of [['kept whole', ''], ['in the HTTP cache', 'addEventListener("unload", () => {})']] as const) {
    describe(`where the page could be ${how}`, () => {
      it('shows nothing private on a page that carried the session, by default', async () => {
        await visit({ script })
        assert.equal(await back('/written'), 'Please log in')
      })

      it('shows what was private on that page with noStore: false', async () => {
        await visit({ script, session: { noStore: false } })
        assert.equal(await back('/written'), 'The secret of Ada')
      })

      for (const [value, shown] of [
        [undefined, 'The secret of Ada'], ['private, no-cache', 'The secret of Ada'], ['no-store', 'Please log in']
      ] as const) {
        it(`shows "${shown}" on a page that only read the session, with ${value ?? 'no'} Cache-Control of the app's`, async () => {
          await visit({ script, ...value !== undefined && { headers: { 'cache-control': value } } })
          assert.equal(await back('/read'), shown)
        })
      }

      it(`shows ${script === '' ? 'what was' : 'nothing'} private with Clear-Site-Data at the logout`, async () => {
        await visit({ script, atLogout: { 'clear-site-data': '"cache"' } })
        assert.equal(await back('/read'), script === '' ? 'The secret of Ada' : 'Please log in')
      })
    })
  }
})
