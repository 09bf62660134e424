import { CLOCK_TOLERANCE } from '../token/record.ts'

/** A hundred years, in seconds: as good as for ever, and a time that every store can take. */
const MOST = 100 * 365 * 86_400

/**
 * Life of a revocation's entry, in milliseconds. It may be forgotten when every token that it concerns has
 * expired by itself.
 *
 * Such a token was sealed before the revocation: afterwards nobody gets another one, since the session is
 * checked before it is sealed. So its last write is not later than the revocation, except by the difference
 * between clocks, and it ends one lifetime after that at the latest. That the session would have been touched
 * for ever had it not been revoked does not count.
 *
 * An absolute timeout ends it that long after the session was created, which is earlier still.
 * @param longest seconds: the longest lifetime that a token concerned can have.
 * @param absoluteTimeout seconds, or null for none.
 */
export function lifeOfEntries (longest: number, absoluteTimeout: number | null): number {
  const seconds = Math.min(longest, absoluteTimeout ?? Infinity, MOST) + CLOCK_TOLERANCE
  return Math.ceil(seconds * 1000)
}
