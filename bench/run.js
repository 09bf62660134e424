// npm run bench [-- --quick] [-- --only WORD]: this package beside its peers and beside the limit, on the same data,
// in one run. Writes bench/RESULTS.md and bench/chart.svg (not with --quick).
//
// Machines are noisy, and a process can be slow for its whole life. So each side has a process of
// its own, all sides take turns in bursts, and everything is started afresh several times. A burst
// is long enough to hold several garbage collections: what a side leaves behind is part of its cost. Of each start the fastest burst counts, of all starts the fastest start: noise only
// ever adds. How far the starts are apart is printed as the spread.
import { fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chart } from './chart.js'
import { report } from './report.js'

const quick = process.argv.includes('--quick')
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : ''
const PLAN = quick ? { starts: 2, rounds: 4, burstMs: 20, warmMs: 150 } : { starts: 5, rounds: 10, burstMs: 30, warmMs: 500 }

const TOKEN_SIDES = ['limit', 'ours', 'peer', 'iron-session', 'jose']
const APP_SIDES = ['floor', 'ours', 'peer', 'fastify-session', 'mgcrea']
const SIZES = ['170_B', '1_KB', '2.8_KB']

const TASKS = [
  ...['untouched', 'read', 'write'].map(task => ({ task, sides: APP_SIDES })),
  ...SIZES.flatMap(size => ['encode', 'decode'].map(kind => ({ task: `${kind} ${size}`, sides: TOKEN_SIDES }))),
  { task: 'reject 170_B', sides: ['ours', 'peer', 'iron-session', 'jose'] }
]

class Worker {
  constructor (side, execArgv = []) {
    this.side = side
    this.process = fork(fileURLToPath(new URL('worker.js', import.meta.url)), [side], {
      execArgv,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc']
    })
    this.ready = this.#answer()
  }

  #answer () {
    return new Promise((resolve, reject) => {
      const failed = code => reject(new Error(`the process of ${this.side} ended with ${code}`))
      this.process.once('exit', failed)
      this.process.once('message', ({ result }) => { this.process.off('exit', failed); resolve(result) })
    })
  }

  ask (command, parameters = {}) {
    const answer = this.#answer()
    this.process.send({ command, ...parameters })
    return answer
  }
}

/** Microseconds of the fastest burst for each side, of one start. */
async function startTask ({ task, sides }) {
  const workers = sides.map(side => new Worker(side))
  try {
    const counts = new Map()
    for (const worker of workers) {
      await worker.ready
      if (await worker.ask('has', { task })) counts.set(worker, await worker.ask('warm', { task, ms: PLAN.warmMs, burstMs: PLAN.burstMs }))
    }
    const fastest = new Map([...counts.keys()].map(({ side }) => [side, Infinity]))
    for (let round = 0; round < PLAN.rounds; round++) {
      for (const [worker, count] of counts) {
        const microseconds = await worker.ask('burst', { task, count })
        fastest.set(worker.side, Math.min(fastest.get(worker.side), microseconds))
      }
    }
    return fastest
  } finally {
    for (const worker of workers) worker.process.kill()
  }
}

/** For each side the best start, and by how much the others were slower. */
function summarise (starts) {
  const summary = {}
  for (const side of starts[0].keys()) {
    const times = starts.map(start => start.get(side)).sort((a, b) => a - b)
    summary[side] = { best: times[0], median: times[Math.floor(times.length / 2)], worst: times.at(-1) }
  }
  return summary
}

/** Asks each side once, in a fresh process. */
async function askAll (sides, command, prepare = async () => ({}), execArgv = []) {
  const answers = {}
  for (const side of sides) {
    const worker = new Worker(side, execArgv)
    await worker.ready
    answers[side] = await worker.ask(command, await prepare(worker))
    worker.process.kill()
  }
  return answers
}

async function allocation (task) {
  return await askAll(['floor', 'ours', 'peer'], 'allocation', async worker => {
    await worker.ask('has', { task })
    await worker.ask('warm', { task, ms: PLAN.warmMs, burstMs: 1 })
    return { task, count: 2000 }
  }, ['--expose-gc', '--max-semi-space-size=64', '--min-semi-space-size=64'])
}

const results = { plan: PLAN, tasks: {}, allocation: {} }
for (const task of TASKS.filter(({ task }) => task.includes(only))) {
  const starts = []
  for (let start = 0; start < PLAN.starts; start++) starts.push(await startTask(task))
  results.tasks[task.task] = summarise(starts)
  process.stderr.write(`${task.task} ${JSON.stringify(results.tasks[task.task], (_, value) => typeof value === 'number' ? Math.round(value * 100) / 100 : value)}\n`)
}
if (only !== '') process.exit()
for (const task of ['read', 'write']) results.allocation[task] = await allocation(task)
results.wire = await askAll(['ours', 'peer', 'iron-session', 'jose'], 'wire')
results.register = await askAll(['ours', 'peer'], 'register')

const text = report(results)
process.stdout.write(text)
if (!quick) {
  writeFileSync(new URL('RESULTS.md', import.meta.url), text)
  writeFileSync(new URL('chart.svg', import.meta.url), chart(results))
}
