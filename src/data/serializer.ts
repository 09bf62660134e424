import { types } from 'node:util'
import type { Data } from './data.ts'
import { changeOf, type Change } from './json-changes.ts'
import { sealedSessionError } from '../errors.ts'
import { keyPath } from './key-path.ts'

/** Turns session data into text and back. */
export interface Serializer {
  /** False if the text comes from a serializer of the app's, and may be anything. */
  readonly isJson: boolean
  stringify: (data: Data) => string
  /** Never throws: null if the text holds no plain object. */
  parse: (text: string) => Data | null
}

/** The inverse of `stringify`: the object that the text holds; null if it holds none. */
export function parse (text: string): Data | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    return value as Data
  } catch {
    return null // authentic, but not JSON: refused by the caller with a reason
  }
}

/** Listener for a change by JSON: the key path of a value, and its change. */
export type OnChange = (path: string, change: Change) => void

/**
 * Turns session data into JSON.
 * @param told kinds of values that are not told again.
 * @param changed called once for each other kind of value that JSON changes.
 * @throws `FST_SEALED_SESSION_VALUE_UNSTORABLE`, with the key path, for a value that JSON cannot hold:
 * `JSON.stringify` refuses BigInt and cycles without saying where, and drops functions, symbols and promises
 * in silence, so that they would be missing on the next request.
 */
export function stringify (data: Data, told = new Set<Change>(), changed: OnChange = () => {}): string {
  let json: string
  let found: Found | null
  try {
    json = JSON.stringify(data)
    found = findChange(data, told)
  } catch {
    throw refusal(data)
  }
  if (found !== null) tell(data, found, told, changed)
  return json
}

/** Tells of the change that was found, and of all that are found after it. */
function tell (data: Data, { path, change }: Found, told: Set<Change>, changed: OnChange): void {
  if (change.becomes === null) throw unstorable(path, change.what)
  told.add(change)
  changed(keyPath(path), change)
  const next = findChange(data, told)
  if (next !== null) tell(data, next, told, changed)
}

/** JSON that says what it changes, once for each kind of value. */
export class JsonSerializer implements Serializer {
  readonly isJson = true
  readonly #changed: OnChange | undefined
  readonly #told = new Set<Change>()

  constructor (changed?: OnChange) {
    this.#changed = changed
  }

  stringify (data: Data): string {
    return stringify(data, this.#told, this.#changed)
  }

  parse (text: string): Data | null {
    return parse(text)
  }
}

export const JSON_SERIALIZER = new JsonSerializer()

/** Depth to which the culprit is looked for; nobody means to store a value that is nested deeper. */
const MAX_DEPTH = 100

/** Value that cannot be stored, and its place: an empty path for the whole. */
interface Culprit {
  path: PropertyKey[]
  what: string
}

/** Error for data at which JSON.stringify has thrown. */
function refusal (data: Data): Error {
  const { path, what } = findRefused(data, []) ?? { path: [], what: 'nested too deeply' }
  return unstorable(path, what)
}

function unstorable (path: readonly PropertyKey[], what: string): Error {
  return sealedSessionError('FST_SEALED_SESSION_VALUE_UNSTORABLE', [keyPath(path) || 'its data', what])
}

/** A value that JSON changes. */
interface Found {
  path: PropertyKey[]
  change: Change
}

/**
 * Finds a value that JSON has changed, but for kinds that were told. Only for data that JSON.stringify took:
 * there is no cycle in it. Runs on every write, so it walks without making lists of keys.
 */
function findChange (object: object, told: ReadonlySet<Change>): Found | null {
  if (Array.isArray(object)) {
    for (let index = 0; index < object.length; index++) {
      const found = changeAt(object, index, told)
      if (found !== null) return found
    }
    return null
  }
  for (const key in object) {
    const found = changeAt(object as Data, key, told)
    if (found !== null) return found
  }
  return null
}

function changeAt (object: Data | unknown[], key: string | number, told: ReadonlySet<Change>): Found | null {
  const value = (object as Data)[key]
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return null
  if (typeof value === 'number' && Number.isFinite(value)) return null
  if (!Object.hasOwn(object, key)) return null // `in` goes through the prototype as well
  const found = isOrdinary(value) ? findWithin(value, told) : findIn(value, told)
  found?.path.unshift(key)
  return found
}

/** True for most objects there are; not for all that are plain. */
function isOrdinary (value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === Array.prototype
}

function findIn (value: unknown, told: ReadonlySet<Change>): Found | null {
  const change = changeOf(value)
  if (change !== null && !told.has(change)) return { path: [], change }
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) ? findWithin(value, told) : null
}

function findWithin (value: object, told: ReadonlySet<Change>): Found | null {
  return hasParts(value) ? findChange(value, told) : null
}

/** Finds the value that made JSON.stringify throw. */
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
    if (types.isBigIntObject(value)) return { path: [], what: 'a BigInt' }
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

/** True for an object that JSON.stringify goes into; one that has a toJSON() speaks for itself. */
function hasParts (value: unknown): value is object {
  return typeof value === 'object' && value !== null && typeof (value as { toJSON?: unknown }).toJSON !== 'function'
}
