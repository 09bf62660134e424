// Sessions that an older key sealed: sealed again when they are used, without a longer life.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import cookiePlugin from '@fastify/cookie'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyInstance } from 'fastify'
import type { Session } from '../../src/index.ts'
import { cookieOf, newKey, tokenOf } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, readyApp, tokenWith, type AppSetup } from '../support/app.ts'

const START = Date.UTC(2030, 0, 1)
const EXPIRY = 100

let clock: FakeTimers.Clock
beforeEach(() => { clock = FakeTimers.install({ now: START, toFake: ['Date'] }) })
afterEach(() => { clock.uninstall() })

const at = (seconds: number): void => { clock.setSystemTime(START + seconds * 1000) }

interface Rotation {
  /** Seals with the older key. */
  before: FastifyInstance
  /** Seals with the newer key, opens with both. */
  app: FastifyInstance
  newer: Buffer
}

async function rotated (options: object = {}, setup: AppSetup = {}): Promise<Rotation> {
  const [older, newer] = [newKey(), newKey()]
  const before = await readyApp({ session: { key: older, expiry: EXPIRY, ...options } })
  const app = await readyApp({
    ...setup,
    session: { key: [newer, older], expiry: EXPIRY, ...options },
    routes: {
      '/read': ({ session }) => session.data(),
      '/set': ({ session }) => session.set('m', 2),
      '/touch': ({ session }) => session.touch(),
      '/untouched': () => 'done'
    }
  })
  return { before, app, newer }
}

function lastWrite (app: FastifyInstance, token: string): unknown {
  return (app.decodeSecureSession(token) as Session).get('__ts')
}

describe('a session that an older key sealed', () => {
  it('is sealed with the first key when it is read, once', async () => {
    const { before, app, newer } = await rotated()
    const response = await get(app, '/read', cookieWith(before, { n: 1 }))
    assert.deepEqual(response.json(), { n: 1 })
    assert.equal(linesOf(response).length, 1)
    const alone = await readyApp({ session: { key: newer, expiry: EXPIRY } })
    assert.deepEqual(contentOf(alone, response), { n: 1 })
    assert.deepEqual(linesOf(await get(app, '/read', cookieOf(response))), [])
  })

  it('keeps the time of its last write, to the second', async () => {
    const { before, app } = await rotated()
    const cookie = cookieWith(before, { n: 1 })
    for (const age of [0, 1, 60, 99]) {
      at(age)
      const token = tokenOf(await get(app, '/read', cookie))
      assert.equal(lastWrite(app, token), START / 1000, `sealed again after ${age} seconds`)
    }
  })

  it('expires when it would have expired, however often its key was replaced', async () => {
    const { before, app } = await rotated()
    let cookie = cookieWith(before, { n: 1 })
    at(60)
    cookie = cookieOf(await get(app, '/read', cookie))
    at(99)
    assert.deepEqual((await get(app, '/read', cookie)).json(), { n: 1 })
    at(100)
    assert.deepEqual((await get(app, '/read', cookie)).json(), {})
  })

  it('keeps its time over two rotations', async () => {
    const keys = [newKey(), newKey(), newKey()]
    const first = await readyApp({ session: { key: keys[0], expiry: EXPIRY } })
    let cookie = cookieWith(first, { n: 1 })
    for (const [index, seconds] of [[1, 40], [2, 80]] as const) {
      at(seconds)
      const app = await readyApp({ session: { key: keys.slice(0, index + 1).reverse(), expiry: EXPIRY }, routes: { '/': ({ session }) => session.data() } })
      const response = await get(app, '/', cookie)
      cookie = cookieOf(response)
      assert.equal(lastWrite(app, tokenOf(response)), START / 1000)
    }
  })

  it('is empty once it has expired, and is not sealed again', async () => {
    const { before, app } = await rotated()
    const cookie = cookieWith(before, { n: 1 })
    at(EXPIRY)
    const response = await get(app, '/read', cookie)
    assert.deepEqual(response.json(), {})
    assert.deepEqual(linesOf(response), [])
  })

  for (const url of ['/set', '/touch']) {
    it(`starts its time anew where the app writes as well: ${url}`, async () => {
      const { before, app } = await rotated()
      const cookie = cookieWith(before, { n: 1 })
      at(60)
      assert.equal(lastWrite(app, tokenOf(await get(app, url, cookie))), START / 1000 + 60)
    })
  }

  it('keeps its time through decodeSecureSession and encodeSecureSession', async () => {
    const { before, app } = await rotated()
    const token = tokenWith(before, { n: 1 })
    at(60)
    const session = app.decodeSecureSession(token)
    assert.equal(session?.changed, true)
    assert.equal(lastWrite(app, app.encodeSecureSession(session)), START / 1000)
  })
})

describe('the cookie of a session that is sealed again does not outlive the session', () => {
  const maxAge = async (options: object, setup: AppSetup = {}): Promise<string | undefined> => {
    const { before, app } = await rotated(options, setup)
    const cookie = cookieWith(before, { n: 1 })
    at(60)
    return /Max-Age=(\d+)/.exec(linesOf(await get(app, '/read', cookie))[0] ?? '')?.[1]
  }

  it('a longer maxAge is cut to what is left', async () => assert.equal(await maxAge({ cookie: { maxAge: EXPIRY } }), '40'))
  it('a shorter maxAge stays', async () => assert.equal(await maxAge({ cookie: { maxAge: 10 } }), '10'))
  it('no maxAge stays none', async () => assert.equal(await maxAge({}), undefined))

  it('a maxAge of the app\'s parseOptions is cut as well', async () => {
    assert.equal(await maxAge({}, { before: app => app.register(cookiePlugin, { parseOptions: { maxAge: EXPIRY } }) }), '40')
  })

  it('a maxAge given to options() is cut as well', async () => {
    assert.equal(await maxAge({}, { after: app => app.addHook('onRequest', async ({ session }) => { session.options({ maxAge: EXPIRY }) }) }), '40')
  })

  it('a session that the app wrote to has the whole maxAge', async () => {
    const { before, app } = await rotated({ cookie: { maxAge: EXPIRY } })
    const cookie = cookieWith(before, { n: 1 })
    at(60)
    assert.match(linesOf(await get(app, '/touch', cookie))[0] ?? '', /Max-Age=100/)
  })
})

describe('a session that is sealed again only because of its key', () => {
  const shared = ['public, max-age=60', 's-maxage=60', 'max-age=60']
  const unshared = ['private, max-age=60', 'no-store']
  for (const value of [...shared, ...unshared]) {
    const sent = unshared.includes(value)
    it(`is ${sent ? '' : 'not '}sent beside "Cache-Control: ${value}"`, async () => {
      const { before, app } = await rotated({}, { after: app => app.addHook('onRequest', async (_request, reply) => { reply.header('cache-control', value) }) })
      const cookie = cookieWith(before, { n: 1 })
      assert.equal(linesOf(await get(app, '/read', cookie)).length, sent ? 1 : 0)
      assert.equal(linesOf(await get(app, '/set', cookie)).length, 1, 'a changed one is')
    })
  }
})

describe('an unread session does not rotate', () => {
  it('its cookie is left as it is, and opens as long as the old key is there', async () => {
    const { before, app, newer } = await rotated()
    const cookie = cookieWith(before, { n: 1 })
    for (let requests = 0; requests < 3; requests++) assert.deepEqual(linesOf(await get(app, '/untouched', cookie)), [])
    assert.deepEqual((await get(app, '/read', cookie)).json(), { n: 1 })
    const retired = await readyApp({ session: { key: newer, expiry: EXPIRY }, routes: { '/read': ({ session }) => session.data() } })
    assert.deepEqual((await get(retired, '/read', cookie)).json(), {})
  })

  it('of two sessions only the one that is read rotates', async () => {
    const [older, newer] = [newKey(), newKey()]
    const both = (key: unknown) => ['one', 'two'].map(sessionName => ({ sessionName, key, expiry: EXPIRY }))
    const before = await readyApp({ session: both(older) })
    const app = await readyApp({ session: both([newer, older]), routes: { '/': request => (request as never as { one: Session }).one.data() } })
    const response = await get(app, '/', `${cookieWith(before, { n: 1 }, 'one')}; ${cookieWith(before, { n: 2 }, 'two')}`)
    assert.deepEqual(contentOf(app, response, 'one'), { n: 1 })
    assert.deepEqual(linesOf(response, 'two'), [])
  })

  it('a session that the first key sealed is not sealed again when it is read', async () => {
    const { app } = await rotated()
    assert.deepEqual(linesOf(await get(app, '/read', cookieWith(app, { n: 1 }))), [])
  })
})
