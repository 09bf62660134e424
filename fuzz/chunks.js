// A value and the number of cookies that it may be split into; and any Cookie header with chunks in it.
//
// Holds: a value that was split is joined again to itself, in lines that browsers keep; out of any
// header come at most 16 values, each made of what the header has, in a bounded time.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { MAX_CANDIDATES, MAX_CHUNKS, chunkName, joinChunks, splitValue } from './build/cookies/chunks.js'
import { chunksIn, cookieValues, numberedValues } from './build/cookies/read.js'
import { MAX_COOKIE_BYTES, decodeValue } from './build/cookies/set-cookie.js'
import { headerOf, joined, split } from './support/edits.js'

const NAME = 's'

const headers = ['s=2~ab; s.1=~cd', 's=8~a; s.1=~b;s.1=~c;s.2=~d;s.2=~e;s.3=~;s.4=~f;s.5=~g;s.6=~h;s.7=~i', 's=3~a; s=x; s.1=~b', 's=2~; s.1=b', 's.1=~; s.9=~;s.0=~', 's=1~; s=9~; s=~;s=2', 's=2~Qd7_~a; s.1=~x; s.1=~Qd7_~b;s.1=~Qd7_~c', 's=3~AAAA~a;s=2~AAAA~b;s.2=~AAAA~; s.1=~AAAA~c']

export const seeds = [
  ...headers.map(header => joined(0, Buffer.from(header))),
  ...[0, 1, 60, 900, 2000].map(length => joined(1 + length % 254, Buffer.from('AQab;=.'.repeat(length / 7))))
]

export function fuzz (data) {
  const { choice, rest } = split(data)
  if (choice === 0) fuzzHeader(headerOf(rest))
  else fuzzValue(rest.toString('base64'), choice)
}

function fuzzHeader (header) {
  const valuesOf = numberedValues(header, NAME, decodeValue)
  const joined = joinChunks(cookieValues(header, NAME, decodeValue), valuesOf)
  assert.ok(joined.length <= MAX_CANDIDATES)
  const available = decodeValue(header).length
  for (const value of joined) assert.ok(value.length <= available + header.length)
  const later = chunksIn(header, NAME, 1, decodeValue)
  assert.ok(later.every(index => index >= 1 && index < MAX_CHUNKS && valuesOf(index).some(value => value.startsWith('~'))))
}

/** Attributes of another length each time, so that values end at another place of a chunk. */
function fuzzValue (text, choice) {
  const value = text.repeat(1 + choice % 6)
  const maxChunks = 1 + choice % MAX_CHUNKS
  const attributes = `; Path=/${'p'.repeat(choice * 12 % 3000)}`
  const lines = splitValue(value, maxChunks, (index, part) => `${chunkName(NAME, index)}=${part}${attributes}`)
  if (lines === null) return
  assert.ok(lines.length <= maxChunks && lines.every(line => line.length <= MAX_COOKIE_BYTES))
  const header = lines.map(line => line.split(';', 1)[0]).reverse().join('; ')
  assert.deepEqual(joinChunks(cookieValues(header, NAME, decodeValue), numberedValues(header, NAME, decodeValue)), [value])
}
