// Any text as a token, in both formats, with one key and with several, for two contexts.
//
// Holds: open() throws nothing; it gives one of the reasons, or a session that was sealed, and then the
// text is its token, character by character (a secretbox token ends at its second `;`). A token that is
// bound to one context opens in no other.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createSessionCodec } from './build/index.js'
import { EXPIRY, KEYS, KNOWN } from './support/sealing.js'
import { assertSealedOrRefused } from './support/check.js'

const [first, second, third] = KEYS

const codecs = await Promise.all([
  { key: first, accept: ['secretbox'] },
  { key: first, format: 'sealed' },
  { key: [third, second, first], format: 'sealed', accept: ['sealed', 'secretbox'] }
].map(options => createSessionCodec({ expiry: EXPIRY, ...options })))

const elsewhere = await createSessionCodec({ key: [first, second], format: 'sealed', context: 'elsewhere', expiry: EXPIRY })

/** Other spellings of a token that a lenient decoder takes for the same bytes. */
function spellingsOf (token) {
  const last = token.split(';', 1)[0].replace(/=*$/, '').length - 1
  const flipped = String.fromCharCode(token.charCodeAt(last) + 1)
  return [`${token};x`, `${token}=`, token.replace(/=+/, ''), ` ${token}`, `${token}\n`, token.replaceAll('+', '-').replaceAll('/', '_'), token.slice(0, last) + flipped + token.slice(last + 1)]
}

export const seeds = [...KNOWN.keys()].flatMap(token => [token, ...spellingsOf(token)]).map(text => Buffer.from(text))

export function fuzz (data) {
  const text = data.toString()
  const token = text.split(';', 2).join(';')
  for (const codec of codecs) {
    const opened = codec.open(text)
    assertSealedOrRefused(opened)
    if (opened.ok) assert.deepEqual(opened.data, KNOWN.get(token), 'it is no token of that session')
  }
  assert.equal(elsewhere.open(text).ok, false, 'it opens in another context')
}
