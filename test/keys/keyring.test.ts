// The keys of a session, as an app makes and changes them.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { Keyring } from '../../src/index.ts'

const [a, b, c] = ['a', 'b', 'c'].map(letter => Buffer.alloc(32, letter)) as [Buffer, Buffer, Buffer]

/** The id of a key. */
function idOf (key: Buffer): string {
  return new Keyring(key).ids[0]!
}

describe('Keyring', () => {
  it('has the ids of its keys in their order, eight hex characters each', () => {
    const { ids } = new Keyring([a, b, c])
    assert.deepEqual(ids, [a, b, c].map(idOf))
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}$/)
  })

  it('takes one key, and keys as text', () => {
    assert.deepEqual(new Keyring(a).ids, new Keyring([a.toString('base64')]).ids)
    assert.deepEqual(new Keyring(a.toString('hex')).ids, new Keyring([a]).ids)
  })

  it('counts a repeated key once', () => assert.deepEqual(new Keyring([a, b, a]).ids, [a, b].map(idOf)))

  it('copies the bytes of its keys', () => {
    const key = Buffer.from(a)
    const keyring = new Keyring([key])
    const before = keyring.ids
    key.fill(0)
    keyring.rotate(b)
    assert.deepEqual(keyring.ids, [idOf(b), ...before])
  })

  it('has a new key first after rotate()', () => {
    const keyring = new Keyring([a])
    keyring.rotate(b)
    assert.deepEqual(keyring.ids, [b, a].map(idOf))
  })

  it('moves a key that it has to the front with rotate()', () => {
    const keyring = new Keyring([a, b])
    keyring.rotate(b)
    assert.deepEqual(keyring.ids, [b, a].map(idOf))
  })

  it('has a key no more after retire()', () => {
    const keyring = new Keyring([a, b, c])
    keyring.retire(idOf(b))
    keyring.retire(idOf(a))
    assert.deepEqual(keyring.ids, [idOf(c)])
  })

  it('gives out a list of ids that can be changed without changing it', () => {
    const keyring = new Keyring([a, b])
    keyring.ids.pop()
    assert.equal(keyring.ids.length, 2)
  })

  const refused: Array<[title: string, act: (keyring: Keyring) => unknown, code: string]> = [
    ['no key', () => new Keyring([]), 'KEY_MISSING'],
    ['undefined', () => new Keyring(undefined as never), 'KEY_TYPE'],
    ['a number among keys', () => new Keyring([a, 1 as never]), 'KEY_ITEM_TYPE'],
    ['a key of 31 bytes', () => new Keyring([a.subarray(1)]), 'KEY_LENGTH'],
    ['text that is no key', () => new Keyring(['x']), 'KEY_TEXT'],
    ['to rotate to what is no key', keyring => { keyring.rotate('x') }, 'KEY_TEXT'],
    ['to retire a key that it does not have', keyring => { keyring.retire(idOf(c)) }, 'KEY_UNKNOWN'],
    ['to retire its only key', keyring => { keyring.retire(idOf(a)) }, 'KEY_LAST']
  ]
  for (const [title, act, code] of refused) {
    it(`refuses ${title}, and stays as it is`, () => {
      const keyring = new Keyring([a])
      assert.throws(() => act(keyring), { code: `FST_SEALED_SESSION_${code}` })
      assert.deepEqual(keyring.ids, [idOf(a)])
    })
  }

  it('shows no byte of a key, however it is printed', () => {
    const keyring = new Keyring([a, b, c])
    const shown = [
      JSON.stringify(keyring), JSON.stringify({ ...keyring }), String(keyring), inspect(keyring),
      inspect({ keyring }, { showHidden: true, depth: null, getters: true }), Object.getOwnPropertyNames(keyring).join()
    ]
    for (const text of shown) assert.doesNotMatch(text, /61 ?61|97, ?97|aaa|YWFh/)
  })

  it('has no property of its own that a logger could walk into', () => {
    assert.deepEqual(Reflect.ownKeys(new Keyring([a])), [])
  })
})
