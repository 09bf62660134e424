// Nonces come from a pool. That none is given out twice is all that the ciphers ask of it.
import assert from 'node:assert/strict'
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startupSnapshot } from 'node:v8'
import { Worker } from 'node:worker_threads'
import FakeTimers, { type Clock } from '@sinonjs/fake-timers'
import ts from 'typescript'
import { sodium } from '../../src/crypto/sodium.ts'
import { drawn } from './nonces-drawn.ts'

/** More than a block has, so that blocks are refilled on the way. */
const MANY = 2000
const CHILD = new URL('nonces-process.ts', import.meta.url)

interface Pool {
  clock: Clock
  /** How often a block was drawn. */
  draws: () => number
}

let started = Date.UTC(2030, 0, 1)

/** The pool with a stopped clock, and in place of random bytes a count, so that no four bytes are drawn twice. */
function counted (t: TestContext): Pool {
  let count = 0
  const draw = t.mock.method(sodium(), 'fillRandom', (bytes: Uint8Array) => {
    const words = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at < words.length; at += 4) words.writeUInt32BE(count++, at)
  })
  // Later than for the test before, whose block is then too old.
  const clock = FakeTimers.install({ now: started += 3_600_000, toFake: ['Date'] })
  t.after(() => clock.uninstall())
  return { clock, draws: () => draw.mock.callCount() }
}

/** The counts that nonces consist of. */
function countsIn (nonces: readonly string[]): number[] {
  return nonces.flatMap(nonce => nonce.match(/.{8}/g)!.map(word => parseInt(word, 16))) // a nonce has six
}

function assertDistinct (values: readonly unknown[]): void {
  assert.equal(new Set(values).size, values.length)
}

describe('the pool of nonces', () => {
  it('gives no byte of a block twice', t => {
    const { draws } = counted(t)
    const counts = countsIn(drawn(MANY))
    assertDistinct(counts)
    assert.equal(counts.length, MANY * 6)
    assert.ok(draws() > 1 && draws() < MANY / 100, 'a block is for many nonces')
  })

  it('throws the rest of a block away after a second', t => {
    const { clock, draws } = counted(t)
    drawn(1)
    clock.setSystemTime(started + 1000)
    drawn(1)
    assert.equal(draws(), 1)
    clock.setSystemTime(started + 1001)
    const [nonce] = drawn(1)
    assert.equal(draws(), 2)
    assert.equal(countsIn([nonce!])[0], 1024, 'the nonce is the beginning of the second block of 4096 bytes')
  })

  it('throws it away where the clock was set back, as a machine that is restored may have it', t => {
    const { clock, draws } = counted(t)
    drawn(1)
    clock.setSystemTime(started - 1001)
    drawn(1)
    assert.equal(draws(), 2)
  })

  it('keeps nothing while a startup snapshot is built', t => {
    const { draws } = counted(t)
    t.mock.method(startupSnapshot, 'isBuildingSnapshot', () => true)
    assertDistinct(countsIn(drawn(10)))
    assert.equal(draws(), 10)
  })
})

describe('nonces that are drawn at the same time', () => {
  it('by forked processes and by the one that forked them are all distinct', async () => {
    const before = drawn(10) // so that there is a block, of which a process could have a copy
    const children = Array.from({ length: 3 }, () => fork(CHILD, [String(MANY)]))
    const theirs = await Promise.all(children.map(async child => (await once(child, 'message'))[0] as string[]))
    assertDistinct([...before, ...theirs.flat(), ...drawn(MANY)])
    assert.equal(theirs.flat().length, 3 * MANY)
  })

  it('by threads and by the one that started them are all distinct', async () => {
    const before = drawn(10)
    const workers = Array.from({ length: 3 }, () => new Worker(THREAD, { eval: true, workerData: MANY }))
    const theirs = await Promise.all(workers.map(async worker => (await once(worker, 'message'))[0] as string[]))
    assertDistinct([...before, ...theirs.flat(), ...drawn(MANY)])
    assert.equal(theirs.flat().length, 3 * MANY)
  })
})

/** Node 20 starts a thread with a TypeScript file only by way of tsx's own function. */
const THREAD = `import('tsx/esm/api').then(({ tsImport }) => tsImport(${JSON.stringify(CHILD.href)}, ${JSON.stringify(import.meta.url)}))`

// On Node 20 no startup snapshot can hold the whole package. With the addon loaded, Node aborts when
// it writes the snapshot ("global handle not serialized"); for the other build it lacks WebAssembly
// while one is built. So the pool alone goes in, with the random bytes of Node.

/** What a snapshot is built from: the pool as it is compiled, and a function that runs at each start. */
const ENTRY = `
const parts = {
  'node:v8': require('node:v8'),
  '#sodium': { sodium: () => ({ fillRandom: bytes => require('node:crypto').randomFillSync(bytes) }) }
}
const pool = {}
new Function('exports', 'require', COMPILED)(pool, name => parts[name])
function draw () {
  const nonce = Buffer.alloc(24)
  pool.fillNonce(nonce)
  console.log(nonce.toString('hex'))
}
draw()
require('node:v8').startupSnapshot.setDeserializeMainFunction(draw)
`

describe('a startup snapshot', () => {
  it('repeats no nonce at the starts that are made of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'snapshot-'))
    try {
      const [entry, blob] = [join(folder, 'entry.cjs'), join(folder, 'blob')]
      writeFileSync(entry, ENTRY.replace('COMPILED', () => JSON.stringify(compiledPool())))
      const built = node('--snapshot-blob', blob, '--build-snapshot', entry)
      const starts = [1, 2, 3].map(() => node('--snapshot-blob', blob))
      for (const nonce of [built, ...starts]) assert.match(nonce, /^[0-9a-f]{48}$/)
      assertDistinct([built, ...starts])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

function compiledPool (): string {
  const source = readFileSync(fileURLToPath(new URL('../../src/crypto/nonces.ts', import.meta.url)), 'utf8')
  return ts.transpile(source, { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 })
}

/** What a program prints. */
function node (...words: string[]): string {
  const { NODE_OPTIONS, ...env } = process.env
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { env, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout.trim()
}
