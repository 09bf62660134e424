// What a start loads: the built package in a fresh process, as an app requires or imports it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { repository } from './packed.ts'

/** Files of this package, and packages and modules of Node.js, that few apps need: `scripts/bundle.js` has them loaded later. */
const LATER = ['codec-devices.js', 'key-file.js', 'key-hints.js', 'passphrase.js', 'schema.js', 'token-cache.js', 'fastest-levenshtein', 'NativeModule v8']

/** Those of LATER that a program has loaded at its end. */
function loadedBy (program: string): string[] {
  const script = `
    const { createRequire } = require('node:module')
    const require_ = createRequire(${JSON.stringify(`${repository}/package.json`)})
    const Fastify = require_('fastify')
    const plugin = require_('fastify-sealed-session')
    const key = Buffer.from(Array.from({ length: 32 }, (_, index) => index))
    const start = async options => { await Fastify({ pluginTimeout: 0 }).register(plugin, { key, ...options }).ready() }
    const run = async () => { ${program} }
    run().then(() => {
      const files = Object.keys(require.cache).map(path => path.replaceAll('\\\\', '/')).filter(path => path.includes('/dist/cjs/') || path.includes('fastest-levenshtein'))
      console.log(JSON.stringify([...files, ...process.moduleLoadList]))
    })`
  const loaded = JSON.parse(execFileSync(process.execPath, ['-e', script], { cwd: repository, encoding: 'utf8' })) as string[]
  return LATER.filter(name => loaded.some(path => path === name || path.includes(`/${name}`)))
}

describe('the start of an app', () => {
  test('loads none of what an option asks for that it does not have', () => {
    assert.deepEqual(loadedBy("await start({ cookie: { path: '/' } })"), [])
    assert.deepEqual(loadedBy("await import('fastify-sealed-session'); await start({})"), [])
  })

  test('loads each file that requests will need: a server that has run out of file descriptors could load none', () => {
    const requests = `
      const app = Fastify({ pluginTimeout: 0, logger: { level: 'debug', stream: { write () {} } } })
      await app.register(plugin, { key, cache: true, cookie: { path: '/' } })
      app.get('/', async ({ session }) => { session.set('visits', 1 + (session.get('visits') ?? 0)); return 'ok' })
      app.get('/guarded', { preHandler: plugin.requireSession() }, async () => 'ok')
      await app.ready()
      const files = () => Object.keys(require.cache).filter(path => /[\\\\/]dist[\\\\/]cjs[\\\\/]/.test(path))
      const before = files()
      const { headers } = await app.inject('/')
      const cookie = headers['set-cookie'].split(';')[0]
      for (const sent of [cookie, cookie.replace(/.$/, ''), 'session=x', 'session=' + 'A'.repeat(80)]) await app.inject({ url: '/', headers: { cookie: sent } })
      await app.inject('/guarded')
      require('node:assert').deepEqual(files(), before)`
    assert.deepEqual(loadedBy(requests), ['token-cache.js', 'NativeModule v8'])
  })

  for (const [name, program, expected] of [
    ['a cache', 'await start({ cache: true })', ['token-cache.js']],
    ['a schema', "await start({ schema: { '~standard': { version: 1, vendor: 'test', validate: value => ({ value }) } } })", ['schema.js']],
    ['a passphrase', "await plugin.createSessionCodec({ secret: 'x'.repeat(32), salt: 'mq9hDxBVDbspDR6n' })", ['passphrase.js']],
    ['a file of keys', "await plugin.Keyring.fromFile('test/package/fixtures/none').catch(() => {})", ['key-file.js']],
    ['a key that is none', "await start({ key: 'short' }).catch(() => {})", ['key-hints.js']],
    ['an option that is misspelt', 'await start({ expriy: 60 }).catch(() => {})', ['fastest-levenshtein']],
    ['proofs of devices for a codec', "await plugin.createSessionCodec({ key, format: 'sealed', device: true })", ['codec-devices.js']]
  ] as const) {
    test(`loads what it needs for ${name}`, () => {
      assert.deepEqual(loadedBy(program), expected)
    })
  }
})
