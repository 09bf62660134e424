import { visible } from './printable.ts'

// What the commands of the command line share.

/** Exit codes: 0 done, 1 failed, 2 called wrongly. */
export type ExitCode = 0 | 1 | 2

export interface Command {
  /** At most 23 lines of 80 columns: a terminal has 24, and the prompt needs one. */
  help: string
  /** @throws `Misuse`, or what node:util's parseArgs throws, for a wrong call; any other error is a failure. */
  run: (args: string[]) => ExitCode | Promise<ExitCode>
}

/** A wrong call. The message says what is wrong with it. */
export class Misuse extends Error {}

export function print (output: string | Uint8Array): ExitCode {
  process.stdout.write(typeof output === 'string' ? visible(output) : output)
  return 0
}

/** Says on stderr what is not the output, and is not a failure either. */
export function note (message: string): void {
  process.stderr.write(`fastify-sealed-session: ${visible(message)}\n`)
}
