import type { Found, Judge, Refused } from '../cookies/candidates.ts'
import type { BroughtCookies } from '../cookies/read.ts'
import type { SessionDevices } from '../extension/extensible.ts'
import { idAfter } from '../session/id.ts'
import type { SessionState } from '../session/session.ts'
import { BINDING, type Claims, claimsWith, UNBOUND } from '../token/claims.ts'
import { isBound } from '../token/codec.ts'
import { toDate } from '../token/lifetime.ts'
import { type DeviceFacts, type RecordChanges, recordWith, type SessionRecord } from '../token/record.ts'
import { claimsUnboundSince, unboundSince } from '../token/unbound.ts'
import type { CookieRequest, DeviceInfo, RefusalReason } from '../types.ts'
import { type DeviceValues, type Proof, wholeTime } from './values.ts'

/** Milliseconds that a proof counts beyond its time: a browser counts from when it receives the cookie. */
const LEEWAY = 5000

export interface DevicesOptions {
  values: DeviceValues
  policy: 'prefer' | 'require' | 'off'
  /** Milliseconds. */
  interval: number
  /** Milliseconds. */
  grace: number
  /** Milliseconds; null for no limit. */
  unboundExpiry: number | null
  /** Proofs that a request brings, sealed, and their number, those with a wrong signature included. */
  proofsIn: (brought: BroughtCookies) => { count: number, values: readonly string[] }
}

/** Says which sessions open: a bound one only beside the proof of its device. */
export class Devices implements SessionDevices {
  readonly #options: DevicesOptions
  readonly #offered = new WeakSet<SessionState>()
  readonly #ignored = new WeakSet<SessionState>()

  constructor (options: DevicesOptions) {
    this.#options = options
  }

  judgeOf (request: CookieRequest | null): Judge {
    // Opened once a request, however many cookies of the session it brings.
    let brought: Brought | null = null
    const once = (): Brought => {
      brought ??= this.#broughtBy(request)
      return brought
    }
    return found => this.#judge(found, request, once)
  }

  #judge (found: Found, request: CookieRequest | null, brought: () => Brought): Found | Refused {
    const { record } = found
    const binding = record.claims?.get(BINDING)
    if (this.#options.policy === 'off') return this.#unbind(found, request)
    const { proofs, count } = brought()
    for (const proof of proofs) {
      const bound = boundBy(record, proof)
      if (bound === record) return { ...found, device: factsOf(proof) }
      if (bound !== null) return { ...found, record: bound, stale: true, device: { ...factsOf(proof), ...(record.id !== null && { idBefore: record.id }) } }
    }
    if (binding !== undefined) return { ok: false, reason: 'device-unproven', device: { proof: null, skipped: skippedIn(request), isWrong: count > 0 } }
    const reason = this.unboundRefusal(record)
    if (reason !== null) return { ok: false, reason }
    return count === 0 ? found : { ...found, device: { proof: null, skipped: null, isWrong: true } }
  }

  /** A proof that is left would bind the session to what the browser has dropped, as soon as the policy is another. */
  #unbind (found: Found, request: CookieRequest | null): Found {
    const { record } = found
    const isWrong = request !== null && this.#options.proofsIn(broughtIn(request)).count > 0
    const unbound = isBound(record) ? { ...found, record: recordWith(record, { claims: claimsWith(record.claims, BINDING, null) ?? null }), stale: true } : found
    return isWrong ? { ...unbound, device: { proof: null, skipped: null, isWrong } } : unbound
  }

  #broughtBy (request: CookieRequest | null): Brought {
    if (request === null) return { proofs: [], count: 0 }
    const now = Date.now()
    const { values, count } = this.#options.proofsIn(broughtIn(request))
    return { proofs: values.flatMap(value => this.#options.values.openProof(value, now, LEEWAY) ?? []), count }
  }

  /** Reason for which a session that is not bound does not open; null if it does. */
  unboundRefusal (record: SessionRecord): RefusalReason | null {
    const { policy, grace, unboundExpiry } = this.#options
    const age = Date.now() - unboundSince(record)
    if (unboundExpiry !== null && age >= unboundExpiry) return 'expired'
    return policy === 'require' && age >= grace ? 'device-required' : null
  }

  /**
   * Reason for which a session that has opened does not count any more. A request that a client holds open, by a body
   * that does not end, may be older than its proof: one interval longer is given to uploads that take that long.
   */
  refusal (state: SessionState): RefusalReason | null {
    const { origin, device, claims } = state
    if (this.#options.policy === 'off') return null
    if (origin?.ok === false) return origin.reason === 'device-unproven' ? origin.reason : null
    if (claims?.has(BINDING) === true) return Date.now() >= (device?.proof?.until ?? Infinity) + this.#options.interval ? 'device-unproven' : null
    return origin === null ? null : this.unboundRefusal(state.record())
  }

  infoOf (state: SessionState): DeviceInfo {
    return infoOf(isUnproven(state), state.claims, state.device)
  }

  /** Time at which a session ends that is not bound, in milliseconds since 1970; Infinity for one that is. */
  unboundEnd (record: SessionRecord): number {
    return this.#options.policy === 'off' || isBound(record) ? Infinity : unboundSince(record) + this.#unboundLimit()
  }

  #unboundLimit (): number {
    const { policy, grace, unboundExpiry } = this.#options
    return Math.min(unboundExpiry ?? Infinity, policy === 'require' ? grace : Infinity)
  }

  goOn (before: SessionRecord, { claims }: SessionRecord, isProven: boolean): RecordChanges {
    if (isProven) return { claims: claimsWith(claims, UNBOUND, null) ?? null }
    // A token that nobody looks at for this is no longer than it was.
    return isBound(before) || this.#unboundLimit() === Infinity ? {} : { claims: claimsUnboundSince(claims, unboundSince(before)) ?? null }
  }

  ignore (state: SessionState): void {
    if (isUnproven(state)) this.#ignored.add(state)
  }

  /** True if nobody was asked to prove it, also after `regenerate()`: it must get into no request. */
  isIgnored (state: SessionState): boolean {
    return this.#ignored.has(state)
  }

  offer (state: SessionState): void {
    this.#offered.add(state)
  }

  /** True if the app has asked for an offer. */
  isOffered (state: SessionState): boolean {
    return this.#offered.has(state)
  }
}

interface Brought {
  proofs: readonly Proof[]
  count: number
}

/** True for a session that was refused for want of a proof, or that was opened without being asked for one. */
function isUnproven ({ origin, claims, device }: SessionState): boolean {
  return origin?.ok === false ? origin.reason === 'device-unproven' : claims?.has(BINDING) === true && !device?.proof
}

/** Device of a session. @param isUnproven true for one that came without a proof, though it is bound. */
export function infoOf (isUnproven: boolean, claims: Claims | undefined, { proof = null, skipped = null }: Partial<DeviceFacts> = {}): DeviceInfo {
  if (isUnproven) return { state: 'unproven', boundAt: null, provenAt: null, skipped }
  if (claims?.has(BINDING) !== true) return { state: 'unbound', boundAt: null, provenAt: null, skipped: null }
  const dateOf = (name: 'boundAt' | 'provenAt'): Date | null => proof === null ? null : toDate(proof[name])
  return { state: 'bound', boundAt: dateOf('boundAt'), provenAt: dateOf('provenAt'), skipped: null }
}

/**
 * A session as a binding has it: itself if it was sealed with that, null if the binding is another session's. One that was
 * sealed by a slow response from before the binding, or bound by a registration that came without a cookie, is bound here.
 */
export function boundBy (record: SessionRecord, { binding, created }: Pick<Proof, 'binding' | 'created'>): SessionRecord | null {
  const own = record.claims?.get(BINDING)
  if (own === undefined) return record.createdAt !== null && created === wholeTime(record.createdAt) && mayBecome(record.id, binding) ? boundTo(record, binding, binding) : null
  if (own.equals(binding)) return record
  // The identifier was renewed meanwhile.
  return idAfter(own).equals(binding) ? boundTo(record, binding, record.id === null ? null : idAfter(record.id)) : null
}

/**
 * True for the binding of a session with this id, which may have been renewed once since. Another session may have begun in
 * the same millisecond: its proof must not give a copy that is revoked a new id.
 */
function mayBecome (id: Buffer | null, binding: Buffer): boolean {
  if (id === null) return true // nothing else is known of it
  const after = idAfter(id)
  return after.equals(binding) || idAfter(after).equals(binding)
}

/** A session that is bound. It has another id, if sessions are told apart: that of copies from before is revoked. */
function boundTo (record: SessionRecord, binding: Buffer, id: Buffer | null): SessionRecord {
  return recordWith(record, { claims: claimsWith(claimsWith(record.claims, UNBOUND, null), BINDING, binding) ?? null, ...(record.id !== null && id !== null && { id }) })
}

function broughtIn ({ headers, cookies }: CookieRequest): BroughtCookies {
  return { header: headers.cookie, parsed: cookies ?? null }
}

function factsOf ({ boundAt, provenAt, until }: Proof): DeviceFacts {
  return { proof: { boundAt, provenAt, until }, skipped: null, isWrong: false }
}

const SKIPPED = ['unreachable', 'server_error', 'quota_exceeded'] as const

/** Reason that a browser gives for coming without a proof. */
function skippedIn (request: CookieRequest | null): DeviceFacts['skipped'] {
  const header = (request?.headers as Record<string, unknown> | undefined)?.['secure-session-skipped']
  return SKIPPED.find(reason => typeof header === 'string' && (header === reason || header.startsWith(`${reason};`))) ?? null
}
