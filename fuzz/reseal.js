// Any plaintext inside a genuine seal, opened and sealed again in the other format and back, as it
// happens where an app changes its format or its key, with whatever times, id and lifetime it says.
//
// Holds: the data and the id stay, a lifetime and a Max-Age stay. Nothing makes the session end later:
// only one that says it began after its last write, as clocks that differ make it, gains that once.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { Codec } from './build/token/codec.js'
import { KeySet } from './build/keys/key-set.js'
import { CLOCK_TOLERANCE, endOf } from './build/token/lifetime.js'
import { assertSame } from './support/check.js'
import { joined, split } from './support/edits.js'
import { CONTEXT, KEYS, LAST_WRITE, sealedOf, sealedPlaintext, secretboxOf, secretboxPlaintext } from './support/sealing.js'

const SEALED = 1
const ABSOLUTE_TIMEOUT = 2

/** Seconds. */
const EXPIRY = 1000
const NOW = LAST_WRITE * 1000 + 30_500
Date.now = () => NOW

const limitsOf = choice => ({ expiry: EXPIRY, absoluteTimeout: choice & ABSOLUTE_TIMEOUT ? 2 * EXPIRY : null })

const codecs = [0, ABSOLUTE_TIMEOUT].map(choice => ['secretbox', 'sealed'].map(format => new Codec({
  keyring: { current: KeySet.of([Buffer.from(KEYS[0])]) },
  ...limitsOf(choice),
  format,
  accept: ['secretbox', 'sealed'],
  context: CONTEXT
}, nonce => nonce.fill(7))))

const lives = [
  { created: LAST_WRITE * 1000 - 500_000, written: LAST_WRITE * 1000 + 250 },
  { created: LAST_WRITE * 1000 + 59_999.5, expiry: 60, maxAge: 4294967295 },
  { created: 9e15 },
  { created: 0.1, expiry: 4294967295, maxAge: 0, id: 'AAECAwQFBgcICQoLDA0ODw' }
]
const full = Buffer.concat([Buffer.from([7]), sealedPlaintext({}).subarray(1, 11), Buffer.from('000000640000006400112233445566778899aabbccddeeff', 'hex'), Buffer.from('{"n":1}')])

export const seeds = [
  ...lives.map(life => joined(0, secretboxPlaintext({ n: 1, __life: life }))),
  ...lives.map(life => joined(ABSOLUTE_TIMEOUT, secretboxPlaintext({ n: 1, __life: life }, LAST_WRITE + 0.75))),
  ...[SEALED, SEALED | ABSOLUTE_TIMEOUT].flatMap(choice => [joined(choice, full), joined(choice, sealedPlaintext({ n: 1 })), joined(choice, sealedPlaintext({ n: 1 }, LAST_WRITE * 1000 + 123))]),
  joined(0, secretboxPlaintext({ n: 1 }))
]

export function fuzz (data) {
  const { choice, rest } = split(data)
  const [secretbox, sealed] = codecs[choice & ABSOLUTE_TIMEOUT ? 1 : 0]
  const [own, other] = choice & SEALED ? [sealed, secretbox] : [secretbox, sealed]
  const first = own.open(choice & SEALED ? sealedOf(rest) : secretboxOf(rest))
  if (!first.ok || Object.keys(first.record.data).some(name => name.startsWith('__'))) return
  const limits = limitsOf(choice)
  const second = assertResealed(first.record, other, limits, gainOf(first.record))
  if (second !== null) assertResealed(second, own, limits, gainOf(second))
}

/** Milliseconds that a session may gain. */
function gainOf ({ createdAt, writtenAt }) {
  return createdAt === null ? 0 : Math.min(Math.max(createdAt - writtenAt, 0), CLOCK_TOLERANCE * 1000)
}

/** The record that comes back, or null where the session has ended by what was rounded down. */
function assertResealed (record, codec, limits, gain) {
  const before = { ...record, end: endOf(record, limits) }
  const opened = codec.open(codec.seal(record))
  if (!opened.ok) {
    assert.equal(opened.reason, 'expired')
    assert.ok(before.end - NOW <= 1000, 'a session that is valid for longer has ended')
    return null
  }
  const { data, id, lifetime, cookieMaxAge } = opened.record
  assertSame(data, before.data)
  assert.deepEqual({ id, lifetime, cookieMaxAge }, { id: before.id, lifetime: before.lifetime, cookieMaxAge: before.cookieMaxAge })
  assert.ok(endOf(opened.record, limits) <= before.end + gain + 1, `it ends ${endOf(opened.record, limits) - before.end} ms later`)
  return opened.record
}
