// Any text as the value of the one cookie of a request.
//
// Holds: the short cut that opens a percent-encoded token without decoding it first says just what
// decoding and opening it says, or leaves it to them.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { Codec } from './build/token/codec.js'
import { decodeValue } from './build/cookies/set-cookie.js'
import { KeySet } from './build/keys/key-set.js'
import { assertSealedOrRefused } from './support/check.js'
import { headerOf } from './support/edits.js'
import { CONTEXT, EXPIRY, KEYS, KNOWN, LAST_WRITE } from './support/sealing.js'

Date.now = () => LAST_WRITE * 1000

const codecs = [['secretbox'], ['sealed'], ['secretbox', 'sealed']].map(accept => new Codec({
  keyring: { current: KeySet.of(KEYS.map(key => Buffer.from(key))) },
  expiry: EXPIRY,
  format: accept[0],
  accept,
  context: CONTEXT
}, () => { throw new Error('nothing is sealed here') }))

export const seeds = [...KNOWN.keys()].flatMap(token => [encodeURIComponent(token), token.replace(';', '%3B'), `${encodeURIComponent(token)}%3Bx`])
  .map(text => Buffer.from(text))

export function fuzz (data) {
  const [text] = headerOf(data).split(';', 1) // a semicolon ends a cookie
  for (const codec of codecs) {
    const opened = summaryOf(codec.open(decodeValue(text)))
    const directly = codec.openEncoded(text)
    if (directly !== null) assert.deepEqual(summaryOf(directly), opened)
    assertSealedOrRefused(opened)
  }
}

function summaryOf (opened) {
  return opened.ok ? { ...opened, data: opened.record.data } : opened
}
