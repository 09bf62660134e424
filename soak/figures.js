// Turns a run into text.
import { readFileSync, writeFileSync } from 'node:fs'
import { commit, machine, today } from '../bench/environment.js'
import { UNAVAILABLE } from './judge.js'
import { SESSION } from './plan.js'

const PAGE = new URL('../docs/evidence/reliability.md', import.meta.url)
const MB = 2 ** 20

const ms = value => value.toFixed(value < 10 ? 1 : 0)
const mb = bytes => (bytes / MB).toFixed(1)
const sum = values => values.reduce((total, value) => total + value, 0)

export function table (head, rows) {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

/** A line for the terminal, for each sample. */
export function summary ({ at, rate, p50, p99, max, wrong, cores, A, B }) {
  const process = ({ rss, heapUsed, delay }) => `rss ${mb(rss)} heap ${mb(heapUsed)} delay ${ms(delay)}`
  return `${String(at.toFixed(0)).padStart(5)} s  ${rate.toFixed(0)}/s  p50 ${ms(p50)} p99 ${ms(p99)} max ${ms(max)} ms  A: ${process(A)}  B: ${process(B)}  cores ${cores.own.toFixed(1)} + ${cores.others.toFixed(1)}  wrong ${wrong}`
}

function verdict ({ ledger, incidents }) {
  const outage = sum(incidents.outages.map(({ from, to }) => to - from)) / 1000
  const found = Object.entries(ledger.findings)
  return table(['', ''], [
    ['requests', ledger.requests],
    ['sessions lost', ledger.findings['session lost'] ?? 0],
    ["wrong sessions: an older state, or another user's", ledger.findings['wrong session'] ?? 0],
    ['anything else that was wrong', sum(found.filter(([name]) => name !== 'session lost' && name !== 'wrong session').map(([, times]) => times))],
    ['answers 503 while Redis was away', ledger.outcomes[UNAVAILABLE.away] ?? 0],
    ['answers 503 at other times: Redis took longer than `storeTimeout`', ledger.outcomes[UNAVAILABLE.slow] ?? 0],
    ['rotations of the key', `${incidents.rotations.length}, of which ${incidents.halfWritten.length} reached B half written first`],
    ['outages of Redis', `${incidents.outages.length}, ${outage.toFixed(0)} s in all`],
    ...found.map(([name, times]) => [`found: ${name}`, times])
  ])
}

function traffic ({ ledger }) {
  const share = times => `${(times / ledger.requests * 100).toFixed(1)} %`
  const rows = counts => Object.entries(counts).sort(([, a], [, b]) => b - a).map(([name, times]) => [name, times, share(times)])
  return `${table(['request', 'times', 'share'], rows(ledger.kinds))}

${table(['what came of it', 'times', 'share'], rows(ledger.outcomes))}`
}

/** Of the samples, those with an outage in them and those without. */
function latency ({ plan, start, ledger, incidents }) {
  const isQuiet = ({ at }) => !incidents.isAway({ from: start + (at - plan.sampleEvery) * 1000, to: start + at * 1000 })
  const row = (name, samples) => [name, samples.length, ...['p50', 'p99', 'max'].map(key => samples.length === 0 ? '–' : ms(middle(samples.map(sample => sample[key]))))]
  const delays = name => ms(middle(ledger.samples.map(sample => sample[name].delay)))
  const cores = whose => middle(ledger.samples.map(sample => sample.cores[whose])).toFixed(1)
  const { p50, p99, max } = ledger.latency
  return `${table(['ms, medians of samples of 10 s', 'samples', 'median', '99 %', 'slowest'], [
    row('without an outage', ledger.samples.filter(isQuiet)),
    row('with one', ledger.samples.filter(sample => !isQuiet(sample)))
  ])}

Of all requests the median took ${ms(p50)} ms, 99 % at most ${ms(p99)} ms, and the slowest ${ms(max)} ms, counted from when they
were due. The run kept ${cores('own')} cores busy (median of the samples), and other programs, Redis among
them, ${cores('others')}. The event loops were late by at most ${delays('A')} ms (A) and ${delays('B')} ms (B) in 99 % of all looks
at them, with a resolution of 10 ms.`
}

function middle (values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

function memory ({ collected, ledger }) {
  const [first, last] = [collected[0], collected.at(-1)]
  const growth = name => last[name].heapUsed - first[name].heapUsed
  // Logins come at the same rate all the time.
  const begun = Math.round(ledger.kinds.login * (1 - first.at / last.at))
  const rows = collected.map(({ at, A, B }) => [(at / 60).toFixed(0), mb(A.heapUsed), mb(B.heapUsed), mb(A.rss), mb(B.rss)])
  return `${table(['minute', 'heap of A, MB', 'heap of B', 'resident A', 'resident B'], rows)}

From the first line to the last, while ${begun} sessions began, the heaps grew by ${mb(growth('A'))} MB (A) and ${mb(growth('B'))} MB (B): by
${Math.round(growth('A') / begun)} and ${Math.round(growth('B') / begun)} bytes a session.`
}

function operator ({ seen }) {
  const names = key => [...new Set(Object.values(seen).flatMap(process => Object.keys(process[key])))].sort()
  const rows = key => names(key).map(name => [name.startsWith('FST') || key === 'refusals' ? `\`${name}\`` : name, ...Object.values(seen).map(process => process[key][name] ?? 0)])
  return `${table(['line of the log', 'A', 'B'], rows('log'))}

${table(['refused, by `reason` on the channel `fastify-sealed-session:open`', 'A', 'B'], rows('refusals'))}`
}

function forgetting ({ kept, forgotten }) {
  return `After the run, Redis was killed and started once more, and a process that had not heard of them got cookies
of sessions that had been ended: with its file, ${kept.opened} of ${kept.tried} opened; without its file, ${forgotten.opened} of ${forgotten.tried}.`
}

export function soakReport (result) {
  const { plan } = result
  const { expiry, absoluteTimeout, activateAfter, keep, cacheTtl } = SESSION
  return `${today()}, ${machine()}, commit ${commit()}: ${plan.minutes} minutes, ${plan.rate} requests a second, seed ${plan.seed}.
\`expiry: ${expiry}\`, \`rolling: true\`, \`absoluteTimeout: ${absoluteTimeout}\`, \`activateAfter: ${activateAfter}\`, \`cacheTtl: ${cacheTtl}\`, and \`--keep ${keep}\` at each rotation.

${verdict(result)}

![Latency and memory over time](reliability.svg)

### Latency

${latency(result)}

### Memory

After a forced garbage collection:

${memory(result)}

### Revocations

${forgetting(result)}

### Traffic

${traffic(result)}

### What the processes said

${operator(result)}
`
}

/** @param program of npm that has made the text: docs/evidence/reliability.md has its place between two comments */
export function writeReport (text, program = 'soak') {
  const page = readFileSync(PAGE, 'utf8')
  const between = new RegExp(`(<!-- made by "npm run ${program}" -->\\n)[^]*(<!-- end of what "npm run ${program}" made -->)`)
  if (!between.test(page)) throw new Error('docs/evidence/reliability.md has no place for the figures')
  // A function, since a replacement text would have `$` mean something.
  writeFileSync(PAGE, page.replace(between, (_, start, end) => `${start}${text}${end}`))
}
