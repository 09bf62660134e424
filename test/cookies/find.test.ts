// Finding a session's cookie in a header.
import cookiePlugin from '@fastify/cookie'
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import Fastify from 'fastify'
import { MAX_CANDIDATES, candidateValues, findPairs } from '../../src/cookies/find.ts'

const app = Fastify()
app.register(cookiePlugin)
before(async () => { await app.ready() })

describe('findPairs', () => {
  const cases: Array<[title: string, header: string, pairs: string[]]> = [
    ['finds nothing in an empty header', '', []],
    ['finds the only cookie', 'session=a', ['session=a']],
    ['finds it between others', 'x=1; session=a; y=2', ['session=a']],
    ['finds it without white space around it', 'x=1;session=a;y=2', ['session=a']],
    ['finds it in spaces and tabs', 'x=1; \t session \t=\t a \t; y=2', ['session \t=\t a']],
    ['finds several, in their order', 'session=b; x=1; session=a', ['session=b', 'session=a']],
    ['finds the same one twice', 'session=a; session=a', ['session=a', 'session=a']],
    ['finds an empty one', 'session=', ['session=']],
    ['leaves the value as it is', 'session="a%3B=b="', ['session="a%3B=b="']],
    ['finds it behind semicolons', ';;; session=a;;', ['session=a']],
    ['does not take a name without a value', 'session; session2', []],
    ['does not take a value for a name', 'x=session=a', []],
    ['does not take a longer name', 'session2=a; mysession=b; session.sig=c; session[0]=d', []],
    ['does not take a name in other letters', 'Session=a; SESSION=b', []],
    ['does not take an encoded name', '%73ession=a', []],
    ['does not take a name that a comma precedes', 'x=1,session=a', []],
    ['does not take a name that is quoted', '"session"=a', []]
  ]
  for (const [title, header, pairs] of cases) {
    it(title, () => assert.deepEqual(findPairs(header, 'session'), pairs))
  }

  // Only spaces and tabs are white space in a header. A browser that does not know what else a server
  // strips would let a subdomain set such a name, in spite of its prefix.
  for (const space of ['\u00a0', '\ufeff', '\u2000', '\u2028', '\u3000', '\v', '\f', '\n']) {
    it(`does not take __Host-session with U+${hex(space)} before or after it`, () => {
      assert.deepEqual(findPairs(`${space}__Host-session=a`, '__Host-session'), [])
      assert.deepEqual(findPairs(`x=1; ${space}__Host-session=a`, '__Host-session'), [])
      assert.deepEqual(findPairs(`__Host-session${space}=a`, '__Host-session'), [])
    })
  }

  it('takes no more than a bounded number', () => {
    const header = Array.from({ length: 1000 }, (_, index) => `session=${index}`).join('; ')
    assert.deepEqual(findPairs(header, 'session'), Array.from({ length: MAX_CANDIDATES }, (_, index) => `session=${index}`))
    assert.equal(MAX_CANDIDATES, 16)
  })

  const names = ['session', 's', '__Host-session', 'session.sig', '__proto__', 'constructor']
  const part = fc.oneof(
    fc.constantFrom(...names, '=', ';', ' ', '\t', '"', '%', '\u00a0', '\r', '\v', '\ufeff'),
    fc.string({ maxLength: 3 })
  )
  const anyHeader = fc.array(part, { maxLength: 30 }).map(parts => parts.join(''))

  it('never returns a pair of another name', () => {
    fc.assert(fc.property(anyHeader, fc.constantFrom(...names), (header, name) => {
      for (const pair of findPairs(header, name)) assert.deepEqual(Object.keys(app.parseCookie(pair)), [name])
    }), { numRuns: 20_000 })
  })

  it('agrees with the parser of the cookie package on whether there is a cookie, and on the first one', () => {
    fc.assert(fc.property(anyHeader, fc.constantFrom(...names), (header, name) => {
      const [first] = findPairs(header, name)
      assert.equal(first === undefined ? undefined : app.parseCookie(first)[name], app.parseCookie(header)[name])
    }), { numRuns: 20_000 })
  })
})

describe('candidateValues', () => {
  const read = (pair: string, name: string): string | undefined => app.parseCookie(pair)[name]

  const cases: Array<[title: string, header: string | undefined, parsed: Record<string, string | undefined> | null, values: string[]]> = [
    ['are none without a header', undefined, null, []],
    ['are none where the header has other cookies', 'x=1', null, []],
    ['are those of the header, decoded, where nothing has parsed it', 'session=a%3B; session=b', null, ['a;', 'b']],
    ['are the parsed one first, then those of the header', 'session=a; session=b; session=c', { session: 'b' }, ['b', 'a', 'c']],
    ['are what a hook has put into request.cookies, before what the header holds', 'session=a', { session: 'hook' }, ['hook', 'a']],
    ['are what a hook has put into request.cookies, without any header', undefined, { session: 'hook' }, ['hook']],
    ['are none where the app has taken the cookie out of request.cookies', 'session=a', { x: '1' }, []],
    ['are none where the app has set the cookie to undefined', 'session=a', { session: undefined }, []],
    ['are each value once', 'session=a; session=a; session=b; session=a', { session: 'a' }, ['a', 'b']]
  ]
  for (const [title, header, parsed, values] of cases) {
    it(title, () => assert.deepEqual(candidateValues('session', header, parsed, read), values))
  }

  it('are only own properties of request.cookies', () => {
    for (const name of ['constructor', 'toString', '__proto__']) assert.deepEqual(candidateValues(name, undefined, {}, read), [])
    assert.deepEqual(candidateValues('session', 'session=a', Object.create({ session: 'inherited' }) as Record<string, string>, read), [])
  })

  it('are without those that cannot be read', () => {
    const readSome = (pair: string): string | undefined => pair.endsWith('bad') ? undefined : pair.slice('session='.length)
    assert.deepEqual(candidateValues('session', 'session=bad; session=good', null, readSome), ['good'])
  })

  it('are a bounded number, the parsed one among them', () => {
    const header = Array.from({ length: 1000 }, (_, index) => `session=${index}`).join('; ')
    const values = candidateValues('session', header, { session: 'parsed' }, read)
    assert.equal(values.length, MAX_CANDIDATES)
    assert.equal(values[0], 'parsed')
  })

  it('cost no more reading than that number, however long the header is', () => {
    let reads = 0
    const counted = (pair: string, name: string): string | undefined => { reads++; return read(pair, name) }
    candidateValues('session', 'session=a; '.repeat(1000), null, counted)
    assert.ok(reads <= MAX_CANDIDATES, `${reads} pairs were read`)
  })
})

function hex (character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0')
}
