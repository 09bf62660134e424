import { types } from '#runtime'
import { kindOf, fail } from '../errors.ts'

/**
 * Data of a session, as its own properties. Every name is a key of the app's, `__proto__`, `constructor` and
 * `toString` too: reads and writes go through the functions below, which see nothing of the prototype. (To
 * take the prototype away from each object that JSON.parse makes would cost more than the parsing.)
 */
export type Data = Record<PropertyKey, unknown>

export function getOwn (data: Readonly<Data>, key: PropertyKey): unknown {
  return Object.hasOwn(data, key) ? data[key] : undefined
}

export function setOwn (data: Data, key: PropertyKey, value: unknown): void {
  if (key in data && !Object.hasOwn(data, key)) {
    // An assignment could end in a setter of the prototype, as it does for `__proto__`.
    Object.defineProperty(data, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    data[key] = value
  }
}

/**
 * Copy of an app's object as session data.
 * @throws `FST_SEALED_SESSION_DATA_INVALID`, `FST_SEALED_SESSION_KEY_RESERVED`
 */
export function dataFrom (source: unknown): Data {
  if (source === undefined || source === null) return {}
  if (typeof source !== 'object' || Array.isArray(source)) throw fail('DATA_INVALID', [kindOf(source)])
  const kind = kindWithoutProperties(source)
  if (kind !== null) throw fail('DATA_INVALID', [kind])
  assertNoneReserved(source)
  try {
    return { ...source }
  } catch {
    // The error of a getter may have the values of a session in it.
    throw fail('DATA_INVALID', ['an object whose getter fails'])
  }
}

/**
 * Words for an object that has its content elsewhere than in properties: a promise that was not awaited would
 * become a session of nobody.
 */
function kindWithoutProperties (source: object): string | null {
  if (types.isPromise(source)) return 'a promise: await it'
  if (types.isMap(source) || types.isWeakMap(source)) return 'a Map'
  return types.isSet(source) || types.isWeakSet(source) ? 'a Set' : null
}

/** Those of the keys that the data has, with their values. */
export function pickOwn (data: Readonly<Data>, keys: readonly string[]): Data {
  const picked: Data = {}
  for (const key of keys) if (Object.hasOwn(data, key)) setOwn(picked, key, data[key])
  return picked
}

/** Text that differs if data does, as far as a token holds it. */
export function snapshotOf (data: Readonly<Data>, stringify: (data: Readonly<Data>) => string = JSON.stringify): string {
  try {
    return stringify(data)
  } catch {
    return 'what cannot be stored' // sealing names the value
  }
}

// Names that tokens keep among the session's data for themselves.

/** Time of the last write, in seconds. */
export const TIME_KEY = '__ts'

/** Other facts of a session's life in the secretbox format, if it has to remember any. */
export const LIFE_KEY = '__life'

/** The text of a serializer of the app's, in the secretbox format, which is JSON. */
export const DATA_KEY = '__data'

/** Values that extensions keep inside the seal, in the secretbox format. */
export const CLAIMS_KEY = '__claims'

const RESERVED: readonly PropertyKey[] = [TIME_KEY, LIFE_KEY, DATA_KEY, CLAIMS_KEY]

/**
 * Keeps an app, and objects that an app copies from its users, from setting a session's own times.
 * @throws `FST_SEALED_SESSION_KEY_RESERVED`
 */
export function assertNotReserved (key: PropertyKey): void {
  if (RESERVED.includes(key)) throw fail('KEY_RESERVED', [key])
}

/** The same for all keys of an object. */
export function assertNoneReserved (data: object): void {
  for (const key of RESERVED) if (Object.hasOwn(data, key)) assertNotReserved(key)
}

/**
 * Place of a value in a session, as one writes it in JavaScript: `cart.items[0]["odd name"]`. Names only,
 * never a value: it stands in messages.
 * @param keys from the outside in; a number is the index of an array.
 */
export function keyPath (keys: readonly PropertyKey[]): string {
  return keys.map(step).join('').replace(/^\./, '')
}

function step (key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`
  const name = String(key)
  return /^[a-z_$][\w$]*$/i.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}
