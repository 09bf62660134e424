// How long a session lives. Pure: the time comes in as an argument, in milliseconds as Date.now()
// gives it; what is stored in a token is in seconds.

/** Seconds after its last write that a session stays valid, unless the options say otherwise. */
export const DEFAULT_EXPIRY = 86401

/**
 * How far in the future a token's time may lie, in seconds. Servers that share a key have clocks
 * that differ a little; a token from further ahead would outlive its expiry by as much.
 */
export const CLOCK_TOLERANCE = 60

/**
 * Seconds that any session lives at most after its last write, unless the options say otherwise: as
 * long as browsers keep a cookie.
 */
export const DEFAULT_MAX_EXPIRY = 400 * 86_400

/** The longest lifetime that a token can say, in seconds: what the four bytes of a sealed one hold. */
export const MAX_SECONDS = 2 ** 32 - 1

export type LifetimeRefusal = 'time-in-future' | 'expired'

/** The time in whole seconds, rounded as the peer does. */
export function toSeconds (nowMs: number): number {
  return Math.round(nowMs / 1000)
}

/** The last date that there is, in milliseconds since 1970; the first is as far before. */
const LAST_DATE = 8.64e15

/** A time as a date, rounded to the millisecond; one beyond the first or the last date is that date. */
export function toDate (milliseconds: number): Date {
  return new Date(Math.min(Math.max(Math.round(milliseconds), -LAST_DATE), LAST_DATE))
}

/** What a session's token says of its life. */
export interface Times {
  /** Milliseconds since 1970; null where the token does not say. */
  created: number | null
  /** Seconds since 1970. */
  lastWrite: number
  /** Seconds that this one session lives after its last write; null where the options decide. */
  lifetime: number | null
}

/** What the options say of it, in seconds. */
export interface Limits {
  expiry: number
  /** The most that a session lives after its last write, whatever its token says; no limit where it is left out. */
  maxExpiry?: number | undefined
  /** Since a session was created; null for no limit. */
  absoluteTimeout: number | null
}

/** When a session ends, in seconds since 1970, if nothing is written. */
export function endOf (times: Times, limits: Limits): number {
  const { absoluteTimeout } = limits
  const end = times.lastWrite + lifetimeOf(times, limits)
  return absoluteTimeout === null ? end : Math.min(end, createdAt(times) + absoluteTimeout)
}

/** Seconds that a session lives after its last write. */
export function lifetimeOf ({ lifetime }: Times, { expiry, maxExpiry = Infinity }: Limits): number {
  return Math.min(lifetime ?? expiry, maxExpiry)
}

/** A lifetime as a token may say it. Up to a whole second, which is all that a token holds: `endOf` is exact. */
export function boundLifetime (lifetime: number | null, { maxExpiry = Infinity }: Limits): number | null {
  return lifetime === null ? null : Math.min(lifetime, Math.ceil(maxExpiry))
}

/** Where a token does not say when its session began, it is as old as its last write at least. */
function createdAt ({ created, lastWrite }: Times): number {
  return created === null ? lastWrite : created / 1000
}

/** Why a session is not valid now, or null where it is. */
export function lifetimeRefusal (times: Times, limits: Limits, nowMs: number): LifetimeRefusal | null {
  if (times.lastWrite * 1000 > nowMs + CLOCK_TOLERANCE * 1000) return 'time-in-future'
  return remaining(times, limits, nowMs) > 0 ? null : 'expired'
}

/** Seconds that are left of a session; not positive where it has expired. */
export function remaining (times: Times, limits: Limits, nowMs: number): number {
  return endOf(times, limits) - nowMs / 1000
}

/**
 * Whether a rolling session that is only read is due to be sealed again: once more than half of its
 * time has passed, so that few responses carry a cookie, and only if it then ends later.
 */
export function isDueForRenewal (times: Times, limits: Limits, nowMs: number): boolean {
  const age = nowMs / 1000 - times.lastWrite
  if (age <= lifetimeOf(times, limits) / 2) return false
  return endOf({ ...times, lastWrite: toSeconds(nowMs) }, limits) > endOf(times, limits)
}
