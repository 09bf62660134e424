import { assertNotAhead } from './epoch-writer.ts'
import { fail } from '../errors.ts'
import type { RequestRecord } from './request-record.ts'
import { type Identity, userOf } from './identity.ts'
import type { RevocationSource } from './revocations.ts'

/** A session that is about to begin, or to gain a subject, and its request. */
interface Beginner {
  readonly subjects: readonly string[]
  /** The session that the request brought, if it was not revoked by then. */
  readonly opened: Identity | null
  /** Null for a request that was answered before the plugin's hook. */
  readonly record: RequestRecord | null
  /** Time at which it began, in milliseconds since 1970; null for one that goes on, of which only what it has been of may have been revoked. */
  readonly created: number | null
  /** True if somebody may be logging in. */
  readonly mayBeLogin: boolean
}

/**
 * The time from which on a session may begin, in milliseconds since 1970: that after all revocations of its subjects.
 * @throws `FST_SEALED_SESSION_REVOKED_MEANWHILE` if the subject was revoked while this request was under
 * way. `FST_SEALED_SESSION_REVOKED_AHEAD` if that is so far ahead that its token would be refused as one
 * from the future: a login that fails says more than one that is lost.
 */
export async function beginningOf ({ subjects, opened, record, created, mayBeLogin }: Beginner, revocations: RevocationSource, now: () => number): Promise<number> {
  const epochs = await revocations.epochsOf(subjects)
  const isSame = subjects.length > 0 && opened !== null && userOf(opened) === subjects[0]
  // A session that createSecureSession made before the request: a revocation since then is none that it follows.
  const isOld = created !== null && record !== null && created < record.beganAt
  const isRevoked = mayBeLogin && epochs.some(([key, epoch]) =>
    epoch > 0 && record?.own?.get(key) !== epoch && ((isSame && opened.created <= epoch && revocations.concerns(key, opened)) || (isOld && created <= epoch) || (record !== null && revocations.cameDuring(key, epoch, record))))
  if (isRevoked) throw fail('REVOKED_MEANWHILE')
  const beginning = Math.max(...epochs.map(([, epoch]) => epoch)) + 1
  assertNotAhead(beginning, now())
  return beginning
}
