// What a process remembers of the store, and for how long entries there have to live.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { lifeOfEntries } from '../../src/revocation/store-keys.ts'
import { RevocationCache } from '../../src/revocation/answer-cache.ts'
import type { Identity } from '../../src/revocation/identity.ts'
import { Revocations } from '../../src/revocation/revocations.ts'
import { newId } from '../../src/session/id.ts'
import { StoreClient } from '../../src/store/client.ts'

const NOW = Date.UTC(2030, 0, 1)
const MAX_KEYS = 50_000

describe('what is known of a key', () => {
  it('only grows', () => {
    const cache = new RevocationCache(1000)
    cache.put('key', 5, NOW)
    cache.put('key', 3, NOW)
    assert.equal(cache.get('key'), 5)
  })

  it('is fresh for the time to live, and not before it was read, by a clock that was set back', () => {
    const cache = new RevocationCache(1000)
    cache.put('key', 0, NOW)
    assert.deepEqual([-1, 0, 999, 1000].map(ms => cache.isFresh('key', NOW + ms)), [false, true, true, false])
  })

  it('is asked for again after it was taken back', () => {
    const cache = new RevocationCache(1000)
    cache.put('key', 5, NOW)
    cache.forget('key')
    assert.deepEqual([cache.get('key'), cache.isFresh('key', NOW)], [0, false])
  })

  it('keeps its place while it is read, so that what is asked for all the time makes room last', () => {
    const cache = new RevocationCache(1000)
    cache.put('all', 5, NOW)
    for (let i = 0; i < MAX_KEYS - 1; i++) cache.put(String(i), 1, NOW)
    cache.put('all', 5, NOW)
    cache.put('one more', 1, NOW)
    assert.deepEqual([cache.get('all'), cache.get('0')], [5, 0])
  })

  it(`is remembered for the last ${MAX_KEYS} keys`, () => {
    const cache = new RevocationCache(1000)
    for (let i = 0; i < MAX_KEYS; i++) cache.put(String(i), 1, NOW)
    cache.put('1', 2, NOW) // the newest from here on
    assert.deepEqual(['0', '1', '2'].map(key => cache.get(key)), [1, 2, 1])
    cache.put('one more', 1, NOW)
    cache.put('another', 1, NOW)
    assert.deepEqual(['0', '1', '2', '3'].map(key => cache.get(key)), [0, 2, 0, 1])
    assert.deepEqual(['0', '1', '2', '3'].map(key => cache.isFresh(key, NOW)), [false, true, false, true])
  })
})

describe('the life of entries', () => {
  it('is in whole milliseconds, never less than the session has', () => {
    assert.equal(lifeOfEntries(1.0005, null), 61_001)
  })

  it('is at most a hundred years', () => {
    assert.equal(lifeOfEntries(Infinity, null), (100 * 365 * 86_400 + 60) * 1000)
  })
})

describe('sessions that are known to be good', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void

  it('take little memory, however long their subjects are', async () => {
    const store = { get: async () => undefined, set: async () => {}, getMany: async (keys: readonly string[]) => keys.map(() => undefined) }
    const client = new StoreClient(store, 1000, { failed: () => {}, recovered: () => {} })
    const revocations = new Revocations({ client, cacheTtl: 300_000, acceptsErrors: false, now: () => NOW, expiry: 86_400, absoluteTimeout: null })
    const users = Array.from({ length: 16 }, (_, index) => String(index).padEnd(1000, 'x'))
    const identityOf = (): Identity => ({ id: newId(), created: NOW, subjects: users.map(user => Buffer.from(user).toString()), stamp: null })
    await revocations.isRevoked(identityOf())
    collect()
    const before = process.memoryUsage().heapUsed
    for (let count = 0; count < 2000; count++) {
      const identity = identityOf()
      await revocations.isRevoked(identity)
      assert.equal(revocations.isRevokedSync(identity), false)
    }
    collect()
    const bytes = (process.memoryUsage().heapUsed - before) / 2000
    assert.ok(bytes < 4000, `${Math.round(bytes)} bytes for each session`)
  })
})
