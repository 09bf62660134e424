// What is in a bundle for the edge, and what Node.js loads: each has the cipher of the one, and nothing of the other.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as edgeRuntime from '../../src/runtime/edge.ts'
import * as nodeRuntime from '../../src/runtime/node.ts'
import * as sodium from '../../src/crypto/sodium.ts'
import * as noble from '../../src/crypto/noble.ts'
import { bundle, CONDITIONS, type Runtime } from './support.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

for (const runtime of Object.keys(CONDITIONS) as Runtime[]) {
  describe(`a bundle for ${runtime}`, () => {
    it('has @noble in it, and none of the packages and files that only Node.js can load, nor parts and texts that it does not ask for', async () => {
      const { inputs, code } = await bundle('worker.ts', runtime)
      const files = Object.keys(inputs)
      assert.ok(files.some(file => file.includes('@noble/ciphers/')) && files.some(file => file.includes('@noble/hashes/')))
      assert.deepEqual(files.filter(file => /\/src\/(?:revocation|registry|device|store)\/|-table\.ts$|hints\.ts$|sodium|\.cts$|passphrase-worker|runtime\/node|@fastify|fastify-plugin|token\/secretbox|key-file|key-sources|followed-keys|encoded-base64|cookie-advice|cookie-warnings|crypto\/nonces|options-list|options\/development/.test(file)), [])
      assert.doesNotMatch(code, /\b(?:require|import)\s*\(?["']node:|from\s*["']node:/)
    })
  })
}

describe('both files that conditions choose between', () => {
  it('have the same exports', () => {
    const { Noble, ...edge } = noble
    assert.deepEqual(Object.keys(edge).sort(), Object.keys(sodium).sort())
    assert.deepEqual(Object.keys(edgeRuntime).sort(), Object.keys(nodeRuntime).sort())
  })

  it('tell the same kinds of objects apart', () => {
    const values = [
      new Map(), new (class extends Map {})(), new Set(), new WeakMap(), new WeakSet(), new Date(), Promise.resolve(), new Error(), new TypeError(),
      new Uint8Array(), Buffer.alloc(1), new Uint16Array(), [], {}, null, undefined, 1, 1n, 'text', Symbol.iterator, () => {},
      Object(1n), Object(1), Object('text'), Object(true), Object(Symbol.iterator), Object.create(null)
    ]
    for (const [name, is] of Object.entries(edgeRuntime.types)) {
      const inNode = nodeRuntime.types[name as keyof typeof edgeRuntime.types] as (value: unknown) => boolean
      assert.deepEqual(values.map(value => is(value)), values.map(value => inNode(value)), name)
    }
  })

  it('fill in messages alike', () => {
    const values = ['text', 1, -1.5, true, null, undefined]
    for (const format of [edgeRuntime.format, nodeRuntime.format]) {
      assert.equal(format('%s, %s, %s, %s, %s, %s: 100 % "%s"', ...values, '$&%s'), 'text, 1, -1.5, true, null, undefined: 100 % "$&%s"')
    }
  })

  it('are chosen alike for all that src/ imports under a name with #: libsodium and Node.js by default', () => {
    const { imports } = JSON.parse(readFileSync(join(root, 'src/package.json'), 'utf8')) as { imports: Record<string, Record<string, unknown>> }
    for (const { workerd, default: inNode, ...rest } of Object.values(imports)) {
      assert.deepEqual(rest, { 'edge-light': workerd, browser: { module: workerd, default: inNode } })
      assert.match(String(workerd), /^\.\/(?:runtime\/(?!node)|crypto\/noble)/)
      assert.doesNotMatch(String(inNode), /runtime\/(?!node)|noble/)
    }
  })
})

/** Records the URL of each module that is loaded. */
const HOOKS = `
import { register } from 'node:module'
register('data:text/javascript,' + encodeURIComponent(\`
  import { appendFileSync } from 'node:fs'
  export async function load (url, context, next) { appendFileSync(process.env.LOADED, url + '\\\\n'); return await next(url, context) }
\`))
`

/** Loads all that the package exports, and seals and opens. */
const PROGRAM = `
import { createRequire } from 'node:module'
import { appendFileSync } from 'node:fs'
const require = createRequire(import.meta.url)
const { exports } = require('fastify-sealed-session/package.json')
for (const [path, { import: esm, require: cjs }] of Object.entries(exports)) {
  if (esm?.default) await import('fastify-sealed-session' + path.slice(1))
  if (cjs?.default && process.env.CJS) require('fastify-sealed-session' + path.slice(1))
}
const { createSessionCodec } = await import('fastify-sealed-session/web')
const codec = await createSessionCodec({ key: 'ab'.repeat(31) + '01', format: 'sealed' })
if (!codec.open(codec.seal({ user: 1 })).ok) throw new Error('it did not open')
appendFileSync(process.env.LOADED, Object.keys(require.cache).join('\\n'))
`

/** URLs and paths of all modules that Node.js loads for the package, as "npm run build" has made it. */
function loaded (env: NodeJS.ProcessEnv, ...args: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'loaded-'))
  try {
    for (const [name, text] of Object.entries({ 'hooks.mjs': HOOKS, 'program.mjs': PROGRAM })) writeFileSync(join(folder, name), text)
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules/fastify-sealed-session'))
    const { NODE_OPTIONS, ...rest } = process.env
    execFileSync(process.execPath, ['--import', join(folder, 'hooks.mjs'), ...args, join(folder, 'program.mjs')], {
      env: { ...rest, ...env, ROOT: root.slice(0, -1), LOADED: join(folder, 'list') }, stdio: 'pipe'
    })
    return readFileSync(join(folder, 'list'), 'utf8')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('Node.js', () => {
  it('loads no file of @noble, in neither build of the package', () => {
    const files = loaded({ CJS: 'yes' })
    assert.match(files, /dist\/esm\/node\.js/)
    assert.match(files, /dist\/cjs\/core\.js/)
    assert.doesNotMatch(files, /@noble|dist\/edge/)
  })

  it('loads it only if it is told to be an edge runtime, in which case the above would see it', () => {
    assert.match(loaded({}, '--conditions=workerd'), /@noble\/ciphers\/chacha\.js/)
  })
})
