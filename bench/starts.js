// Starts of a task: each time every side gets a fresh process, and all take turns in bursts.
import { SideProcess } from './side-process.js'

/** Runs a task as often as the plan says, and sums up what each side took. */
export async function runTask (task, plan) {
  const starts = []
  for (let start = 0; start < plan.starts; start++) starts.push(await startTask(task, plan))
  return summarise(starts)
}

/** Microseconds of the fastest burst for each side, of one start. */
async function startTask ({ task, sides, node }, plan) {
  const workers = sides.map(side => new SideProcess(side, node))
  try {
    const counts = new Map()
    for (const worker of workers) {
      await worker.ready
      if (await worker.ask('has', { task })) counts.set(worker, await worker.ask('warm', { task, ms: plan.warmMs, burstMs: plan.burstMs }))
    }
    const fastest = new Map([...counts.keys()].map(({ side }) => [side, Infinity]))
    for (let round = 0; round < plan.rounds; round++) {
      for (const [worker, count] of counts) {
        const microseconds = await worker.ask('burst', { task, count })
        fastest.set(worker.side, Math.min(fastest.get(worker.side), microseconds))
      }
    }
    return fastest
  } finally {
    for (const worker of workers) worker.kill()
  }
}

/**
 * For each side the best start, the worst, and by how much the best of the odd and of the even
 * starts differ: what to expect of a second run.
 */
function summarise (starts) {
  const summary = {}
  for (const side of starts[0].keys()) {
    const times = starts.map(start => start.get(side))
    const [odd, even] = [0, 1].map(half => Math.min(...times.filter((_, index) => index % 2 === half)))
    const best = Math.min(odd, even)
    summary[side] = { best, worst: Math.max(...times), halves: Math.abs(odd - even) / best }
  }
  return summary
}
