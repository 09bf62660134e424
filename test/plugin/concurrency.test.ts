// What happens to a session where its user's requests run at the same time. Each test has a browser:
// a jar of cookies that is sent as it is when a request starts and changed when its response arrives.
// Handlers wait until the test lets them go on, so that every order is one that the test chose.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import secureSession, { Keyring, generateKey, type FastifySecureSession } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { stopClock } from '../support/configurations.ts'
import { gate, newKey, setCookies } from '../support/helpers.ts'
import { newApp, type Bag } from '../support/app.ts'
import { PLUGINS } from '../support/peer.ts'
import { subject } from '../support/revocation.ts'

type Act = (session: Bag, body: Record<string, unknown>) => void

/** What the routes do to a session, after they have read it and waited. */
const ACTS = {
  read: () => {},
  write: (session, body) => { for (const [key, value] of Object.entries(body)) session.set(key as never, value as never) },
  nested: session => { (session.list as number[] | undefined)?.push(1) },
  touch: session => { session.touch() },
  delete: session => { session.delete() },
  login: (session, body) => { session.regenerate(); session.user = body.user }
} satisfies Record<string, Act>

type Kind = keyof typeof ACTS

/** A request that is under way. */
interface Visit {
  /** Lets the handler go on; the response does not reach the browser. */
  answer: () => Promise<LightMyRequestResponse>
  /** Lets the handler go on, and the browser take the cookies of the response. */
  finish: () => Promise<LightMyRequestResponse>
}

interface BrowserSettings {
  revocation?: boolean
  /** Whether handlers hold back the cookie that nobody asked for, as long as they have not written. */
  holdBack?: boolean
  /** Cookies that it has from before; its own from now on. */
  jar?: Map<string, string>
}

/** An app whose handlers wait, and a browser that uses it. */
class Browser {
  readonly app: FastifyInstance
  readonly jar: Map<string, string>
  readonly #gates = new Map<string, Record<'arrival' | 'departure', ReturnType<typeof gate>>>()
  #started = 0

  constructor (plugin: FastifySecureSession, options: object, { revocation = false, holdBack = false, jar = new Map() }: BrowserSettings = {}) {
    this.jar = jar
    this.app = newApp({
      plugin,
      session: options,
      revocation: revocation ? { store: new MemoryStore(), subject } : undefined,
      routes: app => { this.#addRoutes(app, holdBack) }
    })
  }

  #addRoutes (app: FastifyInstance, holdBack: boolean): void {
    for (const [kind, act] of Object.entries(ACTS)) {
      app.post<{ Params: { id: string, name: string }, Body: Record<string, unknown> }>(`/${kind}/:name/:id`, async request => {
        const session = (request as unknown as Record<string, Bag>)[request.params.name]! // start() gives one that was registered
        const seen = structuredClone(session.data()!) // later changes within it are not meant
        if (holdBack) session.changed = false
        await this.#wait(request.params.id)
        act(session, request.body)
        return seen
      })
    }
    app.post<{ Params: { id: string } }>('/untouched/:name/:id', async ({ params }) => { await this.#wait(params.id); return {} })
  }

  async #wait (id: string): Promise<void> {
    const { arrival, departure } = this.#gates.get(id)! // start() has made them
    arrival.open()
    await departure.opened
  }

  /** Sends a request with the cookies as they are now; resolves once its handler has read the session, and waits. */
  async start (kind: Kind | 'untouched', body: object = {}, name = 'session'): Promise<Visit> {
    const id = String(this.#started++)
    const gates = { arrival: gate(), departure: gate() }
    this.#gates.set(id, gates)
    const response = this.app.inject({ method: 'POST', url: `/${kind}/${name}/${id}`, headers: this.#headers(), payload: body })
    await Promise.race([gates.arrival.opened, response])
    const answer = async (): Promise<LightMyRequestResponse> => {
      gates.departure.open()
      assert.equal((await response).statusCode, 200, (await response).body)
      return await response
    }
    const finish = async (): Promise<LightMyRequestResponse> => {
      this.#take(setCookies(await answer()))
      return await response
    }
    return { answer, finish }
  }

  /** A request with no other beside it. */
  async visit (kind: Kind | 'untouched', body?: object): Promise<LightMyRequestResponse> {
    return await (await this.start(kind, body)).finish()
  }

  /** What the session holds that the browser has, without changing the browser's cookies. */
  async held (name?: string): Promise<object> {
    const visit = await this.start('read', {}, name)
    return (await visit.answer()).json()
  }

  #headers (): Record<string, string> {
    return this.jar.size === 0 ? {} : { cookie: [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ') }
  }

  #take (lines: readonly string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/Max-Age=0/.test(line)) this.jar.delete(name)
      else this.jar.set(name, value)
    }
  }
}

const sealed = (options: object = {}): object => ({ key: newKey(), format: 'sealed', ...options })

/** One step of a schedule: a request starts, one that waits gets its response, or the key is rotated. */
type Step = { start: Kind, size: number } | { finish: number } | { rotate: true }

/** Sizes of text that fit into one cookie, into two and into three. */
const size = fc.constantFrom(0, 0, 3000, 6000)
const start = (...kinds: Kind[]): fc.Arbitrary<Step> => fc.record({ start: fc.constantFrom(...kinds), size })
const finish: fc.Arbitrary<Step> = fc.record({ finish: fc.nat(9) })
const rotate: fc.Arbitrary<Step> = fc.constant({ rotate: true } as const)

/** What the model knows of the browser's session: what it holds, and how many rotations there were when it was sealed; null for no session. */
type Held = { data: Record<string, unknown>, rotation: number } | null

/** A request of a schedule: what it brought, and how many rotations there were when it did. */
interface Waiting { visit: Visit, kind: Kind, copy: Held, body: object, began: number }

/** What the browser holds after the response of a request; undefined where it carries no cookie. */
function after ({ kind, copy, body, began }: Waiting, rotation: number): Held | undefined {
  const data = copy?.data ?? {}
  if (kind === 'delete') return null
  if (kind === 'write') return { data: { ...data, ...body }, rotation }
  if (kind === 'touch') return { data, rotation }
  if (kind === 'nested' && Array.isArray(data.list)) return { data: { ...data, list: [...data.list as number[], 1] }, rotation }
  // Only read. It is sealed again, as it was, where the key was an older one when it came.
  return copy !== null && copy.rotation < began ? { data, rotation } : undefined
}

/** Runs a schedule, and compares what the browser holds with the last response that carried a cookie. */
async function live (steps: readonly Step[]): Promise<{ cookiesOfReads: number }> {
  const keyring = new Keyring(generateKey())
  const browser = new Browser(secureSession, sealed({ key: keyring, maxChunks: 4 }))
  const waiting: Waiting[] = []
  const counts = { rotations: 0, writes: 0, cookiesOfReads: 0 }
  let held: Held = null

  const finishOne = async (index: number): Promise<void> => {
    const [next] = waiting.splice(index, 1)
    if (next === undefined) return
    const { visit, kind, copy } = next
    const response = await visit.finish()
    const result = after(next, counts.rotations)
    assert.deepEqual(response.json(), copy?.data ?? {}, 'a request sees the session as it was when it began')
    assert.equal(setCookies(response).length > 0, result !== undefined, `${kind} carries ${result === undefined ? 'no' : 'a'} cookie`)
    if (result !== undefined) held = result
    if (result !== undefined && kind === 'read') counts.cookiesOfReads++
    assert.deepEqual(await browser.held(), held?.data ?? {}, 'the browser has what the last response with a cookie brought')
  }

  for (const step of steps) {
    if ('rotate' in step) {
      keyring.rotate(generateKey())
      counts.rotations++
    } else if ('finish' in step) {
      await finishOne(step.finish % Math.max(1, waiting.length))
    } else {
      // A key of its own for each write, so that a lost one shows.
      const body = step.start === 'write' ? { [`write${counts.writes++}`]: 1, text: 'x'.repeat(step.size), list: [] } : {}
      waiting.push({ visit: await browser.start(step.start, body), kind: step.start, copy: held, body, began: counts.rotations })
    }
  }
  while (waiting.length > 0) await finishOne(0)
  await browser.app.close()
  return counts
}

describe('in whatever order the requests of one user start and end', () => {
  async function holds (steps: fc.Arbitrary<Step>, check: (result: { cookiesOfReads: number }) => void = () => {}): Promise<void> {
    await fc.assert(fc.asyncProperty(fc.array(steps, { maxLength: 24 }), async steps => { check(await live(steps)) }), { numRuns: 150 })
  }

  it('the browser has what the last response with a cookie brought, and reads carry none: they never overwrite a write', async () => {
    await holds(fc.oneof(start('read', 'read', 'write', 'nested', 'touch', 'delete'), finish), ({ cookiesOfReads }) => assert.equal(cookiesOfReads, 0))
  })

  it('with rotations of the key in between, a read carries one only where its copy came with an older key', async () => {
    await holds(fc.oneof({ weight: 4, arbitrary: start('read', 'write', 'nested', 'delete') }, { weight: 4, arbitrary: finish }, { weight: 1, arbitrary: rotate }))
  })
})

describe('two requests at once', () => {
  it('a read that starts before a write and ends after it leaves the write in place', async () => {
    const browser = new Browser(secureSession, sealed())
    await browser.visit('write', { a: 1 })
    const read = await browser.start('read')
    await browser.visit('write', { b: 2 })
    assert.deepEqual((await read.finish()).json(), { a: 1 }, 'it sees the session as it was')
    assert.deepEqual(await browser.held(), { a: 1, b: 2 })
  })

  for (const [name, plugin] of [['this package', secureSession], ['the peer', PLUGINS.peer]] as const) {
    it(`two writes of different keys: the last response wins, and the key of the other is lost; ${name}`, async () => {
      const browser = new Browser(plugin, { key: newKey() })
      await browser.visit('write', { a: 1 })
      const [first, second] = [await browser.start('write', { b: 2 }), await browser.start('write', { c: 3 })]
      await second.finish()
      await first.finish()
      assert.deepEqual(await browser.held(), { a: 1, b: 2 })
    })
  }

  it('two writes to two sessions do not meet', async () => {
    const browser = new Browser(secureSession, [sealed(), sealed({ sessionName: 'cart' })])
    const [first, second] = [await browser.start('write', { a: 1 }), await browser.start('write', { b: 2 }, 'cart')]
    await second.finish()
    await first.finish()
    assert.deepEqual([await browser.held(), await browser.held('cart')], [{ a: 1 }, { b: 2 }])
  })
})

describe('a read whose copy is due to be sealed again, while another request writes', () => {
  /** A browser with a session that an older key has sealed. */
  async function withOldKey (plugin: FastifySecureSession, options: object = {}, settings: BrowserSettings = {}): Promise<Browser> {
    const [older, newer] = [newKey(), newKey()]
    const before = new Browser(plugin, { ...options, key: older }, settings)
    await before.visit('login', { user: 'ann' })
    return new Browser(plugin, { ...options, key: [newer, older] }, { ...settings, jar: before.jar })
  }

  /** Starts a request, writes in another one, and then lets the first one end. */
  async function racing (browser: Browser, kind: Kind | 'untouched', between: Kind = 'write'): Promise<object> {
    const slow = await browser.start(kind)
    await browser.visit(between, { b: 2 })
    await slow.finish()
    return await browser.held()
  }

  for (const [name, plugin] of [['this package', secureSession], ['the peer', PLUGINS.peer]] as const) {
    it(`overwrites the write if its response comes later; ${name}`, async () => {
      assert.deepEqual(await racing(await withOldKey(plugin), 'read'), { user: 'ann' })
    })
  }

  it('no longer does once the session was sealed again: it happens once a rotation', async () => {
    const browser = await withOldKey(secureSession)
    await browser.visit('read')
    assert.deepEqual(await racing(browser, 'read'), { user: 'ann', b: 2 })
  })

  it('does not where the request never uses the session, with which the peer overwrites it', async () => {
    assert.deepEqual(await racing(await withOldKey(secureSession), 'untouched'), { user: 'ann', b: 2 })
    assert.deepEqual(await racing(await withOldKey(PLUGINS.peer), 'untouched'), { user: 'ann' })
  })

  it('does not where the handler sets session.changed to false', async () => {
    assert.deepEqual(await racing(await withOldKey(secureSession, {}, { holdBack: true }), 'read'), { user: 'ann', b: 2 })
  })

  it('after which a set is saved as ever, and a change inside a value alone is not', async () => {
    for (const [kind, held] of [['write', { list: [], n: 1 }], ['nested', { list: [] }]] as const) {
      const browser = new Browser(secureSession, sealed(), { holdBack: true })
      await browser.visit('write', { list: [] })
      await browser.visit(kind, { n: 1 })
      assert.deepEqual(await browser.held(), held)
    }
  })

  it('so it is with rolling: a slow read renews its own copy, and overwrites the write', async t => {
    const clock = stopClock(t)
    const options = sealed({ expiry: 100, rolling: true, absoluteTimeout: 1000 })
    for (const [holdBack, held] of [[false, { user: 'ann' }], [true, { user: 'ann', b: 2 }]] as const) {
      const browser = new Browser(secureSession, options, { holdBack })
      await browser.visit('login', { user: 'ann' })
      clock.tick(51_000)
      assert.deepEqual(await racing(browser, 'read'), held)
    }
  })

  it('brings a session back that was ended meanwhile, unless revocation is in use', async () => {
    assert.deepEqual(await racing(await withOldKey(secureSession), 'read', 'delete'), { user: 'ann' })
    const browser = await withOldKey(secureSession, {}, { revocation: true })
    assert.deepEqual(await racing(browser, 'read', 'delete'), {})
    assert.equal(browser.jar.size, 0, 'the late response carries no cookie at all')
  })
})

describe('a logout while other requests are under way', () => {
  it('is undone by a write whose response comes later, without revocation', async () => {
    const browser = new Browser(secureSession, sealed())
    await browser.visit('login', { user: 'ann' })
    const write = await browser.start('write', { b: 2 })
    await browser.visit('delete')
    await write.finish()
    assert.deepEqual(await browser.held(), { user: 'ann', b: 2 })
  })

  it('is never undone with revocation, in whatever order requests start and end', async () => {
    const steps = fc.oneof({ weight: 3, arbitrary: start('login', 'delete', 'read', 'touch', 'touch') }, { weight: 3, arbitrary: finish }, { weight: 1, arbitrary: rotate })
    await fc.assert(fc.asyncProperty(fc.array(steps, { maxLength: 24 }), staysOut), { numRuns: 150 })
  })

  /** Runs a schedule; whenever the browser is logged in, it is by a login that was not ended. */
  async function staysOut (steps: readonly Step[]): Promise<void> {
    const keyring = new Keyring(generateKey())
    const browser = new Browser(secureSession, sealed({ key: keyring }), { revocation: true })
    const ended = new Set<unknown>()
    const waiting: Array<{ visit: Visit, kind: Kind }> = []
    let logins = 0
    await browser.visit('login', { user: `login-${logins++}` })
    const finishOne = async (index: number): Promise<void> => {
      const [next] = waiting.splice(index, 1)
      if (next === undefined) return
      const seen = (await next.visit.finish()).json() as { user?: string }
      // A login ends the session that it goes on from as well.
      if ((next.kind === 'delete' || next.kind === 'login') && seen.user !== undefined) ended.add(seen.user)
      const { user } = await browser.held() as { user?: string }
      assert.ok(user === undefined || !ended.has(user), `${user} was logged out, and is back after ${next.kind}`)
    }
    for (const step of steps) {
      if ('rotate' in step) keyring.rotate(generateKey())
      else if ('finish' in step) await finishOne(step.finish % Math.max(1, waiting.length))
      else waiting.push({ visit: await browser.start(step.start, step.start === 'login' ? { user: `login-${logins++}` } : {}), kind: step.start })
    }
    while (waiting.length > 0) await finishOne(0)
    await browser.app.close()
  }
})
