// The declarations in dist, which `npm run build` makes.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import ts from 'typescript'
import { repository } from './packed.ts'

/** Entry points of the package, as folders of dist/esm and dist/cjs. */
const ENTRIES = ['.', 'device', 'registry', 'revocation', 'cross-origin', 'testing', 'web']

const esm = (entry: string): string => join(repository, 'dist/esm', entry, 'index.d.ts')
/** Nothing of these is a plugin, so what require() gives has no declarations of its own. */
const WITHOUT_PLUGIN = ['testing', 'web']
const cjs = (entry: string): string => join(repository, 'dist/cjs', entry, WITHOUT_PLUGIN.includes(entry) ? 'index.d.ts' : 'require.d.cts')

const program = ts.createProgram(ENTRIES.flatMap(entry => [esm(entry), cjs(entry)]), { module: ts.ModuleKind.NodeNext, types: ['node'], skipLibCheck: true })

/** The names, of values and of types, that a module exports. */
function exportedNames (file: string): string[] {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const module = source && checker.getSymbolAtLocation(source)
  assert.ok(module, `${file} is a module: has it been built?`)
  return checker.getExportsOfModule(module).map(({ name }) => name).sort()
}

/** A type of each entry point, and a value. */
const KNOWN: Record<string, string[]> = {
  '.': ['SessionData', 'Keyring'],
  device: ['DeviceBindingOptions', 'SessionDeviceMessage', 'deviceBinding'],
  registry: ['RegistryStore', 'MemoryRegistry'],
  testing: ['BrowserCookie', 'TestDevice', 'browserCookies', 'createTestDevice', 'sessionCookies'],
  web: ['WebSession', 'createWebSessions'],
  revocation: ['RevocationStore', 'MemoryStore'],
  'cross-origin': ['TrustedOrigins', 'crossOriginProtection']
}

for (const entry of ENTRIES) {
  test(`import and require() of ${entry} export the same names, those of types included`, () => {
    const names = exportedNames(esm(entry))
    assert.deepEqual(KNOWN[entry]?.filter(name => !names.includes(name)), [])
    assert.deepEqual(exportedNames(cjs(entry)), names)
  })
}

test('the type test that looks for `any` knows every exported name', () => {
  const text = readFileSync(join(repository, 'types/declared-esm/no-any.tst.ts'), 'utf8')
  const values = ['default', 'fastifySecureSession', 'sealedSession'] // plugins, as the type tests of imports say
  const missing = exportedNames(esm('.')).filter(name => !values.includes(name) && !new RegExp(`expect<.*\\b${name}\\b.*toBe<`).test(text))
  assert.deepEqual(missing, [])
})
