// Tokens, sealed and opened: the whole of it, without HTTP.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Codec, type CodecOptions } from '../../src/token/codec.ts'
import { DerivedKey, KeySet } from '../../src/keys/key-set.ts'
import type { SessionRecord } from '../../src/token/record.ts'
import { atTime } from '../support/clock.ts'
import { sealRaw } from '../support/configurations.ts'

const NOW = 1_800_000_000
const EXPIRY = 60
const key = randomBytes(32)

function options (keys: readonly Buffer[]): CodecOptions {
  return { keyring: { current: KeySet.of(keys) }, expiry: EXPIRY, format: 'secretbox', accept: ['secretbox', 'sealed'], context: 'session' }
}

/** What a secretbox token holds of a session. */
function written (data: SessionRecord['data'], writtenAt = NOW * 1000): SessionRecord {
  return { data, writtenAt, createdAt: null, lifetime: null, cookieMaxAge: null, id: null }
}

/** A codec whose clock stands at NOW, moved by some seconds. */
function codecAt (seconds = 0, keys: readonly Buffer[] = [key], fillRandom = (nonce: Uint8Array): void => { randomBytes(nonce.length).copy(nonce) }): Codec {
  const now = (): number => (NOW + seconds) * 1000
  return atTime(now, new Codec(options(keys), fillRandom))
}

const codec = codecAt()
const token = codec.seal(written({ userId: 1, roles: ['admin'] }))

describe('Codec', () => {
  it('opens what it has sealed', () => {
    assert.deepEqual(codec.open(token), {
      ok: true, record: written({ userId: 1, roles: ['admin'] }), format: 'secretbox', key: new DerivedKey(key), stale: false
    })
  })

  it('takes its nonces from where it is told to', () => {
    const nonce = Buffer.alloc(24, 7)
    const sealed = codecAt(0, [key], bytes => { bytes.set(nonce) }).seal(written({ a: 1 }))
    assert.equal(sealed, sealRaw(key, `{"a":1,"__ts":${NOW}}`, nonce))
  })

  it('with its own randomness makes no two tokens with one nonce', () => {
    const own = new Codec(options([key]))
    const nonces = Array.from({ length: 5000 }, () => own.seal(written({})).split(';')[1])
    assert.equal(new Set(nonces).size, nonces.length)
  })

  it('with its own clock opens what was written now, and not what was written long ago', () => {
    const own = new Codec(options([key]))
    const now = Math.round(Date.now() / 1000) * 1000
    assert.equal(own.open(own.seal(written({}, now))).ok, true)
    assert.deepEqual(own.open(own.seal(written({}, now - 3_600_000))), { ok: false, reason: 'expired' })
  })

  it('keeps the time of the last write as it is', () => {
    const opened = codecAt(10).open(token)
    assert.ok(opened.ok)
    assert.equal(opened.record.writtenAt, NOW * 1000)
  })

  it('reads the time at each token, so that a clock may be moved', () => {
    let now = NOW * 1000
    const moved = atTime(() => now, new Codec(options([key])))
    assert.equal(moved.open(token).ok, true)
    now += EXPIRY * 1000
    assert.deepEqual(moved.open(token), { ok: false, reason: 'expired' })
  })

  it('calls a token stale that another key than the first has opened', () => {
    const newer = randomBytes(32)
    const opened = codecAt(0, [newer, key]).open(token)
    assert.ok(opened.ok)
    assert.equal(opened.stale, true)
    assert.deepEqual(opened.record.data, { userId: 1, roles: ['admin'] })
  })

  it('needs as many attempts as it has keys', () => {
    assert.equal(codec.attempts(token), 1)
    assert.equal(codecAt(0, [randomBytes(32), key, randomBytes(32)]).attempts(token), 3)
  })

  const tokens: Array<[title: string, token: string, seconds: number, reason: string | null]> = [
    ['opens a token until its expiry', token, EXPIRY - 0.001, null],
    ['refuses a token that has expired', token, EXPIRY, 'expired'],
    ['opens a token from a clock that is 60 s ahead', token, -60, null],
    ['refuses a token that is from further ahead', token, -60.001, 'time-in-future'],
    ['refuses a token without a time', sealRaw(key, '{"a":1}'), 0, 'time-missing'],
    ['refuses a time that is text', sealRaw(key, `{"__ts":"${NOW}"}`), 0, 'time-missing'],
    ['refuses a time that is no finite number', sealRaw(key, '{"__ts":1e999}'), 0, 'time-missing'],
    ['refuses a token that was sealed with another key', sealRaw(randomBytes(32), `{"__ts":${NOW}}`), 0, 'not-authentic'],
    ['refuses an authentic token that holds no object', sealRaw(key, `[${NOW}]`), 0, 'payload-invalid']
  ]
  for (const [title, token, seconds, reason] of tokens) {
    it(title, () => {
      const opened = codecAt(seconds).open(token)
      assert.equal(opened.ok ? null : opened.reason, reason)
    })
  }
})

describe('Codec.open', () => {
  it('is thrown off by no string whatsoever', () => {
    const base64 = fc.base64String()
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(base64, base64).map(parts => parts.join(';')),
      fc.tuple(base64, fc.constant('A'.repeat(32))).map(parts => parts.join(';')),
      fc.array(fc.oneof(base64, fc.string({ unit: 'binary' }))).map(parts => parts.join(';')),
      fc.tuple(fc.nat(token.length), fc.string({ unit: 'binary' })).map(([at, text]) => token.slice(0, at) + text + token.slice(at))
    )
    fc.assert(fc.property(text, text => { codec.open(text) }), { numRuns: 1000 })
  })

  it('is thrown off by no authentic plaintext either', () => {
    const plaintext = fc.oneof(
      fc.uint8Array().map(bytes => Buffer.from(bytes)),
      fc.json().map(json => Buffer.from(json)),
      fc.json().map(json => Buffer.from(`{"a":${json},"__ts":${json}}`))
    )
    fc.assert(fc.property(plaintext, plaintext => { codec.open(sealRaw(key, plaintext)) }))
  })

  // Short, so that each of its characters can be tried; one with two, one with one `=` and one without.
  const shorts = ['a', 'ab', 'abc'].map(name => codec.seal(written({ [name]: 1 })))

  it('refuses a token of which any one character was replaced by any other', () => {
    const others = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
    for (const short of shorts) {
      for (let at = 0; at < short.length; at++) {
        const lookalikes = [1, 2, 0x20, 0xff].map(page => String.fromCharCode(short.charCodeAt(at) + page * 256))
        for (const other of [...others, ...lookalikes, '\u{1f511}']) {
          if (other !== short[at]) assertRefused(short.slice(0, at) + other + short.slice(at + 1))
        }
      }
    }
  })

  it('refuses a token of which any one character was left out or doubled', () => {
    for (const short of shorts) {
      for (let at = 0; at < short.length; at++) {
        assertRefused(short.slice(0, at) + short.slice(at + 1))
        assertRefused(short.slice(0, at) + short[at] + short.slice(at))
      }
    }
  })

  it('refuses a token into which any one character was put, unless it is a semicolon at its end', () => {
    for (const short of shorts) {
      for (let at = 0; at <= short.length; at++) {
        for (const other of ['A', '=', '-', '_', ' ', '\n', '\0', '%', 'é', '\u2028', ';']) {
          if (other !== ';' || at < short.length) assertRefused(short.slice(0, at) + other + short.slice(at))
        }
      }
    }
  })

  it('refuses every beginning of a token', () => {
    for (const short of shorts) {
      for (let length = 0; length < short.length; length++) assertRefused(short.slice(0, length))
    }
  })
})

function assertRefused (token: string): void {
  const opened = codec.open(token)
  if (opened.ok) assert.fail(`${JSON.stringify(token)} was opened`)
}
