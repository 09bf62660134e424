// Turns the figures of the load run into text.
import os from 'node:os'
import { commit, machine, today } from './environment.js'

const NAMES = {
  floor: '@fastify/cookie only',
  limit: 'the limit',
  ours: 'fastify-sealed-session',
  cache: 'fastify-sealed-session, cache: true',
  peer: '@fastify/secure-session',
  sealed: "fastify-sealed-session, format 'sealed'",
  'sealed-redis': 'the same with revocation over Redis',
  'fastify-session-redis': '@fastify/session over Redis'
}

const median = values => {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2
}
const sum = values => values.reduce((total, value) => total + value, 0)
const of = (run, key) => median(run.figures.map(figure => figure[key]))
const failed = run => sum(run.figures.map(figure => figure.failed))

function range (run, key) {
  const values = run.figures.map(figure => figure[key])
  return `${of(run, key).toFixed(1)} (${Math.min(...values).toFixed(1)}–${Math.max(...values).toFixed(1)})`
}

/** The most that a session may add to a request, as a share of what the peer adds. */
const COST_BARS = { read: 0.6, write: 0.4 }

function costText (lines) {
  const rows = lines.map(line => `| ${line.task} | ${NAMES[line.side]} | ${range(line, 'cpu')} | ${range(line, 'user')} | ${failed(line)} |`)
  const added = (task, side, key = 'cpu') => {
    const time = name => of(lines.find(line => line.task === task && line.side === name), key)
    return time(side) - time('floor')
  }
  const sentences = [...new Set(lines.map(({ task }) => task))].map(task => {
    const [ours, peer, limit] = ['ours', 'peer', 'limit'].map(side => added(task, side))
    const user = added(task, 'ours', 'user') / added(task, 'peer', 'user')
    const share = ours / peer
    const bar = COST_BARS[task]
    if (bar === undefined) return `- ${task}: added by the session ${ours.toFixed(1)} µs, by the peer ${peer.toFixed(1)} µs: ${share.toFixed(2)} of it`
    return `- ${task}: added by the session ${ours.toFixed(1)} µs, by the peer ${peer.toFixed(1)} µs: ${share.toFixed(2)} of it, in user code alone ${user.toFixed(2)}; the bar is at most ${bar}: ${share <= bar ? 'holds' : '**does not hold**'}. The limit adds ${limit.toFixed(1)} µs: ${(limit / peer).toFixed(2)}`
  })
  return `| request | server | CPU µs a request, median of the starts (range) | of that in user code | failed |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

${sentences.join('\n')}

The limit is a handler that calls libsodium, JSON and base64 on prepared buffers, and no more: no check, no key to choose, no session, and
no plugin for cookies, which the floor has.`
}

/** The most that a read of a session in the cache may add, of what the peer adds. */
const CACHE_BAR = 0.25

/** The option `cache`, and the bar for it. */
function cacheText (runs) {
  const tasks = [...new Set(runs.map(({ task }) => task))]
  const rows = tasks.flatMap(task => runs.filter(run => run.task === task).map(run => `| ${task} | ${NAMES[run.side]} | ${range(run, 'cpu')} | ${failed(run)} |`))
  const lines = tasks.map((task, index) => {
    const cpu = side => of(runs.find(run => run.task === task && run.side === side), 'cpu')
    const [cached, plain, peer] = ['cache', 'ours', 'peer'].map(side => cpu(side) - cpu('floor'))
    const bar = index > 0 ? '' : `; the bar is at most ${CACHE_BAR} of the peer: ${cached <= CACHE_BAR * peer ? 'holds' : '**does not hold**'}`
    return `- ${task}: added by the session ${cached.toFixed(1)} µs with the cache, ${plain.toFixed(1)} µs without it, ${peer.toFixed(1)} µs by the peer: ${(cached / peer).toFixed(2)} and ${(plain / peer).toFixed(2)} of the peer${bar}`
  })
  return `| sessions | server | CPU µs a request, median of the starts (range) | failed |
| --- | --- | --- | --- |
${rows.join('\n')}

${lines.join('\n')}`
}

/** Revocation over Redis, and the bars for it. */
function revocationText (runs) {
  const rows = runs.map(run => `| ${NAMES[run.side]} | ${run.asked.join(', ') || 'nothing'} | ${range(run, 'cpu')} | ${range(run, 'user')} | ${failed(run)} |`)
  const cpu = side => of(runs.find(run => run.side === side), 'cpu')
  const added = cpu('sealed-redis') - cpu('sealed')
  const share = (cpu('sealed-redis') - cpu('floor')) / (cpu('fastify-session-redis') - cpu('floor'))
  const verdict = holds => holds ? 'holds' : '**does not hold**'
  const user = side => of(runs.find(run => run.side === side), 'user')
  return `| server | asked for the first request of a session | CPU µs a request, median of the starts (range) | of that in user code | failed |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

- added by revocation, while the session is known to be good: ${added.toFixed(1)} µs; the bar is at most 4 µs: ${verdict(added <= 4)}. In user code alone: ${(user('sealed-redis') - user('sealed')).toFixed(1)} µs
- session and revocation add ${share.toFixed(2)} of what @fastify/session over Redis adds; the bar is at most 0.3: ${verdict(share <= 0.3)}`
}

/** What a second process brings, and what it could bring at most on these cores. */
function scalingSentence (one, two) {
  const cores = os.cpus().length
  const [server, client] = [of(two, 'cpu'), of(two, 'client')]
  const most = cores * 1e6 / (server + client)
  return `- ${NAMES[one.side]}: two processes answer **${(of(two, 'rate') / of(one, 'rate')).toFixed(2)} times** as many requests as one, for ${(server / of(one, 'cpu')).toFixed(2)} times
  the CPU time a request. It takes ${server.toFixed(0)} µs of the servers and ${client.toFixed(0)} µs of the client, so that ${cores} cores, with nothing
  else to do, allow ${most.toFixed(0)} requests/s: ${(most / of(one, 'rate')).toFixed(2)} times what one process did. ${othersText(two)}`
}

function othersText (run) {
  const others = of(run, 'others')
  const text = `In this run ${others.toFixed(1)} cores were busy with other things`
  return others > 0.2 ? `${text}: measured again on a quiet machine, the ratio will be another.` : `${text}.`
}

function scalingText (runs, checks) {
  const rows = runs.map(run => `| ${NAMES[run.side]} | ${run.processes} | ${Math.round(of(run, 'rate'))} | ${range(run, 'cpu')} | ${range(run, 'client')} | ${of(run, 'others').toFixed(1)} | ${failed(run)} |`)
  const sides = [...new Set(runs.map(({ side }) => side))]
  const sentences = sides.map(side => scalingSentence(...[1, 2].map(count => runs.find(run => run.side === side && run.processes === count))))
  const checked = checks.map(({ side, counts, requests }) =>
    `- ${NAMES[side]}: the processes answered ${counts.join(' and ')} of ${sum(counts)} connections, and ${requests} requests of wrk, each with the user's id`)
  return `| server | processes | requests/s | CPU µs a request: server | client | cores busy with other things | failed |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

${sentences.join('\n')}

The session is in the cookie, so the processes have nothing to share but the key. What one sealed, the
other opens:

${checked.join('\n')}`
}

export function loadReport ({ seconds, starts, rounds, isPinned }, { cost, cache, revocation, newest, newestNode, scaling, checks }) {
  return `# Results of \`npm run bench:load\`

${today()}, ${machine()}, commit ${commit()}.
The client is wrk, with 20 connections, on the same machine. Each line is the median of ${starts} starts of its server, which is warmed up
for ${seconds} s and measured for ${seconds} s, the sides taking turns.${isPinned ? ' Server and client share one core.' : ' Server and client could not be put on one core.'}

## What a session costs

One server process, a session of 170 B.

${costText(cost)}

## The option \`cache\`

One server process, sessions of 170 B that are read. A cache of the default size holds about a thousand of them: of ten thousand
that come in turn, each is decrypted, and the look-up comes on top.

${cacheText(cache)}

## Revocation over Redis

One server process, a session of 170 B that is read, the store asked again after \`cacheTtl\` (2 s). Redis runs on the same machine;
its own CPU time is not counted. Each command is a round trip.

${revocationText(revocation)}

The same on Node.js ${newestNode}. \`AsyncLocalStorage\`, by which revocation knows the request that calls it, is made of hooks before Node.js 24.

${revocationText(newest)}

## One process and two

Writing a session of 2.8 KB: opened, changed, sealed and sent again. Server and client have all cores, ${rounds} rounds of ${2 * seconds} s.

${scalingText(scaling, checks)}
`
}
