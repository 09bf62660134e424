// Names of the package in README.md: a reader has to know from which entry point each of them is imported.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as crossOrigin from '../../src/cross-origin/index.ts'
import * as device from '../../src/device/index.ts'
import * as main from '../../src/index.ts'
import * as registry from '../../src/registry/index.ts'
import * as revocation from '../../src/revocation/index.ts'
import * as testing from '../../src/testing/index.ts'
import * as web from '../../src/web/index.ts'
import { blocks } from './markdown.ts'
import { ROOT } from './workspace.ts'

const ENTRIES: Record<string, object> = {
  'fastify-sealed-session': main,
  'fastify-sealed-session/cross-origin': crossOrigin,
  'fastify-sealed-session/device': device,
  'fastify-sealed-session/registry': registry,
  'fastify-sealed-session/revocation': revocation,
  'fastify-sealed-session/testing': testing,
  'fastify-sealed-session/web': web
}

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
const code = blocks(readme).map(({ code }) => code).join('\n')
const prose = readme.replace(/^```[^]*?^```$/gm, '')

/** Names of the package that stand as code in a text. */
function namesIn (text: string): string[] {
  const exported = new Set(Object.values(ENTRIES).flatMap(Object.keys).filter(name => name !== 'default'))
  const spans = [...text.matchAll(/`([^`]+)`/g)].flatMap(([, span = '']) => span.match(/[A-Za-z]\w*/g) ?? [])
  return [...new Set(spans)].filter(name => exported.has(name))
}

/** True if a block imports a name from an entry point that has it, or the prose says where it is from. */
function isShown (name: string): boolean {
  const imported = [...code.matchAll(/import \{([^}]+)\} from '([^']+)'/g)]
    .filter(([, names = '']) => names.split(',').some(one => one.trim() === name)).map(([, , entry = '']) => entry)
  const said = [...prose.matchAll(new RegExp(`\`${name}\`(?:\\]\\([^)]*\\))?\\s+from\\s+\`([^\`]+)\``, 'g'))].map(([, entry = '']) => entry)
  return [...imported, ...said].some(entry => name in (ENTRIES[entry] ?? {}))
}

describe('README.md', () => {
  it('says of each name of the package where it is imported from', () => {
    const names = namesIn(prose)
    assert.ok(names.length > 4)
    assert.deepEqual(names.filter(name => !isShown(name)), [])
  })
})
