// Where a run took place: what every page of results says first.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'

export const today = () => new Date().toISOString().slice(0, 10)

export function machine () {
  return `Node.js ${process.version}, ${os.cpus()[0].model.trim()}, ${os.cpus().length} cores`
}

/** Version of an installed package; some do not export their package.json. */
export function version (name) {
  return JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version
}

export function commit () {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}
