// Durations given at registration.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newApp } from '../support/app.ts'
import { newKey } from '../support/helpers.ts'
import { rejection, sealRaw, seconds, stopClock, warningsOf } from '../support/configurations.ts'

describe('expiry', () => {
  const refused: Array<[what: string, expiry: unknown, got: RegExp]> = [
    ['a string', '60', /a string/],
    ['an empty string', '', /a string/],
    ['a string that is no number', '1 day', /a string/],
    ['negative', -1, /-1/],
    ['a negative fraction', -0.5, /-0\.5/],
    ['NaN', NaN, /NaN/],
    ['Infinity', Infinity, /Infinity/],
    ['-Infinity', -Infinity, /-Infinity/],
    ['true', true, /true/],
    ['false', false, /false/],
    ['a BigInt', 60n, /a bigint/],
    ['an array', [60], /an array/],
    ['an object', { seconds: 60 }, /an object/],
    ['a Number object', Object(60), /an object/],
    ['a Date', new Date(), /an object/],
    ['a function', () => 60, /a function/],
    ['a symbol', Symbol('60'), /a symbol/]
  ]
  for (const [what, expiry, got] of refused) {
    it(`is refused at registration where it is ${what}`, async () => {
      const error = await rejection({ key: newKey(), expiry })
      assert.equal(error.code, 'FST_SEALED_SESSION_DURATION')
      assert.match(error.message, /"expiry" must be a finite positive number of seconds, got /)
      assert.match(error.message, got)
      assert.match(error.hint, /Give a positive number/)
    })
  }

  it('is checked for every session of an array', async () => {
    const error = await rejection([{ sessionName: 'a', key: newKey(), expiry: 60 }, { sessionName: 'b', key: newKey(), expiry: '60' }])
    assert.equal(error.code, 'FST_SEALED_SESSION_DURATION')
  })

  for (const expiry of [0.5, 1, 60, Number.MAX_SAFE_INTEGER]) {
    it(`of ${expiry} is accepted without a warning`, async () => {
      assert.deepEqual(await warningsOf({ key: newKey(), expiry }), [])
    })
  }

  it('ends a session that many seconds after its last write, not earlier', async t => {
    const clock = stopClock(t)
    const key = newKey()
    const app = newApp({ session: { key, expiry: 60 } })
    await app.ready()
    const token = sealRaw(key, JSON.stringify({ user: 1, __ts: seconds() }))
    clock.tick(59_999)
    assert.deepEqual(app.decodeSecureSession(token)?.data(), { user: 1 })
    clock.tick(1)
    assert.equal(app.decodeSecureSession(token), null)
  })

  const defaults: Array<[what: string, options: object, warns: boolean]> = [
    ['0', { expiry: 0 }, true],
    ['-0', { expiry: -0 }, true],
    ['null', { expiry: null }, true],
    ['undefined', { expiry: undefined }, false],
    ['not given', {}, false]
  ]
  for (const [what, options, warns] of defaults) {
    it(`that is ${what} means the default of 86401 seconds, ${warns ? 'with' : 'without'} a warning`, async t => {
      const found = await warningsOf({ key: newKey(), ...options })
      assert.deepEqual(found.map(({ code }) => code), warns ? ['FST_SEALED_SESSION_WARN_EXPIRY'] : [])
      for (const { msg, level } of found) {
        assert.equal(level, 40)
        assert.match(msg, /expiry is (0|null), so the default of 86401 seconds applies\. .*give a number of seconds/)
      }

      const clock = stopClock(t)
      const key = newKey()
      const app = newApp({ session: { key, ...options } })
      await app.ready()
      const token = sealRaw(key, JSON.stringify({ user: 1, __ts: seconds() }))
      clock.tick(86_400_999)
      assert.deepEqual(app.decodeSecureSession(token)?.data(), { user: 1 })
      clock.tick(1)
      assert.equal(app.decodeSecureSession(token), null)
    })
  }
})

describe("the cookie's maxAge", () => {
  for (const maxAge of ['60', NaN, Infinity, -Infinity]) {
    it(`is refused at registration where it is ${typeof maxAge === 'string' ? 'a string' : maxAge}`, async () => {
      const error = await rejection({ key: newKey(), cookie: { maxAge } })
      assert.equal(error.code, 'FST_SEALED_SESSION_COOKIE_INVALID')
      assert.match(error.message, /maxAge/)
    })
  }
})
