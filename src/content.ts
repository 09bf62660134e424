import type { Data } from './data/data.ts'
import { toSeconds, type Times } from './lifetime.ts'
import type { DerivedKey } from './keys/derived-key.ts'
import type { Place } from './place.ts'
import type { Format, RefusalReason } from './types.ts'

/** Length of what tells sessions apart, where something has to. */
export const SESSION_ID_BYTES = 16

/** What a token holds. */
export interface Content extends Times {
  data: Data
  /** `Max-Age` of this session's cookie, in seconds; null where the options decide. */
  maxAge: number | null
  /** `SESSION_ID_BYTES` random bytes, or null where sessions are not told apart. */
  id: Buffer | null
  /** Absent where the options decide, which is nearly always. */
  place?: Place
}

/** What a session holds that begins now. @param now milliseconds since 1970. */
export function newContent (data: Data, now: number): Content {
  return { data, lastWrite: toSeconds(now), created: now, lifetime: null, maxAge: null, id: null }
}

/** The key that opened a token; to a session it is something to ask the keyring about. */
export type OpeningKey = DerivedKey

/** A token that opened. */
interface OpenedFrom { ok: true, key: OpeningKey, keyId: string, format: Format, stale: boolean }

/** The token that a session was opened from, or that was refused so that it began empty; null where there was none. */
export type Origin =
  | OpenedFrom & { others?: ReadonlyArray<OpenedFrom & { content: Content }> }
  | { ok: false, reason: RefusalReason }
  | null

/** What a format found in a token. */
export type FormatOpened<Key, Refusal> =
  | { ok: true, content: Content, key: Key }
  | { ok: false, reason: Refusal }
