// What docs/evidence/comparison.md says of each package, found out by using it.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { setCookies } from '../support/helpers.ts'
import { repository } from '../package/packed.ts'
import type { Contender, Setup } from './contenders.ts'

/** One row of the table. */
export interface Claim {
  title: string
  /** What the cell of a package says. */
  cell: (contender: Contender) => Promise<string>
}

const KEYS = ['the-key-of-this-comparison-000001']
const NEW_KEY = 'another-key-of-this-comparison-02'
const UNRELATED_KEY = 'a-key-that-has-sealed-nothing-003'

/** A browser that keeps one site's cookies, and the app that it visits. */
class Visitor {
  cookie: string
  readonly app: FastifyInstance

  constructor (app: FastifyInstance, cookie = '') {
    this.app = app
    this.cookie = cookie
  }

  async set (values: object): Promise<LightMyRequestResponse> { return await this.#request('POST', '/set', values) }
  async push (): Promise<void> { await this.#request('POST', '/push') }
  async logOut (): Promise<void> { await this.#request('POST', '/logout') }
  async get (): Promise<Record<string, unknown>> {
    const response = await this.#request('GET', '/get')
    return response.statusCode === 200 ? response.json() : {}
  }

  async #request (method: 'GET' | 'POST', url: string, payload?: object): Promise<LightMyRequestResponse> {
    const response = await this.app.inject({ method, url, headers: { cookie: this.cookie }, ...(payload === undefined ? {} : { payload }) })
    const lines = setCookies(response)
    if (lines.length > 0) this.cookie = lines.map(line => line.split(';')[0]).join('; ')
    return response
  }
}

async function visit (contender: Contender, setup: Partial<Setup> = {}): Promise<Visitor> {
  return new Visitor(await contender.app({ keys: [...KEYS], ...setup }))
}

/** Somebody who has logged in. */
async function loggedIn (contender: Contender, setup: Partial<Setup> = {}): Promise<Visitor> {
  const visitor = await visit(contender, setup)
  await visitor.set({ user: 'ada' })
  return visitor
}

async function isLoggedIn (visitor: Visitor): Promise<boolean> {
  return (await visitor.get()).user === 'ada'
}

const NUMBERS = ['none', 'one', 'two', 'three', 'four']

const yesOrNo = (value: boolean): string => value ? 'yes' : 'no'

/** A clock of the test's, for `Date` only. */
async function withClock<T> (act: (wait: (seconds: number) => void) => Promise<T>): Promise<T> {
  const clock = FakeTimers.install({ toFake: ['Date'], now: Date.now() })
  try {
    return await act(seconds => { clock.tick(seconds * 1000) })
  } finally {
    clock.uninstall()
  }
}

async function copyAfterLogout (contender: Contender, revokes: boolean): Promise<boolean> {
  const visitor = await loggedIn(contender, { revokes })
  const copy = new Visitor(visitor.app, visitor.cookie)
  await visitor.logOut()
  return await isLoggedIn(copy)
}

/** A store of the app's, which several registrations may share. */
function sharedStore (): object {
  const sessions = new Map<string, unknown>()
  return {
    get: (id: string, done: (error: null, session: unknown) => void) => { done(null, sessions.get(id)) },
    set: (id: string, session: unknown, done: (error: null) => void) => { sessions.set(id, session); done(null) },
    destroy: (id: string, done: (error: null) => void) => { sessions.delete(id); done(null) }
  }
}

async function textExpiry (contender: Contender): Promise<string> {
  return await withClock(async wait => {
    let visitor: Visitor
    try {
      visitor = await visit(contender, { expiry: '60' })
    } catch {
      return 'the app does not start'
    }
    const { statusCode } = await visitor.set({ user: 'ada' })
    if (statusCode === 500) return 'the login is an error'
    const copy = new Visitor(visitor.app, visitor.cookie)
    wait(61)
    if (!await isLoggedIn(copy)) return 'a minute'
    wait(10 * 365 * 86_400)
    return await isLoggedIn(new Visitor(visitor.app, copy.cookie)) ? 'no end' : 'longer than a minute'
  })
}

async function endsAfterAll (contender: Contender): Promise<boolean> {
  return await withClock(async wait => {
    const visitor = await loggedIn(contender, { expiry: 100, absoluteTimeout: 1000 })
    for (let passed = 0; passed < 2000; passed += 50) {
      wait(50)
      if (!await isLoggedIn(visitor)) return true
      await visitor.set({ seen: passed })
    }
    return false
  })
}

async function large (contender: Contender): Promise<string> {
  const [without, withChunks] = [await largeWith(contender, false), await largeWith(contender, true)]
  return without === withChunks ? without : `${withChunks} with \`chunk: true\`, else ${without}`
}

async function largeWith (contender: Contender, takesChunks: boolean): Promise<string> {
  const visitor = await visit(contender, { takesChunks })
  const text = 'x'.repeat(5000)
  const response = await visitor.set({ text })
  const lines = setCookies(response)
  const isRead = (await visitor.get()).text === text
  if (response.statusCode === 500) return 'an error'
  if (lines.some(line => line.length > 4096)) return 'a cookie that browsers drop'
  if (!isRead) return 'lost'
  return lines.length > 1 ? `${NUMBERS[lines.length] ?? lines.length} cookies` : 'kept in the store'
}

async function newKey (contender: Contender): Promise<boolean> {
  const keys = [...KEYS]
  const store = sharedStore() // of the package that has one: all its processes share it
  const visitor = await loggedIn(contender, { keys, store })
  const before = visitor.cookie
  keys.unshift(NEW_KEY)
  contender.rotate?.(visitor.app, NEW_KEY)
  const rotated = await loggedIn(contender, { keys, store })
  if (!await isLoggedIn(rotated)) throw new Error('the keys of this test are wrong')
  visitor.cookie = ''
  await visitor.set({ user: 'ada' })
  // What it sends now opens without the old key, and what it sent before still opens there.
  const elsewhere = await visit(contender, { keys: [NEW_KEY, UNRELATED_KEY], store })
  elsewhere.cookie = visitor.cookie
  return await isLoggedIn(elsewhere) && await isLoggedIn(new Visitor(visitor.app, before))
}

/** Whether the package can be loaded, and an app with it gets ready, in a Node.js that loads no addons. */
async function runsWithoutAddons ({ name }: Contender): Promise<boolean> {
  const program = name === 'iron-session'
    ? "const { sealData } = await import('iron-session'); await sealData({}, { password: 'x'.repeat(32) })"
    : `const { default: Fastify } = await import('fastify'); const { default: plugin } = await import('${name}')
       const app = Fastify(); if ('${name}' === '@fastify/session') app.register((await import('@fastify/cookie')).default)
       app.register(plugin, { key: Buffer.alloc(32, 'k'), secret: 'x'.repeat(32) }); await app.ready()`
  try {
    await promisify(execFile)(process.execPath, ['--no-addons', '--input-type=module', '-e', program], { cwd: repository })
    return true
  } catch (error) {
    if (!/dlopen|addon/i.test((error as { stderr: string }).stderr)) throw error
    return false
  }
}

export const CLAIMS: readonly Claim[] = [
  {
    title: 'Several processes share sessions without a store',
    cell: async contender => {
      const { cookie } = await loggedIn(contender)
      const other = await visit(contender)
      return yesOrNo(await isLoggedIn(new Visitor(other.app, cookie)))
    }
  },
  {
    title: 'A cookie with one character changed opens an empty session',
    cell: async contender => {
      const { app, cookie } = await loggedIn(contender)
      const at = cookie.length - 30
      const changed = cookie.slice(0, at) + (cookie[at] === 'A' ? 'B' : 'A') + cookie.slice(at + 1)
      const response = await app.inject({ url: '/get', headers: { cookie: changed } })
      return yesOrNo(response.statusCode === 200 && response.json().user === undefined)
    }
  },
  {
    title: '`session.cart.push(x)` is saved, with no other call',
    cell: async contender => {
      const visitor = await visit(contender)
      await visitor.set({ cart: ['paper'] })
      await visitor.push()
      return yesOrNo((await visitor.get()).cart?.toString() === 'paper,pen')
    }
  },
  {
    title: 'A new key seals while the app runs, and old sessions open',
    cell: async contender => yesOrNo(await newKey(contender))
  },
  {
    title: 'The cookie of one session, renamed, opens as another that shares its key',
    cell: async contender => {
      const store = sharedStore()
      const { cookie } = await loggedIn(contender, { cookieName: 'prefs', store })
      const { app } = await visit(contender, { cookieName: 'auth', store })
      return yesOrNo(await isLoggedIn(new Visitor(app, cookie.replace('prefs=', 'auth='))))
    }
  },
  {
    title: 'A cookie of the same name that somebody planted logs the user out',
    cell: async contender => {
      const { app, cookie } = await loggedIn(contender)
      return yesOrNo(!await isLoggedIn(new Visitor(app, `session=planted; ${cookie}`)))
    }
  },
  {
    title: 'A copy of the cookie opens after logout',
    cell: async contender => {
      const without = yesOrNo(await copyAfterLogout(contender, false))
      const withRevocation = yesOrNo(await copyAfterLogout(contender, true))
      return without === withRevocation ? without : `${withRevocation} with [revocation](../guide/revocation.md), else ${without}`
    }
  },
  {
    title: 'A session can be made to end some time after login, however much it is used',
    cell: async contender => yesOrNo(await endsAfterAll(contender))
  },
  { title: "`'60'` as text, where a number is expected, lets a session live for", cell: textExpiry },
  { title: 'A session of 5 KB is', cell: large },
  {
    title: 'A response with the cookie says `Cache-Control: no-store`',
    cell: async contender => {
      const response = await (await visit(contender)).set({ user: 'ada' })
      return yesOrNo(response.headers['cache-control'] === 'no-store')
    }
  },
  {
    title: 'Runs where addons cannot be loaded',
    cell: async contender => yesOrNo(await runsWithoutAddons(contender))
  }
]
