// npm run bench:scale [-- --quick]: how many sessions the cores of a machine open, and what a day of a million users takes
// of CPU, cookies and Redis, with revocation, registry and device binding. Writes bench/SCALE.md (not with --quick).
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { Redis as RedisClient } from 'ioredis'
import { Redis } from '../soak/redis.js'
import { commit, machine, today } from './environment.js'
import { request, requestAsync } from './request.js'
import { allOn, boundIn, refreshOf } from './sides/all-on.js'

const quick = process.argv.includes('--quick')
const SECONDS = quick ? 0.5 : 4
const ROUNDS = quick ? 1 : 3
const USERS = quick ? 200 : 5_000
const CALLS = quick ? 200 : 10_000

/** A day, as it is assumed. */
const DAY = { users: 1e6, logins: 1, requests: 100, writes: 5, refreshes: 4, logouts: 0.5 }

/** Sessions that one process opens in a second while others do the same. */
async function openedBy (processes) {
  const workers = Array.from({ length: processes }, () => fork(new URL('scale-worker.js', import.meta.url), [String(SECONDS)]))
  await Promise.all(workers.map(worker => answerOf(worker))) // all are warm
  for (const worker of workers) worker.send('go')
  const counts = await Promise.all(workers.map(worker => answerOf(worker)))
  for (const worker of workers) worker.kill()
  return counts.reduce((sum, count) => sum + count, 0)
}

function answerOf (worker) {
  return new Promise(resolve => { worker.once('message', resolve) })
}

const median = values => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

async function scaling () {
  const rounds = Array.from({ length: ROUNDS }, () => [])
  for (const round of rounds) for (let processes = 1; processes <= os.cpus().length; processes++) round.push(await openedBy(processes))
  return rounds[0].map((_, index) => median(rounds.map(round => round[index])))
}

/** Microseconds of CPU that a call takes in this process, Redis not counted. */
async function cpuOf (call, count = CALLS) {
  for (let i = 0; i < count / 4; i++) await call(i)
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) await call(i)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

async function inTurn (count, call) {
  const AT_ONCE = 50
  for (let begun = 0; begun < count; begun += AT_ONCE) await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - begun) }, (_, index) => call(begun + index)))
}

async function bytesOf (client) {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1])
}

async function day () {
  const folder = mkdtempSync(join(os.tmpdir(), 'bench-scale-'))
  const redis = await Redis.create(folder)
  const client = new RedisClient({ port: redis.port })
  const app = await allOn(client)
  const { cookie, refresh } = await refreshOf(app)
  await assertRead(app, cookie)
  const empty = await bytesOf(client)
  const cookies = []
  await inTurn(USERS, async index => { cookies[index] = (await boundIn(app, `user-${index}`)).cookies })
  const loggedIn = await bytesOf(client)
  await inTurn(USERS, async index => await requestAsync(app, '/logout', cookies[index]))
  const loggedOut = await bytesOf(client)
  const floor = await cpuOf(() => call(app, '/ping', 'a=b'))
  const cost = {
    read: await cpuOf(() => call(app, '/read', cookie)) - floor,
    write: await cpuOf(() => call(app, '/write', cookie)) - floor,
    login: await cpuOf(index => call(app, `/login/user-${index}`), CALLS / 10) - floor,
    refresh: await cpuOf(() => call(app, refresh.url, refresh.cookie, { method: 'POST', headers: refresh.headers }), CALLS / 10) - floor
  }
  await assertRead(app, cookie)
  await app.close()
  client.disconnect()
  await redis.kill()
  rmSync(folder, { recursive: true })
  return { cost, cookie: cookie.length, memory: { login: (loggedIn - empty) / USERS, logout: (loggedOut - empty) / USERS } }
}

/** A session that does not open would cost little. */
async function assertRead (app, cookie) {
  const { body } = await app.inject({ url: '/read', headers: { cookie } })
  if (body !== 'user-device') throw new Error(`the session reads as ${body}`)
}

function call (app, url, cookie, more) {
  return new Promise(resolve => { request(app, url, cookie, resolve, more) })
}

const number = value => Math.round(value).toLocaleString('en-US')

function report (opened, { cost, cookie, memory }) {
  const cpu = { read: DAY.users * (DAY.requests - DAY.writes) * cost.read, write: DAY.users * DAY.writes * cost.write, login: DAY.users * DAY.logins * cost.login, refresh: DAY.users * DAY.refreshes * cost.refresh }
  const minutes = microseconds => (microseconds / 6e7).toFixed(1)
  const total = Object.values(cpu).reduce((sum, value) => sum + value, 0)
  const requests = DAY.users * (DAY.requests + DAY.refreshes)
  const counts = { read: DAY.users * (DAY.requests - DAY.writes), write: DAY.users * DAY.writes, login: DAY.users * DAY.logins, refresh: DAY.users * DAY.refreshes }
  const names = { read: 'requests that read the session', write: 'requests that write it', login: 'logins', refresh: 'proofs of a device, ES256' }
  return `# Results of \`npm run bench:scale\`

${today()}, ${machine()}, commit ${commit()}.

## Sessions that the cores open

A session of 170 B in our own format, opened again and again. Medians of ${ROUNDS} rounds of ${SECONDS} s.

| processes | sessions a second | of one process |
| --- | --- | --- |
${opened.map((count, index) => `| ${index + 1} | ${number(count)} | ${(count / opened[0]).toFixed(2)} |`).join('\n')}

## A day of a million users

With revocation and registry over Redis, and each session bound to a device, by one process. It is assumed that a user logs in once, sends ${DAY.requests}
requests, of which ${DAY.writes} write the session, and proves the device ${DAY.refreshes} times, and that one of two users logs out.

CPU is that of the app's process over a request that has no session, without sockets: over real HTTP a session costs more, see
[LOAD.md](LOAD.md). That of Redis is not in it.

| | a day | µs each | minutes of one core |
| --- | --- | --- | --- |
${Object.keys(counts).map(kind => `| ${names[kind]} | ${number(counts[kind])} | ${cost[kind].toFixed(1)} | ${minutes(cpu[kind])} |`).join('\n')}
| **together** | ${number(requests)} | | **${minutes(total)}** |

| | |
| --- | --- |
| bytes of the cookies that a request brings, session and proof | ${number(cookie)} |
| of that in a day | ${(cookie * requests / 1e9).toFixed(1)} GB |
| bytes of Redis for a user who is logged in | ${number(memory.login)} |
| bytes of Redis for a user who has logged out, until the session would have expired | ${number(memory.logout)} |
| Redis at the end of the day | ${number((memory.login * (1 - DAY.logouts) + memory.logout * DAY.logouts) * DAY.users / 1e6)} MB |
`
}

const text = report(await scaling(), await day())
process.stdout.write(text)
if (!quick) writeFileSync(new URL('SCALE.md', import.meta.url), text)
process.exit()
