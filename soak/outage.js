// What two processes answer while their Redis is away for a second.
import { setTimeout as sleep } from 'node:timers/promises'
import { end, login, read } from './logins.js'

/** Milliseconds. */
const BEFORE = 500
const AWAY = 1000
const LIMIT = 15_000
const AFTER = 500
const SPAN = 100
const EVERY = 10

/** Users of each kind. */
const USERS = 20

export const OUTAGES = {
  'hangs (SIGSTOP, SIGCONT)': { begin: redis => redis.pause(), end: redis => redis.resume(), losesData: false },
  'is killed, and keeps its data': { begin: redis => redis.kill(), end: redis => redis.start(), losesData: false },
  'is killed, and loses its data': { begin: redis => redis.kill(), end: async redis => { redis.forget(); await redis.start() }, losesData: true }
}

/**
 * Sessions are used in both processes all the while: some that are good, some of whose end both have heard, and some that
 * one has ended just before, of which the other one has not heard.
 * @param servers the one with 'reject' and the one with 'accept', whose `cacheTtl` is in seconds
 */
export async function measureOutage (servers, redis, { begin, end: endOutage, losesData }, { cacheTtl }) {
  const [strict, lax] = servers
  const kinds = await sessionsOf(strict, lax, cacheTtl)
  const start = performance.now()
  const flow = new Flow(servers, kinds, start)
  await sleep(BEFORE)
  // The one that rejects may let them in for `cacheTtl` more, as long as it does not hear of it.
  const times = { cacheTtl: cacheTtl * 1000, ending: performance.now() - start }
  await Promise.all(kinds.unheard.map(session => end(lax, session)))
  times.ended = performance.now() - start
  await begin(redis)
  times.began = performance.now() - start
  await sleep(AWAY)
  await endOutage(redis)
  times.over = performance.now() - start
  await backAgain(servers, start + LIMIT)
  times.recovered = performance.now() - start
  await sleep(AFTER)
  const answers = await flow.stop()
  const registry = await registryAfter(strict, kinds.good[0])
  return { times, spans: spansOf(answers), totals: totalsOf(answers), slowest: slowestOf(answers), wrong: wrongIn(answers, times, losesData), registry }
}

async function sessionsOf (strict, lax, cacheTtl) {
  const some = async server => await Promise.all(Array.from({ length: USERS }, async () => await login(server)))
  const kinds = { good: await some(strict), ended: await some(strict), unheard: await some(lax) }
  await Promise.all(kinds.ended.map(session => end(lax, session)))
  await sleep(cacheTtl * 1000)
  for (const server of [strict, lax]) await Promise.all(Object.values(kinds).flat().map(session => read(server, session)))
  return kinds
}

/** Requests at a steady rate, whether those before are answered or not. */
class Flow {
  #answers = []
  #running = new Set()
  #timer

  constructor (servers, kinds, start) {
    let number = 0
    let due = 0
    this.#timer = setInterval(() => {
      for (; due < performance.now() - start; due += EVERY) {
        for (const server of servers) {
          for (const [kind, sessions] of Object.entries(kinds)) this.#send(server, kind, sessions[number % USERS], start)
        }
        number++
      }
    }, EVERY)
  }

  #send (server, kind, session, start) {
    const sent = performance.now() - start
    const running = read(server, session).then(answer => {
      this.#running.delete(running)
      this.#answers.push({ server: server.name, kind, answer, sent, took: performance.now() - start - sent })
    })
    this.#running.add(running)
  }

  async stop () {
    clearInterval(this.#timer)
    await Promise.all(this.#running)
    return this.#answers
  }
}

/** Waits until both can end a session again. */
async function backAgain (servers, limit) {
  for (const server of servers) {
    for (let isBack = false; !isBack;) {
      if (performance.now() > limit) throw new Error(`${server.name} did not come back`)
      isBack = (await server.request({ method: 'POST', path: `/end/${'A'.repeat(22)}`, cookie: '' })).status === 200
      if (!isBack) await sleep(EVERY)
    }
  }
}

/** If the registry has a session after the outage, and if it has once that is sealed again. */
async function registryAfter (server, { user, cookie, id }) {
  const has = async () => (await server.request({ method: 'GET', path: `/sessions/${user}`, cookie: '' })).text.includes(id)
  const before = await has()
  await server.request({ method: 'POST', path: '/touch', cookie })
  await sleep(SPAN) // its line is not waited for
  return { before, after: await has() }
}

const keyOf = ({ server, kind, answer }) => `${server}, ${kind}: ${answer}`

function count (counts, key) {
  counts[key] = (counts[key] ?? 0) + 1
}

/** Answers by the hundred milliseconds in which they were sent. */
function spansOf (answers) {
  const spans = []
  for (const answer of answers) count(spans[Math.floor(answer.sent / SPAN)] ??= {}, keyOf(answer))
  return spans
}

function totalsOf (answers) {
  const totals = {}
  for (const answer of answers) count(totals, keyOf(answer))
  return totals
}

function slowestOf (answers) {
  const slowest = {}
  for (const { server, took } of answers) slowest[server] = Math.max(slowest[server] ?? 0, took)
  return slowest
}

/** Answers that docs/guide/revocation.md does not promise. */
function wrongIn (answers, { cacheTtl, ending, ended, began, recovered }, losesData) {
  return answers.filter(({ server, kind, answer, sent, took }) => {
    const isAway = sent + took >= began && sent <= recovered
    if (answer === '503') return server !== 'reject' || kind === 'ended' || !isAway
    if (kind === 'good') return answer !== 'in'
    if (kind === 'ended') return answer !== 'out'
    if (answer === 'out') return sent + took < ending
    // The process that has ended them knows. The other one does not, while it may believe what it heard, or if the data is lost.
    return answer !== 'in' || (sent > ended && server === 'accept') || (sent > ended + cacheTtl && !losesData)
  }).map(answer => `${keyOf(answer)} at ${Math.round(answer.sent)} ms`)
}
