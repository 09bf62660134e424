// Round trips to the store: a check that has to ask asks once, whatever is in use.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { Keyv } from 'keyv'
import type { RevocationStore } from '../../src/revocation/index.ts'
import { get, post, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { TestStore, appWithLogins, login, who } from '../support/revocation.ts'

/** A store that reads several keys in one call. */
class ManyStore extends TestStore {
  readonly asked: string[][] = []
  answer: (values: Array<string | undefined>) => unknown = values => values

  async getMany (keys: string[]): Promise<never> {
    this.asked.push(keys.map(key => key.split(':')[1]!)) // all keys have a second part
    await this.before('get', '')
    return this.answer(keys.map(key => this.held.get(key))) as never
  }
}

const subject = (session: object): string[] => {
  const { user } = session as Bag
  return typeof user === 'string' ? [user, `tenant:${user}`, `sid:${user}`] : []
}

async function withMany (options: object = {}): Promise<{ app: FastifyInstance, store: ManyStore, cookie: string }> {
  const store = new ManyStore()
  const app = await appWithLogins({ revocation: { store, subject, ...options } })
  const cookie = await login(app)
  store.take()
  store.asked.length = 0
  return { app, store, cookie }
}

describe('a store with getMany', () => {
  it('is asked once a check, for all keys of the session, and not again within cacheTtl', async t => {
    const clock = stopClock(t)
    const { app, store, cookie } = await withMany()
    clock.tick(5000)
    assert.equal(await who(app, cookie), 'ann')
    assert.deepEqual(store.asked.splice(0), [['revoked', 'all', 'subject', 'subject', 'subject']])
    assert.deepEqual(store.take(), [])
    assert.equal(await who(app, cookie), 'ann')
    assert.deepEqual([store.asked, store.take()], [[], []])
  })

  it('is asked once before a session is sealed again', async t => {
    stopClock(t)
    const { app, store, cookie } = await withMany()
    await who(app, cookie)
    store.asked.length = 0
    store.take()
    await post(app, '/write', cookie, { theme: 'dark' })
    assert.deepEqual([store.asked, store.take()], [[['revoked', 'all', 'subject', 'subject', 'subject']], []])
  })

  it('is asked once by many requests at once', async t => {
    const clock = stopClock(t)
    const { app, store, cookie } = await withMany()
    clock.tick(5000)
    await Promise.all(Array.from({ length: 10 }, async () => await who(app, cookie)))
    assert.equal(store.asked.length, 1)
  })

  it('is asked for what is not known only', async () => {
    const { app, store } = await withMany()
    const second = await login(app) // the subjects are known from the first
    store.asked.length = 0
    store.take()
    await who(app, second)
    assert.deepEqual([store.asked, store.take()], [[], ['get revoked']])
  })

  it('ends what it says is ended, whichever of the keys it is', async () => {
    for (const end of [async (app: FastifyInstance) => { await app.revokeSubject('sid:ann') }, async (app: FastifyInstance) => { await app.revokeAll() }, async (app: FastifyInstance, cookie: string) => { await post(app, '/logout', cookie) }]) {
      const { app, store, cookie } = await withMany()
      await end(app, cookie)
      assert.equal(await who(await appWithLogins({ revocation: { store, subject } }), cookie), 'nobody')
    }
  })

  for (const [what, answer] of Object.entries<(values: unknown[]) => unknown>({
    'fewer values than keys': values => values.slice(1),
    'more values than keys': values => [...values, undefined],
    nothing: () => undefined,
    'no array': values => new Map(values.entries()),
    'a value that is no number': values => ['x', ...values.slice(1)]
  })) {
    it(`that answers with ${what} has failed: nobody gets in by it`, async () => {
      const { app, store, cookie } = await withMany({ cacheTtl: 0 })
      store.answer = answer
      const response = await get(app, '/me', cookie)
      assert.deepEqual([response.statusCode, response.json().code], [503, 'FST_SEALED_SESSION_STORE_UNAVAILABLE'])
    })
  }

  it('has the time limit of every call, and is let in or not by onStoreError', async () => {
    for (const [onStoreError, status] of [['reject', 503], ['accept', 200]] as const) {
      const { app, store, cookie } = await withMany({ cacheTtl: 0, storeTimeout: 0.02, onStoreError })
      store.before = () => new Promise(() => {})
      assert.equal((await get(app, '/me', cookie)).statusCode, status)
    }
  })
})

describe('a store without getMany', () => {
  it('is asked for all keys at the same time', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store, subject, cacheTtl: 0 } })
    const cookie = await login(app)
    store.take()
    const waiting: Array<() => void> = []
    store.before = () => new Promise<void>(resolve => { waiting.push(resolve) })
    const answer = who(app, cookie)
    while (waiting.length < 5) await new Promise(setImmediate)
    store.recover()
    for (const go of waiting) go()
    assert.equal(await answer, 'ann')
  })
})

describe('a Keyv', () => {
  it('whose adapter has no getMany is not asked by it: it would answer a failure with "nothing found"', async () => {
    let isDown = false
    const adapter = new Map<string, string>()
    const failing = {
      get: (key: string) => { if (isDown) throw new Error('down'); return adapter.get(key) },
      set: (key: string, value: string) => { adapter.set(key, value) },
      delete: (key: string) => adapter.delete(key),
      clear: () => { adapter.clear() }
    }
    const store = new Keyv({ store: failing, throwOnErrors: true })
    const app = await appWithLogins({ revocation: { store, subject, cacheTtl: 0 } })
    const cookie = await login(app)
    isDown = true
    assert.deepEqual(await store.getMany(['a']), [undefined], 'this is why')
    assert.equal((await get(app, '/me', cookie)).statusCode, 503)
  })

  it('whose adapter has one is asked by it', async () => {
    const calls: string[] = []
    const held = new Map<string, unknown>()
    const adapter = {
      get: (key: string) => { calls.push('get'); return held.get(key) },
      getMany: (keys: string[]) => { calls.push('getMany'); return keys.map(key => held.get(key)) },
      set: (key: string, value: unknown) => { held.set(key, value) },
      delete: (key: string) => held.delete(key),
      clear: () => { held.clear() }
    }
    const store = new Keyv({ store: adapter as never, throwOnErrors: true }) as RevocationStore
    const app = await appWithLogins({ revocation: { store, subject, cacheTtl: 0 } })
    const cookie = await login(app)
    calls.length = 0
    assert.equal(await who(app, cookie), 'ann')
    assert.deepEqual(calls, ['getMany'])
    await app.revokeSubject('sid:ann')
    assert.equal(await who(await appWithLogins({ revocation: { store, subject } }), cookie), 'nobody')
  })
})
