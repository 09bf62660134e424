// The keys of a session.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { Keyring } from '../../src/keys/keyring.ts'

describe('Keyring', () => {
  const keys = ['a', 'b', 'c'].map(letter => Buffer.alloc(32, letter))
  const keyring = new Keyring(keys)

  it('seals with the first key', () => assert.deepEqual(keyring.first, Buffer.alloc(32, 'a')))

  it('opens with all keys, in the order given', () => {
    assert.deepEqual(keyring.all, ['a', 'b', 'c'].map(letter => Buffer.alloc(32, letter)))
  })

  it('shows no byte of a key, however it is printed', () => {
    const shown = [
      JSON.stringify(keyring), JSON.stringify({ ...keyring }), String(keyring), inspect(keyring),
      inspect({ keyring }, { showHidden: true, depth: null, getters: false }), Object.getOwnPropertyNames(keyring).join()
    ]
    for (const text of shown) assert.doesNotMatch(text, /61|97|aaa|YWFh/)
  })

  it('has no property of its own that a logger could walk into', () => {
    assert.deepEqual(Reflect.ownKeys(keyring), [])
  })
})
