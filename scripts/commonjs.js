// Changes to the files that `require()` loads, for a start to load less of them and a request to find names faster.
import { readFileSync, writeFileSync } from 'node:fs'

function rewrite (path, change) {
  writeFileSync(path, change(readFileSync(path, 'utf8')))
}

/** Has a file require another one once: esbuild has a variable of its own for each module that is in the other file. */
export function loadOnce (path) {
  const first = new Map()
  rewrite(path, text => text.replace(/^var (\w+) = require\("(\.[^"]+)"\);$/gm, (line, name, file) => {
    if (first.has(file)) return `var ${name} = ${first.get(file)};`
    first.set(file, name)
    return line
  }))
}

/**
 * Has the default import of a package be what it exports, as in Node.js: esbuild has a copy made of all its exports, each
 * with an accessor.
 */
export function importDefault (path) {
  rewrite(path, text => text.replace(/^var (\w+) = __toESM\((require\("[^"]+"\)), 1\);$/gm, (line, name, call) => {
    const isMore = new RegExp(`\\b${name}\\b(?! = |\\.default\\b)`).test(text)
    return isMore ? line : `var ${name} = { default: ${call} };`
  }))
}

/**
 * Has a file load others when it first uses them: `(file ??= require("./file.js")).name` in place of `file.name`.
 * @param {string} path
 * @param {string[]} later names of packages, and of files in the folder of `path` or above it
 */
export function loadLater (path, later) {
  rewrite(path, text => {
    const required = [...text.matchAll(/^var (\w+) = (require\("((?:\.\.?\/)*([^"]+))"\));$/gm)].filter(([,,,, name]) => later.includes(name))
    return required.reduce((text, [line, name, call]) => {
      const changed = text.replace(line, `var ${name};`).replaceAll(`${name}.`, `(${name} ??= ${call}).`)
      if (new RegExp(`\\b${name}\\b(?!;| \\?\\?=)`).test(changed)) throw new Error(`${path} uses ${name} in an unknown way`)
      return changed
    }, text)
  })
}

/**
 * Has a shared file export values in place of accessors, since other files read them in every request. It exports no
 * more than these use: a start would make each.
 * @param {string} path
 * @param {string[]} users paths of all files
 */
export function exportValues (path, users) {
  const used = new Set(users.filter(user => user !== path).flatMap(user => [...readFileSync(user, 'utf8').matchAll(/\b(?:import_file_\w+|require\("[^"]+"\)\))\.(\w+)/g)].map(([, name]) => name)))
  rewrite(path, text => {
    const accessors = /^__export\(\w+, \{\n([\s\S]*?)\n\}\);\n/m
    const [, names = ''] = accessors.exec(text) ?? []
    const exported = [...names.matchAll(/^ *(\w+): \(\) => ([\w.]+),?$/gm)]
    if (exported.length !== names.split('\n').length) throw new Error(`the exports of ${path} were not found`)
    const values = exported.filter(([, name]) => used.has(name)).map(([, name, local]) =>
      // A variable that is null at first changes.
      text.includes(`\nvar ${local} = null;`) ? `  get ${name} () { return ${local}; }` : `  ${name}: ${local}`)
    const [code] = text.replace(accessors, '').replace(/^module\.exports = __toCommonJS\(\w+\);\n/m, '').split('// Annotate the CommonJS export names')
    return `${code}module.exports = {\n${values.join(',\n')}\n};\n`
  })
}
