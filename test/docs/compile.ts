// Checks a block's types the way a reader's project would, and compiles TypeScript to JavaScript.
import ts from 'typescript'

const COMMON: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  skipLibCheck: true
}

/** JavaScript is checked too, so that an example cannot call what does not exist, but not strictly. */
const OPTIONS = {
  ts: { ...COMMON, strict: true },
  js: { ...COMMON, allowJs: true, checkJs: true, noEmit: true, strict: false }
} satisfies Record<string, ts.CompilerOptions>

/** Parsed declarations of libraries: the same for all blocks, and what takes the time. */
const libraries = new Map<string, ts.SourceFile | undefined>()

/**
 * @returns what the compiler has to say, one line each. A TypeScript file that is right has been
 * written next to its source, as JavaScript.
 */
export function compile (file: string, folder: string): string[] {
  const options = file.endsWith('.ts') ? OPTIONS.ts : OPTIONS.js
  const host = ts.createCompilerHost(options)
  host.getCurrentDirectory = () => folder
  const read = host.getSourceFile.bind(host)
  host.getSourceFile = (name, ...rest) => {
    if (!name.endsWith('.d.ts') && !name.endsWith('.d.cts')) return read(name, ...rest)
    if (!libraries.has(name)) libraries.set(name, read(name, ...rest))
    return libraries.get(name)
  }

  const program = ts.createProgram([file], options, host)
  const found = ts.getPreEmitDiagnostics(program)
  if (found.length === 0 && file.endsWith('.ts')) program.emit()
  return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}
