// The stores of the registry over real servers, which are started for it.
import { Redis } from 'ioredis'
import pg from 'pg'
import { createClient } from 'redis'
import { MemoryRegistry, postgresRegistry, redisRegistry, type RegistryStore } from '../../src/registry/index.ts'
import { PostgresServer, noPostgres } from '../revocation/postgres-server.ts'
import { RedisServer, noRedis } from '../revocation/redis-server.ts'

/** A server under test, and the stores of several processes on it. */
export interface Opened {
  /** A store with a client of its own. */
  connect: () => Promise<RegistryStore>
  /** Forgets everything, as a server does whose data is lost. */
  flush: () => Promise<unknown>
  stop: () => Promise<void>
  start: () => Promise<void>
  close: () => Promise<void>
}

export interface Kind {
  /** Reason for which it cannot be tested here; false if it can. */
  skip: string | false
  open: () => Promise<Opened>
}

const ignore = (): void => {} // the app's log says it

async function openRedis (): Promise<Opened> {
  const server = await RedisServer.create()
  const clients: Array<ReturnType<typeof createClient>> = []
  const connect = async (): Promise<ReturnType<typeof createClient>> => {
    const client = createClient({ url: `redis://127.0.0.1:${server.port}`, disableOfflineQueue: true, socket: { reconnectStrategy: 25 } })
    client.on('error', ignore)
    await client.connect()
    clients.push(client as never) // of the same type, but for its modules
    return client as never
  }
  const admin = await connect()
  return {
    connect: async () => redisRegistry(await connect()),
    flush: async () => await admin.flushAll(),
    stop: async () => { await server.stop() },
    start: async () => { await server.start() },
    close: async () => {
      for (const client of clients) client.destroy()
      await server.remove()
    }
  }
}

async function openIoredis (): Promise<Opened> {
  const server = await RedisServer.create()
  const clients: Redis[] = []
  const connect = async (): Promise<Redis> => {
    const client = new Redis(server.port, '127.0.0.1', { enableOfflineQueue: false, lazyConnect: true, retryStrategy: () => 25 })
    client.on('error', ignore)
    await client.connect()
    clients.push(client)
    return client
  }
  const admin = await connect()
  return {
    connect: async () => redisRegistry(await connect(), { prefix: 'app:' }),
    flush: async () => await admin.flushall(),
    stop: async () => { await server.stop() },
    start: async () => { await server.start() },
    close: async () => {
      for (const client of clients) client.disconnect()
      await server.remove()
    }
  }
}

async function openPostgres (): Promise<Opened> {
  const server = await PostgresServer.create()
  // The server takes twenty connections; two pools are two processes.
  const pools = [1, 2].map(() => new pg.Pool({ connectionString: server.uri, connectionTimeoutMillis: 5000, max: 4 }))
  for (const pool of pools) pool.on('error', ignore)
  const stores = pools.map(pool => postgresRegistry(pool))
  await Promise.all(stores.map(async store => { await store.createTable() }))
  let number = 0
  return {
    connect: async () => stores[number++ % 2]!, // there are two
    flush: async () => await pools[0]!.query('TRUNCATE session_registry'), // as above
    stop: async () => { await server.stop() },
    start: async () => { await server.start() },
    close: async () => {
      for (const pool of pools) await pool.end()
      await server.remove()
    }
  }
}

async function openMemory (): Promise<Opened> {
  let registry = new MemoryRegistry()
  // One process has one; those that share it stand for the requests of one.
  const store: RegistryStore = {
    put: (...given) => { registry.put(...given) },
    remove: (...given) => { registry.remove(...given) },
    list: subject => registry.list(subject)
  }
  const nothing = async (): Promise<void> => {}
  return { connect: async () => store, flush: async () => { registry = new MemoryRegistry() }, stop: nothing, start: nothing, close: nothing }
}

export const KINDS: Record<string, Kind> = {
  'in memory': { skip: false, open: openMemory },
  'in Redis, by a client of redis': { skip: noRedis, open: openRedis },
  'in Redis, by a client of ioredis': { skip: noRedis, open: openIoredis },
  'in PostgreSQL': { skip: noPostgres, open: openPostgres }
}
