// An app in a frame on other sites: only a partitioned cookie works there, one for each site.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import { newKey } from '../support/helpers.ts'
import { otherSite, pageAt } from './other-site.ts'
import { launch, listen, noBrowser, tls, Visitor } from '../support/browser.ts'
import { newApp } from '../support/app.ts'

describe('in Chromium that blocks cookies of third parties, as its private windows do, an app in a frame', { skip: noBrowser }, () => {
  let browser: Browser
  let visitor: Visitor
  let widget: FastifyInstance
  let sites: FastifyInstance
  let port: number
  let origin: string

  before(async () => {
    browser = await launch()
    const cookie = { path: '/', secure: true, sameSite: 'none' as const }
    widget = newApp({
      server: tls(),
      session: [
        { sessionName: 'partitioned', cookieName: '__Host-partitioned', key: newKey(), format: 'sealed', cookie: { ...cookie, partitioned: true } },
        { sessionName: 'plain', cookieName: '__Host-plain', key: newKey(), format: 'sealed', cookie }
      ],
      routes: {}
    })
    widget.get<{ Params: { name: string } }>('/count/:name', async (request) => {
      const session = sessionOf(request)
      session.set('count', (session.get('count') ?? 0) + 1)
      return `count ${session.get('count')}`
    })
    widget.get<{ Params: { name: string } }>('/delete/:name', async (request) => {
      sessionOf(request).delete()
      return 'deleted'
    })
    sites = otherSite()
    port = await listen(sites)
    origin = `https://widget.test:${await listen(widget)}`
  })
  after(async () => {
    await browser.close()
    await Promise.all([widget.close(), sites.close()])
  })
  beforeEach(async () => { visitor = await Visitor.enter(browser) })
  afterEach(async () => { await visitor.leave() })

  /** What the frame shows on a page of a site. */
  async function framed (site: string, path: string): Promise<string> {
    await visitor.page.goto(pageAt(`https://${site}:${port}`, '/frame', origin + path))
    return await visitor.page.frameLocator('iframe').locator('body').innerText()
  }

  it('keeps no session with a cookie that is not partitioned', async () => {
    assert.deepEqual([await framed('one.test', '/count/plain'), await framed('one.test', '/count/plain')], ['count 1', 'count 1'])
    assert.deepEqual(await visitor.context.cookies(), [])
  })

  it('keeps a session for each site with a partitioned cookie, and another one for its own pages', async () => {
    const counts = []
    for (const site of ['one.test', 'one.test', 'two.test', 'sub.one.test']) counts.push(await framed(site, '/count/partitioned'))
    counts.push(await visitor.go(`${origin}/count/partitioned`))
    assert.deepEqual(counts, ['count 1', 'count 2', 'count 1', 'count 3', 'count 1'])

    const cookies = await visitor.context.cookies()
    assert.deepEqual(cookies.map(({ name, partitionKey }) => [name, partitionKey]).sort(), [
      ['__Host-partitioned', 'https://one.test'], ['__Host-partitioned', 'https://two.test'], ['__Host-partitioned', 'https://widget.test']
    ])
  })

  it('deletes the session on one site and leaves those on others', async () => {
    for (const site of ['one.test', 'two.test']) await framed(site, '/count/partitioned')
    await framed('one.test', '/delete/partitioned')
    const cookies = await visitor.context.cookies()
    assert.deepEqual(cookies.map(({ partitionKey }) => partitionKey), ['https://two.test'])
    assert.deepEqual([await framed('one.test', '/count/partitioned'), await framed('two.test', '/count/partitioned')], ['count 1', 'count 2'])
  })
})

/** The session that the path of a request names, as the widget uses it. */
function sessionOf (request: { params: { name: string } }): { get: (key: 'count') => number | undefined, set: (key: 'count', value: number) => void, delete: () => void } {
  return (request as unknown as Record<string, ReturnType<typeof sessionOf>>)[request.params.name]!
}
