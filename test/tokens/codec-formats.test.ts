// Two formats in one codec: which of them is opened, when a token is stale, and that times survive.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it, mock } from 'node:test'
import fc from 'fast-check'
import { Codec, type CodecOptions, type Opened } from '../../src/token/codec.ts'
import type { Format } from '../../src/types.ts'
import { sodium } from '../../src/crypto/sodium.ts'
import { KeySet } from '../../src/keys/key-set.ts'
import type { SessionRecord } from '../../src/token/record.ts'
import { sealRaw } from '../support/configurations.ts'
import { atTime } from '../support/clock.ts'
import * as independent from './independent.ts'

const NOW = 1_800_000_000
const EXPIRY = 60
const key = randomBytes(32)
const older = randomBytes(32)

interface Setup {
  format?: Format
  accept?: readonly Format[]
  keys?: readonly Buffer[]
  context?: string
  /** Seconds after NOW. */
  at?: number
}

function codec ({ format = 'sealed', accept = ['sealed', 'secretbox'], keys = [key], context = 'session', at = 0 }: Setup = {}): Codec {
  const options: CodecOptions = { keyring: { current: KeySet.of(keys) }, expiry: EXPIRY, format, accept, context }
  return atTime(() => (NOW + at) * 1000, new Codec(options, nonce => { randomBytes(nonce.length).copy(nonce) }))
}

function record (rest: Partial<SessionRecord> = {}): SessionRecord {
  return { data: { userId: 1 }, createdAt: NOW * 1000, writtenAt: NOW * 1000, lifetime: null, cookieMaxAge: null, id: null, ...rest }
}

const sealed = codec().seal(record())
const secretbox = codec({ format: 'secretbox' }).seal(record())
const tokens = { sealed, secretbox }
const formats = ['sealed', 'secretbox'] as const

const reasonOf = (opened: Opened): string => opened.ok ? 'opened' : opened.reason

function recordOf (opened: Opened): SessionRecord {
  assert.ok(opened.ok, opened.ok ? '' : opened.reason)
  return opened.record
}

describe('Codec.seal', () => {
  for (const format of formats) {
    it(`seals in its format, ${format}, whatever else is accepted`, () => {
      for (const accept of [[format], ['sealed', 'secretbox'], ['secretbox', 'sealed']] as const) {
        const token = codec({ format, accept }).seal(record())
        assert.equal(token.includes(';'), format === 'secretbox')
        const opened = codec({ format, accept }).open(token)
        assert.ok(opened.ok)
        assert.equal(opened.format, format)
      }
    })
  }

  it('seals for its context', () => {
    const token = codec({ context: 'auth' }).seal(record())
    assert.equal(reasonOf(codec({ context: 'auth' }).open(token)), 'opened')
    assert.equal(reasonOf(codec({ context: 'prefs' }).open(token)), 'not-authentic')
  })
})

describe('Codec.open', () => {
  const outcomes: Array<[accept: Format[], Record<Format, string>]> = [
    [['sealed'], { sealed: 'opened', secretbox: 'format-not-accepted' }],
    [['secretbox'], { sealed: 'format-not-accepted', secretbox: 'opened' }],
    [['sealed', 'secretbox'], { sealed: 'opened', secretbox: 'opened' }],
    [['secretbox', 'sealed'], { sealed: 'opened', secretbox: 'opened' }]
  ]
  for (const [accept, expected] of outcomes) {
    it(`that accepts ${accept.join(' and ')} opens nothing else`, () => {
      const [format = 'sealed'] = accept
      for (const each of formats) assert.equal(reasonOf(codec({ format, accept }).open(tokens[each])), expected[each], each)
    })
  }

  it('does not look at what is not accepted: not even whether it is a token at all', () => {
    for (const text of ['', 'A', 'A'.repeat(70_000), '\0', sealed]) {
      assert.equal(reasonOf(codec({ format: 'secretbox', accept: ['secretbox'] }).open(text)), 'format-not-accepted')
    }
    for (const text of [';', 'A;A', `${'A'.repeat(70_000)};`, secretbox, `${sealed};`]) {
      assert.equal(reasonOf(codec({ accept: ['sealed'] }).open(text)), 'format-not-accepted')
    }
  })

  it('says which format and which key it was', () => {
    const both = codec({ keys: [key, older] })
    const keyId = KeySet.of([older]).keys[0]!.id
    for (const format of formats) {
      const opened = both.open(codec({ format, keys: [older] }).seal(record()))
      assert.ok(opened.ok)
      assert.deepEqual([opened.format, opened.key.id], [format, keyId])
    }
  })

  const stale: Array<[title: string, format: Format, keys: Buffer[], setup: Setup, stale: boolean]> = [
    ['in its format and with its key is not', 'sealed', [key], {}, false],
    ['in another format is', 'secretbox', [key], {}, true],
    ['in another format the other way round is', 'sealed', [key], { format: 'secretbox' }, true],
    ['in the secretbox format, where that one seals, is not', 'secretbox', [key], { format: 'secretbox' }, false],
    ['of an older key is', 'sealed', [older], { keys: [key, older] }, true],
    ['of an older key in another format is', 'secretbox', [older], { keys: [key, older] }, true],
    ['of the first of two keys is not', 'sealed', [key], { keys: [key, older] }, false]
  ]
  for (const [title, format, keys, setup, expected] of stale) {
    it(`a token ${title} stale`, () => {
      const opened = codec(setup).open(codec({ format, keys }).seal(record()))
      assert.ok(opened.ok)
      assert.equal(opened.stale, expected)
    })
  }

  const times: Array<[title: string, rest: Partial<SessionRecord>, at: number, expected: string]> = [
    ['until its expiry', {}, EXPIRY - 0.001, 'opened'],
    ['not at its expiry', {}, EXPIRY, 'expired'],
    ['from a clock that is 60 s ahead', {}, -60, 'opened'],
    ['not from further ahead', {}, -60.001, 'time-in-future'],
    ['until its expiry, to the millisecond', { createdAt: NOW * 1000 + 7, writtenAt: NOW * 1000 + 7 }, EXPIRY + 0.006, 'opened'],
    ['not at its expiry, to the millisecond', { createdAt: NOW * 1000 + 7, writtenAt: NOW * 1000 + 7 }, EXPIRY + 0.007, 'expired'],
    ['until the end of a longer lifetime of its own', { lifetime: 3600 }, 3599.999, 'opened'],
    ['not at the end of a longer lifetime of its own', { lifetime: 3600 }, 3600, 'expired'],
    ['until the end of a shorter lifetime of its own', { lifetime: 10 }, 9.999, 'opened'],
    ['not at the end of a shorter lifetime of its own', { lifetime: 10 }, 10, 'expired'],
    ['however long ago it was created', { createdAt: 0 }, 0, 'opened'],
    ['whatever its Max-Age is', { cookieMaxAge: 0 }, 1, 'opened']
  ]
  for (const [title, rest, at, expected] of times) {
    it(`opens a sealed token ${title}`, () => {
      const token = codec().seal(record(rest))
      assert.equal(reasonOf(codec({ at }).open(token)), expected)
      const there = independent.open(token, { keys: [key], context: 'session', now: (NOW + at) * 1000, expiry: EXPIRY })
      assert.equal(there.ok ? 'opened' : there.reason, expected, 'the second implementation disagrees')
    })
  }
})

describe('one format is never tried as the other', () => {
  /** How often each cipher is asked to decrypt while an act runs. */
  function decryptions (act: () => void): Record<Format, number> {
    const box = mock.method(sodium(), 'secretboxOpen')
    const aead = mock.method(sodium(), 'aeadOpen')
    try {
      act()
      return { secretbox: box.mock.callCount(), sealed: aead.mock.callCount() }
    } finally {
      box.mock.restore()
      aead.mock.restore()
    }
  }

  it('a good token is decrypted once, by its own cipher', () => {
    assert.deepEqual(decryptions(() => recordOf(codec().open(sealed))), { secretbox: 0, sealed: 1 })
    assert.deepEqual(decryptions(() => recordOf(codec().open(secretbox))), { secretbox: 1, sealed: 0 })
  })

  it('a bad token is refused by its own cipher', () => {
    const both = codec({ keys: [key, older] })
    const badSealed = independent.encode(Buffer.from(sealed, 'base64url').fill(0, 40))
    assert.deepEqual(decryptions(() => assert.equal(reasonOf(both.open(badSealed)), 'not-authentic')), { secretbox: 0, sealed: 1 })
    assert.deepEqual(decryptions(() => assert.equal(reasonOf(both.open(sealRaw(randomBytes(32), '{}'))), 'not-authentic')), { secretbox: 2, sealed: 0 })
  })

  it('the ciphertext of one is refused with the ";" of the other put in or left out', () => {
    const [ciphertext = '', nonce = ''] = secretbox.split(';')
    const bytes = Buffer.concat([ciphertext, nonce].map(part => Buffer.from(part, 'base64')))
    const texts: Array<[text: string, cipher: Format]> = [
      [ciphertext + nonce, 'sealed'], [bytes.toString('base64url'), 'sealed'],
      [`${sealed};${nonce}`, 'secretbox'], [`${sealed};`, 'secretbox'], [`;${sealed}`, 'secretbox'],
      [`${Buffer.from(sealed, 'base64url').subarray(29).toString('base64')};${Buffer.from(sealed, 'base64url').subarray(5, 29).toString('base64')}`, 'secretbox']
    ]
    for (const [text, cipher] of texts) {
      const other = cipher === 'sealed' ? 'secretbox' : 'sealed'
      assert.equal(decryptions(() => assert.notEqual(reasonOf(codec().open(text)), 'opened'))[other], 0)
    }
  })

  it('the key is not what seals in the sealed format, so the ciphers share none', () => {
    const bytes = Buffer.from(sealed, 'base64url')
    const opened = independent.open(sealed, { keys: [key], context: 'session', now: NOW * 1000, expiry: 1 })
    assert.equal(opened.ok, true)
    assert.notDeepEqual(independent.subkey(key, 1, 32), new Uint8Array(key))
    assert.ok(!bytes.includes(key.subarray(0, 4)))
  })
})

describe('Codec.attempts', () => {
  const many = codec({ keys: [key, ...Array.from({ length: 9 }, () => randomBytes(32))] })

  it('is the number of keys for the secretbox format, and one for the sealed format', () => {
    assert.equal(many.attempts(secretbox), 10)
    assert.equal(many.attempts(sealed), 1)
  })

  it('is none for what is not accepted', () => {
    assert.equal(codec({ accept: ['sealed'], keys: [key, older] }).attempts(secretbox), 0)
    assert.equal(codec({ format: 'secretbox', accept: ['secretbox'] }).attempts(sealed), 0)
  })
})

const anyRecord = fc.record({
  createdAt: fc.integer({ min: 0, max: 58_000 }).map(ago => NOW * 1000 - ago),
  age: fc.integer({ min: 0, max: 55 }),
  lifetime: fc.option(fc.integer({ min: 3600, max: 2 ** 32 - 1 })),
  cookieMaxAge: fc.option(fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  id: fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 }))
}).map(({ createdAt, age, id, ...rest }) => record({ ...rest, createdAt, writtenAt: createdAt + age * 1000, id: id === null ? null : Buffer.from(id) }))

describe('a session that is sealed again', () => {
  it('with another key keeps all times, its lifetime, Max-Age and id, a thousand times over', () => {
    const both = [codec({ keys: [key, older] }), codec({ keys: [older, key] })]
    fc.assert(fc.property(anyRecord, first => {
      let current = first
      for (let i = 0; i < 1000; i++) {
        const opened = both[i % 2]!.open(both[(i + 1) % 2]!.seal(current)) // there are two
        assert.ok(opened.ok && opened.stale)
        current = opened.record
      }
      assert.deepEqual(current, first)
    }), { numRuns: 10 })
  })

  it('with another key is, but for its key and nonce, the same token', () => {
    const opened = independent.open(codec({ keys: [older, key] }).seal(recordOf(codec({ keys: [older, key] }).open(sealed))), { keys: [older], context: 'session', now: NOW * 1000, expiry: 1 })
    assert.ok(opened.ok)
    assert.deepEqual(opened.fields, { created: NOW * 1000, lastWrite: 0, lifetime: null, maxAge: null, id: null })
  })

  it('in the secretbox format and back never gains a second, and loses less than one, once', () => {
    const both = formats.map(format => codec({ format }))
    fc.assert(fc.property(anyRecord, fc.nat(1), (first, start) => {
      let current = first
      for (let i = 0; i < 100; i++) {
        const codec = both[(start + i) % 2]! // there are two
        const next = recordOf(codec.open(codec.seal(current)))
        assert.ok(next.writtenAt <= current.writtenAt, `${next.writtenAt} is after ${current.writtenAt}`)
        if (i > 1) assert.equal(next.writtenAt, current.writtenAt)
        current = next
      }
      assert.ok(first.writtenAt - current.writtenAt < 1000)
    }))
  })

  it('in the secretbox format keeps its own lifetime and Max-Age, and loses its creation, which is then its last write', () => {
    const own = { lifetime: 50, cookieMaxAge: 9 }
    const first = record({ createdAt: NOW * 1000 - 30_500, writtenAt: NOW * 1000 - 500, ...own })
    const box = recordOf(codec().open(codec({ format: 'secretbox' }).seal(first)))
    assert.deepEqual(box, record({ createdAt: null, writtenAt: (NOW - 1) * 1000, ...own }))
    assert.deepEqual(recordOf(codec().open(codec().seal(box))), record({ createdAt: (NOW - 1) * 1000, writtenAt: (NOW - 1) * 1000, ...own }))
  })

  it('in the secretbox format keeps its creation as well where it has an id, by which revocation knows it', () => {
    const own = { createdAt: NOW * 1000 - 30_500, lifetime: 50, cookieMaxAge: 9, id: Buffer.alloc(16, 1) }
    const box = recordOf(codec().open(codec({ format: 'secretbox' }).seal(record({ writtenAt: NOW * 1000 - 500, ...own }))))
    assert.deepEqual(box, record({ writtenAt: NOW * 1000 - 500, ...own }))
    assert.deepEqual(recordOf(codec().open(codec().seal(box))), box)
  })

  it('by the peer, which keeps what it does not know, has the time that the peer has given it', () => {
    const life = '{"created":1799999969500,"written":1799999969500}'
    for (const [time, expected] of [[NOW - 31, NOW * 1000 - 30_500], [NOW - 5, (NOW - 5) * 1000]] as const) {
      assert.equal(recordOf(codec().open(sealRaw(key, `{"__life":${life},"__ts":${time}}`))).writtenAt, expected)
    }
  })

  it('a peer that writes fractions of seconds gains none by it', () => {
    for (const time of [NOW - 0.25, NOW - 0.75, NOW - 0.001]) {
      const opened = recordOf(codec().open(sealRaw(key, `{"a":1,"__ts":${time}}`)))
      assert.equal(recordOf(codec().open(codec().seal(opened))).writtenAt, time * 1000)
      assert.equal(recordOf(codec().open(codec({ format: 'secretbox' }).seal(opened))).writtenAt, (NOW - 1) * 1000)
    }
  })
})
