import { types } from '#runtime'
import { type Data, keyPath } from './data.ts'
import { kindOf, fail } from '../errors.ts'
import type { SessionSerializer } from '../types.ts'

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
type OnChange = (path: string, change: Change) => void

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
  return fail('VALUE_UNSTORABLE', [keyPath(path) || 'its data', what])
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

// Values that JSON does not give back as they were. JSON says nothing of that, so the loss shows at the next
// request, or never: a promise that nobody awaited comes back as {}, which is true in an `if`.

/** Change of a kind of value. One object for each kind, so that it can be told once. */
export interface Change {
  readonly what: string
  /** Words for the value that comes back; null for one that can only be a mistake and is refused. */
  readonly becomes: string | null
}

const FUNCTION: Change = { what: 'a function', becomes: null }
const SYMBOL: Change = { what: 'a symbol', becomes: null }
const PROMISE: Change = { what: 'a promise that was not awaited', becomes: null }
const WEAK: Change = { what: 'a WeakMap or WeakSet', becomes: null }
const NOT_FINITE: Change = { what: 'NaN or Infinity', becomes: 'null' }
const DATE: Change = { what: 'a Date', becomes: 'text' }
const MAP: Change = { what: 'a Map', becomes: 'an empty object' }
const SET: Change = { what: 'a Set', becomes: 'an empty object' }
const ERROR: Change = { what: 'an Error', becomes: 'an object without its message' }
const BYTES: Change = { what: 'bytes', becomes: 'an object of numbers' }
const EMPTY: Change = { what: 'an object of a class, without properties that JSON sees', becomes: 'an empty object' }
const INSTANCE: Change = { what: 'an object of a class', becomes: 'a plain object without its methods and accessors' }

/** Change that JSON makes of a value; null if it comes back as it is, or if its parts say. */
function changeOf (value: unknown): Change | null {
  switch (typeof value) {
    case 'object': return value === null || isObjectOrArray(value) ? null : changeOfObject(value)
    case 'number': return Number.isFinite(value) ? null : NOT_FINITE
    case 'function': return FUNCTION
    case 'symbol': return SYMBOL
    default: return null
  }
}

/** True for arrays, and for objects whose prototype is that of all objects, of this realm or another. */
function isObjectOrArray (value: object): boolean {
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
}

function changeOfObject (value: object): Change | null {
  if (types.isDate(value)) return DATE
  if (ArrayBuffer.isView(value)) return BYTES // a Buffer, too, whose toJSON() gives its bytes another form
  const { toJSON, then } = value as { toJSON?: unknown, then?: unknown }
  if (typeof toJSON === 'function') return null // it speaks for itself
  if (typeof then === 'function') return PROMISE // a query of a database, too
  if (types.isWeakMap(value) || types.isWeakSet(value)) return WEAK
  if (types.isMap(value)) return MAP
  if (types.isSet(value)) return SET
  if (types.isNativeError(value)) return ERROR
  if (types.isBoxedPrimitive(value)) return types.isSymbolObject(value) ? SYMBOL : null
  return changeOfInstance(value)
}

function changeOfInstance (value: object): Change | null {
  if (Object.keys(value).length === 0) return EMPTY
  // The rows of some drivers of databases are objects of a class that has nothing to lose.
  return hasMembers(Object.getPrototypeOf(value)) ? INSTANCE : null
}

/** True if a prototype, or one behind it, has more than a constructor. */
function hasMembers (prototype: object): boolean {
  const next: unknown = Object.getPrototypeOf(prototype)
  if (typeof next !== 'object' || next === null) return false // that of all objects
  return Reflect.ownKeys(prototype).some(key => key !== 'constructor') || hasMembers(next)
}

/** A serializer of the app's, with its failures turned into what sealing and opening expect. */
export function customSerializer (own: SessionSerializer): Serializer {
  return {
    isJson: false,

    stringify (data) {
      let text: unknown
      try {
        text = own.stringify(data)
      } catch (error) {
        throw failed('has thrown', error)
      }
      if (typeof text !== 'string') throw failed(`has returned ${kindOf(text)}`)
      return text
    },

    parse (text) {
      try {
        const value: unknown = own.parse(text)
        return isPlain(value) ? { ...value } : null
      } catch {
        return null // authentic, but not written by this serializer: refused by the caller with a reason
      }
    }
  }
}

/** An object with keys and values, and not a Date, a Promise or the like, which have a prototype of their own. */
function isPlain (value: unknown): value is Data {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/**
 * Error of the app's serializer. The value thrown may have data of the session in it: it is the cause, and
 * not in the message.
 */
function failed (what: string, cause?: unknown): Error {
  return fail('SERIALIZER_FAILED', [what], { cause })
}
