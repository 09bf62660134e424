// docs/guide/nestjs.md on Nest 11, in a CommonJS project with Jest as its command line makes one. Nest 12, and all that
// the example does, are in nestjs.test.ts.
import assert from 'node:assert/strict'
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { blocks, type Block } from '../docs/markdown.ts'
import { emptyFolder, packBuilt, repository, run } from '../package/packed.ts'
import { runRunner, runTests } from './example.ts'

/** Dependencies of a new project: what the page uses of them. */
const NEW = { '@nestjs/common': '^11.0.1', '@nestjs/core': '^11.0.1', 'reflect-metadata': '^0.2.2', rxjs: '^7.8.1', jest: '^30.0.0', 'ts-jest': '^29.2.5', typescript: '^5.7.3' }

/** `test/jest-e2e.json` of a new project. */
const JEST = { moduleFileExtensions: ['js', 'json', 'ts'], rootDir: '..', testEnvironment: 'node', testRegex: '.e2e-spec.ts$', transform: { '^.+\\.(t|j)s$': 'ts-jest' } }

/** `tsconfig.json` of a new project. */
const COMPILER = {
  module: 'nodenext',
  moduleResolution: 'nodenext',
  resolvePackageJsonExports: true,
  esModuleInterop: true,
  isolatedModules: true,
  declaration: true,
  removeComments: true,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  allowSyntheticDefaultImports: true,
  target: 'ES2023',
  sourceMap: true,
  outDir: './dist',
  incremental: true,
  skipLibCheck: true,
  strictNullChecks: true,
  noImplicitAny: true,
  strictBindCallApply: true
}

describe('docs/guide/nestjs.md on Nest 11', () => {
  let folder: string
  let page: Block[]
  before(async () => {
    folder = await emptyFolder()
    const tarball = await packBuilt(folder)
    page = blocks(await readFile(join(repository, 'docs/guide/nestjs.md'), 'utf8'))
    const { devDependencies } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as { devDependencies: Record<string, string> }
    const here = Object.fromEntries(['@types/node', 'redis'].map(name => [name, devDependencies[name]]))
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'commonjs', dependencies: { ...NEW, ...here } }))

    const lines = block('text', 'npm install').trim().split('\n')
    for (const line of lines) {
      const [npm = '', ...words] = line.replaceAll(/@nestjs\/\S+/g, name => `${name}@11`).replace('fastify-sealed-session', tarball).split(' ')
      await run(folder, npm, [...words, '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'])
    }
    await extend('package.json', 'overrides')
    await run(folder, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'])
    await cp(join(repository, 'examples/nestjs'), folder, { recursive: true, filter: source => !source.endsWith('dist') })
    await cp(join(repository, 'test/examples/nest'), folder, { recursive: true })
  })
  after(async () => { await rm(folder, { recursive: true, force: true }) })

  /** The first block of the page in a language that has these words. */
  function block (language: string, words: string): string {
    const found = page.find(block => block.language === language && block.code.includes(words))
    assert.ok(found !== undefined, words)
    return found.code
  }

  /** Adds lines of the page to a file of JSON. */
  async function extend (file: string, words: string): Promise<void> {
    const before = JSON.parse(await readFile(join(folder, file), 'utf8')) as object
    await writeFile(join(folder, file), JSON.stringify({ ...before, ...JSON.parse(block('json', words)) as object }))
  }

  it('leaves one Fastify in the project', async () => {
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

  it('passes its end-to-end test in the Jest of a new project, with the lines that the page has for it', async () => {
    const project = join(folder, 'project')
    for (const name of ['src', 'test']) await mkdir(join(project, name), { recursive: true })
    const files = (await readdir(join(repository, 'examples/nestjs'))).filter(name => name.endsWith('.ts') && name !== 'app.e2e.ts')
    for (const name of files) await cp(join(folder, name), join(project, 'src', name))
    await writeFile(join(project, 'package.json'), '{ "private": true }')
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER }))
    await writeFile(join(project, 'test/jest-e2e.json'), JSON.stringify(JEST))
    await extend('project/test/jest-e2e.json', 'moduleNameMapper')

    let spec = await readFile(join(folder, 'app.e2e.ts'), 'utf8')
    for (const line of block('text', "'vitest'").trim().split('\n')) {
      const module = /'(?:\.\.\/src\/)?([\w.-]+)'$/.exec(line)?.[1] ?? ''
      const old = new RegExp(`^import .* from '(?:\\./${module}|${module.replace('vitest', 'node:test')})'$`, 'm')
      assert.match(spec, old)
      spec = spec.replace(old, line.replace('vitest', '@jest/globals'))
    }
    await writeFile(join(project, 'test/app.e2e-spec.ts'), spec)
    const output = await runRunner([join(folder, 'node_modules/jest/bin/jest.js'), '--no-cache', '--config', 'test/jest-e2e.json'], project)
    assert.match(output, /Tests: +7 passed/)
    assert.doesNotMatch(output, /source map|did not exit/)
  })
})
