// When a session ends: what is promised at which second, in both formats.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyInstance } from 'fastify'
import { sessionInfo } from '../../src/index.ts'
import { cookieOf, newKey, setCookies, warnings } from '../support/helpers.ts'
import { get, linesOf, logged, readyApp, type Handler } from '../support/app.ts'

const START = 1_800_000_000_000
const key = newKey()

let clock: FakeTimers.Clock
before(() => { clock = FakeTimers.install({ toFake: ['Date'], now: START }) })
after(() => clock.uninstall())

const ROUTES: Record<string, Handler> = {
  '/login': ({ session }) => { session.set('user', 1) },
  '/remember': ({ session }) => { session.set('user', 1); session.options({ expiry: 1000, maxAge: 900 }) },
  '/read': ({ session }) => session.get('user') ?? 'nobody',
  '/write': ({ session }) => { session.set('n', 1) },
  '/touch': ({ session }) => { session.touch() },
  '/regenerate': ({ session }) => { session.regenerate('user') },
  '/public': ({ session }, reply) => { reply.header('cache-control', 'public, max-age=60'); return session.get('user') ?? 'nobody' },
  '/info': ({ session }) => sessionInfo(session)
}

/** What happens at which second after the login; `R` is a read that must find the user, `r` one that must not. */
type Step = [second: number, what: 'R' | 'r' | 'write' | 'touch' | 'regenerate' | 'sent' | 'not sent']

interface Life {
  title: string
  options: object
  login?: string
  steps: Step[]
}

const LIVES: Life[] = [
  { title: 'expiry alone, read only', options: { expiry: 100 }, steps: [[99, 'R'], [100, 'r']] },
  { title: 'expiry alone, written at 60', options: { expiry: 100 }, steps: [[60, 'write'], [159, 'R'], [160, 'r']] },
  { title: 'expiry alone, touched at 60', options: { expiry: 100 }, steps: [[60, 'touch'], [159, 'R'], [160, 'r']] },
  { title: 'expiry alone, never sends again what is only read', options: { expiry: 100 }, steps: [[51, 'not sent'], [99, 'not sent'], [100, 'r']] },
  { title: 'rolling, read past half of its expiry', options: { expiry: 100, rolling: true, absoluteTimeout: 1000 }, steps: [[51, 'sent'], [150, 'R'], [250, 'r']] },
  { title: 'rolling, read before half of its expiry', options: { expiry: 100, rolling: true, absoluteTimeout: 1000 }, steps: [[50, 'not sent'], [99, 'R']] },
  { title: 'rolling, not read', options: { expiry: 100, rolling: true, absoluteTimeout: 1000 }, steps: [[100, 'r']] },
  { title: 'rolling, is sent once, not on every request', options: { expiry: 100, rolling: true, absoluteTimeout: 1000 }, steps: [[51, 'sent'], [52, 'not sent'], [101, 'not sent'], [102, 'sent']] },
  { title: 'rolling ends at the absolute timeout', options: { expiry: 100, rolling: true, absoluteTimeout: 220 }, steps: [[60, 'sent'], [120, 'sent'], [180, 'not sent'], [219, 'R'], [220, 'r']] },
  { title: 'the absolute timeout ends a session that is written again and again', options: { expiry: 100, absoluteTimeout: 200 }, steps: [[90, 'write'], [180, 'write'], [199, 'R'], [200, 'r']] },
  { title: 'the absolute timeout ends a session before its expiry', options: { expiry: 100, absoluteTimeout: 50 }, steps: [[49, 'R'], [50, 'r']] },
  { title: 'regenerate() starts a new life', options: { expiry: 100, absoluteTimeout: 200 }, steps: [[90, 'write'], [180, 'regenerate'], [279, 'R'], [280, 'r']] },
  { title: 'regenerate() starts a new absolute timeout', options: { expiry: 500, absoluteTimeout: 200 }, steps: [[150, 'regenerate'], [349, 'R'], [350, 'r']] },
  { title: 'a lifetime of its own, longer than expiry', options: { expiry: 100 }, login: '/remember', steps: [[999, 'R'], [1000, 'r']] },
  { title: 'a lifetime of its own survives a write', options: { expiry: 100 }, login: '/remember', steps: [[500, 'write'], [1499, 'R'], [1500, 'r']] },
  { title: 'a lifetime of its own is bounded by the absolute timeout', options: { expiry: 100, absoluteTimeout: 600 }, login: '/remember', steps: [[500, 'write'], [599, 'R'], [600, 'r']] },
  { title: 'a lifetime of its own rolls at its own half', options: { expiry: 100, rolling: true, absoluteTimeout: 10_000 }, login: '/remember', steps: [[500, 'not sent'], [501, 'sent'], [1500, 'R'], [2501, 'r']] },
  { title: 'regenerate() drops a lifetime of its own', options: { expiry: 100 }, login: '/remember', steps: [[500, 'regenerate'], [599, 'R'], [600, 'r']] }
]

/** A browser that keeps the session's cookie. */
class Browser {
  #cookie = ''
  readonly #app: FastifyInstance

  constructor (app: FastifyInstance) {
    this.#app = app
  }

  /** The `Set-Cookie` lines of the answer, of which it keeps the cookie. */
  async visit (url: string): Promise<string[]> {
    const response = await get(this.#app, url, this.#cookie)
    const lines = linesOf(response)
    if (lines.length > 0) this.#cookie = cookieOf(response)
    return lines
  }

  /** The body of the answer, of which it keeps nothing. */
  async peek (url = '/read'): Promise<string> {
    return (await get(this.#app, url, this.#cookie)).body
  }
}

async function live ({ options, login = '/login', steps }: Life, format: string): Promise<void> {
  clock.setSystemTime(START)
  const browser = new Browser(await readyApp({ session: { key, format, ...options }, routes: ROUTES }))
  await browser.visit(login)
  for (const [second, what] of steps) {
    clock.setSystemTime(START + second * 1000)
    const at = `${what} at ${second}`
    if (what === 'R' || what === 'r') assert.equal(await browser.peek(), what === 'R' ? '1' : 'nobody', at)
    else if (what === 'sent' || what === 'not sent') assert.equal((await browser.visit('/read')).length, what === 'sent' ? 1 : 0, at)
    else assert.equal((await browser.visit(`/${what}`)).length, 1, at)
  }
}

for (const format of ['secretbox', 'sealed']) {
  describe(`a session in the ${format} format ends when it should`, () => {
    for (const life of LIVES) it(life.title, async () => { await live(life, format) })
  })
}

describe('rotation and a change of format leave a session the time that it has', () => {
  const moves: Record<string, [from: object, to: object]> = {
    'rotation, secretbox': [{ key }, { key: [newKey(), key] }],
    'rotation, sealed': [{ key, format: 'sealed' }, { key: [newKey(), key], format: 'sealed' }],
    'secretbox to sealed': [{ key }, { key, format: 'sealed', accept: ['sealed', 'secretbox'] }],
    'sealed to secretbox': [{ key, format: 'sealed' }, { key }]
  }
  for (const [title, [from, to]] of Object.entries(moves)) {
    for (const [login, end] of [['/login', 100], ['/remember', 1000]] as const) {
      it(`${title}, ${login.slice(1)}`, async () => {
        clock.setSystemTime(START)
        const limits = { expiry: 100, absoluteTimeout: 5000 }
        const old = await readyApp({ session: { ...from, ...limits }, routes: ROUTES })
        const app = await readyApp({ session: { ...to, ...limits }, routes: ROUTES })
        const first = cookieOf(await get(old, login))
        clock.setSystemTime(START + 60_000)
        const moved = await get(app, '/read', first)
        assert.equal(linesOf(moved).length, 1)
        const { createdAt, expiresAt } = (await get(app, '/info', cookieOf(moved))).json()
        assert.equal(Date.parse(expiresAt), START + end * 1000)
        assert.equal(Date.parse(createdAt), START)
        const read = async (second: number): Promise<string> => {
          clock.setSystemTime(START + second * 1000)
          return (await get(app, '/read', cookieOf(moved))).body
        }
        assert.equal(await read(end - 1), '1')
        assert.equal(await read(end), 'nobody')
      })
    }
  }
})

describe('the cookie of a session with a lifetime of its own', () => {
  for (const format of ['secretbox', 'sealed']) {
    it(`has its own Max-Age on every later response, ${format}`, async () => {
      clock.setSystemTime(START)
      const app = await readyApp({ session: { key, format, expiry: 100, cookie: { path: '/', maxAge: 50 } }, routes: ROUTES })
      const login = await get(app, '/remember')
      assert.match(linesOf(login)[0]!, /; Max-Age=900;/)
      const written = await get(app, '/write', cookieOf(login))
      assert.match(linesOf(written)[0]!, /; Max-Age=900;/)
      const regenerated = await get(app, '/regenerate', cookieOf(written))
      assert.match(linesOf(regenerated)[0]!, /; Max-Age=50;/)
    })
  }

  it('is as it was where options() is refused', async () => {
    clock.setSystemTime(START)
    const app = await readyApp({
      session: { key, expiry: 100 },
      routes: {
        '/': ({ session }) => {
          assert.throws(() => { session.options({ expiry: 1e8, maxAge: 0 }) }, { code: 'FST_SEALED_SESSION_DURATION' })
          session.set('user', 1)
        },
        '/info': ROUTES['/info']!
      }
    })
    const { expiresAt } = (await get(app, '/info', cookieOf(await get(app, '/')))).json()
    assert.equal(Date.parse(expiresAt), START + 100_000)
  })

  it('ends with regenerate() in the same response, its Max-Age too', async () => {
    const app = await readyApp({ session: { key }, routes: { '/': ({ session }) => { session.options({ expiry: 1000, maxAge: 900 }); session.regenerate() } } })
    assert.doesNotMatch(linesOf(await get(app, '/'))[0]!, /Max-Age/)
  })

  it('is sent by options() alone', async () => {
    const app = await readyApp({ session: { key }, routes: { '/': ({ session }) => { session.options({ expiry: 5 }) } } })
    assert.equal(linesOf(await get(app, '/')).length, 1)
  })

  for (const options of [{ expiry: 0 }, { expiry: -1 }, { expiry: '60' }, { expiry: Infinity }, { expiry: 60, maxAge: NaN }, { expiry: 60, maxAge: '5' }, { expiry: 2 ** 32 }, { expiry: 60, maxAge: 1e300 }]) {
    it(`is refused ${JSON.stringify(options)}`, async () => {
      const codes: unknown[] = []
      const app = await readyApp({
        session: { key },
        after: app => { app.setErrorHandler<Error & { code?: string }>((error, _request, reply) => { codes.push(error.code); return reply.code(500).send('failed') }) },
        routes: { '/': ({ session }) => { session.options(options as never) } }
      })
      assert.deepEqual(setCookies(await get(app, '/')), [])
      assert.deepEqual(codes, ['FST_SEALED_SESSION_DURATION'])
    })
  }
})

describe('a rolling session', () => {
  const options = { key, expiry: 100, rolling: true, absoluteTimeout: 130, cookie: { path: '/', maxAge: 100 } }

  it('has a Max-Age of at most what remains until its absolute timeout', async () => {
    clock.setSystemTime(START)
    const app = await readyApp({ session: options, routes: ROUTES })
    const login = await get(app, '/login')
    clock.setSystemTime(START + 60_000)
    assert.match(linesOf(await get(app, '/read', cookieOf(login)))[0]!, /; Max-Age=70;/)
  })

  it('is not sent again with a response that shared caches may keep', async () => {
    clock.setSystemTime(START)
    const app = await readyApp({ session: options, routes: ROUTES })
    const cookie = cookieOf(await get(app, '/login'))
    clock.setSystemTime(START + 60_000)
    const response = await get(app, '/public', cookie)
    assert.equal(response.body, '1')
    assert.deepEqual(linesOf(response), [])
  })

  for (const [what, cookie] of Object.entries({ 'that was refused': 'session=zzzz', 'that is not there': undefined })) {
    it(`sends no empty session in place of a cookie ${what}, however long the request takes`, async () => {
      clock.setSystemTime(START)
      const app = await readyApp({ session: options, routes: { '/slow': ({ session }) => { session.get('user' as never); clock.setSystemTime(START + 60_000); return 'read' } } })
      assert.deepEqual(linesOf(await get(app, '/slow', cookie)), [])
    })
  }

  it('without an absolute timeout is warned about, and with one is not', async () => {
    for (const [absoluteTimeout, codes] of [[undefined, ['FST_SEALED_SESSION_WARN_ROLLING']], [1000, []]] as const) {
      const { lines, server } = logged('warn')
      await readyApp({ session: { key, rolling: true, absoluteTimeout }, server, routes: ROUTES })
      assert.deepEqual(warnings(lines).map(({ code }) => code), codes)
    }
  })
})

describe('absoluteTimeout', () => {
  for (const absoluteTimeout of [0, -1, NaN, Infinity, '60']) {
    it(`is refused as ${String(absoluteTimeout)} (${typeof absoluteTimeout})`, async () => {
      await assert.rejects(readyApp({ session: { key, absoluteTimeout } }), { code: 'FST_SEALED_SESSION_DURATION' })
    })
  }

  it('ends a session of the secretbox format that does not say when it was created, counted from its last write', async () => {
    clock.setSystemTime(START)
    const before = await readyApp({ session: { key, expiry: 500 }, routes: ROUTES })
    const app = await readyApp({ session: { key, expiry: 500, absoluteTimeout: 100 }, routes: ROUTES })
    const cookie = cookieOf(await get(before, '/login'))
    for (const [second, body] of [[99, '1'], [100, 'nobody']] as const) {
      clock.setSystemTime(START + second * 1000)
      assert.equal((await get(app, '/read', cookie)).body, body)
    }
  })

  for (const rolling of [false, true]) {
    it(`ends such a session however often it is written${rolling ? ' or rolls' : ''}`, async () => {
      clock.setSystemTime(START)
      const before = await readyApp({ session: { key, expiry: 500 }, routes: ROUTES })
      const app = await readyApp({ session: { key, expiry: 100, absoluteTimeout: 300, rolling }, routes: ROUTES })
      let cookie = cookieOf(await get(before, '/login'))
      for (const [second, body] of [[60, '1'], [120, '1'], [180, '1'], [240, '1'], [299, '1'], [300, 'nobody']] as const) {
        clock.setSystemTime(START + second * 1000)
        assert.equal((await get(app, '/read', cookie)).body, body, `at ${second}`)
        const response = await get(app, rolling ? '/read' : '/write', cookie)
        if (linesOf(response).length > 0) cookie = cookieOf(response)
      }
    })
  }

  it('keeps nothing in a secretbox token unless it is set', async () => {
    const app = await readyApp({ session: { key } })
    const bound = await readyApp({ session: { key, absoluteTimeout: 100 } })
    const names = (app: FastifyInstance): number => app.encodeSecureSession(app.createSecureSession({})).length
    assert.ok(names(app) < names(bound))
  })
})
