// The peer's token format: its layout, byte for byte, and what of it is opened.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import sodium from 'sodium-native'
import { setOwn, type Data } from '../../src/data/data.ts'
import { JSON_SERIALIZER } from '../../src/data/serializer.ts'
import { openSecretbox, sealSecretbox, secretboxFormat } from '../../src/token/secretbox.ts'
import { MAX_TOKEN_LENGTH } from '../../src/token/format.ts'
import { DerivedKey, KeySet } from '../../src/keys/key-set.ts'
import { sealRaw } from '../support/configurations.ts'
import { readyApp } from '../support/app.ts'
import { PLUGINS } from '../support/peer.ts'

const TIME = 1_800_000_000
const key = randomBytes(32)
const keyring = KeySet.of([key])
const sealingKey = keyring.keys[0]!

const SETTINGS = { context: '', serializer: JSON_SERIALIZER, fillRandom: () => {}, saysCreated: false }

const seal = (data: Data): string => sealSecretbox({ data, writtenAt: TIME * 1000 }, sealingKey)

/** Any object that JSON can hold, with keys that an ordinary object has on its prototype among them. */
const anyData = fc.array(fc.tuple(
  fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', 'toString', '0', '__ts_')),
  fc.jsonValue()
)).map(entries => {
  const data: Data = {}
  for (const [key, value] of entries) if (key !== '__ts') setOwn(data, key, value)
  return data
})

describe('sealSecretbox', () => {
  it('writes the token that libsodium gives for this key, nonce, time and data', () => {
    const fixedKey = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex')
    const fixedNonce = Buffer.from('404142434445464748494a4b4c4d4e4f5051525354555657', 'hex')
    const plaintext = Buffer.from('{"userId":1,"name":"Zoë","__ts":1800000000}')
    const ciphertext = Buffer.alloc(16 + plaintext.length)
    sodium.crypto_secretbox_easy(ciphertext, plaintext, fixedNonce, fixedKey)

    const record = { data: { userId: 1, name: 'Zoë' }, writtenAt: TIME * 1000 }
    const token = sealSecretbox(record, new DerivedKey(fixedKey), nonce => nonce.set(fixedNonce))

    assert.equal(token, `${ciphertext.toString('base64')};${fixedNonce.toString('base64')}`)
    assert.equal(token, 'liSHlv/4QobVeMZdfLFzZDE1IApfI/JO5GNATUrnO5yrFXx2NyycY8b5AJWmrfB27gVRId6H9jRpfCwE;QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZX')
  })

  it('seals with the key given', () => {
    const [first, second] = [randomBytes(32), randomBytes(32)]
    const token = sealSecretbox({ data: {}, writtenAt: TIME * 1000 }, new DerivedKey(first))
    assert.equal(openSecretbox(token, KeySet.of([first])).ok, true)
    assert.deepEqual(openSecretbox(token, KeySet.of([second])), { ok: false, reason: 'not-authentic' })
  })

  it('takes a new nonce for each token', () => {
    const tokens = Array.from({ length: 1000 }, () => seal({}))
    assert.equal(new Set(tokens.map(token => token.split(';')[1])).size, tokens.length)
  })

  it('does not change the data', () => {
    const data = Object.freeze({ a: Object.freeze({ b: 1 }) })
    seal(data)
    assert.deepEqual(data, { a: { b: 1 } })
  })

  it('a toJSON() that seals a session itself changes nothing of the token around it', () => {
    const inner: string[] = []
    const token = seal({ a: { toJSON () { inner.push(seal({ inner: true })); return 'outer' } }, b: 'x'.repeat(200) })
    assert.deepEqual(dataOf(token), { a: 'outer', b: 'x'.repeat(200) })
    assert.deepEqual(dataOf(inner[0] ?? ''), { inner: true })
  })

  const sizes = (bytes: number): Data => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) })
  it('what is too large is refused by the writer, and all that it writes is opened', () => {
    let largest = 0
    for (let low = 1000, high = MAX_TOKEN_LENGTH; low <= high;) {
      const middle = (low + high) >> 1
      if (fits(sizes(middle))) {
        largest = middle
        low = middle + 1
      } else {
        high = middle - 1
      }
    }
    assert.ok(largest > 48_000, `only ${largest} bytes fit`)
    for (const size of [largest - 2, largest - 1, largest]) assert.deepEqual(dataOf(seal(sizes(size))), sizes(size))
    for (const size of [largest + 1, largest + 2, MAX_TOKEN_LENGTH * 2]) {
      assert.throws(() => seal(sizes(size)), { code: 'FST_SEALED_SESSION_TOO_LARGE' })
    }
  })

  it('the message about what is too large names a size that is over the limit it names', () => {
    let smallest = 48_000
    while (fits(sizes(smallest))) smallest++
    const [, got, limit] = /has (\d+) bytes of JSON, more than the (\d+) /.exec(messageOf(sizes(smallest))) ?? []
    assert.ok(Number(got) > Number(limit), `${got} is not more than ${limit}`)
  })

  it('characters that take more than one byte count as what they take', () => {
    const data = { a: '€'.repeat(20_000) }
    assert.throws(() => seal(data), { code: 'FST_SEALED_SESSION_TOO_LARGE' })
    assert.deepEqual(dataOf(seal({ a: '€'.repeat(16_000) })), { a: '€'.repeat(16_000) })
  })
})

describe('openSecretbox', () => {
  it('returns what was sealed, for any object that JSON can hold and any time', () => {
    fc.assert(fc.property(anyData, fc.integer({ min: 0, max: 2 ** 48 }), (data, seconds) => {
      const opened = openSecretbox(sealSecretbox({ data, writtenAt: seconds * 1000 }, sealingKey), keyring)
      assert.ok(opened.ok)
      assert.equal(opened.key, sealingKey)
      assert.equal(opened.record.writtenAt, seconds * 1000)
      assert.equal(JSON.stringify(opened.record.data), JSON.stringify(data))
    }))
  })

  it('says which key has opened a token', () => {
    const keys = [randomBytes(32), randomBytes(32), randomBytes(32)]
    for (const [index, key] of keys.entries()) {
      const set = KeySet.of(keys)
      const opened = openSecretbox(sealRaw(key, '{"a":1,"__ts":5}'), set)
      assert.ok(opened.ok)
      assert.equal(opened.key, set.keys[index])
      assert.deepEqual(opened.record, { data: { a: 1 }, writtenAt: 5000, createdAt: null, lifetime: null, cookieMaxAge: null, id: null })
    }
  })

  it('ignores what follows a second semicolon', () => {
    const token = seal({ a: 1 })
    for (const rest of [';', ';;', '; Path=/; HttpOnly', `;${'x'.repeat(1000)}`]) assert.deepEqual(dataOf(token + rest), { a: 1 })
  })

  it('refuses a time that is no number', () => {
    for (const json of ['"1800000000"', 'null', '{}', '1e999']) {
      assert.deepEqual(openSecretbox(sealRaw(key, `{"__ts":${json}}`), keyring), { ok: false, reason: 'time-missing' })
    }
    assert.deepEqual(openSecretbox(sealRaw(key, '{"a":1}'), keyring), { ok: false, reason: 'time-missing' })
  })

  it('reads what a token says of its session\'s life, whatever of it is there', () => {
    const id = Buffer.alloc(16, 7)
    const lives: Array<[life: object, read: object]> = [
      [{}, {}], [{ created: 5 }, { createdAt: 5 }], [{ expiry: 60, maxAge: 30 }, { lifetime: 60, cookieMaxAge: 30 }], [{ id: id.toString('base64url') }, { id }],
      // It began by its last write, in that second: or it would escape absoluteTimeout and revocations.
      [{ created: 9e15 }, { createdAt: 5999 }]
    ]
    for (const [life, read] of lives) {
      const opened = openSecretbox(sealRaw(key, JSON.stringify({ a: 1, __life: life, __ts: 5 })), keyring)
      assert.ok(opened.ok)
      assert.deepEqual(opened.record, { data: { a: 1 }, writtenAt: 5000, createdAt: null, lifetime: null, cookieMaxAge: null, id: null, ...read })
    }
  })

  it('reads a payload whose time stands last as it reads any other, whatever that holds', () => {
    // White space behind it, which JSON allows, has JSON.parse find the time.
    const piece = fc.constantFrom('{', '}', ',', ' ', '"a":1', '"b":{"__ts":5}', '"b":"\\",\\"__ts\\":1"', '"__ts":1700000000', '"__ts":0800000000', '"__ts":1.5', '"é":"é"', '[1]', '"x"')
    const prefix = fc.oneof(
      fc.constantFrom('', '{', '{ ', ' {', '{"a":{', '{"a":1 ', '{"a"'),
      fc.array(piece, { maxLength: 5 }).map(pieces => pieces.join('')),
      anyData.map(data => JSON.stringify(data).slice(0, -1)),
      fc.array(fc.constantFrom('"a":1', '"__ts":7', '"__life":{"expiry":60}', '"b":{"__ts":1700000000}'), { maxLength: 3 }).map(members => `{${members.join(',')}`)
    )
    const end = fc.constantFrom(',"__ts":1700000000}', ', "__ts":1700000000}', ',"__ts":0700000000}', ',"__ts":170000000}', ',"__ts":17000000000}', ',"__ts":170000000x}', ',"__ts":1700000000', ',"__tS":1700000000}', ',"__ts":-170000000}')
    let opened = 0
    fc.assert(fc.property(prefix, end, (start, end) => {
      const [direct, parsed] = [`${start}${end}`, `${start}${end} `].map(text => {
        const { text: payload, ...rest } = { text: null, ...openSecretbox(sealRaw(key, text), keyring) }
        // A cache keeps the payload, and reads it again.
        if (rest.ok) assert.deepEqual(secretboxFormat(SETTINGS).dataOf(payload!), rest.record.data)
        return rest
      })
      assert.deepEqual(direct, parsed)
      if (direct!.ok) opened++ // there are two
    }), { numRuns: 5000 })
    assert.ok(opened > 500, `${opened} opened`)
  })

  it('refuses a life that is none', () => {
    for (const life of [null, 1, 'x', [], { created: -1 }, { created: '5' }, { expiry: null }, { maxAge: [] }, { id: 'short' }, { id: 5 }, { maxAge: 1.5 }, { maxAge: 1e300 }, { expiry: 2 ** 32 }]) {
      assert.deepEqual(openSecretbox(sealRaw(key, JSON.stringify({ __life: life, __ts: 5 })), keyring), { ok: false, reason: 'payload-invalid' })
    }
    assert.deepEqual(openSecretbox(sealRaw(key, '{"__life":{"expiry":1e999},"__ts":5}'), keyring), { ok: false, reason: 'payload-invalid' })
  })

  const plaintexts: Array<[title: string, plaintext: string | Buffer]> = [
    ['nothing', ''], ['null', 'null'], ['a number', '1'], ['a text', '"a"'], ['an array', '[]'], ['no JSON', '{"a":'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00])]
  ]
  for (const [title, plaintext] of plaintexts) {
    it(`refuses an authentic token that holds ${title}`, () => {
      assert.deepEqual(openSecretbox(sealRaw(key, plaintext), keyring), { ok: false, reason: 'payload-invalid' })
    })
  }

  const nonce = 'A'.repeat(32)
  const ciphertext = 'A'.repeat(24)
  const refused: Array<[title: string, token: string, reason: string]> = [
    ['no semicolon', ciphertext + nonce, 'malformed'],
    ['no semicolon, before the length of the ciphertext', 'AAAA', 'malformed'],
    ['nothing', '', 'malformed'],
    ['only a semicolon', ';', 'ciphertext-length'],
    ['a ciphertext of 15 bytes', `${'A'.repeat(20)};${nonce}`, 'ciphertext-length'],
    ['a short ciphertext, before the length of the nonce', 'AAAA;AAAA', 'ciphertext-length'],
    ['a nonce of 21 bytes', `${ciphertext};${'A'.repeat(28)}`, 'nonce-length'],
    ['a nonce of 27 bytes', `${ciphertext};${'A'.repeat(36)}`, 'nonce-length'],
    ['no nonce', `${ciphertext};`, 'nonce-length'],
    ['a second semicolon before the nonce', `${ciphertext};;${nonce}`, 'nonce-length'],
    ['a padded nonce', `${ciphertext};${nonce}==`, 'malformed'],
    ['a line break in the ciphertext', `${ciphertext}\n;${nonce}`, 'malformed'],
    ['zeros', `${ciphertext};${nonce}`, 'not-authentic'],
    ['more characters than are looked at', `${'A'.repeat(MAX_TOKEN_LENGTH)};${nonce}`, 'too-long']
  ]
  for (const [title, token, reason] of refused) {
    it(`refuses ${title} as ${reason}`, () => assert.deepEqual(openSecretbox(token, keyring), { ok: false, reason }))
  }
})

describe('the peer', () => {
  const peer = async (): Promise<FastifyInstance> => await readyApp({ plugin: PLUGINS.peer, session: { key } })

  it('opens what is sealed here', async () => {
    const token = sealSecretbox({ data: { a: [1, { b: 'é' }] }, writtenAt: Math.round(Date.now() / 1000) * 1000 }, sealingKey)
    assert.deepEqual((await peer()).decodeSecureSession(token)?.data(), { a: [1, { b: 'é' }] })
  })

  it('seals what is opened here', async () => {
    const app = await peer()
    assert.deepEqual(dataOf(app.encodeSecureSession(app.createSecureSession({ a: [1, { b: 'é' }] }))), { a: [1, { b: 'é' }] })
  })
})

/** The data of a token; fails where it is refused. */
function dataOf (token: string): Data {
  const opened = openSecretbox(token, keyring)
  assert.ok(opened.ok, opened.ok ? '' : opened.reason)
  return opened.record.data
}

function fits (data: Data): boolean {
  return messageOf(data) === ''
}

/** Why data cannot be sealed, or nothing where it can be. */
function messageOf (data: Data): string {
  try {
    seal(data)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
