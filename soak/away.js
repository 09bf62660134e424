// npm run soak:away [-- --quick] [-- --write]: two processes of one app that share a Redis, with both clients that
// redisStore takes. How long a session that one has ended is let in by the other, and what both answer while Redis is away
// for a second. --write puts the figures into docs/evidence/reliability.md. Exits with 1 if an answer was wrong.
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateKey } from 'fastify-sealed-session'
import { awayReport, elsewhereTable, spanText } from './away-figures.js'
import { measureElsewhere } from './elsewhere.js'
import { writeReport } from './figures.js'
import { OUTAGES, measureOutage } from './outage.js'
import { Redis } from './redis.js'
import { ServerProcess } from './server-process.js'

const SERVER = fileURLToPath(new URL('away-server.js', import.meta.url))
const isQuick = process.argv.includes('--quick')

/** Seconds. */
const CACHE_TTLS = isQuick ? [0.5] : [1, 5]
const OUTAGE_CACHE_TTL = 0.5
const SESSIONS = isQuick ? 20 : 200

const folder = mkdtempSync(join(os.tmpdir(), 'sealed-session-away-'))
const redis = await Redis.create(folder)
process.on('exit', () => { redis.killNow(); rmSync(folder, { recursive: true, force: true }) })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/** Runs with one process that rejects and one that accepts while Redis is away. */
async function withServers (client, cacheTtl, run) {
  const key = generateKey().toString('hex')
  const servers = []
  for (const onStoreError of ['reject', 'accept']) {
    servers.push(await ServerProcess.start(onStoreError, { key, redisPort: redis.port, client, cacheTtl, onStoreError }, SERVER))
  }
  const result = await run(servers)
  for (const server of servers) server.stop()
  return result
}

const runs = { elsewhere: [], outages: [] }
for (const client of ['redis', 'ioredis']) {
  for (const cacheTtl of CACHE_TTLS) {
    const run = { client, cacheTtl, result: await withServers(client, cacheTtl, servers => measureElsewhere(servers, { cacheTtl, sessions: SESSIONS })) }
    runs.elsewhere.push(run)
    console.log(`${elsewhereTable([run])}\n`)
  }
  for (const [name, outage] of Object.entries(OUTAGES)) {
    const cacheTtl = OUTAGE_CACHE_TTL
    const run = { client, name, cacheTtl, result: await withServers(client, cacheTtl, servers => measureOutage(servers, redis, outage, { cacheTtl })) }
    runs.outages.push(run)
    console.log(`${spanText(run)}\n`)
  }
}

const wrong = [...runs.elsewhere, ...runs.outages].flatMap(({ result }) => result.wrong)
for (const answer of wrong.slice(0, 20)) console.error(`wrong: ${answer}`)
console.log(awayReport(runs))
if (process.argv.includes('--write')) writeReport(awayReport(runs), 'soak:away')
process.exit(wrong.length === 0 ? 0 : 1)
