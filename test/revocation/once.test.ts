// useOnce: the first who uses an id is told so, and nobody after that.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Keyv } from 'keyv'
import { MemoryStore, type RevocationStore } from '../../src/revocation/index.ts'
import { post } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { TestStore, appWithLogins, login } from '../support/revocation.ts'

/** A store whose add() does as it is told. */
class AddStore extends TestStore {
  adds: unknown[][] = []
  answer: () => unknown = () => true

  async add (...entry: [key: string, value: string, ttl: number]): Promise<boolean> {
    this.adds.push(entry)
    return await this.answer() as boolean
  }
}

describe('useOnce', () => {
  it('is true the first time and false after that, in all apps that share the store', async () => {
    const store = new MemoryStore()
    const [a, b] = [await appWithLogins({ revocation: { store } }), await appWithLogins({ revocation: { store } })]
    assert.deepEqual([await a.useOnce('challenge:1', 60), await a.useOnce('challenge:1', 60), await b.useOnce('challenge:1', 60), await b.useOnce('challenge:2', 60)], [true, false, false, true])
  })

  it('is true for one of many at once', async () => {
    const app = await appWithLogins()
    const answers = await Promise.all(Array.from({ length: 20 }, async () => await app.useOnce('x', 60)))
    assert.equal(answers.filter(Boolean).length, 1)
  })

  it('remembers an id for ttl seconds', async t => {
    const clock = stopClock(t)
    const app = await appWithLogins()
    assert.equal(await app.useOnce('x', 1.5), true)
    clock.tick(1499)
    assert.equal(await app.useOnce('x', 60), false, 'a later call does not make it longer')
    clock.tick(1)
    assert.equal(await app.useOnce('x', 1), true)
    assert.equal(await app.useOnce('x', 1), false)
  })

  it('gives the store a hash, and milliseconds', async () => {
    const store = new AddStore()
    const app = await appWithLogins({ revocation: { store } })
    await app.useOnce('secret-link', 1.5)
    const [[key = '', ...rest] = []] = store.adds as string[][]
    assert.match(key, /^sealed-session:once:[\w-]{43}$/)
    assert.deepEqual(rest, ['1', 1500])
  })

  for (const id of ['', 'x'.repeat(1025), 42, undefined, null, ['x'], Buffer.from('x')]) {
    it(`refuses what is no text of 1 to 1024 characters with a code: ${typeof id}, ${String(id).length}`, async () => {
      const app = await appWithLogins()
      await assert.rejects(app.useOnce(id as string, 1), { code: 'FST_SEALED_SESSION_ONCE_ID' })
    })
  }

  for (const ttl of [0, -1, NaN, Infinity, '60', undefined, null, new Date(), 2 ** 32]) {
    it(`refuses what is no time in seconds with a code: ${String(ttl)}`, async () => {
      const app = await appWithLogins()
      await assert.rejects(app.useOnce('x', ttl as number), { code: 'FST_SEALED_SESSION_DURATION' })
    })
  }

  for (const [what, store] of Object.entries<() => RevocationStore>({ 'a store of two methods': () => new TestStore(), 'a Keyv': () => new Keyv({ throwOnErrors: true }) })) {
    it(`needs a store that can tell who was first, which ${what} cannot`, async () => {
      const app = await appWithLogins({ revocation: { store: store() } })
      await assert.rejects(app.useOnce('x', 1), { code: 'FST_SEALED_SESSION_STORE_ADD' })
    })
  }

  it('needs a store', async () => {
    const app = await appWithLogins({ revocation: { store: false, stamp: async () => '' } })
    await assert.rejects(app.useOnce('x', 1), { code: 'FST_SEALED_SESSION_STORE_NONE' })
  })

  for (const answer of [undefined, null, 1, 0, 'OK', 'true', {}]) {
    it(`takes nothing but true and false for an answer: ${String(answer)} is a failure`, async () => {
      const store = new AddStore()
      store.answer = () => answer
      const app = await appWithLogins({ revocation: { store } })
      await assert.rejects(app.useOnce('x', 1), { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE', statusCode: 503 })
    })
  }

  for (const onStoreError of ['reject', 'accept'] as const) {
    it(`with "${onStoreError}" fails while the store does, within the time limit: nobody may be told that it was the first`, async () => {
      const store = new AddStore()
      const app = await appWithLogins({ revocation: { store, onStoreError, storeTimeout: 0.02 } })
      for (const answer of [() => { throw new Error('down') }, () => new Promise(() => {})]) {
        store.answer = answer
        await assert.rejects(app.useOnce('x', 1), { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE' })
      }
      store.answer = () => true
      assert.equal(await app.useOnce('x', 1), true)
    })
  }
})

describe('the store in memory', () => {
  it('has room of its own for ids: those who use them up keep nobody from logging out', async t => {
    const clock = stopClock(t)
    const app = await appWithLogins({ revocation: { store: new MemoryStore({ maxEntries: 2 }) } })
    const cookie = await login(app)
    for (const id of ['a', 'b']) assert.equal(await app.useOnce(id, 60), true)
    await assert.rejects(app.useOnce('c', 60), { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE' })
    assert.equal((await post(app, '/logout', cookie)).statusCode, 200)
    assert.equal(await app.useOnce('a', 60), false, 'it forgets none that is in force')
    clock.tick(60_000)
    assert.equal(await app.useOnce('c', 60), true)
  })

  it('holds an id that is used again and again once', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore({ maxEntries: 2 })
    for (let times = 0; times < 10; times++) {
      assert.equal(store.add('sealed-session:once:a', '1', 1000), true)
      clock.tick(1000)
    }
    assert.equal(store.add('sealed-session:once:a', '1', 60_000), true)
    assert.equal(store.add('sealed-session:once:b', '1', 60_000), true)
    assert.throws(() => store.add('sealed-session:once:c', '1', 60_000), { code: 'FST_SEALED_SESSION_STORE_FULL' })
    assert.equal(store.add('sealed-session:once:a', '1', 60_000), false)
  })
})
