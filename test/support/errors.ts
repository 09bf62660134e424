import { type ErrorCode, ERRORS, type ErrorName } from '../../src/error-table.ts'

/** Codes of all errors that this package throws. */
export const CODES = Object.keys(ERRORS).map(name => `FST_SEALED_SESSION_${name}` as ErrorCode)

/** Row of an error in the table. */
export function rowOf (code: string): (typeof ERRORS)[ErrorName] {
  return ERRORS[code.replace('FST_SEALED_SESSION_', '') as ErrorName]
}
