// Declarations of what require() gives, made from those of an entry point: its default, which is a function, with
// all that it exports on it. The compiler makes none: it has no erasable syntax for `module.exports =`.
import ts from 'typescript'

/**
 * Each export has the symbol that it has for `import`: a type that is only equal would leave the compiler no name for
 * what an app exports.
 * @param {string} index path of the declarations of the entry point
 * @param {readonly string[]} [declared] declarations of interfaces, in place of the exports of these names
 * @returns {string} text of the `require.d.cts` beside it
 */
export function requireTypes (index, declared = []) {
  const exported = exportsOf(index)
  const isValue = name => (exported.get(name).flags & ts.SymbolFlags.Value) !== 0
  const names = [...exported.keys()].filter(name => name !== 'default' && !declared.some(text => text.includes(`interface ${name} `)))
  const types = names.filter(name => !isValue(name)).join(', ')
  const main = names.find(name => exported.get(name) === exported.get('default'))
  const members = [
    ...names.filter(isValue).map(name => `export import ${name} = index.${name}`),
    `export { ${main} as default }`,
    `export type { ${types} }`,
    ...declared
  ]
  return `\
import * as index from './index.js'
import type { ${types} } from './index.js'

declare function plugin (...parameters: Parameters<typeof index.default>): ReturnType<typeof index.default>

declare namespace plugin {
  ${members.join('\n  ')}
}

export = plugin
`
}

/**
 * Symbols of a module's exports, of values and of types, by name.
 * @param {string} file
 * @returns {Map<string, ts.Symbol>}
 */
function exportsOf (file) {
  const program = ts.createProgram([file], { module: ts.ModuleKind.NodeNext, types: [], noLib: true })
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(file))
  return new Map(checker.getExportsOfModule(module).map(symbol =>
    [symbol.name, symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol]))
}
