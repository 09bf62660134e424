// sealedSession in Chromium, in each surrounding of an app: the cookie that is kept, and that it comes back.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as ask } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Browser } from 'playwright-core'
import { sealedSession } from '../../src/index.ts'
import { newApp, SET_AND_GET } from '../support/app.ts'
import { launch, listen, noBrowser, plain, tls, Visitor } from '../support/browser.ts'
import { setEnvironment } from '../support/environment.ts'
import { newKey } from '../support/helpers.ts'

type Surrounding = 'no TLS' | 'no TLS, on localhost' | 'TLS' | 'a TLS proxy without trustProxy' | 'a TLS proxy with trustProxy'

/** Cookie in the jar: its name, and if it is Secure; null if the browser keeps none. */
type Kept = readonly [name: string, isSecure: boolean] | null

const FULL: Kept = ['__Host-session', true]
const PLAIN: Kept = ['session', false]

const OUTSIDE_PRODUCTION: Record<Surrounding, Kept> = {
  'no TLS': PLAIN,
  'no TLS, on localhost': PLAIN,
  TLS: FULL,
  'a TLS proxy without trustProxy': PLAIN,
  'a TLS proxy with trustProxy': ['session', true]
}
const IN_PRODUCTION: Record<Surrounding, Kept> = {
  'no TLS': null, // a name that is not this machine's: the log says that the browser drops the cookie
  'no TLS, on localhost': FULL,
  TLS: FULL,
  'a TLS proxy without trustProxy': FULL,
  'a TLS proxy with trustProxy': FULL
}

/** By NODE_ENV. Its other values count as if it was not set: test/options/safe-defaults.test.ts. */
const TABLE = new Map<string | undefined, Record<Surrounding, Kept>>([[undefined, OUTSIDE_PRODUCTION], ['production', IN_PRODUCTION]])

/** Starts an app whose whole setup is a key. @returns its origin for a browser, and names of the cookies that came to it */
async function start (t: TestContext, surrounding: Surrounding): Promise<{ origin: string, names: string[] }> {
  const names: string[] = []
  const app = newApp({
    t,
    server: surrounding === 'TLS' ? tls() : { ...plain, trustProxy: surrounding === 'a TLS proxy with trustProxy' },
    plugin: null,
    after: app => {
      app.register(sealedSession, { key: newKey() })
      app.addHook('onRequest', async ({ headers }) => { if (headers.cookie !== undefined) names.push(headers.cookie.split('=')[0]!) }) // split gives a first part
    },
    routes: SET_AND_GET
  })
  const port = await listen(app)
  if (surrounding.includes('proxy')) return { origin: `https://app.test:${await proxyTo(t, port)}`, names }
  return { origin: `${surrounding === 'TLS' ? 'https' : 'http'}://${surrounding.includes('localhost') ? 'localhost' : 'app.test'}:${port}`, names }
}

/** Starts a proxy that speaks TLS with browsers and plain http with the app, as nginx and the balancers of clouds do. @returns its port */
async function proxyTo (t: TestContext, port: number): Promise<number> {
  const { https } = tls() as { https: ServerOptions }
  const proxy = createServer(https, (request, response) => {
    const { method, url, headers } = request
    const forwarded = ask({ port, method, path: url, headers: { ...headers, 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' } }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    request.pipe(forwarded)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  return (proxy.address() as AddressInfo).port
}

describe('sealedSession in Chromium', { skip: noBrowser }, () => {
  let browser: Browser
  before(async () => { browser = await launch() })
  after(async () => { await browser.close() })

  for (const [environment, rows] of TABLE) {
    for (const [surrounding, kept] of Object.entries(rows) as Array<[Surrounding, Kept]>) {
      const told = kept === null ? 'is dropped, and the session is empty' : `is kept as ${kept[0]}, ${kept[1] ? '' : 'not '}Secure, comes back under that name, and leaves at the logout`
      it(`its cookie ${told}, with NODE_ENV ${environment ?? 'not set'} and ${surrounding}`, async t => {
        setEnvironment(t, environment)
        const { origin, names } = await start(t, surrounding)
        const visitor = await Visitor.enter(browser)
        t.after(async () => { await visitor.leave() })
        await visitor.go(`${origin}/untouched`)
        await visitor.set({ userId: 42 })
        assert.deepEqual(await visitor.session(), kept === null ? {} : { userId: 42 })
        if (kept === null) return assert.deepEqual([(await visitor.cookies()).size, names], [0, []])

        const { value, ...cookie } = await visitor.cookie()
        const { hostname } = new URL(origin)
        assert.deepEqual(cookie, { name: kept[0], secure: kept[1], domain: hostname, path: '/', expires: -1, httpOnly: true, sameSite: 'Lax' })
        assert.deepEqual(names, [kept[0]])
        assert.equal(await visitor.documentCookie(), '')
        assert.equal((await visitor.fetch('/delete', {})).text, 'deleted')
        assert.equal((await visitor.cookies()).size, 0)
      })
    }
  }
})
