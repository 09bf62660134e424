// What sessionRegistry takes, and what it adds to the app.
import Fastify from 'fastify'
import type { FastifyPluginAsync } from 'fastify'
import byDefault, { MemoryRegistry, postgresRegistry, redisRegistry, sessionRegistry } from 'fastify-sealed-session/registry'
import type { ListedSession, PostgresPool, RegistryLine, RegistryStore, SessionRegistry, SessionRegistryOptions } from 'fastify-sealed-session/registry'
import byRequire = require('fastify-sealed-session/registry')
import { Redis } from 'ioredis'
import type { Cluster } from 'ioredis'
import type { Client, Pool } from 'pg'
import { createClient, createCluster } from 'redis'
import { describe, expect, test } from 'tstyche'

const app = Fastify()

describe('sessionRegistry', () => {
  test('is the default export, the named one, and what require() gives', () => {
    expect(byDefault).type.toBe<SessionRegistry>()
    expect(sessionRegistry).type.toBe<FastifyPluginAsync<SessionRegistryOptions>>()
    expect(byRequire).type.toBeAssignableTo<SessionRegistry>()
    expect(byRequire.default).type.toBe<SessionRegistry>()
    expect(byRequire.MemoryRegistry).type.toBe<typeof MemoryRegistry>()
    expect(byRequire.redisRegistry).type.toBe<typeof redisRegistry>()
    expect(byRequire.postgresRegistry).type.toBe<typeof postgresRegistry>()
    expect(app.register(sessionRegistry)).type.not.toRaiseError()
    expect(app.register(byRequire, { maxSessions: 5, onMaxSessions: 'refuse' })).type.not.toRaiseError()
  })

  test('takes a MemoryRegistry, those of Redis and PostgreSQL, or anything with put, remove and list', () => {
    expect<RegistryStore>().type.toBeAssignableFrom<MemoryRegistry>()
    expect<RegistryStore>().type.toBeAssignableFrom<ReturnType<typeof redisRegistry>>()
    expect<RegistryStore>().type.toBeAssignableFrom<ReturnType<typeof postgresRegistry>>()
    expect<RegistryStore>().type.toBeAssignableFrom<{ put: (subject: string, line: RegistryLine) => void, remove: () => void, list: () => RegistryLine[] }>()
    expect<RegistryStore>().type.not.toBeAssignableFrom<{ put: () => void, remove: () => void }>()
  })

  test('takes a description that is an object', () => {
    expect<SessionRegistryOptions>().type.toBeAssignableFrom({ describe: (request: { ip: string }) => ({ ip: request.ip }) })
    expect<SessionRegistryOptions>().type.not.toBeAssignableFrom({ describe: () => 'Firefox' })
  })
})

describe('a store', () => {
  test('takes the app\'s own client', () => {
    expect(redisRegistry).type.toBeCallableWith(createClient())
    expect(redisRegistry).type.toBeCallableWith(createClient({ RESP: 2 }))
    expect(redisRegistry).type.toBeCallableWith(createCluster({ rootNodes: [] }))
    expect(redisRegistry).type.toBeCallableWith(new Redis(), { prefix: 'app:' })
    expect(redisRegistry).type.toBeCallableWith({} as Cluster)
    expect<PostgresPool>().type.toBeAssignableFrom<Pool>()
    expect<PostgresPool>().type.toBeAssignableFrom<Client>()
    expect(redisRegistry).type.not.toBeCallableWith({} as Pool)
  })
})

describe('an app', () => {
  test('lists sessions', () => {
    const session = app.createSecureSession()
    expect(app.listSessions('42')).type.toBe<Promise<ListedSession[]>>()
    expect(app.listSessions('42', { current: session })).type.toBe<Promise<ListedSession[]>>()
    expect(app.listSessions).type.not.toBeCallableWith(42)
  })
})
