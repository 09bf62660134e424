// The cells of a package that asks for a newer Node than this one, in a process of such a Node.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { repository } from '../package/packed.ts'
import type { Contender } from './contenders.ts'

interface Runtimes { nodeFor: (name: string) => Promise<string> }
const { nodeFor } = await import(new URL('../../scripts/matrix/runtimes.js', import.meta.url).href) as Runtimes

const PROGRAM = fileURLToPath(new URL('print-cells.ts', import.meta.url))

/** Either each cell by the title of its row, or the reason why there is no Node for the package. */
export interface Cells { cells?: Record<string, string>, skipped?: string }

export async function cellsOnItsNode ({ name }: Contender): Promise<Cells> {
  let node: string
  try {
    node = await nodeFor(name)
  } catch (error) {
    return { skipped: `there is no Node.js for ${name}: ${(error as Error).message.split('\n')[0]}` }
  }
  const { stdout } = await promisify(execFile)(node, ['--import', 'tsx', PROGRAM, name], { cwd: repository })
  return { cells: JSON.parse(stdout) }
}
