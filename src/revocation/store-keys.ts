import { remember } from './answer-cache.ts'
import { sodium } from '#sodium'
import { CLOCK_TOLERANCE } from '../token/lifetime.ts'

// Keys of the store, and the number of each:
//
//   sealed-session:revoked:<id>     time since which a session is revoked; 10^15 + time from which on it is
//   sealed-session:logout:<id>      time since which its user is logged out, for an hour: nothing took its place
//   sealed-session:subject:<hash>   time up to which the sessions of a subject began that are revoked
//   sealed-session:all              the same for all sessions
//   sealed-session:latest           the latest of all times under `subject:`, or a later one
//   sealed-session:once:<hash>      1 for an id that was used
//
// Times are in milliseconds since 1970. They only grow. A subject may be an e-mail address, so only its hash
// is stored: a reader of the store can still try whether it is a certain one.

export const ALL = 'sealed-session:all'
export const LATEST = 'sealed-session:latest'

const ONCE = 'sealed-session:once:'
const SUBJECT = 'sealed-session:subject:'
const LOGOUT = 'sealed-session:logout:'

export function idKey (id: Buffer): string {
  return `sealed-session:revoked:${id.toString('base64url')}`
}

/** A key of its own: were it one with `idKey`, a regenerate() in another process could overwrite a logout. */
export function logoutKey (id: Buffer): string {
  return LOGOUT + id.toString('base64url')
}

export function isLogoutKey (key: string): boolean {
  return key.startsWith(LOGOUT)
}

/** Hash of a subject, in base64url. */
export function hashOf (subject: string): string {
  return sodium().hash(Buffer.from(subject)).toString('base64url')
}

export function keyOfHash (hash: string): string {
  return SUBJECT + hash
}

/** Longest subject that is kept in memory, in characters: longer ones are rare, and would take much of it. */
const MAX_KEPT_LENGTH = 100

export function isShort (subject: string): boolean {
  return subject.length <= MAX_KEPT_LENGTH
}

/** Cache of the keys of subjects: each request asks for one, and to make the hash takes much longer than to find it here. */
const subjectKeys = new Map<string, string>()

export function subjectKey (subject: string): string {
  const kept = subjectKeys.get(subject)
  if (kept !== undefined) return kept
  const key = keyOfHash(hashOf(subject))
  if (isShort(subject)) remember(subjectKeys, subject, key)
  return key
}

/** Keys of the times that count for sessions of these subjects, or of nobody. */
export function epochKeysOf (subjects: readonly string[]): string[] {
  return [ALL, ...subjects.map(subjectKey)]
}

/** A hash, since an id may open something for as long as it was not used. */
export function onceKey (id: string): string {
  return ONCE + sodium().hash(Buffer.from(id)).toString('base64url')
}

export function isOnceKey (key: string): boolean {
  return key.startsWith(ONCE)
}

export function isSubjectKey (key: string): boolean {
  return key.startsWith(SUBJECT)
}

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
