// Builds dist/: plain tsc, once for ESM and once for CommonJS, no bundler.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { requireTypes } from './require-types.js'

const root = new URL('../', import.meta.url)
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')

/** @param {string} project */
function compile (project) {
  execFileSync(process.execPath, [tsc, '-p', project], { cwd: fileURLToPath(root), stdio: 'inherit' })
}

rmSync(new URL('dist/', root), { recursive: true, force: true })
compile('tsconfig.cjs.json')
compile('tsconfig.esm.json')

// TypeScript has no erasable syntax for `module.exports =`: what require() gets is written by hand.
for (const file of ['', 'device/', 'registry/', 'revocation/', 'cross-origin/'].map(folder => `${folder}require.cjs`)) {
  copyFileSync(new URL(`src/${file}`, root), new URL(`dist/cjs/${file}`, root))
}

// In the CommonJS build, tsc makes `require` of import(): bundles would have another file of libsodium.
copyFileSync(new URL('dist/esm/crypto/load.cjs', root), new URL('dist/cjs/crypto/load.cjs', root))

// The conditions that choose between runtimes, for each build: Node.js looks for them in the nearest package.json. The
// package's root says "type": "module"; one folder holds CommonJS.
const scope = readFileSync(new URL('src/package.json', root), 'utf8').replaceAll('.ts"', '.js"')
writeFileSync(new URL('dist/esm/package.json', root), scope)
writeFileSync(new URL('dist/cjs/package.json', root), scope.replace('"module"', '"commonjs"'))

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
