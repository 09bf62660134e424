import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { KEY_BYTES } from './crypto/library.ts'
import { sodium, sodiumReady } from './crypto/sodium.ts'

const HELP = `\
Usage: fastify-sealed-session [keygen] [options]

Creates a random 32-byte key for fastify-sealed-session.

  --hex          as 64 hex characters
  --base64       as 44 characters of base64
  --raw          as 32 bytes
  --out FILE     write to FILE, a new one that only its owner may read
  -h, --help     show this help
  -v, --version  show the version

Without a format: text in hex on a terminal, 32 bytes into a file or a pipe.

  fastify-sealed-session > secret-key
  fastify-sealed-session keygen --out secret-key     (also in PowerShell)
  SESSION_KEY=$(fastify-sealed-session keygen --hex)
`

/** Exit codes: 0 done, 1 failed, 2 called wrongly. */
type ExitCode = 0 | 1 | 2

type Format = 'hex' | 'base64' | 'raw'

async function main (args: string[]): Promise<ExitCode> {
  try {
    const { values, positionals } = parse(args)
    if (values.help === true) return print(HELP)
    if (values.version === true) return print(`${version()}\n`)
    const [command = 'keygen', ...rest] = positionals
    if (command !== 'keygen' || rest.length > 0) return misused(`unknown command "${positionals.join(' ')}"`)
    const formats = (['hex', 'base64', 'raw'] as const).filter(name => values[name] === true)
    if (formats.length > 1) return misused('--hex, --base64 and --raw exclude each other')
    return await keygen(formats[0], values.out)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code?.startsWith('ERR_PARSE_ARGS') === true ? misused(message) : failed(message)
  }
}

function parse (args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      hex: { type: 'boolean' },
      base64: { type: 'boolean' },
      raw: { type: 'boolean' },
      out: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' }
    }
  })
}

async function keygen (format: Format | undefined, out: string | undefined): Promise<ExitCode> {
  await sodiumReady()
  const key = Buffer.alloc(KEY_BYTES)
  sodium().fillRandom(key)
  if (out === undefined) return print(encode(key, format ?? (process.stdout.isTTY ? 'hex' : 'raw')))

  const file = openNew(out)
  try {
    writeSync(file, encode(key, format ?? 'raw'))
  } finally {
    closeSync(file)
  }
  return 0
}

/** Never overwrites: a lost key ends every session that it sealed. */
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

function version (): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

function print (output: string | Uint8Array): ExitCode {
  process.stdout.write(output)
  return 0
}

function failed (message: string): ExitCode {
  process.stderr.write(`fastify-sealed-session: ${message}\n`)
  return 1
}

function misused (message: string): ExitCode {
  process.stderr.write(`fastify-sealed-session: ${message}\n\n${HELP}`)
  return 2
}

// Where what reads the pipe is gone, or a disk is full.
process.stdout.on('error', error => { process.exitCode = failed(error.message) })

process.exitCode = await main(process.argv.slice(2))
