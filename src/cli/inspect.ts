import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { formatOf, formatsOf } from '../codec.ts'
import { fillNonce } from '../crypto/nonces.ts'
import { JSON_SERIALIZER } from '../data/serializer.ts'
import { isChunk } from '../cookies/chunks.ts'
import { parseKeyFile } from '../keys/key-file.ts'
import { KeySet } from '../keys/key-set.ts'
import { Misuse, print, type ExitCode } from './command.ts'
import { findToken } from './given-token.ts'
import { REFUSALS } from './refusal-words.ts'
import { reportOf } from './token-report.ts'

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

  if (isChunk(token)) throw new Error(`refused as chunk-missing: ${REFUSALS['chunk-missing']({ ...inspected, lifetime: null })}`)
  // A Codec would judge by the lifetime. An old session is shown, too.
  const opened = formatsOf({ context, serializer: JSON_SERIALIZER, fillRandom: fillNonce, saysCreated: true })[format].open(token, keys)
  if (!opened.ok) throw new Error(`refused as ${opened.reason}: ${REFUSALS[opened.reason]({ ...inspected, lifetime: null })}`)
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
