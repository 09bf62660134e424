// npm run size [-- --check]: bytes that each entry point adds to a bundle, minified, and then gzipped. For Node.js
// without the packages that stay outside of a bundle or come with Fastify; for the edge with all that is needed. With
// --check it fails if an entry point for the edge is over its bar.
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const dist = new URL('../dist/esm/', import.meta.url)

/** Most bytes of an entry point for the edge, gzipped: a change that adds a tenth is a decision. */
const BARS = { web: 72_000, codec: 42_000 }

const NODE = { platform: 'node', external: ['fastify', 'fastify-plugin', '@fastify/*', 'sodium-native', 'libsodium-wrappers-sumo'] }
const EDGE = { platform: 'browser', conditions: ['workerd', 'worker', 'browser'] }

const codec = 'createSessionCodec, Keyring, generateKey'

/** For each row: the module, what a program imports of it, and how it is bundled. */
const ROWS = [
  ...['', 'revocation', 'registry', 'device', 'cross-origin', 'testing', 'web'].map(entry => [entry === '' ? '.' : `./${entry}`, `${entry}/index.js`, '*', NODE]),
  ['./web at the edge', 'web/index.js', '*', EDGE, BARS.web],
  ['./web at the edge, the codec alone', 'web/index.js', codec, EDGE, BARS.codec]
]

async function sizeOf (module, names, options) {
  const from = JSON.stringify(fileURLToPath(new URL(module.replace(/^\//, ''), dist)))
  const contents = names === '*' ? `export * from ${from}` : `export { ${names} } from ${from}`
  const { outputFiles: [file] } = await build({ ...options, stdin: { contents, resolveDir: fileURLToPath(dist) }, bundle: true, minify: true, write: false, format: 'esm', target: 'es2022' })
  return { minified: file.contents.length, gzipped: gzipSync(file.contents, { level: 9 }).length }
}

const kilobytes = bytes => `${(bytes / 1000).toFixed(1)} KB`

console.log('| Entry point | minified | and gzipped |\n| --- | --- | --- |')
for (const [name, module, names, options, bar = Infinity] of ROWS) {
  const { minified, gzipped } = await sizeOf(module, names, options)
  console.log(`| ${name} | ${kilobytes(minified)} | ${kilobytes(gzipped)} |`)
  if (gzipped <= bar || !process.argv.includes('--check')) continue
  console.error(`${name} has ${gzipped} bytes, more than its bar of ${bar}`)
  process.exitCode = 1
}
