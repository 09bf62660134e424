// docs/evidence/comparison.md says of each package what using it shows.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { tableUnder } from '../docs/markdown.ts'
import { CLAIMS, type Claim } from './claims.ts'
import { CONTENDERS, type Contender } from './contenders.ts'
import { type Cells, cellsOnItsNode } from './own-node.ts'

const PAGE = readFileSync(new URL('../../docs/evidence/comparison.md', import.meta.url), 'utf8')
const rows = tableUnder(PAGE, '## What each does')

const onItsNode = new Map<Contender, Promise<Cells>>()

/** What the cell of a package says, or why that cannot be found out here. */
async function cellOf (contender: Contender, { title, cell }: Claim): Promise<{ cell?: string, skipped?: string }> {
  if (contender.needsItsNode !== true) return { cell: await cell(contender) }
  if (!onItsNode.has(contender)) onItsNode.set(contender, cellsOnItsNode(contender))
  const { cells, skipped } = await onItsNode.get(contender) as Cells
  return skipped === undefined ? { cell: cells?.[title] ?? 'nothing' } : { skipped }
}

describe('docs/evidence/comparison.md', () => {
  it('has the rows that are found out here, and no other', () => {
    assert.deepEqual(rows.map(([title]) => title), CLAIMS.map(({ title }) => title))
  })

  for (const { name } of CONTENDERS.slice(1)) {
    it(`names the version of ${name} that is used here`, () => {
      const { version } = JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8')) as { version: string }
      assert.ok(PAGE.includes(`${name} ${version}`), version)
    })
  }

  for (const [row, claim] of CLAIMS.entries()) {
    describe(claim.title, () => {
      for (const [column, contender] of CONTENDERS.entries()) {
        it(`is so in ${contender.name}`, async t => {
          const { cell, skipped } = await cellOf(contender, claim)
          if (skipped !== undefined) return t.skip(skipped)
          assert.equal(rows[row]?.[column + 1], cell)
        })
      }
    })
  }
})
