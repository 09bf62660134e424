// The cores that this process, and those that it starts from now on, run on.
import { execFileSync } from 'node:child_process'

/** @param cores as `taskset` takes them: '0', '0-3'. @returns false on a machine without it, which changes nothing. */
export function useCores (cores) {
  try {
    execFileSync('taskset', ['-pc', cores, String(process.pid)], { stdio: 'ignore' })
    return true
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    return false
  }
}
