import { claimsWith, SURVIVED } from './claims.ts'
import { type RecordChanges, type SessionRecord } from './record.ts'

// Time that revocations of many sessions compare: those from then on end the session. It is the beginning of the
// session, or the time in the claim SURVIVED of one that has gone on after a revocation of its own subject.
//
// To begin the session anew instead would start its absolute timeout again: a thief with a copied cookie who ends the
// other sessions now and then would keep it for ever.

const TIME_BYTES = 6

/** Milliseconds that a sealed token may take from the time of the last write, which it holds in whole seconds. */
const ROUNDED_OFF = 1000

/**
 * Time that revocations compare, in milliseconds since 1970. A claim counts for a session that was written since: on
 * @fastify/secure-session a user may have written it, if the app there lets its users choose names.
 */
export function revocableSince ({ createdAt, writtenAt, claims }: SessionRecord): number {
  const bytes = claims?.get(SURVIVED)
  const survived = bytes?.length === TIME_BYTES ? bytes.readUIntBE(0, TIME_BYTES) : 0
  return Math.max(createdAt ?? 0, Math.min(survived, writtenAt + ROUNDED_OFF))
}

/** Changes of a record after which revocations before `time` do not count; none if they do not count anyway. */
export function survivalUntil (time: number, record: SessionRecord): RecordChanges {
  if (time <= revocableSince(record)) return {}
  const bytes = Buffer.alloc(TIME_BYTES)
  bytes.writeUIntBE(time, 0, TIME_BYTES)
  return { claims: claimsWith(record.claims, SURVIVED, bytes) ?? null, writtenAt: Math.max(record.writtenAt, time) }
}
