// Which file of src/ may know what. Data flows one way; these rules keep it so.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { describe, it } from 'node:test'

const SRC = new URL('../../src/', import.meta.url)
const MAX_LINES = 300

interface Import {
  /** As written, or the path in src/ where it is relative. */
  target: string
  /** Erased by the compiler: nothing is loaded. */
  isType: boolean
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(name => /\.[cm]?[jt]s$/.test(name)).sort()
const sources = new Map(files.map(name => [name, readFileSync(new URL(name, SRC), 'utf8')]))

/** The imports, re-exports, `import()` and `require()` of a file. */
function importsOf (name: string): Import[] {
  const code = (sources.get(name) ?? assert.fail(`there is no src/${name}`)).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const statements = code.matchAll(/^(?:import|export)\b(\s+type\b)?(?:[\w\s{},*$]*?\bfrom\b)?\s*'([^']+)'/gm)
  const calls = code.matchAll(/\b(?:import|require)\(\s*'([^']+)'\s*\)/g)
  return [
    ...[...statements].map(([, type, target = '']) => ({ target: resolve(name, target), isType: type !== undefined })),
    ...[...calls].map(([, target = '']) => ({ target: resolve(name, target), isType: false }))
  ]
}

/** Files that stand for a name with `#` in Node.js; those of other runtimes have the same exports. */
const { imports } = JSON.parse(readFileSync(new URL('package.json', SRC), 'utf8')) as { imports: Record<string, { default: string }> }

function resolve (from: string, target: string): string {
  if (target.startsWith('#')) return join(imports[target]?.default ?? assert.fail(`${target} is not in src/package.json`))
  return target.startsWith('.') ? join(dirname(from), target) : target
}

/** All that is loaded with a file: its imports, and theirs. */
function loadedBy (name: string, seen = new Set<string>()): Set<string> {
  for (const { target, isType } of importsOf(name)) {
    if (isType || seen.has(target)) continue
    seen.add(target)
    if (sources.has(target)) loadedBy(target, seen)
  }
  return seen
}

/** The files with an import that `matches`. */
function importersOf (matches: (target: string) => boolean): string[] {
  return files.filter(name => importsOf(name).some(({ target }) => matches(target)))
}

const isHttp = (target: string): boolean => target.startsWith('cookies/') || target.startsWith('fastify/') || /^(?:fastify|fastify-plugin|@fastify\/cookie|node:http)$/.test(target)
const isCryptography = (target: string): boolean => /^(?:crypto|keys)\//.test(target) || /^(?:sodium-native|(?:node:)?crypto)$/.test(target)

/** Lines that are neither empty nor comments only. */
function codeLines (source: string): number {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').split('\n').filter(line => !/^\s*(?:\/\/.*)?$/.test(line)).length
}

describe('the scan', () => {
  it('sees every file and every way of importing', () => {
    assert.ok(files.includes('token/secretbox.ts') && files.includes('require.cjs'))
    assert.deepEqual(importersOf(target => target === 'fastify/plugin.ts'), ['fastify/sealed-session.ts', 'index.ts'])
    assert.deepEqual(importersOf(target => target === 'index.js'), ['require.cjs'])
    assert.ok(importsOf('fastify/plugin.ts').some(({ target, isType }) => target === 'fastify' && isType))
    assert.ok(importsOf('token/secretbox.ts').some(({ target, isType }) => target === 'crypto/sodium.ts' && !isType))
    assert.ok(importsOf('token/secretbox.ts').some(({ target, isType }) => target === 'keys/key-set.ts' && isType))
    assert.ok(loadedBy('index.ts').has('crypto/load.cts'))
  })

  it('misses no file that a relative import names', () => {
    for (const name of files) {
      for (const { target } of importsOf(name)) {
        if (/\.ts$/.test(target)) assert.ok(sources.has(target), `src/${name} imports ${target}`)
      }
    }
  })
})

describe('src/', () => {
  it('knows Fastify only where it is wired into it', () => {
    const know = importersOf(target => target === 'fastify')
    assert.deepEqual(know.filter(name => !/^(?:fastify|registry|revocation|cross-origin|device|testing)\//.test(name) && name !== 'types.ts'), [])
  })

  it('calls libsodium only in crypto/', () => {
    const importers = importersOf(target => target === 'sodium-native')
    assert.ok(importers.length > 0)
    assert.deepEqual(importers.filter(name => !name.startsWith('crypto/')), [])
  })

  it('has a session that knows no cryptography', () => {
    assert.deepEqual(importsOf('session/session.ts').map(({ target }) => target).filter(isCryptography), [])
  })

  it('has a session that loads no cryptography through what it imports either', () => {
    assert.deepEqual([...loadedBy('session/session.ts')].filter(isCryptography), [])
  })

  for (const name of files.filter(name => name.startsWith('token/'))) {
    it(`has a ${name} that knows no HTTP`, () => {
      assert.deepEqual(importsOf(name).map(({ target }) => target).filter(isHttp), [])
      assert.deepEqual([...loadedBy(name)].filter(isHttp), [])
    })
  }

  it('has no file that is loaded by what it loads', () => {
    assert.deepEqual(files.filter(name => loadedBy(name).has(name)), [])
  })

  it('has cookies/ that knows no Fastify', () => {
    const cookies = files.filter(name => name.startsWith('cookies/'))
    assert.ok(cookies.length > 0)
    assert.deepEqual(cookies.filter(name => [...loadedBy(name)].some(target => target.startsWith('fastify'))), [])
  })

  it('has sessions of requests and a front for web standards that load no Fastify', () => {
    const files = [...sources.keys()].filter(name => /^(?:http|web)\//.test(name))
    assert.ok(files.includes('http/request-session.ts') && files.includes('web/index.ts'))
    const loaded = new Set(files.flatMap(name => [...loadedBy(name)]))
    assert.deepEqual([...loaded].filter(target => /^fastify(?:\/|-plugin$|$)/.test(target)), [])
  })

  it(`has no file of more than ${MAX_LINES} lines of code`, () => {
    const lines = [...sources].map(([name, source]) => [name, codeLines(source)] as const)
    assert.deepEqual(lines.filter(([, count]) => count > MAX_LINES), [])
  })
})
