// Values that JSON does not give back as they were: refused if that can only be a mistake, else warned about.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import vm from 'node:vm'
import type { FastifyError } from 'fastify'
import { createSessionCodec } from '../../src/index.ts'
import { newKey, warnings } from '../support/helpers.ts'
import { get, linesOf, logged, newSession, readyApp } from '../support/app.ts'

const CHANGED = 'FST_SEALED_SESSION_WARN_VALUE_CHANGED'
const UNSTORABLE = 'FST_SEALED_SESSION_VALUE_UNSTORABLE'

class User {
  name = 'ann'
  greet (): string { return this.name }
}

class Row {
  name = 'ann'
}

class Secretive {
  readonly #name = 'ann'
  get name (): string { return this.#name }
}

const REFUSED: Array<[what: string, value: unknown, kind: RegExp]> = [
  ['a promise', Promise.resolve({ id: 42 }), /a promise that was not awaited/],
  ['a promise of another realm', vm.runInNewContext('Promise.resolve(1)'), /a promise/],
  ['a query that is run when it is awaited', new (class { table = 'users'; then (): void {} })(), /a promise/],
  ['a WeakMap', new WeakMap(), /a WeakMap/],
  ['a WeakSet', new WeakSet(), /a WeakMap or WeakSet/],
  ['a BigInt in an object of its own', Object(1n), /a BigInt/],
  ['a symbol in an object of its own', Object(Symbol('hidden')), /a symbol/],
  ['a function', () => 'hidden', /a function/]
]

describe('what can only be a mistake is refused with its key path', () => {
  for (const [what, value, kind] of REFUSED) {
    for (const [path, data] of [['user', { user: value }], ['user.orders[1]', { user: { orders: [1, value] } }]] as const) {
      it(`${what} as ${path}`, async () => {
        let error: FastifyError | undefined
        const app = await readyApp({
          after: app => app.setErrorHandler((thrown: FastifyError, _request, reply) => { error = thrown; return reply.code(500).send('failed') }),
          routes: { '/': ({ session }) => { session.set('user', data.user) } }
        })
        const response = await get(app)
        assert.equal(error?.code, UNSTORABLE)
        assert.ok(error.message.includes(` ${path} is `), error.message)
        assert.match(error.message, kind)
        assert.deepEqual(linesOf(response), [])
      })
    }
  }
})

const CHANGING: Array<[what: string, value: unknown, words: RegExp]> = [
  ['NaN', Number.NaN, /is NaN or Infinity, and comes back as null/],
  ['Infinity', -Infinity, /is NaN or Infinity, and comes back as null/],
  ['a Date', new Date(0), /is a Date, and comes back as text/],
  ['a Date of another realm', vm.runInNewContext('new Date(0)'), /is a Date/],
  ['a Map', new Map([['a', 1]]), /is a Map, and comes back as an empty object/],
  ['a Set', new Set([1]), /is a Set, and comes back as an empty object/],
  ['a Map of another realm', vm.runInNewContext('new Map()'), /is a Map/],
  ['an Error', Object.assign(new Error('hidden'), { status: 401 }), /is an Error, and comes back as an object without its message/],
  ['a Buffer', Buffer.from('hidden'), /is bytes, and comes back as an object/],
  ['bytes', new Uint8Array([104, 105]), /is bytes/],
  ['a regular expression', /hidden/, /comes back as an empty object/],
  ['search parameters', new URLSearchParams('a=hidden'), /comes back as an empty object/],
  ['an object whose properties are private', new Secretive(), /comes back as an empty object/],
  ['an object with methods', new User(), /comes back as a plain object without its methods/]
]

describe('what JSON changes is stored as with the peer, and warned about', () => {
  for (const [what, value, words] of CHANGING) {
    it(`${what}: once, with its key path, and without the value`, async () => {
      const { lines, server } = logged()
      const app = await readyApp({ server, routes: { '/': ({ session }) => { session.set('user', { list: [value] }) } } })
      for (let time = 0; time < 3; time++) assert.equal((await get(app)).statusCode, 200)
      const found = warnings(lines)
      assert.deepEqual(found.map(({ code }) => code), [CHANGED])
      assert.match(found[0]!.msg, /^session "session": the value of user\.list\[0\] is /)
      assert.match(found[0]!.msg, words)
      assert.doesNotMatch(found[0]!.msg, /hidden|ann/)
    })
  }

  it('each kind has a warning of its own', async () => {
    const { lines, server } = logged()
    const app = await readyApp({ server, routes: { '/': ({ session }) => { for (const [index, [, value]] of CHANGING.entries()) session.set(`key${index}`, value) } } })
    await get(app)
    assert.equal(warnings(lines).length, new Set(CHANGING.map(([, , words]) => /is (?:NaN|a Date|a Map|a Set|an Error|bytes)|comes back.*/.exec(words.source)![0])).size)
  })

  it('a codec says so to the process', async t => {
    const codes: unknown[] = []
    const listen = ({ code }: Error & { code?: string }): void => { codes.push(code) }
    process.on('warning', listen)
    t.after(() => { process.off('warning', listen) })
    const { seal } = await createSessionCodec({ key: newKey() })
    seal({ at: new Date(0) })
    await new Promise(resolve => { setImmediate(resolve) })
    assert.ok(codes.includes(CHANGED))
  })
})

describe('what comes back as it was is stored without a word', () => {
  const STORED: Array<[what: string, value: unknown]> = [
    ['a plain object', { a: [1, null, { b: 'c' }] }],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
    ['an object of another realm', vm.runInNewContext('({ a: [1, { b: 2 }] })')],
    ['a row of a driver, whose class has no members', new Row()],
    ['what has a toJSON() of its own', { toJSON: () => 'text' }],
    ['a URL, which has one', new URL('https://a.example/')],
    ['a number in an object of its own', Object(1)],
    ['a value that is undefined', undefined]
  ]
  for (const [what, value] of STORED) {
    it(what, async () => {
      const { lines, server } = logged()
      const app = await readyApp({ server, routes: { '/': ({ session }) => { session.set('user', { value }) } } })
      assert.equal((await get(app)).statusCode, 200)
      assert.deepEqual(warnings(lines), [])
    })
  }

  it('and anything that a serializer of the app takes', async () => {
    const { lines, server } = logged()
    const serializer = { stringify: () => 'text', parse: () => ({}) }
    const app = await readyApp({ server, session: { key: newKey(), serializer }, routes: { '/': ({ session }) => { session.set('user', new Map()) } } })
    assert.equal((await get(app)).statusCode, 200)
    assert.deepEqual(warnings(lines), [])
  })
})

describe('a session outside a request, made of what has no properties', () => {
  for (const [what, data, kind] of [
    ['a promise that was not awaited', Promise.resolve({ id: 42 }), 'a promise: await it'],
    ['a Map', new Map([['id', 42]]), 'a Map'],
    ['a Set', new Set([42]), 'a Set'],
    ['a WeakMap', new WeakMap(), 'a Map']
  ] as const) {
    it(`${what} is refused, or it would be a session of nobody`, async () => {
      const app = await readyApp()
      const error = { code: 'FST_SEALED_SESSION_DATA_INVALID', message: `the data of a session must be an object, got ${kind}` }
      assert.throws(() => newSession(app, data), error)
      const { seal } = await createSessionCodec({ key: newKey() })
      assert.throws(() => seal(data as never), error)
    })
  }
})
