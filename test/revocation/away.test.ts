// Two real processes of one app while their Redis is away, with both clients that redisStore and redisRegistry take.
// One has onStoreError 'reject', the other one 'accept'. Requests go on all the while, and each answer is looked at.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newKey } from '../support/helpers.ts'
import { AppProcess } from './app-process.ts'
import { RedisServer, noRedis } from './redis-server.ts'

/** Seconds. */
const CACHE_TTL = 0.5

/** Seconds: longer than by default, so that no call fails on a loaded machine while Redis is there. */
const STORE_TIMEOUT = 1

interface Answer {
  /** Milliseconds, of `performance.now()`. */
  sent: number
  status: number
  body: string
  cookies: number
}

/** Requests for a session to a process, one after the other, until it is stopped. */
class Flow {
  readonly answers: Answer[] = []
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>

  constructor (process: AppProcess, cookie: string) {
    this.#running = this.#run(process, cookie)
  }

  async #run (process: AppProcess, cookie: string): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const sent = performance.now()
      const response = await process.get('/me', cookie)
      this.answers.push({ sent, status: response.status, body: await response.text(), cookies: response.headers.getSetCookie().length })
      await sleep(5)
    }
  }

  /** Waits for an answer to a request that is sent from now on. */
  async next (isIt: (answer: Answer) => boolean): Promise<void> {
    const from = performance.now()
    await until(async () => this.answers.some(answer => answer.sent >= from && isIt(answer)))
  }

  /** All answers, in the order in which their requests were sent. */
  async stop (): Promise<Answer[]> {
    this.#stopping.abort()
    await this.#running
    return this.answers
  }
}

async function until (holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 2000; tries++) {
    if (await holds()) return
    await sleep(10)
  }
  assert.fail('not within twenty seconds')
}

const isIn = (user: string) => ({ status, body }: Answer): boolean => status === 200 && body === user
const isOut = isIn('nobody')
const isUnavailable = ({ status, body, cookies }: Answer): boolean =>
  status === 503 && (JSON.parse(body) as { code: string }).code === 'FST_SEALED_SESSION_STORE_UNAVAILABLE' && cookies === 0

/** An outage of Redis. */
interface Outage {
  begin: (redis: RedisServer) => Promise<void> | void
  end: (redis: RedisServer) => Promise<void> | void
  losesData: boolean
}

const OUTAGES: Record<string, Outage> = {
  hangs: { begin: redis => { redis.pause() }, end: redis => { redis.resume() }, losesData: false },
  'is killed, and has kept its data when it comes back': {
    begin: async redis => { await redis.kill() },
    end: async redis => { await redis.start() },
    losesData: false
  },
  'is killed, and has lost its data when it comes back': {
    begin: async redis => { await redis.kill() },
    end: async redis => { await redis.forget(); await redis.start() },
    losesData: true
  }
}

for (const client of ['redis', 'ioredis'] as const) {
  describe(`two processes of one app, with a client of ${client}`, { skip: noRedis }, () => {
    const started: AppProcess[] = []
    let redis: RedisServer
    /** The one with 'reject', and the one with 'accept'. */
    let strict: AppProcess
    let lax: AppProcess
    let number = 0
    /** A user that no other test has. */
    const user = (): string => `user-${number++}`

    before(async () => {
      redis = await RedisServer.create()
      const options = { port: redis.port, key: newKey().toString('hex'), cacheTtl: CACHE_TTL, storeTimeout: STORE_TIMEOUT, client }
      const start = async (onStoreError: 'reject' | 'accept'): Promise<AppProcess> => {
        const process = await AppProcess.start({ ...options, onStoreError })
        started.push(process)
        return process
      }
      ;[strict, lax] = await Promise.all([start('reject'), start('accept')])
    })
    after(async () => {
      for (const process of started) await process.stop()
      await redis.remove()
    })

    /** Waits until both processes have Redis again: their clients come back in any order. */
    async function areBack (): Promise<void> {
      for (const process of [strict, lax]) await until(async () => (await process.post(`/once/${number++}`)).status === 200)
    }

    /** Ends a session by its id in one process, and waits until both have heard of it. */
    async function endInBoth (cookie: string): Promise<void> {
      assert.equal((await lax.post(`/end/${await lax.idOf(cookie)}`)).status, 200)
      await until(async () => await strict.who(cookie) === 'nobody' && await lax.who(cookie) === 'nobody')
    }

    it('a session that is ended by its id in one is refused in the other within cacheTtl, under a steady flow of requests', async () => {
      const directions = [[strict, lax], [lax, strict]] as const
      for (const [here, there] of directions) {
        const valid = user()
        const others = new Flow(there, await here.login(valid))
        const ends = await Promise.all(Array.from({ length: 8 }, async (_, index) => {
          const [name, flows] = [user(), [] as Flow[]]
          const cookie = await here.login(name)
          const id = await here.idOf(cookie)
          for (const process of [there, here]) flows.push(new Flow(process, cookie))
          await Promise.all(flows.map(async flow => { await flow.next(isIn(name)) }))
          await sleep(index * 70) // so that the other one has asked at different times before
          assert.equal((await here.post(`/end/${id}`)).status, 200)
          const at = performance.now()
          await Promise.all(flows.map(async flow => { await flow.next(isOut) }))
          await flows[0]!.next(isOut) // and once more
          return { name, at, answers: await Promise.all(flows.map(async flow => await flow.stop())) }
        }))
        for (const { name, at, answers: [late = [], atOnce = []] } of ends) {
          for (const [answers, allowed] of [[late, CACHE_TTL * 1000], [atOnce, 0]] as const) {
            const first = answers.findIndex(isOut)
            assert.ok(answers.slice(0, first).every(isIn(name)), 'all are let in before')
            assert.ok(answers.slice(first).every(isOut), 'and none after that')
            assert.deepEqual(answers.filter(answer => answer.sent > at + allowed && !isOut(answer)), [])
          }
        }
        assert.deepEqual((await others.stop()).filter(answer => !isIn(valid)(answer)), [])
      }
    })

    for (const [what, { begin, end, losesData }] of Object.entries(OUTAGES)) {
      it(`while Redis ${what}, nobody who was ended gets in, and all others work or get 503; it comes back by itself`, async () => {
        const [valid, unheard] = [user(), user()]
        const [ended, tried, leaving] = await Promise.all([user(), user(), user()].map(async name => await strict.login(name))) as [string, string, string]
        const cookies = { valid: await strict.login(valid), ended, unheard: await lax.login(unheard), tried, leaving }
        await endInBoth(cookies.ended)
        const unheardId = await lax.idOf(cookies.unheard)
        const triedId = await lax.idOf(cookies.tried)
        const flows = {
          valid: { strict: new Flow(strict, cookies.valid), lax: new Flow(lax, cookies.valid) },
          ended: { strict: new Flow(strict, cookies.ended), lax: new Flow(lax, cookies.ended) },
          unheard: { strict: new Flow(strict, cookies.unheard), lax: new Flow(lax, cookies.unheard) }
        }
        await Promise.all([flows.valid.strict, flows.valid.lax].map(async flow => { await flow.next(isIn(valid)) }))
        await flows.unheard.strict.next(isIn(unheard))
        // Of this one the strict process has just heard that it is good.
        assert.equal((await lax.post(`/end/${unheardId}`)).status, 200)
        const endedAt = performance.now()
        await begin(redis)

        await flows.valid.strict.next(isUnavailable)
        await flows.valid.lax.next(isIn(valid))
        for (const flow of Object.values(flows.ended)) await flow.next(isOut)
        await flows.unheard.lax.next(isOut)
        const failed = await Promise.all([
          ...[strict, lax].flatMap(process => [process.post(`/end/${triedId}`), process.post('/once/away'), process.post('/logout', cookies.leaving), process.get(`/sessions/${valid}`)]),
          strict.post('/touch', cookies.valid),
          strict.post('/login?user=new')
        ])
        assert.deepEqual(failed.map(({ status }) => status), Array(10).fill(503))
        assert.deepEqual(failed.flatMap(({ headers }) => headers.getSetCookie()), [])
        const during = await lax.login('new')
        assert.equal(await lax.who(during), 'new')
        assert.equal((await lax.post('/touch', during)).status, 200)

        await end(redis)
        await areBack()
        await Promise.all([flows.valid.strict, flows.valid.lax].map(async flow => { await flow.next(isIn(valid)) }))
        for (const process of [strict, lax]) assert.equal(await process.who(during), 'new')
        await flows.unheard.strict.next(losesData ? isIn(unheard) : isOut)

        const ofValid = await Promise.all(Object.values(flows.valid).map(async flow => await flow.stop()))
        assert.deepEqual(ofValid[0]!.filter(answer => !isIn(valid)(answer) && !isUnavailable(answer)), [])
        assert.deepEqual(ofValid[1]!.filter(answer => !isIn(valid)(answer)), [])
        for (const flow of Object.values(flows.ended)) assert.deepEqual((await flow.stop()).filter(answer => !isOut(answer)), [])
        assert.deepEqual((await flows.unheard.lax.stop()).filter(answer => answer.sent > endedAt && !isOut(answer)), [], 'the process that has ended it knows')
        const ofUnheard = (await flows.unheard.strict.stop()).filter(({ sent }) => sent > endedAt + CACHE_TTL * 1000)
        if (losesData) {
          // Nobody has the revocation any more but the process that made it: docs/evidence/reliability.md says to revoke all.
          assert.equal((await lax.post('/all')).status, 200)
          await until(async () => await strict.who(cookies.unheard) === 'nobody' && await strict.who(cookies.valid) === 'nobody')
        } else {
          assert.deepEqual(ofUnheard.filter(answer => !isOut(answer) && !isUnavailable(answer)), [])
          await endInBoth(cookies.tried)
        }
      })
    }

    it('the registry that was lost with Redis logs nobody out, and lists each session again once it is sealed again', async () => {
      const ann = user()
      const cookie = await strict.login(ann)
      const id = await strict.idOf(cookie)
      const listed = async (process: AppProcess): Promise<unknown> => await (await process.get(`/sessions/${ann}`)).json()
      assert.deepEqual([await listed(strict), await listed(lax)], [[id], [id]])
      await redis.kill()
      await redis.forget()
      await redis.start()
      await areBack()
      assert.deepEqual([await listed(strict), await listed(lax)], [[], []])
      assert.deepEqual([await strict.who(cookie), await lax.who(cookie)], [ann, ann])
      await strict.post('/touch', cookie)
      await until(async () => (await listed(lax) as string[]).includes(id))
    })
  })
}
