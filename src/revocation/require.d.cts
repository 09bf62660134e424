// Types of the export of `require()` of this part of the package. All of them are those of types.ts.
import type * as types from './types.ts'
import * as memory from '../store/memory.ts'
import * as redis from '../store/redis.ts'
import * as postgres from '../store/postgres.ts'

declare function plugin (...parameters: Parameters<types.SessionRevocation>): ReturnType<types.SessionRevocation>

declare namespace plugin {
  export const sessionRevocation: types.SessionRevocation
  export { sessionRevocation as default }
  export import MemoryStore = memory.MemoryStore
  export import redisStore = redis.redisStore
  export import postgresStore = postgres.postgresStore
  export type IoredisClient = redis.IoredisClient
  export type PostgresPool = postgres.PostgresPool
  export type PostgresStore = postgres.PostgresStore
  export type RedisClient = redis.RedisClient
  export type RevocationStore = types.RevocationStore
  export type SessionRevocation = types.SessionRevocation
  export type SessionRevocationOptions = types.SessionRevocationOptions
}

export = plugin
