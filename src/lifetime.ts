// How long a session lives. Pure: the time comes in as an argument, in milliseconds as Date.now()
// gives it; what is stored in a token is in seconds.

/** Seconds after its last write that a session stays valid, unless the options say otherwise. */
export const DEFAULT_EXPIRY = 86401

/**
 * How far in the future a token's time may lie, in seconds. Servers that share a key have clocks
 * that differ a little; a token from further ahead would outlive its expiry by as much.
 */
export const CLOCK_TOLERANCE = 60

export type LifetimeRefusal = 'time-in-future' | 'expired'

/** The time in whole seconds, rounded as the peer does. */
export function toSeconds (nowMs: number): number {
  return Math.round(nowMs / 1000)
}

/** The last date that there is, in milliseconds since 1970. */
const LAST_DATE = 8.64e15

/** A time as a date, rounded to the millisecond; an expiry beyond the last date is that date. */
export function toDate (milliseconds: number): Date {
  return new Date(Math.min(Math.round(milliseconds), LAST_DATE))
}

/** Why a session that was last written at `lastWrite` is not valid now, or null where it is. */
export function lifetimeRefusal (lastWrite: number, expiry: number, nowMs: number): LifetimeRefusal | null {
  if (lastWrite * 1000 > nowMs + CLOCK_TOLERANCE * 1000) return 'time-in-future'
  return remaining(lastWrite, expiry, nowMs) > 0 ? null : 'expired'
}

/** Seconds that are left of a session; not positive where it has expired. */
export function remaining (lastWrite: number, expiry: number, nowMs: number): number {
  return lastWrite + expiry - nowMs / 1000
}
