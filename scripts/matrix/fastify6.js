// A copy of the repository in which Fastify is a version that is not out yet.
import { cpSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { install } from './runtimes.js'

/** The newest on npm, which has no tag there. */
export const FASTIFY_6 = '6.0.0-alpha.4'

/**
 * @param {string} root the repository
 * @returns {Promise<string>} the path of the copy; remove it when done
 */
export async function copyWithFastify6 (root) {
  const installed = join(await install('fastify6', `fastify@${FASTIFY_6}`), 'node_modules')
  const copy = mkdtempSync(join(tmpdir(), 'fastify6-'))
  const left = ['.git', 'node_modules/.cache', 'node_modules/fastify'].map(path => join(root, path))
  cpSync(root, copy, { recursive: true, verbatimSymlinks: true, filter: source => !left.includes(source) })

  // With what it depends on inside it, so that all others keep the versions that they have.
  const fastify = join(copy, 'node_modules', 'fastify')
  cpSync(join(installed, 'fastify'), fastify, { recursive: true })
  cpSync(installed, join(fastify, 'node_modules'), {
    recursive: true, verbatimSymlinks: true, filter: source => source !== join(installed, 'fastify')
  })
  return copy
}
