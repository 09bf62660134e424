// Revocation over a real Redis, through Keyv, as docs/guide/revocation.md sets it up. Starts a redis-server
// of its own; without that program the tests are skipped.
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import { get, post } from '../support/app.ts'
import { cookieOf, setCookies } from '../support/helpers.ts'
import { RedisServer, noRedis } from './redis-server.ts'
import { appWithLogins, assertLateWriteUndoesNothing, login, who } from '../support/revocation.ts'

const CACHE_TTL = 0.2
const sleep = async (ms: number): Promise<void> => { await new Promise(resolve => setTimeout(resolve, ms)) }

describe('over Redis', { skip: noRedis }, () => {
  let redis: RedisServer
  const stores: Keyv[] = []

  before(async () => { redis = await RedisServer.create() })
  after(async () => {
    for (const { store } of stores) await (store as KeyvRedis<string>).disconnect(true)
    await redis.remove()
  })

  /** A process of its own, as far as revocation is concerned: another connection, another cache. */
  async function processWith (onStoreError: 'reject' | 'accept' = 'reject', cacheTtl = CACHE_TTL): Promise<FastifyInstance> {
    const adapter = new KeyvRedis({
      url: `redis://127.0.0.1:${redis.port}`,
      disableOfflineQueue: true,
      socket: { connectTimeout: 1000, reconnectStrategy: (retries: number) => Math.min(50 * retries, 500) }
    }, { throwOnErrors: true })
    const store = new Keyv({ store: adapter, throwOnErrors: true, namespace: 'app' })
    store.on('error', () => {}) // the app's log says it
    await adapter.getClient() // connects
    stores.push(store)
    return await appWithLogins({ revocation: { store, onStoreError, cacheTtl } })
  }

  /** Waits until a condition holds; fails after ten seconds. */
  async function until (holds: () => Promise<boolean>, what: string): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      if (await holds()) return
      await sleep(50)
    }
    assert.fail(`not within ten seconds: ${what}`)
  }

  it('a logout in one process is in force in the other within the cache time', async () => {
    const [a, b] = [await processWith(), await processWith()]
    const cookie = await login(a)
    assert.equal(await who(b, cookie), 'ann')
    await post(a, '/logout', cookie)
    assert.equal(await who(a, cookie), 'nobody', 'here at once')
    await sleep(CACHE_TTL * 1000)
    assert.equal(await who(b, cookie), 'nobody')
  })

  it('so are revokeSubject and revokeAll, and a login right after works in both', async () => {
    const [a, b] = [await processWith(), await processWith()]
    const [ann, bob] = [await login(a), await login(b, 'bob')]
    await a.revokeSubject('ann')
    await sleep(CACHE_TTL * 1000)
    assert.deepEqual([await who(b, ann), await who(b, bob)], ['nobody', 'bob'])
    await b.revokeAll()
    await sleep(CACHE_TTL * 1000)
    assert.equal(await who(a, bob), 'nobody')
    const next = await login(a)
    assert.deepEqual([await who(a, next), await who(b, next)], ['ann', 'ann'])
  })

  it('a write that arrives late does not bring back a session that another process ended meanwhile', async () => {
    await processWith()
    await assertLateWriteUndoesNothing(stores.at(-1)!, 'late')
  })

  it('a revocation outlives the process that made it', async () => {
    const a = await processWith()
    const cookie = await login(a)
    await post(a, '/logout', cookie)
    assert.equal(await who(await processWith(), cookie), 'nobody')
  })

  it('entries have the time to live that they need, so that Redis forgets them by itself', async () => {
    const a = await processWith()
    await post(a, '/logout', await login(a))
    const { client } = stores.at(-1)!.store as KeyvRedis<string>
    const keys = await (client as unknown as { keys: (pattern: string) => Promise<string[]> }).keys('*revoked*')
    const lives = await Promise.all(keys.map(async key => await (client as unknown as { pTTL: (key: string) => Promise<number> }).pTTL(key)))
    assert.ok(lives.length > 0)
    for (const life of lives) assert.ok(life > 86401_000 && life <= 86461_000, String(life))
  })

  const count = (answers: Map<string, number>, answer: string): void => { answers.set(answer, (answers.get(answer) ?? 0) + 1) }

  /** Figures of an outage. */
  function tell (t: TestContext, what: string, requests: number, answers: Map<string, number>, recovered: number): void {
    const parts = [...answers].map(([answer, times]) => `${times} ${answer}`).join(', ')
    t.diagnostic(`${what}: ${requests} requests, of them ${parts}; served again ${Math.round(recovered)} ms after Redis listened`)
  }

  /** Sends requests until told to stop; each answer is looked at. */
  function load (app: FastifyInstance, cookie: string, look: (body: string, statusCode: number) => void): () => Promise<number> {
    const stopped = new AbortController()
    let count = 0
    const clients = Array.from({ length: 8 }, async () => {
      while (!stopped.signal.aborted) {
        const { body, statusCode } = await get(app, '/me', cookie)
        look(body, statusCode)
        count++
        await sleep(1)
      }
    })
    return async () => {
      stopped.abort()
      await Promise.all(clients)
      return count
    }
  }

  it('stopped and started again under load, with "reject": nobody who is revoked gets in, the rest get 503, and it recovers by itself', async t => {
    const [app, other] = [await processWith('reject', 0), await processWith('reject', 0)]
    const [revoked, unseen, valid] = [await login(other), await login(other), await login(app, 'bob')]
    for (const cookie of [revoked, unseen]) await post(other, '/logout', cookie)
    const [seen, answers] = [new Map<string, number>(), new Map<string, number>()]
    const stopRevoked = load(app, revoked, (body, statusCode) => { count(seen, statusCode === 200 ? body : JSON.parse(body).code) })
    const stopValid = load(app, valid, (body, statusCode) => { count(answers, statusCode === 200 ? body : String(statusCode)) })
    await sleep(100)
    await redis.stop()
    await until(async () => (await get(app, '/me', valid)).statusCode === 503, 'requests are refused')
    // Of this one the process has not heard, and cannot as long as the store is away.
    const missed = new Map<string, number>()
    const stopUnseen = load(app, unseen, (body, statusCode) => { count(missed, statusCode === 200 ? body : String(statusCode)) })
    const write = await post(app, '/write', valid, { n: 1 })
    assert.equal(write.statusCode, 503)
    assert.deepEqual(setCookies(write), [])
    await assert.rejects(app.revokeSubject('bob'), { code: 'FST_SEALED_SESSION_STORE_UNAVAILABLE' })
    await sleep(1000)
    await redis.start()
    const started = performance.now()
    await until(async () => await who(app, valid) === 'bob', 'requests are served again')
    const recovered = performance.now() - started
    await sleep(300)
    const [ofRevoked, ofValid] = [await stopRevoked(), await stopValid()]
    tell(t, 'reject, revoked session', ofRevoked, seen, recovered)
    tell(t, 'reject, valid session', ofValid, answers, recovered)
    tell(t, 'reject, session that another process revoked', await stopUnseen(), missed, recovered)
    assert.deepEqual([...missed.keys()], ['503', 'nobody'])
    assert.deepEqual([...answers.keys()].sort(), ['503', 'bob'])
    assert.ok(answers.get('503')! > 10 && answers.get('bob')! > 10, 'requests came all the while')
    assert.deepEqual([...seen.keys()].filter(answer => answer !== 'FST_SEALED_SESSION_STORE_UNAVAILABLE'), ['nobody'])
    assert.equal([...seen.values()].reduce((sum, of) => sum + of, 0), ofRevoked, 'every answer was looked at')
  })

  it('stopped and started again under load, with "accept": everybody keeps working, and it recovers by itself', async t => {
    const [app, other] = [await processWith('accept', 0), await processWith('accept', 0)]
    const [mine, valid, theirs] = [await login(app), await login(app, 'bob'), await login(other, 'eve')]
    await post(app, '/logout', mine)
    await until(async () => await who(app, theirs) === 'eve', 'the store is connected')
    await post(other, '/logout', theirs)
    const answers = new Map<string, number>()
    const stop = load(app, valid, (body, statusCode) => { count(answers, `${statusCode} ${body}`) })
    await sleep(100)
    await redis.stop()
    await until(async () => await app.revokeAll().then(() => false, () => true), 'the store is gone')
    assert.equal(await who(app, mine), 'nobody', 'what this process revoked it still knows')
    assert.equal(await who(app, theirs), 'eve', 'what another one revoked it cannot know: that is what "accept" says')
    const next = cookieOf(await post(app, '/write', valid, { n: 1 }))
    assert.equal(await who(app, next), 'bob')
    assert.equal((await post(app, '/logout', next)).statusCode, 503, 'a logout that cannot be stored fails')
    await sleep(1000)
    await redis.start()
    const started = performance.now()
    await until(async () => await who(app, theirs) === 'nobody', 'the store is asked again')
    const recovered = performance.now() - started
    const requests = await stop()
    tell(t, 'accept, valid session', requests, answers, recovered)
    assert.deepEqual([...answers], [['200 bob', requests]])
    assert.ok(requests > 10)
  })
})
