import { visible } from '../message-table.ts'

// Types that the commands of the command line share.

/** Exit codes: 0 done, 1 failed, 2 called wrongly. */
export type ExitCode = 0 | 1 | 2

export interface Command {
  /** At most 23 lines of 80 columns: a terminal has 24, and the prompt needs one. */
  help: string
  /** @throws `Misuse`, or the error of node:util's parseArgs, for a wrong call; any other error is a failure. */
  run: (args: string[]) => ExitCode | Promise<ExitCode>
}

/** A wrong call; the message says what is wrong with it. */
export class Misuse extends Error {}

export function print (output: string | Uint8Array): ExitCode {
  process.stdout.write(typeof output === 'string' ? visible(output) : output)
  return 0
}

/** Writes a note to stderr, which is neither output nor a failure. */
export function note (message: string): void {
  process.stderr.write(`fastify-sealed-session: ${visible(message)}\n`)
}
