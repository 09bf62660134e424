// English that people read whose first language is another one, held to the bars of scripts/plain-english.js.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ERRORS } from '../../src/error-table.ts'
import { explainRefusal, REASONS, type Refused, WARNINGS } from '../../src/message-table.ts'
import type { RefusalReason } from '../../src/types.ts'
import { ROOT } from '../docs/workspace.ts'

interface Count { status: number | null, stdout: string }

function count (...args: string[]): Count {
  return spawnSync(process.execPath, [join(ROOT, 'scripts', 'plain-english.js'), ...args], { cwd: ROOT, encoding: 'utf8' })
}

/** Counts a text as if it was a page. */
function countText (text: string): Count {
  const folder = mkdtempSync(join(tmpdir(), 'plain-english-'))
  try {
    writeFileSync(join(folder, 'page.md'), text)
    return count(join(folder, 'page.md'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Names of the figures that are over their bar. */
function over ({ stdout }: Count): string[] {
  return stdout.split('\n').filter(line => line.startsWith('✗')).map(line => line.slice(2).split(/ {2,}/)[0] ?? '')
}

describe('scripts/plain-english.js', () => {
  it('passes short sentences that speak to the reader', () => {
    const { status, stdout } = countText('# Nobody\n\nYou set the key. Your app reads it.\n\n```js\nnobody, nothing, nor, what\n```\n')
    assert.equal(status, 0, stdout)
  })

  it('finds each thing that makes a page hard to read', () => {
    const count = countText('Who does not know what others know, nor whether one of them, where it is, knows that they never will, is told nothing by this sentence of ours.\n')
    assert.equal(count.status, 1)
    assert.equal(over(count).length, 8, count.stdout)
  })
})

describe('docs/', () => {
  it('is plain English as a whole', () => {
    const { status, stdout } = count('--reference', 'docs')
    assert.equal(status, 0, stdout)
  })
})

describe('README.md', () => {
  it('is plain English', () => {
    const { status, stdout } = count('README.md')
    assert.equal(status, 0, stdout)
  })
})

describe('errors and warnings', () => {
  /** A message as a paragraph, of which the values and the quoted code are no prose. */
  const paragraph = (text: string): string => `${text.replace(/"[^"]*"/g, '`code`').replaceAll('%s', '`value`').replace(/[^.]$/, '$&.')}\n\n`
  const known: Refused = { token: '', isSigned: true, format: 'sealed', context: '', path: '', ids: [], lifetime: 60 }
  const errors = Object.values(ERRORS).flatMap(([message, advice]) => [message, advice])
  const warnings = Object.values(WARNINGS)
  // Their first lines end in ', creating an empty session', as those of @fastify/secure-session do.
  const reasons = Object.entries(REASONS).flatMap(([reason, [line]]) => [line, explainRefusal(reason as RefusalReason, known)])

  for (const [name, list] of Object.entries({ errors, warnings })) {
    it(`have short sentences with few commas: ${name}`, () => {
      const found = over(countText(list.map(paragraph).join('')))
      assert.ok(!found.includes('words a sentence') && !found.includes('commas a sentence'), found.join())
    })
  }

  it('are plain English, taken together', () => {
    const { status, stdout } = countText([...errors, ...warnings, ...reasons].map(paragraph).join(''))
    assert.equal(status, 0, stdout)
  })
})
