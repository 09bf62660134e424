import { types } from 'node:util'

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
export function changeOf (value: unknown): Change | null {
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
