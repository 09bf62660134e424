// npm run bench:profile [-- --quick]: where a request that reads its session, and one that writes it,
// spend their time, and so do the tokens whose bars do not hold. Writes bench/PROFILE.md (not with --quick).
//
// Both in process, and over real HTTP, for which it needs wrk. The profile gives shares, and slows down what it looks at. So they are shares of a time that is
// measured without it, as `npm run bench` does: in fresh processes, beside the floor, the peer and the limit.
import { writeFileSync } from 'node:fs'
import { REJECT_BARS, TOKEN_BARS } from './bars.js'
import { loadProfileReport } from './profile-load.js'
import { profileReport } from './profile-report.js'
import { askAll } from './side-process.js'
import { runTask } from './starts.js'

const quick = process.argv.includes('--quick')
const PLAN = quick ? { starts: 2, rounds: 4, burstMs: 20, warmMs: 150 } : { starts: 4, rounds: 10, burstMs: 30, warmMs: 500 }
const PROFILE_MS = quick ? 1000 : 8000
const WARM_MS = 2000

async function profileOf (task, side = 'ours') {
  const profiles = await askAll([side], 'profile', {
    async prepare (worker) {
      await worker.ask('has', { task })
      await worker.ask('warm', { task, ms: WARM_MS, burstMs: 1 })
      return { task, ms: PROFILE_MS }
    }
  })
  return profiles[side]
}

const results = { tasks: {} }
for (const [task, sides] of [
  ['untouched', ['ours']], ['decode 170_B', ['limit', 'ours', 'sealed']], ['encode 170_B', ['limit']], ['reject 170_B', ['sealed']],
  ['read', ['floor', 'ours', 'peer']], ['write', ['floor', 'ours', 'peer']]
]) results.tasks[task] = await runTask({ task, sides }, PLAN)

const profiles = { read: await profileOf('read'), write: await profileOf('write') }
const { limit, sealed } = results.tasks['decode 170_B']
const tokens = [
  { what: 'Decoding 170 B', time: results.tasks['decode 170_B'].ours.best, bar: TOKEN_BARS.decode, of: 'the limit', base: limit.best, profile: await profileOf('decode 170_B') },
  { what: "Refusing a changed token, format 'sealed'", time: results.tasks['reject 170_B'].sealed.best, bar: REJECT_BARS.sealed, of: 'opening a valid one', base: sealed.best, profile: await profileOf('reject 170_B', 'sealed') }
]
const load = await loadProfileReport(quick ? { seconds: 1, profileMs: 1000 } : { seconds: 4, profileMs: 8000 })
const text = `${profileReport(results, profiles, tokens, { ...PLAN, profileMs: PROFILE_MS })}
${load}`
process.stdout.write(text)
if (!quick) writeFileSync(new URL('PROFILE.md', import.meta.url), text)
process.exit()
