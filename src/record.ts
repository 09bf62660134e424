import type { Data } from './data/data.ts'
import { toWholeSeconds, type Times } from './lifetime.ts'
import type { DerivedKey } from './keys/derived-key.ts'
import type { Place } from './place.ts'
import type { Format, RefusalReason } from './types.ts'

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
}

/** The record of a session that begins now. @param now milliseconds since 1970. */
export function newRecord (data: Data, now: number): SessionRecord {
  return { data, writtenAt: toWholeSeconds(now), createdAt: now, lifetime: null, cookieMaxAge: null, id: null }
}

/** A record with some of it changed. Each property by itself: to spread two objects takes as long as to encrypt a small session. */
export function recordWith (record: SessionRecord, changes: Partial<SessionRecord>): SessionRecord {
  const { createdAt = record.createdAt, lifetime = record.lifetime, cookieMaxAge = record.cookieMaxAge, id = record.id, place = record.place } = changes
  const next = { data: changes.data ?? record.data, writtenAt: changes.writtenAt ?? record.writtenAt, createdAt, lifetime, cookieMaxAge, id }
  return place === undefined ? next : { ...next, place }
}

/** Key that opened a token; to a session it is something to ask the keyring about. */
export type OpeningKey = DerivedKey

/** A token that opened. */
interface OpenedFrom { ok: true, key: OpeningKey, keyId: string, format: Format, stale: boolean }

/** Token that a session was opened from, or that was refused so that it began empty; null if there was none. */
export type Origin =
  | OpenedFrom & { others?: ReadonlyArray<OpenedFrom & { record: SessionRecord }> }
  | { ok: false, reason: RefusalReason }
  | null

/** Result of a format for a token. */
export type FormatOpened<Key, Refusal> =
  | { ok: true, record: SessionRecord, key: Key }
  | { ok: false, reason: Refusal }
