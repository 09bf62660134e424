// Any text as a token, and any plaintext inside a genuine seal, in the two copies of the package: the
// ESM build with libsodium as the addon, and the CommonJS build with libsodium as WebAssembly.
//
// Holds: both say the same of it, and each opens what the other seals.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { setImmediate } from 'node:timers/promises'
import process from 'node:process'
import * as addon from './build/index.js'
import { assertSame } from './support/check.js'
import { joined, split } from './support/edits.js'
import { EXPIRY, KEYS, KNOWN, SESSIONS, sealedOf, sealedPlaintext, secretboxOf, secretboxPlaintext } from './support/sealing.js'

const INSIDE = 1
const SEALED = 2

const require = createRequire(import.meta.url)
const VARIABLE = 'FASTIFY_SEALED_SESSION_SODIUM'

/** The CommonJS build, loaded with the variable set: it is read once. */
function loadOnWasm () {
  const before = process.env[VARIABLE]
  process.env[VARIABLE] = 'wasm'
  try {
    return require('../dist/cjs/require.cjs')
  } finally {
    if (before === undefined) delete process.env[VARIABLE]
    else process.env[VARIABLE] = before
  }
}

const wasm = loadOnWasm()
const options = { key: KEYS, expiry: EXPIRY, accept: ['secretbox', 'sealed'] }
const warnings = []
process.on('warning', warning => { warnings.push(warning.message) })
const codecs = await Promise.all([addon, wasm].flatMap(({ createSessionCodec }) => ['secretbox', 'sealed'].map(format => createSessionCodec({ ...options, format }))))
await setImmediate() // a warning comes in a tick of its own
assert.ok(warnings.some(message => message.includes('WebAssembly')), 'the CommonJS build was loaded before')

export const seeds = [
  ...[...KNOWN.keys()].map(token => joined(0, token)),
  ...SESSIONS.flatMap(data => [joined(INSIDE, secretboxPlaintext(data)), joined(INSIDE | SEALED, sealedPlaintext(data))])
]

export function fuzz (data) {
  const { choice, rest } = split(data)
  const token = choice & INSIDE ? (choice & SEALED ? sealedOf(rest) : secretboxOf(rest)) : rest.toString()
  const [one, , other] = codecs.map(codec => codec.open(token))
  assert.deepEqual(other, one)
  if (one.ok && Object.keys(one.data).every(name => !name.startsWith('__'))) assertCrossing(one.data)
}

function assertCrossing (data) {
  for (const [sealing, opening] of [[0, 2], [1, 3], [2, 0], [3, 1]]) {
    const opened = codecs[opening].open(codecs[sealing].seal(data))
    assertSame(opened.data, data)
  }
}
