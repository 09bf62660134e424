// npm run test:matrix [-- [--quick] TARGET…]
//
// Runs the tests on every runtime, or on the targets named, and ends with a table.
// With --quick only the packed package makes a round trip (test/package/runtime.test.ts), on all at a time.
// Fastify 6 is not out yet: what fails on it is shown, and fails nothing.
//
// The runtimes come from npm and stay in node_modules/.cache/runtimes: see matrix/runtimes.js.
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { runtime } from './matrix/runtimes.js'
import { TARGETS } from './matrix/targets.js'

const { values: { quick }, positionals } = parseArgs({ options: { quick: { type: 'boolean', default: false } }, allowPositionals: true })
const unknown = positionals.filter(name => !Object.hasOwn(TARGETS, name))
if (unknown.length > 0) throw new Error(`no such target: ${unknown.join(', ')}. There are ${Object.keys(TARGETS).join(', ')}`)

/** @param {string} name of a target */
async function resultOf (name) {
  const { runtime: [kind, major], run, mayFail = false } = TARGETS[name]
  const program = await runtime(kind, major)
  if (program === null) return { target: name, result: 'not on this platform' }
  const version = `${kind} ${/\d[\w.-]+/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))}`
  const { status, ...counts } = await run(program, quick)
  return { target: name, version, ...counts, result: status === 0 ? 'ok' : mayFail ? 'failed, as it may' : 'FAILED' }
}

const chosen = positionals.length > 0 ? positionals : Object.keys(TARGETS).filter(name => !quick || name !== 'fastify6')
const results = []
if (quick) results.push(...await Promise.all(chosen.map(resultOf)))
else for (const name of chosen) results.push(await resultOf(name))

console.table(results)
if (results.some(({ result }) => result === 'FAILED')) process.exitCode = 1
