// Builds dist/: bundles for Node.js, as ES modules and as CommonJS, and for the edge; and declarations, by tsc.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { bundleAll, compileLoader, writeImport } from './bundle.js'
import { requireTypes } from './require-types.js'

const root = new URL('../', import.meta.url)
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')

process.chdir(fileURLToPath(root)) // paths of sources are in comments of the bundles
rmSync(new URL('dist/', root), { recursive: true, force: true })
execFileSync(process.execPath, [tsc, '-p', 'tsconfig.cjs.json'], { stdio: 'inherit' })

/** Entry points by the names of their files; the first is the plugin. */
const ENTRIES = Object.fromEntries(['', 'web/', 'revocation/', 'registry/', 'device/', 'cross-origin/', 'testing/'].map(folder => [`${folder}index`, `src/${folder}index.ts`]))
const AT_EDGE = { 'web/index': 'src/web/index.ts', ...Object.fromEntries(['revocation', 'registry', 'device'].map(part => [`${part}/index`, `src/${part}/edge.ts`])) }

await bundleAll({ folder: 'dist/esm', format: 'esm', entries: { ...ENTRIES, 'cli/main': 'src/cli/main.ts' } })
await bundleAll({ folder: 'dist/cjs', format: 'cjs', entries: ENTRIES })
// The conditions choose other files than for Node.js, as src/package.json says.
await bundleAll({ folder: 'dist/edge', format: 'esm', entries: AT_EDGE, conditions: ['workerd'] })

for (const format of ['esm', 'cjs']) compileLoader('load.cts', readFileSync('src/crypto/load.cts', 'utf8'), `dist/${format}/load.cjs`)
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n') // the root says "type": "module"

// TypeScript has no erasable syntax for `module.exports =`: what require() gets is written by hand.
for (const file of ['', 'device/', 'registry/', 'revocation/', 'cross-origin/'].map(folder => `${folder}require.cjs`)) {
  copyFileSync(new URL(`src/${file}`, root), new URL(`dist/cjs/${file}`, root))
}

// Nothing of these is a plugin: require() gets the exports themselves.
for (const part of ['web', 'testing']) writeFileSync(`dist/cjs/${part}/require.cjs`, "const exported = require('./index.js')\nmodule.exports = exported\n")

for (const entry of Object.keys(ENTRIES)) {
  const folder = entry.replace(/index$/, '')
  const names = Object.keys(await import(new URL(`dist/esm/${entry}.js`, root).href))
  writeImport(`dist/esm/${folder}node.js`, `${folder === '' ? '' : '../'}../cjs/${folder}require.cjs`, names)
}

// One set of declarations serves both module systems: two would declare `request.session` twice,
// with two types that differ. `export *` also lets `declare module` reach SessionData through here.
// The plugin's default is that of the CommonJS ones, so that it is a namespace of types, too.
writeFileSync(new URL('dist/esm/index.d.ts', root), `\
import plugin = require('../cjs/require.cjs')
export * from '../cjs/index.js'
export default plugin
`)
for (const [folder, plugin] of Object.entries({ device: 'deviceBinding', registry: 'sessionRegistry', revocation: 'sessionRevocation', 'cross-origin': 'crossOriginProtection' })) {
  writeFileSync(new URL(`dist/esm/${folder}/index.d.ts`, root), `\
import { ${plugin} } from '../../cjs/${folder}/index.js'
export * from '../../cjs/${folder}/index.js'
export default ${plugin}
`)
}
// No plugins: what helps the tests of an app, and sessions without Fastify.
for (const folder of ['testing', 'web']) writeFileSync(new URL(`dist/esm/${folder}/index.d.ts`, root), `export * from '../../cjs/${folder}/index.js'\n`)

// For require(): all that an entry point exports, on the plugin. SessionData and Sessions have declarations of their own,
// as in src/require.d.cts: `declare module` extends no alias. The reference is for programs in which a file resolves this
// package in another way than the compiler does when it looks for a name.
writeFileSync(new URL('dist/cjs/require.d.cts', root), `\
/// <reference path="../esm/index.d.ts" />
${requireTypes(fileURLToPath(new URL('dist/cjs/index.d.ts', root)), ['export interface SessionData {}', 'export interface Sessions {}'])}`)
for (const part of ['device', 'registry', 'revocation', 'cross-origin']) {
  writeFileSync(new URL(`dist/cjs/${part}/require.d.cts`, root), requireTypes(fileURLToPath(new URL(`dist/cjs/${part}/index.d.ts`, root))))
}
