// A session over time, in one jar: new keys, a restart, lifetimes, two tabs.
import FakeTimers from '@sinonjs/fake-timers'
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import { Keyring } from '../../src/index.ts'
import { sessionRevocation, MemoryStore } from '../../src/revocation/index.ts'
import { newApp } from '../support/app.ts'
import { newKey, withKeyFile } from '../support/helpers.ts'
import { INTERVAL, linesOfKeys, replaceFile, until } from '../support/keys.ts'
import { Visitor, launch, listen, noBrowser, tls } from '../support/browser.ts'

const HOST = { format: 'sealed', cookieName: '__Host-session', cookie: { path: '/', secure: true, sameSite: 'lax' } }

describe('in Chromium', { skip: noBrowser }, () => {
  let browser: Browser
  let visitor: Visitor
  let app: FastifyInstance
  let port: number
  /** When the visitor logged in, in milliseconds since 1970. */
  let start: number

  before(async () => {
    browser = await launch()
    visitor = await Visitor.enter(browser)
  })
  after(async () => { await browser.close() })
  afterEach(async () => {
    await visitor.context.clearCookies()
    await app.close()
  })

  async function serve (options: object, more: (app: FastifyInstance) => void = () => {}): Promise<void> {
    app = newApp({ server: tls(), session: { ...HOST, ...options } })
    more(app)
    port = await listen(app, port)
  }

  async function logIn (options: object, more?: (app: FastifyInstance) => void): Promise<void> {
    port = 0
    await serve(options, more)
    await visitor.go(`https://app.test:${port}/untouched`)
    await visitor.set({ userId: 42 })
    start = Date.now()
  }

  /** Runs something with a server's clock that stands still so long after the login; the browser has its own. */
  async function laterBy (seconds: number, run: () => Promise<void>): Promise<void> {
    const clock = FakeTimers.install({ now: start + seconds * 1000, toFake: ['Date'] })
    try {
      await run()
    } finally {
      clock.uninstall()
    }
  }

  it('a session survives the rotation of a keyring, and the old key once the browser has a new cookie', async () => {
    const keyring = new Keyring(newKey())
    await logIn({ key: keyring })
    const before = await visitor.cookie()
    keyring.rotate(newKey())
    assert.deepEqual(await visitor.session(), { userId: 42 })
    const { value, ...attributes } = await visitor.cookie()
    assert.notEqual(value, before.value)
    assert.deepEqual({ ...attributes, value: before.value }, before)
    keyring.retire(keyring.ids[1]!)
    assert.deepEqual(await visitor.session(), { userId: 42 })
  })

  it('a session survives a new key in a watched file', async () => {
    const old = newKey()
    await withKeyFile(linesOfKeys(old), async path => {
      const keyring = await Keyring.fromFile(path, { watch: true, watchInterval: INTERVAL, activateAfter: 0.001 })
      await logIn({ key: keyring })
      const before = await visitor.cookie()
      replaceFile(path, linesOfKeys(newKey(), old))
      await until(() => keyring.ids.length === 2, 'the file is read')
      assert.deepEqual(await visitor.session(), { userId: 42 })
      assert.deepEqual(await visitor.session(), { userId: 42 })
      assert.notEqual((await visitor.cookie()).value, before.value)
      keyring.close()
    })
  })

  it('a session survives a restart of the server with the same key', async () => {
    const key = newKey()
    await logIn({ key })
    await app.close()
    await serve({ key })
    assert.deepEqual(await visitor.session(), { userId: 42 })
  })

  it('a restart with another key ends the session, and the next write replaces its cookie', async () => {
    await logIn({ key: newKey() })
    await app.close()
    await serve({ key: newKey() })
    assert.deepEqual(await visitor.session(), {})
    await visitor.set({ userId: 43 })
    assert.equal((await visitor.cookies()).size, 1)
    assert.deepEqual(await visitor.session(), { userId: 43 })
  })

  it('reading a rolling session moves what the jar holds in its second half only', async () => {
    await logIn({ key: newKey(), expiry: 100, rolling: true, absoluteTimeout: 1000, cookie: { ...HOST.cookie, maxAge: 100 } }, app => {
      // So that the two ends are far apart, whatever time the test takes.
      app.post('/first', async ({ session }) => { session.options({ maxAge: 50 }); session.touch(); return 'first' })
    })
    await visitor.fetch('/first', {})
    const { expires } = await visitor.cookie()
    await laterBy(40, async () => { assert.deepEqual(await visitor.session(), { userId: 42 }) })
    assert.equal((await visitor.cookie()).expires, expires)
    await laterBy(70, async () => { assert.deepEqual(await visitor.session(), { userId: 42 }) })
    assert.ok((await visitor.cookie()).expires > expires + 40)
    await laterBy(150, async () => { assert.deepEqual(await visitor.session(), { userId: 42 }) })
    await laterBy(270, async () => { assert.deepEqual(await visitor.session(), {}) })
  })

  it('a session that has expired is empty although its cookie is still in the jar', async () => {
    await logIn({ key: newKey(), expiry: 100 })
    await laterBy(101, async () => { assert.deepEqual(await visitor.session(), {}) })
    assert.equal((await visitor.cookies()).size, 1)
  })

  it("a session's own lifetime is what the jar holds, after later writes too", async () => {
    await logIn({ key: newKey(), expiry: 100 }, app => {
      app.post('/remember', async request => { request.session.options({ expiry: 5000, maxAge: 5000 }); return 'remembered' })
    })
    assert.equal((await visitor.cookie()).expires, -1)
    await visitor.fetch('/remember', {})
    await visitor.set({ userId: 43 })
    const left = (await visitor.cookie()).expires - Date.now() / 1000
    assert.ok(left > 4900 && left <= 5001, String(left))
  })

  describe('two tabs', () => {
    it('share a session: a login and a logout in one count in the other', async t => {
      await logIn({ key: newKey() })
      const other = await visitor.otherTab(t)
      await other.go(`https://app.test:${port}/untouched`)
      assert.deepEqual(await other.session(), { userId: 42 })
      await other.fetch('/delete', {})
      assert.deepEqual(await visitor.session(), {})
    })

    it('that write at the same time leave what the last response had', async t => {
      const gate = gateway()
      await logIn({ key: newKey() }, gate.add)
      const other = await visitor.otherTab(t)
      await other.go(`https://app.test:${port}/untouched`)
      const slow = visitor.fetch('/slow')
      await gate.reached
      await other.set({ other: true })
      gate.open()
      await slow
      assert.deepEqual(await other.session(), { userId: 42, slow: true })
    })

    for (const isRevoking of [false, true]) {
      it(`of which one logs out while the other still waits: the session ${isRevoking ? 'is over with revocation' : 'comes back without revocation'}`, async t => {
        const gate = gateway()
        await logIn({ key: newKey() }, app => {
          if (isRevoking) app.register(sessionRevocation, { store: new MemoryStore() })
          gate.add(app)
        })
        const other = await visitor.otherTab(t)
        await other.go(`https://app.test:${port}/untouched`)
        const slow = visitor.fetch('/slow')
        await gate.reached
        await other.fetch('/delete', {})
        assert.equal((await visitor.cookies()).size, 0)
        gate.open()
        await slow
        assert.deepEqual(await other.session(), isRevoking ? {} : { userId: 42, slow: true })
        assert.equal((await visitor.cookies()).size, isRevoking ? 0 : 1)
      })
    }
  })
})

/** A route, `/slow`, that has read the session and writes to it once the test says so. */
function gateway (): { add: (app: FastifyInstance) => void, reached: Promise<void>, open: () => void } {
  let [reach, open] = [() => {}, () => {}]
  const reached = new Promise<void>(resolve => { reach = resolve })
  const opened = new Promise<void>(resolve => { open = resolve })
  const add = (app: FastifyInstance): void => {
    app.get('/slow', async request => {
      request.session.data()
      reach()
      await opened
      request.session.set('slow' as never, true as never)
      return 'done'
    })
  }
  return { add, reached, open }
}
