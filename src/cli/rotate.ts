import { parseArgs } from 'node:util'
import { generateKey } from '../keys/keyring.ts'
import { Misuse, note, print, type ExitCode } from './command.ts'
import { replaceFile } from './replace-file.ts'
import { rotateKeys, type Rotation } from './rotate-keys.ts'

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
