// Runs tests in a process of their own, shows what they print, and counts.
import { spawn } from 'node:child_process'
import { delimiter, dirname } from 'node:path'

/**
 * @typedef {object} Run
 * @property {string} node the Node that runs the tests; their own processes, npm and npx run on it, too
 * @property {string[]} words which tests: see scripts/test.js
 * @property {string} cwd the repository, or a copy of it
 * @property {Record<string, string>} [env] variables beside those of this process
 */

/** @typedef {Record<'tests' | 'pass' | 'fail' | 'cancelled' | 'skipped', number> & { status: number, seconds: number }} Outcome */

/**
 * @param {Run} run
 * @returns {Promise<Outcome>}
 */
export async function runTests ({ node, words, cwd, env = {} }) {
  const started = Date.now()
  const path = `${dirname(node)}${delimiter}${process.env.PATH}`
  const child = spawn(node, ['scripts/test.js', ...words], { cwd, env: { ...process.env, ...env, PATH: path }, stdio: ['ignore', 'pipe', 'inherit'] })
  let end = ''
  for await (const text of child.stdout.setEncoding('utf8')) {
    process.stdout.write(text)
    end = (end + text).slice(-100_000)
  }
  const status = child.exitCode ?? await new Promise(resolve => child.once('close', resolve))
  return { ...counts(end), status: status ?? 1, seconds: Math.round((Date.now() - started) / 1000) }
}

/**
 * What Node's test runner says at its end: `# pass 7` or `ℹ pass 7`, before the failures again.
 * @param {string} output
 */
function counts (output) {
  const count = name => Number([...output.matchAll(new RegExp(`^[#ℹ] ${name} (\\d+)$`, 'gm'))].at(-1)?.[1] ?? 0)
  return { tests: count('tests'), pass: count('pass'), fail: count('fail'), cancelled: count('cancelled'), skipped: count('skipped') }
}
