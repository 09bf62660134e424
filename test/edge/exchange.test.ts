// 100,000 sessions, sealed by libsodium and by noble with the same nonce, and opened by the other.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { createSessionCodec } from '../../src/index.ts'
import { KeySet } from '../../src/keys/key-set.ts'
import { AUTHENTICATIONS, BINDING, BINDING_BYTES, STAMP } from '../../src/token/claims.ts'
import { Codec } from '../../src/token/codec.ts'
import type { SessionRecord } from '../../src/token/record.ts'
import { atTime } from '../support/clock.ts'
import { newKey } from '../support/helpers.ts'
import { load } from './support.ts'

const SESSIONS = 100_000
const SEED = 18

const NOW = 1_800_000_000_000
const KEYS = 20
const CONTEXTS = ['session', '', '__Host-session', 'Zoë 😀']

type Parts = typeof import('./programs/parts.ts')

/** Numbers below `end` from 0 on, the same at each run: mulberry32. */
function numbersFrom (seed: number): (end: number) => number {
  return end => {
    seed = seed + 0x6d2b79f5 | 0
    let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32 * end)
  }
}

const below = numbersFrom(SEED)
const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => below(256)))
const maybe = <Value>(make: () => Value): Value | null => below(2) === 0 ? make() : null

/** Text of any script, most of it short; one in fifty is as long as a cookie can be, and longer. */
function someText (): string {
  const length = below(50) === 0 ? below(3000) : below(40)
  const unit = ['a', '"\\', 'ë', '漢', '😀', '\u0000'][below(6)]!
  return unit.repeat(length)
}

function someRecord (): SessionRecord {
  const createdAt = NOW - below(3_000_000)
  const writtenAt = createdAt + below(60) * 1000
  const place = maybe(() => ({ path: '/' + 'p'.repeat(below(20)), ...(below(2) === 0 && { domain: 'example.com' }) }))
  const claims = maybe(() => new Map([STAMP, AUTHENTICATIONS, BINDING].slice(below(3)).map(number => [number, bytes(number === BINDING ? BINDING_BYTES : 1 + below(30))] as const)))
  return {
    data: Object.fromEntries(Array.from({ length: below(5) }, (_, index) => [`key${index}`, [someText(), below(2 ** 31), null, [true, { a: someText() }]][below(4)]])),
    createdAt,
    writtenAt,
    lifetime: maybe(() => 10_000 + below(1e6)),
    cookieMaxAge: maybe(() => below(2 ** 32)),
    id: maybe(() => bytes(16)),
    ...(place !== null && { place }),
    ...(claims !== null && { claims })
  }
}

describe('tokens of the edge', () => {
  let edge: Parts

  before(async () => { edge = await load<Parts>('parts.ts') })

  it(`are those of libsodium, byte for byte, and each opens what the other sealed: ${SESSIONS} sessions`, context => {
    const nonce = Buffer.alloc(24)
    const drawNonce = (buffer: Uint8Array): void => { buffer.set(nonce) }
    const pairs = Array.from({ length: KEYS }, (_, number) => {
      const keys = [bytes(32), bytes(32)]
      const options = { expiry: 4000, format: 'sealed', accept: ['sealed'], context: CONTEXTS[number % CONTEXTS.length]! } as const
      return {
        node: atTime(() => NOW, new Codec({ ...options, keyring: { current: KeySet.of(keys) } }, drawNonce)),
        noble: atTime(() => NOW, new edge.Codec({ ...options, keyring: { current: edge.KeySet.of(keys.map(key => Buffer.from(key))) } }, drawNonce)),
        keyId: KeySet.of([keys[0]!]).keys[0]!.id
      }
    })
    const start = process.cpuUsage()
    for (const codec of pairs.flatMap(({ node, noble }) => [node, noble])) codec.openBound()
    let longest = 0
    for (let number = 0; number < SESSIONS; number++) {
      const { node, noble, keyId } = pairs[below(KEYS)]!
      const record = someRecord()
      bytes(24).copy(nonce)
      const token = node.seal(record)
      assert.equal(noble.seal(record), token)
      longest = Math.max(longest, token.length)
      for (const opened of [node.open(token), noble.open(token)]) {
        if (!opened.ok) assert.fail(`session ${number}: ${opened.reason}`)
        assert.equal(opened.key.id, keyId)
        assert.deepEqual(opened.record, record)
      }
    }
    assert.ok(longest > 4096, String(longest))
    context.diagnostic(`${Math.round(process.cpuUsage(start).user / 1000)} ms of one core`)
  })

  it('are refused with the same reason when any one of their bits was changed', () => {
    const keys = [bytes(32)]
    const options = { expiry: 4000, format: 'sealed', accept: ['sealed'], context: 'session' } as const
    const node = atTime(() => NOW, new Codec({ ...options, keyring: { current: KeySet.of(keys) } }))
    const noble = atTime(() => NOW, new edge.Codec({ ...options, keyring: { current: edge.KeySet.of(keys) } }))
    const token = Buffer.from(node.seal({ ...someRecord(), data: { user: 'Zoë' }, claims: new Map([[STAMP, bytes(20)]]) }), 'base64url')
    for (let bit = 0; bit < token.length * 8; bit++) {
      token[bit >> 3]! ^= 1 << (bit & 7)
      const changed = token.toString('base64url')
      token[bit >> 3]! ^= 1 << (bit & 7)
      const opened = noble.open(changed)
      assert.equal(opened.ok, false)
      assert.deepEqual(opened, node.open(changed))
    }
  })

  it('have nonces of their own even if the clock stands still', async () => {
    const codec = atTime(() => NOW, await edge.createSessionCodec({ key: newKey(), format: 'sealed' }))
    const nonces = new Set(Array.from({ length: 5000 }, () => Buffer.from(codec.seal({}), 'base64url').toString('hex', 5, 29)))
    assert.equal(nonces.size, 5000)
  })

  it('open in Node.js when their key was made at the edge', async () => {
    const key = edge.generateKey()
    assert.equal(key.length, 32)
    assert.notDeepEqual(edge.generateKey(), key)
    const codec = await edge.createSessionCodec({ key, format: 'sealed' })
    assert.ok((await createSessionCodec({ key, format: 'sealed' })).open(codec.seal({ user: 1 })).ok)
  })
})
