import { sealedSessionError } from './errors.ts'

// The names that tokens keep among the session's data for themselves.

/** Time of the last write, in seconds. */
export const TIME_KEY = '__ts'

/**
 * Keeps an app, and what an app copies from its users, from setting a session's own times.
 * @throws `FST_SEALED_SESSION_KEY_RESERVED`
 */
export function assertNotReserved (key: PropertyKey): void {
  if (key === TIME_KEY) throw sealedSessionError('FST_SEALED_SESSION_KEY_RESERVED', [TIME_KEY])
}
