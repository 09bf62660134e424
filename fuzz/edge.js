// Any text as a token, and any plaintext inside a genuine seal, with libsodium and with the cipher of the
// edge, in the sealed format.
//
// Holds: both say the same of it, a text opens only as what was sealed, and each opens what the other seals.
import assert from 'node:assert/strict'
import { createSessionCodec } from './build/index.js'
import { assertSame, assertSealedOrRefused } from './support/check.js'
import * as edge from './support/edge.js'
import { joined, split } from './support/edits.js'
import { EXPIRY, KEYS, KNOWN, SESSIONS, sealedOf, sealedPlaintext } from './support/sealing.js'

const INSIDE = 1

const options = { key: KEYS, format: 'sealed', expiry: EXPIRY }
const node = await createSessionCodec(options)
const noble = await edge.createSessionCodec(options)

export const seeds = [
  ...[...KNOWN.keys()].map(token => joined(0, token)),
  ...SESSIONS.map(data => joined(INSIDE, sealedPlaintext(data)))
]

export function fuzz (data) {
  const { choice, rest } = split(data)
  const isInside = (choice & INSIDE) !== 0
  const token = isInside ? sealedOf(rest) : rest.toString()
  const opened = noble.open(token)
  if (!isInside) assertSealedOrRefused(opened)
  assert.deepEqual(opened, node.open(token))
  if (!opened.ok || Object.keys(opened.data).some(name => name.startsWith('__'))) return
  for (const [sealing, opening] of [[noble, node], [node, noble]]) assertSame(opening.open(sealing.seal(opened.data)).data, opened.data)
}
