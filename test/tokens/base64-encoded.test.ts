// Base64 as it stands in a cookie: held against Node's, which decodes what is decoded first.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { escapeBase64 } from '../../src/token/base64.ts'
import { decodeBase64, lineFor } from '../../src/token/encoded-base64.ts'

/** Decodes text whose padding was taken off, in place as the secretbox format does; null where it is refused. */
function decode (text: string, padding: number): Buffer | null {
  const bytes = Buffer.alloc(text.length + 8)
  bytes.write(text, 4, 'latin1')
  const length = decodeBase64(bytes, 4, 4 + text.length, padding, bytes, 4)
  return length === -1 ? null : bytes.subarray(4, 4 + length)
}

const anyBytes = fc.uint8Array({ maxLength: 300, size: 'max' }).map(bytes => Buffer.from(bytes))

describe('escapeBase64', () => {
  it('percent-encodes each / and = of what Node writes, of bytes of any number', () => {
    fc.assert(fc.property(anyBytes, bytes => {
      const base64 = bytes.toString('base64')
      assert.equal(escapeBase64(base64), base64.replaceAll('/', '%2F').replaceAll('=', '%3D'))
    }), { numRuns: 1000 })
  })
})

describe('a line of a cookie', () => {
  const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const anyText = fc.stringMatching(/^[ -~]{0,40}$/)

  it('has between its texts what Node writes of bytes of any number, each / and = percent-encoded', () => {
    fc.assert(fc.property(anyBytes, anyText, anyText, (bytes, before, after) => {
      const line = lineFor(bytes.length, before, after)!
      line.begin(before)
      line.base64(viewOf(bytes), 0, bytes.length)
      assert.equal(line.end(after), `${before}${escapeBase64(bytes.toString('base64'))}${after}`)
    }), { numRuns: 2000 })
  })

  it('has a part of the bytes, and a semicolon between two of them', () => {
    fc.assert(fc.property(anyBytes, fc.nat(20), (bytes, start) => {
      const from = Math.min(start, bytes.length)
      const line = lineFor(bytes.length, '', '')!
      line.begin('')
      line.base64(viewOf(bytes), 0, from)
      line.semicolon()
      line.base64(viewOf(bytes), from, bytes.length)
      assert.equal(line.end(''), `${escapeBase64(bytes.toString('base64', 0, from))}%3B${escapeBase64(bytes.toString('base64', from))}`)
    }), { numRuns: 2000 })
  })

  it('has room for bytes whose every character is percent-encoded, and is refused for more than a cookie holds', () => {
    const bytes = Buffer.alloc(3072, 0xff)
    const text = 'x'.repeat(1984)
    const line = lineFor(bytes.length, text, text)!
    line.begin(text)
    line.base64(viewOf(bytes), 0, bytes.length)
    assert.equal(line.end(text), `${text}${'%2F'.repeat(4096)}${text}`)
    assert.equal(lineFor(3073, '', ''), null)
    assert.equal(lineFor(1, 'x'.repeat(4096), ''), null)
  })
})

describe('decodeBase64', () => {
  it('reads any bytes, whichever of / and + are escaped', () => {
    fc.assert(fc.property(anyBytes, fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }), (bytes, escaped) => {
      let seen = 0
      const base64 = bytes.toString('base64')
      const text = base64.replaceAll('=', '').replace(/[+/]/g, character => escaped[seen++ % escaped.length] ? encodeURIComponent(character) : character)
      assert.deepEqual(decode(text, base64.split('=').length - 1), bytes)
    }), { numRuns: 1000 })
  })

  it('refuses any other spelling than the one of Node, but for its escapes', () => {
    const piece = fc.constantFrom('A', 'Q', 'g', 'w', '/', '+', '%2F', '%2B', '%2f', '%', '%2', '%3D', '=', '-', '_', ' ', '\n', '\u00e9', '\u0000', 'QUJD')
    fc.assert(fc.property(fc.array(piece, { maxLength: 12 }).map(pieces => pieces.join('')), fc.nat(3), (text, padding) => {
      const plain = text.replaceAll('%2F', '/').replaceAll('%2B', '+') + '='.repeat(padding)
      const bytes = Buffer.from(plain, 'base64')
      const isOne = bytes.toString('base64') === plain && !text.includes('=') // which the padding stands for
      assert.deepEqual(decode(text, padding), isOne ? bytes : null, `${text} with ${padding}`)
    }), { numRuns: 20_000 })
  })
})
