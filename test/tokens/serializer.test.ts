// Session data as JSON text.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { setOwn, type Data } from '../../src/data/data.ts'
import { parse, stringify } from '../../src/data/serializer.ts'

function cyclic (): Data {
  const cart: Record<string, unknown> = { name: 'cart' }
  cart.items = [{ cart }]
  return { cart }
}

/** An array inside an array, `levels` deep. */
function nested (levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

describe('stringify', () => {
  const unstorable: Array<[title: string, value: Data, message: string]> = [
    ['a BigInt', { id: 1n }, 'id is a BigInt'],
    ['a BigInt in an array in an object', { user: { ids: [1, 2n] } }, 'user.ids[1] is a BigInt'],
    ['a function', { f: () => 1 }, 'f is a function'],
    ['a function in an array', { list: [null, [() => 1]] }, 'list[1][0] is a function'],
    ['a class', { user: { Type: class {} } }, 'user.Type is a function'],
    ['a symbol', { a: { s: Symbol('value') } }, 'a.s is a symbol'],
    ['a cycle', cyclic(), 'cart.items[0].cart is a reference to an object that contains it (a cycle)'],
    ['a BigInt under a key that is no identifier', { 'a b': { 'c.d': 1n } }, '["a b"]["c.d"] is a BigInt'],
    ['a BigInt under a number', { byId: { 7: 1n } }, 'byId["7"] is a BigInt'],
    ['a BigInt under an empty key', { '': 1n }, '[""] is a BigInt'],
    ['a function as toJSON of the session itself', { toJSON: () => ({}) }, 'toJSON is a function'],
    ['a toJSON() that throws', { a: { toJSON () { throw new Error('no') } } }, 'a is an object whose toJSON() or getter fails'],
    ['more levels than JSON can write', { a: nested(200_000) }, 'its data is nested too deeply']
  ]
  for (const [title, value, message] of unstorable) {
    it(`${title} is refused with its key path`, () => {
      assert.throws(() => stringify(value), {
        code: 'FST_SEALED_SESSION_VALUE_UNSTORABLE',
        message: `the session cannot be stored: ${message}`
      })
    })
  }

  const throwing: Array<[title: string, value: object]> = [
    ['a getter that throws', { get total () { throw new Error('no total') } }],
    ['a toJSON() that throws null', { toJSON () { throw null } }] // eslint-disable-line no-throw-literal
  ]
  for (const [title, cart] of throwing) {
    it(`${title} is refused with a code as well`, () => {
      assert.throws(() => stringify({ cart }), { code: 'FST_SEALED_SESSION_VALUE_UNSTORABLE' })
    })
  }

  it('one object in two places is no cycle', () => {
    const address = { city: 'Bern' }
    assert.equal(stringify({ home: address, work: address }), '{"home":{"city":"Bern"},"work":{"city":"Bern"}}')
  })

  it('what has a toJSON() is stored as that says, whatever it consists of', () => {
    class Money {
      cents = 5n
      format = () => '0.05'
      toJSON (): string { return '0.05' }
    }
    assert.equal(stringify({ price: new Money(), at: new Date(0) }), '{"price":"0.05","at":"1970-01-01T00:00:00.000Z"}')
  })

  it('a value that is undefined is left out, as JSON does', () => {
    assert.equal(stringify({ a: undefined, b: [undefined] }), '{"b":[null]}')
  })
})

describe('parse', () => {
  for (const text of ['', 'null', 'true', '1', '"text"', '[]', '[{}]', '{', '{"a":1}x', 'undefined', '\ufeff{}']) {
    it(`${JSON.stringify(text)} holds no object`, () => assert.equal(parse(text), null))
  }

  for (const key of ['__proto__', 'constructor', 'toString', 'toJSON', 'hasOwnProperty']) {
    it(`${key} is an ordinary key, and changes no prototype`, () => {
      const parsed = parse(`{"${key}":{"admin":true}}`)
      assert.ok(parsed !== null)
      assert.deepEqual(Object.entries(parsed), [[key, { admin: true }]])
      assert.equal(Object.getPrototypeOf(parsed), Object.prototype)
      assert.equal(parsed.admin, undefined)
    })
  }

  it('no text whatsoever makes it throw', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.json().map(json => json.slice(0, -1)))
    fc.assert(fc.property(text, text => { parse(text) }))
  })

  it('is the inverse of stringify for any object that JSON can hold', () => {
    const key = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', 'toJSON', '__ts'))
    fc.assert(fc.property(fc.array(fc.tuple(key, fc.jsonValue())), entries => {
      const original: Data = {}
      for (const [key, value] of entries) setOwn(original, key, value)
      const parsed = parse(stringify(original))
      assert.deepEqual(Object.entries(parsed ?? {}), Object.entries(original).map(([key, value]) => [key, plain(value)]))
    }))
  })
})

/** A value as JSON gives it back: -0 becomes 0. */
function plain (value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
