import createError from '@fastify/error'
import { ERRORS } from './error-table.ts'

export type ErrorCode = keyof typeof ERRORS

/** An error of this package: `code` to decide by, `hint` to read. */
export interface SealedSessionError extends Error {
  code: ErrorCode
  statusCode: number
  /** Advice on what to do about it. */
  hint: string
}

type Constructor = new (...values: unknown[]) => Error & { code: string, statusCode?: number }

const constructors = new Map<ErrorCode, Constructor>()
for (const code of Object.keys(ERRORS) as ErrorCode[]) {
  const { message, statusCode = 500 }: { message: string, statusCode?: number } = ERRORS[code]
  constructors.set(code, createError(code, message, statusCode, statusCode === 500 ? TypeError : Error) as unknown as Constructor)
}

/**
 * An error of the table.
 * @param values fill the message's places; types, names and lengths only.
 * @param detail goes before the advice in the hint.
 */
export function sealedSessionError (code: ErrorCode, values: readonly unknown[] = [], detail = ''): SealedSessionError {
  const SealedSessionError = constructors.get(code)! // every code has one, see above
  const error = new SealedSessionError(...values) as SealedSessionError
  error.hint = detail === '' ? ERRORS[code].advice : `${detail} ${ERRORS[code].advice}`
  return error
}

/** Kind of a value, in words that give nothing of it away. */
export function kindOf (value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : String(value)
  if (typeof value === 'undefined' || typeof value === 'boolean') return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
