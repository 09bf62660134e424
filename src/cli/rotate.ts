import { parseArgs } from 'node:util'
import { type ExitCode, Misuse, note, print } from './command.ts'
import { isRawKey, parseKeyLines } from '../keys/key-file.ts'
import { KeySet } from '../keys/key-set.ts'
import { generateKey } from '../keys/keyring.ts'
import { replaceFile } from './replace-file.ts'

export const help = `\
Usage: fastify-sealed-session rotate FILE [--keep N]

Puts a new random key first in a file of keys. An app that watches the file
opens with it at once and seals with it after two minutes; others read it when
they start. The older keys still open what they have sealed.

  --keep N     keep N of the older keys, the newest, and remove the others: what
               they have sealed does not open any more. Without it, keep all.
  -h, --help   show this help

FILE has one key a line, in hex or base64, and is read with Keyring.fromFile().
A file of 32 raw bytes becomes such a text. It is replaced in one step, with the
same mode; comments stay. Prints the ids of the keys, never a key.

  fastify-sealed-session rotate session-keys --keep 2

From cron: once a week with --keep 2 is right for sessions with an expiry of
less than two weeks.
`

export function run (args: string[]): ExitCode {
  const { path, keep } = parse(args)
  const newKey = generateKey()
  const date = new Date().toISOString().slice(0, 10)
  const rotation = replaceFile(path, content => rotateKeys({ content, path, newKey, keep, date }))
  if (rotation.wasRaw) {
    note(`"${path}" had 32 raw bytes and is a text now: what reads it as bytes must read it with Keyring.fromFile()`)
  }
  return print(reportOf(rotation, path))
}

function parse (args: string[]): { path: string, keep: number } {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { keep: { type: 'string' } } })
  const [path, ...others] = positionals
  if (path === undefined || others.length > 0) throw new Misuse('rotate takes the name of one file')
  return { path, keep: values.keep === undefined ? Infinity : wholeNumber(values.keep) }
}

function wholeNumber (text: string): number {
  if (!/^\d+$/.test(text)) throw new Misuse('--keep must be a whole number, 0 or more')
  return Number(text)
}

function reportOf ({ added, kept, removed }: Rotation, path: string): string {
  const lines = [`added ${added} as the first key of ${path}`]
  if (kept.length > 0) lines.push(`kept ${kept.join(', ')}: what ${subject(kept)} sealed still opens`)
  if (removed.length > 0) lines.push(`removed ${removed.join(', ')}: what ${subject(removed)} sealed no longer opens`)
  return `${lines.join('\n')}\n`
}

function subject (ids: string[]): string {
  return ids.length === 1 ? 'it' : 'they'
}

/** The byte order mark of UTF-8, read one character a byte. */
const BYTE_ORDER_MARK = /^\xef\xbb\xbf/

interface RotationRequest {
  /** Content of a key file. */
  content: Buffer
  /** Path of the file, for messages. */
  path: string
  newKey: Buffer
  /** Number of the older keys that stay. */
  keep: number
  /** Date that the comment behind the new key says. */
  date: string
}

/** A key file with a new first key. The keys are named by their ids. */
export interface Rotation {
  content: Buffer
  added: string
  kept: string[]
  removed: string[]
  /** True if the file was 32 bytes and no text. */
  wasRaw: boolean
}

/**
 * Puts a line with a new key before the first one that has a key, and takes away the lines of those
 * that are not to stay. All other lines are as they were, byte for byte.
 * @throws the errors of `parseKeyFile`, and `FST_SEALED_SESSION_KEY_ID_TAKEN` if two keys have one id.
 */
export function rotateKeys ({ content, path, newKey, keep, date }: RotationRequest): Rotation {
  const wasRaw = isRawKey(content)
  const text = wasRaw ? Buffer.from(`${content.toString('hex')}\n`) : content
  const lineKeys = parseKeyLines(text, path)
  const [added, ...older] = KeySet.of([newKey, ...lineKeys.filter(key => key !== null)]).check().keys
  const removed = older.slice(keep)

  // Latin-1 gives each byte a character, so that comments in any encoding survive.
  const lines = text.toString('latin1').replace(BYTE_ORDER_MARK, '').split('\n')
  const ending = lines.some(line => line.endsWith('\r')) ? '\r' : ''
  const first = lineKeys.findIndex(key => key !== null)
  const stays = lineKeys.map(key => key === null || !removed.some(({ bytes }) => bytes.equals(key)))
  const rotated = lines.filter((_, index) => stays[index])
  rotated.splice(first, 0, `${newKey.toString('hex')}  # ${date}${ending}`)

  return {
    content: Buffer.from(rotated.join('\n'), 'latin1'),
    added: added!.id, // the new key is the first of the set
    kept: older.slice(0, keep).map(({ id }) => id),
    removed: removed.map(({ id }) => id),
    wasRaw
  }
}
