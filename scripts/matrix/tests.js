// Runs tests in a process of their own, prints what they print, and counts.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, dirname } from 'node:path'

/**
 * @typedef {object} Run
 * @property {string} node the Node that runs the tests; their own processes, npm and npx run on it, too
 * @property {string[]} words which tests: see scripts/test.js
 * @property {string} cwd the repository, or a copy of it
 * @property {boolean} isLive whether all is printed as it comes, and not at the end in one piece
 * @property {Record<string, string>} [env] variables beside those of this process
 */

/** @typedef {Record<'status' | 'tests' | 'passed' | 'failed' | 'skipped' | 'seconds', number>} Outcome */

/**
 * @param {Run} run
 * @returns {Promise<Outcome>}
 */
export async function runTests ({ node, words, cwd, isLive, env = {} }) {
  const started = Date.now()
  const path = `${dirname(node)}${delimiter}${process.env.PATH}`
  const child = spawn(node, ['scripts/test.js', ...words], { cwd, env: { ...process.env, ...env, PATH: path }, stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  let output = ''
  for await (const text of child.stdout.setEncoding('utf8')) {
    if (isLive) process.stdout.write(text)
    output += text
  }
  const [status] = await closed
  if (!isLive) process.stdout.write(output)
  return { ...counts(output), status: status ?? 1, seconds: Math.round((Date.now() - started) / 1000) }
}

/**
 * What Node's test runner says at its end: `# pass 7` or `ℹ pass 7`, before the failures again.
 * @param {string} output
 */
function counts (output) {
  const count = name => Number([...output.matchAll(new RegExp(`^[#ℹ] ${name} (\\d+)$`, 'gm'))].at(-1)?.[1] ?? 0)
  return { tests: count('tests'), passed: count('pass'), failed: count('fail') + count('cancelled'), skipped: count('skipped') }
}
