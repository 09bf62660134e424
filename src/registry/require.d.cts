// Types of the export of `require()` of this part of the package. All of them are those of the files beside it.
import type * as types from './types.ts'
import type * as clients from '../store/redis.ts'
import type * as pools from '../store/postgres.ts'
import * as memory from './memory-registry.ts'
import * as postgres from './postgres-registry.ts'
import * as redis from './redis-registry.ts'

declare function plugin (...parameters: Parameters<types.SessionRegistry>): ReturnType<types.SessionRegistry>

declare namespace plugin {
  export const sessionRegistry: types.SessionRegistry
  export { sessionRegistry as default }
  export import MemoryRegistry = memory.MemoryRegistry
  export import postgresRegistry = postgres.postgresRegistry
  export import redisRegistry = redis.redisRegistry
  export type IoredisClient = clients.IoredisClient
  export type ListedSession = types.ListedSession
  export type PostgresPool = pools.PostgresPool
  export type PostgresRegistry = postgres.PostgresRegistry
  export type RedisClient = clients.RedisClient
  export type RegistryLine = types.RegistryLine
  export type RegistryStore = types.RegistryStore
  export type SessionRegistry = types.SessionRegistry
  export type SessionRegistryOptions = types.SessionRegistryOptions
}

export = plugin
