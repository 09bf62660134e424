import type { SessionRecord } from '../record.ts'
import { CLOCK_TOLERANCE } from '../lifetime.ts'
import type { RefusalReason } from '../types.ts'
import { printable } from './printable.ts'
import { REFUSALS, type Refused } from './refusal-words.ts'
import { describeTime } from './time-words.ts'

/**
 * Content of a token, as lines of text and then the session as JSON.
 * @param now milliseconds since 1970.
 */
export function reportOf (inspected: Omit<Refused, 'lifetime'>, record: SessionRecord, keyId: string, now: number): string {
  const { token, format, context, isSigned } = inspected
  const { data, createdAt, writtenAt, lifetime, cookieMaxAge, place } = record
  const rows: Array<[label: string, value: string | null]> = [
    ['format', format],
    ['bound to', format === 'sealed' ? printable(context) : null],
    ['key id', keyId],
    ['created', createdAt === null ? null : describeTime(createdAt, now)],
    ['last write', describeTime(writtenAt, now)],
    ['lifetime', lifetime === null ? null : `${lifetime} s, its own: until ${describeTime(writtenAt + lifetime * 1000, now)}`],
    ['Max-Age', cookieMaxAge === null ? null : `${cookieMaxAge} s, its own`],
    ['Domain', place?.domain === undefined ? null : `${place.domain}, its own`],
    ['Path', place?.path === undefined ? null : `${place.path}, its own`],
    ['size', `${Buffer.byteLength(JSON.stringify(data))} bytes of JSON, a token of ${token.length} characters`],
    ['signature', isSigned ? 'there is one, not checked here' : null]
  ]
  return [
    ...rows.filter(([, value]) => value !== null).map(([label, value]) => `${label.padEnd(12)}${value}`),
    '',
    ...verdict({ ...inspected, lifetime }, record, now),
    '',
    printable(data, 2),
    ''
  ].join('\n')
}

/** Reasons for which an app with the same keys refuses the token, or may refuse it. */
function verdict (refused: Refused, { writtenAt, lifetime }: SessionRecord, now: number): string[] {
  const words = (reason: RefusalReason): string => `- ${reason}: ${REFUSALS[reason](refused)}`
  if (writtenAt > now + CLOCK_TOLERANCE * 1000) return ['An app refuses it now:', words('time-in-future')]
  if (lifetime !== null && writtenAt + lifetime * 1000 <= now) return ['An app refuses it now:', words('expired')]
  const possible: RefusalReason[] = [
    ...(lifetime === null ? ['expired' as const] : []),
    // Sealed tokens are accepted by default.
    ...(refused.format === 'secretbox' ? ['format-not-accepted' as const] : []),
    'schema-invalid',
    'signature-invalid',
    'revoked'
  ]
  return ['An app with these keys opens it, unless', ...possible.map(words)]
}
