// Entry point `fastify-sealed-session/registry` at the edge: stores, and the option `registry`. The plugin needs Fastify.
import * as part from './registration.ts'
import { provide } from '../runtime/parts.ts'

provide('registry', part)

export { MemoryRegistry } from './memory-registry.ts'
export { postgresRegistry } from './postgres-registry.ts'
export { redisRegistry } from './redis-registry.ts'
