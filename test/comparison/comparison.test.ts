// docs/comparison.md says of each package what using it shows.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { tableUnder } from '../docs/markdown.ts'
import { CLAIMS } from './claims.ts'
import { CONTENDERS } from './contenders.ts'

const rows = tableUnder(readFileSync(new URL('../../docs/comparison.md', import.meta.url), 'utf8'), '## What each does')

describe('docs/comparison.md', () => {
  it('has the rows that are found out here, and no other', () => {
    assert.deepEqual(rows.map(([title]) => title), CLAIMS.map(({ title }) => title))
  })

  for (const [row, { title, cell }] of CLAIMS.entries()) {
    describe(title, () => {
      for (const [column, contender] of CONTENDERS.entries()) {
        it(`is so in ${contender.name}`, async () => {
          assert.equal(rows[row]?.[column + 1], await cell(contender))
        })
      }
    })
  }
})
