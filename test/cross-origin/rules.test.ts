// Which requests are taken for those of another origin: by their method, Sec-Fetch-Site, Origin and Host.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { listening, statusOf } from '../support/cross-origin.ts'

const HOST = 'app.example'
const OWN = `https://${HOST}`
const OTHER = 'https://other.example'

/** Headers beside `Host`, and the answer. */
type Case = [headers: Record<string, string | string[]>, status: 200 | 403]

function describeCases (title: string, cases: Case[]): void {
  describe(title, () => {
    for (const [headers, status] of cases) {
      it(`${status === 200 ? 'passes' : 'is refused'} with ${inspect(headers, { breakLength: Infinity })}`, async t => {
        const app = await listening(t)
        assert.equal(await statusOf(app, { headers: { host: HOST, ...headers } }), status)
      })
    }
  })
}

describeCases('a POST', [
  [{}, 200],
  [{ 'sec-fetch-site': 'same-origin' }, 200],
  [{ 'sec-fetch-site': 'none' }, 200],
  [{ 'sec-fetch-site': 'same-site' }, 403],
  [{ 'sec-fetch-site': 'cross-site' }, 403],
  [{ 'sec-fetch-site': 'same-origin', origin: OTHER }, 200],
  [{ 'sec-fetch-site': 'same-origin', origin: 'null' }, 200],
  [{ 'sec-fetch-site': 'cross-site', origin: OWN }, 403],
  [{ 'sec-fetch-site': 'cross-site', origin: OTHER }, 403]
])

describeCases('a POST of a browser that sends no Sec-Fetch-Site', [
  [{ origin: OWN }, 200],
  [{ origin: OTHER }, 403],
  [{ origin: 'https://sub.app.example' }, 403],
  [{ origin: 'https://app.example.other.example' }, 403],
  [{ origin: 'https://notapp.example' }, 403],
  [{ origin: 'null' }, 403],
  [{ origin: '' }, 403],
  [{ 'sec-fetch-site': '', origin: OWN }, 200],
  [{ 'sec-fetch-site': '', origin: OTHER }, 403]
])

describeCases('a POST with headers that no browser sends', [
  [{ 'sec-fetch-site': 'Same-Origin' }, 403],
  [{ 'sec-fetch-site': 'unknown' }, 403],
  [{ 'sec-fetch-site': ['cross-site', 'same-origin'] }, 403],
  [{ 'sec-fetch-site': ['same-origin', 'cross-site'] }, 403],
  [{ origin: [OWN, OTHER] }, 403],
  [{ origin: [OTHER, OWN] }, 403],
  [{ origin: `${OWN} ${OTHER}` }, 403],
  [{ origin: 'HTTPS://APP.EXAMPLE' }, 200],
  [{ origin: HOST }, 403],
  [{ origin: `//${HOST}` }, 403],
  [{ origin: `${OWN}/` }, 403],
  [{ origin: `${OWN}/path` }, 403],
  [{ origin: `https://other.example\\@${HOST}` }, 403],
  [{ origin: `https://user@${HOST}` }, 403],
  [{ origin: `https://${HOST}?` }, 403],
  [{ origin: `chrome-extension://${HOST}` }, 403],
  [{ origin: `ftp://${HOST}` }, 403],
  [{ origin: `ws://${HOST}` }, 403],
  [{ origin: 'file://' }, 403]
])

describe('the method', () => {
  const other = { host: HOST, 'sec-fetch-site': 'cross-site', origin: OTHER }

  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    it(`${method} passes from every site, since it promises to change nothing`, async t => {
      assert.equal(await statusOf(await listening(t), { method, headers: other }), 200)
    })
  }

  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    it(`${method} is refused from another site`, async t => {
      assert.equal(await statusOf(await listening(t), { method, headers: other }), 403)
    })
  }

  it('of the app\'s own is refused from another site', async t => {
    const app = await listening(t, {
      before: app => {
        app.addHttpMethod('PURGE')
        app.route({ method: 'PURGE', url: '/cache', handler: async () => 'purged' })
      }
    })
    assert.equal(await statusOf(app, { method: 'PURGE', path: '/cache', headers: other }), 403)
    assert.equal(await statusOf(app, { method: 'PURGE', path: '/cache', headers: { host: HOST } }), 200)
  })

  it('that counts is the one that the route has, if rewriteUrl reads it out of the request', async t => {
    const app = await listening(t, {
      server: {
        rewriteUrl: request => {
          const { searchParams } = new URL(request.url ?? '', 'http://app.example')
          request.method = searchParams.get('_method') ?? request.method ?? ''
          return request.url ?? ''
        }
      }
    })
    for (const [method, path, status] of [['GET', '/act?_method=DELETE', 403], ['GET', '/act', 200], ['POST', '/act?_method=PUT', 403]] as const) {
      assert.equal(await statusOf(app, { method, path, headers: other }), status, path)
    }
  })
})
