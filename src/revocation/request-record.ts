import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyRequest } from 'fastify'

/** Record of one request, by which revocations before it, during it and by it are told apart. */
export interface RequestRecord {
  /** Milliseconds since 1970 at which the request began. */
  beganAt: number
  /** How many revocations this process knew of by then. Unlike clocks, it is exact. */
  sequence: number
  /** The request's own revocations: keys of the store and their values. */
  own: Map<string, number> | null
}

/** Place of the record on a request; the plugin decorates requests with it. */
export const kRecord: unique symbol = Symbol('record')

type Recorded = FastifyRequest & { [kRecord]?: RequestRecord }

/** Request whose handler runs, so that `app.revokeSubject()`, which is told of no request, knows its own. */
export const currentRequest = new AsyncLocalStorage<FastifyRequest>()

export function beginRecord (request: FastifyRequest, beganAt: number, sequence: number): void {
  (request as Recorded)[kRecord] = { beganAt, sequence, own: null }
}

/** Null for a request that was answered before the plugin's hook. */
export function requestRecord (request: FastifyRequest): RequestRecord | null {
  return (request as Recorded)[kRecord] ?? null
}
