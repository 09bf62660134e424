// Bundles of the entry points: one file for each, and one for the code that several of them share, so that a process has
// each session, symbol and error class once.
import { build } from 'esbuild'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { exportValues, importDefault, loadLater, loadOnce } from './commonjs.js'

/** File with the code that an entry point shares with the first one, and that with what the others share. */
const CORE = 'core.js'
const REST = 'extensions.js'

/**
 * Modules that few apps need, and only when they start: for an option, or to say what is wrong with a key. `require()` has
 * them in files of their own, with all that nothing else needs, and loads these when they are used. None is for what a
 * request alone may ask for: while a server has run out of file descriptors it could not load it.
 */
const LATER = ['data/schema', 'device/codec-devices', 'keys/key-hints', 'keys/key-file', 'keys/passphrase', 'token/token-cache'].map(name => `src/${name}.ts`)

/** The same of packages, and of modules of Node.js, which are no files. */
const LATER_PACKAGES = ['fastest-levenshtein', 'node:v8']

/**
 * Settings of a build.
 * @typedef {object} Target
 * @property {string} folder where the files go
 * @property {'esm' | 'cjs'} format
 * @property {Record<string, string>} entries names of the files, without `.js`, and their modules
 * @property {string[]} [conditions] those by which names with # are resolved, if they are not those of Node.js
 */

/** @param {Target} target */
export async function bundleAll ({ folder, format, entries, conditions }) {
  const isRequired = format === 'cjs'
  const options = { format, conditions, platform: conditions === undefined ? 'node' : 'neutral', packages: 'external', bundle: true, supported: { 'dynamic-import': format === 'esm' }, target: 'es2022', logLevel: 'warning' }
  const files = await partition(options, entries, isRequired ? LATER : [])
  const exported = await exportsOf([...files.values()].flatMap(({ shares }) => [...shares]), options)
  const aliases = aliasesOf(exported)
  const shared = new Map([...files].flatMap(([name, { shares }]) => [...shares].map(module => [module, name])))
  for (const [name, { module, shares }] of files) {
    if (module === null && shares.size === 0) continue
    const contents = [...shares].map(path => reExport(path, path, aliases, exported, false)).join('\n')
    await build({
      ...options,
      ...(module === null ? { stdin: { contents, resolveDir: resolve('.'), sourcefile: name } } : { entryPoints: [module] }),
      outfile: join(folder, name),
      plugins: [elsewhere({ name, shared, aliases, exported })]
    })
    restoreNames(join(folder, name))
  }
  if (!isRequired) return
  const written = [...files].filter(([, { module, shares }]) => module !== null || shares.size > 0).map(([name]) => join(folder, name))
  for (const path of written) {
    loadOnce(path)
    importDefault(path)
    loadLater(path, [...LATER.map(fileOf), ...LATER_PACKAGES])
  }
  for (const [name, { module, shares }] of files) if (module === null && shares.size > 0) exportValues(join(folder, name), written)
}

/** File of a module that is loaded later. */
function fileOf (module) {
  return `${basename(module, '.ts')}.js`
}

/** Gives classes their names back: esbuild has `class _Keyring` for a class that refers to itself, and users see the name. */
function restoreNames (path) {
  const text = readFileSync(path, 'utf8')
  const names = [...text.matchAll(/^var (\w+) = class _\1\b/gm)].map(([, name]) => name)
  writeFileSync(path, names.reduce((text, name) => text.replace(new RegExp(`\\b_${name}\\b`, 'g'), name), text))
}

/**
 * Writes an entry point for `import` in Node.js that loads the one for `require`: Node.js takes twice as long to load an ES
 * module of this size, and a process that has both copies of the package would have loaded both. Bundlers take the ES module.
 * @param {string} file
 * @param {string} target path of what `require` gets
 * @param {string[]} names of its exports
 */
export function writeImport (file, target, names) {
  const named = names.filter(name => name !== 'default').join(', ')
  writeFileSync(file, [
    `import exported from '${target}'`,
    ...(names.includes('default') ? ['export default exported'] : []),
    `export const { ${named} } = exported\n`
  ].join('\n'))
}

/** Resolves a module of another file to that file. */
function elsewhere ({ name, shared, aliases, exported }) {
  const pathTo = file => relative(dirname(name), file).replace(/^(?!\.)/, './')
  return {
    name: 'elsewhere',
    setup (builder) {
      builder.onResolve({ filter: /^file:/ }, ({ path }) => ({ path: pathTo(path.slice('file:'.length)), external: true }))
      builder.onResolve({ filter: /\.cts$/ }, ({ path }) => ({ path: pathTo(path.replace(/^.*\//, '').replace('.cts', '.cjs')), external: true }))
      builder.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
        const file = shared.get(path)
        if (file === undefined || file === name) return undefined
        return { contents: reExport(path, `file:${file}`, aliases, exported, true), loader: 'js' }
      })
    }
  }
}

/**
 * Line that exports all of a module, from it or from the file that has it.
 * @param isBack true for the names that the module has, false for those that the shared file has
 */
function reExport (path, from, aliases, exported, isBack) {
  const names = (exported.get(path) ?? []).map(name => isBack ? `${aliases.get(path + name)} as ${name}` : `${name} as ${aliases.get(path + name)}`)
  return names.length === 0 ? `import ${JSON.stringify(from)}` : `export { ${names.join(', ')} } from ${JSON.stringify(from)}`
}

/**
 * Files of a build, in the order in which they are needed. A module that the closure of the first entry point has, and that
 * of another too, goes to CORE. One that two others have goes to REST. One that is loaded later has a file of its own.
 * At the edge, all that the first entry point has goes to CORE: a module then stands near those that need it, and a
 * bundle of them compresses better.
 * @returns {Promise<Map<string, { module: string | null, shares: Set<string> }>>}
 */
async function partition (options, entries, later) {
  const { inputs } = (await build({ ...options, outdir: 'dist', entryPoints: entries, metafile: true, write: false, external: ['*.cts'] })).metafile
  const closureOf = (path, without = later) => {
    const seen = new Set([path])
    for (const found of seen) for (const { path: next, external } of inputs[found].imports) if (external !== true && !without.includes(next)) seen.add(next)
    return seen
  }
  for (const module of later) if (!(module in inputs)) throw new Error(`${module} is a part of no entry point`)
  const closures = Object.values(entries).map(entry => closureOf(entry))
  const [first, ...others] = closures
  const laterClosures = later.map(module => closureOf(module))
  const times = (module, closures) => closures.filter(closure => closure.has(module)).length
  const all = Object.keys(inputs)
  const isShared = module => times(module, [...others, ...laterClosures]) > 0
  const [entry] = Object.values(entries)
  const isCore = options.conditions === undefined ? isShared : module => module !== entry
  const isEager = module => times(module, closures) > 0
  const shares = {
    [CORE]: all.filter(module => first.has(module) && isCore(module)),
    [REST]: all.filter(module => !first.has(module) && (isEager(module) ? times(module, [...others, ...laterClosures]) > 1 : times(module, laterClosures) > 1)),
    ...Object.fromEntries(later.map((module, index) => [fileOf(module), all.filter(other => laterClosures[index].has(other) && !isEager(other) && times(other, laterClosures) === 1)]))
  }
  const files = [...Object.entries(shares).map(([name, modules]) => [name, null, modules]), ...Object.entries(entries).map(([name, module]) => [`${name}.js`, resolve(module), []])]
  return new Map(files.map(([name, module, modules]) => [name, { module, shares: new Set(modules.map(path => resolve(path))) }]))
}

/** Names that modules export, by their paths. Types have none. */
async function exportsOf (modules, options) {
  if (modules.length === 0) return new Map()
  const { metafile } = await build({ ...options, format: 'esm', bundle: false, packages: undefined, outdir: 'dist', entryPoints: modules, metafile: true, write: false })
  return new Map(Object.values(metafile.outputs).map(({ entryPoint, exports }) => [resolve(entryPoint), exports]))
}

/** Names under which shared files export: the own name, or one with a number if another module has the same. */
function aliasesOf (exported) {
  const taken = new Map()
  return new Map([...exported].flatMap(([path, names]) => names.map(name => {
    const count = (taken.get(name) ?? 0) + 1
    taken.set(name, count)
    return [path + name, count === 1 && name !== 'default' ? name : `${name}_${count}`]
  })))
}

/** Compiles the loader of modules that may be missing. It is CommonJS in all builds. */
export function compileLoader (source, text, target) {
  const { outputText } = ts.transpileModule(text, { fileName: source, compilerOptions: { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022 } })
  writeFileSync(target, outputText)
}
