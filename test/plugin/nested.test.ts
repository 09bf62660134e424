// Changes inside a value that the session holds, without a call of set().
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import FakeTimers from '@sinonjs/fake-timers'
import fc from 'fast-check'
import type { FastifyRequest } from 'fastify'
import type { Session } from '../../src/index.ts'
import { cookieOf, newKey } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, newSession, properties, readyApp } from '../support/app.ts'

interface Cart { items: unknown[], owner: { name: string } }

const cart = (): Cart => ({ items: ['pen'], owner: { name: 'Zoë' } })

const cartOf = (session: Session): Cart => properties(session).cart as Cart

describe('a value that is changed in place is saved', () => {
  const changes: Record<string, (session: Session, request: FastifyRequest) => unknown> = {
    'an item pushed to an array': session => { cartOf(session).items.push('ink') },
    'a property of an object in it': session => { cartOf(session).owner.name = 'Ann' },
    'through get()': session => { session.get<Cart>('cart')!.items.length = 0 },
    'through data()': session => { (session.data() as { cart: Cart }).cart.items.push('ink') },
    'through a spread': session => { ({ ...properties(session) } as unknown as { cart: Cart }).cart.items.push('ink') },
    'through Object.entries()': session => { (Object.entries(session)[0]![1] as Cart).items.push('ink') },
    'through a property descriptor': session => { (Object.getOwnPropertyDescriptor(session, 'cart')!.value as Cart).items.push('ink') },
    'through a destructured get': ({ get }) => { get<Cart>('cart')!.items.push('ink') },
    'after await': async session => {
      const { items } = cartOf(session)
      await new Promise(resolve => setImmediate(resolve))
      items.push('ink')
    },
    'by code that keeps a reference': session => {
      const { owner } = cartOf(session)
      const login = (name: string): void => { owner.name = name }
      login('Ann')
    },
    'a deleted property': session => { delete (cartOf(session).owner as Partial<Cart['owner']>).name },
    'the order of an array': session => { cartOf(session).items.push('ink'); cartOf(session).items.reverse() }
  }
  for (const [what, change] of Object.entries(changes)) {
    it(what, async () => {
      let expected: unknown
      const app = await readyApp({
        routes: {
          '/': async (request) => {
            await change(request.session, request)
            expected = JSON.parse(JSON.stringify(request.session.data()))
          }
        }
      })
      const before = { cart: cart() }
      const response = await get(app, '/', cookieWith(app, before))
      assert.notDeepEqual(expected, before)
      assert.deepEqual(contentOf(app, response), expected)
    })
  }

  it('in a value that a hook has read before the handler changes it', async () => {
    const app = await readyApp({
      after: app => { app.addHook('onRequest', async ({ session }) => { cartOf(session) }) },
      routes: { '/': ({ session }) => { cartOf(session).items.push('ink') } }
    })
    const response = await get(app, '/', cookieWith(app, { cart: cart() }))
    assert.deepEqual(contentOf(app, response), { cart: { ...cart(), items: ['pen', 'ink'] } })
  })

  it('in a value that a session read from another key holds, which is sealed again anyway', async () => {
    const [older, newer] = [newKey(), newKey()]
    const before = await readyApp({ session: { key: older } })
    const app = await readyApp({
      session: { key: [newer, older] },
      routes: { '/': ({ session }, reply) => { cartOf(session).items.push('ink'); reply.header('cache-control', 'public') } }
    })
    const response = await get(app, '/', cookieWith(before, { cart: cart() }))
    assert.deepEqual(contentOf(app, response), { cart: { ...cart(), items: ['pen', 'ink'] } })
  })

  it('and counts as a write: the session lives from then on', async () => {
    const clock = FakeTimers.install({ toFake: ['Date'], now: 1_800_000_000_000 })
    try {
      const app = await readyApp({ routes: { '/': ({ session }) => { cartOf(session).items.push('ink') } } })
      const cookie = cookieWith(app, { cart: cart() })
      clock.tick(1_000_000)
      const changed = app.decodeSecureSession(decodeURIComponent(cookieOf(await get(app, '/', cookie)).slice('session='.length)))
      assert.equal(changed?.get('__ts'), 1_800_001_000)
    } finally {
      clock.uninstall()
    }
  })

  it('and shows in `changed`', async () => {
    const seen: boolean[] = []
    const app = await readyApp({
      routes: {
        '/': ({ session }) => {
          const { items } = cartOf(session)
          seen.push(session.changed)
          items.push('ink')
          seen.push(session.changed)
        }
      }
    })
    await get(app, '/', cookieWith(app, { cart: cart() }))
    assert.deepEqual(seen, [false, true])
  })

  it('outside a request, too', async () => {
    const app = await readyApp()
    const session = newSession(app, { cart: cart() })
    cartOf(session).items.push('ink')
    assert.deepEqual(app.decodeSecureSession(app.encodeSecureSession(session))?.get('cart'), { ...cart(), items: ['pen', 'ink'] })
  })

  it('unless `changed` was set to false, which holds the cookie back', async () => {
    const app = await readyApp({ routes: { '/': ({ session }) => { cartOf(session).items.push('ink'); session.changed = false } } })
    assert.deepEqual(linesOf(await get(app, '/', cookieWith(app, { cart: cart() }))), [])
  })

  it('and refused with the key path where it cannot be stored', async () => {
    const errors: Array<{ code?: string, message: string }> = []
    const app = await readyApp({
      after: app => { app.setErrorHandler<Error>((error, _request, reply) => { errors.push(error); return reply.code(500).send('failed') }) },
      routes: { '/': ({ session }) => { cartOf(session).items.push(1n) } }
    })
    const response = await get(app, '/', cookieWith(app, { cart: cart() }))
    assert.equal(response.statusCode, 500)
    assert.deepEqual(linesOf(response), [])
    assert.deepEqual(errors.map(({ code }) => code), ['FST_SEALED_SESSION_VALUE_UNSTORABLE'])
    assert.match(errors[0]!.message, /cart\.items\[1\] is a BigInt/)
  })
})

describe('a session that was only read sends no cookie', () => {
  const reads: Record<string, (session: Session) => unknown> = {
    'a property': session => cartOf(session).items.length,
    'get()': session => session.get('cart'),
    'data()': session => session.data(),
    'JSON.stringify()': session => JSON.stringify(session),
    'a spread': session => ({ ...properties(session) }),
    changed: session => { session.get('cart'); return session.changed },
    'a change that is taken back': session => { cartOf(session).items.push('ink'); cartOf(session).items.pop() }
  }
  for (const [what, read] of Object.entries(reads)) {
    it(what, async () => {
      const app = await readyApp({ routes: { '/': ({ session }) => { read(session) } } })
      assert.deepEqual(linesOf(await get(app, '/', cookieWith(app, { cart: cart(), 1: 'b', 0: 'a', text: '\u2028 é \ud800' }))), [])
    })
  }
})

describe('after any sequence of reads and changes', () => {
  const key = fc.constantFrom('a', 'b')
  const step = fc.oneof(
    fc.record({ do: fc.constantFrom('read' as const, 'remove' as const, 'remove nested' as const, 'keep' as const, 'wait' as const), key }),
    fc.record({ do: fc.constantFrom('set' as const, 'push' as const, 'assign' as const, 'assign deep' as const, 'change kept' as const), key, value: fc.jsonValue() })
  )
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

  function isObject (value: unknown): value is Record<string, unknown> {
    return typeof value === 'object' && value !== null
  }

  /** Takes the steps; what is kept is changed later, as passport changes an object that it took from the session. */
  async function take (target: Record<string, unknown>, steps: readonly Step[]): Promise<void> {
    let kept: unknown
    for (const step of steps) {
      const held = target[step.key]
      if (step.do === 'set') target[step.key] = structuredClone(step.value)
      else if (step.do === 'remove') delete target[step.key]
      else if (step.do === 'keep') kept = held
      else if (step.do === 'wait') await new Promise(resolve => { setImmediate(resolve) })
      else if (step.do === 'change kept' && isObject(kept) && !Array.isArray(kept)) kept.y = structuredClone(step.value)
      else if (step.do === 'push' && Array.isArray(held)) held.push(structuredClone(step.value))
      else if (isObject(held)) change(held, step)
    }
  }

  function change (held: Record<string, unknown>, step: Step): void {
    if (step.do === 'assign') Object.assign(held, { x: structuredClone(step.value) })
    else if (step.do === 'assign deep' && isObject(held.x)) Object.assign(held.x, { z: [structuredClone(step.value)] })
    else if (step.do === 'remove nested') delete held.x
  }

  for (const format of ['secretbox', 'sealed']) {
    it(`the next request sees what a plain object would hold: ${format}`, async () => {
      let steps: readonly Step[] = []
      const app = await readyApp({
        session: { key: newKey(), format },
        routes: {
          '/': async ({ session }) => { await take(properties(session), steps) },
          '/data': ({ session }) => session.data()
        }
      })
      await fc.assert(fc.asyncProperty(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 4 }), async requests => {
        const plain: Record<string, unknown> = { a: [], b: {} }
        let cookie = cookieWith(app, plain)
        for (const request of requests) {
          steps = request
          await take(plain, steps)
          const response = await get(app, '/', cookie)
          if (linesOf(response).length > 0) cookie = cookieOf(response)
          assert.deepEqual((await get(app, '/data', cookie)).json(), JSON.parse(JSON.stringify(plain)))
        }
      }), { numRuns: 200 })
    })
  }
})
