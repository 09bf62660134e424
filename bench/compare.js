// npm run bench:compare -- FOLDER [--write]: this version beside another one, the checkout in FOLDER,
// which has been built. Shows whether a change made the requests slower that do not use it.
// With --write it writes bench/COMPARE.md.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { commit, machine, today } from './environment.js'
import { runTask } from './starts.js'

const [folder] = process.argv.slice(2)
if (folder === undefined || folder.startsWith('-')) throw new Error('name the folder of the other checkout: npm run bench:compare -- ../before')
process.env.BENCH_BEFORE = folder // read by sides/before.js

const PLAN = { starts: 6, rounds: 10, burstMs: 30, warmMs: 500 }
const TASKS = [
  ...['untouched', 'read', 'write'].map(task => ({ task, sides: ['floor', 'before', 'ours'] })),
  ...['encode 170_B', 'decode 170_B'].map(task => ({ task, sides: ['before', 'ours'] }))
]

const before = execFileSync('git', ['-C', folder, 'log', '-1', '--format=%h, "%s"'], { encoding: 'utf8' }).trim()
const cell = ({ best, worst }) => `${best.toFixed(2)} (+${Math.round((worst / best - 1) * 100)} %)`

const rows = []
for (const task of TASKS) {
  const { floor, before, ours } = await runTask(task, PLAN)
  const halves = Math.max(before.halves, ours.halves)
  rows.push([task.task.replace('_', ' '), floor === undefined ? '–' : cell(floor), cell(before), cell(ours), (ours.best / before.best).toFixed(2), `${(halves * 100).toFixed(1)} %`])
  process.stderr.write(`${rows.at(-1).join('  ')}\n`)
}

const text = `# Results of \`npm run bench:compare\`

${today()}, ${machine()}. Before: commit ${before}. Now: commit ${commit()}.

Microseconds of the fastest burst of the fastest of ${PLAN.starts} starts, and by how much the slowest start was
slower. "Halves" is by how much the best of the odd and the best of the even starts differ, on the
side where that is more: a ratio that is closer to 1 says nothing.

| task | floor | before | now | now / before | halves |
| --- | --- | --- | --- | --- | --- |
${rows.map(row => `| ${row.join(' | ')} |`).join('\n')}
`
process.stdout.write(text)
if (process.argv.includes('--write')) writeFileSync(new URL('COMPARE.md', import.meta.url), text)
