// The targets of the fuzzer, without it: the inputs that it has kept, and as many again by fast-check.
// Where it can be loaded, it also runs for some seconds. The targets load src/ as it is compiled file by file.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { codeIn, tableUnder } from '../docs/markdown.ts'
import { read } from '../docs/source.ts'
import { ROOT } from '../docs/workspace.ts'

/** What a file in fuzz/ exports. */
interface Target {
  /** Throws where what the target says does not hold. */
  fuzz: (data: Buffer) => void | Promise<void>
  seeds: readonly Buffer[]
}

interface Corpus {
  targets: () => string[]
  urlOf: (target: string) => URL
  readCorpus: (target: string) => Buffer[]
}

interface Compiler { compileFiles: (checkout: string, folder: string) => void }

const { compileFiles } = await import(new URL('../../scripts/compile.js', import.meta.url).href) as Compiler
compileFiles(ROOT, join(ROOT, 'fuzz/build'))

const { targets, urlOf, readCorpus } = await import(new URL('../../fuzz/support/corpus.js', import.meta.url).href) as Corpus

/** Inputs of each target by fast-check, besides the corpus. */
const RUNS = 1000

/** For all inputs of a target. A quadratic time would take minutes. */
const TIME_LIMIT = 30_000

/** One change of some bytes: where, how many go, and what comes. */
const edit = fc.tuple(fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 4 }))

/** Random bytes, or one of the inputs with a few changes. */
function around (inputs: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const edited = fc.tuple(fc.constantFrom(...inputs), fc.array(edit, { minLength: 1, maxLength: 4 })).map(([input, edits]) =>
    edits.reduce((bytes, [where, gone, come]) => {
      const at = where % (bytes.length + 1)
      return Buffer.concat([bytes.subarray(0, at), come, bytes.subarray(at + gone)])
    }, input))
  return fc.oneof({ weight: 1, arbitrary: fc.uint8Array({ maxLength: 200, size: 'max' }).map(bytes => Buffer.from(bytes)) }, { weight: 2, arbitrary: edited })
}

it('docs/evidence/fuzzing.md has each target and what it holds, and no other', () => {
  const documented = tableUnder(read('docs/evidence/fuzzing.md'), '## What is fuzzed, and what holds').map(([name]) => codeIn(name))
  assert.deepEqual(documented.sort(), targets())
})

for (const name of targets()) {
  describe(`fuzz/${name}.js holds`, { timeout: TIME_LIMIT }, async () => {
    const { fuzz, seeds } = await import(urlOf(name).href) as Target
    const inputs = [...seeds, ...readCorpus(name)].map(input => Buffer.from(input))

    it('for what it begins with and what the fuzzer has kept', async () => {
      for (const input of [Buffer.alloc(0), ...inputs]) await fuzz(input)
    })

    it('for the same, many times over in one input', async () => {
      for (const input of inputs.slice(0, 20)) await fuzz(Buffer.concat(Array<Buffer>(Math.ceil(65536 / (input.length + 1))).fill(input)))
    })

    it('for what fast-check makes of it', async () => {
      await fc.assert(fc.asyncProperty(around(inputs), async input => { await fuzz(input) }), { numRuns: RUNS })
    })
  })
}

/** Milliseconds; to load the fuzzer takes seconds, and more where other tests run. */
const FUZZER_LIMIT = 150_000

const script = (...args: string[]): { status: number | null, stderr: string } =>
  spawnSync(process.execPath, ['scripts/fuzz.js', ...args], { cwd: ROOT, encoding: 'utf8', timeout: FUZZER_LIMIT })

describe('npm run fuzz', () => {
  it('runs the fuzzer, or says what is missing and how to run it all the same', t => {
    const { status, stderr } = script('codec-plaintext', 'cookie-header', '--runs=3000')
    if (stderr.startsWith('The fuzzer cannot be loaded')) {
      assert.equal(status, 1)
      assert.match(stderr, /npm run test:unit fuzz[^]*FUZZ_NODE/)
      t.skip(stderr.split('\n', 1)[0])
      return
    }
    assert.equal(status, 0, stderr)
    assert.equal([...stderr.matchAll(/stat::number_of_executed_units: 3000/g)].length, 2, stderr)
  })

  it('names the targets that there are where it is given another', t => {
    const { status, stderr } = script('codec-opens')
    if (status === 1) return t.skip('the fuzzer cannot be loaded')
    assert.equal(status, 2)
    assert.match(stderr, /no target "codec-opens"[^]*codec-open, /)
  })
})
