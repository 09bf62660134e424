// What a session can hold: what JSON cannot is refused with an error that says where it is.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyError } from 'fastify'
import { contentOf, cookieWith, get, linesOf, logged, readyApp } from '../support/app.ts'

const UNSTORABLE = 'FST_SEALED_SESSION_VALUE_UNSTORABLE'

function cyclic (): object {
  const cart: Record<string, unknown> = { items: [] }
  cart.items = [{ cart }]
  return cart
}

function deep (depth: number): object {
  let value: object = {}
  for (let level = 0; level < depth; level++) value = { value }
  return value
}

const selfish: unknown[] = []
selfish.push(selfish)

const cases: Array<[what: string, data: object, path: string, kind: RegExp]> = [
  ['a BigInt', { n: 1n }, 'n', /BigInt/],
  ['a BigInt in an object', { cart: { total: 1n } }, 'cart.total', /BigInt/],
  ['a BigInt in an array', { cart: { items: [{ price: 1 }, { price: 2n }] } }, 'cart.items[1].price', /BigInt/],
  ['a BigInt under a name that is no identifier', { 'a b': { 'c.d': 1n } }, '["a b"]["c.d"]', /BigInt/],
  ['a function', { f: () => 'hidden' }, 'f', /function/],
  ['a function in an array', { list: [1, () => 'hidden'] }, 'list[1]', /function/],
  ['a method of an object', { user: { name: 'hidden', greet () {} } }, 'user.greet', /function/],
  ['a class', { user: { kind: class Hidden {} } }, 'user.kind', /function/],
  ['a symbol', { s: Symbol('hidden') }, 's', /symbol/],
  ['a symbol in an array', { list: [[Symbol('hidden')]] }, 'list[0][0]', /symbol/],
  ['a cycle', { cart: cyclic() }, 'cart.items[0].cart', /cycle/],
  ['an array that holds itself', { list: selfish }, 'list[0]', /cycle/],
  ['a function beside what can be stored', { a: 'hidden', b: new Date(), c: null, d: { e: [1, { f () {} }] } }, 'd.e[1].f', /function/]
]

describe('what JSON cannot hold is refused with the path of its key', () => {
  for (const [what, data, path, kind] of cases) {
    it(`${what}: ${path}`, async () => {
      let error: FastifyError | undefined
      const app = await readyApp({
        after: app => app.setErrorHandler((thrown: FastifyError, _request, reply) => { error = thrown; return reply.code(500).send('failed') }),
        routes: { '/': ({ session }) => { for (const [key, value] of Object.entries(data)) session.set(key, value) } }
      })
      const response = await get(app)
      assert.equal(response.statusCode, 500)
      assert.equal(error?.code, UNSTORABLE)
      assert.ok(error.message.includes(` ${path} is `), error.message)
      assert.match(error.message, kind)
      assert.doesNotMatch(error.message, /hidden/i)
    })

    it(`${what}: encodeSecureSession says the same`, async () => {
      const app = await readyApp()
      assert.throws(() => app.encodeSecureSession(app.createSecureSession(data)), (error: FastifyError) =>
        error.code === UNSTORABLE && error.message.includes(` ${path} is `) && kind.test(error.message))
    })
  }

  it('a toJSON that throws and nesting without end are coded errors as well', async () => {
    const app = await readyApp()
    for (const data of [{ a: { toJSON () { throw new Error('hidden') } } }, { a: { toJSON: () => 1n } }, deep(100_000)]) {
      assert.throws(() => app.encodeSecureSession(app.createSecureSession(data)), (error: FastifyError) =>
        error.code === UNSTORABLE && !error.message.includes('hidden'))
    }
  })

  it('neither the error nor the log holds a value of the session', async () => {
    const { lines, server } = logged('trace')
    const app = await readyApp({ server, routes: { '/': ({ session }) => { session.set('password', 'hidden-value'); session.set('n', [12345678901234567890n]) } } })
    const response = await get(app)
    assert.match(response.body, /n\[0\] is a BigInt/)
    for (const text of [response.body, JSON.stringify(lines)]) assert.doesNotMatch(text, /hidden-value|12345678901234567890/)
  })
})

describe('what JSON can hold is stored as JSON stores it', () => {
  const shared = { n: 1 }
  const stored: Array<[what: string, data: object, opened: object]> = [
    ['text, numbers, booleans, null, arrays, objects', { a: 'ä€😀"\\\n', b: -1.5, c: false, d: null, e: [1, [2]], f: { g: {} } }, { a: 'ä€😀"\\\n', b: -1.5, c: false, d: null, e: [1, [2]], f: { g: {} } }],
    ['undefined is left out', { a: undefined, b: 1 }, { b: 1 }],
    ['a date becomes text', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['NaN becomes null', { n: NaN }, { n: null }],
    ['one object in two places is no cycle', { a: shared, b: [shared, shared] }, { a: { n: 1 }, b: [{ n: 1 }, { n: 1 }] }],
    ['what has a toJSON method speaks for itself', { a: { f () {}, toJSON: () => 'text' } }, { a: 'text' }],
    ['an instance of a class loses what is not its own', { a: new (class User { name = 'n'; greet () {} })() }, { a: { name: 'n' } }]
  ]
  for (const [what, data, opened] of stored) {
    it(what, async () => {
      const app = await readyApp({ routes: { '/': ({ session }) => { for (const [key, value] of Object.entries(data)) session.set(key, value) } } })
      assert.deepEqual(contentOf(app, await get(app)), opened)
    })
  }

  it('a value that was replaced before the response went out is not complained about', async () => {
    const app = await readyApp({ routes: { '/': ({ session }) => { session.set('n', 1n); session.set('n', 1) } } })
    assert.deepEqual(contentOf(app, await get(app)), { n: 1 })
  })

  it('a session that was deleted after an unstorable write is dropped without an error', async () => {
    const app = await readyApp({ routes: { '/': ({ session }) => { session.set('n', 1n); session.delete() } } })
    const response = await get(app, '/', cookieWith(app, { n: 1 }))
    assert.equal(response.statusCode, 200)
    assert.match(linesOf(response)[0] ?? '', /^session=;/)
  })
})
