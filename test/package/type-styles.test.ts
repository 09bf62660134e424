// Under the alias, whatever compiles with @fastify/secure-session compiles with this package. Needs
// `npm run build`.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import ts6 from 'typescript'
import ts5 from 'typescript-5.9'
import { SETTINGS, StyleCompiler, appWith, type Compiled, type Compiler } from './compile-styles.ts'
import { repository } from './packed.ts'
import { DECLARED, EXPORTED, UNDECLARED } from './type-styles.ts'

const GROUPS = [UNDECLARED, EXPORTED, DECLARED]

/** In an ES module, `import()` gives an object that is not the plugin, whatever the peer's declarations say. */
const FALSE_IN_ES_MODULES = 'the type of the module is that of the plugin'

/** The compiler's word on `import x = require()` where ES modules are emitted, which no package can mend. */
const IMPORT_ASSIGNMENT = /^TS1202:/

const folder = mkdtempSync(join(tmpdir(), 'type-styles-'))
const peer = appWith(join(folder, 'peer'), join(repository, 'node_modules/@fastify/secure-session'), ['types', 'package.json'])
const own = appWith(join(folder, 'own'), repository, ['dist', 'package.json'])

after(() => rmSync(folder, { recursive: true, force: true }))

// The types of the two versions differ in details that matter to none of this.
for (const ts of [ts5 as unknown as Compiler, ts6]) {
  const sources = new Map()
  for (const setting of SETTINGS.filter(({ only }) => only === undefined || ts.version.startsWith(only))) {
    describe(`TypeScript ${ts.versionMajorMinor}, ${setting.title}`, () => {
      const compiler = new StyleCompiler(ts, setting, sources)
      const compile = (app: string): Record<string, Compiled> => Object.assign({}, ...GROUPS.map(styles => compiler.compile(app, styles)))
      let ours: Record<string, Compiled> = {}

      test('whatever compiles with @fastify/secure-session compiles with this package', () => {
        const theirs = compile(peer)
        ours = compile(own)
        const compiled = Object.keys(theirs).filter(title => theirs[title]?.errors.length === 0)
        assert.ok(compiled.length > 50, `the peer compiles ${compiled.length} styles`)
        const failed = compiled.filter(title => ours[title]?.errors.length !== 0 && !(setting.isEsm && title === FALSE_IN_ES_MODULES))
        assert.deepEqual(failed.map(title => [title, ours[title]?.errors]), [])
      })

      test('whatever is exported has a type that declarations can name', () => {
        const wrong = Object.keys(EXPORTED).map(title => [title, ours[title]?.errors.filter(error => !IMPORT_ASSIGNMENT.test(error))] as const)
        assert.deepEqual(wrong.filter(([, errors]) => errors?.length !== 0), [])
      })

      test('the declarations of this package have no errors, without `skipLibCheck`', () => {
        assert.deepEqual(compiler.errorsWithin(own), [])
      })

      test('emitted declarations name the package, and no file in it', () => {
        const named = new Set(Object.values(ours).flatMap(({ named }) => named).filter(name => name.includes('secure-session')))
        assert.deepEqual([...named].filter(name => !/^@fastify\/secure-session(\/types(\/index(\.js|\.d\.ts)?)?)?$/.test(name)), [])
      })
    })
  }
}
