// Two real processes of one app that share a Redis.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { newKey } from '../support/helpers.ts'
import { AppProcess, cookieFrom } from './app-process.ts'
import { RedisServer, noRedis } from './redis-server.ts'

const CACHE_TTL = 0.5 // seconds

for (const [how, client] of [['through Keyv', 'keyv'], ['with redisStore', 'redis']] as const) {
  describe(`two processes of one app, ${how}`, { skip: noRedis }, () => {
    const started: AppProcess[] = []
    let redis: RedisServer
    let a: AppProcess
    let b: AppProcess

    before(async () => {
      redis = await RedisServer.create()
      const options = { port: redis.port, key: newKey().toString('hex'), cacheTtl: CACHE_TTL, client }
      const start = async (): Promise<AppProcess> => {
        const process = await AppProcess.start(options)
        started.push(process)
        return process
      }
      ;[a, b] = await Promise.all([start(), start()])
    })
    after(async () => {
      for (const process of started) await process.stop()
      await redis.remove()
    })

    for (const path of ['/logout', '/everywhere', '/end/:id']) {
      it(`what ends in one is at an end there at once, and within cacheTtl in the other: ${path}`, async t => {
        const cookie = await a.login()
        assert.deepEqual([await a.who(cookie), await b.who(cookie)], ['ann', 'ann'])
        const id = await b.idOf(cookie)
        // To end one by its id needs no cookie of it.
        await a.post(path.replace(':id', id), path.endsWith(':id') ? '' : cookie)
        const ended = performance.now()
        assert.equal(await a.who(cookie), 'nobody')
        let took = 0
        for (let answer = ''; answer !== 'nobody';) {
          const asked = performance.now() - ended
          answer = await b.who(cookie)
          assert.ok(answer === 'nobody' || asked < CACHE_TTL * 1000, `still ${answer} after ${asked} ms`)
          took = performance.now() - ended
        }
        t.diagnostic(`in force in the other process after ${Math.round(took)} ms`)
        assert.equal(await b.who(await b.login()), 'ann', 'a login right after works')
      })
    }

    it('others end, and the one that asked goes on in both', async () => {
      const [here, there] = [await a.login(), await a.login()]
      assert.equal(await b.who(there), 'ann')
      const next = cookieFrom(await a.post('/others', here))
      await new Promise(resolve => setTimeout(resolve, CACHE_TTL * 1000))
      assert.deepEqual([await b.who(next), await b.who(here), await b.who(there)], ['ann', 'nobody', 'nobody'])
    })

    it('an id is used once in both, if the store can tell', async () => {
      const answers = await Promise.all([a, b, a, b].map(async process => await process.post('/once/x')))
      if (client === 'keyv') return assert.deepEqual(answers.map(({ status }) => status), [500, 500, 500, 500])
      assert.deepEqual((await Promise.all(answers.map(async answer => await answer.text()))).sort(), ['false', 'false', 'false', 'true'])
    })
  })
}
