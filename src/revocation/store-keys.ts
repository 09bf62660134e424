import { sodium } from '../crypto/sodium.ts'

// The keys of the store, and the number that each has:
//
//   sealed-session:revoked:<id>     since when a session is revoked; 1 if regenerate() has put another in its place
//   sealed-session:subject:<hash>   up to when the sessions of a subject began that are revoked
//   sealed-session:all              the same for all sessions
//   sealed-session:latest           the latest of all times under `subject:`, or a later one
//
// Times are in milliseconds since 1970. They only grow. A subject may be an e-mail address, so only
// its hash is stored: who reads the store can still try whether it is a certain one.

export const ALL = 'sealed-session:all'
export const LATEST = 'sealed-session:latest'

const SUBJECT = 'sealed-session:subject:'

export function idKey (id: Buffer): string {
  return `sealed-session:revoked:${id.toString('base64url')}`
}

export function subjectKey (subject: string): string {
  return SUBJECT + sodium().hash(Buffer.from(subject)).toString('base64url')
}

/** The keys of the times that count for sessions of a subject, or of nobody. */
export function epochKeysOf (subject: string | undefined): string[] {
  return subject === undefined ? [ALL] : [ALL, subjectKey(subject)]
}

export function isSubjectKey (key: string): boolean {
  return key.startsWith(SUBJECT)
}
