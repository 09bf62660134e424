// What registration warns of is what Chromium refuses, and what it does not warn of, Chromium takes.
import type { CookieSerializeOptions } from '@fastify/cookie'
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import type { Browser } from 'playwright-core'
import { captureLog, newKey, warnings } from '../support/helpers.ts'
import { launch, listen, noBrowser, plain, tls, Visitor } from '../support/browser.ts'
import { newApp } from '../support/app.ts'

const HOST = { secure: true, path: '/' }

/** Cookies that registration has nothing against. */
const FINE: Array<[name: string, attributes: CookieSerializeOptions]> = [
  ['session', {}],
  ['session', { httpOnly: false }],
  ['session', { domain: 'app.test' }],
  ['session', { domain: '.app.test', path: '/all' }],
  ['session', { sameSite: 'strict' }],
  ['session', { sameSite: 'none', secure: true }],
  ['session', { sameSite: 'none', secure: true, partitioned: true }],
  ['session', { sameSite: 'lax', secure: true, partitioned: true }],
  ['session', { secure: 'auto' }],
  ['session', { secure: true, priority: 'high' }],
  ['__Host-session', HOST],
  ['__Host-session', { ...HOST, domain: '' }],
  ['__Host-session', { ...HOST, httpOnly: false }],
  ['__Host-session', { ...HOST, sameSite: 'none', partitioned: true }],
  ['__Secure-session', { secure: true }],
  ['__Secure-session', { secure: true, domain: 'app.test', path: '/all' }],
  ['__Http-session', { secure: true }],
  ['__Http-session', { secure: true, domain: 'app.test', path: '/all' }],
  ['__Host-Http-session', HOST],
  ['__Hostsession', {}],
  ['_Host-session', {}],
  ['session__Host-', {}]
]

/** Cookies that registration warns of. */
const WARNED: Array<[name: string, attributes: CookieSerializeOptions]> = [
  ['__Host-session', {}],
  ['__Host-session', { ...HOST, secure: false }],
  ['__Host-session', { ...HOST, secure: 'auto' }],
  ['__Host-session', { secure: true }],
  ['__Host-session', { ...HOST, path: '/all' }],
  ['__Host-session', { ...HOST, domain: 'app.test' }],
  ['__HOST-session', { secure: true }],
  ['__Secure-session', {}],
  ['__Secure-session', { secure: 'auto' }],
  ['__secure-session', { secure: false }],
  ['__Http-session', {}],
  ['__Http-session', { secure: 'auto' }],
  ['__Http-session', { secure: true, httpOnly: false }],
  ['__http-session', { secure: true, httpOnly: false }],
  ['__Host-Http-session', { ...HOST, httpOnly: false }],
  ['__Host-Http-session', { secure: true }],
  ['__host-http-session', { ...HOST, httpOnly: false }],
  ['session', { sameSite: 'none' }],
  ['session', { sameSite: 'none', secure: 'auto' }],
  ['session', { partitioned: true }],
  ['session', { partitioned: true, secure: 'auto' }]
]

const ROWS = [...FINE, ...WARNED].map(([name, attributes], index) => ({
  sessionName: `s${index}`, cookieName: `${name}${index}`, attributes, isWarned: index >= FINE.length
}))

describe('in Chromium', { skip: noBrowser }, () => {
  let browser: Browser
  const apps: FastifyInstance[] = []
  let warned: Set<string>
  /** The names of the cookies that it stored over each. */
  let https: Set<string>
  let http: Set<string>
  let localhost: Set<string>

  before(async () => {
    browser = await launch()
    const { lines, logger } = captureLog('warn')
    const [secure, insecure] = await Promise.all([serve({ ...tls(), logger: logger! }), serve(plain)]) // captureLog always gives one
    warned = new Set(warnings(lines).filter(({ code }) => code === 'FST_SEALED_SESSION_WARN_COOKIE_REFUSED').map(({ msg }) => /^session "(\w+)"/.exec(msg)![1]!))
    https = await stored(`https://app.test:${secure}`)
    http = await stored(`http://app.test:${insecure}`)
    localhost = await stored(`http://localhost:${insecure}`)
  })
  after(async () => {
    await browser.close()
    await Promise.all(apps.map(app => app.close()))
  })

  /** An app that sets the cookie of each row. */
  async function serve (options: FastifyServerOptions): Promise<number> {
    const app = newApp({
      server: options,
      session: ROWS.map(({ sessionName, cookieName, attributes }) => ({ sessionName, cookieName, cookie: attributes, key: newKey() })),
      routes: {}
    })
    apps.push(app)
    app.get('/all', async request => {
      for (const { sessionName } of ROWS) (request as unknown as Record<string, Map<string, number>>)[sessionName]!.set('a', 1)
      return 'set'
    })
    return await listen(app)
  }

  async function stored (origin: string): Promise<Set<string>> {
    const visitor = await Visitor.enter(browser)
    await visitor.go(`${origin}/all`)
    const names = new Set((await visitor.cookies()).keys())
    await visitor.leave()
    return names
  }

  for (const { sessionName, cookieName, attributes, isWarned } of ROWS) {
    const title = `${cookieName.replace(/\d+$/, '')} with ${JSON.stringify(attributes)}`
    const isAuto = attributes.secure === 'auto'

    it(`${title} is ${isWarned ? 'refused' : 'taken'}${isWarned && isAuto ? ' without TLS' : ''}, and registration ${isWarned ? 'warns' : 'does not warn'}`, () => {
      assert.equal(warned.has(sessionName), isWarned)
      assert.equal(https.has(cookieName), !isWarned || isAuto)
      assert.equal(http.has(cookieName), !isWarned && attributes.secure !== true)
    })
  }

  it('a Secure cookie, with a __Host- name too, is taken over http://localhost', () => {
    const secure = ROWS.filter(({ attributes, isWarned }) => !isWarned && attributes.secure === true && !attributes.domain)
    assert.ok(secure.some(({ cookieName }) => cookieName.startsWith('__Host-')))
    assert.deepEqual(secure.filter(({ cookieName }) => !localhost.has(cookieName)), [])
  })
})
