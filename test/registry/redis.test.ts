// Keys of the registry in a real Redis: their names, and when they go.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { redisRegistry } from '../../src/registry/index.ts'
import { line } from '../support/registry.ts'
import { RedisServer, noRedis } from '../revocation/redis-server.ts'

const MINUTE = 60_000

describe('a registry in Redis', { skip: noRedis }, () => {
  let server: RedisServer
  let client: Redis

  before(async () => {
    server = await RedisServer.create()
    client = new Redis(server.port, '127.0.0.1', { lazyConnect: true })
    await client.connect()
  })
  after(async () => {
    client.disconnect()
    await server.remove()
  })

  it('has one key for each subject, with the prefix that was given', async () => {
    await client.flushall()
    for (const store of [redisRegistry(client), redisRegistry(client, { prefix: 'app:' })]) {
      for (const id of ['a', 'b']) await store.put('ann', line(id), true)
    }
    assert.deepEqual((await client.keys('*')).sort(), ['app:ann', 'sealed-session:registry:ann'])
  })

  it('has a key that lives a minute longer than its last session, whichever was put last', async () => {
    const store = redisRegistry(client)
    const now = Date.now()
    for (const [id, life] of [['a', 5], ['b', 90], ['c', 10]] as const) await store.put('bob', line(id, { expiresAt: now + life * MINUTE }), true)
    const life = await client.pttl('sealed-session:registry:bob')
    assert.ok(life > 90 * MINUTE && life <= 91 * MINUTE, String(life))
    await store.put('bob', line('a', { expiresAt: now + 200 * MINUTE }), false)
    assert.ok(await client.pttl('sealed-session:registry:bob') > 200 * MINUTE)
  })

  it('has no key of a subject that has no session any more', async () => {
    const store = redisRegistry(client)
    for (const id of ['a', 'b']) await store.put('eve', line(id), true)
    for (const id of ['a', 'c', 'b']) await store.remove('eve', id)
    assert.equal(await client.exists('sealed-session:registry:eve'), 0)
  })

  it('forgets expired lines though others were sealed again since, and looks at them no more than it has to', async () => {
    const store = redisRegistry(client)
    const now = Date.now()
    await store.put('kim', line('old', { expiresAt: now - 2 * MINUTE }), true)
    await store.put('kim', line('renewed', { expiresAt: now - 2 * MINUTE }), true)
    await store.put('kim', line('renewed', { expiresAt: now + MINUTE }), false)
    await store.put('kim', line('new'), true)
    assert.deepEqual((await store.list('kim')).map(({ id }) => id), ['renewed', 'new'])
    const looked = async (): Promise<number> => Number(/cmdstat_hgetall:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0)
    const before = await looked()
    for (const id of ['d', 'e', 'f']) await store.put('kim', line(id), true)
    assert.equal(await looked(), before)
  })
})
