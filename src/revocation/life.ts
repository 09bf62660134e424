import type { SessionState } from '../session/session.ts'
import { claimsOnly } from '../token/authentications.ts'
import { SURVIVED, UNBOUND } from '../token/claims.ts'
import { lifetimeOf } from '../token/lifetime.ts'
import { survivalUntil } from '../token/survived.ts'

// Changes of a session's life that only revocations make. None is a write.

/** Begins the life of another user's session, with another id, and keeps all else. @param createdAt milliseconds since 1970. */
export function beginAnother (state: SessionState, id: Buffer, createdAt: number): void {
  state.change(() => ({ id, createdAt }))
  for (const claim of [SURVIVED, UNBOUND]) state.setClaim(claim, null) // they were of the user of before
}

/** Moves the time of creation of a session that is new, in milliseconds since 1970: none begins after its last write. */
export function beginAt (state: SessionState, createdAt: number): void {
  state.change(({ writtenAt }) => ({ createdAt, writtenAt: Math.max(writtenAt, createdAt) }))
}

/** Has revocations before a time not count, in milliseconds since 1970. The session is as old as it was. */
export function survive (state: SessionState, time: number): void {
  state.change(record => survivalUntil(time, record))
}

/** Has a session go on under another id, as old as it was, after revocations before a time. */
export function goOnAs (state: SessionState, id: Buffer, time: number): void {
  state.renewId(id)
  survive(state, time)
}

/** Drops the times at which the user has authenticated before the session was opened. */
export function forgetAuthentications (state: SessionState): void {
  state.change(({ claims }) => ({ claims: claimsOnly(claims, state.methods) }))
}

/** True if a session was given a lifetime that is longer than the one it was opened with. */
export function isProlonged (state: SessionState): boolean {
  const { settings } = state.held
  return state.origin?.ok === true && lifetimeOf(state.record(), settings) > lifetimeOf(state.opened(), settings)
}
