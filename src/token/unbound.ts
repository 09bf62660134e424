import { type Claims, claimsWith, UNBOUND } from './claims.ts'
import type { SessionRecord } from './record.ts'

// Time since which a session is without a binding to a device: its beginning, or that of the first of the lives in which
// it has gone on, which is in the claim UNBOUND.
//
// To count each life by itself would give a thief with a copy a route to start the time again, for ever.

const TIME_BYTES = 6

/** In milliseconds since 1970. The claim may only be earlier than the beginning: nobody gets time by one. */
export function unboundSince ({ createdAt, writtenAt, claims }: SessionRecord): number {
  const began = createdAt ?? writtenAt
  const bytes = claims?.get(UNBOUND)
  return bytes?.length === TIME_BYTES ? Math.min(began, bytes.readUIntBE(0, TIME_BYTES)) : began
}

/** Claims of a session that has been without a binding since a time, in milliseconds since 1970. */
export function claimsUnboundSince (claims: Claims | undefined, time: number): Claims | undefined {
  const bytes = Buffer.alloc(TIME_BYTES)
  bytes.writeUIntBE(Math.max(0, Math.round(time)), 0, TIME_BYTES)
  return claimsWith(claims, UNBOUND, bytes)
}
