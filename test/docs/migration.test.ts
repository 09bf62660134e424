// The steps in docs/guide/migration.md are those that test/peer/migration.test.ts goes through.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { runInNewContext } from 'node:vm'
import { readOptions } from '../../src/options/options.ts'
import { newKey } from '../support/helpers.ts'
import { STEPS } from '../peer/rolling.ts'
import { codeIn, tableUnder } from './markdown.ts'
import { read } from './source.ts'

const rows = tableUnder(read('docs/guide/migration.md'), '## To the sealed format')

/** What options come to. */
async function formats (options: object): Promise<object> {
  const config = await readOptions({ key: newKey(), ...options }, assert.fail)
  const { format, accept } = config
  return { format, accept: [...accept].sort() }
}

it('docs/guide/migration.md has the steps that are tested, in their order', () => {
  assert.deepEqual(rows.map(([step]) => step), Object.keys(STEPS).map((_, index) => String(index)))
})

for (const [index, { side, options }] of Object.values(STEPS).entries()) {
  if (side === 'peer') continue
  it(`docs/guide/migration.md has the options that are tested, and is right about what they seal and open, at step ${index}`, async () => {
    const [, written = '', seals, opens] = rows[index]!
    const documented = runInNewContext(`({ ${written.includes('format') ? codeIn(written) : ''} })`) as object
    // Arrays of another context are no arrays to deepEqual.
    const effect = await formats(JSON.parse(JSON.stringify(documented)) as object)
    assert.deepEqual(effect, await formats(options))
    assert.deepEqual(effect, { format: seals, accept: opens === 'both' ? ['sealed', 'secretbox'] : [opens] })
  })
}
