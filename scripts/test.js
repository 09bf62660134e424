// Runs test/**/*.test.ts with Node's test runner: all of them, or those whose path contains one of
// the words given and none of those with a minus in front. (`node --test` takes a glob only since
// Node 21.)
//
// With FASTIFY_SEALED_SESSION_SODIUM=wasm the tests run on the WebAssembly build of libsodium. It is
// loaded before a test file is: most tests call the code that seals and opens at once.
//
// With FASTIFY_SEALED_SESSION_CACHE=everywhere every session has the option `cache`, and all tests have to pass
// as they are.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)
const words = process.argv.slice(2).filter(word => !word.startsWith('-'))
const without = process.argv.slice(2).filter(word => word.startsWith('-')).map(word => word.slice(1))
const isWasm = process.env.FASTIFY_SEALED_SESSION_SODIUM === 'wasm'
const isCached = process.env.FASTIFY_SEALED_SESSION_CACHE === 'everywhere'

const files = readdirSync(new URL('test/', root), { recursive: true, encoding: 'utf8' })
  .map(file => `test/${file.replaceAll('\\', '/')}`)
  .filter(file => file.endsWith('.test.ts') && (words.length === 0 || words.some(word => file.includes(word))))
  .filter(file => !without.some(word => file.includes(word)))
  .sort()

/** Milliseconds; on an idle machine no file takes a tenth of it. One that hangs fails by name, rather than hold all up. */
const HANGS_AFTER = 900_000

const { status } = spawnSync(process.execPath, [
  '--import', 'tsx',
  '--import', './test/support/quiet.ts',
  ...(isWasm ? ['--import', './test/support/wasm-ready.ts'] : []),
  ...(isCached ? ['--import', './test/support/cache-everywhere.ts'] : []),
  '--test',
  `--test-timeout=${HANGS_AFTER}`,
  // One more than there are cores, since many wait for browsers, stores and clocks. Node would leave one core out.
  `--test-concurrency=${availableParallelism() + 1}`,
  ...files
], { cwd: fileURLToPath(root), stdio: 'inherit' })
process.exitCode = status ?? 1
