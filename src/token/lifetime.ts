// Life of a session. Pure: the time comes in as an argument. Times are in milliseconds since 1970, as
// Date.now() gives them; durations in options and tokens are in seconds.

/** Seconds that a session stays valid after its last write, unless the options say otherwise. */
export const DEFAULT_EXPIRY = 86401

/**
 * Seconds that a token's time may lie in the future. Servers that share a key have clocks that differ a
 * little; a token from further ahead would outlive its expiry by as much.
 */
export const CLOCK_TOLERANCE = 60

/**
 * Seconds that any session lives at most after its last write, unless the options say otherwise: as
 * long as browsers keep a cookie.
 */
export const DEFAULT_MAX_EXPIRY = 400 * 86_400

/** The longest lifetime that a token can say, in seconds: the most that the four bytes of a sealed one hold. */
export const MAX_SECONDS = 2 ** 32 - 1

export type LifetimeRefusal = 'time-in-future' | 'expired'

/** A time in milliseconds, rounded to the second as @fastify/secure-session does. */
export function toWholeSeconds (now: number): number {
  return Math.round(now / 1000) * 1000
}

/** The last date that there is, in milliseconds since 1970; the first is as far before. */
const LAST_DATE = 8.64e15

/** A time as a date, rounded to the millisecond; one beyond the first or the last date is that date. */
export function toDate (milliseconds: number): Date {
  return new Date(Math.min(Math.max(Math.round(milliseconds), -LAST_DATE), LAST_DATE))
}

/** Times of a session, as its token has them. */
export interface Times {
  /** Milliseconds since 1970; null if the token does not say. */
  readonly createdAt: number | null
  /** The last write, in milliseconds since 1970. */
  readonly writtenAt: number
  /** Seconds that this one session lives after its last write; null if the options decide. */
  readonly lifetime: number | null
}

/** Limits of a session's life from the options, in seconds. */
export interface Limits {
  expiry: number
  /** The most that a session lives after its last write, whatever its token says; no limit if it is left out. */
  maxExpiry?: number | undefined
  /** Longest life since a session was created; null for no limit. */
  absoluteTimeout: number | null
}

/** Time at which a session ends, in milliseconds since 1970, if nothing is written. */
export function endOf (times: Times, limits: Limits): number {
  const { absoluteTimeout } = limits
  const end = times.writtenAt + lifetimeOf(times, limits) * 1000
  // If a token does not say when its session began, it is as old as its last write at least.
  return absoluteTimeout === null ? end : Math.min(end, (times.createdAt ?? times.writtenAt) + absoluteTimeout * 1000)
}

/** Seconds that a session lives after its last write. */
export function lifetimeOf ({ lifetime }: Times, { expiry, maxExpiry = Infinity }: Limits): number {
  return Math.min(lifetime ?? expiry, maxExpiry)
}

/**
 * Lifetime as a token may say it. Rounded up to a whole second, which is all that a token holds: `endOf` is
 * exact.
 */
export function boundLifetime (lifetime: number | null, { maxExpiry = Infinity }: Limits): number | null {
  return lifetime === null ? null : Math.min(lifetime, Math.ceil(maxExpiry))
}

/** Reason for which a session is not valid now; null if it is. @param now milliseconds since 1970. */
export function lifetimeRefusal (times: Times, limits: Limits, now: number): LifetimeRefusal | null {
  if (times.writtenAt > now + CLOCK_TOLERANCE * 1000) return 'time-in-future'
  return endOf(times, limits) > now ? null : 'expired'
}

/**
 * True if a rolling session that is only read is due to be sealed again: once more than half of its time has
 * passed, so that few responses carry a cookie, and only if it then ends later.
 */
export function isDueForRenewal (times: Times, limits: Limits, now: number): boolean {
  if (now - times.writtenAt <= lifetimeOf(times, limits) * 500) return false
  return endOf({ ...times, writtenAt: toWholeSeconds(now) }, limits) > endOf(times, limits)
}
