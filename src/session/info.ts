import { kindOf, fail } from '../errors.ts'
import { kState } from './properties.ts'
import type { SessionState } from './session.ts'
import { type Authentications, authenticationsOf } from '../token/authentications.ts'
import { toDate } from '../token/lifetime.ts'
import type { Origin } from '../token/record.ts'
import type { SessionInfo } from '../types.ts'

/**
 * Status of a session and its reasons, for logs, messages to users and support. Reads only; of a request's
 * session it opens the cookie, as every use does.
 * @param session `request.session`, or a session that `createSecureSession` or `decodeSecureSession`
 * returned.
 * @throws `FST_SEALED_SESSION_NOT_A_SESSION` for anything else.
 */
export function sessionInfo (session: object): SessionInfo {
  const state = stateOf(session)
  state.look()
  const record = state.record()
  const { createdAt, writtenAt, id, claims } = record
  const { devices } = state.held.settings
  const origin = ofOrigin(state.origin)
  const isStored = !state.deleted && (origin.status === 'valid' || state.changed)
  return {
    ...origin,
    createdAt: dateOf(createdAt),
    // The last write is kept in whole seconds, the beginning more exactly.
    lastWriteAt: dateOf(isStored ? Math.max(writtenAt, createdAt ?? 0) : null),
    expiresAt: dateOf(isStored ? Math.min(state.expiresAt, devices?.unboundEnd(record) ?? Infinity) : null),
    id: id === null ? null : id.toString('base64url'),
    authentications: datesOf(authenticationsOf(claims)),
    device: devices?.infoOf(state) ?? null
  }
}

function ofOrigin (origin: Origin): Pick<SessionInfo, 'status' | 'reason' | 'keyId' | 'format'> {
  if (origin === null) return { status: 'new', reason: null, keyId: null, format: null }
  return origin.ok
    ? { status: 'valid', reason: null, keyId: origin.key.id, format: origin.format }
    : { status: 'rejected', reason: origin.reason, keyId: null, format: null }
}

function dateOf (milliseconds: number | null): Date | null {
  return milliseconds === null ? null : toDate(milliseconds)
}

/** Times as dates. @param times milliseconds since 1970, by method. */
export function datesOf (times: Authentications): SessionInfo['authentications'] {
  return Object.fromEntries(Array.from(times, ([method, time]) => [method, toDate(time)]))
}

/**
 * The state behind a session.
 * @throws `FST_SEALED_SESSION_NOT_A_SESSION`
 */
export function stateOf (session: unknown): SessionState {
  const state = maybeStateOf(session)
  if (state === null) throw fail('NOT_A_SESSION', [kindOf(session)])
  return state
}

/** The state behind a session; null if the value is none. */
export function maybeStateOf (session: unknown): SessionState | null {
  const state = typeof session === 'object' && session !== null
    ? (session as { [kState]?: SessionState })[kState]
    : undefined
  return typeof state?.record === 'function' ? state : null
}
