import { kindOf, sealedSessionError } from '../errors.ts'
import type { Session } from '../types.ts'
import type { SessionRevocationOptions } from './types.ts'

/** Reader of a session's subject; undefined if it is nobody's. */
export type SubjectReader = (session: Session) => string | undefined

/** Reader that checks the result of the app's `subject`; null if the app has none. */
export function subjectReader (subject: SessionRevocationOptions['subject']): SubjectReader | null {
  if (subject === undefined) return null
  return session => {
    const value: unknown = subject(session)
    return value === undefined || value === null ? undefined : checkedSubject(value)
  }
}

/** @throws `FST_SEALED_SESSION_SUBJECT_TYPE`: `42` and `'42'` must not be two users. */
export function checkedSubject (subject: unknown): string {
  if (typeof subject === 'string' && subject !== '') return subject
  throw sealedSessionError('FST_SEALED_SESSION_SUBJECT_TYPE', [subject === '' ? 'empty text' : kindOf(subject)])
}
