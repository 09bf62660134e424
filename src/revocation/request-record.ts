import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyRequest } from 'fastify'

/** Record of one request, by which revocations before it, during it and by it are told apart. */
export interface RequestRecord {
  /** Milliseconds since 1970 at which the request began. */
  readonly beganAt: number
  /** Number of revocations that this process knew of by then. Unlike clocks, it is exact. */
  readonly sequence: number
  /** The request's own revocations: keys of the store and their values. */
  own: Map<string, number> | null
}

/** Request whose hooks and handler run, so that `app.revokeSubject()`, which is told of no request, knows its own. */
export const currentRequest = new AsyncLocalStorage<FastifyRequest>()

/** Records of requests: each registration of revocation has its own, as it has its own count. */
export class RequestRecords {
  readonly #records = new WeakMap<FastifyRequest, RequestRecord>()

  begin (request: FastifyRequest, beganAt: number, sequence: number): void {
    this.#records.set(request, { beganAt, sequence, own: null })
  }

  /** Null for a request that was answered before the plugin's hook. */
  of (request: FastifyRequest | undefined): RequestRecord | null {
    return request === undefined ? null : this.#records.get(request) ?? null
  }
}
