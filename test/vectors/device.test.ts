// test/vectors/device.json, which the second implementation made, is what this one opens; and it seals the same messages.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { sodiumReady } from '../../src/crypto/sodium.ts'
import { DeviceValues } from '../../src/device/values.ts'
import { KeySet } from '../../src/keys/key-set.ts'
import { decrypt, open, type Fields, type Kind } from '../tokens/independent-device.ts'
import { fromHex, hex } from '../tokens/independent.ts'

/** Bytes are in hex; see docs/reference/format.md for the meaning of each of these. */
interface Positive {
  title: string
  kind: Kind
  key: string
  context: string
  nonce: string
  /** Milliseconds since 1970. */
  now: number
  fields: Fields
  keyId: string
  associatedData: string
  message: string
  ciphertext: string
  tag: string
  text: string
}

interface Negative {
  title: string
  kind: Kind
  keys: string[]
  context: string
  now: number
  text: string
}

const text = readFileSync(new URL('device.json', import.meta.url), 'utf8')
const { positive, negative } = JSON.parse(text) as { positive: Positive[], negative: Negative[] }

/** Milliseconds that a proof counts beyond its time. */
const LEEWAY = 5000

const PURPOSES = ['register', 'register-anywhere', 'refresh', 'renew'] as const
const VERSIONS: Record<Kind, string> = { proof: '81', device: '82', challenge: '83' }

function valuesOf (keys: readonly string[], context: string): DeviceValues {
  return new DeviceValues({ current: KeySet.of(keys.map(key => Buffer.from(key, 'hex'))) }, context)
}

/** Opens a value as this package does; its fields are those of the vectors. */
function opened (values: DeviceValues, kind: Kind, text: string, now: number): Fields | null {
  if (kind === 'proof') {
    const proof = values.openProof(text, now, LEEWAY)
    if (proof === null) return null
    const { binding, created, boundAt, provenAt, until } = proof
    return { binding: hex(binding), created, bound: (boundAt - created) / 1000, proven: (provenAt - created) / 1000, counts: (until - provenAt) / 1000 }
  }
  if (kind === 'device') {
    const identifier = values.openIdentifier(text)
    if (identifier === null) return null
    const { binding, created, boundAt, algorithm, publicKey } = identifier
    return { binding: hex(binding), created, bound: (boundAt - created) / 1000, algorithm, publicKey: hex(publicKey) }
  }
  const challenge = values.openChallenge(text, now)
  return challenge === null ? null : { purpose: PURPOSES.indexOf(challenge.purpose), time: challenge.time, of: hex(challenge.of) }
}

/** Seals the fields of a vector as this package does. */
function sealed (values: DeviceValues, kind: Kind, fields: Fields): string {
  const bytes = (name: string): Buffer => Buffer.from(String(fields[name]), 'hex')
  const number = (name: string): number => Number(fields[name])
  if (kind === 'challenge') return values.sealChallenge({ purpose: PURPOSES[number('purpose')]!, time: number('time'), of: bytes('of') }) // the vectors have these four
  const created = number('created')
  const boundAt = created + number('bound') * 1000
  if (kind === 'device') return values.sealIdentifier({ binding: bytes('binding'), created, boundAt, algorithm: number('algorithm'), publicKey: bytes('publicKey') })
  const provenAt = created + number('proven') * 1000
  return values.sealProof({ binding: bytes('binding'), created, boundAt, provenAt, until: provenAt + number('counts') * 1000 })
}

describe('test/vectors/device.json', () => {
  it('is what make-device.ts prints', () => {
    const script = fileURLToPath(new URL('make-device.ts', import.meta.url))
    assert.equal(text, execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), script], { encoding: 'utf8', maxBuffer: 1e7 }))
  })

  it('has lost no vector', () => {
    assert.ok(positive.length >= 22, String(positive.length))
    assert.ok(negative.length >= 65, String(negative.length))
  })
})

describe('this package', async () => {
  await sodiumReady()

  for (const { title, kind, key, context, nonce, now, fields, keyId, associatedData, message, ciphertext, tag, text } of positive) {
    it(`opens ${title}, and seals the same message`, () => {
      const values = valuesOf([key], context)
      assert.deepEqual(opened(values, kind, text, now), fields)
      const own = sealed(values, kind, fields)
      assert.equal(hex(decrypt(own, { kind, keys: [fromHex(key)], context }) ?? new Uint8Array(0)), message)
      // The values in between belong to the text.
      const name = `${VERSIONS[kind]}${keyId}`
      assert.equal(Buffer.from(text, 'base64url').toString('hex'), `${name}${nonce}${ciphertext}${tag}`)
      assert.equal(associatedData, `${name}${Buffer.from(`${context}#${kind}`).toString('hex')}`)
      assert.deepEqual([ciphertext.length, own.length], [message.length, text.length])
    })
  }

  for (const { title, kind, keys, context, now, text } of negative) {
    it(`refuses ${title}`, () => {
      assert.equal(opened(valuesOf(keys, context), kind, text, now), null)
    })
  }
})

describe('the second implementation', () => {
  for (const { title, kind, key, context, now, fields, text } of positive) {
    it(`opens ${title}`, () => { assert.deepEqual(open(text, { kind, keys: [fromHex(key)], context, now }), fields) })
  }

  for (const { title, kind, keys, context, now, text } of negative) {
    it(`refuses ${title}`, () => { assert.equal(open(text, { kind, keys: keys.map(fromHex), context, now }), null) })
  }
})
