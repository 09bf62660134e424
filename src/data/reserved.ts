import { sealedSessionError } from '../errors.ts'

// Names that tokens keep among the session's data for themselves.

/** Time of the last write, in seconds. */
export const TIME_KEY = '__ts'

/** Other facts of a session's life in the secretbox format, if it has to remember any. */
export const LIFE_KEY = '__life'

/** The text of a serializer of the app's, in the secretbox format, which is JSON. */
export const DATA_KEY = '__data'

const RESERVED: readonly PropertyKey[] = [TIME_KEY, LIFE_KEY, DATA_KEY]

/**
 * Keeps an app, and objects that an app copies from its users, from setting a session's own times.
 * @throws `FST_SEALED_SESSION_KEY_RESERVED`
 */
export function assertNotReserved (key: PropertyKey): void {
  if (RESERVED.includes(key)) throw sealedSessionError('FST_SEALED_SESSION_KEY_RESERVED', [key])
}

/** The same for all keys of an object. */
export function assertNoneReserved (data: object): void {
  for (const key of RESERVED) if (Object.hasOwn(data, key)) assertNotReserved(key)
}
