// Bytes that sessions at the edge add to a bundle: of the packed tarball, by its name, as the tools of each runtime resolve it.
import assert from 'node:assert/strict'
import { mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { CONDITIONS, type Runtime } from '../edge/support.ts'
import { emptyFolder, packBuilt, repository, run } from './packed.ts'

/** Most bytes, minified and gzipped. What is measured is in docs/guide/edge.md. */
const BARS = {
  "export { createWebSessions, Keyring } from 'fastify-sealed-session/web'": 37_800,
  "export { createSessionCodec, Keyring } from 'fastify-sealed-session/web'": 27_500,
  "export { createWebSessions, Keyring } from 'fastify-sealed-session/web'; import 'fastify-sealed-session/revocation'": 48_500
}

let folder: string

before(async () => {
  folder = await emptyFolder()
  const installed = join(folder, 'node_modules/fastify-sealed-session')
  await mkdir(installed, { recursive: true })
  await run(folder, 'tar', ['-xzf', await packBuilt(folder), '-C', installed, '--strip-components=1'])
  for (const name of ['@noble', 'cookie', 'fastest-levenshtein']) await symlink(join(repository, 'node_modules', name), join(folder, 'node_modules', name), 'junction')
}, { timeout: 60_000 })

after(async () => { await rm(folder, { recursive: true, force: true }) })

for (const runtime of Object.keys(CONDITIONS) as Runtime[]) {
  describe(`a bundle for ${runtime}`, () => {
    for (const [contents, bar] of Object.entries(BARS)) {
      it(`has at most ${bar} bytes with: ${contents}`, async () => {
        const { outputFiles: [file], metafile } = await build({
          stdin: { contents, resolveDir: folder }, bundle: true, minify: true, write: false, metafile: true, format: 'esm', target: 'es2022', platform: 'browser', conditions: [...CONDITIONS[runtime]]
        })
        const size = gzipSync(file?.contents ?? '', { level: 9 }).length
        assert.ok(size <= bar && size > 15_000, `${size} bytes`)
        assert.ok(Object.keys(metafile.inputs).some(path => path.endsWith('fastify-sealed-session/dist/edge/core.js')))
      })
    }
  })
}
