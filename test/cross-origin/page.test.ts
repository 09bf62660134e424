// The tables of docs/guide/cross-origin.md say what the plugin does.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import ts from 'typescript'
import { codeIn, tableUnder } from '../docs/markdown.ts'
import { read } from '../docs/source.ts'
import { listening, statusOf } from '../support/cross-origin.ts'

const page = read('docs/guide/cross-origin.md')

/** Methods that a cell stands for. */
function methodsOf (cell: string): string[] {
  const named = [...cell.matchAll(/`([A-Z]+)`/g)].map(([, name = '']) => name)
  return cell.includes('all others') ? [...named, 'PUT', 'PATCH', 'DELETE'] : named
}

/** Values of a header that a cell stands for; undefined for none. */
function valuesOf (cell: string, any: string[]): Array<string | undefined> {
  if (cell === 'any') return [undefined, ...any]
  return cell === 'missing' ? [undefined] : [codeIn(cell)]
}

describe('docs/guide/cross-origin.md', () => {
  const rows = tableUnder(page, '## How it decides')

  for (const [method = '', site = '', origin = '', answer = ''] of rows) {
    it(`is right about ${method} with Sec-Fetch-Site ${site} and Origin ${origin}: ${answer}`, async t => {
      const app = await listening(t)
      const upgrade = method.includes('Upgrade') ? { connection: 'upgrade', upgrade: 'websocket' } : {}
      for (const name of methodsOf(method)) {
        for (const siteValue of valuesOf(site, ['same-origin', 'same-site', 'cross-site', 'none'])) {
          for (const originValue of valuesOf(origin, ['https://app.example', 'https://other.example', 'null'])) {
            const headers = { host: 'app.example', ...upgrade, ...(siteValue !== undefined && { 'sec-fetch-site': siteValue }), ...(originValue !== undefined && { origin: originValue }) }
            assert.equal(await statusOf(app, { method: name, headers }), answer.startsWith('403') ? 403 : 200, `${name} ${JSON.stringify(headers)}`)
          }
        }
      }
    })
  }

  it('has rows that pass and rows that do not', () => {
    const refused = rows.filter(([,,, answer]) => answer?.startsWith('403'))
    assert.ok(refused.length >= 5 && rows.length - refused.length >= 5)
    for (const [,,, answer = ''] of rows) assert.match(answer, /^(?:passes|403)/)
  })

  it('has each option, and no other', () => {
    const path = 'src/cross-origin/types.ts'
    const source = ts.createSourceFile(path, readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'), ts.ScriptTarget.Latest)
    const names: string[] = []
    source.forEachChild(node => {
      if (ts.isInterfaceDeclaration(node)) for (const { name } of node.members) if (name !== undefined && ts.isIdentifier(name)) names.push(name.text)
    })
    assert.deepEqual(tableUnder(page, '## Options').map(([name]) => codeIn(name)), names)
  })
})
