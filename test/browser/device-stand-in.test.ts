// The test device of `fastify-sealed-session/testing`, compared with the browser that it stands in for.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { IncomingHttpHeaders } from 'node:http'
import type { Browser } from 'playwright-core'
import { createTestDevice } from '../../src/testing/index.ts'
import { launch, noBrowser, skipBefore } from '../support/browser.ts'
import { BINDING, DeviceSite, DeviceVisitor, TELLS_SITE } from '../support/device-browser.ts'
import { boundDevice, PATH } from '../support/device.ts'

/** Headers that depend on the connection, and on the language and version of the browser. */
const OTHERS = ['host', 'connection', 'accept-encoding', 'accept-language', 'user-agent']

describe('the test device', { skip: noBrowser }, () => {
  let browser: Browser

  before(async () => { browser = await launch(BINDING) })
  after(async () => { await browser.close() })

  it('sends what Chromium sends at a registration and at refreshes: the same headers, and what is signed has the same members', async t => {
    if (skipBefore(t, browser, TELLS_SITE)) return
    const seen: object[] = []
    const site = await DeviceSite.start(t, {
      server: {
        rewriteUrl: ({ url = '', headers }) => {
          if (url === PATH) seen.push(shapeOf(headers))
          return url
        }
      }
    })
    const user = await DeviceVisitor.enter(t, browser)
    await user.bind(site)
    await user.expire()
    await user.user()
    const ofChromium = seen.splice(0)

    const device = await boundDevice(site.app, createTestDevice({ origin: site.origin }))
    device.expire()
    await device.inject(site.app, { url: '/me' })
    assert.deepEqual(seen, ofChromium)
    assert.equal(ofChromium.length, 2)
  })
})

/** Headers of a request, without what differs from one time to the next. */
function shapeOf (headers: IncomingHttpHeaders): object {
  const { cookie = '', 'secure-session-response': response, 'sec-secure-session-id': id, ...rest } = headers
  return {
    headers: Object.fromEntries(Object.entries(rest).filter(([name]) => !OTHERS.includes(name))),
    cookies: cookie.split('; ').map(pair => pair.split('=')[0]),
    id: typeof id === 'string' && id.replace(/[\w-]/g, 'x'),
    response: typeof response === 'string' && signedIn(response)
  }
}

function signedIn (jwt: string): object {
  const [head = '', claims = '', signature = ''] = jwt.split('.')
  const [{ jwk, ...header }, members] = [head, claims].map(part => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>) as [Record<string, unknown>, Record<string, unknown>]
  const { x, y, ...kind } = (jwk ?? {}) as Record<string, unknown>
  return { header, claims: Object.keys(members), key: { ...kind, x: String(x).length, y: String(y).length }, signature: signature.length }
}
