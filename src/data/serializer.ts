import type { Data } from './data.ts'
import { kindOf, sealedSessionError } from '../errors.ts'
import { keyPath } from './key-path.ts'

/** Turns session data into text and back. */
export interface Serializer {
  /** False where the text is a serializer's of the app, and may be anything. */
  readonly isJson: boolean
  stringify: (data: Data) => string
  /** Never throws: null where the text holds no plain object. */
  parse: (text: string) => Data | null
}

/**
 * Turns session data into JSON.
 * @throws `FST_SEALED_SESSION_VALUE_UNSTORABLE`, with the key path, for what JSON cannot hold:
 * `JSON.stringify` refuses BigInt and cycles without saying where, and drops functions and symbols
 * in silence, so that they would be missing on the next request.
 */
export function stringify (data: Data): string {
  try {
    const json = JSON.stringify(data)
    const culprit = findDropped(data)
    if (culprit === null) return json
    throw unstorable(culprit)
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === 'FST_SEALED_SESSION_VALUE_UNSTORABLE') throw error
    throw unstorable(findRefused(data, []) ?? { path: [], what: 'nested too deeply' })
  }
}

/** The inverse of `stringify`: the object that the text holds, or null where it holds none. */
export function parse (text: string): Data | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    return value as Data
  } catch {
    return null // authentic, but not JSON: refused by the caller with a reason
  }
}

export const JSON_SERIALIZER: Serializer = { isJson: true, stringify, parse }

/** How deep the culprit is looked for; nobody means to store what is nested deeper. */
const MAX_DEPTH = 100

/** What cannot be stored, and where it is: an empty path for the whole. */
interface Culprit {
  path: PropertyKey[]
  what: string
}

function unstorable ({ path, what }: Culprit): Error {
  return sealedSessionError('FST_SEALED_SESSION_VALUE_UNSTORABLE', [keyPath(path) || 'its data', what])
}

/**
 * Finds a function or symbol. Only for data that JSON.stringify took: there is no cycle in it.
 * Runs on every write, so it walks without making lists of keys.
 */
function findDropped (object: object): Culprit | null {
  if (Array.isArray(object)) {
    for (let index = 0; index < object.length; index++) {
      const culprit = droppedAt(object, index)
      if (culprit !== null) return culprit
    }
    return null
  }
  for (const key in object) {
    const culprit = droppedAt(object as Data, key)
    if (culprit !== null) return culprit
  }
  return null
}

function droppedAt (object: Data | unknown[], key: string | number): Culprit | null {
  const value = (object as Data)[key]
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null) return null
  if (!Object.hasOwn(object, key)) return null // `in` goes through the prototype as well
  const culprit = isDropped(value) ? { path: [], what: kindOf(value) } : hasParts(value) ? findDropped(value) : null
  return culprit === null ? null : { ...culprit, path: [key, ...culprit.path] }
}

/** Finds what made JSON.stringify throw. */
function findRefused (object: object, ancestors: object[]): Culprit | null {
  const line = [...ancestors, object]
  for (const key of Object.keys(object)) {
    const culprit = refusedItself(object as Data, key, line) ?? refusedWithin((object as Data)[key], line)
    if (culprit !== null) return { ...culprit, path: [Array.isArray(object) ? Number(key) : key, ...culprit.path] }
  }
  return null
}

function refusedItself (object: Data, key: string, line: object[]): Culprit | null {
  try {
    const value = object[key]
    if (line.includes(value as object)) return { path: [], what: 'a reference to an object that contains it (a cycle)' }
    if (!hasParts(value)) JSON.stringify(value)
    return null
  } catch {
    const isBigInt = typeof Object.getOwnPropertyDescriptor(object, key)?.value === 'bigint'
    return { path: [], what: isBigInt ? 'a BigInt' : 'an object whose toJSON() or getter fails' }
  }
}

function refusedWithin (value: unknown, line: object[]): Culprit | null {
  return hasParts(value) && line.length < MAX_DEPTH ? findRefused(value, line) : null
}

function isDropped (value: unknown): boolean {
  return typeof value === 'function' || typeof value === 'symbol'
}

/** An object that JSON.stringify goes into; what has a toJSON() speaks for itself. */
function hasParts (value: unknown): value is object {
  return typeof value === 'object' && value !== null && typeof (value as { toJSON?: unknown }).toJSON !== 'function'
}
