// The built package twice in one app, as an alias beside the package's own name makes it: two folders of node_modules.
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { VERSION } from '../../src/fastify/registered-session.ts'
import { emptyFolder, repository, run } from './packed.ts'

interface Manifest { version: string, dependencies: Record<string, string>, optionalDependencies?: Record<string, string> }

let folder: string
let manifest: Manifest

const COPIES = ['fastify-sealed-session', '@fastify/secure-session']

before(async () => {
  manifest = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as Manifest
  folder = await emptyFolder()
  for (const name of COPIES) {
    const copy = join(folder, 'node_modules', name)
    await mkdir(copy, { recursive: true })
    for (const part of ['dist', 'package.json']) await cp(join(repository, part), join(copy, part), { recursive: true })
  }
  for (const name of ['fastify', ...Object.keys(manifest.dependencies)]) {
    const link = join(folder, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(repository, 'node_modules', name), link)
  }
  await cp(join(import.meta.dirname, 'fixtures', 'two-copies.mjs'), join(folder, 'two-copies.mjs'))
})

after(async () => await rm(folder, { recursive: true, force: true }))

test('the session of one copy works with the revocation, registry, guards and test helpers of another copy', async () => {
  await run(folder, process.execPath, ['two-copies.mjs'])
})

test('a session of another version of the package is refused when the app starts', async () => {
  const dist = join(folder, 'node_modules', '@fastify/secure-session', 'dist')
  let changed = 0
  for (const name of await readdir(dist, { recursive: true })) {
    if (!/\.c?js$/.test(name)) continue
    const code = await readFile(join(dist, name), 'utf8')
    const other = code.replaceAll(`VERSION = "${VERSION}"`, 'VERSION = "0.0.1"')
    if (other !== code) changed++
    await writeFile(join(dist, name), other)
  }
  assert.ok(changed >= 2) // both module systems
  await run(folder, process.execPath, ['two-copies.mjs', 'versions'])
})

test('the version that copies compare is that of the package', () => {
  assert.equal(VERSION, manifest.version)
})
