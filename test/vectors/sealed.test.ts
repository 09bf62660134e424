// test/vectors/sealed.json, which the second implementation made, is what this one seals and opens.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Codec } from '../../src/token/codec.ts'
import type { Format } from '../../src/types.ts'
import { sodium, sodiumReady } from '../../src/crypto/sodium.ts'
import { DerivedKey, KeySet } from '../../src/keys/key-set.ts'
import type { SessionRecord } from '../../src/token/record.ts'
import { atTime } from '../support/clock.ts'
import { BINDING } from '../../src/token/claims.ts'
import { fromHex, open, type Result } from '../tokens/independent.ts'

/** Bytes are in hex; see docs/reference/format.md for what each of these is. */
interface Positive {
  title: string
  key: string
  context: string
  nonce: string
  created: number
  lastWrite: number
  lifetime: number | null
  maxAge: number | null
  id: string | null
  /** Each is '' where there is none. */
  place?: { domain: string, path: string }
  /** By number. */
  claims?: Record<string, string>
  data: Record<string, unknown>
  encryptionKey: string
  identificationKey: string
  keyId: string
  associatedData: string
  header: string
  payload: string
  ciphertext: string
  tag: string
  token: string
}

interface Negative {
  title: string
  keys: string[]
  context: string
  accept: Format[]
  /** Milliseconds since 1970. */
  now: number
  /** Seconds. */
  expiry: number
  token: string | { text: string, times: number }
  reason: string
}

const text = readFileSync(new URL('sealed.json', import.meta.url), 'utf8')
const { positive, negative } = JSON.parse(text) as { positive: Positive[], negative: Negative[] }

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')

function recordOf ({ data, created, lastWrite, lifetime, maxAge, id, place, claims }: Positive): SessionRecord {
  return { data, createdAt: created, writtenAt: created + lastWrite * 1000, lifetime, cookieMaxAge: maxAge, id: id === null ? null : bytes(id), ...(place && { place: Object.fromEntries(Object.entries(place).filter(([, value]) => value !== '')) }), ...(claims && { claims: new Map(Object.entries(claims).map(([number, value]) => [Number(number), bytes(value)])) }) }
}

/** A codec whose clock stands at the last write. */
function codecOf ({ key, context, nonce, created, lastWrite, claims }: Positive): Codec {
  const codec = new Codec({ keyring: { current: KeySet.of([bytes(key)]) }, expiry: 1, format: 'sealed', accept: ['sealed'], context }, buffer => { buffer.set(bytes(nonce)) })
  if (claims?.[BINDING] !== undefined) codec.openBound()
  return atTime(() => created + lastWrite * 1000, codec)
}

function tokenOf ({ token }: Negative): string {
  return typeof token === 'string' ? token : token.text.repeat(token.times)
}

describe('test/vectors/sealed.json', () => {
  it('is what make-sealed.ts prints', () => {
    const script = fileURLToPath(new URL('make-sealed.ts', import.meta.url))
    const made = execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), script], { encoding: 'utf8', maxBuffer: 1e7 })
    assert.equal(text, made)
  })

  it('has lost no vector', () => {
    assert.ok(positive.length >= 40, String(positive.length))
    assert.ok(negative.length >= 100, String(negative.length))
  })

  it('has each reason for which a token of this format is refused', () => {
    const reasons = new Set(negative.map(({ reason }) => reason))
    assert.deepEqual([...reasons].sort(), [
      'device-unproven', 'expired', 'format-not-accepted', 'header-invalid', 'key-unknown', 'malformed', 'not-authentic',
      'payload-invalid', 'time-in-future', 'too-long', 'version-unknown'
    ])
  })

  it('has no two tokens with one key and nonce, and different content', () => {
    const seen = new Set(positive.map(({ key, nonce }) => key + nonce))
    assert.equal(seen.size, positive.length)
  })
})

describe('this package, with the build of libsodium that the process uses,', async () => {
  await sodiumReady()

  it('which is the one asked for', () => {
    const { FASTIFY_SEALED_SESSION_SODIUM: asked = 'native' } = process.env
    assert.equal(sodium().name, asked)
  })

  for (const vector of positive) {
    it(`derives, seals and opens as the vector says: ${vector.title}`, () => {
      const { key, keyId, encryptionKey, header, payload, associatedData, nonce, ciphertext, tag, token } = vector
      const derived = new DerivedKey(bytes(key))
      assert.equal(derived.id, keyId)
      assert.equal(derived.encryption.toString('hex'), encryptionKey)
      assert.equal(codecOf(vector).seal(recordOf(vector)), token)
      assert.deepEqual(codecOf(vector).open(token), { ok: true, record: recordOf(vector), format: 'sealed', key: derived, stale: false })
      // The values in between belong to the token.
      assert.equal(Buffer.from(token, 'base64url').toString('hex'), `01${keyId}${nonce}${ciphertext}${tag}`)
      assert.equal(ciphertext.length, header.length + payload.length)
      assert.equal(associatedData, `01${keyId}${Buffer.from(vector.context).toString('hex')}`)
      assert.equal(bytes(payload).toString(), JSON.stringify(vector.data))
    })
  }

  for (const vector of negative) {
    it(`refuses ${vector.title} as ${vector.reason}`, () => {
      const { keys, context, accept, now, expiry, reason } = vector
      const [format = 'sealed'] = accept
      const codec = atTime(() => now, new Codec({ keyring: { current: KeySet.of(keys.map(bytes)) }, expiry, format, accept, context }, () => {}))
      assert.deepEqual(codec.open(tokenOf(vector)), { ok: false, reason })
    })
  }
})

describe('the second implementation', () => {
  for (const vector of positive) {
    it(`opens ${vector.title}`, () => {
      const { key, context, created, lastWrite, lifetime, maxAge, id, place, claims, data, keyId, token } = vector
      const expected: Result = { ok: true, fields: { created, lastWrite, lifetime, maxAge, id: id === null ? null : fromHex(id), ...(place && { place }), ...(claims && { claims }) }, data, keyId }
      assert.deepEqual(open(token, { keys: [fromHex(key)], context, now: created + lastWrite * 1000, expiry: 1, isProven: true }), expected)
    })
  }

  for (const vector of negative) {
    it(`refuses ${vector.title} as ${vector.reason}`, () => {
      const { keys, reason, ...rest } = vector
      assert.deepEqual(open(tokenOf(vector), { ...rest, keys: keys.map(fromHex) }), { ok: false, reason })
    })
  }
})

it('the WebAssembly build of libsodium agrees with each of these vectors', { skip: process.env.FASTIFY_SEALED_SESSION_SODIUM === 'wasm' }, () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env // else the test runner takes the child for a part of itself
  const { status, stdout } = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), '--test-reporter=tap', fileURLToPath(import.meta.url)], {
    env: { ...env, FASTIFY_SEALED_SESSION_SODIUM: 'wasm' }, encoding: 'utf8', maxBuffer: 1e8, timeout: 60_000
  })
  assert.equal(status, 0, stdout)
  assert.match(stdout, /^# skipped 1$/m)
  assert.match(stdout, /^# fail 0$/m)
})
