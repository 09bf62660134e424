// npm run bench:load [-- --seconds N] [-- --rounds N]: requests over real HTTP, from wrk, and with a Redis. Writes
// bench/LOAD.md (not with --seconds). What counts is the CPU time that the server spends on a request:
// how many requests a second come through says as much about the client, which needs the same cores.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSessionCodec } from 'fastify-sealed-session'
import { Redis as RedisClient } from 'ioredis'
import { Redis } from '../soak/redis.js'
import { KEY, SESSIONS } from './data.js'
import { checkShared } from './load-check.js'
import { cacheText, costText, loadReport, revocationText, scalingText } from './load-report.js'
import { LoadServer } from './load-server.js'

const option = (name, fallback) => process.argv.includes(name) ? Number(process.argv[process.argv.indexOf(name) + 1]) : fallback
const PLAN = { seconds: option('--seconds', 2), rounds: option('--rounds', 4) }

/** Sessions, of which a cache of the default size holds a tenth. */
const MANY = 10_000

/** Loads each of the runs in turns, round after round. The first round warms up and does not count. */
async function inTurns (runs) {
  for (let round = 0; round <= PLAN.rounds; round++) {
    for (const run of runs) {
      const figure = await run.server.load(run.route, { cookie: run.cookie, cookies: run.cookies, seconds: PLAN.seconds })
      if (round > 0) run.figures.push(figure)
    }
  }
}

/** What a session costs: three requests to one process. */
async function runCost () {
  const servers = []
  for (const side of ['floor', 'ours', 'peer']) {
    const server = await LoadServer.start(side)
    servers.push({ side, server, cookie: await server.login(SESSIONS['170 B']) })
  }
  const runs = ['untouched', 'read', 'write'].flatMap(task =>
    servers.map(server => ({ ...server, task, route: `/${task}`, figures: [] })))
  await inTurns(runs)
  for (const { server } of servers) server.stop()
  return runs
}

/** What the option `cache` saves: one session again and again, and many in turn, of which each comes too late for a cache. */
async function runCache () {
  const folder = mkdtempSync(join(tmpdir(), 'bench-cookies-'))
  const cookies = join(folder, 'cookies')
  const codec = await createSessionCodec({ key: KEY })
  const headers = Array.from({ length: MANY }, () => `session=${encodeURIComponent(codec.seal(SESSIONS['170 B']))}`)
  writeFileSync(cookies, headers.join('\n'))
  const runs = []
  for (const side of ['floor', 'ours', 'cache', 'peer']) {
    const server = await LoadServer.start(side)
    runs.push({ side, server, task: 'one session', route: '/read', cookie: headers[0], figures: [] })
    runs.push({ side, server, task: `${MANY} in turn`, route: '/read', cookies, figures: [] })
  }
  await inTurns(runs)
  for (const { server } of runs) server.stop()
  rmSync(folder, { recursive: true })
  return runs
}

/** What a second process adds. The session is large: the client is a small part of the work then. */
async function runScaling () {
  const runs = []
  for (const side of ['ours', 'peer']) {
    for (const processes of [1, 2]) {
      const server = await LoadServer.start(side, processes)
      runs.push({ side, processes, server, cookie: await server.login(SESSIONS['2.8 KB']), route: '/write', figures: [] })
    }
  }
  await inTurns(runs)
  for (const { server } of runs) server.stop()
  return runs
}

/** What revocation over Redis costs, beside sessions that are stored there: a session that is known to be good, and what is asked for one that is not. */
async function runRevocation () {
  const folder = mkdtempSync(join(tmpdir(), 'bench-redis-'))
  const redis = await Redis.create(folder)
  process.env.BENCH_REDIS = `redis://127.0.0.1:${redis.port}`
  const client = new RedisClient(process.env.BENCH_REDIS)
  const runs = []
  for (const side of ['floor', 'sealed', 'sealed-redis', 'fastify-session-redis']) {
    const server = await LoadServer.start(side)
    const cookie = await server.login(SESSIONS['170 B'])
    await client.config('RESETSTAT')
    await server.over(['/read'], cookie)
    runs.push({ side, server, cookie, route: '/read', asked: await commandsOf(client), figures: [] })
  }
  await inTurns(runs)
  for (const { server } of runs) server.stop()
  client.disconnect()
  await redis.kill()
  rmSync(folder, { recursive: true })
  return runs
}

/** Commands that Redis was sent, each of which is a round trip: `eval ×1`. Redis counts those that a script calls, too. */
async function commandsOf (client) {
  const stats = await client.info('commandstats')
  const commands = [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].filter(([, name]) => !/^(?:info|config|ping)/.test(name))
  const scripts = commands.filter(([, name]) => name === 'eval')
  return (scripts.length > 0 ? scripts : commands).map(([, name, calls]) => `${name} ×${calls}`)
}

const checks = []
for (const side of ['ours', 'peer']) checks.push(await checkShared(side, PLAN.seconds))
const text = loadReport(PLAN, costText(await runCost()), cacheText(await runCache()), revocationText(await runRevocation()), scalingText(await runScaling(), checks))
process.stdout.write(text)
if (!process.argv.includes('--seconds')) writeFileSync(new URL('LOAD.md', import.meta.url), text)
process.exit()
