// A value that is too long for one cookie: split, joined again, and what is stale of it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { BYTES_PER_CHUNK, MAX_CHUNKS, chunkName, joinChunks, splitValue } from '../../src/cookies/chunks.ts'
import { chunksIn } from '../../src/cookies/read.ts'

const MAX_LINE = 4096
const asIs = (text: string): string => text

/** Writes lines as the plugin does, with as many bytes of attributes. */
function writer (attributes = '; Path=/; HttpOnly', encode = encodeURIComponent as (text: string) => string, name = 'session') {
  return (index: number, text: string): string => `${chunkName(name, index)}=${encode(text)}${attributes}`
}

/** The values of the lines, as they come back. */
function valuesIn (lines: readonly string[], decode: (text: string) => string = decodeURIComponent): string[] {
  return lines.map(line => decode(line.slice(line.indexOf('=') + 1).split(';')[0] ?? ''))
}

/** Joins values of which there is one for each name. */
function join (values: readonly string[]): readonly string[] {
  return joinChunks(values.slice(0, 1), index => values.slice(index, index + 1))
}

const hex = { encode: (text: string) => Buffer.from(text).toString('hex'), decode: (text: string) => Buffer.from(text, 'hex').toString() }
// What these make of a part of a value is not a part of what they make of the whole.
const base64 = { encode: (text: string) => Buffer.from(text).toString('base64url'), decode: (text: string) => Buffer.from(text, 'base64url').toString() }
const codings = [
  { encode: encodeURIComponent as typeof asIs, decode: decodeURIComponent as typeof asIs },
  { encode: asIs, decode: asIs },
  base64,
  hex
]

describe('a value that is split', () => {
  const token = fc.array(fc.constantFrom(...'AZaz09+/-_=;.%'), { minLength: 1, maxLength: 60 })
    .chain(seed => fc.integer({ min: 1000, max: 12_000 }).map(length => seed.join('').repeat(Math.ceil(length / seed.length)).slice(0, length)))

  it('is the same when it is joined again, and fits: any value, size, number of chunks, attributes and encoding', () => {
    let split = 0
    fc.assert(fc.property(token, fc.integer({ min: 1, max: MAX_CHUNKS }), fc.integer({ min: 0, max: 2000 }), fc.constantFrom(...codings), (value, maxChunks, attributes, { encode, decode }) => {
      const coding = encode === asIs ? value.replaceAll(';', '.') : value // which is no encoding for a semicolon
      const lines = splitValue(coding, maxChunks, writer(attributes === 0 ? '' : `;${'x'.repeat(attributes - 1)}`, encode))
      if (lines === null) return
      split++
      assert.ok(lines.length <= maxChunks)
      for (const line of lines) assert.ok(line.length <= MAX_LINE, `${line.length} bytes`)
      assert.deepEqual(join(valuesIn(lines, decode)), [coding])
    }), { numRuns: 500 })
    assert.ok(split > 20, 'too few were split')
  })

  it('has 7 KiB of names and values at most where two chunks are allowed, and can have that much', () => {
    const fixed = 'session=2~xxxx~; session.1=~xxxx~'.length
    for (const [over, fits] of [[0, true], [1, false]] as const) {
      const lines = splitValue('x'.repeat(7168 - fixed + over), 2, writer())
      assert.equal(lines !== null, fits)
    }
  })

  it(`has ${BYTES_PER_CHUNK} bytes for each chunk that is allowed, and may use fewer chunks`, () => {
    for (let maxChunks = 2; maxChunks <= MAX_CHUNKS; maxChunks++) {
      const lines = splitValue('x'.repeat(BYTES_PER_CHUNK * maxChunks - 200), maxChunks, writer())
      assert.ok(lines !== null)
      assert.equal(lines.length, Math.ceil((BYTES_PER_CHUNK * maxChunks - 200) / (MAX_LINE - 35)))
      assert.equal(splitValue('x'.repeat(BYTES_PER_CHUNK * maxChunks), maxChunks, writer()), null)
    }
  })

  it('has as many chunks as it needs, and the first says how many', () => {
    for (const [length, count] of [[5000, 2], [9000, 3], [13_000, 4], [25_000, 7]] as const) {
      const lines = splitValue('x'.repeat(length), MAX_CHUNKS, writer())
      assert.equal(lines?.length, count)
      assert.deepEqual(lines?.map(line => line.split('=')[0]), Array.from({ length: count }, (_, index) => chunkName('session', index)))
      assert.ok(lines?.[0]?.startsWith(`session=${count}~`))
    }
  })

  it('fills all chunks but the last', () => {
    for (const { encode } of codings) {
      const lines = splitValue('x+/'.repeat(2000), MAX_CHUNKS, writer('; HttpOnly', encode)) ?? []
      for (const line of lines.slice(0, -1)) assert.ok(line.length > MAX_LINE - 6, `${line.length} bytes`)
    }
  })

  it('does not fit where one chunk is allowed, or where attributes leave no room', () => {
    assert.equal(splitValue('x'.repeat(5000), 1, writer()), null)
    assert.equal(splitValue('x'.repeat(5000), MAX_CHUNKS, writer(`; Path=/${'x'.repeat(MAX_LINE)}`)), null)
  })
})

describe('values that are joined', () => {
  const parts = (...byIndex: string[][]) => (index: number): string[] => byIndex[index - 1] ?? []

  it('stay what they are where none is a first chunk, and nothing is looked for', () => {
    const values = ['', 'abc', '~', '~a', '1~a', '9~a', '0~a', '22~a', 'a2~', ' 2~a', '２~a', '2', '2-a']
    assert.equal(joinChunks(values, () => assert.fail('looked')), values)
  })

  it('are those of all chunks that the first says, and of no other', () => {
    const all = parts(['~b'], ['~c'], ['~d'])
    assert.deepEqual(joinChunks(['2~a'], all), ['ab'])
    assert.deepEqual(joinChunks(['3~a'], all), ['abc'])
    assert.deepEqual(joinChunks(['4~a'], all), ['abcd'])
  })

  it('are none where a chunk is missing, or where what has its name is no chunk', () => {
    assert.deepEqual(joinChunks(['3~a'], parts(['~b'])), [])
    assert.deepEqual(joinChunks(['3~a'], parts([], ['~c'])), [])
    assert.deepEqual(joinChunks(['2~a'], parts(['b', '2~b', ''])), [])
  })

  it('are all that the chunks can make, where one is there several times', () => {
    assert.deepEqual(joinChunks(['2~a', '2~A'], parts(['~b', 'x', '~B'])), ['ab', 'aB', 'Ab', 'AB'])
    assert.deepEqual(joinChunks(['plain', '2~a', '3~a'], parts(['~b'])), ['plain', 'ab'])
  })

  it('are four at most for each first chunk', () => {
    const five = ['~b', '~c', '~d', '~e', '~f']
    assert.deepEqual(joinChunks(['2~a'], parts(five)), ['ab', 'ac', 'ad', 'ae'])
    assert.deepEqual(joinChunks(['3~a', '2~A'], parts(['x', '~b', '~c', '~d'], five)), ['abb', 'abc', 'abd', 'abe', 'Ab', 'Ac', 'Ad'])
  })

  it('are 16 at most, and each name is looked for once, whatever a client sends', () => {
    const many = Array.from({ length: 16 }, (_, index) => index.toString(16))
    let looked = 0
    const joined = joinChunks(many.map(n => `8~${n}`), () => { looked++; return many.map(n => `~${n}`) })
    assert.equal(joined.length, 16)
    assert.equal(looked, 7)
    assert.equal(joinChunks([...many, '2~a'], () => ['~b', '~c']).length, 16)
    assert.equal(joinChunks(many.slice(0, 6).map(n => `2~${n}`), () => ['~b', '~c', '~d']).length, 16)
  })

  it('keep what is made of every other value where it is within that bound', () => {
    assert.deepEqual(joinChunks(['2~a', 'plain'], parts(['~b', '~c'])), ['plain', 'ab', 'ac'])
  })

  it('never crowd out a value that was not split', () => {
    const planted = ['2~a', '2~b', '2~c', '2~d']
    assert.ok(joinChunks([...planted, 'plain'], parts(['~1', '~2', '~3', '~4'])).includes('plain'))
  })
})

describe('the chunks in a header', () => {
  const cases: Array<[title: string, header: string | undefined, from: number, found: number[]]> = [
    ['are none where there is no header', undefined, 1, []],
    ['are none where there are other cookies', 'session=a; x=~b', 1, []],
    ['are found by name and mark', 'session=2~a; session.1=~b', 1, [1]],
    ['are found wherever they stand', 'session.2=~c; x=1; session.1=~b', 1, [1, 2]],
    ['are counted from an index on', 'session=3~a; session.1=~b; session.2=~c', 2, [2]],
    ['are found without a first one', 'session.7=~h', 1, [7]],
    ['are found once, where one is there twice', 'session.1=~b; session.1=~c', 1, [1]],
    ['are found among cookies of the same name', 'session.1=foreign; session.1=~c', 1, [1]],
    ['never include the first', 'session=~a; session.0=~b', 1, []],
    ['are none of another name', 'session.8=~a; session.10=~a; session.1x=~a; session.01=~a; xsession.1=~a; session.=~a; sessionx.1=~a', 1, []],
    ['are none without the mark', 'session.1=b; session.2=2~b; session.3=; session.4', 1, []]
  ]
  for (const [title, header, from, found] of cases) {
    it(title, () => assert.deepEqual(chunksIn(header, 'session', from, asIs), found))
  }

  it('are found in the encoding of the app', () => {
    assert.deepEqual(chunksIn(`session.1=${hex.encode('~b')}`, 'session', 1, hex.decode), [1])
    assert.deepEqual(chunksIn('session.1=~b; session.2=~c', 'session', 1, text => text === '~b' ? undefined : text), [2])
  })
})
