// Bounds of the option `cache`: length, bytes, time, and what one account can do to the others.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { createSessionCodec, type SessionCodec } from '../../src/index.ts'
import { rejection, stopClock, warningsOf } from '../support/configurations.ts'
import { newKey } from '../support/helpers.ts'
import { countDecryptions, stopTime } from './support.ts'

const key = newKey()

const codecWith = async (cache: object | boolean): Promise<SessionCodec> => await createSessionCodec({ key, format: 'sealed', cache } as never)

/** Opens a token, and says if it was decrypted. */
function opener (t: TestContext, codec: SessionCodec): (token: string) => boolean {
  const decryptions = countDecryptions(t)
  return token => {
    decryptions()
    assert.equal(codec.open(token).ok, true)
    return decryptions() > 0
  }
}

describe('a token in a cache', () => {
  it('is held for half of maxAge after its last use at least, and for the whole of it at most', async t => {
    for (const wait of [29_999, 60_000]) {
      for (let begin = 0; begin < 60_000; begin += 7_000) {
        const clock = stopTime(t)
        const codec = await codecWith(true)
        const open = opener(t, codec)
        const [token, other] = [codec.seal({ n: 1 }), codec.seal({ n: 2 })]
        for (let time = 0; time < 2; time++) open(other) // begins a generation
        clock.tick(begin)
        for (let time = 0; time < 2; time++) open(token)
        assert.equal(open(token), false)
        clock.tick(wait)
        assert.equal(open(token), wait === 60_000, `after ${wait} ms, ${begin} ms after another one`)
        t.mock.restoreAll()
        clock.uninstall()
      }
    }
  })

  it('is held for as long as it is used, whatever maxAge is', async t => {
    const clock = stopTime(t)
    const codec = await codecWith({ maxAge: 2 })
    const open = opener(t, codec)
    const token = codec.seal({ n: 1 })
    for (let time = 0; time < 2; time++) open(token)
    for (let time = 0; time < 30; time++) {
      clock.tick(999)
      assert.equal(open(token), false)
    }
  })

  it('is held no longer in a process whose timers are late', async t => {
    for (const wait of [29_999, 60_000, 600_000]) {
      const clock = stopClock(t) // the time alone
      const codec = await codecWith(true)
      const open = opener(t, codec)
      const [token, other] = [codec.seal({ n: 1 }), codec.seal({ n: 2 })]
      for (let time = 0; time < 3; time++) open(token)
      clock.tick(wait / 2)
      for (let time = 0; time < 2; time++) open(other)
      clock.tick(wait / 2)
      assert.equal(open(token), wait > 30_000, `${wait}`)
      t.mock.restoreAll()
      clock.uninstall()
    }
  })

  it('is held no longer in a process that was frozen meanwhile', async t => {
    const clock = stopClock(t)
    const codec = await codecWith(true)
    const open = opener(t, codec)
    const token = codec.seal({ n: 1 })
    for (let time = 0; time < 3; time++) open(token)
    clock.tick(60_000)
    assert.equal(open(token), true)
  })

  it('has 4096 characters at most', async t => {
    const codec = await codecWith(true)
    const lengths = new Map<number, boolean>()
    for (let length = 2980; length < 3040; length++) {
      const open = opener(t, codec)
      const token = codec.seal({ text: 'x'.repeat(length) })
      for (let time = 0; time < 2; time++) open(token)
      lengths.set(token.length, open(token))
      t.mock.restoreAll()
    }
    assert.ok(lengths.has(4096) || lengths.has(4095))
    for (const [length, isDecrypted] of lengths) assert.equal(isDecrypted, length > 4096, `${length}`)
  })

  it('stays there while thousands of others come once each', async t => {
    const codec = await codecWith({ maxBytes: 32_768 })
    const open = opener(t, codec)
    const token = codec.seal({ n: 1 })
    for (let time = 0; time < 2; time++) open(token)
    for (let n = 0; n < 5000; n++) open(codec.seal({ n }))
    assert.equal(open(token), false)
  })

  it('stays there while one account sends thousands of others, each of them twice, as long as it is used itself', async t => {
    const codec = await codecWith({ maxBytes: 65_536 })
    const open = opener(t, codec)
    const token = codec.seal({ n: 1 })
    for (let time = 0; time < 2; time++) open(token)
    let isDecrypted = false
    for (let n = 0; n < 3000; n++) {
      const other = codec.seal({ n })
      for (let time = 0; time < 2; time++) open(other)
      if (n % 40 === 0) isDecrypted ||= open(token)
    }
    assert.equal(isDecrypted, false)
  })

  it('that was pushed out opens as before, and comes back', async t => {
    const codec = await codecWith({ maxBytes: 32_768 })
    const open = opener(t, codec)
    const token = codec.seal({ n: 1 })
    for (let time = 0; time < 2; time++) open(token)
    for (let n = 0; n < 500; n++) {
      const other = codec.seal({ n })
      for (let time = 0; time < 2; time++) open(other)
    }
    assert.deepEqual([open(token), open(token), open(token)].at(0), true)
    assert.equal(open(token), false)
  })
})

describe('the option cache', () => {
  const accepted: unknown[] = [undefined, null, false, true, {}, { maxBytes: 32_768 }, { maxBytes: 2 ** 30 }, { maxAge: 0.5 }, { maxAge: 3600 }, { maxBytes: undefined, maxAge: null }]
  for (const cache of accepted) {
    it(`may be ${JSON.stringify(cache)}`, async () => {
      assert.deepEqual(await warningsOf({ key, cache }), [])
    })
  }

  const refused: Array<[cache: unknown, code: string, message: RegExp]> = [
    ['true', 'OPTION_INVALID', /"cache" must be true, false, or an object with "maxBytes" and "maxAge", got a string/],
    [1, 'OPTION_INVALID', /"cache" must be .*, got a number/],
    [0, 'OPTION_INVALID', /got a number/],
    ['', 'OPTION_INVALID', /got a string/],
    [[], 'OPTION_INVALID', /got an array/],
    [() => true, 'OPTION_INVALID', /got a function/],
    [{ maxbytes: 1 }, 'OPTION_UNKNOWN', /"maxbytes" is not known, did you mean "maxBytes"/],
    [{ size: 1 }, 'OPTION_UNKNOWN', /did you mean "maxBytes", "maxAge"/],
    [{ maxBytes: 1 }, 'OPTION_INVALID', /"cache.maxBytes" must be a whole number from 32768 to 1073741824, got 1/],
    [{ maxBytes: 1e12 }, 'OPTION_INVALID', /got 1000000000000/],
    [{ maxBytes: 65536.5 }, 'OPTION_INVALID', /got 65536.5/],
    [{ maxBytes: NaN }, 'OPTION_INVALID', /got NaN/],
    [{ maxBytes: '1048576' }, 'OPTION_INVALID', /got a string/],
    [{ maxAge: 0 }, 'DURATION', /"cache.maxAge" must be a finite positive number of seconds, got 0/],
    [{ maxAge: -1 }, 'DURATION', /got -1/],
    [{ maxAge: Infinity }, 'DURATION', /got Infinity/],
    [{ maxAge: '60' }, 'DURATION', /got a string/],
    [{ maxAge: 60_000 }, 'OPTION_INVALID', /"cache.maxAge" must be at most 3600 seconds, got 60000/]
  ]
  for (const [cache, code, message] of refused) {
    it(`is refused with a coded error if it is ${typeof cache === 'object' ? JSON.stringify(cache) : String(cache)}`, async () => {
      const error = await rejection({ key, cache })
      assert.equal(error.code, `FST_SEALED_SESSION_${code}`)
      assert.match(error.message, message)
      assert.ok(error.hint.length > 0)
    })
  }
})
