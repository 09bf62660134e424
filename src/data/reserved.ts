import { sealedSessionError } from '../errors.ts'

// The names that tokens keep among the session's data for themselves.

/** Time of the last write, in seconds. */
export const TIME_KEY = '__ts'

/** What else a session of the secretbox format has to remember of its life, where it has to. */
export const LIFE_KEY = '__life'

/** The text of a serializer of the app's, in the secretbox format, which is JSON. */
export const DATA_KEY = '__data'

const RESERVED: readonly PropertyKey[] = [TIME_KEY, LIFE_KEY, DATA_KEY]

/**
 * Keeps an app, and what an app copies from its users, from setting a session's own times.
 * @throws `FST_SEALED_SESSION_KEY_RESERVED`
 */
export function assertNotReserved (key: PropertyKey): void {
  if (RESERVED.includes(key)) throw sealedSessionError('FST_SEALED_SESSION_KEY_RESERVED', [key])
}

/** The same for all keys of an object. */
export function assertNoneReserved (data: object): void {
  for (const key of RESERVED) if (Object.hasOwn(data, key)) assertNotReserved(key)
}
