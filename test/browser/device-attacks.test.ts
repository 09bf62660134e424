// A sibling subdomain that would have a browser bind the session of the app.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { newApp } from '../support/app.ts'
import { launch, listen, noBrowser, skipBefore, tls } from '../support/browser.ts'
import { offerOf, PATH } from '../support/device.ts'
import { BINDING, DeviceSite, DeviceVisitor, movableClock, TELLS_SITE } from '../support/device-browser.ts'
import { cookieOf } from '../support/helpers.ts'

describe('a session in Chromium', { skip: noBrowser }, () => {
  let browser: Browser

  before(async () => { browser = await launch(BINDING) })
  after(async () => { await browser.close() })

  it('19. (Chromium) is not bound by a registration that a sibling subdomain has triggered, although the browser sends it with the cookie', async t => {
    if (skipBefore(t, browser, TELLS_SITE)) return
    const clock = movableClock(t)
    const site = await DeviceSite.start(t)
    const login = await site.app.inject({ method: 'POST', url: '/login', payload: { user: 'ann' } })
    const sibling = newApp({
      t,
      server: tls(),
      plugin: null,
      // The very offer of the session, which a sibling would have to know.
      routes: { 'GET /page': (_request, reply) => reply.header('secure-session-registration', `(ES256);path="${site.origin}${PATH}";challenge="${offerOf(login).challenge}"`).send('a page') }
    })
    const user = await DeviceVisitor.enter(t, browser)
    const value = cookieOf(login).slice('session='.length)
    await user.visitor.context.addCookies([{ name: 'session', value, domain: 'app.test', path: '/', secure: true, httpOnly: true, sameSite: 'Lax' }])
    await user.visitor.go(`https://evil.app.test:${await listen(sibling)}/page`)
    assert.notEqual(await user.next('creation'), 'Success')
    const [call, ...others] = site.calls.takeAll()
    assert.deepEqual([call?.kind, call?.status, call?.headers['sec-fetch-site'], call?.cookies, others], ['registration', 400, 'same-site', ['session'], []])
    assert.deepEqual([...(await user.visitor.cookies()).keys()], ['session'])
    assert.equal(await user.cookie(), value)
    clock.advance(60_000)
    await user.visitor.go(`${site.origin}/page`) // which offers anew
    assert.equal(await user.next('creation'), 'Success')
    assert.equal(await user.state(), 'bound')
  })
})
