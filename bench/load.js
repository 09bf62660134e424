// npm run bench:load [-- --seconds N]: the same three requests over real HTTP, from a second process
// (autocannon), with one server process and with two that share a key. What counts is the CPU time
// that the server spends on a request: how many requests a second come through says as much about
// the client, which needs the same cores.
import autocannon from 'autocannon'
import { fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { SESSIONS } from './data.js'

const option = (name, fallback) => process.argv.includes(name) ? Number(process.argv[process.argv.indexOf(name) + 1]) : fallback
const SECONDS = option('--seconds', 2)
const ROUNDS = option('--rounds', 4)
const SIDES = { floor: '@fastify/cookie only', ours: 'fastify-sealed-session', peer: '@fastify/secure-session' }
const TASKS = ['untouched', 'read', 'write']

function answer (server) {
  return new Promise(resolve => server.once('message', resolve))
}

async function cpu (server) {
  const reply = answer(server)
  server.send('cpu')
  const { user, system } = await reply
  return user + system
}

async function cookieFrom (base) {
  const response = await fetch(`${base}/login?data=${encodeURIComponent(JSON.stringify(SESSIONS['170 B']))}`)
  return response.headers.getSetCookie().map(line => line.split(';')[0]).join('; ') || `session=${'Ab1%2F'.repeat(56)}`
}

/** Microseconds of CPU time a request, requests a second, and how many were not answered with 200. */
async function measure (server, base, task, cookie) {
  const before = await cpu(server)
  const result = await autocannon({ url: `${base}/${task}`, connections: 20, duration: SECONDS, headers: { cookie } })
  const requests = result['2xx'] + result.non2xx
  return { cpu: (await cpu(server) - before) / requests, rate: requests / result.duration, failed: result.non2xx + result.errors }
}

async function runProcesses (processes) {
  const servers = {}
  for (const side of Object.keys(SIDES)) {
    const server = fork(fileURLToPath(new URL('server.js', import.meta.url)), [side, String(processes)])
    const { port } = await answer(server)
    const base = `http://127.0.0.1:${port}`
    servers[side] = { server, base, cookie: await cookieFrom(base) }
  }
  const figures = {}
  // The first round warms up and does not count; the sides take turns.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const task of TASKS) {
      for (const [side, { server, base, cookie }] of Object.entries(servers)) {
        const figure = await measure(server, base, task, cookie)
        if (round > 0) (figures[`${task} ${side}`] ??= []).push(figure)
      }
    }
  }
  for (const { server } of Object.values(servers)) server.kill()
  return figures
}

const median = values => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

function table (figures) {
  const rows = TASKS.flatMap(task => Object.keys(SIDES).map(side => {
    const taken = figures[`${task} ${side}`]
    const times = taken.map(({ cpu }) => cpu)
    const failed = taken.reduce((sum, { failed }) => sum + failed, 0)
    return `| ${task} | ${SIDES[side]} | ${median(times).toFixed(1)} (${Math.min(...times).toFixed(1)}–${Math.max(...times).toFixed(1)}) | ${Math.round(median(taken.map(({ rate }) => rate)))} | ${failed} |`
  }))
  return `| request | server | CPU µs a request, median (range) | requests/s | failed |\n|---|---|---|---|---|\n${rows.join('\n')}\n`
}

function added (figures, task, side) {
  const of = name => median(figures[`${task} ${name}`].map(({ cpu }) => cpu))
  return of(side) - of('floor')
}

let text = `# Results of \`npm run bench:load\`

${new Date().toISOString().slice(0, 10)}, Node.js ${process.version}, ${os.cpus()[0].model.trim()}, ${os.cpus().length} cores. 20 connections,
${ROUNDS} rounds of ${SECONDS} s for each line, sides taking turns; the client runs on the same machine.
`
for (const processes of [1, 2]) {
  const figures = await runProcesses(processes)
  text += `\n## ${processes === 1 ? 'One server process' : 'Two server processes that share a key'}\n\n${table(figures)}\n`
  text += TASKS.map(task => `- ${task}: added by the session ${added(figures, task, 'ours').toFixed(1)} µs, by the peer ${added(figures, task, 'peer').toFixed(1)} µs`).join('\n') + '\n'
}
process.stdout.write(text)
if (!process.argv.includes('--seconds')) writeFileSync(new URL('LOAD.md', import.meta.url), text)
process.exit()
