// Runs test/**/*.test.ts with Node's test runner: all of them, or those whose path contains one of
// the words given. (`node --test` takes a glob only since Node 21.)
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)
const words = process.argv.slice(2)

const files = readdirSync(new URL('test/', root), { recursive: true, encoding: 'utf8' })
  .map(file => `test/${file.replaceAll('\\', '/')}`)
  .filter(file => file.endsWith('.test.ts') && (words.length === 0 || words.some(word => file.includes(word))))
  .sort()

const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--test', ...files], {
  cwd: fileURLToPath(root),
  stdio: 'inherit'
})
process.exitCode = status ?? 1
