// This package's own token format: what is bound to what, and that nothing but what was sealed opens.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, it, mock } from 'node:test'
import fc from 'fast-check'
import { sodium } from '../../src/crypto/sodium.ts'
import { setOwn, type Data } from '../../src/data/data.ts'
import { associatedDataOf } from '../../src/token/sealed.ts'
import { openSealed, sealSealed } from '../../src/token/sealed.ts'
import { openSecretbox, sealSecretbox } from '../../src/token/secretbox.ts'
import { DerivedKey, KeySet } from '../../src/keys/key-set.ts'
import { MAX_TOKEN_LENGTH } from '../../src/token/format.ts'
import type { SessionRecord } from '../../src/token/record.ts'
import * as independent from './independent.ts'

const CREATED = 1_800_000_000_123
const EXPIRY = 60
const key = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
const keys = KeySet.of([key])
const sealingKey = keys.keys[0]!
const associatedData = associatedDataOf('session')

function written (data: Data, rest: Partial<SessionRecord> = {}): SessionRecord {
  return { data, createdAt: CREATED, writtenAt: CREATED, lifetime: null, cookieMaxAge: null, id: null, ...rest }
}

const seal = (data: Data, rest: Partial<SessionRecord> = {}): string => sealSealed(written(data, rest), sealingKey, associatedData)
const reasonOf = (token: string, set = keys, bound = associatedData): string => {
  const opened = openSealed(token, set, bound)
  return opened.ok ? 'opened' : opened.reason
}

/** What a token holds; fails where it is refused. */
function recordOf (token: string, set = keys, bound = associatedData): SessionRecord {
  const opened = openSealed(token, set, bound)
  assert.ok(opened.ok, opened.ok ? '' : opened.reason)
  return opened.record
}

function assertRefused (token: string): void {
  const opened = openSealed(token, keys, associatedData)
  if (opened.ok) assert.fail(`${JSON.stringify(token)} was opened`)
}

/** Tokens that end with 0, 2 and 4 spare bits, as short as they can be. */
const shorts = ['{"a":1}', '{"ab":1}', '{"abc":1}'].map(json => seal(JSON.parse(json) as Data))
const long = seal({ text: 'x'.repeat(2000), list: Array.from({ length: 100 }, (_, i) => i) })

/** Any object that JSON can hold, with keys that an ordinary object has on its prototype among them. */
const anyData = fc.array(fc.tuple(
  fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', 'toString', '0', '__ts')),
  fc.jsonValue()
)).map(entries => {
  const data: Data = {}
  for (const [name, value] of entries) setOwn(data, name, value)
  return data
})

const anyBytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const seconds = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1))

const anySession = fc.record({
  key: anyBytes(32),
  nonce: anyBytes(24),
  context: fc.string({ unit: 'binary' }),
  data: anyData,
  created: fc.oneof(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.integer({ min: 1.7e12, max: 2e12 }), fc.constantFrom(0, 2 ** 48 - 1)),
  lastWrite: seconds,
  lifetime: fc.option(seconds),
  maxAge: fc.option(seconds),
  id: fc.option(anyBytes(16))
})

describe('the second implementation', () => {
  it('shares nothing with this one', () => {
    const source = readFileSync(new URL('independent.ts', import.meta.url), 'utf8')
    const imported = [...source.matchAll(/(?:\bfrom|\bimport\(|\brequire\()\s*'([^']+)'/g)].map(([, name = '']) => name)
    assert.deepEqual(imported, ['@noble/ciphers/chacha.js', '@noble/hashes/blake2.js'])
  })

  it('makes the same token of any session, byte for byte', () => {
    fc.assert(fc.property(anySession, ({ key, nonce, context, id, ...session }) => {
      const { data, created, lastWrite, lifetime, maxAge } = session
      const record = { data, createdAt: created, writtenAt: created + lastWrite * 1000, lifetime, cookieMaxAge: maxAge, id: id === null ? null : Buffer.from(id) }
      const token = sealSealed(record, new DerivedKey(Buffer.from(key)), associatedDataOf(context), bytes => bytes.set(nonce))
      assert.equal(token, independent.seal({ key, nonce, context, id, ...session }).token)
    }))
  })

  it('opens any session that is sealed here, to the same record', () => {
    fc.assert(fc.property(anySession, ({ key, context, id, data, created, lastWrite, lifetime, maxAge }) => {
      const own = new DerivedKey(Buffer.from(key))
      const record = { data, createdAt: created, writtenAt: created + lastWrite * 1000, lifetime, cookieMaxAge: maxAge, id: id === null ? null : Buffer.from(id) }
      const opened = independent.open(sealSealed(record, own, associatedDataOf(context)), {
        keys: [randomBytes(32), key], context, now: created + lastWrite * 1000 - 1, expiry: 1
      })
      assert.ok(opened.ok)
      assert.deepEqual(opened.fields, { created, lastWrite, lifetime, maxAge, id: id === null ? null : Uint8Array.from(id) })
      assert.equal(JSON.stringify(opened.data), JSON.stringify(data))
      assert.equal(opened.keyId, own.id)
    }))
  })

  it('seals any session so that it is opened here, to the same record', () => {
    fc.assert(fc.property(anySession, ({ key, nonce, context, data, id, ...fields }) => {
      const set = KeySet.of([randomBytes(32), Buffer.from(key)])
      const opened = openSealed(independent.seal({ key, nonce, context, data, id, ...fields }).token, set, associatedDataOf(context))
      assert.ok(opened.ok)
      assert.equal(opened.key, set.keys[1])
      const { data: openedData, ...rest } = opened.record
      assert.equal(JSON.stringify(openedData), JSON.stringify(data))
      const { created, lastWrite, lifetime, maxAge } = fields
      assert.deepEqual(rest, { createdAt: created, writtenAt: created + lastWrite * 1000, lifetime, cookieMaxAge: maxAge, id: id === null ? null : Buffer.from(id) })
    }))
  })

  it('agrees about any authentic header and payload, right or wrong', () => {
    const header = fc.oneof(
      fc.tuple(fc.nat(255), anyBytes(10)).map(([flags, rest]) => Uint8Array.of(flags, ...rest)),
      fc.tuple(fc.nat(7), anyBytes(34)).map(([flags, rest]) => Uint8Array.of(flags, ...rest)),
      fc.tuple(fc.nat(15), fc.uint8Array({ minLength: 10, maxLength: 40 })).map(([flags, rest]) => Uint8Array.of(flags, ...rest))
    )
    const payload = fc.oneof(fc.uint8Array(), fc.json().map(json => Buffer.from(json)), fc.json().map(json => Buffer.from(`{"a":${json}}`)))
    fc.assert(fc.property(header, payload, (header, payload) => {
      const { token } = independent.sealBytes({ key, nonce: randomBytes(24), context: 'session', header, payload })
      const there = independent.open(token, { keys: [key], context: 'session', now: CREATED, expiry: EXPIRY })
      // This is about the format; whether the times are right now is for the codec to say.
      const isOpened = there.ok || there.reason === 'expired' || there.reason === 'time-in-future'
      assert.equal(reasonOf(token), isOpened ? 'opened' : there.reason)
    }), { numRuns: 1000 })
  })

  it('agrees about any text, token or not', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.base64String(),
      fc.uint8Array({ maxLength: 100 }).map(bytes => Buffer.from(bytes).toString('base64url')),
      fc.uint8Array({ minLength: 56, maxLength: 100 }).map(bytes => Buffer.from([1, ...bytes]).toString('base64url')),
      fc.tuple(fc.constantFrom(...shorts), fc.nat(120), fc.nat(3), fc.string()).map(([token, at, length, put]) => token.slice(0, at) + put + token.slice(at + length))
    ).filter(text => !text.includes(';'))
    fc.assert(fc.property(text, text => {
      const there = independent.open(text, { keys: [key], context: 'session', now: CREATED, expiry: EXPIRY })
      assert.equal(reasonOf(text), there.ok ? 'opened' : there.reason)
    }), { numRuns: 2000 })
  })
})

describe('a token of one context', () => {
  const contexts = [
    '', 's', 'session', 'session2', 'session22', 'Session', 'SESSION', 'sessio', 'ession', ' session', 'session ', 'session\0', '\0', '\0\0',
    '__Host-session', '__Secure-session', 'auth', 'prefs', 'a;b', 'a=b', 'é', 'e\u0301', 'сессия', '🔑', '🔑🔑', '\u{1f511}\ufe0f', '\x01', 'x'.repeat(64), 'x'.repeat(65), 'x'.repeat(5000)
  ]
  const associated = contexts.map(associatedDataOf)
  const tokens = associated.map(bound => sealSealed(written({ a: 1 }), sealingKey, bound))

  for (const [index, context] of contexts.entries()) {
    it(`is opened by that one and by no other: ${JSON.stringify(context.length > 40 ? `${context.slice(0, 2)}… of ${context.length}` : context)}`, () => {
      const reasons = associated.map(bound => reasonOf(tokens[index] ?? '', keys, bound))
      assert.deepEqual(reasons, contexts.map((_, other) => other === index ? 'opened' : 'not-authentic'))
    })
  }

  it('is opened by no other, whatever both are', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
      fc.pre(Buffer.from(one).compare(Buffer.from(other)) !== 0)
      assert.equal(reasonOf(sealSealed(written({}), sealingKey, associatedDataOf(one)), keys, associatedDataOf(other)), 'not-authentic')
    }))
  })
})

describe('a token with a changed character, bit or length', () => {
  it('is refused for every single bit of its bytes', () => {
    for (const short of shorts) {
      const bytes = Buffer.from(short, 'base64url')
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes)
        flipped[bit >> 3]! ^= 1 << (bit & 7) // within the loop's bounds
        const expected = bit < 8 ? 'version-unknown' : bit < 40 ? 'key-unknown' : 'not-authentic'
        assert.equal(reasonOf(flipped.toString('base64url')), expected, `bit ${bit}`)
      }
    }
  })

  it('is refused for every single bit of its characters, and every other character in their place', () => {
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

  it('is refused at every truncation, from either end', () => {
    for (const short of shorts) {
      for (let length = 0; length < short.length; length++) {
        assertRefused(short.slice(0, length))
        assertRefused(short.slice(short.length - length))
      }
    }
  })

  it('is refused with any one character more, at its end or anywhere in it', () => {
    const characters = [...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)), '\u0141', '\u2028', '\ufeff', '\ud800', '\u{1f511}']
    for (const short of shorts) {
      for (const character of characters) {
        for (let at = 0; at <= short.length; at++) assertRefused(short.slice(0, at) + character + short.slice(at))
      }
    }
  })

  it('is refused with any byte less or more', () => {
    for (const short of shorts) {
      const bytes = Buffer.from(short, 'base64url')
      for (let at = 0; at <= bytes.length; at++) {
        if (at < bytes.length) assertRefused(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]).toString('base64url'))
        for (const byte of [0, 1, 255]) assertRefused(Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at)]).toString('base64url'))
      }
    }
  })

  it('is refused for 100,000 random mutations of a long token', () => {
    const random = generator(20260102)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const other = seal({ text: 'y'.repeat(2000), list: Array.from({ length: 100 }, (_, i) => 100 - i) })
    const mutations: Array<(token: string, at: number) => string> = [
      (token, at) => token.slice(0, at) + alphabet[random(64)] + token.slice(at + 1),
      (token, at) => token.slice(0, at) + token.slice(at + 4), // stays canonical
      (token, at) => token.slice(0, at) + token.slice(at, at + 4 * random(20)) + token.slice(at),
      (token, at) => token.slice(0, at) + other.slice(at),
      (token, at) => token.slice(0, at) + token.slice(at + 1) + token.slice(at, at + 1),
      (token, at) => mutations[0]!(mutations[0]!(token, at), random(token.length)) // there is a first one
    ]
    let tried = 0
    for (let i = 0; tried < 100_000; i++) {
      const mutated = mutations[i % mutations.length]!(long, random(long.length))
      if (mutated === long || mutated === other) continue
      assertRefused(mutated)
      tried++
    }
    recordOf(long)
  })
})

/** Numbers below `most` that look random and are the same at each run (mulberry32). */
function generator (seed: number): (most: number) => number {
  let state = seed
  return most => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ state >>> 15, 1 | state)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) % most
  }
}

describe('one token, one string', () => {
  const tokens = [...shorts, long]
  const spellings: Record<string, (token: string) => string> = {
    'with padding': token => token.padEnd(Math.ceil(token.length / 4) * 4, '='),
    'with one "="': token => `${token}=`,
    'with two "="': token => `${token}==`,
    'in base64': token => Buffer.from(token, 'base64url').toString('base64'),
    'in base64 without padding': token => token.replaceAll('-', '+').replaceAll('_', '/'),
    'with one "+" for "-"': token => token.replace('-', '+'),
    'with one "/" for "_"': token => token.replace('_', '/'),
    'in quotes': token => `"${token}"`,
    'percent-encoded': token => `%${token.charCodeAt(0).toString(16)}${token.slice(1)}`,
    'in lines of 76': token => token.replace(/.{76}/g, '$&\r\n'),
    'with a space before it': token => ` ${token}`,
    'with a newline behind it': token => `${token}\n`,
    'with a NUL behind it': token => `${token}\0`,
    'with a byte order mark': token => `\ufeff${token}`,
    'in characters beyond ASCII with the same low bytes': token => Array.from(token, character => String.fromCharCode(character.charCodeAt(0) + 0x100)).join('')
  }

  for (const [title, spell] of Object.entries(spellings)) {
    it(`another spelling is refused: ${title}`, () => {
      const changed = tokens.map(spell).filter((text, index) => text !== tokens[index])
      assert.ok(changed.length > 0, 'nothing was tried')
      for (const text of changed) assert.equal(reasonOf(text), 'malformed')
    })
  }

  it('of all last characters only the one that was written is right', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (const token of shorts) {
      const right = [...alphabet].filter(last => reasonOf(token.slice(0, -1) + last) === 'opened')
      assert.deepEqual(right, [token.at(-1)])
    }
  })

  it('an equal text that is built otherwise is the same token', () => {
    for (const token of tokens) recordOf([...token].join(''))
  })
})

describe('a token of an unknown version or key', () => {
  /** Runs an act and returns the calls of libsodium that it makes. */
  function callsOf (act: () => void): string[] {
    const library = sodium() as unknown as Record<string, (...values: unknown[]) => unknown>
    const calls: string[] = []
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(library)).filter(name => name !== 'constructor')
    const spies = names.map(name => mock.method(library, name, function (this: unknown, ...values: unknown[]) {
      calls.push(name)
      return Reflect.apply(Object.getPrototypeOf(library)[name] as () => unknown, this, values)
    }))
    try {
      act()
    } finally {
      for (const spy of spies) spy.mock.restore()
    }
    return calls
  }

  class UntouchableKey extends DerivedKey {
    override get encryption (): Buffer { throw new Error('the key was used') }
  }

  const fresh = KeySet.of([key]).check() // its ids are derived, as registration sees to
  const untouchable = new KeySet([new UntouchableKey(key)]).check()
  const refused: Record<string, string> = {
    'version-unknown': independent.sealBytes({ key, nonce: randomBytes(24), context: 'session', header: new Uint8Array(11), payload: Buffer.from('{}'), version: 2 }).token,
    'key-unknown': independent.sealBytes({ key: randomBytes(32), nonce: randomBytes(24), context: 'session', header: new Uint8Array(11), payload: Buffer.from('{}') }).token,
    malformed: `${shorts[0]}=`,
    'too-long': 'A'.repeat(MAX_TOKEN_LENGTH + 1)
  }

  for (const [reason, token] of Object.entries(refused)) {
    it(`is refused as ${reason} without any cryptography`, () => {
      assert.deepEqual(callsOf(() => assert.equal(reasonOf(token, fresh), reason)), [])
      assert.equal(reasonOf(token, untouchable), reason)
    })
  }

  it('while one that is known costs one derivation and one decryption, then one decryption, however many keys there are', () => {
    const set = KeySet.of([...Array.from({ length: 100 }, () => randomBytes(32)), key]).check()
    assert.deepEqual(callsOf(() => recordOf(shorts[0] ?? '', set)), ['deriveSubkey', 'aeadOpen'])
    assert.deepEqual(callsOf(() => recordOf(shorts[0] ?? '', set)), ['aeadOpen'])
    assert.throws(() => reasonOf(shorts[0] ?? '', untouchable), /the key was used/)
  })

  it('while a forged one costs one decryption', () => {
    const forged = (long.at(-2) === 'A' ? 'B' : 'A') + long.at(-1)
    assert.deepEqual(callsOf(() => assert.equal(reasonOf(long.slice(0, -2) + forged), 'not-authentic')), ['aeadOpen'])
  })
})

describe('openSealed', () => {
  it('is thrown off by no string whatsoever', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.array(fc.nat(0xffff)).map(codes => String.fromCharCode(...codes)), // lone surrogates
      fc.base64String({ maxLength: 500 }),
      fc.tuple(fc.nat(long.length), fc.string({ unit: 'binary' })).map(([at, text]) => long.slice(0, at) + text + long.slice(at))
    )
    fc.assert(fc.property(text, text => { openSealed(text, keys, associatedData) }), { numRuns: 2000 })
  })

  it('is thrown off by no string of a megabyte, and looks at none', () => {
    for (const unit of ['A', '=', '\0', 'é', '\u{1f511}', '\ud800', shorts[0] ?? '', 'AQ\n']) {
      assert.equal(reasonOf(unit.repeat(2 ** 20 / unit.length)), 'too-long')
    }
  })

  it('opens the longest token, and none that is longer', () => {
    const { header, payload } = { header: new Uint8Array(11), payload: (bytes: number) => Buffer.from(`{"a":"${'x'.repeat(bytes - 8)}"}`) }
    const token = (bytes: number): string => independent.sealBytes({ key, nonce: randomBytes(24), context: 'session', header, payload: payload(bytes) }).token
    const most = MAX_TOKEN_LENGTH / 4 * 3 - 56
    assert.equal(token(most).length, MAX_TOKEN_LENGTH)
    assert.equal(reasonOf(token(most)), 'opened')
    assert.equal(reasonOf(token(most + 1)), 'too-long')
  })
})

describe('sealSealed', () => {
  it('takes a new nonce for each token', () => {
    const tokens = Array.from({ length: 1000 }, () => Buffer.from(seal({}), 'base64url').toString('hex', 5, 29))
    assert.equal(new Set(tokens).size, tokens.length)
  })

  it('adds 56 bytes to the JSON, and then a third in base64url', () => {
    for (const text of ['', 'x', 'xy', 'xyz', 'é', 'x'.repeat(1000)]) {
      const json = JSON.stringify({ text })
      const token = seal({ text })
      assert.equal(Buffer.from(token, 'base64url').length, 56 + Buffer.byteLength(json))
      assert.equal(token.length, Math.ceil((56 + Buffer.byteLength(json)) * 4 / 3))
    }
  })

  it('adds 4, 4 and 16 bytes for a lifetime, a Max-Age and an id, and only then', () => {
    const length = (rest: Partial<SessionRecord>): number => Buffer.from(seal({}, rest), 'base64url').length - 58
    const id = Buffer.alloc(16)
    const lengths = [{}, { lifetime: 0 }, { cookieMaxAge: 0 }, { id }, { lifetime: 1, cookieMaxAge: 1 }, { lifetime: 1, cookieMaxAge: 1, id }].map(length)
    assert.deepEqual(lengths, [0, 4, 4, 16, 8, 24])
  })

  it('writes only characters that need no encoding in a cookie, a URL or a header', () => {
    for (let i = 0; i < 300; i++) assert.match(seal({ text: 'é'.repeat(i) }), /^[\w-]+$/)
  })

  it('does not change the data', () => {
    const data = Object.freeze({ a: Object.freeze({ b: 1 }) })
    seal(data)
    assert.deepEqual(data, { a: { b: 1 } })
  })

  it('refuses what is too large, with a size that is over the limit it names, and opens all that it writes', () => {
    const id = Buffer.alloc(16)
    const most = 49072
    const sized = (bytes: number): Data => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) })
    for (const size of [most - 1, most]) assert.deepEqual(recordOf(seal(sized(size), { lifetime: 1, cookieMaxAge: 1, id })).data, sized(size))
    for (const data of [sized(most + 1), sized(MAX_TOKEN_LENGTH * 2), { a: '€'.repeat(20_000) }]) {
      assert.throws(() => seal(data), { code: 'FST_SEALED_SESSION_TOO_LARGE', message: /^the session has \d{5,} bytes of JSON, more than the 49072 / })
    }
    assert.deepEqual(recordOf(seal({ a: '€'.repeat(16_000) })).data, { a: '€'.repeat(16_000) })
  })

  const times: Array<[title: string, given: Partial<SessionRecord>, opened: Partial<SessionRecord>]> = [
    ['a last write before it was created, at its creation', { createdAt: 5_000_000, writtenAt: 4_999_000 }, { createdAt: 5_000_000, writtenAt: 5_000_000 }],
    ['less than a second after it was created, at its creation', { createdAt: 5_000_400, writtenAt: 5_001_399 }, { createdAt: 5_000_400, writtenAt: 5_000_400 }],
    ['what is beyond a whole second not at all', { createdAt: 5_000_400, writtenAt: 5_003_000 }, { createdAt: 5_000_400, writtenAt: 5_002_400 }],
    ['no time of creation as the last write', { createdAt: null, writtenAt: 5_003_250 }, { createdAt: 5_003_250, writtenAt: 5_003_250 }],
    ['a time before 1970 as 1970', { createdAt: -1, writtenAt: -1000 }, { createdAt: 0, writtenAt: 0 }],
    ['a time beyond all that fit as the last that does', { createdAt: 2 ** 50, writtenAt: 2 ** 50 * 1000 }, { createdAt: 2 ** 48 - 1, writtenAt: 2 ** 48 - 1 + (2 ** 32 - 1) * 1000 }],
    ['a last write too long after it was created as the last that fits', { createdAt: 0, writtenAt: 2 ** 33 * 1000 }, { createdAt: 0, writtenAt: (2 ** 32 - 1) * 1000 }],
    ['a lifetime and a Max-Age in whole seconds', { lifetime: 1.9, cookieMaxAge: 59.999 }, { lifetime: 1, cookieMaxAge: 59 }],
    ['a lifetime and a Max-Age beyond all that fit as the most that does', { lifetime: 1e12, cookieMaxAge: Number.MAX_VALUE }, { lifetime: 2 ** 32 - 1, cookieMaxAge: 2 ** 32 - 1 }],
    ['a negative lifetime and Max-Age as none at all', { lifetime: -1, cookieMaxAge: -5 }, { lifetime: 0, cookieMaxAge: 0 }]
  ]
  for (const [title, given, opened] of times) {
    it(`writes ${title}`, () => {
      const { data: _, ...record } = recordOf(seal({}, given))
      const { data: __, ...expected } = written({}, { ...given, ...opened })
      assert.deepEqual(record, expected)
    })
  }
})

describe('the workspace that all tokens of a thread are sealed and opened in', () => {
  it('holds nothing of a bad token against a good one after it', () => {
    const tokens = Array.from({ length: 50 }, (_, i) => seal({ i, text: 'x'.repeat(i * 7) }))
    for (const [i, token] of tokens.entries()) {
      for (const bad of ['', 'A', `${token}A`, long.slice(1), `${token.slice(0, -3)}AAA`, 'A'.repeat(MAX_TOKEN_LENGTH)]) assertRefused(bad)
      assert.deepEqual(recordOf(token).data, { i, text: 'x'.repeat(i * 7) })
    }
  })

  it('lets keys, contexts and formats take turns', () => {
    const others = ['one', 'two'].map(context => {
      const set = KeySet.of([randomBytes(32)])
      return { set, bound: associatedDataOf(context), key: set.keys[0]! } // a set has at least one
    })
    for (let i = 0; i < 50; i++) {
      const data = { i, text: 'é'.repeat(i) }
      const sealed = others.map(({ key, bound }) => sealSealed(written(data), key, bound))
      const secretbox = sealSecretbox(written(data), sealingKey)
      for (const [index, { set, bound }] of others.entries()) {
        assert.deepEqual(recordOf(sealed[index] ?? '', set, bound).data, data)
        const opened = openSecretbox(secretbox, keys)
        assert.deepEqual(opened.ok && opened.record.data, data)
        assert.equal(reasonOf(sealed[1 - index] ?? '', set, bound), 'key-unknown')
      }
    }
  })

  it('is not held while a toJSON() seals and opens other sessions', () => {
    const inner: string[] = []
    const other = associatedDataOf('other')
    const otherKeys = KeySet.of([randomBytes(32)])
    const nosy = {
      toJSON () {
        inner.push(sealSealed(written({ inner: true }), otherKeys.keys[0]!, other), sealSecretbox(written({ inner: 'box' }), sealingKey))
        recordOf(long)
        assertRefused('A'.repeat(MAX_TOKEN_LENGTH))
        return 'outer'
      }
    }
    const nonce = randomBytes(24)
    const outer = sealSealed(written({ before: 'x'.repeat(100), nosy, after: 'y'.repeat(100) }), sealingKey, associatedData, bytes => bytes.set(nonce))
    const outerBox = sealSecretbox(written({ nosy, after: 'y'.repeat(100) }), sealingKey)
    assert.deepEqual(recordOf(outer).data, { before: 'x'.repeat(100), nosy: 'outer', after: 'y'.repeat(100) })
    const opened = openSecretbox(outerBox, keys)
    assert.deepEqual(opened.ok && opened.record.data, { nosy: 'outer', after: 'y'.repeat(100) })
    assert.equal(inner.length, 4)
    const innerSealed = inner.filter(token => !token.includes(';'))
    for (const token of innerSealed) assert.deepEqual(recordOf(token, otherKeys, other).data, { inner: true })
    assert.deepEqual(Buffer.from(outer, 'base64url').subarray(5, 29), nonce, 'sealed with the nonce of another token')
  })

  it('gives each session an id of its own, which a later token does not change', () => {
    const [one, two] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)]
    const opened = recordOf(seal({}, { id: one }))
    recordOf(seal({}, { id: two }))
    assert.deepEqual(opened.id, one)
  })
})
