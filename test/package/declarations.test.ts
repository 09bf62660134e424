// The declarations in dist, which `npm run build` makes.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import ts from 'typescript'
import { repository } from './packed.ts'

const ESM = join(repository, 'dist/esm/index.d.ts')
const CJS = join(repository, 'dist/cjs/require.d.cts')

const program = ts.createProgram([ESM, CJS], { module: ts.ModuleKind.NodeNext, types: ['node'], skipLibCheck: true })

/** The names, of values and of types, that a module exports. */
function exportedNames (file: string): string[] {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const module = source && checker.getSymbolAtLocation(source)
  assert.ok(module, `${file} is a module: has it been built?`)
  return checker.getExportsOfModule(module).map(({ name }) => name).sort()
}

test('import and require() export the same names, those of types included', () => {
  assert.ok(exportedNames(ESM).includes('SessionData'))
  assert.deepEqual(exportedNames(CJS), exportedNames(ESM))
})

test('the type test that looks for `any` knows every exported name', () => {
  const text = readFileSync(join(repository, 'types/declared-esm/no-any.tst.ts'), 'utf8')
  const values = ['default', 'fastifySecureSession'] // of type FastifySecureSession, as the type tests of imports say
  const missing = exportedNames(ESM).filter(name => !values.includes(name) && !new RegExp(`expect<.*\\b${name}\\b.*toBe<`).test(text))
  assert.deepEqual(missing, [])
})
