// Bindings that a browser would refuse after the endpoint has bound the session: it would end with its first proof, ten
// minutes after each login. They are not begun.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DeviceBindingOptions } from '../../src/device/index.ts'
import type { SealedSessionError } from '../../src/errors.ts'
import { createTestDevice } from '../../src/testing/index.ts'
import { appWithDevices, loggedIn, SESSION } from '../support/device.ts'

/** Code with which an app does not start. */
async function refusalOf (device: DeviceBindingOptions, session: object = {}): Promise<string> {
  try {
    await (await appWithDevices({ device, session })).close()
  } catch (error) {
    return (error as SealedSessionError).code
  }
  return 'none'
}

const ofDomain = (domain: string): object => ({ cookie: { ...SESSION.cookie, domain } })

describe('a cookie with a Domain', () => {
  /** True if a login at a host is offered a binding. */
  async function isOffered (host: string, domain: string, device: DeviceBindingOptions = {}): Promise<boolean> {
    const app = await appWithDevices({ device, session: ofDomain(domain) })
    const { response } = await loggedIn(app, createTestDevice({ origin: `https://${host}` }))
    assert.equal(response.statusCode, 200)
    return response.headers['secure-session-registration'] !== undefined
  }

  it('38. is bound at the domain itself only, where browsers take a binding for the whole site', async () => {
    for (const domain of ['app.test', '.app.test', 'App.test']) {
      assert.equal(await isOffered('app.test', domain), true)
      assert.equal(await isOffered('app.test:8443', domain), true)
      assert.equal(await isOffered('sub.app.test', domain), false)
    }
  })

  it('38. is bound at subdomains as well if the app says whether the site is included', async () => {
    for (const includeSite of [true, false]) assert.equal(await isOffered('sub.app.test', 'app.test', { includeSite }), true)
  })

  it('35. is refused with FST_SEALED_SESSION_DEVICE_SITE if its domain may be a part of a site, and the app does not say so', async () => {
    for (const domain of ['eu.app.test', 'example.co.uk', '.eu.app.test']) {
      assert.equal(await refusalOf({}, ofDomain(domain)), 'FST_SEALED_SESSION_DEVICE_SITE')
      for (const includeSite of [true, false]) assert.equal(await refusalOf({ includeSite }, ofDomain(domain)), 'none')
    }
    for (const domain of ['app.test', '.app.test', 'localhost']) assert.equal(await refusalOf({}, ofDomain(domain)), 'none')
  })
})

describe('deviceBinding', () => {
  it('35. refuses a cookie with the prefix __Host-Http-, which Chromium does not bind', async () => {
    for (const cookieName of ['__Host-Http-session', '__host-http-session']) assert.equal(await refusalOf({}, { cookieName }), 'FST_SEALED_SESSION_DEVICE_COOKIE')
    for (const cookieName of ['__Http-session', '__Host-session', '__Secure-session']) assert.equal(await refusalOf({}, { cookieName }), 'none')
  })

  it('35. refuses initiators that are no hosts', async () => {
    for (const initiator of ['https://other.test', 'other.test/path', 'other.test:443', 'a*.other.test', '*other.test', '*.*.test', '**', '', ' other.test', 'a b', 'bücher.test', 1, null]) {
      assert.equal(await refusalOf({ initiators: [initiator as string] }), 'FST_SEALED_SESSION_OPTION_INVALID', String(initiator))
    }
    for (const initiator of ['*', 'other.test', '*.other.test', 'xn--bcher-kva.test', 'localhost', '127.0.0.1']) assert.equal(await refusalOf({ initiators: [initiator] }), 'none')
  })
})
