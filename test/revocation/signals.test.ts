// Signals of sessions that are ended on the server, in this process and in another.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import FakeTimers from '@sinonjs/fake-timers'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import { WebSocket } from 'ws'
import { sessionInfo, sessionSignal } from '../../src/index.ts'
import { MemoryStore, type SessionRevocationOptions } from '../../src/revocation/index.ts'
import { get, post, type Bag } from '../support/app.ts'
import { cookieOf } from '../support/helpers.ts'
import { appWithLogins, login, subject } from '../support/revocation.ts'

interface Server {
  app: FastifyInstance
  signals: AbortSignal[]
  ids: string[]
}

/** A server whose route /open takes the signal of the session. */
async function server (revocation: SessionRevocationOptions, t?: TestContext): Promise<Server> {
  const signals: AbortSignal[] = []
  const ids: string[] = []
  const app = await appWithLogins({
    revocation,
    after: app => {
      app.get('/open', async ({ session }) => {
        signals.push(sessionSignal(session))
        ids.push(String(sessionInfo(session).id))
        return (session as Bag).user
      })
      app.get('/others', async ({ session }) => {
        signals.push(sessionSignal(session))
        await app.revokeOtherSessions(session)
        return 'ended'
      })
      app.post('/revoke', async request => {
        signals.push(sessionSignal(request.session))
        await app.revokeSession(request.session)
        return 'revoked'
      })
      app.post('/signal-login', async ({ session, body }) => {
        Object.assign(session, body)
        signals.push(sessionSignal(session))
        return 'in'
      })
    }
  })
  t?.after(async () => { await app.close() })
  return { app, signals, ids }
}

async function open ({ app, signals }: Server, cookie: string): Promise<AbortSignal> {
  const { body } = await get(app, '/open', cookie)
  assert.equal(body, 'ann')
  return signals.at(-1) ?? assert.fail('no signal')
}

function endOf (signal: AbortSignal): unknown {
  return signal.aborted ? (signal.reason as { end: unknown }).end : null
}

describe('in the process that ends a session, its signal fires at once', () => {
  const ENDS: Record<string, (server: Server, cookie: string) => Promise<unknown>> = {
    'a logout by another request': async ({ app }, cookie) => await post(app, '/logout', cookie),
    'another login in the same browser': async ({ app }, cookie) => await login(app, 'ann', cookie),
    revokeSession: async ({ app }, cookie) => await post(app, '/revoke', cookie),
    revokeSessionId: async ({ app, ids }) => { await app.revokeSessionId(ids[0]!) },
    revokeSubject: async ({ app }) => { await app.revokeSubject('ann') },
    'revokeOtherSessions of another session': async ({ app }) => await get(app, '/others', await login(app)),
    revokeAll: async ({ app }) => { await app.revokeAll() }
  }
  for (const [what, end] of Object.entries(ENDS)) {
    it(what, async t => {
      const at = await server({ cacheTtl: 300 }, t)
      const cookie = await login(at.app)
      const [signal, other] = [await open(at, cookie), await open(at, cookie)]
      await end(at, cookie)
      await turn()
      assert.deepEqual([endOf(signal), endOf(other)], ['revoked', 'revoked'])
    })
  }

  it('and no other', async t => {
    const at = await server({ cacheTtl: 300 }, t)
    const signal = await open(at, await login(at.app))
    await at.app.revokeSubject('bob')
    await post(at.app, '/logout', await login(at.app, 'bob'))
    await turn()
    assert.equal(endOf(signal), null)
  })

  it('but not that of the session that ends the others', async t => {
    const at = await server({ cacheTtl: 300 }, t)
    const response = await get(at.app, '/others', await login(at.app))
    assert.equal(response.body, 'ended')
    await turn()
    assert.equal(endOf(at.signals[0]!), null)
    assert.equal((await get(at.app, '/me', cookieOf(response))).body, 'ann')
  })

  it('but not that of a login after all sessions of the user were ended', async t => {
    const at = await server({ cacheTtl: 300 }, t)
    const anonymous = cookieOf(await post(at.app, '/write', undefined, { cart: 1 }))
    await at.app.revokeSubject('ann')
    const response = await post(at.app, '/signal-login', anonymous, { user: 'ann' })
    await turn()
    assert.equal(endOf(at.signals[0]!), null)
    await post(at.app, '/logout', cookieOf(response))
    await turn()
    assert.equal(endOf(at.signals[0]!), 'revoked')
  })
})

describe('in another process, the signal of a session that was ended', () => {
  /** Stops the time, timers included: no test waits. */
  function stopTimers (t: TestContext): FakeTimers.Clock {
    const clock = FakeTimers.install({ now: 1_800_000_000_000, toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    t.after(() => clock.uninstall())
    return clock
  }

  for (const cacheTtl of [2, 10]) {
    it(`fires within a cacheTtl of ${cacheTtl} s`, async t => {
      const clock = stopTimers(t)
      const store = new MemoryStore()
      const [here, there] = [await server({ store, cacheTtl }, t), await server({ store, cacheTtl }, t)]
      const cookie = await login(here.app)
      const signal = await open(there, cookie)
      for (const quiet of [3, 5]) {
        await clock.tickAsync(quiet * 1000)
        assert.equal(endOf(signal), null)
      }
      await post(here.app, '/logout', cookie)
      await clock.tickAsync(cacheTtl * 1000)
      assert.equal(endOf(signal), 'revoked')
    })
  }

  it('fires although others began a moment ago', async t => {
    const clock = stopTimers(t)
    const store = new MemoryStore()
    const [here, there] = [await server({ store }, t), await server({ store }, t)]
    const cookie = await login(here.app)
    const signal = await open(there, cookie)
    await post(here.app, '/logout', cookie)
    for (let time = 0; time < 4; time++) {
      await clock.tickAsync(500)
      await open(there, await login(there.app))
    }
    assert.equal(endOf(signal), 'revoked')
  })

  it('costs one question for all of them', async t => {
    const clock = stopTimers(t)
    const store = new MemoryStore()
    const asked: string[][] = []
    const counting = { get: (key: string) => store.get(key), set: (...values: Parameters<MemoryStore['set']>) => store.set(...values), getMany: (keys: string[]) => { asked.push(keys); return keys.map(key => store.get(key)) } }
    const at = await server({ store: counting as never }, t)
    const signals: AbortSignal[] = []
    for (let user = 0; user < 50; user++) signals.push(await open(at, await login(at.app)))
    asked.length = 0
    await clock.tickAsync(2000)
    assert.equal(asked.length, 1)
    await clock.tickAsync(6000)
    assert.equal(asked.length, 4)
    await at.app.close()
    await clock.tickAsync(60_000)
    assert.equal(asked.length, 4)
  })

  it('waits for a store that is away, and fires when it is back', async t => {
    const clock = stopTimers(t)
    const store = new MemoryStore()
    let isAway = false
    const away = { get: (key: string) => { if (isAway) throw new Error('away'); return store.get(key) }, set: (...values: Parameters<MemoryStore['set']>) => store.set(...values) }
    const [here, there] = [await server({ store }, t), await server({ store: away as never }, t)]
    const cookie = await login(here.app)
    const signal = await open(there, cookie)
    isAway = true
    await post(here.app, '/logout', cookie)
    await clock.tickAsync(10_000)
    assert.equal(endOf(signal), null)
    isAway = false
    await clock.tickAsync(2000)
    assert.equal(endOf(signal), 'revoked')
  })

  it('fires for a stamp that has changed', async t => {
    const clock = stopTimers(t)
    let version = '1'
    const at = await server({ subject, stamp: () => version }, t)
    const signal = await open(at, await login(at.app))
    await clock.tickAsync(4000)
    assert.equal(endOf(signal), null)
    version = '2'
    await clock.tickAsync(2000)
    assert.equal(endOf(signal), 'stamp-changed')
  })

  it('fires for a session of decodeSecureSession', async t => {
    const clock = stopTimers(t)
    const store = new MemoryStore()
    const [here, there] = [await server({ store }, t), await server({ store }, t)]
    const cookie = await login(here.app)
    const session = there.app.decodeSecureSession({ headers: { cookie } })
    const signal = sessionSignal(session ?? assert.fail('it does not open'))
    await clock.tickAsync(2000)
    assert.equal(endOf(signal), null)
    await post(here.app, '/logout', cookie)
    await clock.tickAsync(2000)
    assert.equal(endOf(signal), 'revoked')
  })
})

describe('a WebSocket of @fastify/websocket', () => {
  it('is closed at once when its user logs out in another request', async t => {
    const app = await appWithLogins({
      t,
      before: app => app.register(websocket),
      after: app => app.register(async app => {
        app.get('/socket', { websocket: true }, (socket, { session }) => {
          const { user } = session as Bag
          sessionSignal(session).addEventListener('abort', () => { socket.close(1008, 'session ended') })
          socket.send(String(user))
        })
      })
    })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const cookie = cookieOf(await post(app, '/login', undefined, { user: 'ann' }))
    const client = new WebSocket(`${url.replace('http', 'ws')}/socket`, { headers: { cookie } })
    const [message] = await once(client, 'message') as [Buffer]
    assert.equal(String(message), 'ann')
    // Nobody has kept the signal or the session: the connection holds them.
    setFlagsFromString('--expose-gc')
    for (let time = 0; time < 10; time++) {
      await turn()
      ;(runInNewContext('gc') as () => void)()
    }
    const closed = once(client, 'close')
    await post(app, '/logout', cookie)
    const [code, reason] = await closed as [number, Buffer]
    assert.deepEqual([code, String(reason)], [1008, 'session ended'])
  })
})
