// npm run test:matrix [-- [--quick] TARGET…]
//
// Runs the tests on everything that the package is for, or on the targets named, and ends with a table.
// With --quick only the packed package makes a round trip on each runtime: see test/package/runtime.test.ts.
// Fastify 6 is not out yet: what fails on it fails nothing here.
//
// The runtimes come from npm and stay in node_modules/.cache/runtimes: see matrix/runtimes.js.
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { FASTIFY_6, copyWithFastify6 } from './matrix/fastify6.js'
import { runtime } from './matrix/runtimes.js'
import { runTests } from './matrix/tests.js'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const ROUND_TRIP = 'package/runtime'
const HERE = process.execPath

/** The tests in which Fastify counts, but for those of package/: they install the Fastify that package.json names. */
const WITH_FASTIFY = ['plugin/', 'edges/', 'revocation/', 'security/', 'peer/', 'examples/', 'docs/', 'readme', 'diagnostics', 'session-info']

/** @typedef {{ version: string, outcome: import('./matrix/tests.js').Outcome }} Result */

/** @type {Record<string, { run: (isQuick: boolean) => Promise<Result>, mayFail?: true }>} */
const TARGETS = {
  node20: { run: isQuick => onNode(20, isQuick) },
  node22: { run: isQuick => onNode(22, isQuick) },
  node24: { run: isQuick => onNode(24, isQuick) },
  node26: { run: isQuick => onNode(26, isQuick) },
  bun: { run: () => onOther('bun', 1) },
  deno: { run: () => onOther('deno', 2) },
  fastify6: { run: onFastify6, mayFail: true }
}

async function onNode (major, isQuick) {
  const node = runtime('node', major)
  return { version: versionOf(node), outcome: await runTests({ node, cwd: ROOT, words: isQuick ? [ROUND_TRIP] : [] }) }
}

/** The tests themselves need Node; what they start runs on the other runtime. */
async function onOther (kind, major) {
  const program = runtime(kind, major)
  return { version: versionOf(program), outcome: await runTests({ node: HERE, cwd: ROOT, words: [ROUND_TRIP], env: { TEST_RUNTIME: program } }) }
}

/** It does not start on Node 20, which has no Promise.withResolvers. */
async function onFastify6 () {
  const copy = copyWithFastify6(ROOT)
  try {
    return { version: FASTIFY_6, outcome: await runTests({ node: runtime('node', 24), cwd: copy, words: WITH_FASTIFY }) }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function versionOf (program) {
  return /\d[\w.-]+/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[0] ?? 'unknown'
}

const { values: { quick }, positionals } = parseArgs({ options: { quick: { type: 'boolean', default: false } }, allowPositionals: true })
const unknown = positionals.filter(name => !Object.hasOwn(TARGETS, name))
if (unknown.length > 0) throw new Error(`no such target: ${unknown.join(', ')}. There are ${Object.keys(TARGETS).join(', ')}`)

const chosen = positionals.length > 0 ? positionals : Object.keys(TARGETS).filter(name => !quick || name !== 'fastify6')
const rows = []
for (const name of chosen) {
  const { run, mayFail } = TARGETS[name]
  console.log(`\n${name}`)
  const { version, outcome } = await run(quick)
  const { tests, pass, fail, cancelled, skipped, seconds, status } = outcome
  rows.push({ runtime: name, version, tests, passed: pass, failed: fail + cancelled, skipped, seconds, result: status === 0 ? 'ok' : mayFail ? 'may fail' : 'FAILED' })
}
console.table(rows)
if (rows.some(({ result }) => result === 'FAILED')) process.exitCode = 1
