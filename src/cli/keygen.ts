import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { generateKey } from '../keys/keyring.ts'
import { Misuse, print, type ExitCode } from './command.ts'

export const help = `\
Usage: fastify-sealed-session [keygen] [options]

Creates a random key of 32 bytes.

  --hex        as 64 hex characters
  --base64     as 44 characters of base64
  --raw        as 32 bytes
  --out FILE   write to FILE, a new one that only its owner may read
  -h, --help   show this help

Without a format: text in hex on a terminal, 32 bytes into a file or a pipe.

  fastify-sealed-session > secret-key
  fastify-sealed-session keygen --out secret-key     (also in PowerShell)
  SESSION_KEYS=$(fastify-sealed-session keygen --hex)
`

type Format = 'hex' | 'base64' | 'raw'

export function run (args: string[]): ExitCode {
  const { format, out } = parse(args)
  const key = generateKey()
  if (out === undefined) return print(encode(key, format ?? (process.stdout.isTTY ? 'hex' : 'raw')))
  writeNew(out, encode(key, format ?? 'raw'))
  return 0
}

function parse (args: string[]): { format: Format | undefined, out: string | undefined } {
  const { values } = parseArgs({
    args,
    options: {
      hex: { type: 'boolean' },
      base64: { type: 'boolean' },
      raw: { type: 'boolean' },
      out: { type: 'string' }
    }
  })
  const formats = (['hex', 'base64', 'raw'] as const).filter(name => values[name] === true)
  if (formats.length > 1) throw new Misuse('--hex, --base64 and --raw exclude each other')
  return { format: formats[0], out: values.out }
}

/** Writes all of it into a new file, or leaves no file. */
function writeNew (path: string, content: Uint8Array): void {
  const file = openNew(path)
  try {
    writeFileSync(file, content)
  } catch (error) {
    rmSync(path)
    throw error
  } finally {
    closeSync(file)
  }
}

/** Opens a new file. It never overwrites: a lost key ends every session that it sealed. */
function openNew (path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new Error(`file already exists, and is never overwritten: choose another name than "${path}"`)
  }
}

function encode (key: Buffer, format: Format): Uint8Array {
  return format === 'raw' ? key : Buffer.from(`${key.toString(format)}\n`)
}
