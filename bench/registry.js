// Measures the registry's stores: one subject with ten thousand sessions, and a hundred thousand subjects with one each.
//
//   npm run bench:registry            all stores
//   npm run bench:registry -- redis   those with this word in their name
//   npm run bench:registry -- --quick a tenth of the lines
//
// Redis and PostgreSQL are started for it. Times are medians, of one call after the other.
import { createHash } from 'node:crypto'
import Fastify from 'fastify'
import pg from 'pg'
import { createClient } from 'redis'
import secureSession from '../src/index.ts'
import { MemoryRegistry, postgresRegistry, redisRegistry, sessionRegistry } from '../src/registry/index.ts'
import { MemoryStore, sessionRevocation } from '../src/revocation/index.ts'
import { hashOf } from '../src/revocation/store-keys.ts'
import { PostgresServer, noPostgres } from '../test/revocation/postgres-server.ts'
import { RedisServer, noRedis } from '../test/revocation/redis-server.ts'
import { commit, machine, today } from './environment.js'

const words = process.argv.slice(2).filter(word => !word.startsWith('-'))
const scale = process.argv.includes('--quick') ? 0.1 : 1
const SESSIONS = 10_000 * scale
const SUBJECTS = 100_000 * scale
const CALLS = 51

/** Lines that are written at a time while a store is filled. */
const AT_ONCE = 200

/**
 * @typedef {object} Opened
 * @property {import('../src/registry/index.ts').RegistryStore} store
 * @property {() => Promise<number>} bytes that the store takes
 * @property {() => Promise<void>} close
 */

/** @type {Record<string, { skip: string | false, open: () => Promise<Opened> }>} */
const STORES = {
  memory: {
    skip: false,
    async open () {
      const store = new MemoryRegistry({ maxEntries: 2 * SESSIONS + SUBJECTS + 1000 }) // it never has to make room
      return { store, bytes: async () => { globalThis.gc?.(); return process.memoryUsage().heapUsed }, close: async () => {} }
    }
  },
  redis: {
    skip: noRedis,
    async open () {
      const server = await RedisServer.create()
      const client = createClient({ url: `redis://127.0.0.1:${server.port}` })
      await client.connect()
      const bytes = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
      return { store: redisRegistry(client), bytes, close: async () => { client.destroy(); await server.remove() } }
    }
  },
  postgres: {
    skip: noPostgres,
    async open () {
      const server = await PostgresServer.create()
      const pool = new pg.Pool({ connectionString: server.uri, max: 8 })
      pool.on('error', error => { console.error(error.message) })
      const store = postgresRegistry(pool)
      await store.createTable()
      const bytes = async () => Number((await pool.query("SELECT pg_total_relation_size('session_registry') AS bytes")).rows[0].bytes)
      return { store, bytes, close: async () => { await pool.end(); await server.remove() } }
    }
  }
}

let number = 0

/** JSON of a description, of 75 bytes: text of its own for each login, as in an app, or memory would seem to need less. */
function description () {
  return JSON.stringify({ browser: 'Firefox 151 on Windows', ip: `203.0.113.${10 + number % 90}`, at: 'Vienna' })
}

/** The subject's name as the registry gives it to a store: a hash. */
const subjectOf = index => createHash('sha256').update(String(index)).digest('base64url')

function line () {
  const now = Date.now()
  const id = Buffer.alloc(16)
  id.writeUInt32BE(number++)
  return { id: id.toString('base64url'), createdAt: now, lastSeenAt: now, expiresAt: now + 86_400_000, more: '', description: description() }
}

/** Median of the milliseconds that a call takes. */
async function timeOf (call) {
  const times = []
  for (let i = 0; i < CALLS; i++) {
    const start = performance.now()
    await call(i)
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[Math.floor(CALLS / 2)]
}

async function fill (count, put) {
  for (let begun = 0; begun < count; begun += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - begun) }, async (_, index) => await put(begun + index)))
  }
}

/** Times of the calls on one subject. */
async function callsOn (store, subject) {
  const logins = Array.from({ length: CALLS }, line)
  return {
    'a login': await timeOf(async index => await store.put(subject, logins[index], true)),
    'sealed again': await timeOf(async index => await store.put(subject, logins[index], false)),
    'a logout': await timeOf(async index => await store.remove(subject, logins[index].id)),
    'the list': await timeOf(async () => await store.list(subject))
  }
}

/** App with as many sessions allowed as there are of one user. */
async function appWith (store, onMaxSessions) {
  const app = Fastify()
  app.register(secureSession, { key: Buffer.alloc(32, 'key'), format: 'sealed', cookie: { path: '/' } })
  app.register(sessionRevocation, { store: new MemoryStore(), subject: session => session.get('user') })
  app.register(sessionRegistry, { store, maxSessions: SESSIONS, onMaxSessions, storeTimeout: 60 })
  app.get('/login/:user', async ({ session, params }) => { session.set('user', params.user) })
  await app.ready()
  return app
}

/** Logs in, and holds the answer against what the limit says: a time of anything else would mean nothing. */
async function login (app, user, expected) {
  const { statusCode } = await app.inject(`/login/${user}`)
  if (statusCode !== expected) throw new Error(`a login was answered with ${statusCode}, not ${expected}`)
}

/** Times in an app one of whose users has as many sessions as are allowed, and one a few. */
async function timesInApp (store) {
  const [ending, refusing] = [await appWith(store, 'end-oldest'), await appWith(store, 'refuse')]
  await fill(SESSIONS, async () => await store.put(hashOf('many'), line(), true))
  const times = {
    'a login within the limit': await timeOf(async () => await login(ending, 'few', 200)),
    [`a login that ends the oldest of ${SESSIONS}`]: await timeOf(async () => await login(ending, 'many', 200)),
    [`a login that is refused beside ${SESSIONS}`]: await timeOf(async () => await login(refusing, 'many', 409)),
    [`listSessions of ${SESSIONS}`]: await timeOf(async () => await ending.listSessions('many'))
  }
  const { length } = await ending.listSessions('many')
  if (length !== SESSIONS) throw new Error(`the limit left ${length} sessions, not ${SESSIONS}`)
  for (const app of [ending, refusing]) await app.close()
  return times
}

async function measure ({ store, bytes }) {
  const before = await bytes()
  const start = performance.now()
  await fill(SUBJECTS, async index => await store.put(subjectOf(index), line(), true))
  const rate = SUBJECTS / (performance.now() - start) * 1000
  const one = (await bytes() - before) / SUBJECTS
  const few = await callsOn(store, subjectOf(0))
  const between = await bytes()
  await fill(SESSIONS, async () => await store.put(subjectOf(-1), line(), true))
  const many = (await bytes() - between) / SESSIONS
  return {
    [`bytes a line, ${SUBJECTS} subjects with one each`]: Math.round(one),
    [`MB for ${SUBJECTS} subjects`]: megabytes(one * SUBJECTS),
    [`bytes a line, ${SESSIONS} of one subject`]: Math.round(many),
    [`MB for ${SESSIONS} of one subject`]: megabytes(many * SESSIONS),
    'logins a second, filled in parallel': Math.round(rate),
    ...named('a subject with few', few),
    ...named(`a subject with ${SESSIONS}`, await callsOn(store, subjectOf(-1))),
    ...named('in an app', await timesInApp(store))
  }
}

function megabytes (bytes) {
  return (bytes / 1e6).toFixed(1)
}

/** Milliseconds by name, behind what they are of. */
function named (of, times) {
  return Object.fromEntries(Object.entries(times).map(([name, time]) => [`${of}: ${name}, ms`, time.toFixed(time < 1 ? 3 : 1)]))
}

const results = {}
for (const [name, { skip, open }] of Object.entries(STORES)) {
  if (words.length > 0 && !words.some(word => name.includes(word))) continue
  if (skip !== false) {
    console.error(`${name}: ${skip}`)
    continue
  }
  const opened = await open()
  try {
    results[name] = await measure(opened)
  } finally {
    await opened.close()
  }
}

const stores = Object.keys(results)
console.log(`Measured on ${today()} with ${machine()}, commit ${commit()}.\n`)
console.log(`| | ${stores.join(' | ')} |\n| --- |${stores.map(() => ' --- |').join('')}`)
for (const row of Object.keys(results[stores[0]] ?? {})) console.log(`| ${row} | ${stores.map(store => results[store][row]).join(' | ')} |`)
