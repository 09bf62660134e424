// The check of the spelling against what it stands for: to encode the decoded bytes again, and compare.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isCanonical, isStandardAlphabet } from '../../src/token/base64.ts'
import { isCanonicalUrl } from '../../src/token/sealed.ts'

/** Base64 of any bytes with a few characters changed, put in or taken out: near misses of every kind. */
function anyText (encoding: 'base64' | 'base64url'): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat(20),
    take: fc.nat(2),
    put: fc.constantFrom('', 'A', 'B', 'Q', 'w', '=', '==', '+', '/', '-', '_', ' ', '\n', '.', '\u00c1', '\u0141', '\u{1f600}')
  })
  return fc.tuple(fc.uint8Array({ maxLength: 12 }), fc.array(change, { maxLength: 2 })).map(([bytes, changes]) =>
    changes.reduce((text, { at, take, put }) => text.slice(0, at) + put + text.slice(at + take), Buffer.from(bytes).toString(encoding)))
}

const RUNS = { numRuns: 20_000 }

describe('the canonical spelling of a part of a token', () => {
  it('is, in base64, what encoding its bytes again gives', () => {
    let canonical = 0
    fc.assert(fc.property(anyText('base64'), text => {
      const bytes = Buffer.from(text, 'base64')
      const body = text.replace(/=+$/, '')
      const expected = bytes.toString('base64') === text
      if (expected) canonical++
      assert.equal(isCanonical(body, text.length - body.length, bytes.length) && isStandardAlphabet(text), expected, JSON.stringify(text))
    }), RUNS)
    assert.ok(canonical > 1000 && canonical < 19_000, `${canonical} were canonical`)
  })

  it('is, in base64url, what encoding its bytes again gives', () => {
    let canonical = 0
    fc.assert(fc.property(anyText('base64url'), text => {
      const bytes = Buffer.from(text, 'base64url')
      const expected = bytes.toString('base64url') === text
      if (expected) canonical++
      assert.equal(isCanonicalUrl(text, bytes.length), expected, JSON.stringify(text))
    }), RUNS)
    assert.ok(canonical > 1000 && canonical < 19_000, `${canonical} were canonical`)
  })
})
