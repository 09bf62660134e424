import type { SessionRequest } from '../http/exchange.ts'
import { type Identity, userOf } from './identity.ts'

/** Record of one request, by which revocations before it, during it and by it are told apart. */
export interface RequestRecord {
  /** Milliseconds since 1970 at which the request began. */
  readonly beganAt: number
  /** Number of revocations that this process knew of by then. Unlike clocks, it is exact. */
  readonly sequence: number
  /** Number of stamps that were asked for by then. */
  readonly order: number
  /** The request's own revocations: keys of the store and their values. For a new stamp, the user and the number of its question. */
  own: Map<string, number> | null
}

/**
 * Property of objects under a symbol of its own. A WeakMap does the same, but each request would put new
 * objects into it, and the collection of garbage pays for that.
 */
export class SymbolProperty<Target extends object, Value> {
  readonly symbol: symbol

  constructor (name: string) {
    this.symbol = Symbol(name)
  }

  get (target: Target): Value | undefined {
    return (target as Record<symbol, Value | undefined>)[this.symbol]
  }

  set (target: Target, value: Value): void {
    (target as Record<symbol, Value>)[this.symbol] = value
  }
}

/** Records of requests: each registration of revocation has its own, as it has its own count. */
export class RequestRecords {
  readonly #records = new SymbolProperty<SessionRequest, RequestRecord | null>('sealed-session.request-record')

  /** Symbol of the property, for all requests to be made with it. */
  get symbol (): symbol { return this.#records.symbol }

  begin (request: SessionRequest, beganAt: number, sequence: number, order: number): void {
    this.#records.set(request, { beganAt, sequence, order, own: null })
  }

  /** Null for a request that was answered before the plugin's hook. */
  of (request: SessionRequest | undefined): RequestRecord | null {
    return request === undefined ? null : this.#records.get(request) ?? null
  }
}

/** State of a session in one request. */
export interface RequestState {
  /** The session that the request brought, revoked or not; null if it brought none. */
  brought: Identity | null
  /** Seconds of its own lifetime as it was brought: its entry must not live shorter. Null for none. */
  lifetime: number | null
  /** The same if it was not revoked when it came in; null otherwise. */
  opened: Identity | null
  /** Session that it goes on from; null if it began in this request, with nothing of an earlier one. */
  from: Identity | null
  /** False until it is known whether it is revoked. */
  isChecked: boolean
  /** Milliseconds since 1970 at which it was checked last. */
  checkedAt: number
  /** Error for which it could not be checked. */
  failure: unknown
  /** Ids that this request has ended. */
  ended: Buffer[]
  /** Its revocations in this request that are not stored yet. */
  pending: Array<Promise<void>>
  /** Session that this request has begun another in the place of, if it goes on under another id, bound to a device; null for none. */
  superseded: { id: Buffer, lifetime: number | null } | null
  /** True if somebody else had revoked a session that this request ended. */
  wasRevoked: boolean
  /** True if it was found to be revoked after it had been let in. */
  isRefused: boolean
  /** True if this request has ended it by `delete()`: a login that follows is meant. */
  isLoggedOut: boolean
}

export function newRequestState (): RequestState {
  return { brought: null, lifetime: null, opened: null, from: null, isChecked: true, checkedAt: 0, failure: null, ended: [], pending: [], superseded: null, wasRevoked: false, isRefused: false, isLoggedOut: false }
}

/** Notes the stamp that a user has just got, if an identity is that user's. */
export function noteStamp (held: Identity | null | undefined, user: Identity, stamp: Buffer): void {
  if (held != null && userOf(held) === userOf(user)) Object.assign(held, { stamp })
}
