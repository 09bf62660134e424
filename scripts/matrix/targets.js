// What the tests are run on. docs/reference/platforms.md has the same list.
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { FASTIFY_6, copyWithFastify6 } from './fastify6.js'
import { runTests } from './tests.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** The packed package, installed, on the runtime. */
const ROUND_TRIP = ['package/runtime']

/** The tests in which Fastify counts, but for those of package/: they install the Fastify that package.json names. */
const WITH_FASTIFY = ['plugin/', 'edges/', 'registry/', 'revocation/', 'cross-origin/', 'security/', 'peer/', 'examples/', 'docs/', 'readme', 'diagnostics', 'session-info']

/**
 * @typedef {object} Target
 * @property {['node' | 'bun' | 'deno', number]} runtime and its major version
 * @property {(program: string, isQuick: boolean) => Promise<import('./tests.js').Outcome & { version?: string }>} run
 * @property {boolean} [mayFail]
 */

/** @type {Record<string, Target>} */
export const TARGETS = {
  node20: { runtime: ['node', 20], run: onNode },
  node22: { runtime: ['node', 22], run: onNode },
  node24: { runtime: ['node', 24], run: onNode },
  node26: { runtime: ['node', 26], run: onNode },
  bun: { runtime: ['bun', 1], run: onOther },
  deno: { runtime: ['deno', 2], run: onOther },
  // It does not start on Node 20, which has no Promise.withResolvers.
  fastify6: { runtime: ['node', 24], run: onFastify6, mayFail: true }
}

async function onNode (node, isQuick) {
  return await runTests({ node, cwd: ROOT, words: isQuick ? ROUND_TRIP : [], isLive: !isQuick })
}

/** The tests themselves need Node; what they start runs on the other runtime. */
async function onOther (program, isQuick) {
  return await runTests({ node: process.execPath, cwd: ROOT, words: ROUND_TRIP, isLive: !isQuick, env: { TEST_RUNTIME: program } })
}

async function onFastify6 (node, isQuick) {
  const copy = await copyWithFastify6(ROOT)
  try {
    return { version: `fastify ${FASTIFY_6}`, ...await runTests({ node, cwd: copy, words: WITH_FASTIFY, isLive: !isQuick }) }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
