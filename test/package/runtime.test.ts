// The packed package on a runtime: a server of its own over real HTTP, and the command. The runtime
// is this Node, or the program that the environment variable TEST_RUNTIME names, which
// `npm run test:matrix` sets to Bun and Deno.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { createSessionCodec, type SecureSessionPluginOptions, type SessionCodec } from '../../src/index.ts'
import { tamperedWith } from '../examples/example.ts'
import { emptyFolder, install, packBuilt, repository, run } from './packed.ts'
import { RuntimeServer, type CodecName } from './runtime-server.ts'

const PROGRAM = process.env.TEST_RUNTIME ?? process.execPath
const NAME = basename(PROGRAM)
// As docs/reference/platforms.md says that Deno runs an app; and the command writes files.
const page = readFileSync(join(repository, 'docs/reference/platforms.md'), 'utf8')
const permissions = /^deno run (--.+) app\.js$/m.exec(page)?.[1]?.split(' ') ?? []
const RUN = NAME === 'deno' ? ['run', '--no-prompt', ...permissions, '--allow-write'] : []

const PASSPHRASE = { secret: 'correct horse battery staple, and more of it', salt: 'sixteen bytes ok', format: 'sealed' } as const

/** For each build of libsodium what chooses it, where there is an addon for the platform, and which warnings the log then has. */
const BUILDS = {
  addon: { choice: '', warnings: [] },
  WebAssembly: { choice: 'wasm', warnings: ['FST_SEALED_SESSION_WARN_WASM'] }
}

let root: string
let app: string

before(async () => {
  root = await emptyFolder()
  app = join(root, 'app')
  await install(app, await packBuilt(root), 'fastify-sealed-session', '^11.0.0')
})

after(async () => await rm(root, { recursive: true, force: true }))

for (const [build, { choice, warnings }] of Object.entries(BUILDS)) {
  describe(`the packed package on ${NAME} (libsodium: ${build})`, () => {
    const keyFile = `${build}-keys`
    const environment = { FASTIFY_SEALED_SESSION_SODIUM: choice, KEY_FILE: keyFile, PASSPHRASE: JSON.stringify(PASSPHRASE) }
    let key: string
    let server: RuntimeServer

    before(async () => {
      await command('keygen', '--hex', '--out', keyFile)
      key = (await readFile(join(app, keyFile), 'utf8')).trim()
      server = await RuntimeServer.start(app, PROGRAM, [...RUN, 'server.mjs'], environment)
    })

    after(async () => { await server.stop() })

    it('runs there with this build, and with no other warning', async context => {
      const { runtime, version, codes } = await server.about()
      context.diagnostic(`${runtime} ${version}`)
      assert.equal(runtime, NAME)
      assert.deepEqual(codes, warnings)
    })

    it('keeps a session from request to request, with what changes deep in it, until the logout', async () => {
      const browser = server.browser()
      await browser.post('/login', { user: 'ann' })
      await browser.post('/cart', { item: 'pen' })
      assert.deepEqual(await browser.json('/session'), { user: 'ann', cart: ['pen'] })

      const copied = browser.cookie
      await browser.post('/logout')
      assert.equal(browser.cookie, null)
      browser.cookie = copied
      assert.deepEqual(await browser.json('/session'), {}, 'a copy of the cookie is revoked')
    })

    it('splits a session that is too large for one cookie', async () => {
      const browser = server.browser()
      const item = randomBytes(2000).toString('hex')
      await browser.post('/login', { user: 'ann' })
      await browser.post('/cart', { item })
      assert.equal(browser.setCookies.length, 2)
      assert.deepEqual(await browser.json('/session'), { user: 'ann', cart: [item] })
    })

    it('refuses a cookie that was tampered with', async () => {
      const browser = server.browser()
      await browser.post('/login', { user: 'ann' })
      browser.cookie = tamperedWith(browser.cookie ?? '')
      assert.deepEqual(await browser.json('/session'), {})
    })

    for (const name of ['secretbox', 'sealed', 'passphrase'] satisfies CodecName[]) {
      it(`opens what this Node seals, and the other way round (${name})`, async () => {
        const here = await codecOf(name, key)
        const data = { text: 'ü€😀', n: [1, { deep: null }] }
        const there = await server.open(name, here.seal(data))
        assert.deepEqual(there.ok && there.data, data)
        const back = here.open(await server.seal(name, data))
        assert.deepEqual(back.ok && back.data, data)
      })
    }

    it('follows its key file when the command rotates it, and the command opens what it seals', async () => {
      const browser = server.browser()
      await browser.post('/login', { user: 'ann' })
      const before = browser.cookie
      await command('rotate', keyFile)
      await until(async () => (await server.about()).keyIds.length === 2)

      assert.deepEqual(await browser.json('/session'), { user: 'ann', cart: [] })
      assert.notEqual(browser.cookie, before)
      assert.match(await command('inspect', '--key-file', keyFile, browser.cookie ?? ''), /"user": "ann"/)
    })
  })
}

/** Runs the package's command, on the runtime. */
async function command (...args: string[]): Promise<string> {
  return await run(app, PROGRAM, [...RUN, 'node_modules/fastify-sealed-session/genkey.js', ...args])
}

/** The codec that the server has under the same name, in this process. */
async function codecOf (name: CodecName, key: string): Promise<SessionCodec> {
  const options: SecureSessionPluginOptions = name === 'passphrase' ? PASSPHRASE : { key, format: name }
  return await createSessionCodec(options)
}

/** Asks again until it is so; fails after ten seconds. */
async function until (isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!await isSo()) {
    assert.ok(Date.now() < end, 'it did not happen within ten seconds')
    await wait(20)
  }
}
