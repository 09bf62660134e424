// Compiles programs against a package installed under the name of the peer: in one process, and
// with each source file parsed once a setting.
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type TypeScript from 'typescript'
import type { Styles } from './type-styles.ts'
import { repository } from './packed.ts'

export type Compiler = typeof TypeScript

/** How a program is compiled, as tsconfig.json says it. */
export interface Setting {
  title: string
  /** Whether its files are ES modules where Node's rules decide. */
  isEsm: boolean
  options: Record<string, unknown>
}

/** Settings of the compiler; `only` names the version that has it, if not all of them do. */
export const SETTINGS: ReadonlyArray<Setting & { only?: '5' | '6' }> = [
  { title: 'commonjs, node10', isEsm: false, options: { module: 'commonjs', moduleResolution: 'node10', esModuleInterop: true } },
  { title: 'commonjs, node10, without esModuleInterop', isEsm: false, options: { module: 'commonjs', moduleResolution: 'node10', esModuleInterop: false, allowSyntheticDefaultImports: false }, only: '5' },
  { title: 'commonjs, bundler', isEsm: false, options: { module: 'commonjs', moduleResolution: 'bundler' }, only: '6' },
  { title: 'node16, CommonJS', isEsm: false, options: { module: 'node16' }, only: '6' },
  { title: 'node16, ES modules', isEsm: true, options: { module: 'node16' }, only: '6' },
  { title: 'nodenext, CommonJS', isEsm: false, options: { module: 'nodenext' } },
  { title: 'nodenext, ES modules', isEsm: true, options: { module: 'nodenext' } },
  { title: 'esnext, bundler', isEsm: true, options: { module: 'esnext', moduleResolution: 'bundler' } },
  { title: 'esnext, node10', isEsm: true, options: { module: 'esnext', moduleResolution: 'node10', esModuleInterop: true } },
  { title: 'preserve', isEsm: true, options: { module: 'preserve' } }
]

const SHARED = {
  target: 'es2022', lib: ['es2023'], types: ['node'], strict: true, declaration: true, ignoreDeprecations: '6.0'
}

/** Compiled style: what the compiler says against it, and the modules that its declarations name. */
export interface Compiled {
  errors: string[]
  named: string[]
}

/**
 * An app's folder, in which a package is installed as `@fastify/secure-session`. It is copied, since
 * the compiler follows links, and then finds other names for the files than in a real installation.
 */
export function appWith (folder: string, installed: string, paths: readonly string[]): string {
  const modules = join(folder, 'node_modules')
  for (const path of paths) cpSync(join(installed, path), join(modules, '@fastify/secure-session', path), { recursive: true })
  for (const name of ['fastify', 'fastify-plugin', '@fastify/cookie', '@types/node']) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(repository, 'node_modules', name), join(modules, name))
  }
  for (const type of ['module', 'commonjs']) {
    mkdirSync(join(folder, type))
    writeFileSync(join(folder, type, 'package.json'), JSON.stringify({ type }))
  }
  return folder
}

/** Compiles programs under one setting of one version of TypeScript. */
export class StyleCompiler {
  readonly #ts: Compiler
  readonly #isEsm: boolean
  readonly #options: TypeScript.CompilerOptions
  readonly #sources: Map<string, TypeScript.SourceFile | undefined>

  /** @param sources declarations that were parsed by this compiler; they are the same in every setting. */
  constructor (ts: Compiler, { isEsm, options }: Setting, sources: Map<string, TypeScript.SourceFile | undefined>) {
    this.#ts = ts
    this.#sources = sources
    this.#isEsm = isEsm
    const all = { ...SHARED, ...options, ...(ts.version.startsWith('5') ? { ignoreDeprecations: '5.0' } : {}) }
    const { options: parsed, errors } = ts.convertCompilerOptionsFromJson(all, repository)
    if (errors.length > 0) throw new Error(errors.map(error => String(error.messageText)).join('\n'))
    this.#options = parsed
  }

  /** @param folder an app's, see `appWith`. */
  compile (folder: string, styles: Styles): Record<string, Compiled> {
    const home = join(folder, this.#isEsm ? 'module' : 'commonjs')
    const files = new Map(Object.values(styles).map((code, index) => [join(home, `style-${index}.ts`), code]))
    const program = this.#ts.createProgram([...files.keys()], this.#options, this.#host(files))
    const wrong = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()]
    if (wrong.length > 0) throw new Error(this.#texts(wrong).join('\n'))
    return Object.fromEntries(Object.keys(styles).map((title, index) => [title, this.#resultOf(program, join(home, `style-${index}.ts`))]))
  }

  /** Errors in the declarations of the package that an app has, which `skipLibCheck` would hide. */
  errorsWithin (folder: string): string[] {
    const file = join(folder, this.#isEsm ? 'module' : 'commonjs', 'style.ts')
    const code = "import '@fastify/secure-session'"
    const program = this.#ts.createProgram([file], this.#options, this.#host(new Map([[file, code]])))
    const own = program.getSourceFiles().filter(({ fileName }) => fileName.includes('/secure-session/'))
    if (own.length === 0) throw new Error('the package was not found')
    return own.flatMap(source => this.#texts(program.getSemanticDiagnostics(source)).map(text => `${source.fileName}: ${text}`))
  }

  #resultOf (program: TypeScript.Program, file: string): Compiled {
    const source = program.getSourceFile(file)!
    const errors = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    const named: string[] = []
    const emitted = program.emit(source, (_path, text) => { named.push(...this.#modulesIn(text)) }, undefined, true)
    return { errors: this.#texts([...errors, ...emitted.diagnostics]), named }
  }

  #modulesIn (declarations: string): string[] {
    const { importedFiles, typeReferenceDirectives } = this.#ts.preProcessFile(declarations)
    const inTypes = [...declarations.matchAll(/import\("([^"]+)"/g)].map(([, name = '']) => name)
    return [...importedFiles, ...typeReferenceDirectives].map(({ fileName }) => fileName).concat(inTypes)
  }

  #host (files: ReadonlyMap<string, string>): TypeScript.CompilerHost {
    const ts = this.#ts
    const host = ts.createCompilerHost(this.#options)
    const { fileExists, readFile } = host
    host.fileExists = path => files.has(path) || fileExists(path)
    host.readFile = path => files.get(path) ?? readFile(path)
    host.getSourceFile = (path, options) => {
      const format = typeof options === 'object' ? options.impliedNodeFormat : ''
      const own = files.get(path)
      if (own !== undefined) return ts.createSourceFile(path, own, options, true)
      const key = `${String(format)} ${path}`
      if (!this.#sources.has(key)) {
        const text = readFile(path)
        this.#sources.set(key, text === undefined ? undefined : ts.createSourceFile(path, text, options, true))
      }
      return this.#sources.get(key)
    }
    return host
  }

  #texts (diagnostics: readonly TypeScript.Diagnostic[]): string[] {
    return diagnostics.map(({ code, messageText }) => `TS${code}: ${this.#ts.flattenDiagnosticMessageText(messageText, '\n')}`)
  }
}
