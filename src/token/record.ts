import type { Data } from '../data/data.ts'
import { kindOf, fail } from '../errors.ts'
import type { Claims } from './claims.ts'
import type { DerivedKey } from '../keys/key-set.ts'
import { type Times, toWholeSeconds } from './lifetime.ts'
import type { Format, RefusalReason } from '../types.ts'

/** Length of a session's id, if sessions have to be told apart. */
export const SESSION_ID_BYTES = 16

/**
 * Record of a session, as a token carries it. Never changed, its data excepted: a write makes another one. The data
 * belongs to one session, which writes to it: to copy it would take a seventh of the time of a write.
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
  /** Values that extensions keep inside the seal. Absent if they keep nothing. */
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

/** A record that was written at another time, in milliseconds since 1970. As each write does it, without an object of changes. */
export function recordWrittenAt (record: SessionRecord, writtenAt: number): SessionRecord {
  const { data, createdAt, lifetime, cookieMaxAge, id, place, claims } = record
  return withRare({ data, writtenAt, createdAt, lifetime, cookieMaxAge, id }, place, claims)
}

/** A record with the fields that few have. All others have one shape. */
export function withRare (record: SessionRecord, place: Readonly<Place> | null | undefined, claims: Claims | null | undefined): SessionRecord {
  if (!place && !claims) return record
  return { ...record, ...(place && { place }), ...(claims && { claims }) }
}

/** Key that opened a token; to a session it is something to ask the keyring about. */
export type OpeningKey = DerivedKey

/** Facts of the device of a session, as its request told them. Times are in milliseconds since 1970. */
export interface DeviceFacts {
  /** Proof of the device that the session is bound to; null without one. */
  readonly proof: { readonly boundAt: number, readonly provenAt: number, readonly until: number } | null
  /** Reason that the browser gave for coming without a proof. Anybody can send it. */
  readonly skipped: 'unreachable' | 'server_error' | 'quota_exceeded' | null
  /** Id that it has in its token, if it has got another since it was sealed: it was bound meanwhile. */
  readonly idBefore?: Buffer
  /** True for a proof that is of no use: the browser gets another one only without it. */
  readonly isWrong: boolean
}

/** A token that opened. */
interface OpenedFrom { ok: true, key: OpeningKey, format: Format, stale: boolean, device?: DeviceFacts }

/** Token that a session was opened from, or that was refused so that it began empty; null if there was none. */
export type Origin =
  | OpenedFrom & { others?: ReadonlyArray<OpenedFrom & { record: SessionRecord }> }
  | { ok: false, reason: RefusalReason, device?: DeviceFacts }
  | null

/** Result of a format for a token. */
export type FormatOpened<Key, Refusal> =
  /** `text` is the payload, for a cache; null if that is where it comes from. */
  | { ok: true, record: SessionRecord, key: Key, text: string | null }
  | { ok: false, reason: Refusal }

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
    if (!fits(name, value)) throw fail('OPTION_INVALID', [name, `text that a cookie can have, of at most ${MAX_PLACE_LENGTH} characters`, kindOf(value)])
    place = { ...place, [name]: value }
  }
  return place
}

function fits (name: keyof Place, value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && RULES[name].test(value))
}
