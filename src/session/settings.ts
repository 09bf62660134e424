import type { Content } from '../content.ts'
import type { Data } from '../data/data.ts'
import type { Limits } from '../lifetime.ts'

// What a session has from outside.

/** Who wants to know when a session is written, and when one ends. */
export interface WriteObserver {
  written: () => void
  /** @param isKept whether it goes on with some of what it held. */
  ended?: (content: Content, isKept: boolean) => void
}

/** What all states of one session of the app share. */
export interface SessionSettings extends Limits {
  /** Milliseconds since 1970. */
  now: () => number
  /** What tells whether data was changed in place; default JSON.stringify. */
  stringify?: ((data: Data) => string) | undefined
  /** Not there where sessions are not told apart. */
  newId?: () => Buffer
}
