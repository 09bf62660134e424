import { kindOf, sealedSessionError } from '../errors.ts'
import type { Session } from '../types.ts'
import type { SessionRevocationOptions } from './types.ts'

/** Reads whose a session is; undefined where it is nobody's. */
export type SubjectReader = (session: Session) => string | undefined

/** A reader that checks what the app's `subject` returns; null where the app has none. */
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
