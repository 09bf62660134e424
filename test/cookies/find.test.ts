// Finding a session's cookie in a header.
import cookiePlugin from '@fastify/cookie'
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import { MAX_CANDIDATES } from '../../src/cookies/chunks.ts'
import { cookieValues, numberedValues } from '../../src/cookies/read.ts'
import { newApp } from '../support/app.ts'

const app = newApp({ plugin: null, before: app => app.register(cookiePlugin) })
before(async () => { await app.ready() })

const asIs = (text: string): string => text

describe('cookieValues', () => {
  const cases: Array<[title: string, header: string, values: string[]]> = [
    ['finds nothing in an empty header', '', []],
    ['finds the only cookie', 'session=a', ['a']],
    ['finds it between others', 'x=1; session=a; y=2', ['a']],
    ['finds it without white space around it', 'x=1;session=a;y=2', ['a']],
    ['finds it in spaces and tabs', 'x=1; \t session \t=\t a \t; y=2', ['a']],
    ['finds several, in their order', 'session=b; x=1; session=a', ['b', 'a']],
    ['gives the same one once', 'session=a; session=a', ['a']],
    ['finds an empty one', 'session=', ['']],
    ['leaves the value as it is', 'session="a%3B=b="', ['"a%3B=b="']],
    ['finds it behind semicolons', ';;; session=a;;', ['a']],
    ['does not take a name without a value', 'session; session2', []],
    ['does not take a value for a name', 'x=session=a', []],
    ['does not take a longer name', 'session2=a; mysession=b; session.sig=c; session[0]=d', []],
    ['does not take a name in other letters', 'Session=a; SESSION=b', []],
    ['does not take an encoded name', '%73ession=a', []],
    ['does not take a name that a comma precedes', 'x=1,session=a', []],
    ['does not take a name that is quoted', '"session"=a', []]
  ]
  for (const [title, header, values] of cases) {
    it(title, () => assert.deepEqual(cookieValues(header, 'session', asIs), values))
  }

  // Only spaces and tabs are white space in a header. A browser that does not know what else a server
  // strips would let a subdomain set such a name, in spite of its prefix.
  for (const space of ['\u00a0', '\ufeff', '\u2000', '\u2028', '\u3000', '\v', '\f', '\n']) {
    it(`does not take __Host-session with U+${hex(space)} before or after it`, () => {
      assert.deepEqual(cookieValues(`${space}__Host-session=a`, '__Host-session', asIs), [])
      assert.deepEqual(cookieValues(`x=1; ${space}__Host-session=a`, '__Host-session', asIs), [])
      assert.deepEqual(cookieValues(`__Host-session${space}=a`, '__Host-session', asIs), [])
    })
  }

  it('takes no more than a bounded number', () => {
    const header = Array.from({ length: 1000 }, (_, index) => `session=${index}`).join('; ')
    assert.deepEqual(cookieValues(header, 'session', asIs), Array.from({ length: MAX_CANDIDATES }, (_, index) => String(index)))
    assert.equal(MAX_CANDIDATES, 16)
  })

  const names = ['session', 's', '__Host-session', 'session.sig', '__proto__', 'constructor']
  const part = fc.oneof(
    fc.constantFrom(...names, '=', ';', ' ', '\t', '"', '%', '\u00a0', '\r', '\v', '\ufeff'),
    fc.string({ maxLength: 3 })
  )
  const anyHeader = fc.array(part, { maxLength: 30 }).map(parts => parts.join(''))

  it('agrees with the parser of the cookie package on whether there is a cookie, and on the first one', () => {
    fc.assert(fc.property(anyHeader, fc.constantFrom(...names), (header, name) => {
      const [first] = cookieValues(header, name, asIs)
      assert.equal(first, app.parseCookie(header.replaceAll('%', '%25'))[name]?.replaceAll('%25', '%'))
    }), { numRuns: 20_000 })
  })

  it('gives no value that cannot be decoded', () => {
    const decodeSome = (text: string): string | undefined => text === 'bad' ? undefined : text
    assert.deepEqual(cookieValues('session=bad; session=good', 'session', decodeSome), ['good'])
  })

  it('decodes no more values than that number, however long the header is', () => {
    let decoded = 0
    cookieValues('session=a; '.repeat(1000), 'session', text => { decoded++; return text })
    assert.equal(decoded, MAX_CANDIDATES)
  })

  it('decodes nothing that is too long to be opened, in whatever way it is encoded', () => {
    const long = 'a'.repeat(3 * 65536 + 1)
    assert.deepEqual(cookieValues(`session=${long}`, 'session', () => assert.fail('decoded')), [long])
  })

  it('is done in linear time with a header of spaces', () => {
    const spaces = ' '.repeat(50_000)
    assert.deepEqual(cookieValues(`session=a${spaces}b; ${spaces}session${spaces}=${spaces}c`, 'session', asIs), [`a${spaces}b`, 'c'])
  })
})

function hex (character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0')
}

describe('the values of numbered cookies', () => {
  const part = fc.constantFrom('session.1', 'session.2', 'session.9', 'session.0', 'session.', 'session', 'session.12', ' session.1', 'xsession.1', '=', '=~a', '= b', '~', ';', '; ', '\t', 'session.1session.1', '%41')

  it('are those of each name by itself, in any header', () => {
    fc.assert(fc.property(fc.array(part, { maxLength: 30 }).map(parts => parts.join('')), header => {
      const numbered = numberedValues(header, 'session', decodeURIComponent)
      for (let number = 1; number < 10; number++) assert.deepEqual(numbered(number), cookieValues(header, `session.${number}`, decodeURIComponent), header)
    }), { numRuns: 2000 })
  })

  it('are 16 at most of a number, and those that are picked, however many are before them', () => {
    const header = [...Array.from({ length: 100 }, (_, n) => `session.1=${n}`), 'session.1=picked'].join('; ')
    const numbered = numberedValues(header, 'session', text => text)
    assert.equal(numbered(1).length, 16)
    assert.deepEqual(numbered(1, text => text === 'picked').slice(15), ['15', 'picked'])
  })

  it('are none without a header', () => {
    assert.deepEqual(numberedValues(undefined, 'session', text => text)(1), [])
  })
})
