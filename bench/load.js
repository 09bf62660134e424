// npm run bench:load [-- --seconds N] [-- --starts N]: requests over real HTTP, from wrk, and with a Redis. Writes
// bench/LOAD.md (not with --seconds). Only the CPU time that the server spends on a request counts:
// how many requests a second come through says as much about the client, which needs the same cores.
//
// Two processes of the same code can differ by a third, for as long as they live. So each line has several, one after the other.
// Server and client share a core: on two of them the server pays for waking a client that sleeps, the more often the slower
// the server is. No server does that if its clients are on other machines.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os, { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSessionCodec } from 'fastify-sealed-session'
import { Redis as RedisClient } from 'ioredis'
import { Redis } from '../soak/redis.js'
import { KEY, SESSIONS } from './data.js'
import { checkShared } from './load-check.js'
import { loadReport } from './load-report.js'
import { LoadServer } from './load-server.js'
import { useCores } from './cores.js'
import { runtime } from '../scripts/matrix/runtimes.js'

const option = (name, fallback) => process.argv.includes(name) ? Number(process.argv[process.argv.indexOf(name) + 1]) : fallback
const PLAN = { seconds: option('--seconds', 1), starts: option('--starts', 9), rounds: 4 }

/** The newest Node.js with long-term support. */
const NEWEST = 24

/** Sessions, of which a cache of the default size holds a tenth. */
const MANY = 10_000

/**
 * Loads servers of the sides, one after the other, each task twice: the first time warms up.
 * @param prepare gives the tasks of a server that has started: `{ task, route, cookie?, cookies? }`.
 * @returns a line for each task of each side, with a figure for each start
 */
async function inStarts (sides, prepare, node) {
  const lines = []
  for (let start = 0; start < PLAN.starts; start++) {
    for (const side of sides) {
      const server = await LoadServer.start(side, 1, node)
      for (const task of await prepare(server, side)) {
        await server.load(task.route, { ...task, seconds: PLAN.seconds })
        const figure = await server.load(task.route, { ...task, seconds: PLAN.seconds })
        const line = lines.find(line => line.side === side && line.task === task.task)
        if (line === undefined) lines.push({ ...task, side, figures: [figure] })
        else line.figures.push(figure)
      }
      await server.stop()
    }
  }
  return lines
}

/** What a session costs: three requests to one process. */
async function runCost () {
  return await inStarts(['floor', 'limit', 'ours', 'peer'], async server => {
    const cookie = await server.login(SESSIONS['170 B'])
    return ['untouched', 'read', 'write'].map(task => ({ task, route: `/${task}`, cookie }))
  })
}

/** What the option `cache` saves: one session again and again, and many in turn, of which each comes too late for a cache. */
async function runCache () {
  const folder = mkdtempSync(join(tmpdir(), 'bench-cookies-'))
  const cookies = join(folder, 'cookies')
  const codec = await createSessionCodec({ key: KEY })
  const headers = Array.from({ length: MANY }, () => `session=${encodeURIComponent(codec.seal(SESSIONS['170 B']))}`)
  writeFileSync(cookies, headers.join('\n'))
  const lines = await inStarts(['floor', 'ours', 'cache', 'peer'], async () => [
    { task: 'one session', route: '/read', cookie: headers[0] },
    { task: `${MANY} in turn`, route: '/read', cookies }
  ])
  rmSync(folder, { recursive: true })
  return lines
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
  for (let round = 0; round <= PLAN.rounds; round++) {
    for (const { server, route, cookie, figures } of runs) {
      const figure = await server.load(route, { cookie, seconds: 2 * PLAN.seconds })
      if (round > 0) figures.push(figure) // the first one warms up
    }
  }
  for (const { server } of runs) await server.stop()
  return runs
}

/** What revocation over Redis costs, beside sessions that are stored there: a session that is known to be good, and what is asked for one that is not. */
async function runRevocation (node) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-redis-'))
  const redis = await Redis.create(folder)
  process.env.BENCH_REDIS = `redis://127.0.0.1:${redis.port}`
  const client = new RedisClient(process.env.BENCH_REDIS)
  const lines = await inStarts(['floor', 'sealed', 'sealed-redis', 'fastify-session-redis'], async server => {
    const cookie = await server.login(SESSIONS['170 B'])
    await client.config('RESETSTAT')
    await server.over(['/read'], cookie)
    return [{ task: 'read', route: '/read', cookie, asked: await commandsOf(client) }]
  }, node)
  client.disconnect()
  await redis.kill()
  rmSync(folder, { recursive: true })
  return lines
}

/** Commands that Redis was sent, each of which is a round trip: `eval ×1`. Redis counts those that a script calls, too. */
async function commandsOf (client) {
  const stats = await client.info('commandstats')
  const commands = [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)].filter(([, name]) => !/^(?:info|config|ping)/.test(name))
  const scripts = commands.filter(([, name]) => name === 'eval')
  return (scripts.length > 0 ? scripts : commands).map(([, name, calls]) => `${name} ×${calls}`)
}

const isPinned = useCores('0')
const cost = await runCost()
const cache = await runCache()
const revocation = await runRevocation()
const newestNode = await runtime('node', NEWEST)
const newest = await runRevocation(newestNode)
if (isPinned) useCores(`0-${os.cpus().length - 1}`)
const checks = []
for (const side of ['ours', 'peer']) checks.push(await checkShared(side, PLAN.seconds))
const text = loadReport({ ...PLAN, isPinned }, { cost, cache, revocation, newest, newestNode: NEWEST, scaling: await runScaling(), checks })
process.stdout.write(text)
if (!process.argv.includes('--seconds')) writeFileSync(new URL('LOAD.md', import.meta.url), text)
process.exit()
