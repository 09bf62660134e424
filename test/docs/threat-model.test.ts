// docs/evidence/threat-model.md promises nothing that no test holds.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { MAX_CANDIDATES } from '../../src/cookies/chunks.ts'
import { CLOCK_TOLERANCE } from '../../src/token/lifetime.ts'
import { codeIn, tableUnder } from './markdown.ts'
import { read, titlesOf } from './source.ts'
import { ROOT } from './workspace.ts'

const page = read('docs/evidence/threat-model.md')
const promises = tableUnder(page, '## What is promised')

describe('each promise of docs/evidence/threat-model.md has a test', () => {
  for (const [promise = '', file, title = ''] of promises) {
    it(promise.replaceAll('**', ''), () => {
      const path = codeIn(file)
      assert.match(path, /^test\/.+\.test\.ts$/)
      assert.ok(existsSync(join(ROOT, path)), `${path} does not exist`)
      assert.ok(title !== '' && titlesOf(read(path)).some(words => words.includes(title)), `no test of ${path} has "${title}" in its title`)
    })
  }
})

describe('docs/evidence/threat-model.md', () => {
  it('names each promise of the README', () => {
    const [list = ''] = /You can rely on [^]*?You cannot rely on/.exec(read('README.md')) ?? []
    const names = [...list.matchAll(/^\| \*\*(.+?)\*\* \|/gm)].map(([, name]) => name)
    assert.ok(names.length >= 5)
    for (const name of names) assert.ok(promises.some(([promise]) => promise?.includes(`**${name}**`)), name)
  })

  it('says what to do about each thing that is not promised', () => {
    const rows = tableUnder(page, '## What is not promised')
    assert.ok(rows.length >= 10)
    for (const row of rows) assert.ok(row.length === 3 && row.every(cell => cell !== ''), row.join())
  })

  it('has the numbers of the code', () => {
    assert.ok(page.includes(`**${MAX_CANDIDATES} cookies, ${number('src/cookies/candidates.ts', 'MAX_TRIES')} decryptions.**`))
    assert.ok(page.includes(`**${CLOCK_TOLERANCE} seconds of tolerance.**`))
    assert.ok(page.includes(`a block of ${number('src/crypto/nonces.ts', 'BLOCK_BYTES')} random bytes`))
    assert.equal(number('src/crypto/nonces.ts', 'BLOCK_LIFETIME'), 1000)
  })
})

/** A constant that is not exported. */
function number (path: string, name: string): number {
  return Number(new RegExp(`^const ${name} = (\\d+)$`, 'm').exec(read(path))?.[1])
}
