// Revocations that happen at one time, in one process and in several, and reads that are under way
// meanwhile. The store has get() and set() only, and answers late.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { RevocationStore } from '../../src/revocation/index.ts'
import { stopClock } from '../support/configurations.ts'
import { gate } from '../support/helpers.ts'
import { TestStore, appWithLogins, login, who } from '../support/revocation.ts'

const UNAVAILABLE = { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE', statusCode: 503 }

/** Lets everything go on that waits for no store. */
async function settle (): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate)
}

/** A process that shares a store; it waits long for it. */
async function sharing (store: RevocationStore, format = 'sealed', cacheTtl = 2): Promise<FastifyInstance> {
  return await appWithLogins({ session: { format }, revocation: { store, storeTimeout: 60, cacheTtl } })
}

/** The same store, whose writes arrive when the gate is open. */
function lateWrites (store: TestStore, opened: Promise<void>): RevocationStore {
  return {
    get: async key => await store.get(key),
    set: async (...entry) => { await opened; await store.set(...entry) }
  }
}

function timesIn (store: TestStore): Record<string, number> {
  return Object.fromEntries([...store.held].map(([key, value]) => [key.split(':')[1], Number(value)]))
}

const REVOKE: Record<string, (app: FastifyInstance) => Promise<void>> = {
  revokeSubject: async app => { await app.revokeSubject('ann') },
  revokeAll: async app => { await app.revokeAll() }
}

for (const format of ['secretbox', 'sealed']) {
  for (const [name, revoke] of Object.entries(REVOKE)) {
    describe(`two revocations at one time, ${name}, ${format}`, () => {
      it('in two processes: a write that arrives late does not bring back a session that ended meanwhile', async t => {
        const clock = stopClock(t)
        const store = new TestStore()
        const { opened, open } = gate()
        const [slow, quick] = [await sharing(lateWrites(store, opened), format), await sharing(store, format)]
        const revoking = revoke(slow)
        await settle()
        clock.tick(30)
        const cookie = await login(quick)
        clock.tick(30)
        await revoke(quick)
        open()
        await revoking
        const third = await sharing(store, format)
        assert.equal(await who(third, cookie), 'nobody')
        assert.equal(await who(third, await login(third)), 'ann', 'a login after both')
      })

      it('in one process: the first write, arriving last, does not bring back a session that ended meanwhile', async t => {
        const clock = stopClock(t)
        const store = new TestStore()
        const { opened, open } = gate()
        let writes = 0
        const app = await sharing({
          get: async key => await store.get(key),
          set: async (...entry) => { if (writes++ === 0) await opened; await store.set(...entry) }
        }, format)
        const other = await sharing(store, format)
        const first = revoke(app)
        await settle()
        clock.tick(30)
        const cookie = await login(other)
        clock.tick(30)
        const second = revoke(app)
        await settle()
        open()
        await Promise.all([first, second])
        assert.equal(await who(await sharing(store, format), cookie), 'nobody')
      })
    })
  }
}

describe('a revocation', () => {
  for (const kind of ['subject', 'latest', 'all']) {
    it(`that another process overwrites with an earlier time is written again: ${kind}`, async t => {
      const clock = stopClock(t)
      const store = new TestStore()
      const [app, other] = [await sharing(store), await sharing(store)]
      const cookie = await login(other)
      clock.tick(1000)
      let isOver = false
      store.after = (method, key) => {
        if (isOver || method !== 'set' || key.split(':')[1] !== kind) return
        isOver = true
        store.held.set(key, String(Date.now() - 5000))
      }
      await (kind === 'all' ? app.revokeAll() : app.revokeSubject('ann'))
      assert.ok(isOver)
      assert.equal(timesIn(store)[kind], Date.now())
      assert.equal(await who(await sharing(store), cookie), 'nobody')
    })
  }

  it('that the store acknowledges and does not have fails loudly', async () => {
    for (const revoke of Object.values(REVOKE)) {
      const app = await appWithLogins({ revocation: { store: { get: () => undefined, set: () => true } } })
      await assert.rejects(revoke(app), { ...UNAVAILABLE, cause: new Error('the store does not have what it was given') })
    }
  })

  it('takes no more calls than it has to: the times are read, written and read back', async t => {
    stopClock(t)
    const store = new TestStore()
    const app = await sharing(store)
    await app.revokeSubject('ann')
    assert.deepEqual(store.take(), ['get latest', 'get all', 'get subject', 'set latest', 'set subject', 'get latest', 'get subject'])
    await app.revokeAll()
    assert.deepEqual(store.take(), ['get latest', 'get all', 'set all', 'get all'])
  })

  it('is written a second time where the first took long, and not for ever', async t => {
    const clock = stopClock(t)
    const store = new TestStore()
    const app = await sharing(store)
    store.before = method => { if (method === 'set') clock.tick(50) }
    await app.revokeAll()
    assert.deepEqual(store.take(), ['get latest', 'get all', 'set all', 'get all', 'set all', 'get all'])
  })

  it('of many subjects at once says so once for all', async t => {
    stopClock(t)
    const store = new TestStore()
    const app = await sharing(store)
    const users = Array.from({ length: 50 }, (_, i) => `user-${i}`)
    await Promise.all(users.map(async user => { await app.revokeSubject(user) }))
    const calls = store.take()
    assert.deepEqual([calls.filter(call => call === 'set latest').length, calls.filter(call => call === 'set subject').length], [1, 50])
    const { latest, subject } = timesIn(store)
    assert.ok(latest! >= subject!)
  })

  it('of many subjects at once fails once for all where the store hangs', async () => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store, storeTimeout: 0.05 } })
    store.before = async method => { if (method === 'set') await new Promise(() => {}) }
    const results = await Promise.allSettled(Array.from({ length: 50 }, async (_, i) => { await app.revokeSubject(`user-${i}`) }))
    assert.ok(results.every(({ status }) => status === 'rejected'))
    assert.deepEqual(store.take().filter(call => call.startsWith('set')), ['set latest'])
    store.recover()
    await app.revokeSubject('ann')
    assert.ok((timesIn(store).subject ?? 0) > 0)
  })

  it('of one session twice at once, which cannot be stored, does not count, and can be tried again', async () => {
    const store = new TestStore()
    const app = await sharing(store, 'sealed', 0)
    const cookie = await login(app)
    const session = app.decodeSecureSession(cookie.slice('session='.length))!
    let writes = 0
    store.before = method => { if (method === 'set' && writes++ === 0) throw new Error('read only') }
    const twice = [app.revokeSession(session), app.revokeSession(session)]
    for (const revoking of twice) await assert.rejects(revoking, UNAVAILABLE)
    assert.equal(await who(app, cookie), 'ann')
    await app.revokeSession(session)
    assert.equal(await who(app, cookie), 'nobody')
  })
})

describe('a read that is under way', () => {
  for (const format of ['secretbox', 'sealed']) {
    for (const [name, revoke] of Object.entries(REVOKE)) {
      it(`does not answer a request that began after it, with cacheTtl 0: ${name}, ${format}`, async t => {
        const clock = stopClock(t)
        const store = new TestStore()
        const [app, other] = [await sharing(store, format, 0), await sharing(store, format)]
        const cookie = await login(app)
        const { opened, open } = gate()
        store.after = async method => { if (method === 'get') await opened }
        const early = who(app, cookie)
        await settle()
        store.after = () => {}
        clock.tick(1)
        await revoke(other)
        assert.equal(await who(app, cookie), 'nobody')
        open()
        await early
        assert.equal(await who(app, cookie), 'nobody')
      })
    }
  }

  it('is asked by each request for itself, with cacheTtl 0', async () => {
    const store = new TestStore()
    const app = await sharing(store, 'sealed', 0)
    const cookie = await login(app)
    store.take()
    await Promise.all(Array.from({ length: 4 }, async () => await who(app, cookie)))
    assert.equal(store.take().length, 4 * 3)
  })

  it('is believed for cacheTtl from when it began, not from when it was answered', async t => {
    const clock = stopClock(t)
    const store = new TestStore()
    const [app, other] = [await sharing(store), await sharing(store)]
    const cookie = await login(other)
    const { opened, open } = gate()
    store.after = async method => { if (method === 'get') await opened }
    const early = who(app, cookie)
    await settle()
    store.after = () => {}
    clock.tick(400)
    await other.revokeSubject('ann')
    open()
    assert.equal(await early, 'ann')
    clock.tick(1600)
    assert.equal(await who(app, cookie), 'nobody')
  })

  it('is waited for by requests within cacheTtl only', async t => {
    const clock = stopClock(t)
    const store = new TestStore()
    const app = await sharing(store)
    const cookie = await login(await sharing(store))
    const { opened, open } = gate()
    store.after = async method => { if (method === 'get') await opened }
    store.take()
    const asking = [who(app, cookie)]
    await settle()
    clock.tick(1999)
    asking.push(who(app, cookie))
    await settle()
    assert.equal(store.take().length, 3)
    clock.tick(1)
    asking.push(who(app, cookie))
    await settle()
    assert.equal(store.take().length, 3)
    open()
    assert.deepEqual(await Promise.all(asking), ['ann', 'ann', 'ann'])
  })
})
