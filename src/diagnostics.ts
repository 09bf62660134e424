import { channel } from '#runtime'
import type { ErrorCode } from './errors.ts'
import type { Format, RefusalReason } from './types.ts'

// Messages published for metrics and audit logs. No token, key or value of a session is in a message.
//
// Node finds a channel by its name, so the ESM and the CommonJS copy of this package publish on the same one.

/** Published on the channel `fastify-sealed-session:open` for each token that is tried. */
export interface SessionOpenMessage {
  sessionName: string
  outcome: 'opened' | 'rejected'
  /** Reason for which it was refused; null if it was opened. */
  reason: RefusalReason | null
  /** Id of the key that opened it, as in `keyring.ids`; null if it was refused. */
  keyId: string | null
  /** Format of the token; if it was refused, the one that it looks like. */
  format: Format
  /** Length of the token in bytes, before percent-encoding. */
  bytes: number
  /**
   * Number of different sessions that opened in the same request besides this one; 0 if it was refused. More
   * than 0 is a sign that somebody has planted a cookie.
   */
  others: number
}

/** Published on the channel `fastify-sealed-session:seal` for each session that is sealed, or is not. */
export interface SessionSealMessage {
  sessionName: string
  outcome: 'sealed' | 'failed'
  /** Code of the error that is thrown; null if it was sealed. */
  reason: ErrorCode | null
  /** Id of the key that seals now, as in `keyring.ids`. */
  keyId: string
  format: Format
  /** Length of the token in bytes, before it is signed and percent-encoded; null if there is none. */
  bytes: number | null
}

/**
 * Published on the channel `fastify-sealed-session:lifecycle` when a session of a request begins, goes on, ends or is
 * refused.
 */
export interface SessionLifecycleMessage {
  sessionName: string
  /**
   * `'begun'`: the cookie of a new session has left, or that of another user than before. `'renewed'`: it goes on under
   * another id. `'authenticated'`: its user has authenticated, as `authenticated()` was told. `'ended'`: it is over.
   * `'refused'`: a request has brought one that does not count.
   */
  event: 'begun' | 'renewed' | 'authenticated' | 'ended' | 'refused'
  /**
   * Id, as `sessionInfo(session).id` has it: it opens nothing. Null without revocation, if many sessions were ended at
   * once, and for a cookie that did not open.
   */
  id: string | null
  /** Id of the session that it goes on from, for `'renewed'` and `'begun'`; null for all else. */
  previousId: string | null
  /**
   * Hashes of its subjects, base64url: with a subkey of the key that seals. Without that key nobody can try which
   * user it is. Empty if it is nobody's, or not known.
   */
  subjects: readonly string[]
  /**
   * Cause of its end: the user, a `revoke…` method of the app, another session in its place, or a limit of the registry.
   * Null for all but `'ended'`.
   */
  cause: 'logout' | 'revoked' | 'replaced' | 'limit' | null
  /** Reason for which it was refused; null for all but `'refused'`. */
  reason: RefusalReason | null
  /** Method by which its user has authenticated; null for all but `'authenticated'`. */
  method: string | null
  /** Id of the request, as Fastify's log has it in `reqId`; null for what no request has done. */
  requestId: string | null
}

/** Published on the channel `fastify-sealed-session:device` for each event of a session's device. */
export interface SessionDeviceMessage {
  sessionName: string
  /**
   * `'offered'`: a response offered a binding. `'registered'`: a session was bound; `'renewed'`: again, since the key
   * was rotated, or the session has gone on. `'asked'`: a refresh was given a challenge. `'refreshed'`: it proved the key. `'ended'`: the browser was
   * told to forget the binding. `'refused'`: a registration or a refresh was refused. `'unproven'`: the app used a bound
   * session that came without a proof. `'skipped'`: the same, and the browser said why.
   */
  event: 'offered' | 'registered' | 'renewed' | 'asked' | 'refreshed' | 'ended' | 'refused' | 'unproven' | 'skipped'
  /** Word for why; null if there is nothing to say. */
  reason: string | null
  /** Algorithm of the device's key; null if it does not matter, or is not known. */
  algorithm: string | null
}

/** Look at `hasSubscribers` before making a message: nothing is made that nobody reads. */
export const openChannel = channel('fastify-sealed-session:open')
export const sealChannel = channel('fastify-sealed-session:seal')
export const lifecycleChannel = channel('fastify-sealed-session:lifecycle')
export const deviceChannel = channel('fastify-sealed-session:device')

// Typed ways to publish. A subscriber that throws does not throw here: Node raises its error as an
// uncaught exception in the next tick.

export function publishOpen (message: SessionOpenMessage): void {
  openChannel.publish(message)
}

export function publishSeal (message: SessionSealMessage): void {
  sealChannel.publish(message)
}

export function publishLifecycle (message: SessionLifecycleMessage): void {
  lifecycleChannel.publish(message)
}

export function publishDevice (message: SessionDeviceMessage): void {
  if (deviceChannel.hasSubscribers) deviceChannel.publish(message)
}
