import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { type ExitCode, Misuse, print } from './command.ts'
import { isChunk } from '../cookies/chunks.ts'
import { valuesIn } from '../cookies/read.ts'
import { readValue } from '../cookies/set-cookie.ts'
import { fillNonce } from '../crypto/nonces.ts'
import { JSON_SERIALIZER } from '../data/serializer.ts'
import { parseKeyFile } from '../keys/key-file.ts'
import { KeySet } from '../keys/key-set.ts'
import { explainRefusal, printable, type Refused } from '../message-table.ts'
import { formatOf, formatsOf, isBound } from '../token/codec.ts'
import { CLOCK_TOLERANCE } from '../token/lifetime.ts'
import type { SessionRecord } from '../token/record.ts'
import type { RefusalReason } from '../types.ts'

export const help = `\
Usage: fastify-sealed-session inspect --key-file FILE [--name NAME] TOKEN

Opens a token and shows what it holds: times, key id, size, and the session.

  --key-file FILE   the keys: one a line in hex or base64, or 32 raw bytes
  --name NAME       what a token of the sealed format is bound to: the name of
                    the cookie, or the app's "context". Without it, the name
                    that TOKEN has, or "session"
  -h, --help        show this help

TOKEN is a cookie's value, name=value, a Set-Cookie line or a Cookie header; of
a session that was split, all of its cookies or lines. "-" reads it from stdin,
which keeps it out of the history of the shell: whoever has a token has the
session. The keys are never shown. A signature is not checked.

  fastify-sealed-session inspect --key-file session-keys - < cookie

A token that cannot be opened: exit code 1, and the reason on stderr.
`

const DEFAULT_NAME = 'session'

export async function run (args: string[]): Promise<ExitCode> {
  const { path, name, argument } = parse(args)
  const keys = KeySet.of(parseKeyFile(readFileSync(path), path)).check()
  const found = findToken(argument === '-' ? await text(process.stdin) : argument, name ?? DEFAULT_NAME)
  const { token, isSigned } = found
  const context = name ?? found.name ?? DEFAULT_NAME
  const format = formatOf(token)
  const inspected = { token, isSigned, format, context, path, ids: keys.keys.map(({ id }) => id) }

  if (isChunk(token)) throw new Error(`refused as chunk-missing: ${explainRefusal('chunk-missing', { ...inspected, lifetime: null })}`)
  // A Codec would judge by the lifetime. An old session is shown, too.
  const opened = formatsOf({ context, serializer: JSON_SERIALIZER, fillRandom: fillNonce, saysCreated: true })[format].open(token, keys)
  if (!opened.ok) throw new Error(`refused as ${opened.reason}: ${explainRefusal(opened.reason, { ...inspected, lifetime: null })}`)
  return print(reportOf(inspected, opened.record, opened.key.id, Date.now()))
}

function parse (args: string[]): { path: string, name: string | undefined, argument: string } {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { 'key-file': { type: 'string' }, name: { type: 'string' } }
  })
  const { 'key-file': path, name } = values
  const [argument, ...others] = positionals
  if (path === undefined) throw new Misuse('inspect needs --key-file FILE')
  if (argument === undefined || others.length > 0) throw new Misuse('inspect takes one token: put it in quotes, or give "-" and write it to stdin')
  return { path, name, argument }
}

/** A token, and what it was found with. */
interface GivenToken {
  token: string
  /** Name of its cookie; null if none was given. */
  name: string | null
  /** True if a signature of @fastify/cookie follows it. */
  isSigned: boolean
}

const HEADERS = /^[ \t]*(?:set-)?cookie:[ \t]*/gim
/** Text between cookies, or before an attribute. A token has no white space behind its `;`. */
const SEPARATOR = /;\s+|[\r\n]+/
/** A name, `=` and a value. In a token alone, `=` is padding: what follows it is another one or `;`. */
const PAIR = /^([^=;\s]+)=((?![=;])[^]*)$/
/** An HMAC in base64; neither format has a dot. */
const SIGNED = /^([^.]*)\.[\w+/-]{27,}=*$/

/**
 * Token in the text that somebody copied: the token itself, percent-encoded or not, `name=value`, a
 * `Set-Cookie` line, or a `Cookie` header; of a session that was split, all of its cookies or lines. Any
 * other text is taken for a token, and refused later.
 * @param wanted name of the cookie to take of several; the first one if none has it.
 */
function findToken (text: string, wanted: string): GivenToken {
  const pairs = text.trim().replace(HEADERS, '').split(SEPARATOR).map(pair => pair.replace(/;$/, ''))
  const pair = pairs.find(other => other.startsWith(`${wanted}=`)) ?? pairs[0]! // split gives at least one
  const [, name = null, value = pair] = PAIR.exec(pair) ?? []
  const whole = (name === null ? undefined : valuesIn(headerOf(pairs), name, readValue)[0]) ?? readValue(value)
  const [, unsigned] = SIGNED.exec(whole) ?? []
  return { token: unsigned ?? whole, name, isSigned: unsigned !== undefined }
}

/** Header made of pairs: a session that was split has several. A token that was decoded has a `;` in it. */
function headerOf (pairs: readonly string[]): string {
  return pairs.map(pair => pair.replaceAll(';', '%3B')).join('; ')
}

/**
 * Content of a token, as lines of text and then the session as JSON.
 * @param now milliseconds since 1970.
 */
export function reportOf (inspected: Omit<Refused, 'lifetime'>, record: SessionRecord, keyId: string, now: number): string {
  const { token, format, context, isSigned } = inspected
  const { data, createdAt, writtenAt, lifetime, cookieMaxAge, place, claims } = record
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
    ['claims', claims === undefined ? null : `${[...claims.keys()].join(', ')}, as numbers: what extensions keep`],
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
function verdict (refused: Refused, record: SessionRecord, now: number): string[] {
  const { writtenAt, lifetime } = record
  const words = (reason: RefusalReason): string => `- ${reason}: ${explainRefusal(reason, refused)}`
  if (writtenAt > now + CLOCK_TOLERANCE * 1000) return ['An app refuses it now:', words('time-in-future')]
  if (lifetime !== null && writtenAt + lifetime * 1000 <= now) return ['An app refuses it now:', words('expired')]
  const possible: RefusalReason[] = [
    ...(lifetime === null ? ['expired' as const] : []),
    // Sealed tokens are accepted by default.
    ...(refused.format === 'secretbox' ? ['format-not-accepted' as const] : []),
    'schema-invalid',
    'signature-invalid',
    'revoked',
    'stamp-changed',
    isBound(record) ? 'device-unproven' : 'device-required'
  ]
  return ['An app with these keys opens it, unless', ...possible.map(words)]
}

/** The furthest time from 1970 that a Date can be, in milliseconds. */
const MAX_DATE = 8.64e15

const UNITS: ReadonlyArray<readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number]> = [
  ['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]
]

const words = new Intl.RelativeTimeFormat('en')

/**
 * Time in words, and how far it is from now in the largest unit that fits: `… (2 hours ago)`.
 * @param time milliseconds since 1970; it comes from a token, and may be no date at all.
 * @param now milliseconds since 1970.
 */
function describeTime (time: number, now: number): string {
  if (Math.abs(time) > MAX_DATE) return `${time / 1000} seconds since 1970, which is no date`
  return `${new Date(time).toISOString()} (${distance((time - now) / 1000)})`
}

function distance (seconds: number): string {
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  return words.format(Math.trunc(seconds / size), unit)
}
