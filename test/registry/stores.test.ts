// Each store of the registry over a real server: its order, its lines, and the limit of two processes that share it.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { MemoryStore } from '../../src/revocation/index.ts'
import type { RegistryStore, SessionRegistryOptions } from '../../src/registry/index.ts'
import { post } from '../support/app.ts'
import { KINDS, type Opened } from '../support/registry-stores.ts'
import { appListing, idOf, idsOf, line, onlyOne } from '../support/registry.ts'
import { login, who } from '../support/revocation.ts'
import { cookieOf, setCookies } from '../support/helpers.ts'

const MINUTE = 60_000

for (const [where, { skip, open }] of Object.entries(KINDS)) {
  describe(`a registry ${where}`, { skip }, () => {
    let server: Opened
    let store: RegistryStore
    let number = 0
    /** A subject that no other test has, as the registry names it. */
    const subject = (): string => `hash-of-${number++}`
    /** A user that no other test has. */
    const user = (): string => `ann-${number++}`
    const ids = async (subject: string): Promise<string[]> => (await store.list(subject)).map(({ id }) => id)

    before(async () => {
      server = await open()
      store = await server.connect()
    })
    after(async () => { await server.close() })

    it('gives a line back as it was put', async () => {
      const ann = subject()
      const given = line('a', { more: '5,b,c', description: '{"browser":"Fire fox","quote":"\\"\\u0000\\n","place":"Zürich 🏔"}' })
      await store.put(ann, given, true)
      await store.put(ann, line('b', { createdAt: given.createdAt, lastSeenAt: 0, expiresAt: given.expiresAt }), true)
      assert.deepEqual(await store.list(ann), [given, line('b', { createdAt: given.createdAt, lastSeenAt: 0, expiresAt: given.expiresAt })])
      assert.deepEqual(await store.list(subject()), [])
    })

    it('keeps place and description of a line that is put again, and takes its times', async () => {
      const ann = subject()
      const now = Date.now()
      await store.put(ann, line('a', { description: '{"at":"login"}' }), true)
      await store.put(ann, line('b'), true)
      const again = line('a', { createdAt: now - 5, lastSeenAt: now + 1000, expiresAt: now + MINUTE, more: 'x' })
      await store.put(ann, { ...again, description: '{"at":"write"}' }, false)
      const [first] = await store.list(ann)
      assert.deepEqual([await ids(ann), first], [['a', 'b'], { ...again, description: '{"at":"login"}' }])
    })

    it('removes one line, and nothing twice', async () => {
      const ann = subject()
      for (const id of ['a', 'b']) await store.put(ann, line(id), true)
      for (const id of ['a', 'a', 'c']) await store.remove(ann, id)
      assert.deepEqual(await ids(ann), ['b'])
      await store.remove(ann, 'b')
      assert.deepEqual(await ids(ann), [])
    })

    it('puts a login behind all lines, though its clock is an hour behind', async () => {
      const ann = subject()
      const now = Date.now()
      for (const [id, createdAt] of [['a', now], ['b', now - 60 * MINUTE], ['c', now + 1]] as const) await store.put(ann, line(id, { createdAt }), true)
      assert.deepEqual(await ids(ann), ['a', 'b', 'c'])
    })

    it('puts a line that was lost where its session began', async () => {
      const ann = subject()
      const now = Date.now()
      await store.put(ann, line('new'), true)
      for (const [id, age] of [['b', 2], ['a', 3], ['c', 1]] as const) await store.put(ann, line(id, { createdAt: now - age * MINUTE }), false)
      assert.deepEqual(await ids(ann), ['a', 'b', 'c', 'new'])
    })

    it('of logins at the same moment by two clients, none misses one that stands before it', async () => {
      const other = await server.connect()
      for (let round = 0; round < 20; round++) {
        const ann = subject()
        const seen = await Promise.all(Array.from({ length: 6 }, async (_, index) => {
          const [mine, id] = [index % 2 === 0 ? store : other, `id-${index}`]
          await mine.put(ann, line(id), true)
          const listed = (await mine.list(ann)).map(({ id }) => id)
          return [id, listed.slice(0, listed.indexOf(id))] as const
        }))
        const final = await ids(ann)
        for (const [id, before] of seen) assert.deepEqual(before, final.slice(0, final.indexOf(id)))
      }
    })

    it('forgets expired lines of a subject when it logs in, those of the last minute aside, since clocks differ', async () => {
      const ann = subject()
      const now = Date.now()
      const ends = { old: now - 2 * MINUTE, recent: now - MINUTE / 2, valid: now + MINUTE }
      for (const [id, expiresAt] of Object.entries(ends)) await store.put(ann, line(id, { expiresAt }), true)
      await store.put(ann, line('last'), true)
      assert.deepEqual(await ids(ann), ['recent', 'valid', 'last'])
    })

    it('keeps the lines of subjects apart', async () => {
      const [ann, bob] = [subject(), subject()]
      await store.put(ann, line('a'), true)
      await store.put(bob, line('a', { more: 'bob' }), true)
      await store.remove(ann, 'a')
      assert.deepEqual([await ids(ann), await ids(bob)], [[], ['a']])
    })

    /** Processes that share both stores. */
    async function processes (registry: SessionRegistryOptions): Promise<[FastifyInstance, FastifyInstance]> {
      const revocations = new MemoryStore()
      const make = async (): Promise<FastifyInstance> =>
        await appListing({ store: await server.connect(), storeTimeout: 20, ...registry }, { revocation: { store: revocations, cacheTtl: 0 } })
      return [await make(), await make()]
    }

    it('lists logins of two processes in both', async () => {
      const ann = user()
      const [a, b] = await processes({ describe: request => ({ browser: request.headers['user-agent'] }) })
      const cookies = [await login(a, ann), await login(b, ann)]
      const expected = [await idOf(a, cookies[0]!), await idOf(b, cookies[1]!)].sort() // both have logged in
      assert.deepEqual([await idsOf(a, ann), await idsOf(b, ann)], [expected, expected])
      assert.deepEqual((await a.listSessions(ann)).map(({ description }) => description), [{ browser: 'lightMyRequest' }, { browser: 'lightMyRequest' }])
    })

    it('with \'end-oldest\', of logins at the same moment in two processes exactly as many stay as are allowed, and an older one does not', async () => {
      for (let round = 0; round < 5; round++) {
        const ann = user()
        const [a, b] = await processes({ maxSessions: 3 })
        const first = await login(a, ann)
        const cookies = await Promise.all(Array.from({ length: 8 }, async (_, index) => await login(index % 2 === 0 ? a : b, ann)))
        const users = await Promise.all(cookies.map(async cookie => await who(b, cookie)))
        assert.equal(users.filter(user => user === ann).length, 3)
        assert.equal(await who(a, first), 'nobody')
        assert.equal((await idsOf(a, ann)).length, 3)
      }
    })

    it('with \'refuse\', of logins at the same moment in two processes exactly as many work as are allowed', async () => {
      for (let round = 0; round < 5; round++) {
        const ann = user()
        const [a, b] = await processes({ maxSessions: 3, onMaxSessions: 'refuse' })
        const first = await login(a, ann)
        const responses = await Promise.all(Array.from({ length: 8 }, async (_, index) => await post(index % 2 === 0 ? a : b, '/login', undefined, { user: ann })))
        const [taken, refused] = [200, 409].map(status => responses.filter(({ statusCode }) => statusCode === status))
        assert.deepEqual([taken!.length, refused!.length], [2, 6])
        assert.deepEqual(refused!.flatMap(response => setCookies(response)), [])
        assert.deepEqual([...new Set(refused!.map(response => response.json<{ code: string }>().code))], ['FST_SEALED_SESSION_TOO_MANY_SESSIONS'])
        for (const cookie of [first, ...taken!.map(response => cookieOf(response))]) assert.equal(await who(b, cookie), ann)
        assert.equal((await idsOf(b, ann)).length, 3)
      }
    })

    it('that was flushed logs nobody out, and has each session again as soon as it is sealed again', async () => {
      const ann = user()
      const [a] = await processes({ describe: () => ({ browser: 'Fire' }) })
      const [phone, laptop] = [await login(a, ann), await login(a, ann)]
      const before = await a.listSessions(ann)
      await server.flush()
      assert.deepEqual([await who(a, phone), await who(a, laptop), await idsOf(a, ann)], [ann, ann, []])
      for (const cookie of [phone, laptop]) await post(a, '/touch', cookie)
      await until(async () => (await idsOf(a, ann)).length === 2)
      const described = (session: object): object => ({ ...session, lastSeenAt: 0, expiresAt: 0 })
      const byId = (x: { id: string }, y: { id: string }): number => x.id < y.id ? -1 : 1
      assert.deepEqual((await a.listSessions(ann)).sort(byId).map(described), before.sort(byId).map(described))
    })

    it('that was away and came back has what is written from then on', { skip: where === 'in memory' && 'it is never away' }, async () => {
      const ann = user()
      const [a] = await processes({ storeTimeout: 2 })
      const cookie = await login(a, ann)
      await server.stop()
      const during = await login(a, ann)
      await assert.rejects(a.listSessions(ann), { code: 'FST_SEALED_SESSION_REGISTRY_UNAVAILABLE', statusCode: 503 })
      await post(a, '/logout', cookie)
      assert.deepEqual([await who(a, cookie), await who(a, during)], ['nobody', ann])
      await server.start()
      await until(async () => await a.listSessions(ann).then(() => true, () => false))
      assert.deepEqual(await idsOf(a, ann), [], 'the one that logged out has a line, and is left out')
      await until(async () => {
        await post(a, '/touch', during)
        return (await idsOf(a, ann)).length === 1
      })
      assert.equal((await onlyOne(a, ann)).id, await idOf(a, during))
    })
  })
}

async function until (holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return
    await new Promise(resolve => setTimeout(resolve, 25))
  }
  assert.fail('not within ten seconds')
}
