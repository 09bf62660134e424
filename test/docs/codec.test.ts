// The tables of docs/guide/codec.md have what the codec gives.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSessionCodec } from '../../src/index.ts'
import { newKey } from '../support/helpers.ts'
import { codeIn, tableUnder } from './markdown.ts'
import { read } from './source.ts'

const page = read('docs/guide/codec.md')
const names = (heading: string): string[] => tableUnder(page, heading).map(([name]) => codeIn(name))

describe('docs/guide/codec.md', () => {
  it('has each field of what is opened, in the order of the type', async () => {
    const { seal, open } = await createSessionCodec<object>({ key: newKey() })
    const { ok, ...fields } = open(seal({}))
    assert.equal(ok, true)
    assert.deepEqual(names('## Opening'), Object.keys(fields))
  })

  it('has each reason to refuse, and no other', () => {
    const [union = ''] = /export type RefusalReason =[^]+?\n\n/.exec(read('src/types.ts')) ?? []
    const reasons = [...union.matchAll(/'([\w-]+)'/g)].map(([, reason = '']) => reason)
    assert.ok(reasons.length > 10)
    assert.deepEqual(names('### Refusals').sort(), reasons.sort())
  })

  it('is right about the options that it names: those are what a codec depends on', async () => {
    const key = newKey()
    const sealed = await createSessionCodec<object>({ key, format: 'sealed', sessionName: 'a' })
    const opensWith = async (options: object): Promise<boolean> =>
      (await createSessionCodec({ key, format: 'sealed', sessionName: 'a', ...options })).open(sealed.seal({})).ok
    assert.equal(await opensWith({}), true)
    assert.equal(await opensWith({ cookie: { path: '/', maxAge: 1, signed: true }, noStore: false }), true)
    assert.equal(await opensWith({ sessionName: 'b', cookieName: 'a' }), true)
    assert.equal(await opensWith({ sessionName: 'b', cookieName: 'b', context: 'a' }), true)
    for (const options of [{ sessionName: 'b' }, { cookieName: 'b' }, { context: 'b' }, { key: newKey() }]) {
      assert.equal(await opensWith(options), false)
    }
  })
})
