// What delete(), regenerate() and the rest of a session's methods do to it and to the response.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import FakeTimers from '@sinonjs/fake-timers'
import type { Session } from '../../src/index.ts'
import { cookieOf, newKey } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, newSession, properties, readyApp } from '../support/app.ts'

const DROPPED = /^session=;.*Max-Age=0;.*Expires=Thu, 01 Jan 1970 00:00:00 GMT/

describe('after delete()', () => {
  it('the session reads as empty at once, whichever way it is read', async () => {
    const app = await readyApp({
      routes: {
        '/': ({ session }) => {
          session.delete()
          return {
            got: session.get('user') === undefined,
            property: properties(session).user === undefined,
            data: session.data(),
            keys: Object.keys(session),
            spread: { ...session },
            has: 'user' in session,
            json: JSON.stringify(session),
            deleted: session.deleted
          }
        }
      }
    })
    const response = await get(app, '/', cookieWith(app, { user: 1 }))
    assert.deepEqual(response.json(), { got: true, property: true, data: {}, keys: [], spread: {}, has: false, json: '{}', deleted: true })
  })

  it('a later hook of the same request sees it empty too', async () => {
    let seen: unknown
    const app = await readyApp({
      after: app => app.addHook('onResponse', async ({ session }) => { seen = session.data() }),
      routes: { '/': ({ session }) => session.delete() }
    })
    await get(app, '/', cookieWith(app, { user: 1 }))
    assert.deepEqual(seen, {})
  })

  const drops: Record<string, (session: Session) => void> = {
    'delete()': session => session.delete(),
    'a set before it': session => { session.set('user', 2); session.delete() },
    'touch() after it': session => { session.delete(); session.touch() },
    'regenerate() after it': session => { session.delete(); session.regenerate('user') },
    'a second delete() after a set': session => { session.delete(); session.set('user', 2); session.delete() }
  }
  for (const [what, act] of Object.entries(drops)) {
    it(`the browser is told once to drop the cookie: ${what}`, async () => {
      const app = await readyApp({ routes: { '/': ({ session }) => act(session) } })
      for (const cookie of [cookieWith(app, { user: 1 }), undefined]) {
        const lines = linesOf(await get(app, '/', cookie))
        assert.equal(lines.length, 1)
        assert.match(lines[0] ?? '', DROPPED)
      }
    })
  }

  it('the cookie is dropped with the path and domain it was set with', async () => {
    const app = await readyApp({ session: { key: newKey(), cookie: { path: '/app', domain: 'example.com' } }, routes: { '/': ({ session }) => session.delete() } })
    assert.match(linesOf(await get(app))[0] ?? '', /; Domain=example\.com; Path=\/app;/)
  })

  const restarts: Record<string, (session: Session) => void> = {
    set: session => session.set('flash', 'bye'),
    'a property': session => { properties(session).flash = 'bye' },
    'set, then touch()': session => { session.set('flash', 'bye'); session.touch() }
  }
  for (const [what, act] of Object.entries(restarts)) {
    it(`a write starts a new session in the same response: ${what}`, async () => {
      const app = await readyApp({ routes: { '/': ({ session }) => { session.delete(); act(session); return String(session.deleted) } } })
      const response = await get(app, '/', cookieWith(app, { user: 1 }))
      assert.deepEqual(contentOf(app, response), { flash: 'bye' })
      assert.equal(linesOf(response).length, 1)
      assert.doesNotMatch(linesOf(response)[0] ?? '', /Max-Age=0|Expires/)
      assert.equal(response.body, 'false')
    })
  }
})

describe('the cookie is sent', () => {
  const writes: Record<string, (session: Session) => unknown> = {
    'after set()': session => session.set('n', 2),
    'after set() of the value that is there': session => session.set('n', 1),
    'after a property was assigned': session => { properties(session).n = 2 },
    'after a property was deleted': session => delete properties(session).n,
    'after touch()': session => session.touch(),
    'after regenerate()': session => session.regenerate(),
    'after regenerate() that keeps everything': session => session.regenerate(['n']),
    'after delete()': session => session.delete()
  }
  for (const [when, act] of Object.entries(writes)) {
    it(when, async () => {
      const app = await readyApp({ routes: { '/': ({ session }) => { act(session); return 'done' } } })
      assert.equal(linesOf(await get(app, '/', cookieWith(app, { n: 1 }))).length, 1)
    })
  }

  for (const method of ['touch', 'regenerate', 'delete'] as const) {
    it(`after ${method}() on a session that is new`, async () => {
      const app = await readyApp({ routes: { '/': ({ session }) => session[method]() } })
      assert.equal(linesOf(await get(app)).length, 1)
    })
  }
})

describe('a session that was only read sends no cookie', () => {
  const reads: Record<string, (session: Session) => unknown> = {
    'get()': session => session.get('n'),
    'get() of a missing key': session => session.get('missing'),
    'data(), and a change of the copy': session => { properties(session.data()).n = 2 },
    'a property': session => properties(session).n,
    'in, Object.keys and spread': session => ['n' in session, Object.keys(session), { ...session }],
    'JSON.stringify': session => JSON.stringify(session),
    'util.inspect and a template': session => `${inspect(session)}${session as unknown as string}`,
    'changed and deleted': session => [session.changed, session.deleted],
    'options()': session => session.options({ maxAge: 60 })
  }
  for (const [how, read] of Object.entries(reads)) {
    it(how, async () => {
      const app = await readyApp({ routes: { '/': ({ session }) => { read(session); return 'done' } } })
      for (const cookie of [cookieWith(app, { n: 1 }), undefined]) {
        const response = await get(app, '/', cookie)
        assert.equal(response.body, 'done')
        assert.equal(response.headers['set-cookie'], undefined)
      }
    })
  }
})

describe('changed and deleted are writable', () => {
  it('changed = false keeps a changed session from being sent', async () => {
    const app = await readyApp({ routes: { '/': ({ session }) => { session.set('n', 1); session.changed = false; return String(session.changed) } } })
    const response = await get(app)
    assert.equal(response.body, 'false')
    assert.deepEqual(linesOf(response), [])
  })

  it('a write after changed = false is sent', async () => {
    const app = await readyApp({ routes: { '/': ({ session }) => { session.changed = false; session.set('n', 1) } } })
    assert.deepEqual(contentOf(app, await get(app)), { n: 1 })
  })

  it('changed = true sends a session that was only read', async () => {
    const app = await readyApp({ routes: { '/': ({ session }) => { session.changed = true } } })
    assert.deepEqual(contentOf(app, await get(app, '/', cookieWith(app, { n: 1 }))), { n: 1 })
  })

  it('deleted = true has the browser drop the cookie of a changed session', async () => {
    const app = await readyApp({ routes: { '/': ({ session }) => { session.touch(); session.deleted = true } } })
    assert.match(linesOf(await get(app, '/', cookieWith(app, { n: 1 })))[0] ?? '', DROPPED)
  })

  it('deleted = false after delete() sends an empty session', async () => {
    const app = await readyApp({ routes: { '/': ({ session }) => { session.delete(); session.deleted = false } } })
    assert.deepEqual(contentOf(app, await get(app, '/', cookieWith(app, { n: 1 }))), {})
  })

  it('neither is stored as data', async () => {
    const app = await readyApp({ routes: { '/': ({ session }) => { session.changed = true; session.deleted = false } } })
    assert.deepEqual(contentOf(app, await get(app, '/', cookieWith(app, { n: 1 }))), { n: 1 })
  })
})

describe('time is read when it is needed', () => {
  const start = Date.UTC(2030, 0, 1)

  it('a clock faked after registration decides how old a session is', async () => {
    const app = await readyApp({ session: { key: newKey(), expiry: 60 }, routes: { '/set': ({ session }) => session.set('n', 1), '/': ({ session }) => session.data() } })
    const clock = FakeTimers.install({ now: start, toFake: ['Date'] })
    try {
      const cookie = cookieOf(await get(app, '/set'))
      clock.setSystemTime(start + 59_000)
      assert.deepEqual((await get(app, '/', cookie)).json(), { n: 1 })
      clock.setSystemTime(start + 60_000)
      assert.deepEqual((await get(app, '/', cookie)).json(), {})
    } finally {
      clock.uninstall()
    }
  })

  it('a session created earlier takes the time of its write, not of its creation', async () => {
    const app = await readyApp()
    const clock = FakeTimers.install({ now: start, toFake: ['Date'] })
    try {
      const session = newSession(app)
      clock.setSystemTime(start + 500_000)
      session.set('n', 1)
      assert.equal(session.get('__ts'), start / 1000 + 500)
    } finally {
      clock.uninstall()
    }
  })
})
