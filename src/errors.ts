import { errorRow } from '#error-texts'
import { createError } from '#runtime'
import type { ErrorCode, ErrorName } from './error-table.ts'

export type { ErrorCode, ErrorName } from './error-table.ts'

/** An error of this package: `code` to decide by, `hint` to read. */
export interface SealedSessionError extends Error {
  code: ErrorCode
  statusCode: number
  /** Advice on what to do about it. */
  hint: string
}

type Constructor = new (...values: unknown[]) => SealedSessionError

/** Made when they are first needed: an app that starts well needs none. */
const constructors = new Map<string, Constructor>()

function constructorOf (name: ErrorName, message: string, statusCode: number): Constructor {
  const known = constructors.get(name + message)
  if (known !== undefined) return known
  const made = createError(`FST_SEALED_SESSION_${name}`, message, statusCode, statusCode === 500 ? TypeError : Error) as unknown as Constructor
  constructors.set(name + message, made)
  return made
}

/**
 * Makes an error of the table, to be thrown.
 * @param values fill the places of the message; types, names and lengths only.
 * @param detail goes before the advice in the hint.
 * @param cause value that was thrown, if any. It may hold anything, keys and data too: it is not enumerable, so that
 *   a logger which copies the properties of an error leaves it out.
 */
export function fail (name: ErrorName, values: readonly unknown[] = [], { detail = '', cause }: { detail?: string | undefined, cause?: unknown } = {}): SealedSessionError {
  const [message, advice, statusCode = 500] = errorRow(name, values.length)
  const error = new (constructorOf(name, message, statusCode))(...values)
  error.hint = detail === '' ? advice : `${detail} ${advice}`
  if (cause !== undefined) Object.defineProperty(error, 'cause', { value: cause, writable: true, configurable: true })
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
