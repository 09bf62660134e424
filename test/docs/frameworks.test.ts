// docs/guide/frameworks.md shows the code of examples/everywhere, which its own test runs.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { blocks } from './markdown.ts'
import { read } from './source.ts'

const found = blocks(read('docs/guide/frameworks.md'))

describe('docs/guide/frameworks.md', () => {
  it('has code of each server of examples/everywhere, and no other', () => {
    const files = found.map(({ prelude }) => prelude.replace(/^part of (?:hono-app|nextjs)\b.*/, match => match.split(/[-/.]/)[0]!).replace(/\.js$/, ''))
    assert.deepEqual([...new Set(files)], ['shared', 'fastify', 'nextjs', 'hono', 'bun', 'deno', 'node-http', 'hono-workerd'].map(name => `part of ${name}`))
  })

  for (const { line, prelude, code } of found) {
    const file = `examples/everywhere/${prelude.replace('part of ', '')}`
    it(`line ${line}: the block is in ${file}, as it stands`, () => {
      assert.ok(`\n${read(file)}`.includes(`\n${code}`), code)
    })
  }
})
