// The build in the environments of test runners, whose globals are not those of Node's own modules.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ROOT } from '../docs/workspace.ts'

const { resolve } = createRequire(import.meta.url)

function isInstalled (name: string): boolean {
  try {
    resolve(`${name}/package.json`)
    return true
  } catch {
    return false
  }
}

const RUNNERS = [
  { runner: 'jest', environment: 'node', needs: ['jest'] },
  { runner: 'jest', environment: 'jsdom', needs: ['jest', 'jest-environment-jsdom'] },
  { runner: 'vitest', environment: 'node', needs: ['vitest'] },
  { runner: 'vitest', environment: 'jsdom', needs: ['vitest', 'jsdom'] },
  { runner: 'vitest', environment: 'happy-dom', needs: ['vitest', 'happy-dom'] }
] as const

describe('under a test runner, every documented way to give a key works', () => {
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runners-'))
    await cp(join(import.meta.dirname, 'fixtures'), folder, { recursive: true })
    await mkdir(join(folder, 'node_modules'))
    for (const name of ['fastify', 'vitest']) await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
    await symlink(ROOT, join(folder, 'node_modules', 'fastify-sealed-session'))
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  })
  after(async () => await rm(folder, { recursive: true }))

  for (const { runner, environment, needs } of RUNNERS) {
    const missing = needs.filter(name => !isInstalled(name))
    it(`in ${runner} with the environment ${environment}`, { skip: missing.length > 0 && `not installed: ${missing.join(', ')}` }, async () => {
      await run(...(runner === 'jest' ? jest(environment) : vitest(environment)))
    })
  }

  function jest (environment: string): [bin: string, args: string[], nodeOptions: string] {
    const config = { rootDir: folder, testMatch: ['**/*.jest.cjs'], testEnvironment: join(ROOT, 'node_modules', `jest-environment-${environment}`) }
    // @fastify/cookie has a dynamic import(), which Jest refuses without the flag.
    return ['jest/bin/jest.js', ['--config', JSON.stringify(config)], '--experimental-vm-modules']
  }

  function vitest (environment: string): [bin: string, args: string[], nodeOptions: string] {
    return ['vitest/vitest.mjs', ['run', '--environment', environment, '--root', folder], '']
  }

  async function run (bin: string, args: string[], nodeOptions: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      // Node refuses a child of its own test runner that is one, too, unless this variable is gone.
      const { NODE_TEST_CONTEXT, ...env } = process.env
      execFile(process.execPath, [join(ROOT, 'node_modules', bin), ...args], { cwd: folder, env: { ...env, NODE_OPTIONS: nodeOptions, CI: '1' }, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
        if (error === null) resolve()
        else reject(new assert.AssertionError({ message: `${stdout}${stderr}` }))
      })
    })
  }
})
