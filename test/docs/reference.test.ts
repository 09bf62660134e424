// The tables of the documentation say what the code does.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { inspect } from 'node:util'
import { BYTES_PER_CHUNK } from '../../src/cookies/chunks.ts'
import { MAX_COOKIE_BYTES } from '../../src/cookies/set-cookie.ts'
import { CODES } from '../support/errors.ts'
import { readOptions } from '../../src/options/options.ts'
import { WARNINGS } from '../../src/message-table.ts'
import { Keyring } from '../../src/index.ts'
import { newApp, post } from '../support/app.ts'
import { captureLog, isCachedEverywhere, newKey, setCookies, warnings, withKeyFile } from '../support/helpers.ts'
import { blocks, codeIn, exponentIn, tableUnder } from './markdown.ts'
import { errorsUsed, membersIn, membersOf, pagesBelow, read, sourceFiles, warningsUsed } from './source.ts'
import { ROOT } from './workspace.ts'

const readme = read('README.md')

/** Names in the first column of a table: `get` for `get(key)`. */
const namesUnder = (markdown: string, heading: string): string[] =>
  tableUnder(markdown, heading).map(([name]) => codeIn(name).split('(')[0] ?? '').sort()

const options = read('docs/reference/options.md')
const session = read('docs/guide/session.md')

describe('the tables of options and of the session', () => {
  it('have each option, and no other', () => {
    assert.deepEqual(namesUnder(options, '## The options'), membersOf('SessionOptions', 'SessionKeyOptions', 'SessionSecretOptions'))
  })

  it('have each member of a session, and no other', () => {
    assert.deepEqual(namesUnder(session, '## Its members'), membersOf('SessionMethods', 'StrictAccess'))
  })

  it('have each decorator, and no other', () => {
    assert.deepEqual(namesUnder(session, '## Outside a request'), membersOf('FastifyInstance'))
  })

  it('have each field of what sessionInfo returns, and no other', () => {
    const fields = tableUnder(session, '## Why a session is as it is').flatMap(([names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name))
    assert.deepEqual(fields.sort(), membersOf('SessionInfo'))
  })

  it('of docs/guide/registry.md have each option and each field of a listed session, and no other', () => {
    const page = read('docs/guide/registry.md')
    const members = (name: string): string[] => membersIn(['src/registry/types.ts'], name)
    assert.deepEqual(namesUnder(page, '## Options'), members('SessionRegistryOptions'))
    assert.deepEqual(namesUnder(page, '## Setup'), members('ListedSession'))
  })

  it('have the defaults that the code has', async () => {
    const config = await readOptions({ key: newKey(), sessionName: undefined }, () => {})
    const documented = tableUnder(options, '## The options')
      .map(([name, , value = '']) => [codeIn(name), /^`[^`]+`$/.test(value) ? codeIn(value) : null] as const)
      .filter(([, value]) => value !== null)
    const { sessionName, expiry, rolling, cookie, noStore, format, maxChunks } = config
    const cache = isCachedEverywhere ? false : config.cache ?? false
    const actual = { expiry, rolling, cookie, sessionName, format, maxChunks, cache, noStore }
    assert.deepEqual(documented, Object.entries(actual).map(([name, value]) => [name, inspect(value)]))
  })

  it('are right that the cookie is named like the session', async () => {
    const config = await readOptions({ key: newKey(), sessionName: 'auth' }, () => {})
    assert.equal(config.cookieName, 'auth')
  })
})

/** The codes of the warnings that an app with these options gives while it is used. */
async function warnedOf (options: object, use: (app: FastifyInstance) => Promise<unknown>): Promise<unknown[]> {
  const { lines, logger } = captureLog()
  await use(newApp({ server: { logger: logger! }, session: options })) // captureLog always gives one
  return warnings(lines).map(({ code }) => code)
}

describe('the README', () => {
  it('is right that a session is split from about 2.8 KB on, and too large from about 5 KB on', async () => {
    for (const format of ['secretbox', 'sealed']) {
      assert.deepEqual([await cookiesFor(2800, 2, format), await cookiesFor(3000, 2, format)], [1, 2])
      assert.deepEqual([await cookiesFor(5000, 2, format), await cookiesFor(5350, 2, format)], [2, 0])
    }
    assert.match(readme, /more than about 5 KB[^]+from about 2\.8 KB on/)
  })
})

/** How many cookies a session with so many bytes of text takes; 0 where it is too large. */
async function cookiesFor (bytes: number, maxChunks: number, format: string): Promise<number> {
  const app = newApp({ session: { key: newKey(), format, maxChunks, cookieName: '__Host-session', cookie: { path: '/', secure: true, sameSite: 'lax' } } })
  return setCookies(await post(app, '/set', undefined, { text: 'x'.repeat(bytes) })).length
}

/** How many of seven sessions of a size fit: in the default format, which escapes `/`, a token's length is random. */
async function fittingOf7 (bytes: number, maxChunks: number, format: string): Promise<number> {
  const app = newApp({ session: { key: newKey(), format, maxChunks, cookieName: '__Host-session', cookie: { path: '/', secure: true, sameSite: 'lax' } } })
  let fitting = 0
  for (let i = 0; i < 7; i++) {
    if (setCookies(await post(app, '/set', undefined, { text: 'x'.repeat(bytes) })).length > 0) fitting++
  }
  return fitting
}

describe('docs/guide/large-sessions.md', () => {
  const rows = tableUnder(read('docs/guide/large-sessions.md'), '## `maxChunks`')

  for (const [name = '', bytes = '', secretbox = '', sealed = ''] of rows) {
    const maxChunks = Number(/\d/.exec(name)?.[0])

    it(`is right about maxChunks: ${maxChunks}`, async () => {
      for (const [format, json] of Object.entries({ secretbox, sealed })) {
        const limit = Number.parseFloat(json) * 1000
        assert.ok(await fittingOf7(limit, maxChunks, format) > 3)
        assert.ok(await fittingOf7(limit + 200, maxChunks, format) < 4)
      }
      assert.equal(Number.parseInt(bytes), maxChunks === 1 ? MAX_COOKIE_BYTES : maxChunks * BYTES_PER_CHUNK)
    })
  }
})

describe('docs/reference/errors.md', () => {
  const page = read('docs/reference/errors.md')

  it('is what "npm run docs:errors" makes', () => {
    const script = join(ROOT, 'scripts/error-table.js')
    const made = execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), script], { encoding: 'utf8' })
    assert.equal(page, made)
  })

  it('has each error that src throws, and no other', () => {
    assert.deepEqual(namesUnder(page, '## Errors'), errorsUsed())
    assert.deepEqual(errorsUsed(), [...CODES].sort())
  })

  it('has each warning that src gives, and no other', () => {
    assert.deepEqual(namesUnder(page, '## Warnings'), warningsUsed())
    assert.deepEqual(warningsUsed(), Object.keys(WARNINGS).sort())
  })

  it('has each code that comments and other pages mention', () => {
    const known = new Set([...CODES, ...Object.keys(WARNINGS)])
    for (const path of [...sourceFiles, 'README.md', ...pagesBelow('docs')]) {
      for (const [code] of read(path).matchAll(/FST_SEALED_SESSION_[A-Z_]*[A-Z]/g)) {
        if (code !== 'FST_SEALED_SESSION_WARN') assert.ok(known.has(code), `${code} in ${path}`)
      }
    }
  })
})

describe('docs/reference/api', () => {
  it('is what "npm run docs:api" makes of the comments in the source', { timeout: 120_000 }, async () => {
    await withFolder(async folder => {
      execFileSync(process.execPath, [join(ROOT, 'node_modules/typedoc/bin/typedoc'), '--out', folder], { cwd: ROOT, stdio: 'pipe' })
      assert.deepEqual(pagesIn(folder), pagesIn(join(ROOT, 'docs/reference/api')))
    })
  })
})

/** The pages of a folder and those below it, by name. */
function pagesIn (folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.md')).sort()
  return Object.fromEntries(names.map(name => [name, readFileSync(join(folder, name), 'utf8')]))
}

async function withFolder (use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'docs-'))
  try {
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('docs/evidence/architecture.md', () => {
  const page = read('docs/evidence/architecture.md')

  it('has each folder of src, and no other', () => {
    const listed = [...page.matchAll(/^\| `(src\/[^`]*)\/?` \|/gm)].map(([, folder = '']) => folder.replace(/\/$/, ''))
    assert.deepEqual(listed.sort(), [...new Set(sourceFiles.map(path => dirname(path)))].sort())
  })

  it('names files of src that are there', () => {
    const named = [...page.matchAll(/`(src\/[^`]+\.\w+)`/g)].map(([, file = '']) => file)
    assert.ok(named.length > 20)
    assert.deepEqual(named.filter(file => !sourceFiles.includes(file)), [])
  })

  it('is right about which files import Fastify', () => {
    const [sentence = ''] = /Only these import Fastify:[^]+?\n- /.exec(page) ?? []
    const named = [...sentence.matchAll(/`([^`]+)`/g)].map(([, file = '']) => `src/${file}`)
    const importing = sourceFiles.filter(path => /from 'fastify(-plugin)?'/.test(read(path)))
    assert.deepEqual(importing.filter(path => !named.some(name => path.startsWith(name))), [])
    assert.deepEqual(named.filter(name => !importing.some(path => path.startsWith(name))), [])
  })
})

describe('docs/guide/keys.md', () => {
  const page = read('docs/guide/keys.md')
  const key = newKey()
  const accidents: Array<[what: string, key: unknown]> = [
    ['UTF-16', Buffer.from(`\ufeff${key.toString('latin1')}`, 'utf16le')],
    ['newline', Buffer.concat([key, Buffer.from('\n')])],
    ['hex or base64 text was read as bytes', Buffer.from(key.toString('hex'))],
    ['A file of several keys', Buffer.from(`${key.toString('hex')}\n${newKey().toString('hex')}\n`)],
    ['raw bytes was read as text', Buffer.alloc(32, 0xe9).toString('utf8')],
    ['The path was given', 'secret-key'],
    ['A character was lost', key.toString('hex').slice(1)],
    ['cut off', key.toString('hex').slice(0, 43)],
    ['in quotes', `"${key.toString('base64')}"`],
    ['NAME=value', `SESSION_KEY=${key.toString('hex')}`],
    ['a comma or semicolon', `${key.toString('base64')},`],
    ['Several keys', `${key.toString('base64')},${newKey().toString('base64')}`],
    ['A passphrase', 'correct horse battery staple, and more of it'],
    ['is not set', undefined]
  ]
  const rows = tableUnder(page, '## Accidents')

  for (const [what, key] of accidents) {
    it(`names the error that follows where it says "${what}"`, async () => {
      const row = rows.find(([happened]) => happened?.includes(what))
      await assert.rejects(async () => await newApp({ session: { key } }).ready(), { code: codeIn(row?.[1]) })
    })
  }

  it('names the warning that follows a constant key, and no other accident', async () => {
    const codes = await warnedOf({ key: Buffer.alloc(32) }, async app => await app.ready())
    assert.deepEqual(codes, [codeIn(rows.at(-1)?.[1])])
    const named = accidents.map(([what]) => rows.findIndex(([happened]) => happened?.includes(what)))
    assert.equal(rows.length, new Set(named).size + 1)
  })

  it('says how a key file fails that had an accident, in the words of the log', async () => {
    const key = newKey().toString('hex')
    const files: Record<string, string | Uint8Array> = {
      'is empty': '',
      'cut off': `# keys\n${key}\n${key.slice(9)}\n`,
      'UTF-16': Buffer.from(`\ufeff${key}`, 'utf16le'),
      'newline follows 32 raw bytes': Buffer.concat([Buffer.alloc(32, 0xc1), Buffer.from('\n')]),
      '32 characters': key.slice(32),
      'NAME=value': `SESSION_KEY=${key}\n`
    }
    const rows = tableUnder(page, '### Of a key file')
    assert.equal(rows.length, Object.keys(files).length + 2) // a file that is not there, and one whose content was given
    const [, says = ''] = rows.find(([happened]) => happened?.includes('and not its path')) ?? assert.fail('no row')
    await assert.rejects(Keyring.fromFile(`${key}\n${key}\n`), { code: 'FST_SEALED_SESSION_KEY_FILE', message: new RegExp(says) })
    for (const [what, content] of Object.entries(files)) {
      const [, says = ''] = rows.find(([happened]) => happened?.includes(what)) ?? assert.fail(what)
      await withKeyFile(content, async path => {
        await assert.rejects(Keyring.fromFile(path), { code: 'FST_SEALED_SESSION_KEY_FILE', message: new RegExp(`^the key file ${path} ${says}`) })
      })
    }
  })

  it('has chances of a nonce that repeats which are n²/2^193 and n²/2^97', () => {
    for (const [tokens, of192, of96] of tableUnder(page, '## How much one key may seal')) {
      const n = exponentIn(tokens)
      assert.equal(exponentIn(of192), 2 * n - 193, tokens)
      if (of96 === 'certain') assert.ok(2 * n - 97 > 0, tokens)
      else assert.equal(exponentIn(of96), 2 * n - 97, tokens)
    }
  })

  it('has a chance to forge that is the bound of Poly1305', () => {
    const [, bytes, chance] = /for the\s+(\d+) bytes that a cookie can hold, (2\S+) a try/.exec(page) ?? []
    assert.equal(Number(bytes), 4096 / 4 * 3)
    assert.equal(exponentIn(chance), Math.ceil(Math.log2(8 * Math.ceil(Number(bytes) / 16)) - 106))
  })

  it('has a manifest that mounts the file where the app looks for it, as a folder', () => {
    const [manifest] = blocks(page).filter(({ language }) => language === 'yaml')
    const value = (name: string): string => new RegExp(`^ +(?:- )?${name}: (\\S+)`, 'm').exec(manifest!.code)?.[1] ?? ''
    assert.equal(value('value'), `${value('mountPath')}/session-keys`)
    assert.doesNotMatch(manifest!.code, /subPath|\t/)
    assert.equal(value('secretName'), 'session-keys')
    assert.match(page, /kubectl create secret generic session-keys --from-file=session-keys/)
  })
})
