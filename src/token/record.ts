import type { Data } from '../data/data.ts'
import { kindOf, sealedSessionError } from '../errors.ts'
import type { Claims } from './claims.ts'
import type { DerivedKey } from '../keys/key-set.ts'
import type { Format, RefusalReason } from '../types.ts'

/** Length of a session's id, if sessions have to be told apart. */
export const SESSION_ID_BYTES = 16

/**
 * Record of a session, as a token carries it. Never changed: a write makes another one, so that a record may
 * be shared, and the data that came in stays known.
 */
export interface SessionRecord extends Times {
  /** Written to by the session alone that it belongs to. */
  readonly data: Readonly<Data>
  /** `Max-Age` of this session's cookie, in seconds; null if the options decide. */
  readonly cookieMaxAge: number | null
  /** `SESSION_ID_BYTES` random bytes; null if sessions are not told apart. */
  readonly id: Buffer | null
  /** Absent if the options decide, as they nearly always do. */
  readonly place?: Readonly<Place>
  /** What extensions keep inside the seal. Absent if they keep nothing. */
  readonly claims?: Claims
}

/** Changes of a record. */
export type RecordChanges = Partial<Omit<SessionRecord, 'claims'>> & {
  /** Null for none from here on. */
  readonly claims?: Claims | null
}

/** The record of a session that begins now. @param now milliseconds since 1970. */
export function newRecord (data: Data, now: number): SessionRecord {
  return { data, writtenAt: toWholeSeconds(now), createdAt: now, lifetime: null, cookieMaxAge: null, id: null }
}

/** A record with some of it changed. Each property by itself: to spread two objects takes as long as to encrypt a small session. */
export function recordWith (record: SessionRecord, changes: RecordChanges): SessionRecord {
  const { createdAt = record.createdAt, lifetime = record.lifetime, cookieMaxAge = record.cookieMaxAge, id = record.id } = changes
  const next = { data: changes.data ?? record.data, writtenAt: changes.writtenAt ?? record.writtenAt, createdAt, lifetime, cookieMaxAge, id }
  const { place = record.place, claims = record.claims } = changes
  return withRare(next, place, claims)
}

/** A record with the fields that few have. All others have one shape. */
export function withRare (record: SessionRecord, place: Readonly<Place> | null | undefined, claims: Claims | null | undefined): SessionRecord {
  if (!place && !claims) return record
  return { ...record, ...(place && { place }), ...(claims && { claims }) }
}

/** Key that opened a token; to a session it is something to ask the keyring about. */
export type OpeningKey = DerivedKey

/** A token that opened. */
interface OpenedFrom { ok: true, key: OpeningKey, format: Format, stale: boolean }

/** Token that a session was opened from, or that was refused so that it began empty; null if there was none. */
export type Origin =
  | OpenedFrom & { others?: ReadonlyArray<OpenedFrom & { record: SessionRecord }> }
  | { ok: false, reason: RefusalReason }
  | null

/** Result of a format for a token. */
export type FormatOpened<Key, Refusal> =
  | { ok: true, record: SessionRecord, key: Key }
  | { ok: false, reason: Refusal }

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

/** Place of a session's cookie, if the session has one of its own: a cookie elsewhere is another cookie. */
export interface Place {
  domain?: string
  path?: string
}

/** Longest domain or path, in characters: a token has one byte for each length. */
const MAX_PLACE_LENGTH = 255

const RULES = { domain: /^[a-z\d.-]{1,255}$/i, path: /^[\x20-\x3a\x3c-\x7e]{1,255}$/ }

/** True for a place that a cookie can be written with. */
export function isPlace ({ domain, path }: { domain?: unknown, path?: unknown }): boolean {
  return fits('domain', domain) && fits('path', path)
}

/**
 * Place that attributes name; attributes that they leave out are as before.
 * @throws `FST_SEALED_SESSION_OPTION_INVALID`
 */
export function placeOf (attributes: { readonly domain?: unknown, readonly path?: unknown }, before: Place | undefined): Place | undefined {
  let place = before
  for (const name of ['domain', 'path'] as const) {
    const value = attributes[name]
    if (value === undefined || value === null || value === '') continue
    if (!fits(name, value)) throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', [name, `text that a cookie can have, of at most ${MAX_PLACE_LENGTH} characters`, kindOf(value)])
    place = { ...place, [name]: value }
  }
  return place
}

function fits (name: keyof Place, value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && RULES[name].test(value))
}
