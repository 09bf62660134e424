import type { Data } from './data.ts'
import { toSeconds } from './lifetime.ts'
import type { Format } from './types.ts'

/** What a token holds. */
export interface Content {
  data: Data
  /** Time of the last write, in seconds since 1970. */
  lastWrite: number
  /** When the session was created, in milliseconds since 1970; null where its token does not say. */
  created: number | null
  /** Seconds that this session lives after its last write; null where the options decide. */
  lifetime: number | null
  /** `Max-Age` of this session's cookie, in seconds; null where the options decide. */
  maxAge: number | null
  /** 16 bytes, or null where sessions are not told apart. */
  id: Buffer | null
}

export type { Format }

/** What a session holds that begins now. @param now milliseconds since 1970. */
export function newContent (data: Data, now: number): Content {
  return { data, lastWrite: toSeconds(now), created: now, lifetime: null, maxAge: null, id: null }
}

/** What a format found in a token. */
export type FormatOpened<Key, Refusal> =
  | { ok: true, content: Content, key: Key }
  | { ok: false, reason: Refusal }
