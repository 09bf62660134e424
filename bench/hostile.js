// npm run bench:hostile [-- --quick]: the CPU time that the worst Cookie headers cost a server, beside an
// honest cookie. Writes nothing. HTTP/1.1 takes 16 KiB of headers, HTTP/2 64 KiB, as Node.js has them.
//
// Each library runs in a process of its own. What is printed is above a request without a cookie, the
// median of several bursts, in milliseconds. The bar: under 1 ms with ten keys, in every row.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import secureSession from '../dist/esm/index.js'
import { machine } from './environment.js'
import { ATTACKS, FORMATS, attackerWith, honest } from './hostile-cookies.js'
import { requestAsync } from './request.js'

const quick = process.argv.includes('--quick')
const PLAN = quick ? { bursts: 5, requests: 20, warm: 40 } : { bursts: 9, requests: 40, warm: 100 }
const KEY_COUNTS = [1, 3, 10, 64]
const SIZES = { '16 KB': 15_900, '64 KB': 64_500 }
const BAR = { keys: 10, ms: 1 }

async function appWith (options) {
  const app = Fastify()
  app.register(secureSession, options)
  app.get('/', async ({ session }) => session.get('n') ?? 'nobody')
  await app.ready()
  return app
}

const median = numbers => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]

async function burst (app, cookie, requests) {
  const start = process.cpuUsage()
  for (let n = 0; n < requests; n++) await requestAsync(app, '/', cookie ?? undefined)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000 / requests
}

/** What each cookie costs above no cookie. They take turns, so that a slow moment of the machine meets all of them. */
async function costs (app, cookies) {
  const times = new Map([null, ...cookies].map(cookie => [cookie, []]))
  for (const cookie of times.keys()) await burst(app, cookie, PLAN.warm)
  for (let round = 0; round < PLAN.bursts; round++) {
    for (const [cookie, all] of times) all.push(await burst(app, cookie, PLAN.requests))
  }
  const base = median(times.get(null))
  return cookies.map(cookie => median(times.get(cookie)) - base)
}

/** A line for each attack on each format: what it costs with each number of keys. */
async function measure (size) {
  const rows = []
  for (const [format, options] of Object.entries(FORMATS)) {
    const attacks = [['an honest cookie', honest], ...Object.entries(ATTACKS).filter(([, { formats }]) => formats.includes(format)).map(([name, { make }]) => [name, make])]
    const lines = attacks.map(([name]) => ({ format, name, ms: [] }))
    for (const count of KEY_COUNTS) {
      const attacker = await attackerWith(options, count)
      const app = await appWith(attacker.options)
      const found = await costs(app, attacks.map(([, make]) => make(attacker, size)))
      found.forEach((ms, index) => lines[index].ms.push(ms))
      await app.close()
    }
    rows.push(...lines)
  }
  return rows
}

function print (title, rows) {
  console.log(`\n${title}: ms of CPU above a request without a cookie\n`)
  console.log(`${'format'.padEnd(18)}${'cookies'.padEnd(58)}${KEY_COUNTS.map(count => `${count} key${count === 1 ? ' ' : 's'}`.padStart(9)).join('')}`)
  for (const { format, name, ms } of rows) {
    console.log(`${format.padEnd(18)}${name.padEnd(58)}${ms.map(time => time.toFixed(3).padStart(9)).join('')}`)
  }
  const worst = Math.max(...rows.map(({ ms }) => ms[KEY_COUNTS.indexOf(BAR.keys)]))
  console.log(`\nThe worst with ${BAR.keys} keys: ${worst.toFixed(3)} ms. The bar of ${BAR.ms} ms ${worst < BAR.ms ? 'holds' : 'does NOT hold'}.`)
}

if (process.argv.includes('--child')) {
  for (const [size, characters] of Object.entries(SIZES)) print(`${process.env.FASTIFY_SEALED_SESSION_SODIUM}, ${size} of cookies`, await measure(characters))
} else {
  console.log(machine())
  for (const library of ['native', 'wasm']) {
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--child', ...(quick ? ['--quick'] : [])], { stdio: 'inherit', env: { ...process.env, FASTIFY_SEALED_SESSION_SODIUM: library, NODE_NO_WARNINGS: '1' } })
  }
}
