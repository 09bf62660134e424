import { channel } from 'node:diagnostics_channel'
import type { ErrorCode } from './errors.ts'
import type { Format, RefusalReason } from './token-types.ts'

// What is published for metrics. No token, key or value of a session is in a message.
//
// Node finds a channel by its name, so the ESM and the CommonJS copy of this package publish on the same one.

/** Published on the channel `fastify-sealed-session:open` for each token that is tried. */
export interface SessionOpenMessage {
  sessionName: string
  outcome: 'opened' | 'rejected'
  /** Why it was refused; null where it was opened. */
  reason: RefusalReason | null
  /** The id of the key that opened it, as in `keyring.ids`; null where it was refused. */
  keyId: string | null
  /** The format of the token; where it was refused, the one that it looks like. */
  format: Format
  /** Length of the token in bytes, before percent-encoding. */
  bytes: number
  /**
   * How many different sessions opened in the same request besides this one; 0 where it was refused.
   * More than 0 is a sign that somebody has planted a cookie.
   */
  others: number
}

/** Published on the channel `fastify-sealed-session:seal` for each session that is sealed, or is not. */
export interface SessionSealMessage {
  sessionName: string
  outcome: 'sealed' | 'failed'
  /** The code of the error that is thrown; null where it was sealed. */
  reason: ErrorCode | null
  /** The id of the key that seals now, as in `keyring.ids`. */
  keyId: string
  format: Format
  /** Length of the token in bytes, before it is signed and percent-encoded; null where there is none. */
  bytes: number | null
}

/** Look at `hasSubscribers` before making a message: nothing is made that nobody reads. */
export const openChannel = channel('fastify-sealed-session:open')
export const sealChannel = channel('fastify-sealed-session:seal')

// Typed ways to publish. A subscriber that throws does not throw here: Node raises its error as an
// uncaught exception in the next tick.

export function publishOpen (message: SessionOpenMessage): void {
  openChannel.publish(message)
}

export function publishSeal (message: SessionSealMessage): void {
  sealChannel.publish(message)
}
