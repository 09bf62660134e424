// Round trips to a real Redis, counted between the app and Redis, by what passes there.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { redisStore, type RevocationStore } from '../../src/revocation/index.ts'
import { post, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithLogins, login, who } from '../support/revocation.ts'
import { RedisServer, noRedis } from './redis-server.ts'

/** Passes everything on, and counts how often Redis is spoken to after it has answered. */
class CountingProxy {
  #roundTrips = 0
  readonly #sockets = new Set<Socket>()
  readonly #server: Server

  private constructor (port: number) {
    this.#server = createServer(socket => { this.#passOn(socket, connect({ port, host: '127.0.0.1' })) })
  }

  static async start (port: number): Promise<CountingProxy> {
    const proxy = new CountingProxy(port)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port (): number { return (this.#server.address() as AddressInfo).port }

  #passOn (app: Socket, redis: Socket): void {
    let isAsked = false
    app.on('data', data => {
      if (!isAsked) this.#roundTrips++
      isAsked = true
      redis.write(data)
    })
    redis.on('data', data => {
      isAsked = false
      app.write(data)
    })
    for (const [one, other] of [[app, redis], [redis, app]] as const) {
      this.#sockets.add(one)
      one.on('close', () => { other.destroy() }).on('error', () => { other.destroy() })
    }
  }

  /** Round trips since the last time. */
  take (): number {
    const roundTrips = this.#roundTrips
    this.#roundTrips = 0
    return roundTrips
  }

  close (): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}

interface Connected { store: RevocationStore, close: () => void }

const CLIENTS: Record<string, (port: number) => Promise<Connected>> = {
  async redis (port) {
    const client = createClient({ url: `redis://127.0.0.1:${port}`, disableOfflineQueue: true })
    client.on('error', () => {})
    await client.connect()
    return { store: redisStore(client), close: () => { client.destroy() } }
  },
  async ioredis (port) {
    const client = new Redis(port, '127.0.0.1', { enableOfflineQueue: false, lazyConnect: true })
    client.on('error', () => {})
    await client.connect()
    return { store: redisStore(client), close: () => { client.disconnect() } }
  }
}

const subject = (session: object): string[] => {
  const { user } = session as Bag
  return typeof user === 'string' ? [user, `tenant:${user}`, `sid:${user}`] : []
}

for (const [name, open] of Object.entries(CLIENTS)) {
  describe(`with a client of ${name}, Redis is asked`, { skip: noRedis }, () => {
    let redis: RedisServer
    let proxy: CountingProxy
    let connected: Connected
    let app: FastifyInstance

    before(async () => {
      redis = await RedisServer.create()
      proxy = await CountingProxy.start(redis.port)
      connected = await open(proxy.port)
      app = await appWithLogins({ revocation: { store: connected.store, subject, storeTimeout: 5 } })
    })
    after(async () => {
      connected.close()
      proxy.close()
      await redis.remove()
    })

    it('in one round trip for a session that is not known, with three subjects too, and in none while it is known', async t => {
      const clock = stopClock(t)
      const cookie = await login(app)
      clock.tick(5000)
      proxy.take()
      assert.equal(await who(app, cookie), 'ann')
      assert.equal(proxy.take(), 1)
      assert.equal(await who(app, cookie), 'ann')
      assert.equal(proxy.take(), 0)
    })

    it('in one round trip before a session that is known is sealed again', async t => {
      stopClock(t)
      const cookie = await login(app)
      await who(app, cookie)
      proxy.take()
      assert.equal((await post(app, '/write', cookie, { theme: 'dark' })).statusCode, 200)
      assert.equal(proxy.take(), 1)
    })
  })
}
