// npm run footprint [-- --write]: what a user installs, beside three other packages: how many packages
// more than Fastify alone, how much disk they take, and which of them run a script when they are
// installed. With --write it goes into docs/evidence/comparison.md. Needs the registry, or a full cache of npm.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const PAGE = join(root, 'docs', 'evidence', 'comparison.md')
const BETWEEN = /(<!-- made by "npm run footprint" -->\n)[^]*(<!-- end of what "npm run footprint" made -->)/

const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const others = ['@fastify/secure-session', 'iron-session', '@fastify/session']
const needs = { '@fastify/session': ['@fastify/cookie'] } // which it asks the app to register

/** What is installed in a new folder with Fastify and these packages. */
function install (packages) {
  const folder = mkdtempSync(join(tmpdir(), 'footprint-'))
  try {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    execFileSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `fastify@${devDependencies.fastify}`, ...packages], { cwd: folder, stdio: 'pipe' })
    const lock = JSON.parse(readFileSync(join(folder, 'node_modules', '.package-lock.json'), 'utf8')).packages
    return new Map(Object.entries(lock).map(([path, { hasInstallScript = false }]) => [path, { bytes: size(join(folder, path)), hasInstallScript }]))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Bytes of the files in a folder, without those of packages within it, which are counted by themselves. */
function size (folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? sum : sum + size(path)
    return sum + statSync(path).size
  }, 0)
}

/** What comes with packages beyond Fastify. */
function added (packages) {
  return [...install(packages)].filter(([path]) => !baseline.has(path)).map(([path, rest]) => ({ name: path.slice(path.lastIndexOf('node_modules/') + 13), ...rest }))
}

function row (name, packages) {
  const bytes = packages.reduce((sum, { bytes }) => sum + bytes, 0)
  const largest = [...packages].sort((a, b) => b.bytes - a.bytes).slice(0, 2).map(({ name, bytes }) => `${name} ${megabytes(bytes)}`)
  const scripts = packages.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name)
  return `| ${name} | ${packages.length} | ${megabytes(bytes)} | ${largest.join(', ')} | ${scripts.join(', ') || 'none'} |`
}

const megabytes = bytes => `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1)} MB`

const folder = mkdtempSync(join(tmpdir(), 'footprint-'))
const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root, encoding: 'utf8' }))
const baseline = install([])
const rows = [
  row('fastify-sealed-session', added([join(folder, filename)])),
  ...others.map(name => row(name, added([`${name}@${devDependencies[name]}`, ...(needs[name] ?? [])])))
]
rmSync(folder, { recursive: true })

const table = `| | packages | on disk | the largest | with an install script |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`
process.stdout.write(table)
if (process.argv.includes('--write')) {
  writeFileSync(PAGE, readFileSync(PAGE, 'utf8').replace(BETWEEN, (_, start, end) => `${start}${table}${end}`))
}
