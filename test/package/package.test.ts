// What users install: the packed tarball, under its own name and under the peer's.
import assert from 'node:assert/strict'
import { access, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { publint } from 'publint'
import { emptyFolder, install, pack, repository, run, tool } from './packed.ts'

const INSTALLATIONS = [
  { name: 'fastify-sealed-session', cookieVersion: '^11.0.0' },
  // An app that comes from the peer may hold the oldest @fastify/cookie that the peer takes. With
  // another one beside it, what the app configures or mocks there would not be what we use.
  { name: '@fastify/secure-session', cookieVersion: '11.0.1' }
]

let folder: string
let tarball: string
let files: string[]

before(async () => {
  folder = await emptyFolder();
  ({ tarball, files } = await pack(folder))
})

after(async () => await rm(folder, { recursive: true, force: true }))

describe('the tarball', () => {
  test('has everything that a user needs', () => {
    for (const file of [
      'package.json', 'README.md', 'LICENSE', 'llms.txt', 'genkey.js',
      'dist/esm/index.js', 'dist/esm/index.d.ts', 'dist/esm/cli/main.js',
      'dist/esm/registry/index.js', 'dist/esm/registry/index.d.ts', 'dist/cjs/registry/require.cjs', 'dist/cjs/registry/require.d.cts',
      'dist/esm/revocation/index.js', 'dist/esm/revocation/index.d.ts', 'dist/cjs/revocation/require.cjs', 'dist/cjs/revocation/require.d.cts',
      'dist/esm/cross-origin/index.js', 'dist/esm/cross-origin/index.d.ts', 'dist/cjs/cross-origin/require.cjs', 'dist/cjs/cross-origin/require.d.cts',
      'dist/esm/device/index.js', 'dist/esm/device/index.d.ts', 'dist/cjs/device/require.cjs', 'dist/cjs/device/require.d.cts',
      'dist/esm/testing/index.js', 'dist/esm/testing/index.d.ts', 'dist/cjs/testing/index.js',
      'dist/esm/web/index.js', 'dist/esm/web/index.d.ts', 'dist/cjs/web/index.js',
      'dist/edge/web/index.js', 'dist/edge/revocation/index.js', 'dist/edge/registry/index.js', 'dist/edge/device/index.js',
      'dist/esm/core.js', 'dist/esm/node.js', 'dist/esm/web/node.js', 'dist/cjs/core.js', 'dist/cjs/package.json', 'dist/cjs/require.cjs', 'dist/cjs/require.d.cts', 'dist/cjs/index.js', 'dist/cjs/index.d.ts'
    ]) assert.ok(files.includes(file), `${file} is missing`)
  })

  test('has the pages that the README links to, the charts, and nothing else: no sources, tests or tools', () => {
    const expected = [
      /^(docs|docs\/(guide|reference|evidence|reference\/api)|bench)\/[\w.-]+\.md$/,
      /^(bench\/chart|docs\/evidence\/reliability)\.svg$/,
      /^(package\.json|README\.md|LICENSE|llms\.txt|genkey\.js)$/,
      /^dist\/(esm|edge)\/([\w-]+\/)?[\w-]+\.c?js$/,
      /^dist\/esm\/((registry|revocation|cross-origin|device|testing|web)\/)?index\.d\.ts$/,
      /^dist\/cjs\/([\w-]+\/)*[\w-]+\.(c?js|d\.c?ts)$/,
      /^dist\/cjs\/(package\.json|((registry|revocation|cross-origin|device|web|testing)\/)?require\.cjs|((registry|revocation|cross-origin|device)\/)?require\.d\.cts)$/
    ]
    assert.deepEqual(files.filter(file => !expected.some(pattern => pattern.test(file))), [])
  })

  test('passes publint', async () => {
    const { buffer } = new Uint8Array(await readFile(tarball))
    const { messages } = await publint({ pack: { tarball: buffer }, strict: true })
    assert.deepEqual(messages, [])
  })

  test('has types that every kind of module resolution finds and that tell the truth', async () => {
    const output = await tool(folder, 'attw', [tarball, '--exclude-entrypoints', './genkey.js', '--no-definitely-typed', '--format', 'json'])
    const { analysis } = JSON.parse(output)
    assert.deepEqual(analysis.problems, [])
    assert.deepEqual(Object.keys(analysis.entrypoints), ['.', './device', './registry', './revocation', './cross-origin', './testing', './web', './types', './types/*', './package.json'])
  })
})

for (const { name, cookieVersion } of INSTALLATIONS) {
  describe(`installed as ${name} beside @fastify/cookie ${cookieVersion}`, () => {
    let app: string
    let installed: string

    before(async () => {
      app = join(folder, name.replace('/', '-'))
      installed = join(app, 'node_modules', name)
      await install(app, tarball, name, cookieVersion)
    })

    test('it shares @fastify/cookie with the app', async () => {
      await access(join(app, 'node_modules', '@fastify', 'cookie'))
      await assert.rejects(access(join(installed, 'node_modules', '@fastify', 'cookie')), { code: 'ENOENT' })
    })

    test('require() gives the plugin, and the plugin as `default` and by its name', async () => {
      await run(app, process.execPath, ['load.cjs'])
    })

    test('default, named and star imports give the plugin', async () => {
      await run(app, process.execPath, ['load.mjs'])
    })

    test('sessions pass between the ES module and the CommonJS module in one process', async () => {
      // As bundlers resolve it. Node.js itself has one copy, see below.
      await run(app, process.execPath, ['--conditions=module', 'both.mjs'])
    })

    test('import and require() give the same plugins, functions and classes, so that a process has the code once', async () => {
      const program = `
        const { equal } = require('node:assert/strict')
        const run = async () => {
          for (const part of ['', '/device', '/registry', '/revocation', '/cross-origin', '/testing', '/web']) {
            const [imported, required] = [await import('${name}' + part), require('${name}' + part)]
            for (const key of Object.keys(imported)) equal(imported[key], key === 'default' ? required : required[key], part + ' ' + key)
            equal(Object.keys(imported).length > 1, true)
          }
          equal(require('${name}').Keyring.name, 'Keyring')
        }
        run()`
      await run(app, process.execPath, ['--unhandled-rejections=strict', '-e', program])
    })

    test('TypeScript compiles ES modules and CommonJS files that extend SessionData under this name, and they run', async () => {
      await compile('typescript')
      await run(app, process.execPath, ['typescript/out/esm.mjs'])
      await run(app, process.execPath, ['typescript/out/cjs.cjs'])
    })

    test('TypeScript compiles for a bundler, and the result runs', async () => {
      await compile('bundler')
      await run(app, process.execPath, ['bundler/out/app.js'])
    })

    async function compile (project: string): Promise<void> {
      await tool(app, 'tsc', ['-p', project, '--typeRoots', join(repository, 'node_modules', '@types')])
    }

    // @fastify/cookie has a dynamic import(), which Jest refuses without the flag; and Fastify's
    // inject() requires an ES module, which Jest 29 cannot, with or without it.
    test('Jest runs an app with it over HTTP with --experimental-vm-modules', async () => {
      await jest('listen', {}, '--experimental-vm-modules')
    })

    test('Jest runs an app with it through inject() where it transforms the ES module that Fastify requires', async () => {
      await jest('inject', {
        transform: { '[.]js$': join(import.meta.dirname, 'to-commonjs.cjs') },
        transformIgnorePatterns: ['/node_modules/(?!(.*/)?(cookie|@fastify/cookie)/)']
      })
    })

    async function jest (testFile: string, config: object, nodeOptions = ''): Promise<void> {
      const args = ['--config', JSON.stringify({ rootDir: app, testMatch: [`**/${testFile}.test.cjs`], ...config })]
      await tool(app, 'jest', args, { NODE_OPTIONS: nodeOptions })
    }

    test('its commands are in node_modules/.bin and write 32 bytes', async () => {
      for (const command of ['fastify-sealed-session', 'secure-session']) {
        await run(app, 'sh', ['-c', `./node_modules/.bin/${command} > ${command}.key`])
        assert.equal((await readFile(join(app, `${command}.key`))).length, 32)
      }
    })

    test('genkey.js at its root is a program that writes 32 bytes', async () => {
      await run(app, 'sh', ['-c', `./node_modules/${name}/genkey.js > secret-key`])
      assert.equal((await readFile(join(app, 'secret-key'))).length, 32)
    })
  })
}
