// Any bytes as a key file that the command line rotates, and how many older keys stay.
//
// Holds: it gives a coded error that shows nothing of a key, or a file that holds the new key, then the
// older ones that stay, in their order; all its other lines are as they were.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { rotateKeys } from './build/cli/rotate.js'
import { parseKeyFile } from './build/keys/key-file.js'
import { KeySet } from './build/keys/key-set.js'
import { unlessCoded } from './support/check.js'
import { joined, split } from './support/edits.js'
import { KEYS } from './support/sealing.js'
import * as keyFile from './key-file.js'

const newKey = KEYS[2]

export const seeds = keyFile.seeds.flatMap(content => [0, 1, 3].map(keep => joined(keep, content)))

export function fuzz (data) {
  const { choice, rest } = split(data)
  const keep = choice % 4
  const rotation = unlessCoded(() => rotateKeys({ content: Buffer.from(rest), path: 'the path', newKey, keep, date: '2026-01-01' }))
  if (rotation === undefined) return
  const { keys } = KeySet.of([newKey, ...parseKeyFile(Buffer.from(rest), 'the path')])
  const expected = keys.slice(0, keep + 1).map(({ id }) => id)
  assert.deepEqual([rotation.added, ...rotation.kept], expected)
  assert.deepEqual(KeySet.of(parseKeyFile(rotation.content, 'the path')).keys.map(({ id }) => id), expected)
  if (!rotation.wasRaw) assertCommentsStay(rest, rotation.content)
}

/** Lines without a key, byte for byte, but for the mark in front of the first. */
function assertCommentsStay (before, after) {
  const linesOf = bytes => bytes.toString('latin1').replace(/^\xef\xbb\xbf/, '').split('\n')
  const isComment = line => /^[ \t\r]*(?:#.*)?$/s.test(line)
  assert.deepEqual(linesOf(after).filter(isComment), linesOf(before).filter(isComment))
}
