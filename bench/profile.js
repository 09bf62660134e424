// npm run bench:profile [-- --quick]: where a request that reads its session, and one that writes it,
// spend their time. Writes bench/PROFILE.md (not with --quick).
//
// The profile gives shares, and slows down what it looks at. So they are shares of a time that is
// measured without it, as `npm run bench` does: in fresh processes, beside the floor and the peer.
import { writeFileSync } from 'node:fs'
import { profileReport } from './profile-report.js'
import { askAll } from './side-process.js'
import { runTask } from './starts.js'

const quick = process.argv.includes('--quick')
const PLAN = quick ? { starts: 2, rounds: 4, burstMs: 20, warmMs: 150 } : { starts: 4, rounds: 10, burstMs: 30, warmMs: 500 }
const PROFILE_MS = quick ? 1000 : 8000
const WARM_MS = 2000

async function profileOf (task) {
  const { ours } = await askAll(['ours'], 'profile', async worker => {
    await worker.ask('has', { task })
    await worker.ask('warm', { task, ms: WARM_MS, burstMs: 1 })
    return { task, ms: PROFILE_MS }
  })
  return ours
}

const tasks = []
for (const task of ['read', 'write']) {
  const times = await runTask({ task, sides: ['floor', 'ours', 'peer'] }, PLAN)
  tasks.push({ task, floor: times.floor.best, ours: times.ours.best, peer: times.peer.best, places: await profileOf(task) })
}

const text = profileReport(tasks, { ...PLAN, profileMs: PROFILE_MS })
process.stdout.write(text)
if (!quick) writeFileSync(new URL('PROFILE.md', import.meta.url), text)
