import { readFileSync } from 'node:fs'
import { sodiumReady } from '#sodium'
import type { SealedSessionError } from '../errors.ts'
import { Misuse, note, print, type Command, type ExitCode } from './command.ts'
import * as inspect from './inspect.ts'
import * as keygen from './keygen.ts'
import * as rotate from './rotate.ts'

const HELP = `\
Usage: fastify-sealed-session [command] [options]

  keygen           create a random key; so does no command at all
    --hex, --base64, --raw    as text, or as 32 bytes
    --out FILE                into a new file that only its owner may read
  rotate FILE      put a new key first in a file of keys
    --keep N                  and keep N of the older ones; all without it
  inspect TOKEN    show what a session's cookie holds; "-" reads it from stdin
    --key-file FILE           where the keys are
    --name NAME               of the cookie; without it "session"

  -h, --help       show this help, or after a command that of the command
  -v, --version    show the version

Exit codes: 0 done, 1 failed, 2 called wrongly.

  fastify-sealed-session > secret-key
  fastify-sealed-session keygen --out secret-key     (also in PowerShell)
  fastify-sealed-session rotate session-keys --keep 2
  fastify-sealed-session inspect --key-file session-keys - < cookie
`

const COMMANDS = new Map<string, Command>(Object.entries({ keygen, rotate, inspect }))

async function main (args: string[]): Promise<ExitCode> {
  const [first = ''] = args
  // @fastify/secure-session's command knows no commands, and creates a key.
  const isNamed = first !== '' && !first.startsWith('-')
  const command = isNamed ? COMMANDS.get(first) : { ...keygen, help: HELP }
  if (command === undefined) return misused(`unknown command "${first}"`, HELP)
  if (hasFlag(args, '--help', '-h')) return print(command.help)
  if (hasFlag(args, '--version', '-v')) return print(`${version()}\n`)
  return await call(command, isNamed ? args.slice(1) : args)
}

function hasFlag (args: string[], ...names: string[]): boolean {
  return args.some(word => names.includes(word))
}

async function call (command: Command, args: string[]): Promise<ExitCode> {
  try {
    await sodiumReady()
    return await command.run(args)
  } catch (error) {
    return isMisuse(error) ? misused(error.message, command.help) : failed(error as Error)
  }
}

function isMisuse (error: unknown): error is Error {
  return error instanceof Misuse || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true
}

function misused (message: string, help: string): ExitCode {
  note(`${message}\n\n${help.trimEnd()}`)
  return 2
}

function failed (error: Error): ExitCode {
  const { message, hint } = error as Partial<SealedSessionError>
  note(hint === undefined ? `${message}` : `${message}\n${hint}`)
  return 1
}

function version (): string {
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

// Error if the reader of the pipe is gone, or a disk is full.
process.stdout.on('error', error => { process.exitCode = failed(error) })

process.exitCode = await main(process.argv.slice(2))
