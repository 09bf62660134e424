// Any bytes as a key file.
//
// Holds: it gives keys of 32 bytes that a keyring takes, or a coded error. The error says nothing of what
// the file holds: it is the same, word for word, for a file in which every letter and digit is exchanged
// for another of its kind.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { Keyring } from './build/index.js'
import { parseKeyFile } from './build/keys/key-file.js'
import { unlessCoded, wordsOf } from './support/check.js'
import { exchanged } from './support/exchange.js'
import { KEYS } from './support/sealing.js'

const [first, second] = KEYS

const PATH = 'the path'

export const seeds = [
  Buffer.from(`# comment\n${first.toString('hex')}  # 2026\n${second.toString('base64')}\r\n\n${second.toString('base64url')}\n`),
  Buffer.from(first.map(byte => byte | 0x80)),
  Buffer.concat([Buffer.from('fffe', 'hex'), Buffer.from(first.toString('hex'), 'utf16le')]),
  Buffer.from(`\ufeff${first.toString('hex')}`),
  Buffer.from(`${first.toString('hex')}00\n`),
  Buffer.from('# nothing\n\n'),
  Buffer.from('/run/secrets/session-key\n'),
  Buffer.from(`${first.toString('base64').slice(3)}*`),
  first
]

export function fuzz (data) {
  const words = parse(data)
  assert.deepEqual(parse(exchanged(data)), words, 'an error depends on what the file holds')
}

/** How many keys there are, or what the error says. */
function parse (content) {
  let words = null
  const keys = unlessCoded(() => parseKeyFile(content, PATH), error => { words = wordsOf(error) })
  if (keys === undefined) return words
  assert.ok(keys.length > 0 && keys.every(key => Buffer.isBuffer(key) && key.length === 32))
  const distinct = new Set(keys.map(key => key.toString('hex'))).size
  assert.equal(new Keyring(keys).ids.length, distinct)
  return keys.length
}
