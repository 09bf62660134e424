import { customSerializer } from './custom-serializer.ts'
import { kindOf, sealedSessionError } from './errors.ts'
import type { SessionSerializer, StandardSchema } from './option-types.ts'
import { DataSchema } from './schema.ts'
import { JSON_SERIALIZER, type Serializer } from './serializer.ts'

// Options of simple types, read and checked.

export type Options = Readonly<Record<string, unknown>>

/** Like the peer, an empty text means the default. @throws `FST_SEALED_SESSION_OPTION_INVALID` */
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

/** @throws `FST_SEALED_SESSION_OPTION_INVALID` */
export function readSerializer (options: object): Serializer {
  const serializer = (options as Options).serializer ?? null
  if (serializer === null) return JSON_SERIALIZER
  const { stringify, parse } = serializer as Partial<Record<keyof SessionSerializer, unknown>>
  // A class with static methods, as superjson is, will do.
  if (typeof stringify === 'function' && typeof parse === 'function') return customSerializer(serializer as SessionSerializer)
  throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', ['serializer', 'an object with the functions "stringify" and "parse"', kindOf(serializer)])
}

/** @throws `FST_SEALED_SESSION_OPTION_INVALID`, `FST_SEALED_SESSION_SCHEMA_ASYNC` */
export function readSchema (options: object): DataSchema | null {
  const schema = (options as Options).schema ?? null
  if (schema === null) return null
  // Some libraries make objects, others functions.
  const standard = (schema as Partial<StandardSchema>)['~standard']
  if (standard?.version === 1 && typeof standard.validate === 'function') return new DataSchema(schema as StandardSchema)
  throw sealedSessionError('FST_SEALED_SESSION_OPTION_INVALID', ['schema', 'a schema of a library that implements Standard Schema, such as zod', kindOf(schema)])
}
