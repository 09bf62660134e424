// examples/nestjs on Nest 11, in a CommonJS project as its command line makes one. Nest 12, and all that the example
// does, are in nestjs.test.ts.
import assert from 'node:assert/strict'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { emptyFolder, packBuilt, repository, run } from '../package/packed.ts'
import { runTests } from './example.ts'

/** Nest 11 has a Fastify of its own. With another one in the project there would be two, with types that differ: `overrides` makes it one. */
const OVERRIDES = { fastify: '$fastify' }
const NEST = ['common', 'core', 'platform-fastify', 'testing'].map(name => [`@nestjs/${name}`, '^11.1.0'])
const AS_HERE = ['@types/node', 'fastify', 'reflect-metadata', 'rxjs', 'zod']

describe('examples/nestjs on Nest 11', () => {
  let folder: string
  before(async () => {
    folder = await emptyFolder()
    const tarball = await packBuilt(folder)
    const { devDependencies } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as { devDependencies: Record<string, string> }
    const dependencies = { ...Object.fromEntries(NEST), ...Object.fromEntries(AS_HERE.map(name => [name, devDependencies[name]])), 'fastify-sealed-session': `file:${tarball}` }
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'commonjs', dependencies, overrides: OVERRIDES }))
    await run(folder, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'])
    await cp(join(repository, 'examples/nestjs'), folder, { recursive: true, filter: source => !source.endsWith('dist') })
    await cp(join(repository, 'test/examples/nest'), folder, { recursive: true })
  })
  after(async () => { await rm(folder, { recursive: true, force: true }) })

  it('has one Fastify', async () => {
    const installed = JSON.parse(await run(folder, 'npm', ['ls', 'fastify', '--json'])) as { dependencies: Record<string, { version: string, dependencies?: Record<string, { version: string }> }> }
    const versions = Object.entries(installed.dependencies).map(([name, { version, dependencies }]) => name === 'fastify' ? version : dependencies?.fastify?.version)
    assert.equal(new Set(versions).size, 1)
    assert.match(installed.dependencies['@nestjs/platform-fastify']?.version ?? '', /^11\./)
  })

  it('compiles strictly with TypeScript 5.9, and passes its end-to-end test', async () => {
    await run(folder, process.execPath, [join(repository, 'node_modules/typescript-5.9/bin/tsc'), '-p', '.'])
    await runTests(join(folder, 'dist/app.e2e.js'))
  })

  it('brings the cookie with each kind of response of Nest', async () => {
    await runTests(join(folder, 'dist/responses.e2e.js'))
  })
})
