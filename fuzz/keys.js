// Any bytes and any text as a key, alone and as the second of an array.
//
// Holds: it is taken, or refused with a coded error that says nothing of it: the same, word for word, as
// of a key in which every letter and digit is exchanged for another of its kind.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { Keyring } from './build/index.js'
import { unlessCoded, wordsOf } from './support/check.js'
import { exchanged } from './support/exchange.js'
import { KEYS } from './support/sealing.js'
import * as keyFile from './key-file.js'

const [first, second] = KEYS

export const seeds = [
  ...keyFile.seeds,
  ...['hex', 'base64', 'base64url'].map(encoding => Buffer.from(second.toString(encoding))),
  ...['\n', '\r\n', '\0'].map(end => Buffer.concat([second, Buffer.from(end)])),
  Buffer.from('./secret-key'),
  Buffer.from('C:\\keys\\secret.key'),
  Buffer.from('zz'.repeat(32)),
  Buffer.alloc(31)
]

export function fuzz (data) {
  const other = exchanged(data)
  for (const read of [bytes => bytes, bytes => bytes.toString()]) {
    assert.equal(verdict(read(data)), verdict(read(other)))
    assert.equal(verdict([first, read(data)]), verdict([first, read(other)]))
  }
}

/** "taken", or what the error says. */
function verdict (key) {
  let words = 'taken'
  unlessCoded(() => new Keyring(key).ids, error => { words = wordsOf(error) })
  return words
}
