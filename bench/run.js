// npm run bench [-- --quick] [-- --only WORD]: this package beside its peers and beside the limit,
// on the same data, in one run. Writes bench/RESULTS.md, bench/chart.svg and the table of the README
// (not with --quick or --only).
//
// Machines are noisy, and a process can be slow for its whole life. So each side has a process of
// its own, all sides take turns in bursts, and everything is started afresh several times. A burst
// is long enough to hold several garbage collections: what a side leaves behind is part of its cost.
// Of each start the fastest burst counts, of all starts the fastest start: noise only ever adds.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { nodeFor } from '../scripts/matrix/runtimes.js'
import { chart } from './chart.js'
import { intoReadme } from './readme-table.js'
import { report } from './report.js'
import { askAll } from './side-process.js'
import { runTask } from './starts.js'

const quick = process.argv.includes('--quick')
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : ''
const writes = !quick && only === ''

// An even number of starts: their halves are compared.
const PLAN = quick ? { starts: 2, rounds: 3, burstMs: 20, warmMs: 100 } : { starts: 6, rounds: 10, burstMs: 30, warmMs: 500 }

const TOKEN_SIDES = ['limit', 'ours', 'sealed', 'wasm', 'peer', 'jose']
const APP_SIDES = ['floor', 'ours', 'sealed', 'wasm', 'peer', 'fastify-session', 'mgcrea']
const CACHE_SIDES = ['floor', 'ours', 'cache', 'sealed', 'sealed-cache', 'peer']
const SIZES = ['170_B', '1_KB', '2.8_KB']

// `task` is what worker.js knows, its kind first; `table` is the table of the report it goes into.
const TASKS = [
  ...['untouched', 'read', 'write'].map(task => ({ task, sides: APP_SIDES, table: 'A request, from routing to the end of the response' })),
  { task: 'read one_session', sides: CACHE_SIDES, table: 'A request that reads, with the option cache: one session again and again, and 10,000 in turn' },
  { task: 'read-many 10,000_sessions', sides: CACHE_SIDES, table: 'A request that reads, with the option cache: one session again and again, and 10,000 in turn' },
  ...SIZES.flatMap(size => ['encode', 'decode'].map(kind => ({ task: `${kind} ${size}`, sides: TOKEN_SIDES, table: 'A token' }))),
  { task: 'reject 170_B', sides: ['ours', 'sealed', 'wasm', 'peer', 'jose'], table: 'A token with one character changed' },
  ...['untouched', 'read', 'write'].map(kind => ({ task: `${kind} device`, sides: ['floor', 'sealed', 'device-unbound', 'device'], table: 'A request, with device binding' })),
  ...['registration', 'refresh'].map(kind => ({ task: `${kind} device`, sides: ['device', 'device-rs256'], table: 'A request of the browser to the endpoint of device binding' })),
  { task: 'decode 170_B keys', sides: ['one-key', 'hundred-keys'], table: 'A token, opened with one key and with a hundred' }
]

// iron-session needs a newer Node than this package does. The sides that it is compared with run on that one, too.
const WEB_KINDS = SIZES.flatMap(size => [`encode ${size}`, `decode ${size}`])
const IRON_KINDS = [...WEB_KINDS, 'reject 170_B']
const ironNode = await findIronNode()
if (ironNode !== null) {
  const table = `A token, beside iron-session, all on Node.js ${ironNode.version}`
  TASKS.push(...IRON_KINDS.map(kind => ({ task: `${kind} iron`, sides: ['sealed', 'peer', 'iron-session'], node: ironNode, table })))
  const webTable = `A session on web-standard headers, beside what seals and opens in iron-session and h3, all on Node.js ${ironNode.version}`
  TASKS.push(...WEB_KINDS.map(kind => ({ task: `${kind} web`, sides: ['web', 'iron-session', 'h3'], node: ironNode, table: webTable })))
}

/** The Node of iron-session. null: a run that writes nothing goes on without iron-session where there is none. */
async function findIronNode () {
  try {
    const execPath = await nodeFor('iron-session')
    return { execPath, version: execFileSync(execPath, ['--version'], { encoding: 'utf8' }).trim() }
  } catch (error) {
    if (writes) throw error
    process.stderr.write(`iron-session is left out: ${error.message}\n`)
    return null
  }
}

/** Bytes that a request allocates: the median of several starts, since each start's optimised code leaves out other objects. */
async function allocation (task) {
  const starts = []
  for (let start = 0; start < 5; start++) starts.push(await allocationOnce(task))
  return Object.fromEntries(Object.keys(starts[0]).map(side => [side, starts.map(start => start[side]).sort((a, b) => a - b)[starts.length >> 1]]))
}

/** The same of one start, with a young generation large enough that nothing is collected. */
async function allocationOnce (task) {
  return await askAll(['floor', 'ours', 'sealed', 'peer'], 'allocation', {
    async prepare (worker) {
      await worker.ask('has', { task })
      await worker.ask('warm', { task, ms: 4 * PLAN.warmMs, burstMs: 1 })
      return { task, count: 2000 }
    },
    node: { execArgv: ['--expose-gc', '--max-semi-space-size=64', '--min-semi-space-size=64'] }
  })
}

/** Milliseconds for which registration blocks the event loop, of the worst start: the bar says "never". */
async function registration () {
  const starts = []
  for (let start = 0; start < PLAN.starts; start++) starts.push(await askAll(['ours', 'peer'], 'register'))
  const worst = side => Math.max(...starts.map(start => start[side]))
  return { ours: worst('ours'), peer: worst('peer') }
}

const chosen = TASKS.filter(({ task }) => task.includes(only))
const results = { plan: PLAN, ironNode, tables: {}, tasks: {}, allocation: {} }
for (const task of chosen) {
  results.tasks[task.task] = await runTask(task, PLAN)
  ;(results.tables[task.table] ??= []).push(task.task)
  for (const [side, { best, halves }] of Object.entries(results.tasks[task.task])) {
    process.stderr.write(`${task.task}  ${side}  ${best.toFixed(2)} µs, halves differ by ${(halves * 100).toFixed(1)} %\n`)
  }
}
if (only !== '') process.exit()
for (const task of ['read', 'write']) results.allocation[task] = await allocation(task)
results.wire = await askAll(['ours', 'sealed', 'peer', 'jose'], 'wire')
if (ironNode !== null) Object.assign(results.wire, await askAll(['iron-session'], 'wire', { node: ironNode }))
results.register = await registration()

const text = report(results)
process.stdout.write(text)
if (writes) {
  writeFileSync(new URL('RESULTS.md', import.meta.url), text)
  writeFileSync(new URL('chart.svg', import.meta.url), chart(results))
  intoReadme(results)
}
