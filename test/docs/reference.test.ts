// The tables of the documentation say what the code does.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { inspect } from 'node:util'
import { ERRORS } from '../../src/errors.ts'
import { readOptions } from '../../src/options.ts'
import { WARNINGS } from '../../src/warnings.ts'
import { buildApp, captureLog, newKey, send, warnings } from '../helpers.ts'
import { codeIn, tableUnder } from './markdown.ts'
import { codesUsed, membersOf, read, sourceFiles } from './source.ts'
import { ROOT } from './workspace.ts'

const readme = read('README.md')

/** Names in the first column of a table: `get` for `get(key)`. */
const namesUnder = (markdown: string, heading: string): string[] =>
  tableUnder(markdown, heading).map(([name]) => codeIn(name).split('(')[0] ?? '').sort()

describe('the tables of the README', () => {
  it('have each option, and no other', () => {
    assert.deepEqual(namesUnder(readme, '## Options'), membersOf('SessionOptions', 'SessionKeyOptions', 'SessionSecretOptions'))
  })

  it('have each member of a session, and no other', () => {
    assert.deepEqual(namesUnder(readme, '## The session'), membersOf('SessionMethods'))
  })

  it('have each decorator, and no other', () => {
    assert.deepEqual(namesUnder(readme, '## Outside a request'), membersOf('FastifyInstance'))
  })

  it('have each field of what sessionInfo returns, and no other', () => {
    const fields = tableUnder(readme, '## Why a session is as it is').flatMap(([names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name))
    assert.deepEqual(fields.sort(), membersOf('SessionInfo'))
  })

  it('have the defaults that the code has', async () => {
    const [config] = await readOptions({ key: newKey(), sessionName: undefined }, () => {})
    const documented = tableUnder(readme, '## Options')
      .map(([name, , value = '']) => [codeIn(name), /^`[^`]+`$/.test(value) ? codeIn(value) : null] as const)
      .filter(([, value]) => value !== null)
    const { sessionName, expiry, rolling, cookie, noStore, format } = config!
    const actual = { expiry, rolling, cookie, sessionName, format, noStore }
    assert.deepEqual(documented, Object.entries(actual).map(([name, value]) => [name, inspect(value)]))
  })

  it('are right that the cookie is named like the session', async () => {
    const [config] = await readOptions({ key: newKey(), sessionName: 'auth' }, () => {})
    assert.equal(config?.cookieName, 'auth')
  })
})

/** The codes of the warnings that an app with these options gives while it is used. */
async function warnedOf (options: object, use: (app: FastifyInstance) => Promise<unknown>): Promise<unknown[]> {
  const { lines, logger } = captureLog()
  await use(buildApp(options, { logger: logger! })) // captureLog always gives one
  return warnings(lines).map(({ code }) => code)
}

describe('the README', () => {
  it('is right that about 2.9 KB fit into a cookie', async () => {
    const options = { key: newKey(), cookieName: '__Host-session', cookie: { path: '/', secure: true, sameSite: 'lax' } }
    const store = (bytes: number) => warnedOf(options, app => send(app, 'POST', '/set', undefined, { text: 'x'.repeat(bytes) }))
    assert.deepEqual(await store(2900), [])
    assert.deepEqual(await store(3000), ['FST_SEALED_SESSION_WARN_COOKIE_TOO_LARGE'])
    assert.match(readme, /more than about 2\.9 KB/)
  })
})

describe('docs/errors.md', () => {
  const page = read('docs/errors.md')

  it('is what "npm run docs:errors" makes', () => {
    const script = join(ROOT, 'scripts/error-table.js')
    const made = execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), script], { encoding: 'utf8' })
    assert.equal(page, made)
  })

  it('has each error that src throws, and no other', () => {
    assert.deepEqual(namesUnder(page, '## Errors'), codesUsed(/sealedSessionError/))
    assert.deepEqual(codesUsed(/sealedSessionError/), Object.keys(ERRORS).sort())
  })

  it('has each warning that src gives, and no other', () => {
    assert.deepEqual(namesUnder(page, '## Warnings'), codesUsed(/\bwarn/))
    assert.deepEqual(codesUsed(/\bwarn/), Object.keys(WARNINGS).sort())
  })

  it('has each code that comments and other pages mention', () => {
    const known = new Set([...Object.keys(ERRORS), ...Object.keys(WARNINGS)])
    for (const path of [...sourceFiles, 'README.md', 'docs/format.md', 'docs/keys.md', 'docs/migration.md', 'docs/lifetimes.md', 'docs/threat-model.md', 'docs/data.md', 'docs/observability.md']) {
      for (const [code] of read(path).matchAll(/FST_SEALED_SESSION_[A-Z_]*[A-Z]/g)) {
        if (code !== 'FST_SEALED_SESSION_WARN') assert.ok(known.has(code), `${code} in ${path}`)
      }
    }
  })
})

describe('docs/architecture.md', () => {
  const page = read('docs/architecture.md')

  it('has each file of src, and no other', () => {
    assert.deepEqual(tableUnder(page, '## The files').map(([file]) => codeIn(file)).sort(), [...sourceFiles].sort())
  })

  it('is right about which files import Fastify', () => {
    const [sentence = ''] = /Only these import Fastify:[^]+?\n- /.exec(page) ?? []
    const named = [...sentence.matchAll(/`([^`]+)`/g)].map(([, file = '']) => `src/${file}`)
    const importing = sourceFiles.filter(path => /from 'fastify(-plugin)?'/.test(read(path)))
    assert.deepEqual(named.sort(), [...importing].sort())
  })
})

describe('docs/keys.md', () => {
  const key = newKey()
  const accidents: Array<[what: string, key: unknown]> = [
    ['UTF-16', Buffer.from(`\ufeff${key.toString('latin1')}`, 'utf16le')],
    ['newline', Buffer.concat([key, Buffer.from('\n')])],
    ['hex or base64 text was read as bytes', Buffer.from(key.toString('hex'))],
    ['raw bytes was read as text', Buffer.alloc(32, 0xe9).toString('utf8')],
    ['A character was lost', key.toString('hex').slice(1)],
    ['is not set', undefined]
  ]
  const rows = tableUnder(read('docs/keys.md'), '## Accidents')

  for (const [what, key] of accidents) {
    it(`names the error that follows where it says "${what}"`, async () => {
      const row = rows.find(([happened]) => happened?.includes(what))
      await assert.rejects(async () => await buildApp({ key }).ready(), { code: codeIn(row?.[1]) })
    })
  }

  it('names the warning that follows a constant key, and no other accident', async () => {
    const codes = await warnedOf({ key: Buffer.alloc(32) }, async app => await app.ready())
    assert.deepEqual(codes, [codeIn(rows.at(-1)?.[1])])
    assert.equal(rows.length, accidents.length + 1)
  })
})
