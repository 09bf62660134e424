// Any JavaScript value as what an app stores in a session: what JSON cannot hold, cycles, getters and
// toJSON() that throw, half of a surrogate pair, names of Object.prototype and of the session itself.
//
// Holds: seal() gives a token, or throws a coded error that shows no value; the token opens to what
// JSON makes of the data, in both formats.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { FuzzedDataProvider } from '@jazzer.js/core/dist/FuzzedDataProvider.js'
import { createSessionCodec } from './build/index.js'
import { unlessCoded, wordsOf } from './support/check.js'
import { EXPIRY, KEYS } from './support/sealing.js'

const MAX_DEPTH = 6

/** In every value that is a text; no message may have it. */
const MARK = '\u{1f511}'

const codecs = await Promise.all(['secretbox', 'sealed'].map(format => createSessionCodec({ key: KEYS[0], format, expiry: EXPIRY })))

const KEY_NAMES = ['a', 'b', '__proto__', 'constructor', 'toString', 'toJSON', 'length', '0', '__ts', '__life', '__data', 'then', '']

export const seeds = Array.from({ length: 24 }, (_, n) => Buffer.from(Array.from({ length: 48 }, (_, i) => (n * 37 + i * (n + 5)) % 256)))

export function fuzz (data) {
  const value = objectOf(new FuzzedDataProvider(data), [], 0)
  for (const codec of codecs) {
    const token = unlessCoded(() => codec.seal(value), error => {
      assert.ok(!wordsOf(error).includes(MARK), 'an error shows a value')
    })
    if (token === undefined) continue
    const opened = codec.open(token)
    assert.ok(opened.ok)
    // As text, whose order of keys counts, too.
    assert.equal(JSON.stringify(opened.data), JSON.stringify(JSON.parse(JSON.stringify({ ...value }))))
  }
}

function objectOf (provider, ancestors, depth) {
  const object = {}
  const line = [...ancestors, object]
  const size = provider.consumeIntegralInRange(0, 5)
  for (let i = 0; i < size; i++) {
    const name = provider.consumeBoolean() ? KEY_NAMES[provider.consumeIntegralInRange(0, KEY_NAMES.length - 1)] : provider.consumeString(8)
    define(object, name, provider, line, depth)
  }
  return object
}

function define (object, name, provider, line, depth) {
  const isGetter = provider.consumeIntegralInRange(0, 15) === 0
  const value = valueOf(provider, line, depth + 1)
  const descriptor = isGetter ? { get () { throw new Error(MARK) } } : { value, writable: true }
  Object.defineProperty(object, name, { ...descriptor, enumerable: true, configurable: true })
}

function valueOf (provider, line, depth) {
  const makers = [
    () => null,
    () => provider.consumeBoolean(),
    () => provider.consumeNumber(),
    () => MARK + provider.consumeString(12),
    () => MARK + String.fromCharCode(0xd800 + provider.consumeIntegralInRange(0, 0x7ff)),
    () => undefined,
    () => 1n,
    () => Symbol(MARK),
    () => () => MARK,
    () => new Date(provider.consumeNumber()),
    () => new Map([[1, 2]]),
    () => Buffer.from(provider.consumeBytes(4)),
    () => line[provider.consumeIntegralInRange(0, line.length - 1)],
    () => ({ toJSON: () => { throw new Error(MARK) } }),
    () => Object.assign(Object.create(null), { x: MARK }),
    () => Array.from({ length: provider.consumeIntegralInRange(0, 4) }, () => depth < MAX_DEPTH ? valueOf(provider, line, depth + 1) : 0),
    () => depth < MAX_DEPTH ? objectOf(provider, line, depth) : {}
  ]
  return makers[provider.consumeIntegralInRange(0, makers.length - 1)]()
}
