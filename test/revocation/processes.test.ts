// Two real processes of one app that share a Redis.
import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { after, before, describe, it } from 'node:test'
import { newKey } from '../support/helpers.ts'
import { RedisServer, noRedis } from './redis-server.ts'

const CACHE_TTL = 0.5 // seconds
const child = fileURLToPath(new URL('process-child.ts', import.meta.url))

for (const [how, kind] of Object.entries({ 'through Keyv': 'keyv', 'with redisStore': 'redis' })) {
  describe(`two processes of one app, ${how}`, { skip: noRedis }, () => {
    const children: ChildProcess[] = []
    let redis: RedisServer
    let a = ''
    let b = ''

    before(async () => {
      redis = await RedisServer.create()
      const args = [String(redis.port), newKey().toString('hex'), String(CACHE_TTL), kind]
      const start = async (): Promise<string> => {
        const started = fork(child, args, { execArgv: ['--import', 'tsx'] })
        children.push(started)
        const [port] = await once(started, 'message') as [number]
        return `http://127.0.0.1:${port}`
      }
    ;[a, b] = await Promise.all([start(), start()])
    })
    after(async () => {
      for (const started of children) if (started.kill('SIGKILL')) await once(started, 'exit')
      await redis.remove()
    })

    const send = async (base: string, path: string, cookie = ''): Promise<Response> =>
      await fetch(base + path, { method: ['/me', '/id'].includes(path) ? 'GET' : 'POST', headers: { cookie } })
    const login = async (): Promise<string> => (await send(a, '/login')).headers.getSetCookie()[0]!.split(';')[0]! // it sends one
    const who = async (base: string, cookie: string): Promise<string> => await (await send(base, '/me', cookie)).text()

    for (const path of ['/logout', '/everywhere', '/end/:id']) {
      it(`what ends in one is at an end there at once, and within cacheTtl in the other: ${path}`, async t => {
        const cookie = await login()
        assert.deepEqual([await who(a, cookie), await who(b, cookie)], ['ann', 'ann'])
        const id = await (await send(b, '/id', cookie)).text()
        // To end one by its id needs no cookie of it.
        await send(a, path.replace(':id', id), path.endsWith(':id') ? '' : cookie)
        const ended = performance.now()
        assert.equal(await who(a, cookie), 'nobody')
        let took = 0
        for (let answer = ''; answer !== 'nobody';) {
          const asked = performance.now() - ended
          answer = await who(b, cookie)
          assert.ok(answer === 'nobody' || asked < CACHE_TTL * 1000, `still ${answer} after ${asked} ms`)
          took = performance.now() - ended
        }
        t.diagnostic(`in force in the other process after ${Math.round(took)} ms`)
        assert.equal(await who(b, await login()), 'ann', 'a login right after works')
      })
    }

    it('others end, and the one that asked goes on in both', async () => {
      const [here, there] = [await login(), await login()]
      assert.equal(await who(b, there), 'ann')
      const next = (await send(a, '/others', here)).headers.getSetCookie()[0]!.split(';')[0]! // it sends one
      await new Promise(resolve => setTimeout(resolve, CACHE_TTL * 1000))
      assert.deepEqual([await who(b, next), await who(b, here), await who(b, there)], ['ann', 'nobody', 'nobody'])
    })

    it('an id is used once in both, if the store can tell', async () => {
      const answers = await Promise.all([a, b, a, b].map(async base => await send(base, '/once/x')))
      if (kind === 'keyv') return assert.deepEqual(answers.map(({ status }) => status), [500, 500, 500, 500])
      assert.deepEqual((await Promise.all(answers.map(async answer => await answer.text()))).sort(), ['false', 'false', 'false', 'true'])
    })
  })
}
