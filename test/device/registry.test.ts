// The list of a user's sessions while one of them is bound, over all stores of the registry.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { MemoryRegistry, type ListedSession, type RegistryStore, type SessionRegistryOptions } from '../../src/registry/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { hashOf } from '../../src/revocation/store-keys.ts'
import { createTestDevice, type TestDevice } from '../../src/testing/index.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, boundDevice, infoOf, loggedIn, stolen } from '../support/device.ts'
import { KINDS, type Opened } from '../support/registry-stores.ts'
import { idsOf, onlyOne } from '../support/registry.ts'
import { key, subject } from '../support/revocation.ts'

const GRACE = 10_000

/** Processes that share both stores. The description needs the body of the login. */
async function newProcess (store: RegistryStore, revocations = new MemoryStore(), options: SessionRegistryOptions = {}): Promise<FastifyInstance> {
  return await appWithDevices({
    session: { key },
    revocation: { store: revocations, subject, cacheTtl: 0 },
    registry: { store, storeTimeout: 20, describe: ({ body }) => ({ by: (body as { user: string }).user }), ...options },
    routes: {
      'GET /devices': async ({ server, session }) => await server.listSessions(String(subject(session)), { current: session }),
      'POST /others': async ({ server, session }) => { await server.revokeOtherSessions(session) }
    }
  })
}

/** A session that is bound, with the id that it had before. */
interface Bound { device: TestDevice, before: string | null }

const BINDINGS: Record<string, (app: FastifyInstance, user: string) => Promise<Bound>> = {
  async 'by a registration' (app, user) {
    const { device, response } = await loggedIn(app, createTestDevice(), user)
    const { id } = await infoOf(app, device.cookies)
    assert.equal((await device.register(app, response))?.statusCode, 200)
    return { device, before: id }
  },
  async 'by a registration without cookies' (app, user) {
    const device = createTestDevice()
    const response = await device.inject(app, { method: 'POST', url: '/login', payload: { user }, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' } })
    const { id } = await infoOf(app, device.cookies)
    assert.equal((await device.register(app, response, { withCookies: false }))?.statusCode, 200)
    return { device, before: id }
  }
}

async function settle (): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 30)) // a session that is sealed again does not wait for the registry
}

async function until (holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return
    await settle()
  }
  assert.fail('not within six seconds')
}

async function listedBy (device: TestDevice, app: FastifyInstance): Promise<ListedSession[]> {
  return (await device.inject(app, { url: '/devices' })).json()
}

for (const [where, { skip, open }] of Object.entries(KINDS)) {
  describe(`39. in a registry ${where}`, { skip }, () => {
    let server: Opened
    let store: RegistryStore
    let number = 0
    const newUser = (): string => `ann-${number++}`

    before(async () => {
      server = await open()
      store = await server.connect()
    })
    after(async () => { await server.close() })

    for (const [how, bind] of Object.entries(BINDINGS)) {
      it(`a session that is bound ${how} is one before and one after, at each moment, the current one, and marked as bound`, async t => {
        const clock = stopClock(t)
        const [app, user] = [await newProcess(store), newUser()]
        const { device, before } = await bind(app, user)
        const first = await onlyOne(app, user)
        const { id } = await infoOf(app, device.cookies)
        assert.notEqual(id, before)
        assert.deepEqual([first.id, first.bound, first.description], [id, true, { by: user }])
        for (const wait of [0, GRACE + 1, 60_000]) {
          clock.tick(wait)
          assert.deepEqual((await listedBy(device, app)).map(({ id, current, bound, description }) => ({ id, current, bound, description })), [{ id, current: true, bound: true, description: { by: user } }])
        }
        await until(async () => (await store.list(hashOf(user))).map(line => line.id).join() === id)
      })

      it(`a session that is bound ${how} and then ended leaves no line`, async () => {
        const [app, user] = [await newProcess(store), newUser()]
        for (const end of ['/logout', '/others']) {
          const { device } = await bind(app, user)
          const other = end === '/others' ? await boundDevice(app, createTestDevice(), user) : device
          const { id } = await infoOf(app, device.cookies)
          await other.inject(app, { method: 'POST', url: end })
          assert.equal((await idsOf(app, user)).includes(id!), false) // as above
          if (end === '/others') await other.inject(app, { method: 'POST', url: '/logout' })
          assert.deepEqual(await idsOf(app, user), [])
        }
      })

      it(`a slow response from before, after the session was bound ${how}, makes no second line`, async t => {
        stopClock(t)
        const [app, user] = [await newProcess(store), newUser()]
        const { device, before } = await bind(app, user)
        const now = Date.now()
        await store.put(hashOf(user), { id: before!, createdAt: now, lastSeenAt: now, expiresAt: now + 60_000, more: '', description: '' }, false) // revocation gives each an id
        assert.equal((await onlyOne(app, user)).id, (await infoOf(app, device.cookies)).id)
      })
    }

    it('a session that is not bound is marked as that, one that was bound before it stays bound when it is sealed again', async () => {
      const [app, user] = [await newProcess(store), newUser()]
      const bound = await boundDevice(app, createTestDevice(), user)
      await loggedIn(app, createTestDevice(), user)
      await bound.inject(app, { method: 'POST', url: '/write', payload: { user, n: 1 } })
      await settle()
      assert.deepEqual((await app.listSessions(user)).map(({ bound }) => bound).sort(), [false, true])
    })

    it('with a limit, a session that is bound counts once, and is ended as any other: its refresh says so', async () => {
      const [app, user] = [await newProcess(store, new MemoryStore(), { maxSessions: 2 }), newUser()]
      const [first, second] = [await boundDevice(app, createTestDevice(), user), await boundDevice(app, createTestDevice(), user)]
      for (const device of [first, second]) assert.equal((await device.inject(app, { url: '/me' })).body, user)
      const third = await boundDevice(app, createTestDevice(), user)
      assert.equal((await first.refresh(app)).json<{ continue?: boolean }>().continue, false)
      assert.equal((await stolen(app, first.cookies)).body, 'nobody')
      for (const device of [second, third]) assert.equal((await device.inject(app, { url: '/me' })).body, user)
      assert.equal((await app.listSessions(user)).length, 2)
    })

    it('with a limit that refuses, a registration is no login, and is not refused', async () => {
      const [app, user] = [await newProcess(store, new MemoryStore(), { maxSessions: 1, onMaxSessions: 'refuse' }), newUser()]
      const device = await boundDevice(app, createTestDevice(), user)
      assert.equal((await device.inject(app, { url: '/me' })).body, user)
      const { response } = await loggedIn(app, createTestDevice(), user)
      assert.equal(response.statusCode, 409)
    })
  })
}

describe('39. the registry of a session that is about to be bound', () => {
  it('keeps its line as it is if the store of the revocation fails', async () => {
    const revocations = new MemoryStore()
    let isAway = false
    const store = new MemoryRegistry()
    const app = await newProcess(store, Object.assign(Object.create(revocations) as MemoryStore, {
      get: (name: string) => revocations.get(name),
      getMany: (names: string[]) => revocations.getMany(names),
      set: (name: string, value: string, ttl: number) => { revocations.set(name, value, ttl) },
      add: (name: string, value: string, ttl: number) => { if (isAway) throw new Error('away'); return revocations.add(name, value, ttl) }
    }))
    const { device, response } = await loggedIn(app)
    const { id } = await onlyOne(app)
    isAway = true
    assert.equal((await device.register(app, response))?.statusCode, 503)
    await settle()
    const line = await onlyOne(app)
    assert.deepEqual([line.id, line.bound, line.description], [id, false, { by: 'ann' }])
  })

  it('does not fail a registration while its own store is away, and has the session again as soon as it is sealed', async () => {
    const registry = new MemoryRegistry()
    let isAway = false
    const guard = (): void => { if (isAway) throw new Error('away') }
    const app = await newProcess({
      put: (...given) => { guard(); registry.put(...given) },
      remove: (...given) => { guard(); registry.remove(...given) },
      list: name => { guard(); return registry.list(name) }
    })
    const { device, response } = await loggedIn(app)
    isAway = true
    assert.equal((await device.register(app, response))?.statusCode, 200)
    await settle()
    isAway = false
    const line = await onlyOne(app)
    assert.deepEqual([line.id, line.bound], [(await infoOf(app, device.cookies)).id, true])
  })
})
