// examples/everywhere: one cookie in all servers, over HTTP and in a browser.
import FakeTimers from '@sinonjs/fake-timers'
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { Keyring } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { createWebSessions, sessionInfo, type WebSessions } from '../../src/web/index.ts'
import { noRedis } from '../revocation/redis-server.ts'
import { launch, noBrowser, Visitor } from '../support/browser.ts'
import { newKey } from '../support/helpers.ts'
import { Everywhere, SERVERS } from './everywhere.ts'

const HOUR = 3_600_000
const NAMES = Object.keys(SERVERS).filter(name => SERVERS[name] === false)
const key = newKey().toString('hex')

/** Keys, newest first, as the servers have them. */
const keys = [key]

/** Sessions with the options of the example, and a clock of their own. */
async function ownSessions (): Promise<WebSessions> {
  return await createWebSessions({ key: new Keyring(keys), cookie: { secure: 'auto' }, revocation: { store: new MemoryStore(), subject: session => session.get('user') as string | undefined } })
}

/** `Cookie` header of a browser that got these lines. */
function cookieOf (lines: readonly string[]): string {
  return lines.map(line => line.split(';')[0]).join('; ')
}

/** `Cookie` header of a session that was written some time ago. @param ago milliseconds */
async function sessionOf (data: Record<string, unknown>, ago = 0): Promise<string> {
  const clock = FakeTimers.install({ now: Date.now() - ago, toFake: ['Date'] })
  try {
    const session = await (await ownSessions()).open({ headers: {} })
    for (const [name, value] of Object.entries(data)) session.set(name, value)
    const headers = new Headers()
    await session.commit(headers)
    return cookieOf(headers.getSetCookie())
  } finally {
    clock.uninstall()
  }
}

/** Time of the last write, and id of the key, of a session. */
async function infoOf (cookie: string): Promise<{ writtenAgo: number, keyId: string | null }> {
  const { lastWriteAt, keyId } = sessionInfo(await (await ownSessions()).open({ headers: { cookie } }))
  return { writtenAgo: Date.now() - (lastWriteAt?.getTime() ?? 0), keyId }
}

describe('examples/everywhere', { skip: noRedis }, () => {
  let servers: Everywhere

  before(async () => { servers = await Everywhere.start(key) })
  after(async () => { await servers?.stop() })

  async function post (name: string, path: string, cookie = '', body: object = {}): Promise<Response> {
    return await fetch(`${servers.urls[name]}${path}`, { method: 'POST', headers: { cookie, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  }

  async function get (name: string, path: string, cookie = ''): Promise<Response> {
    return await fetch(`${servers.urls[name]}${path}`, { headers: { cookie } })
  }

  /** What each server knows of a session. */
  async function everywhere (cookie: string): Promise<Record<string, unknown>> {
    return Object.fromEntries(await Promise.all(NAMES.map(async name => {
      const response = await get(name, '/profile', cookie)
      return [name, response.status === 200 ? await response.json() : response.status] as const
    })))
  }

  const same = <Value>(value: Value): Record<string, Value> => Object.fromEntries(NAMES.map(name => [name, value]))

  /** Asks all servers until each says what is expected: one may believe for `cacheTtl` that a session has not ended, or has not looked at the key file yet. */
  async function becomes (cookie: string, expected: unknown): Promise<void> {
    const deadline = Date.now() + 60_000
    for (;;) {
      const answers = await everywhere(cookie)
      const isDone = NAMES.every(name => JSON.stringify(answers[name]) === JSON.stringify(expected))
      if (isDone || Date.now() > deadline) return assert.deepEqual(answers, same(expected))
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }

  for (const [name, skip] of Object.entries(SERVERS)) {
    describe(name, { skip }, () => {
      it('nobody is logged in without a session', async () => {
        assert.equal((await get(name, '/profile')).status, 401)
        assert.equal((await get(name, '/profile', 'session=garbage')).status, 401)
      })

      it('a login here is a login in all others, and so is a write, with the same cookie', async () => {
        const login = await post(name, '/login', '', { user: 'ada' })
        assert.equal(login.status, 200)
        assert.equal(login.headers.get('cache-control'), 'no-store')
        assert.deepEqual(login.headers.getSetCookie().map(line => line.replace(/=[^;]+/, '=')), ['session=; Path=/; HttpOnly; SameSite=Lax'])
        const loggedIn = cookieOf(login.headers.getSetCookie())
        assert.deepEqual(await everywhere(loggedIn), same({ user: 'ada', visits: 0 }))
        const written = cookieOf((await post(name, '/visit', loggedIn)).headers.getSetCookie())
        assert.deepEqual(await everywhere(written), same({ user: 'ada', visits: 1 }))
      })

      it('a session is renewed that was written five hours ago, and one from a moment ago is not', async () => {
        const renewed = await get(name, '/profile', await sessionOf({ user: 'ada' }, 5 * HOUR))
        const cookie = cookieOf(renewed.headers.getSetCookie())
        assert.ok((await infoOf(cookie)).writtenAgo < HOUR)
        assert.deepEqual(await everywhere(cookie), same({ user: 'ada', visits: 0 }))
        assert.deepEqual((await get(name, '/profile', cookie)).headers.getSetCookie(), [])
      })

      it('a session is refused that has ended by itself', async () => {
        assert.equal((await get(name, '/profile', await sessionOf({ user: 'ada' }, 9 * HOUR))).status, 401)
      })

      it('a session that takes two cookies is written here, and read by all others', async () => {
        const written = (await post(name, '/visit', await sessionOf({ user: 'ada', text: 'x'.repeat(4000) }))).headers.getSetCookie()
        assert.equal(written.length, 2)
        assert.deepEqual(await everywhere(cookieOf(written)), same({ user: 'ada', visits: 1 }))
      })
    })
  }

  it('a logout in any of them ends a copy of the cookie in all others', async () => {
    await Promise.all(NAMES.map(async name => {
      const cookie = cookieOf((await post('fastify', '/login', '', { user: 'ada' })).headers.getSetCookie())
      assert.deepEqual(await everywhere(cookie), same({ user: 'ada', visits: 0 }))
      const logout = await post(name, '/logout', cookie)
      assert.match(logout.headers.getSetCookie().join(), /^session=; Max-Age=0; Path=\/;/)
      await becomes(cookie, 401)
    }))
  })

  describe('a page of Next.js', () => {
    it('shows the session, and is renewed by the proxy', async () => {
      const page = await get('nextjs', '/', await sessionOf({ user: 'ada', visits: 3 }, 5 * HOUR))
      assert.match(await page.text(), /<h1>Hello ada, 3 visits<\/h1>/)
      const [line, ...others] = page.headers.getSetCookie()
      assert.deepEqual(others, [])
      assert.ok((await infoOf(cookieOf([line!]))).writtenAgo < HOUR)
    })

    it('shows a session to nobody else', async () => {
      const page = await get('nextjs', '/')
      assert.match(await page.text(), /<h1>Nobody is logged in<\/h1>/)
      assert.match(page.headers.get('cache-control') ?? '', /no-store/)
    })
  })

  /** Rotates the keys, and waits until no server refuses the new one. */
  async function rotate (): Promise<void> {
    keys.unshift(newKey().toString('hex'))
    await servers.rotate(keys[0]!)
    await becomes(await sessionOf({ user: 'eve', visits: 1 }), { user: 'eve', visits: 1 })
  }

  describe('a rotation of keys', () => {
    it('ends no session, and needs no restart of a server that watches the file', async () => {
      const before = await sessionOf({ user: 'ada', visits: 1 })
      const [id] = new Keyring(keys).ids
      await rotate()
      assert.deepEqual(await everywhere(before), same({ user: 'ada', visits: 1 }))
      // The worker was started with the new key, and seals with it at once.
      const sealed = cookieOf((await get('hono-workerd', '/profile', before)).headers.getSetCookie())
      const { keyId } = await infoOf(sealed)
      assert.notEqual(keyId, id)
      assert.equal(keyId, new Keyring(keys).ids[0])
      assert.deepEqual(await everywhere(sealed), same({ user: 'ada', visits: 1 }))
    })
  })

  describe('in Chromium', { skip: noBrowser }, () => {
    let browser: Browser
    let visitor: Visitor
    before(async () => { browser = await launch(); visitor = await Visitor.enter(browser) })
    after(async () => { await visitor?.leave(); await browser?.close() })

    /** Visits each server, and writes to the session there. @returns visits */
    async function travel (visits: number): Promise<number> {
      for (const name of NAMES) {
        assert.deepEqual(JSON.parse(await visitor.go(`${servers.urls[name]}/profile`)), { user: 'ada', visits }, name)
        assert.deepEqual(JSON.parse((await visitor.fetch('/visit', {})).text), { visits: ++visits }, name)
      }
      assert.equal(await visitor.go(servers.urls.nextjs!), `Hello ada, ${visits} visits`)
      return visits
    }

    it('one session travels through all servers, is renewed, rotated and ended, and no step loses it', async () => {
      const [name = '', value = ''] = (await sessionOf({ user: 'ada' }, 5 * HOUR)).split('=')
      await visitor.context.addCookies([{ name, value, domain: 'localhost', path: '/', httpOnly: true, sameSite: 'Lax' }])
      assert.equal(await visitor.go(servers.urls.nextjs!), 'Hello ada, 0 visits')
      assert.ok((await infoOf(`session=${(await visitor.cookie()).value}`)).writtenAgo < HOUR, 'it was not renewed')
      let visits = await travel(0)

      await rotate()
      await visitor.go(`${servers.urls['hono-workerd']}/profile`)
      assert.equal((await infoOf(`session=${(await visitor.cookie()).value}`)).keyId, new Keyring(keys).ids[0])
      visits = await travel(visits)

      const copy = `session=${(await visitor.cookie()).value}`
      assert.deepEqual(await everywhere(copy), same({ user: 'ada', visits }))
      assert.equal((await visitor.fetch('/logout', {})).status, 200)
      assert.equal((await visitor.cookies()).size, 0)
      assert.equal(await visitor.go(servers.urls.nextjs!), 'Nobody is logged in')
      await becomes(copy, 401)
    })
  })
})
