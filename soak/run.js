// npm run soak [-- --minutes N] [-- --rate N] [-- --seed N] [-- --write]: two processes of this package
// under mixed traffic for half an hour, while keys are rotated and Redis is killed. Writes the figures
// into docs/evidence/reliability.md, and docs/evidence/reliability.svg (with --minutes only if --write is given). Exits
// with 1 if anything was wrong.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSessionCodec, generateKey } from 'fastify-sealed-session'
import { Cores } from './cores.js'
import { soakChart } from './chart.js'
import { soakReport, summary, writeReport } from './figures.js'
import { replayAll } from './forgetting.js'
import { Incidents, cli } from './incidents.js'
import { Ledger } from './ledger.js'
import { readPlan } from './plan.js'
import { Random } from './random.js'
import { Redis } from './redis.js'
import { ServerProcess } from './server-process.js'
import { Traffic } from './traffic.js'

const TICK_MS = 2
const WARM_UP_REQUESTS = 500
const MEMORY_FROM = 60 // seconds

const plan = readPlan(process.argv.slice(2))
const folder = mkdtempSync(join(os.tmpdir(), 'sealed-session-soak-'))
const keyFiles = ['a', 'b'].map(name => join(folder, `${name}-keys`))
console.log(`${plan.minutes} minutes, ${plan.rate} requests/s, seed ${plan.seed}`)

await cli('keygen', '--hex', '--out', keyFiles[0])
copyFileSync(keyFiles[0], keyFiles[1])
const redis = await Redis.create(folder)
process.on('exit', () => { redis.killNow(); rmSync(folder, { recursive: true, force: true }) })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

const servers = [
  await ServerProcess.start('A', { keyFile: keyFiles[0], redisPort: redis.port, onStoreError: 'reject' }),
  await ServerProcess.start('B', { keyFile: keyFiles[1], redisPort: redis.port, onStoreError: 'accept' })
]
const random = new Random(plan.seed)
const ledger = new Ledger()
const incidents = new Incidents({ plan, random: new Random(plan.seed + 1), redis, keyFiles })
const { seal } = await createSessionCodec({ key: generateKey(), format: 'sealed', cookieName: 'session' })
const traffic = new Traffic({ random, servers, ledger, isAway: incidents.isAway, foreign: () => seal({ user: 'somebody' }) })

/** Has a server run its code before it counts. */
async function warmUp (server) {
  for (let times = 0; times < WARM_UP_REQUESTS; times++) {
    const { cookies } = await server.request({ method: 'POST', path: '/login', cookie: '', body: { user: 'nobody', count: 0 } })
    await server.request({ method: 'POST', path: '/write', cookie: cookies[0].split(';')[0] })
  }
}

/** Sends requests at the rate of the plan, whether those before are answered or not. */
function sendAll () {
  const start = performance.now()
  let sent = 0
  return setInterval(() => {
    const due = (performance.now() - start) / 1000 * plan.rate
    while (sent < due && traffic.send(start + sent / plan.rate * 1000)) sent++
  }, TICK_MS)
}

const askAll = async question => Object.fromEntries(await Promise.all(servers.map(async server => [server.name, await server.ask(question)])))
const collected = []

/** Memory after a garbage collection, in each process. */
async function collect (at) {
  collected.push({ at, ...await askAll('collect') })
}

async function observe (start) {
  const end = start + plan.minutes * 60_000
  let next = start
  let nextCollect = start + MEMORY_FROM * 1000
  while (next < end) {
    next += plan.sampleEvery * 1000
    await sleep(next - Date.now())
    const at = (Date.now() - start) / 1000
    const figures = await askAll('sample')
    console.log(summary(ledger.sample(at, plan.sampleEvery, { ...figures, cores: cores.busy(figures) })))
    if (next < nextCollect || next >= end) continue
    await collect(at)
    nextCollect = Math.floor((next - start) / 1000 / plan.collectEvery + 1) * plan.collectEvery * 1000 + start
  }
}

await Promise.all(servers.map(warmUp))
const cores = new Cores(await askAll('sample'))
const start = Date.now()
const sending = sendAll()
incidents.start()
await observe(start)
clearInterval(sending)
await Promise.all([traffic.idle(), incidents.stop()])
await collect((Date.now() - start) / 1000)

const seen = await askAll('seen')
ledger.settle(seen.B.failures)
const result = {
  plan,
  start,
  ledger,
  incidents,
  collected,
  seen,
  kept: await replayAll(traffic.ended, redis, keyFiles[0], () => redis.restart()),
  forgotten: await replayAll(traffic.ended, redis, keyFiles[0], () => redis.restartEmpty())
}
for (const server of servers) server.stop()
console.log(soakReport(result))
if (plan.isWritten) {
  writeReport(soakReport(result))
  writeFileSync(new URL('../docs/evidence/reliability.svg', import.meta.url), soakChart(result))
}
process.exit(ledger.wrong === 0 ? 0 : 1)
