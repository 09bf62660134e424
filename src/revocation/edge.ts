// Entry point `fastify-sealed-session/revocation` at the edge: stores, and the option `revocation`. The plugin needs Fastify.
import * as part from './registration.ts'
import { provide } from '../runtime/parts.ts'

provide('revocation', part)

export { MemoryStore } from '../store/memory.ts'
export { postgresStore } from '../store/postgres.ts'
export { redisStore } from '../store/redis.ts'
