// Any plaintext inside a genuine seal, as another program that has the key may write it: header, times,
// __life, JSON; with and without a serializer, a schema and an absolute timeout.
//
// Holds: open() throws nothing. What it refuses it refuses for what is inside. What it opens is the JSON
// that was inside but for the names that the session keeps itself, in a plain object, with dates that
// exist; sealed again, it opens to the same.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createSessionCodec } from './build/index.js'
import { assertRefusal, assertSame, isDate } from './support/check.js'
import { joined, split } from './support/edits.js'
import { EXPIRY, KEYS, LAST_WRITE, SESSIONS, sealedOf, sealedPlaintext, secretboxOf, secretboxPlaintext } from './support/sealing.js'

const SEALED = 1
const SERIALIZER = 2
const SCHEMA = 4
const ABSOLUTE_TIMEOUT = 8
const LONGEST_EXPIRY = 16

/** Takes text that is empty, too. */
const serializer = { stringify: data => `s${JSON.stringify(data)}`, parse: text => JSON.parse(text.replace(/^s/, '') || '{}') }

/** Takes what has no `n`, or a number there. */
const schema = {
  '~standard': {
    version: 1,
    vendor: 'fuzz',
    validate: value => value.n === undefined || typeof value.n === 'number' ? { value } : { issues: [{ message: 'n is no number', path: ['n'] }] }
  }
}

const codecs = await Promise.all(Array.from({ length: 32 }, (_, flags) => createSessionCodec({
  key: KEYS[0],
  format: flags & SEALED ? 'sealed' : 'secretbox',
  expiry: flags & LONGEST_EXPIRY ? Number.MAX_VALUE : EXPIRY,
  ...flags & SERIALIZER ? { serializer } : {},
  ...flags & SCHEMA ? { schema } : {},
  ...flags & ABSOLUTE_TIMEOUT ? { absoluteTimeout: EXPIRY } : {}
})))

/** Reasons that look inside, and those for a token that is too short for a header, or too long. */
const INSIDE = new Set(['malformed', 'too-long', 'header-invalid', 'payload-invalid', 'time-missing', 'expired', 'time-in-future', 'schema-invalid'])

const RESERVED = ['__ts', '__life', '__data']

const LIFE = { created: LAST_WRITE * 1000, written: LAST_WRITE * 1000 + 500, expiry: 60, maxAge: 60, id: 'AAECAwQFBgcICQoLDA0ODw' }

export const seeds = [
  ...SESSIONS.flatMap((data, n) => [joined(n * 8, secretboxPlaintext(data)), joined(n * 8 + 1, sealedPlaintext(data))]),
  joined(0, secretboxPlaintext({ __life: LIFE })),
  joined(8, secretboxPlaintext({ __life: { created: 0 } })),
  joined(2, secretboxPlaintext({ __data: 's{"n":1}' })),
  joined(3, Buffer.concat([sealedPlaintext({}).subarray(0, 11), Buffer.from('s{"n":1}')])),
  joined(1, Buffer.concat([Buffer.from([7]), sealedPlaintext({}).subarray(1, 11), Buffer.alloc(24, 1), Buffer.from('{"n":1}')])),
  joined(0, '{"__ts":1700000000.5,"n":1}'),
  joined(16, '{"n":1,"__ts":-1e300}'),
  ...['[1]', 'null', '"n"', '{,"__ts":1700000000}', '{ ,"__ts":1700000000}', '{"n":1 ,"__ts":1700000000}', '{"__ts":1,"__ts":1700000000}'].map(text => joined(0, text)),
  ...['[1]', 'null', '"n"', '', '{"__ts":1}'].map(text => joined(1, Buffer.concat([sealedPlaintext({}).subarray(0, 11), Buffer.from(text)]))),
  joined(3, Buffer.concat([Buffer.from([7]), sealedPlaintext({}).subarray(1, 11)])),
  joined(0, '{"__proto__":{"x":1},"constructor":null,"__ts":1700000000}')
]

export function fuzz (data) {
  const { choice, rest } = split(data)
  const flags = choice % codecs.length
  const codec = codecs[flags]
  const isSealed = (flags & SEALED) !== 0
  const opened = codec.open(isSealed ? sealedOf(rest) : secretboxOf(rest))
  if (!opened.ok) {
    assertRefusal(opened)
    assert.ok(INSIDE.has(opened.reason), opened.reason)
    return
  }
  assertContent(opened, rest, flags)
  assertSealedAgain(codec, opened)
}

function assertContent ({ data, createdAt, lastWriteAt, expiresAt }, plaintext, flags) {
  assert.equal(Object.getPrototypeOf(data), Object.prototype)
  assert.ok(isDate(lastWriteAt) && isDate(expiresAt) && (createdAt === null || isDate(createdAt)), 'a date that does not exist')
  if (flags & SEALED) assert.ok(plaintext.length >= headerLength(plaintext[0]), 'its header is not complete')
  if (flags & (SEALED | SERIALIZER)) return
  const inside = JSON.parse(plaintext.toString())
  for (const name of RESERVED) delete inside[name]
  assert.deepEqual(data, inside)
}

/** As docs/reference/format.md has it: what is always there, a lifetime, a Max-Age, an id. */
function headerLength (flags) {
  return 11 + (flags & 1 ? 4 : 0) + (flags & 2 ? 4 : 0) + (flags & 4 ? 16 : 0)
}

function assertSealedAgain (codec, { data }) {
  if (RESERVED.some(name => Object.hasOwn(data, name))) return // seal() refuses them
  const again = codec.open(codec.seal(data))
  assert.ok(again.ok)
  assertSame(again.data, data)
}
