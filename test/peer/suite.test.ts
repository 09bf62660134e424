// The peer's own tests, as it publishes them, against our build.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const SUMMARY = { tests: 49, pass: 49, fail: 0, cancelled: 0, skipped: 0, todo: 0 }

const peerFolder = dirname(createRequire(import.meta.url).resolve('@fastify/secure-session/package.json'))
const testFiles = readdirSync(join(peerFolder, 'test')).filter(name => name.endsWith('.test.js')).map(name => join('test', name))
const alias = fileURLToPath(new URL('alias.cjs', import.meta.url))
const build = fileURLToPath(new URL('../../dist/cjs/require.cjs', import.meta.url))

interface Run {
  output: string
  status: number | null
  /** The files that asked for the peer and got our build. */
  importers: Set<string>
}

function runPeerTests (report: string): Run {
  // With NODE_TEST_CONTEXT, the child would take itself for a part of this run and print no summary.
  const { NODE_TEST_CONTEXT, ...env } = process.env
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--require', alias, '--test', '--test-reporter=tap', ...testFiles],
    // Their own folder, as for `npm test` there; Node does not look for tests below node_modules.
    { cwd: peerFolder, env: { ...env, PEER_ALIAS_REPORT: report }, encoding: 'utf8', maxBuffer: 2 ** 26 }
  )
  const importers = existsSync(report) ? readFileSync(report, 'utf8').trim().split('\n') : []
  return { output: stdout + stderr, status, importers: new Set(importers) }
}

/** The numbers that end TAP output, such as `# pass 49`. */
function summaryOf (output: string): Record<string, number> {
  const entries = Object.keys(SUMMARY).map(name => {
    const [, count = 'NaN'] = new RegExp(`^# ${name} (\\d+)$`, 'm').exec(output) ?? []
    return [name, Number(count)] as const
  })
  return Object.fromEntries(entries)
}

describe("the peer's own tests", () => {
  const folder = mkdtempSync(join(tmpdir(), 'peer-suite-'))
  let run: Run

  before(() => {
    assert.ok(existsSync(build), 'dist is missing: npm run build')
    run = runPeerTests(join(folder, 'report'))
  })
  after(() => { rmSync(folder, { recursive: true }) })

  it('all pass against our build, unchanged, and none is skipped', () => {
    assert.deepEqual(summaryOf(run.output), SUMMARY, run.output)
    assert.equal(run.status, 0, run.output)
  })

  it('got our build in every file', () => {
    assert.deepEqual([...run.importers].sort(), testFiles.map(file => join(peerFolder, file)).sort())
  })
})
