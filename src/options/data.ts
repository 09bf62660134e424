import { customSerializer } from '../data/custom-serializer.ts'
import { DataSchema } from '../data/schema.ts'
import { JsonSerializer, type Serializer } from '../data/serializer.ts'
import { kindOf, sealedSessionError } from '../errors.ts'
import type { SessionSerializer, StandardSchema } from './types.ts'
import type { Options } from './values.ts'
import type { Warn } from '../warnings.ts'

/** @throws `FST_SEALED_SESSION_OPTION_INVALID` */
export function readSerializer (options: object, sessionName: string, warn: Warn): Serializer {
  const serializer = (options as Options).serializer ?? null
  if (serializer === null) return new JsonSerializer((path, { what, becomes }) => { warn('FST_SEALED_SESSION_WARN_VALUE_CHANGED', sessionName, path, what, becomes) })
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
