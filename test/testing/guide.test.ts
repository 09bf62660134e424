// docs/guide/testing.md: its files are put into one folder, and each is run by its test runner, as a reader would do it.
// Needs `npm run build`.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { blocks } from '../docs/markdown.ts'
import { ROOT } from '../docs/workspace.ts'
import { browserPath, noBrowser } from '../support/browser.ts'

const PAGE = readFileSync(join(ROOT, 'docs/guide/testing.md'), 'utf8')
const FILES = new Map(blocks(PAGE).map(({ prelude, code }) => [prelude.replace(/^file /, ''), code]))

const INSTALLED = ['fastify', 'vitest', 'esbuild', 'playwright', '@playwright/test']

/** Playwright brings a Chromium of its own, which is not installed here. */
const PLAYWRIGHT_CONFIG = `export default { testMatch: '**/*.e2e.js', workers: 1, use: { launchOptions: { executablePath: ${JSON.stringify(browserPath)} } } }`

describe('docs/guide/testing.md', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'testing-'))
    for (const [name, code] of FILES) writeFileSync(join(folder, name), code)
    writeFileSync(join(folder, 'package.json'), '{ "type": "module", "private": true }')
    writeFileSync(join(folder, 'playwright.config.js'), PLAYWRIGHT_CONFIG)
    for (const name of INSTALLED) link(name, join(ROOT, 'node_modules', name))
    link('fastify-sealed-session', ROOT)
  })
  after(() => { rmSync(folder, { recursive: true, force: true }) })

  function link (name: string, target: string): void {
    const path = join(folder, 'node_modules', name)
    mkdirSync(dirname(path), { recursive: true })
    symlinkSync(target, path)
  }

  /** Runs a program of Node.js in the folder. @returns all that it has printed; fails with that, if the program fails */
  async function run (...args: string[]): Promise<string> {
    // Node refuses a child of its own test runner that is one, too, unless this variable is gone.
    const { NODE_TEST_CONTEXT, NODE_OPTIONS, ...env } = process.env
    return await new Promise((resolve, reject) => {
      execFile(process.execPath, args, { cwd: folder, env: { ...env, CI: '1', NO_COLOR: '1' }, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
        if (error === null) resolve(`${stdout}${stderr}`)
        else reject(new assert.AssertionError({ message: `${stdout}${stderr}` }))
      })
    })
  }

  const bin = (path: string): string => join(ROOT, 'node_modules', path)
  const filesOf = (end: string): string[] => [...FILES.keys()].filter(name => name.endsWith(end))

  it('has each of its tests in a file for a runner that is tried here', () => {
    const known = ['.test.js', '.spec.js', '.jest.js', '.e2e.js'].flatMap(filesOf)
    assert.deepEqual([...FILES.keys()].filter(name => !known.includes(name)), ['app.js', 'jest.config.cjs', 'jest.transform.cjs'])
  })

  it('has tests for node:test that pass', async () => {
    const output = await run('--test', '--test-reporter=tap', ...filesOf('.test.js'))
    assert.match(output, /^# pass 6$/m)
  })

  it('has tests for Vitest that pass', async () => {
    assert.match(await run(bin('vitest/vitest.mjs'), 'run', '.spec.js'), /Tests +2 passed/)
  })

  it('has tests for Jest that pass', async () => {
    assert.match(await run(bin('jest/bin/jest.js')), /Tests: +2 passed/)
  })

  it('has a transform for Jest that keeps the line of a failure in TypeScript', async () => {
    writeFileSync(join(folder, 'fails.jest.ts'), "interface Gone { text: string }\n\ntest('fails', () => {\n  throw new Error('on line 4')\n})\n")
    await assert.rejects(run(bin('jest/bin/jest.js'), '--testMatch', '**/fails.jest.ts'), /fails\.jest\.ts:4:9/)
  })

  it('has a test for Playwright that passes', { skip: noBrowser }, async () => {
    assert.match(await run(bin('@playwright/test/cli.js'), 'test'), /1 passed/)
  })
})
