// Reads what the tests compare the documentation with out of src/.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from './workspace.ts'

/** Paths of all files in src/, such as `src/keys/key.ts`. */
export const sourceFiles: readonly string[] = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => join(entry.parentPath, entry.name).slice(ROOT.length))

export function read (path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Pages of a folder and those below it, without the ones that are made of comments, such as `docs/guide/keys.md`. */
export function pagesBelow (folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md') && !name.startsWith('reference/api/'))
    .map(name => `${folder}/${name}`)
    .sort()
}

const PUBLIC_TYPES = ['src/types.ts', 'src/diagnostics.ts']

/** Names of the members of interfaces in the public types of sessions, wherever they are declared there. */
export function membersOf (...interfaces: string[]): string[] {
  return membersIn(PUBLIC_TYPES, ...interfaces)
}

/** Names of the members of interfaces that are declared in these files. */
export function membersIn (paths: readonly string[], ...interfaces: string[]): string[] {
  const names = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isInterfaceDeclaration(node) && interfaces.includes(node.name.text)) {
      for (const { name } of node.members) if (name !== undefined && ts.isIdentifier(name)) names.add(name.text)
    }
    ts.forEachChild(node, visit)
  }
  for (const path of paths) visit(ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest))
  return [...names].sort()
}

/** Codes that src/ uses, outside the tables themselves: those that follow `call`. */
function codesUsed (call: RegExp): string[] {
  const code = new RegExp(`\\b(?:${call.source})'([A-Z_]+)'`, 'gi')
  const files = sourceFiles.filter(path => path !== 'src/errors.ts' && path !== 'src/messages.ts')
  return [...new Set(files.flatMap(path => [...read(path).matchAll(code)].map(([, name = '']) => name)))].sort()
}

/** Codes of the errors that src/ makes. */
export function errorsUsed (): string[] {
  return codesUsed(/fail\(\s*|unavailable\(|error: /).map(name => `FST_SEALED_SESSION_${name}`)
}

/** Codes of the warnings that src/ gives. */
export function warningsUsed (): string[] {
  return codesUsed(/warn(?:Process)?\(/)
}

/** Titles of the tests of a file, as they stand in its source. */
export function titlesOf (source: string): string[] {
  const title = /^\s*(?:describe|it|test)\((?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/gm
  return [...source.matchAll(title)].map(([, single, double, template]) => single ?? double ?? template ?? '')
}
