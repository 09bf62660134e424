import { kindOf, fail } from '../errors.ts'
import type { Session } from '../types.ts'
import type { SessionRevocationOptions } from './types.ts'

/** Subjects of one session, at most: each is a key of the store, which each check reads. */
const MAX_SUBJECTS = 16

/** Longest subject, in characters: each check makes a hash of it. */
const MAX_LENGTH = 1024

/** Reader of a session's subjects, the first of which is its user; none if it is nobody's. */
export type SubjectsReader = (session: Session) => readonly string[]

const NOBODY: readonly string[] = Object.freeze([])

/** Reader that checks the result of the app's `subject`; null if the app has none. */
export function subjectsReader (subject: SessionRevocationOptions['subject']): SubjectsReader | null {
  if (subject === undefined) return null
  return session => {
    const value: unknown = subject(session)
    if (typeof value === 'string') return [checkedSubject(value)]
    if (value === undefined || value === null) return NOBODY
    return Array.isArray(value) ? checkedSubjects(value) : [checkedSubject(value)]
  }
}

/** @throws `FST_SEALED_SESSION_SUBJECT_TYPE`, `FST_SEALED_SESSION_SUBJECT_LIMIT` */
function checkedSubjects (subjects: readonly unknown[]): readonly string[] {
  if (subjects.length > MAX_SUBJECTS) throw fail('SUBJECT_LIMIT', [MAX_SUBJECTS, MAX_LENGTH, `${subjects.length} subjects`])
  return Array.from(subjects, checkedSubject) // a copy, and of holes `undefined`
}

/**
 * @throws `FST_SEALED_SESSION_SUBJECT_TYPE`: `42` and `'42'` must not be two users.
 * `FST_SEALED_SESSION_SUBJECT_LIMIT`
 */
export function checkedSubject (subject: unknown): string {
  if (typeof subject !== 'string' || subject === '') throw fail('SUBJECT_TYPE', [subject === '' ? 'empty text' : kindOf(subject)])
  if (subject.length > MAX_LENGTH) throw fail('SUBJECT_LIMIT', [MAX_SUBJECTS, MAX_LENGTH, `${subject.length} characters`])
  return subject
}
