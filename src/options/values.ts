import { kindOf, sealedSessionError } from '../errors.ts'

// Options of simple types, read and checked.

export type Options = Readonly<Record<string, unknown>>

/**
 * A text. An empty one means the default, as in @fastify/secure-session. @throws
 * `FST_SEALED_SESSION_OPTION_INVALID`
 */
export function readText (options: object, name: string): string | undefined {
  const value = (options as Options)[name]
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', [name, 'a string', kindOf(value)])
  return value
}

/** @throws `FST_SEALED_SESSION_OPTION_INVALID` */
export function readFlag (options: object, name: string, fallback: boolean): boolean {
  const value = (options as Options)[name] ?? fallback
  if (typeof value !== 'boolean') throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', [name, 'a boolean', kindOf(value)])
  return value
}

/** @throws `FST_SEALED_SESSION_OPTION_INVALID` */
export function readWhole (options: object, name: string, fallback: number, max: number): number {
  const value = (options as Options)[name] ?? fallback
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return value
  throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', [name, `a whole number from 1 to ${max}`, typeof value === 'number' ? String(value) : kindOf(value)])
}

/** A number of seconds. @throws `FST_SEALED_SESSION_DURATION` */
export function readDuration (options: object, name: string, fallback: number, { orZero = false, most = Number.MAX_VALUE } = {}): number {
  const value = (options as Options)[name] ?? fallback
  const isInRange = typeof value === 'number' && value <= most && (value > 0 || (orZero && value === 0))
  if (isInRange) return value
  throw sealedSessionError('FST_SEALED_SESSION_DURATION', [name, typeof value === 'number' ? String(value) : kindOf(value)])
}

/**
 * Checks a lifetime against the longest. @throws `FST_SEALED_SESSION_EXPIRY_TOO_LONG` if a session would live
 * longer than any may.
 */
export function assertWithin (expiry: number, maxExpiry: number): void {
  if (expiry > maxExpiry) throw sealedSessionError('FST_SEALED_SESSION_EXPIRY_TOO_LONG', [expiry, maxExpiry])
}
