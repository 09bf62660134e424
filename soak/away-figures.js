// Turns the run whose Redis goes away into text.
import { commit, machine, today } from '../bench/environment.js'
import { table } from './figures.js'

const whole = milliseconds => String(Math.round(milliseconds))

/** The least, the median and the most of some numbers. */
function spread (values) {
  const sorted = values.toSorted((a, b) => a - b)
  return [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)].map(value => value === undefined ? '–' : whole(value))
}

function elsewhereRow ({ client, cacheTtl, result }) {
  const { times, requests, wrong } = result
  return [`\`${client}\``, cacheTtl, times.length, requests, ...spread(times), wrong.length]
}

export function elsewhereTable (runs) {
  const head = ['client', '`cacheTtl`, s', 'sessions', 'requests', 'least, ms', 'median, ms', 'worst, ms', 'wrong answers']
  return table(head, runs.map(elsewhereRow))
}

function outageRow ({ client, name, result }) {
  const { times, totals, slowest, wrong } = result
  const of = (server, kind, answer) => totals[`${server}, ${kind}: ${answer}`] ?? 0
  return [
    `Redis ${name}; \`${client}\``,
    `${of('reject', 'good', 'in')} / ${of('reject', 'good', '503')}`,
    `${of('accept', 'good', 'in')} / ${of('accept', 'good', '503')}`,
    wrong.length,
    whole(times.recovered - times.over),
    ...['reject', 'accept'].map(server => whole(slowest[server]))
  ]
}

export function outageTable (runs) {
  const head = ['outage; client', "good sessions, `'reject'`: served / 503", "`'accept'`: served / 503", 'wrong answers', 'back after, ms', "slowest answer, ms: `'reject'`", "`'accept'`"]
  return table(head, runs.map(outageRow))
}

/** Numbers of answers in each hundred milliseconds, for the terminal. */
export function spanText ({ client, name, result }) {
  const { times, spans, registry } = result
  const keys = Object.keys(result.totals).sort()
  const head = `Redis ${name}, client of ${client}: away from ${whole(times.began)} to ${whole(times.over)} ms, back in both at ${whole(times.recovered)} ms
the registry has a session afterwards: ${registry.before}; once it is sealed again: ${registry.after}`
  const rows = Array.from(spans, (counts = {}, index) => [`${index * 100} ms`, ...keys.map(key => counts[key] ?? '')])
  return `${head}\n${table(['sent from', ...keys], rows)}`
}

export function awayReport ({ elsewhere, outages }) {
  return `${today()}, ${machine()}, commit ${commit()}.

From the end of a session by its id in one process to the last request that the other one lets in, of 50 in each \`cacheTtl\`:

${elsewhereTable(elsewhere)}

Redis is away for a second, with \`cacheTtl: ${outages[0].cacheTtl}\`:

${outageTable(outages)}
`
}
