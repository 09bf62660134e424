// The keys of a session at one moment: which seal, which only open, and what a codec makes of it.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { Codec, type Opened } from '../../src/token/codec.ts'
import { sodiumReady } from '../../src/crypto/sodium.ts'
import { DerivedKey, keyringInternals, KeySet } from '../../src/keys/key-set.ts'
import { Keyring } from '../../src/index.ts'
import { newRecord } from '../../src/token/record.ts'
import type { Format } from '../../src/types.ts'
import { newKey } from '../support/helpers.ts'

const NOW = Date.now()

const newest = new DerivedKey(newKey())
const older = new DerivedKey(newKey())
const gone = new DerivedKey(newKey())
const stranger = new DerivedKey(newKey())

/** The same key as another object, as rotate() makes it, or the other copy of this package. */
const again = (key: DerivedKey): DerivedKey => new DerivedKey(Buffer.from(key.bytes))

before(async () => { await sodiumReady() })

describe('a set of keys', () => {
  const set = new KeySet([newest, older], [gone])

  it('opens with the listed keys, newest first, and then with the leaving ones', () => {
    assert.deepEqual(set.keys.map(({ id }) => id), [newest.id, older.id, gone.id])
    for (const key of [newest, older, gone]) assert.equal(set.find(key.idNumber), key)
  })

  it('lists a key whether it is the same object or the same key', () => {
    for (const key of [newest, older, again(newest), again(older)]) assert.equal(set.isListed(key), true)
    for (const key of [gone, again(gone), stranger]) assert.equal(set.isListed(key), false)
  })

  it('has the listed and the leaving keys, whether it is the same object or the same key', () => {
    for (const key of [newest, older, gone, again(newest), again(gone)]) assert.equal(set.has(key), true)
    assert.equal(set.has(stranger), false)
  })

  it('counts a key that is listed and leaving as listed, once', () => {
    const both = new KeySet([newest, older], [again(older), gone])
    assert.deepEqual(both.keys.map(({ id }) => id), [newest.id, older.id, gone.id])
    assert.equal(both.isListed(older), true)
  })

  it('seals with no leaving key, not even where all listed ones are too new', () => {
    const late = new DerivedKey(newKey(), NOW + 1000)
    assert.equal(new KeySet([late], [gone]).sealing(NOW), late)
    assert.equal(new KeySet([late, older], [gone]).sealing(NOW), older)
  })
})

/** A codec of a format, whose keys can be replaced. */
class Rotating {
  current: KeySet
  readonly codec: Codec

  constructor (format: Format, keys: KeySet) {
    this.current = keys
    this.codec = new Codec({ keyring: this, expiry: 60, format, accept: ['sealed', 'secretbox'], context: 'session' })
  }
}

function opened (result: Opened): Extract<Opened, { ok: true }> {
  return result.ok ? result : assert.fail(`refused: ${result.reason}`)
}

function tokenOf (key: DerivedKey, format: Format): string {
  return new Rotating(format, new KeySet([key])).codec.seal(newRecord({ userId: 'admin' }, Date.now()))
}

for (const format of ['secretbox', 'sealed'] as const) {
  const other = format === 'sealed' ? 'secretbox' : 'sealed'

  describe(`a codec of the format ${format}`, () => {
    it('says which key has opened a session', () => {
      const { codec } = new Rotating(format, new KeySet([newest, older], [gone]))
      for (const key of [newest, older, gone]) assert.equal(opened(codec.open(tokenOf(key, format))).key, key)
    })

    it('has nothing sealed again that a leaving key opened, in whichever format', () => {
      const { codec } = new Rotating(format, new KeySet([newest, older], [gone]))
      assert.equal(opened(codec.open(tokenOf(older, format))).stale, true)
      assert.equal(opened(codec.open(tokenOf(newest, other))).stale, true)
      assert.equal(opened(codec.open(tokenOf(gone, format))).stale, false)
      assert.equal(opened(codec.open(tokenOf(gone, other))).stale, false)
      assert.equal(opened(codec.openEncoded(tokenOf(gone, 'secretbox').replace(/[=;]/g, encodeURIComponent)) ?? assert.fail('not opened')).stale, false)
    })

    it('knows a key again that rotate() adds another time, and none that retire() took away', () => {
      const [a, b] = [newKey(), newKey()]
      const keyring = new Keyring([a, b])
      const internals = keyringInternals(keyring) ?? assert.fail('it has internals')
      const codec = new Codec({ keyring: internals, expiry: 60, format, accept: [format], context: 'session' })
      const { key } = opened(codec.open(tokenOf(new DerivedKey(a), format)))
      keyring.rotate(a)
      assert.deepEqual([internals.current.isListed(key), internals.current.has(key)], [true, true])
      keyring.rotate(b)
      keyring.retire(key.id)
      assert.deepEqual([internals.current.isListed(key), internals.current.has(key)], [false, false])
    })

    it('answers for the keys that there are when it is asked', () => {
      const rotating = new Rotating(format, new KeySet([older, gone]))
      const { codec } = rotating
      const { key } = opened(codec.open(tokenOf(gone, format)))
      const answers = (): boolean[] => [rotating.current.isListed(key), rotating.current.has(key)]
      assert.deepEqual(answers(), [true, true])
      rotating.current = new KeySet([newest, older], [gone])
      assert.deepEqual(answers(), [false, true])
      rotating.current = new KeySet([newest])
      assert.deepEqual(answers(), [false, false])
      rotating.current = new KeySet([again(gone)])
      assert.deepEqual(answers(), [true, true])
    })
  })
}
