// The two builds of libsodium, side by side: the same bytes for the same input, the same refusals.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import fc, { type Arbitrary } from 'fast-check'
import { loadNative, loadWasm, type SodiumWasm } from '../../src/crypto/load.cts'
import { NativeSodium, WasmSodium } from '../../src/crypto/builds.ts'
import type { SodiumLibrary } from '../../src/crypto/library.ts'

const found = loadNative()
if ('error' in found) throw found.error
const loaded: SodiumWasm = await loadWasm()
await loaded.ready

const native: SodiumLibrary = new NativeSodium(found.addon)
const wasm: SodiumLibrary = new WasmSodium(loaded)
const BUILDS = [native, wasm]

const bytes = (length: number): Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const message = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 9000, size: 'max' }))
const key = bytes(32)
const nonce = bytes(24)

/** What both builds make of the same input, which must be the same. */
function ofBoth <Result> (act: (library: SodiumLibrary) => Result): Result {
  const result = act(native)
  assert.deepEqual(act(wasm), result)
  return result
}

/** Copies, with one bit of the one at `which` flipped, where it has any. */
function tampered (parts: readonly Uint8Array[], which: number, bit: number): Uint8Array[] | null {
  const copies = parts.map(part => Uint8Array.from(part))
  const part = copies[which % copies.length]! // within the list
  if (part.length === 0) return null
  part[(bit >> 3) % part.length]! ^= 1 << (bit & 7)
  return copies
}

describe('both builds of libsodium', () => {
  before(() => { assert.deepEqual(BUILDS.map(({ name }) => name), ['native', 'wasm']) })

  it('seal a secretbox into the same bytes, in place, and open what the other sealed', () => {
    fc.assert(fc.property(message, nonce, key, (text, nonce, key) => {
      const [ciphertext, mac] = ofBoth(library => {
        const [buffer, mac] = [Uint8Array.from(text), new Uint8Array(16)]
        library.secretboxSeal(buffer, mac, nonce, key)
        return [buffer, mac] as const
      })
      const opened = ofBoth(library => {
        const buffer = Uint8Array.from(ciphertext)
        assert.equal(library.secretboxOpen(buffer, mac, nonce, key), true)
        return buffer
      })
      assert.deepEqual(opened, text)
    }))
  })

  it('refuse a secretbox of which anything was changed, and leave its ciphertext for another key', () => {
    fc.assert(fc.property(message, nonce, key, fc.nat(3), fc.nat(), (text, nonce, key, which, bit) => {
      const [ciphertext, mac] = [Uint8Array.from(text), new Uint8Array(16)]
      native.secretboxSeal(ciphertext, mac, nonce, key)
      const changed = tampered([ciphertext, mac, nonce, key], which, bit)
      if (changed === null) return
      for (const library of BUILDS) {
        const [ciphertext, mac, nonce, key] = changed.map(part => Uint8Array.from(part)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
        assert.equal(library.secretboxOpen(ciphertext, mac, nonce, key), false, library.name)
        assert.deepEqual([ciphertext, mac, nonce, key], changed, library.name)
      }
    }))
  })

  it('seal with associated data into the same bytes, in place, and open what the other sealed', () => {
    fc.assert(fc.property(message, fc.uint8Array({ maxLength: 100 }), nonce, key, (text, associated, nonce, key) => {
      const sealed = ofBoth(library => {
        const buffer = new Uint8Array(text.length + 16)
        buffer.set(text)
        library.aeadSeal(buffer, buffer.subarray(0, text.length), associated, nonce, key)
        return buffer
      })
      const opened = ofBoth(library => {
        const buffer = Uint8Array.from(sealed)
        const message = buffer.subarray(0, text.length)
        assert.equal(library.aeadOpen(message, buffer, associated, nonce, key), true)
        return message
      })
      assert.deepEqual(Uint8Array.from(opened), text)
    }))
  })

  it('refuse what was sealed with associated data where anything was changed', () => {
    fc.assert(fc.property(message, fc.uint8Array({ maxLength: 100 }), nonce, key, fc.nat(3), fc.nat(), (text, associated, nonce, key, which, bit) => {
      const sealed = new Uint8Array(text.length + 16)
      sealed.set(text)
      native.aeadSeal(sealed, sealed.subarray(0, text.length), associated, nonce, key)
      const changed = tampered([sealed, associated, nonce, key], which, bit)
      if (changed === null) return
      for (const library of BUILDS) {
        const [sealed, associated, nonce, key] = changed.map(part => Uint8Array.from(part)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
        assert.equal(library.aeadOpen(sealed.subarray(0, text.length), sealed, associated, nonce, key), false, library.name)
      }
    }))
  })

  it('derive the same subkeys', () => {
    fc.assert(fc.property(key, fc.nat(2 ** 31 - 1), fc.string({ unit: 'grapheme-ascii', minLength: 8, maxLength: 8 }), fc.integer({ min: 16, max: 64 }), (key, id, context, length) => {
      const subkey = ofBoth(library => library.deriveSubkey(key, id, context, length))
      assert.ok(Buffer.isBuffer(subkey))
      assert.equal(subkey.length, length)
    }))
  })

  it('hash into the same 32 bytes', () => {
    fc.assert(fc.property(message, input => {
      assert.equal(ofBoth(library => library.hash(input)).length, 32)
    }))
  })

  it('hash with a key into the same 32 bytes, other ones than without', () => {
    fc.assert(fc.property(message, key, (input, key) => {
      const keyed = ofBoth(library => library.hash(input, key))
      assert.equal(keyed.length, 32)
      assert.notDeepEqual(keyed, native.hash(input))
    }))
  })

  it('derive the same key from a passphrase, and leave the event loop free meanwhile', async () => {
    const [passphrase, salt] = [Buffer.from('a passphrase of more than thirty-two bytes, with an é'), Buffer.from('sixteen bytes, ÿ', 'latin1')]
    const expected = await native.derivePassphraseKey(passphrase, salt)
    let turns = 0
    const timer = setInterval(() => { turns++ }, 1)
    const derived = await wasm.derivePassphraseKey(passphrase, salt)
    clearInterval(timer)
    assert.deepEqual(derived, expected)
    assert.ok(turns > 10, `the event loop turned ${turns} times`)
  })

  for (const library of BUILDS) {
    it(`fill all of a buffer with random bytes, and nothing beside it (${library.name})`, () => {
      // A random byte may be the one that was there; 200 times in a row it is not.
      const seen = new Set<number>()
      for (let i = 0; i < 200; i++) {
        const around = new Uint8Array(60).fill(7)
        library.fillRandom(around.subarray(10, 50))
        for (const [index, byte] of around.entries()) if (byte !== 7) seen.add(index)
      }
      assert.deepEqual([...seen].sort((a, b) => a - b), Array.from({ length: 40 }, (_, index) => index + 10))
    })

    it(`fill more than a system call gives at once (${library.name})`, () => {
      const buffer = new Uint8Array(200_000)
      library.fillRandom(buffer)
      assert.ok(buffer.subarray(-1000).some(byte => byte !== 0))
    })
  }
})

describe('a buffer of the wrong length', () => {
  const b = (length: number): Uint8Array => new Uint8Array(length)
  const CALLS: Array<[what: string, call: (library: SodiumLibrary) => unknown]> = [
    ['tag of a secretbox to seal', library => { library.secretboxSeal(b(5), b(15), b(24), b(32)) }],
    ['too long tag of a secretbox to seal', library => { library.secretboxSeal(b(5), b(17), b(24), b(32)) }],
    ['nonce of a secretbox to seal', library => { library.secretboxSeal(b(5), b(16), b(23), b(32)) }],
    ['key of a secretbox to seal', library => { library.secretboxSeal(b(5), b(16), b(24), b(33)) }],
    ['tag of a secretbox to open', library => library.secretboxOpen(b(5), b(17), b(24), b(32))],
    ['nonce of a secretbox to open', library => library.secretboxOpen(b(5), b(16), b(25), b(32))],
    ['key of a secretbox to open', library => library.secretboxOpen(b(5), b(16), b(24), b(31))],
    ['room for the tag to seal', library => { library.aeadSeal(b(20), b(5), b(1), b(24), b(32)) }],
    ['too much room to seal', library => { library.aeadSeal(b(22), b(5), b(1), b(24), b(32)) }],
    ['nonce to seal', library => { library.aeadSeal(b(21), b(5), b(1), b(12), b(32)) }],
    ['key to seal', library => { library.aeadSeal(b(21), b(5), b(1), b(24), b(16)) }],
    ['message to open into', library => library.aeadOpen(b(4), b(21), b(1), b(24), b(32))],
    ['too long message to open into', library => library.aeadOpen(b(6), b(21), b(1), b(24), b(32))],
    ['sealed text without room for a tag', library => library.aeadOpen(b(0), b(15), b(1), b(24), b(32))],
    ['nonce to open', library => library.aeadOpen(b(5), b(21), b(1), b(23), b(32))],
    ['key to open', library => library.aeadOpen(b(5), b(21), b(1), b(24), b(64))],
    ['key to derive from', library => library.deriveSubkey(b(31), 1, 'fsealses', 32)],
    ['context of a subkey', library => library.deriveSubkey(b(32), 1, 'fseal', 32)],
    ['too short subkey', library => library.deriveSubkey(b(32), 1, 'fsealses', 15)],
    ['too long subkey', library => library.deriveSubkey(b(32), 1, 'fsealses', 65)]
  ]

  for (const [what, call] of CALLS) {
    it(`is thrown about, and never taken for a wrong tag, in both builds: ${what}`, () => {
      for (const library of BUILDS) assert.throws(() => call(library), Error, library.name)
    })
  }
})

describe('the memory of the WebAssembly build', () => {
  it('is the same after 100,000 tokens that were sealed, opened and refused', () => {
    const { libsodium } = loaded as unknown as { libsodium: { HEAPU8: Uint8Array, _malloc: (length: number) => number, _free: (address: number) => void } }
    /** How much it has, and where a block goes that fits into no gap: further up if something is kept. */
    const state = (): [number, number] => {
      const address = libsodium._malloc(20_000)
      libsodium._free(address)
      return [libsodium.HEAPU8.length, address]
    }
    const [box, mac, sealed, associated, nonce, key] = [new Uint8Array(1000), new Uint8Array(16), new Uint8Array(1016), new Uint8Array(12), new Uint8Array(24), new Uint8Array(32)]
    const use = (count: number): void => {
      for (let i = 0; i < count; i++) {
        wasm.secretboxSeal(box, mac, nonce, key)
        mac[0]! ^= i & 1 // every other one is refused
        assert.equal(wasm.secretboxOpen(box, mac, nonce, key), i % 2 === 0)
        wasm.aeadSeal(sealed, sealed.subarray(0, 1000), associated, nonce, key)
        sealed[0]! ^= i & 1
        assert.equal(wasm.aeadOpen(sealed.subarray(0, 1000), sealed, associated, nonce, key), i % 2 === 0)
      }
    }
    use(100)
    const before = state()
    use(50_000)
    assert.deepEqual(state(), before)
  })
})
