// Names of options that are wrong, or nearly right.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { format } from 'node:util'
import { checkOptionNames } from '../../src/options/readers.ts'
import { WARNINGS } from '../../src/message-table.ts'

const OPTIONS = ['sessionName', 'cookieName', 'key', 'secret', 'salt', 'expiry', 'cookie', 'cookieOptions', 'noStore']

/** The warnings that options lead to. */
function check (options: object): string[] {
  const warnings: string[] = []
  checkOptionNames(options, 'session', (code, ...values) => { warnings.push(`${code}: ${format(WARNINGS[code], ...values)}`) })
  return warnings
}

function assertRefused (name: string, near: string): void {
  assert.throws(() => check({ [name]: 1 }), {
    code: 'FST_SEALED_SESSION_OPTION_UNKNOWN', message: `option "${name}" is not known, did you mean "${near}"?`
  })
}

describe('the name of an option', () => {
  for (const name of OPTIONS) {
    it(`passes as ${name}`, () => assert.deepEqual(check({ [name]: undefined }), []))
  }

  for (const name of ['prefix', 'logLevel', 'logSerializers']) {
    it(`passes as ${name}, which is Fastify's own`, () => assert.deepEqual(check({ [name]: 1 }), []))
  }

  const misspelt: Array<[name: string, near: string]> = [
    ['maxChunk', 'maxChunks'], ['maxchunks', 'maxChunks'], ['expirey', 'expiry'], ['expire', 'expiry'], ['Expiry', 'expiry'], ['keys', 'key'], ['KEY', 'key'], ['secrets', 'secret'], ['sectret', 'secret'],
    ['cookies', 'cookie'], ['cookieOption', 'cookieOptions'], ['cookiename', 'cookieName'], ['sessionname', 'sessionName'],
    ['sesionName', 'sessionName'], ['nostore', 'noStore'], ['no_store', 'noStore'], ['salts', 'salt']
  ]
  for (const [name, near] of misspelt) {
    it(`is refused as ${name}, which is nearly ${near}`, () => assertRefused(name, near))
  }

  for (const option of OPTIONS) {
    it(`is refused with any one letter of ${option} left out, doubled, replaced or in the other case`, () => {
      for (let at = 0; at < option.length; at++) {
        const [before, letter = '', after] = [option.slice(0, at), option[at], option.slice(at + 1)]
        const flipped = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
        for (const other of ['', letter + letter, 'q', flipped]) assertRefused(before + other + after, option)
      }
    })
  }

  for (const option of OPTIONS.filter(({ length }) => length > 5)) {
    it(`is refused with any two neighbours of ${option} swapped`, () => {
      for (let at = 0; at < option.length - 1; at++) {
        const name = option.slice(0, at) + option[at + 1] + option[at] + option.slice(at + 2)
        if (name !== option) assertRefused(name, option)
      }
    })
  }

  for (const name of ['path', 'domain', 'secure', 'httpOnly', 'sameSite', 'maxAge', 'expires', 'signed', 'partitioned', 'priority', 'encode']) {
    it(`leads to a warning as ${name}, which is an attribute of the cookie`, () => {
      assert.deepEqual(check({ [name]: 1 }), [
        `FST_SEALED_SESSION_WARN_OPTION_UNKNOWN: session "session": option "${name}" is not known and has no effect; ` +
        `attributes of the cookie go under "cookie": { cookie: { ${name}: … } }`
      ])
    })
  }

  for (const name of ['saveUninitialized', 'logger', 'x', '', 'constructor', 'hasOwnProperty']) {
    it(`leads to a warning as ${JSON.stringify(name)}, which is nothing of ours`, () => {
      assert.deepEqual(check({ [name]: 1 }), [
        `FST_SEALED_SESSION_WARN_OPTION_UNKNOWN: session "session": option "${name}" is not known and has no effect; remove it`
      ])
    })
  }

  it('leads to one warning for each that is not known', () => {
    assert.equal(check({ key: 1, logger: 1, path: '/', prefix: '/' }).length, 2)
  })

  it('does not count on a prototype or as a symbol', () => {
    assert.deepEqual(check(Object.assign(Object.create({ expirey: 1, logger: 1 }), { key: 1, [Symbol('logger')]: 1 })), [])
  })
})
