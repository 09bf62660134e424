import type { Found, Refused } from '../cookies/candidates.ts'
import { publishOpen, publishSeal } from '../diagnostics.ts'
import type { SealedSessionError } from '../errors.ts'
import { type Codec, formatOf } from '../token/codec.ts'
import type { SessionRecord } from '../token/record.ts'

// Messages for metrics: of each token that is tried, and of each session that is sealed.

export { openChannel, sealChannel } from '../diagnostics.ts'

/** Publishes the result of opening a token. */
export function tellOpened (sessionName: string, token: string, result: Found | Refused, others: number): void {
  publishOpen({
    sessionName,
    outcome: result.ok ? 'opened' : 'rejected',
    reason: result.ok ? null : result.reason,
    keyId: result.ok ? result.key.id : null,
    format: formatOf(token),
    bytes: Buffer.byteLength(token),
    others
  })
}

/** Seals, and publishes the outcome. */
export function sealObserved (codec: Codec, record: SessionRecord, sessionName: string): string {
  const key = codec.sealingKey()
  const message = { sessionName, format: codec.formatFor(record), keyId: key.id }
  let token: string
  try {
    token = codec.seal(record, key)
  } catch (error) {
    publishSeal({ ...message, outcome: 'failed', reason: (error as SealedSessionError).code, bytes: null })
    throw error
  }
  publishSeal({ ...message, outcome: 'sealed', reason: null, bytes: token.length }) // it is ASCII
  return token
}
