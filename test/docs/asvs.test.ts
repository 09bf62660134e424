// docs/evidence/asvs.md goes through each item of ASVS 5.0.0 that concerns sessions, and claims nothing that no test holds.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { newApp } from '../support/app.ts'
import { captureLog, newKey, warnings } from '../support/helpers.ts'
import { blocks, codeIn, tableUnder } from './markdown.ts'
import { read, titlesOf } from './source.ts'
import { ROOT } from './workspace.ts'

const page = read('docs/evidence/asvs.md')

/** Items with their levels, as in the CSV of version 5.0.0. */
const ITEMS: Record<string, Record<string, number>> = {
  '## 7.1 Session management documentation': { '7.1.1': 2, '7.1.2': 2, '7.1.3': 2 },
  '## 7.2 Fundamental session management': { '7.2.1': 1, '7.2.2': 1, '7.2.3': 1, '7.2.4': 1 },
  '## 7.3 Session timeout': { '7.3.1': 2, '7.3.2': 2 },
  '## 7.4 Session termination': { '7.4.1': 1, '7.4.2': 1, '7.4.3': 2, '7.4.4': 2, '7.4.5': 2 },
  '## 7.5 Defenses against session abuse': { '7.5.1': 2, '7.5.2': 2, '7.5.3': 3 },
  '## 7.6 Federated re-authentication': { '7.6.1': 2, '7.6.2': 2 },
  '## 3.3 Cookie setup': { '3.3.1': 1, '3.3.2': 2, '3.3.3': 2, '3.3.4': 2, '3.3.5': 3 },
  '## 3.5 and 4.4 Requests of other origins': { '3.5.1': 1, '4.4.2': 2 },
  '## 9.1 Token source and integrity': { '9.1.1': 1, '9.1.2': 1, '9.1.3': 1 },
  '## 9.2 Token content': { '9.2.1': 1, '9.2.2': 2, '9.2.3': 2, '9.2.4': 2 },
  '## 13.3 Secret management': { '13.3.1': 2, '13.3.2': 2, '13.3.3': 3, '13.3.4': 3 },
  '## 14.3 Client-side data protection': { '14.3.1': 1, '14.3.2': 2, '14.3.3': 2 },
  '## 16 Logging and errors': { '16.2.5': 2, '16.3.1': 2, '16.3.2': 2, '16.3.3': 2, '16.3.4': 2, '16.5.1': 2, '16.5.2': 2, '16.5.3': 2 }
}

/** The rest of chapter 16, which one sentence has. */
const REST = ['16.1.1', '16.2.1', '16.2.4', '16.4.1', '16.4.3', '16.5.4']

const rows = Object.keys(ITEMS).flatMap(heading => tableUnder(page, heading))
const statuses = tableUnder(`\n${page}`, '# OWASP ASVS 5.0, item by item').map(([status]) => status)

describe('docs/evidence/asvs.md', () => {
  for (const [heading, items] of Object.entries(ITEMS)) {
    it(`has each item under "${heading.slice(3)}", with its level`, () => {
      assert.deepEqual(tableUnder(page, heading).map(([item, level]) => [item, level]), Object.entries(items).map(([item, level]) => [item, String(level)]))
    })
  }

  for (const [item = '', , asks = '', , , status = '', test = ''] of rows) {
    it(`${item} is "${status}", and ${test === '—' ? 'promises nothing' : 'a test holds it'}: ${asks}`, () => {
      assert.ok(statuses.includes(status), status)
      if (['yours', 'not yet'].includes(status)) return assert.equal(test, '—')
      const path = codeIn(test)
      const words = test.slice(test.indexOf('`: ') + 3)
      assert.match(path, /^test\/.+\.test\.ts$/)
      assert.ok(existsSync(join(ROOT, path)), `${path} does not exist`)
      assert.ok(words !== '' && titlesOf(read(path)).some(title => title.includes(words)), `no test of ${path} has "${words}" in its title`)
    })
  }

  it('says which items are not met without revocation: those that need it', () => {
    const [, list = ''] = /\*\*Without revocation\*\* these are not met: ([\d., ]+)\./.exec(page) ?? []
    const needing = rows.filter(([,,,,, status]) => status === 'with revocation').map(([item]) => item)
    assert.deepEqual(list.split(', '), needing.filter(item => item !== '16.5.2')) // without a store, none can be away
  })

  it('names items that it has, and the rest of chapter 16', () => {
    const items = Object.values(ITEMS).flatMap(items => Object.keys(items))
    const prose = page.split('\n').filter(line => !line.startsWith('|') && !line.startsWith('#') && !line.includes('NIST')).join('\n')
    const section = prose.slice(0, prose.indexOf('\'Overall\' counts'))
    for (const [item] of section.matchAll(/\b(?:[379]|1[346])\.\d\.\d\b/g)) assert.ok(items.includes(item) || REST.includes(item), item)
    for (const item of REST) assert.ok(section.includes(item), item)
  })

  it('has the setup of the example, word for word', () => {
    const [block] = blocks(page)
    const example = read('examples/asvs-level-2/server.js').split('\n')
    const [, setup = ''] = /\n(app\.register\(crossOriginProtection\)[^]*)/.exec(block?.code ?? '') ?? []
    const lines = setup.split('\n').filter(line => line !== '')
    assert.ok(lines.length >= 12)
    assert.deepEqual(example.filter(line => lines.includes(line) && line !== '})').sort(), lines.filter(line => line !== '})').sort())
    for (const line of (block?.code ?? '').split('\n').filter(line => / from 'fastify-sealed-session\//.test(line))) assert.ok(example.includes(line), line)
  })

  it('is right about what the default options leave out', async () => {
    const app = newApp({ session: { key: newKey() } })
    const { headers } = await app.inject({ method: 'POST', url: '/set', payload: { userId: 42 } })
    assert.match(String(headers['set-cookie']), /^session=[^;]+; HttpOnly; SameSite=Lax$/)
    assert.match(page, /There is no `Secure`, no `__Host-` name and no `absoluteTimeout`/)
    assert.equal(codeIn(tableUnder(read('docs/reference/options.md'), '## The options').find(([name]) => name === '`format`')?.[2]), "'secretbox'")
  })
})

describe('the timeouts of docs/evidence/asvs.md', () => {
  const seconds = (cell: string): number => codeIn(cell).split(' * ').reduce((product, factor) => product * Number(factor), 1)
  const bound = (words: string): number => {
    const [, count, unit = ''] = /at most (\d+) (day|hour|minute)s?/.exec(words) ?? []
    return Number(count) * { day: 86_400, hour: 3600, minute: 60 }[unit]!
  }

  for (const [level = '', overall = '', absoluteTimeout = '', inactivity = '', expiry = ''] of tableUnder(page, '## Timeouts by assurance level')) {
    it(`of ${level} are within its bounds, and taken without a warning`, async () => {
      assert.equal(seconds(absoluteTimeout), bound(overall))
      if (inactivity !== 'may be left out') assert.equal(seconds(expiry), bound(inactivity))
      const { lines, logger = false } = captureLog('warn')
      const app = newApp({
        server: { logger },
        session: { key: newKey(), format: 'sealed', rolling: true, expiry: seconds(expiry), absoluteTimeout: seconds(absoluteTimeout), cookie: { path: '/' } }
      })
      await app.ready()
      assert.deepEqual(warnings(lines), [])
    })
  }
})
