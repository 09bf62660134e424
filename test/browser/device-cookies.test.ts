// Cookies of bound sessions in a real Chromium: attributes, and several sessions, each with an endpoint of its own.
import type { CookieSerializeOptions } from '@fastify/cookie'
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import { deviceBinding } from '../../src/device/index.ts'
import secureSession, { sessionInfo, type Session } from '../../src/index.ts'
import { addHandlers, newApp, type Bag, type Handlers } from '../support/app.ts'
import { launch, listen, noBrowser, tls } from '../support/browser.ts'
import { LOGINS, SESSION } from '../support/device.ts'
import { BINDING, Calls, DeviceSite, DeviceVisitor, movableClock } from '../support/device-browser.ts'
import { newKey } from '../support/helpers.ts'

/** Attributes that a browser and the endpoint have to agree on. */
interface Combination {
  cookieName?: string
  cookie: CookieSerializeOptions
}

const COMBINATIONS: Record<string, Combination> = {
  'SameSite=Lax': { cookie: { path: '/', secure: true, httpOnly: true, sameSite: 'lax' } },
  'SameSite=Strict': { cookie: { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } },
  'SameSite=None': { cookie: { path: '/', secure: true, httpOnly: true, sameSite: 'none' } },
  'no SameSite of its own, without HttpOnly': { cookie: { path: '/', secure: true, httpOnly: false } },
  'a path': { cookie: { path: '/app', secure: true, httpOnly: true, sameSite: 'lax' } },
  'a Domain, SameSite=Strict, without HttpOnly': { cookie: { path: '/', domain: 'app.test', secure: true, httpOnly: false, sameSite: 'strict' } },
  'a Domain and a path, SameSite=None': { cookie: { path: '/app', domain: 'app.test', secure: true, httpOnly: true, sameSite: 'none' } },
  "the prefix __Host-, secure: 'auto'": { cookieName: '__Host-session', cookie: { path: '/', secure: 'auto', httpOnly: true, sameSite: 'lax' } }
}

/** Handlers below a path. */
function below (path: string, handlers: Handlers): Handlers {
  return Object.fromEntries(Object.entries(handlers).map(([name, handler]) => [name.replace(' /', ` ${path}/`), handler]))
}

function adminOf (request: object): Session {
  return (request as { admin: Session }).admin
}

describe('a bound session in Chromium', { skip: noBrowser }, () => {
  let browser: Browser

  before(async () => { browser = await launch(BINDING) })
  after(async () => { await browser.close() })

  for (const [name, { cookieName = 'session', cookie }] of Object.entries(COMBINATIONS)) {
    it(`36. (Chromium) has a proof that the browser takes for the one it was told of, so that it refreshes once and not with every request: ${name}`, async t => {
      const base = cookie.path === '/' ? '' : cookie.path ?? assert.fail()
      const path = `${base}/session-device`
      const site = await DeviceSite.start(t, { session: { cookieName, cookie }, device: { path }, routes: below(base, LOGINS) }, { path })
      const user = await DeviceVisitor.enter(t, browser)
      await user.bind(site)
      assert.deepEqual(site.calls.take(), ['registration 200'])
      const read = async (): Promise<unknown> => (await user.visitor.fetch(`${base}/me`)).text
      for (let round = 0; round < 3; round++) assert.equal(await read(), 'ann')
      assert.deepEqual(site.calls.take(), [])
      const own = (await user.visitor.cookies()).get(cookieName)
      const proof = (await user.visitor.cookies()).get(`${cookieName}.device`)
      const attributesOf = ({ domain, path, secure, httpOnly, sameSite }: NonNullable<typeof own>): unknown => ({ domain, path, secure, httpOnly, sameSite })
      assert.deepEqual(attributesOf(proof ?? assert.fail()), attributesOf(own ?? assert.fail()))
      await user.expire(`${cookieName}.device`)
      for (let round = 0; round < 3; round++) assert.equal(await read(), 'ann')
      assert.deepEqual(site.calls.take(), ['proof 200'])
    })
  }

  /** An app with sessions that the test registers. @returns its origin, and the requests to its endpoints */
  async function start (t: TestContext, routes: (app: FastifyInstance) => void, paths: readonly string[]): Promise<{ origin: string, calls: Calls[] }> {
    const app = newApp({ t, server: tls(), plugin: null, routes })
    const calls = paths.map(path => new Calls(app.server, path))
    return { origin: `https://app.test:${await listen(app)}`, calls }
  }

  it('38. (Chromium) is bound by the endpoint below the prefix of its context', async t => {
    const { origin, calls: [calls] } = await start(t, app => {
      app.register(async app => {
        app.register(secureSession, { key: newKey(), format: 'sealed', cookie: { path: '/inside', secure: true } })
        app.register(deviceBinding)
        addHandlers(app, LOGINS)
      }, { prefix: '/inside' })
    }, ['/inside/session-device'])
    const user = await DeviceVisitor.enter(t, browser)
    await user.visitor.go(`${origin}/inside/public`)
    await user.post('/inside/login', { user: 'ann' })
    assert.equal(await user.next('creation'), 'Success')
    await user.expire()
    assert.equal((await user.visitor.fetch('/inside/me')).text, 'ann')
    assert.deepEqual(calls?.take(), ['registration 200', 'proof 200'])
  })

  it('38. (Chromium) is bound beside another session of the same app, each by an endpoint of its own', async t => {
    const { origin, calls } = await start(t, app => {
      app.register(secureSession, ['session', 'admin'].map(sessionName => ({ sessionName, key: newKey(), format: 'sealed', cookie: { path: '/', secure: true } })))
      app.register(deviceBinding)
      app.register(deviceBinding, { sessionName: 'admin' })
      addHandlers(app, {
        ...LOGINS,
        'POST /both': request => { for (const [session, user] of [[request.session, 'ann'], [adminOf(request), 'root']] as const) Object.assign(session, { user }) },
        'GET /states': request => [request.session, adminOf(request)].map(session => `${String((session as Bag).user)} ${String(sessionInfo(session).device?.state)}`).join(', ')
      })
    }, ['/session-device', '/session-device/admin'])
    const user = await DeviceVisitor.enter(t, browser)
    await user.visitor.go(`${origin}/public`)
    await user.post('/both')
    for (let session = 0; session < 2; session++) assert.equal(await user.next('creation'), 'Success')
    const states = async (): Promise<unknown> => (await user.visitor.fetch('/states')).text
    const taken = (): string[][] => calls.map(calls => calls.take())
    assert.equal(await states(), 'ann bound, root bound')
    assert.deepEqual(taken(), [['registration 200'], ['registration 200']])
    for (const [name, expected] of [['session.device', [['proof 200'], []]], ['admin.device', [[], ['proof 200']]]] as const) {
      await user.expire(name)
      assert.equal(await states(), 'ann bound, root bound')
      assert.deepEqual(taken(), expected)
    }
  })

  it('38. (Chromium) is left unbound by a login at a subdomain if its cookie has a Domain, and bound by a page of the domain itself', async t => {
    const clock = movableClock(t)
    const site = await DeviceSite.start(t, { session: { cookie: { ...SESSION.cookie, domain: 'app.test' } } })
    const user = await DeviceVisitor.enter(t, browser)
    const sub = site.origin.replace('app.test', 'sub.app.test')
    await user.logIn({ origin: sub })
    await user.visitor.go(`${sub}/page`)
    assert.equal(await user.state(), 'unbound')
    assert.deepEqual(site.calls.take(), [])
    clock.advance(60_000)
    await user.visitor.go(`${site.origin}/page`)
    assert.equal(await user.next('creation'), 'Success')
    await user.visitor.go(`${sub}/page`)
    await user.expire()
    assert.equal(await user.user(), 'ann')
    assert.equal(await user.state(), 'bound')
    assert.deepEqual(site.calls.take(), ['registration 200', 'proof 200'])
  })

  it('36. (Chromium) binds for each pattern of initiators that the plugin takes', async t => {
    const site = await DeviceSite.start(t, { device: { initiators: ['other.test', '*.other.test', 'xn--bcher-kva.test', 'localhost', '127.0.0.1', '*'] } })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
  })

  it('38. (Chromium) is bound for the subdomains, too, if its cookie has a Domain', async t => {
    const site = await DeviceSite.start(t, { session: { cookie: { ...SESSION.cookie, domain: 'app.test' } } })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    site.calls.take()
    await user.visitor.go(`${site.origin.replace('app.test', 'sub.app.test')}/public`)
    for (let round = 0; round < 2; round++) {
      assert.equal(await user.user(), 'ann')
      assert.deepEqual(site.calls.take(), [])
      await user.expire()
      assert.equal(await user.state(), 'bound')
      assert.deepEqual(site.calls.take(), ['proof 200'])
    }
  })
})
