// The built package: its two copies, ESM and CommonJS, in one process, as bundles have them. Node.js has one of them only.
import { symlink, mkdir, cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { emptyFolder, repository, run } from './packed.ts'

let folder: string

/** A folder where the repository is installed as a package, as it was built. */
before(async () => {
  folder = await emptyFolder()
  await mkdir(join(folder, 'node_modules'))
  await symlink(repository, join(folder, 'node_modules', 'fastify-sealed-session'))
  await symlink(join(repository, 'node_modules', 'fastify'), join(folder, 'node_modules', 'fastify'))
  await cp(join(import.meta.dirname, 'fixtures', 'keyring.mjs'), join(folder, 'keyring.mjs'))
})

after(async () => await rm(folder, { recursive: true, force: true }))

for (const build of ['native', 'wasm']) {
  test(`a Keyring of one copy works in the other, and its rotations, retirements and file are seen there (libsodium: ${build})`, async () => {
    await run(folder, process.execPath, ['--conditions=module', 'keyring.mjs'], { FASTIFY_SEALED_SESSION_SODIUM: build })
  })
}
