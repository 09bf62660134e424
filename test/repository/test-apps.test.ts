// Apps of tests come from one maker, and helpers of tests have a name each.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ROOT } from '../docs/workspace.ts'

const TESTS = join(ROOT, 'test')

/** Files that call Fastify by themselves, and the reason; a folder ends with a slash. */
const BY_HAND: Record<string, string> = {
  'comparison/': 'apps of other packages',
  'package/': 'programs of users, which are compiled or run',
  'docs/programs.ts': 'program that the blocks of a page are put into',
  'plugin/diagnostics.test.ts': 'program of its own process',
  'revocation/async-replies-child.ts': 'the same app with and without revocation, over three transports',
  'revocation/process-child.ts': 'program of its own process',
  'docs/errors.test.ts': 'registrations that are refused',
  'options/typical-mistakes.test.ts': 'registrations that are refused, in the words of their users',
  'registry/errors.test.ts': 'registrations that are refused',
  'revocation/errors.test.ts': 'registrations that are refused',
  'cross-origin/options.test.ts': 'registrations that are refused',
  'cross-origin/app.test.ts': 'a plugin in a context of its own',
  'cross-origin/websocket.test.ts': 'plugins in every order',
  'examples/helmet.test.ts': 'plugins in every order',
  'peer/plugins-beside.test.ts': 'plugins in every order',
  'peer/registration.test.ts': 'a plugin that calls the plugin',
  'plugin/contexts.test.ts': 'a plugin in two contexts',
  'plugin/registration.test.ts': 'registrations that are refused, and a plugin in two contexts',
  'step-up/guards.test.ts': 'a plugin in a context of its own'
}

const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).map(file => file.replaceAll('\\', '/')).filter(file => file.endsWith('.ts'))
const read = (file: string): string => readFileSync(join(TESTS, file), 'utf8')

describe('test/', () => {
  it('makes apps with newApp, but for the files that are listed here with a reason', () => {
    const own = files.filter(file => !file.startsWith('support/') && file !== 'repository/test-apps.test.ts' && /(?<![\w.])Fastify\(/.test(read(file)))
    const listed = own.map(file => Object.keys(BY_HAND).find(place => place.endsWith('/') ? file.startsWith(place) : file === place) ?? `${file}, which is not listed`)
    assert.deepEqual([...new Set(listed)].sort(), Object.keys(BY_HAND).sort())
  })
})

describe('test/support/', () => {
  it('exports no name twice', () => {
    const exported = files.filter(file => file.startsWith('support/'))
      .flatMap(file => [...read(file).matchAll(/^export (?:async )?(?:function|const|let|class|interface|type) (\w+)/gm)].map(([, name = '']) => name))
    assert.ok(exported.length > 50)
    assert.deepEqual(exported.filter((name, index) => exported.indexOf(name) !== index), [])
  })

  it('calls Fastify in one place', () => {
    const callers = files.filter(file => file.startsWith('support/') && /(?<![\w.])Fastify\(/.test(read(file)))
    assert.deepEqual(callers, ['support/app.ts'])
  })
})
