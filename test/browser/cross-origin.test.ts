// Requests that pages of the app, of a subdomain, of another site and of the same name without TLS make a browser send.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import websocket from '@fastify/websocket'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import type { Browser } from 'playwright-core'
import { crossOriginProtection, type CrossOriginProtectionOptions } from '../../src/cross-origin/index.ts'
import { newApp } from '../support/app.ts'
import { newKey } from '../support/helpers.ts'
import { otherSite, pageAt } from './other-site.ts'
import { Visitor, launch, listen, noBrowser, plain, tls } from '../support/browser.ts'

/** A request that the app has answered. */
interface Seen { path: string, status: number, site: string | undefined, origin: string | undefined }

/** An app under test, as a page of it or of another site sees it. */
interface AppUnderTest { app: FastifyInstance, origin: string, seen: Seen[] }

/** Routes that act with the session of the user. `/login` stands for one that got the attacker's password. */
async function start (options: CrossOriginProtectionOptions | null, server: FastifyServerOptions, scheme: string): Promise<AppUnderTest> {
  const seen: Seen[] = []
  const app = newApp({
    server,
    session: { key: newKey(), format: 'sealed', cookie: { path: '/', sameSite: 'lax', secure: scheme === 'https' } },
    before: app => {
      app.register(websocket)
      if (options !== null) app.register(crossOriginProtection, options)
      app.addHook('onSend', async ({ url, headers }, { statusCode }) => { see(url, statusCode, headers) })
    }
  })
  const see = (path: string, status: number, headers: Record<string, unknown>): void => {
    seen.push({ path, status, site: headers['sec-fetch-site'] as string | undefined, origin: headers.origin as string | undefined })
  }
  app.post('/act', async ({ session }) => `acted as ${session.get('userId' as never)}`)
  app.post('/login', async ({ session }) => {
    session.regenerate()
    session.set('userId' as never, 'mallory' as never)
    return 'logged in'
  })
  app.get('/link', async ({ session }) => `user ${session.get('userId' as never)}`)
  app.get<{ Querystring: { policy?: string } }>('/form', async ({ query: { policy = '' } }, reply) =>
    reply.type('text/html').header('referrer-policy', policy).send('<!doctype html><form method="post" enctype="text/plain" action="/act"><button>go</button></form>'))
  app.register(async app => {
    app.get('/socket', { websocket: true }, (socket, { session, url, headers }) => {
      see(url, 101, headers)
      socket.send(`user ${session.get('userId' as never)}`)
    })
  })
  return { app, origin: `${scheme}://app.test:${await listen(app)}`, seen }
}

describe('in Chromium, with crossOriginProtection', { skip: noBrowser }, () => {
  let browser: Browser
  let visitor: Visitor
  let sites: Record<'https' | 'http', FastifyInstance>
  let ports: Record<'https' | 'http', number>
  let current: AppUnderTest

  before(async () => {
    browser = await launch()
    sites = { https: otherSite(), http: otherSite(plain) }
    ports = { https: await listen(sites.https), http: await listen(sites.http) }
  })
  after(async () => {
    await browser.close()
    await Promise.all([sites.https.close(), sites.http.close()])
  })
  beforeEach(async () => { visitor = await Visitor.enter(browser) })
  afterEach(async () => {
    await visitor.leave()
    await current.app.close()
  })

  /** Starts an app and logs the user in. */
  async function logIn (scheme: 'https' | 'http', options: CrossOriginProtectionOptions | null = {}): Promise<void> {
    current = await start(options, scheme === 'https' ? tls() : plain, scheme)
    await visitor.go(`${current.origin}/untouched`)
    await visitor.set({ userId: 42 })
    current.seen.length = 0
  }

  const siteAt = (name: string, scheme: 'https' | 'http'): string => `${scheme}://${name}:${ports[scheme]}`

  /** Sends a form of another page. */
  async function submit (site: string, path: string): Promise<void> {
    await visitor.go(pageAt(site, '/form', current.origin + path))
    await visitor.page.locator('button').click()
    await visitor.page.waitForURL(current.origin + path)
  }

  /** Has a script of the page that is open send a POST with cookies, if the browser does. */
  async function script (path: string): Promise<void> {
    await visitor.page.evaluate(async to => { await fetch(to, { method: 'POST', mode: 'no-cors', credentials: 'include' }) }, current.origin + path)
  }

  /** Has a script of the page that is open begin a WebSocket. @returns the first message, or that it failed */
  async function connect (): Promise<string> {
    return await visitor.page.evaluate(async to => await new Promise<string>(resolve => {
      const socket = new WebSocket(to)
      socket.onmessage = ({ data }) => { resolve(String(data)); socket.close() }
      socket.onerror = () => { resolve('failed') }
    }), `${current.origin.replace('http', 'ws')}/socket`)
  }

  /** Status of each request to a path, with what the browser said of the page. */
  const answers = (path: string): Array<[status: number, site: string | undefined]> => current.seen.filter(seen => seen.path === path).map(({ status, site }) => [status, site])

  /** User of the session that the browser has now. */
  async function user (): Promise<unknown> {
    await visitor.go(`${current.origin}/untouched`)
    return (await visitor.session()).userId
  }

  describe('over TLS', () => {
    it('a form, a script and a WebSocket of the app\'s own page act as the user', async () => {
      await logIn('https')
      await visitor.go(`${current.origin}/form`)
      await visitor.page.locator('button').click()
      await visitor.page.waitForURL(`${current.origin}/act`)
      assert.equal(await visitor.text(), 'acted as 42')
      await script('/act')
      assert.equal(await connect(), 'user 42')
      assert.deepEqual(answers('/act'), [[200, 'same-origin'], [200, 'same-origin']])
    })

    it('so does a form of a page with Referrer-Policy: no-referrer, which sends "Origin: null"', async () => {
      await logIn('https')
      await visitor.go(`${current.origin}/form?policy=no-referrer`)
      await visitor.page.locator('button').click()
      await visitor.page.waitForURL(`${current.origin}/act`)
      assert.deepEqual(current.seen.filter(({ path }) => path === '/act'), [{ path: '/act', status: 200, site: 'same-origin', origin: 'null' }])
    })

    const pages = {
      'another site': ['other.test', 'https', 'cross-site'],
      'a subdomain': ['sub.app.test', 'https', 'same-site'],
      'the same name on another port': ['app.test', 'https', 'same-site'],
      'the same name without TLS': ['app.test', 'http', 'cross-site']
    } as const
    for (const [page, [name, scheme, site]] of Object.entries(pages)) {
      it(`a form, a script and a WebSocket of ${page} are refused`, async () => {
        await logIn('https')
        await submit(siteAt(name, scheme), '/act')
        assert.match(await visitor.text(), /FST_SEALED_SESSION_CROSS_ORIGIN/)
        await visitor.go(siteAt(name, scheme))
        await script('/act')
        assert.deepEqual(answers('/act'), [[403, site], [403, site]])
        assert.equal(await connect(), 'failed')
        // Chromium says nothing of the site with a WebSocket: Origin counts.
        assert.deepEqual(answers('/socket'), [[403, undefined]])
        assert.equal(await user(), 42)
      })

      it(`a login form of ${page} logs nobody in as somebody else, logged in or not`, async () => {
        await logIn('https')
        await submit(siteAt(name, scheme), '/login')
        assert.equal(await user(), 42)
        await visitor.context.clearCookies()
        await submit(siteAt(name, scheme), '/login')
        assert.deepEqual(await visitor.cookies(), new Map())
      })
    }

    it('a frame in a sandbox, also on the app\'s own page, is refused: its origin is null', async () => {
      await logIn('https')
      const sending = `<script>fetch('${current.origin}/act', { method: 'POST', mode: 'no-cors' }).finally(() => parent.postMessage('sent', '*'))</script>`
      await visitor.page.evaluate(`new Promise(resolve => {
        const frame = document.createElement('iframe')
        frame.sandbox.add('allow-scripts')
        frame.srcdoc = ${JSON.stringify(sending).replace('</script>', '<\\/script>')}
        addEventListener('message', resolve)
        document.body.append(frame)
      }).then(() => {})`)
      assert.deepEqual(current.seen.filter(({ path }) => path === '/act'), [{ path: '/act', status: 403, site: 'cross-site', origin: 'null' }])
    })

    it('a form and a WebSocket of a trusted origin pass', async () => {
      await logIn('https', { trustedOrigins: [siteAt('sub.app.test', 'https')] })
      await submit(siteAt('sub.app.test', 'https'), '/act')
      assert.equal(await visitor.text(), 'acted as 42')
      await visitor.go(siteAt('sub.app.test', 'https'))
      assert.equal(await connect(), 'user 42')
      await submit(siteAt('other.test', 'https'), '/act')
      assert.deepEqual(answers('/act'), [[200, 'same-site'], [403, 'cross-site']])
    })

    it('a link on another site leads in, with the session', async () => {
      await logIn('https')
      await visitor.go(pageAt(siteAt('other.test', 'https'), '/link', `${current.origin}/link`))
      await visitor.page.locator('a').click()
      await visitor.page.waitForURL(`${current.origin}/link`)
      assert.equal(await visitor.text(), 'user 42')
    })
  })

  describe('without TLS, where the browser sends no Sec-Fetch-Site and Origin counts', () => {
    it('a form, a script and a WebSocket of the app\'s own page act as the user', async () => {
      await logIn('http')
      await visitor.go(`${current.origin}/form`)
      await visitor.page.locator('button').click()
      await visitor.page.waitForURL(`${current.origin}/act`)
      await script('/act')
      assert.equal(await connect(), 'user 42')
      assert.deepEqual(answers('/act'), [[200, undefined], [200, undefined]])
    })

    for (const [page, name] of Object.entries({ 'another site': 'other.test', 'a subdomain': 'sub.app.test', 'the same name on another port': 'app.test' })) {
      it(`a form, a script, a WebSocket and a login form of ${page} are refused`, async () => {
        await logIn('http')
        await submit(siteAt(name, 'http'), '/act')
        await visitor.go(siteAt(name, 'http'))
        await script('/act')
        assert.equal(await connect(), 'failed')
        await submit(siteAt(name, 'http'), '/login')
        assert.deepEqual([...answers('/act'), ...answers('/socket'), ...answers('/login')], Array(4).fill([403, undefined]))
        assert.equal(await user(), 42)
      })
    }

    it('a form of a page with Referrer-Policy: no-referrer is refused, since it sends "Origin: null"', async () => {
      await logIn('http')
      for (const policy of ['no-referrer', 'same-origin']) {
        await visitor.go(`${current.origin}/form?policy=${policy}`)
        await visitor.page.locator('button').click()
        await visitor.page.waitForURL(`${current.origin}/act`)
      }
      assert.deepEqual(current.seen.filter(({ path }) => path === '/act').map(({ status, origin }) => [status, origin]), [[403, 'null'], [200, current.origin]])
    })

    it('at localhost the browser sends Sec-Fetch-Site all the same', async () => {
      await logIn('http')
      const localhost = current.origin.replace('app.test', 'localhost')
      await visitor.go(`${localhost}/form?policy=no-referrer`)
      await visitor.page.locator('button').click()
      await visitor.page.waitForURL(`${localhost}/act`)
      assert.deepEqual(answers('/act'), [[200, 'same-origin']])
    })
  })

  describe('that is left out', () => {
    it('a form and a WebSocket of a subdomain act as the user', async () => {
      await logIn('https', null)
      await submit(siteAt('sub.app.test', 'https'), '/act')
      assert.equal(await visitor.text(), 'acted as 42')
      await visitor.go(siteAt('sub.app.test', 'https'))
      assert.equal(await connect(), 'user 42')
    })

    it('a login form of another site logs the user in as somebody else', async () => {
      await logIn('https', null)
      await submit(siteAt('other.test', 'https'), '/login')
      assert.equal(await user(), 'mallory')
    })
  })
})
