// test/vectors/secretbox.json, which the second implementation made, is what this one seals, opens and signs.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import peer from '@fastify/secure-session'
import type { FastifyInstance } from 'fastify'
import { Codec } from '../../src/token/codec.ts'
import { sodiumReady } from '../../src/crypto/sodium.ts'
import secureSession, { type FastifySecureSession } from '../../src/index.ts'
import { KeySet } from '../../src/keys/key-set.ts'
import type { Format } from '../../src/types.ts'
import { atTime } from '../support/clock.ts'
import { fromHex } from '../tokens/independent.ts'
import { open, payloadOf, sign, signingSecret, unsign, type Life } from '../tokens/independent-secretbox.ts'
import { readyApp } from '../support/app.ts'

/** Keys and nonces are in hex; see docs/reference/format.md for what each of these is. */
interface Opening {
  title: string
  keys: string[]
  accept?: Format[]
  /** Milliseconds since 1970. */
  now: number
  /** Seconds. */
  expiry: number
  /** Seconds. */
  absoluteTimeout: number | null
}

interface Positive extends Opening {
  key: string
  nonce: string
  payload: string
  token: string
  data: Record<string, unknown>
  /** Milliseconds since 1970. */
  lastWrite: number
  /** Milliseconds since 1970. */
  created: number | null
  /** Seconds. */
  lifetime: number | null
  /** Seconds. */
  maxAge: number | null
  /** 16 bytes in base64url. */
  id: string | null
  /** In hex, by number. */
  claims?: Record<string, string>
}

interface Negative extends Opening {
  token: string | { text: string, times: number }
  reason: string
}

interface Signature {
  title: string
  keys?: string[]
  secrets?: string[]
  token: string
  value: string
}

const text = readFileSync(new URL('secretbox.json', import.meta.url), 'utf8')
const vectors = JSON.parse(text) as { positive: Positive[], negative: Negative[], signatures: Signature[], unsigned: Array<Omit<Signature, 'token'>> }

function codecOf ({ keys, accept = ['secretbox'], now, expiry, absoluteTimeout }: Opening, nonce = ''): Codec {
  const [format = 'secretbox'] = accept
  return atTime(() => now, new Codec({ keyring: { current: KeySet.of(keys.map(key => Buffer.from(key, 'hex'))) }, expiry, absoluteTimeout, format, accept, context: '' }, buffer => { buffer.set(fromHex(nonce)) }))
}

function tokenOf ({ token }: Negative): string {
  return typeof token === 'string' ? token : token.text.repeat(token.times)
}

function inputOf ({ keys, ...rest }: Opening): Parameters<typeof open>[1] {
  return { ...rest, keys: keys.map(fromHex) }
}

/** The payload that a session is sealed with. */
function payloadThatIsWritten (vector: Positive): string {
  const { data, created, lastWrite, lifetime, maxAge, id, claims } = vector
  const written = created === null || lastWrite % 1000 === 0 ? null : lastWrite
  const said = Object.entries({ created, written, expiry: lifetime, maxAge, id, ...(claims && { claims }) }).filter(([, value]) => value !== null)
  return payloadOf(data, said.length === 0 ? null : Object.fromEntries(said) as Life, Math.floor(lastWrite / 1000), claims)
}

describe('test/vectors/secretbox.json', () => {
  it('is what make-secretbox.ts prints', () => {
    const script = fileURLToPath(new URL('make-secretbox.ts', import.meta.url))
    const made = execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), script], { encoding: 'utf8', maxBuffer: 1e7 })
    assert.equal(text, made)
  })

  it('has lost no vector', () => {
    const { positive, negative, signatures, unsigned } = vectors
    assert.deepEqual([positive.length >= 30, negative.length >= 71, signatures.length >= 3, unsigned.length >= 7], [true, true, true, true])
  })

  it('has each reason for which a token of this format is refused', () => {
    const reasons = new Set(vectors.negative.map(({ reason }) => reason))
    assert.deepEqual([...reasons].sort(), [
      'ciphertext-length', 'expired', 'format-not-accepted', 'malformed', 'nonce-length', 'not-authentic', 'payload-invalid', 'time-in-future', 'time-missing', 'too-long'
    ])
  })

  it('has vectors that are sealed as they stand there', () => {
    assert.ok(vectors.positive.filter(vector => payloadThatIsWritten(vector) === vector.payload).length >= 20)
  })
})

describe('this package', async () => {
  await sodiumReady()

  for (const vector of vectors.positive) {
    const { title, token, nonce, payload, data, lastWrite, created, lifetime, maxAge, id, claims } = vector
    it(`opens ${title}, and seals it again where it is what is written`, () => {
      const opened = codecOf(vector).open(token)
      assert.ok(opened.ok)
      const { record } = opened
      assert.deepEqual({ ...record, id: record.id?.toString('base64url') ?? null }, { data, writtenAt: lastWrite, createdAt: created, lifetime, cookieMaxAge: maxAge, id, ...(claims && { claims: new Map(Object.entries(claims).map(([number, value]) => [Number(number), Buffer.from(value, 'hex')])) }) })
      if (payloadThatIsWritten(vector) !== payload || token.split(';').length > 2) return
      // A beginning is written where something needs it.
      const absoluteTimeout = created === null ? null : 1e9
      assert.equal(codecOf({ ...vector, absoluteTimeout, keys: [vector.key] }, nonce).seal(record), token)
    })
  }

  for (const vector of vectors.negative) {
    it(`refuses ${vector.title} as ${vector.reason}`, () => {
      assert.deepEqual(codecOf(vector).open(tokenOf(vector)), { ok: false, reason: vector.reason })
    })
  }
})

describe('the second implementation', () => {
  for (const vector of vectors.positive) {
    it(`opens ${vector.title}`, () => {
      const { data, lastWrite, created, lifetime, maxAge, id, claims } = vector
      assert.deepEqual(open(vector.token, inputOf(vector)), { ok: true, data, lastWrite, created, expiry: lifetime, maxAge, id, ...(claims && { claims }) })
    })
  }

  for (const vector of vectors.negative) {
    it(`refuses ${vector.title} as ${vector.reason}`, () => {
      assert.deepEqual(open(tokenOf(vector), inputOf(vector)), { ok: false, reason: vector.reason })
    })
  }
})

describe('a signature', () => {
  const SALT = Buffer.alloc(16, 1)

  /** An app that signs with these keys or passphrases. */
  async function signer (plugin: FastifySecureSession, { keys, secrets }: Partial<Signature>): Promise<FastifyInstance> {
    const secret = keys === undefined ? { secret: secrets![0]!, salt: SALT } : { key: keys.map(key => Buffer.from(key, 'hex')) }
    return await readyApp({ plugin, session: { ...secret, cookie: { signed: true } } })
  }

  const secretsOf = ({ keys, secrets = [] }: Partial<Signature>): string[] => keys?.map(key => signingSecret(fromHex(key))) ?? secrets

  for (const vector of vectors.signatures) {
    it(`by ${vector.title} is taken off by both implementations, and put on where it is the first`, async () => {
      const app = await signer(secureSession, vector)
      const { valid, value } = app.unsignCookie(vector.value)
      assert.deepEqual({ valid, value }, { valid: true, value: vector.token })
      assert.equal(unsign(vector.value, secretsOf(vector)), vector.token)
      const isFirst = sign(vector.token, secretsOf(vector)[0]!) === vector.value
      assert.equal(app.signCookie(vector.token) === vector.value, isFirst)
      // The peer signs with the first key alone.
      if (isFirst) assert.equal((await signer(peer as unknown as FastifySecureSession, vector)).signCookie(vector.token), vector.value)
    })
  }

  for (const vector of vectors.unsigned) {
    it(`is refused by both implementations: ${vector.title}`, async () => {
      assert.equal((await signer(secureSession, vector)).unsignCookie(vector.value).valid, false)
      assert.equal(unsign(vector.value, secretsOf(vector)), null)
    })
  }
})
