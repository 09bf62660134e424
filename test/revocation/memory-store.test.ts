// The store in memory: its room, and what it does when it is full.
import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { MemoryStore } from '../../src/revocation/index.ts'
import { get, post } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithLogins, login, who } from '../support/revocation.ts'

const FULL = { code: 'FST_SEALED_SESSION_STORE_FULL', statusCode: 503 }
const HOUR = 3_600_000

/** Whether a store takes another entry. */
function takes (store: MemoryStore, key: string, ttl: number): boolean {
  try {
    store.set(key, '1', ttl)
    return true
  } catch (error) {
    assert.equal((error as { code: string }).code, FULL.code)
    return false
  }
}

/** A store in which there is no room for another session, and an app on it. */
async function filled (): Promise<{ store: MemoryStore, app: FastifyInstance }> {
  const store = new MemoryStore({ maxEntries: 3 })
  const app = await appWithLogins({ revocation: { store } })
  for (const user of ['a', 'b', 'c']) assert.equal((await post(app, '/logout', await login(app, user))).statusCode, 200)
  assert.equal((await post(app, '/logout', await login(app))).statusCode, 503)
  return { store, app }
}

describe('a store in memory that is full of sessions', () => {
  it('takes the revocation of a subject all the same', async () => {
    const { store, app } = await filled()
    const cookie = await login(app)
    await app.revokeSubject('ann')
    const fresh = await appWithLogins({ revocation: { store } })
    assert.deepEqual([await who(app, cookie), await who(fresh, cookie)], ['nobody', 'nobody'])
    assert.equal(await who(fresh, await login(app)), 'ann', 'and a login right after')
  })

  it('takes the revocation of all the same', async () => {
    const { store, app } = await filled()
    const cookie = await login(app)
    await app.revokeAll()
    assert.equal(await who(await appWithLogins({ revocation: { store } }), cookie), 'nobody')
  })

  it('refuses one after the other without a look at all of them', () => {
    const median = (maxEntries: number): number => {
      const store = new MemoryStore({ maxEntries })
      for (let i = 0; i < maxEntries; i++) store.set(`sealed-session:revoked:${i}`, '1', HOUR)
      const times = Array.from({ length: 101 }, (_, i) => {
        const start = performance.now()
        assert.equal(takes(store, `sealed-session:revoked:more-${i}`, HOUR), false)
        return performance.now() - start
      })
      return times.sort((a, b) => a - b)[50]!
    }
    median(10) // warms up
    const [small, large] = [median(10), median(100_000)]
    assert.ok(large < 50 * small, `${large} ms with 100 000, ${small} ms with 10`) // a scan takes 1000 times as long
  })

  it('takes the next one as soon as one has ended, and holds up no request for all that have', t => {
    const clock = stopClock(t)
    const times = Array.from({ length: 5 }, () => {
      const store = new MemoryStore({ maxEntries: 100_000 })
      for (let i = 0; i < 100_000; i++) store.set(`sealed-session:revoked:${i}`, '1', HOUR)
      clock.tick(HOUR - 1)
      assert.equal(takes(store, 'early', HOUR), false)
      clock.tick(1)
      const start = performance.now()
      assert.equal(takes(store, 'later', HOUR), true)
      return performance.now() - start
    })
    const shortest = Math.min(...times) // the machine may be busy with other things
    assert.ok(shortest < 10, `${shortest} ms`) // to drop them all takes several times as long
  })
})

describe('a store in memory', () => {
  it('forgets nothing that is in force and refuses nothing it has room for, whatever is set and when', t => {
    const clock = stopClock(t)
    const step = fc.record({ key: fc.nat(12), ttl: fc.integer({ min: 1, max: 50 }), pause: fc.nat(20) })
    fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 60 }), (maxEntries, steps) => {
      const store = new MemoryStore({ maxEntries })
      const ends = new Map<string, number>()
      for (const [number, { key, ttl, pause }] of steps.entries()) {
        const name = `sealed-session:revoked:${key}`
        const now = Date.now()
        const inForce = [...ends].filter(([, end]) => end > now).map(([name]) => name)
        const isTaken = takes(store, name, ttl)
        assert.equal(isTaken, inForce.includes(name) || inForce.length < maxEntries || store.get(name) !== undefined, `step ${number}`)
        if (isTaken) ends.set(name, Math.max(ends.get(name) ?? 0, now + ttl))
        clock.tick(pause)
        for (const [name, end] of ends) assert.equal(store.get(name), end > Date.now() ? '1' : undefined, `${name} after step ${number}`)
      }
    }), { numRuns: 500 })
  })

  it('keeps the greater of two numbers, and for the longer of two times', t => {
    const clock = stopClock(t)
    const store = new MemoryStore()
    for (const key of ['sealed-session:all', 'sealed-session:latest', 'sealed-session:subject:x', 'sealed-session:revoked:x']) {
      store.set(key, '10', 2000)
      store.set(key, '9', 1000)
      clock.tick(1999)
      assert.equal(store.get(key), '10')
      clock.tick(1)
      assert.equal(store.get(key), undefined)
    }
  })
})

describe('a store in memory with more subjects than fit', () => {
  const USERS = ['a', 'b', 'c', 'd', 'e']

  it('refuses none, and forgets none', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore({ maxEntries: 2 })
    const setup = { session: { expiry: 10 * 3600, absoluteTimeout: 20 * 3600 }, revocation: { store } }
    const app = await appWithLogins(setup)
    const cookies = await Promise.all(USERS.map(async user => await login(app, user)))
    for (const user of USERS) {
      clock.tick(1000)
      await app.revokeSubject(user)
    }
    clock.tick(9 * HOUR)
    const fresh = await appWithLogins(setup)
    for (const cookie of cookies) assert.equal((await get(fresh, '/info', cookie)).json().reason, 'revoked')
    for (const user of USERS) assert.equal(await who(fresh, await login(fresh, user)), user, 'a login afterwards')
  })

  it('ends other sessions only if they began before the oldest revocations', async t => {
    const clock = stopClock(t)
    const store = new MemoryStore({ maxEntries: 2 })
    const setup = { session: { expiry: 10 * 3600, absoluteTimeout: 20 * 3600 }, revocation: { store } }
    const app = await appWithLogins(setup)
    const earlier = await login(app, 'earlier')
    clock.tick(1000)
    for (const user of ['a', 'b', 'c']) await app.revokeSubject(user) // the third takes the room of the first
    clock.tick(1000)
    const later = await login(app, 'later')
    await app.revokeSubject('b') // which becomes the newest, so that the next one takes the room of the third
    await app.revokeSubject('d')
    const fresh = await appWithLogins(setup)
    assert.deepEqual([await who(fresh, earlier), await who(fresh, later)], ['nobody', 'later'])
    clock.tick(20 * HOUR)
    assert.equal(store.get('sealed-session:subject:anybody'), '1800000001000', 'for the time of an entry')
    clock.tick(60_000)
    assert.equal(store.get('sealed-session:subject:anybody'), undefined)
  })
})
