// Types of the export of `require()` of this part of the package. All of them are those of the files beside it.
import type * as types from './types.ts'
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
  export type IoredisClient = redis.IoredisClient
  export type ListedSession = types.ListedSession
  export type PostgresPool = postgres.PostgresPool
  export type PostgresRegistry = postgres.PostgresRegistry
  export type RedisClient = redis.RedisClient
  export type RegistryLine = types.RegistryLine
  export type RegistryStore = types.RegistryStore
  export type SessionRegistry = types.SessionRegistry
  export type SessionRegistryOptions = types.SessionRegistryOptions
}

export = plugin
