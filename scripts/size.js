// npm run size [-- --check | --parts]: bytes that each entry point adds to a bundle, minified, and then gzipped. For Node.js
// without the packages that stay outside of a bundle or come with Fastify; for the edge with all that is needed. With
// --check it fails if an entry point for the edge is over its bar; with --parts it says which part of the code has the
// bytes of ./web at the edge.
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))

/** Most bytes of an entry point for the edge, gzipped: a change that adds a twentieth is a decision. */
const BARS = { web: 37_800, ends: 48_500, codec: 27_500 }

const NODE = { platform: 'node', external: ['fastify', 'fastify-plugin', '@fastify/*', 'sodium-native', 'libsodium-wrappers-sumo'] }
const EDGE = { platform: 'browser', conditions: ['workerd', 'worker', 'browser'] }

const web = 'export { createWebSessions, Keyring } from "./edge/web/index.js"'

const plugin = 'export * from "./esm/index.js"'

/** For each row: what it is, a program that has no more than that, how it is bundled, and its bar. */
const ROWS = [
  ['.', plugin, NODE],
  ...['revocation', 'registry', 'device', 'cross-origin', 'testing'].map(part => [`. with ./${part}`, `${plugin}; export * as part from "./esm/${part}/index.js"`, NODE]),
  ['./web', 'export * from "./esm/web/index.js"', NODE],
  ['./web at the edge: `createWebSessions`, `Keyring`', web, EDGE, BARS.web],
  ['the same with ./revocation', `${web}; import "./edge/revocation/index.js"`, EDGE, BARS.ends],
  ['the same with ./device', `${web}; import "./edge/device/index.js"`, EDGE],
  ['./web at the edge: `createSessionCodec`, `Keyring`', 'export { createSessionCodec, Keyring } from "./edge/web/index.js"', EDGE, BARS.codec]
]

/** Parts of ./web at the edge, and their modules. */
const PARTS = {
  'signed cookies': ['runtime/edge-hmac.ts', 'cookies/signer.ts', 'cookies/signature.ts'],
  'the option `cache`': ['token/token-cache.ts'],
  'the option `schema`': ['data/schema.ts'],
  'the package `cookie`': ['cookie/dist/index.js'],
  'checks of values that JSON would lose': ['data/serializer.ts'],
  'checks of options': ['options/options.ts', 'options/readers.ts', 'options/safe-defaults.ts'],
  '`Keyring`': ['keys/keyring.ts', 'keys/keyring-state.ts'],
  'places for extensions': ['extension/extensions.ts', 'extension/extensible.ts', 'device/unproven.ts'],
  'XChaCha20-Poly1305 of @noble': ['@noble/ciphers/chacha.js'],
  'BLAKE2b of @noble': ['@noble/hashes/blake2.js']
}

async function sizeOf (contents, options) {
  const { outputFiles: [file] } = await build({ stdin: { contents, resolveDir: dist }, ...options, bundle: true, minify: true, write: false, format: 'esm', target: 'es2022' })
  return { minified: file.contents.length, gzipped: gzipSync(file.contents, { level: 9 }).length }
}

const kilobytes = bytes => `${(bytes / 1000).toFixed(1)} KB`

/** Leaves modules out. What their callers have for them stays, so that the rest is rather too large. */
function without (modules) {
  return {
    name: 'without',
    setup (build) {
      build.onLoad({ filter: /\.[jt]s$/ }, ({ path }) => modules.some(module => path.endsWith(module)) ? { contents: 'module.exports = {}', loader: 'js' } : null)
    }
  }
}

async function printParts () {
  const source = { ...EDGE, stdin: { contents: 'export { createWebSessions, Keyring } from "./src/web/index.ts"', resolveDir: fileURLToPath(new URL('../', import.meta.url)) }, logLevel: 'silent' }
  const whole = await sizeOf('', source)
  console.log(`| Part of ./web at the edge | gzipped | without it and those above |\n| --- | --- | --- |\n| all | ${kilobytes(whole.gzipped)} | |`)
  const left = []
  for (const [name, modules] of Object.entries(PARTS)) {
    left.push(...modules)
    const alone = await sizeOf('', { ...source, plugins: [without(modules)] })
    const rest = await sizeOf('', { ...source, plugins: [without(left)] })
    console.log(`| ${name} | ${kilobytes(whole.gzipped - alone.gzipped)} | ${kilobytes(rest.gzipped)} |`)
  }
}

if (process.argv.includes('--parts')) {
  await printParts()
  process.exit()
}

console.log('| Entry point | minified | and gzipped |\n| --- | --- | --- |')
for (const [name, program, options, bar = Infinity] of ROWS) {
  const { minified, gzipped } = await sizeOf(program, options)
  console.log(`| ${name} | ${kilobytes(minified)} | ${kilobytes(gzipped)} |`)
  if (gzipped <= bar || !process.argv.includes('--check')) continue
  console.error(`${name} has ${gzipped} bytes, more than its bar of ${bar}`)
  process.exitCode = 1
}
