// Routes with `extend: false`: requests that a page sends by itself, and that must not keep a session alive.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import { Keyring, sessionInfo } from '../../src/index.ts'
import { stopClock } from '../support/configurations.ts'
import { cookieOf, cookiesOf, newKey, warnings, type LogLine } from '../support/helpers.ts'
import { get, linesOf, logged, newApp, readyApp } from '../support/app.ts'

const ROLLING = { expiry: 100, rolling: true, absoluteTimeout: 1000 }

interface Setup {
  app: FastifyInstance
  lines: LogLine[]
}

/** Adds routes once the plugin is there to look at their settings. */
function afterPlugins (addRoutes: (app: FastifyInstance) => void): (app: FastifyInstance) => void {
  return app => { app.register(fp(async app => { addRoutes(app) })) }
}

/** An app with a poll that reads, one that writes, and the same route without the setting. */
async function appWithPolls (options: object | object[], config: unknown = { session: { extend: false } }): Promise<Setup> {
  const { lines, server } = logged()
  const poll = { config: config as object }
  const addRoutes = (app: FastifyInstance): void => {
    app.get('/login', async ({ session }) => { session.set('user', 'ann'); return 'in' })
    app.get('/read', async ({ session }) => session.get('user') ?? 'nobody')
    app.get('/poll', poll, async ({ session }) => session.get('user') ?? 'nobody')
    app.get('/poll/info', poll, async ({ session }) => sessionInfo(session))
    app.get('/poll/write', poll, async ({ session }) => { session.set('n', 1); return 'written' })
    app.get('/poll/touch', poll, async ({ session }) => { session.touch(); return 'touched' })
    app.get('/poll/push', poll, async ({ session }) => { (session.get('list') as number[]).push(1); return 'pushed' })
    app.get('/poll/delete', poll, async ({ session }) => { session.delete(); return 'out' })
    app.get('/list', async ({ session }) => { session.set('list', []); return 'list' })
  }
  return { app: await readyApp({ server, session: options, routes: afterPlugins(addRoutes) }), lines }
}

describe('a request to a route with extend: false', () => {
  async function halfway (t: TestContext, options: object = ROLLING): Promise<{ app: FastifyInstance, cookie: string }> {
    const clock = stopClock(t)
    const { app } = await appWithPolls({ key: newKey(), format: 'sealed', ...options })
    const cookie = cookieOf(await get(app, '/login'))
    clock.tick(60_000)
    return { app, cookie }
  }

  it('reads the session and does not renew it, as another route would', async t => {
    const { app, cookie } = await halfway(t)
    const polled = await get(app, '/poll', cookie)
    assert.equal(polled.body, 'ann')
    assert.deepEqual(linesOf(polled), [])
    assert.equal(linesOf(await get(app, '/read', cookie)).length, 1)
  })

  it('lets a session expire that nothing else uses', async t => {
    const clock = stopClock(t)
    const { app } = await appWithPolls({ key: newKey(), ...ROLLING })
    const cookie = cookieOf(await get(app, '/login'))
    for (let second = 20; second < 100; second += 20) {
      clock.tick(20_000)
      assert.equal((await get(app, '/poll', cookie)).body, 'ann', `at ${second}`)
    }
    clock.tick(20_000)
    assert.equal((await get(app, '/poll', cookie)).body, 'nobody')
  })

  it('shows the times that the session had', async t => {
    const { app, cookie } = await halfway(t)
    const { lastWriteAt } = (await get(app, '/poll/info', cookie)).json<{ lastWriteAt: string }>()
    assert.equal(Date.now() - Date.parse(lastWriteAt), 60_000)
  })

  it('sends what was written, also by touch() and in place, and a logout', async t => {
    const { app } = await halfway(t)
    const cookie = cookieOf(await get(app, '/list', cookieOf(await get(app, '/login'))))
    for (const path of ['write', 'touch', 'push', 'delete']) {
      assert.equal(linesOf(await get(app, `/poll/${path}`, cookie)).length, 1, path)
    }
  })

  it('does not seal a session again for a rotated key', async () => {
    const keyring = new Keyring([newKey()])
    const { app } = await appWithPolls({ key: keyring })
    const cookie = cookieOf(await get(app, '/login'))
    keyring.rotate(newKey())
    const polled = await get(app, '/poll', cookie)
    assert.equal(polled.body, 'ann')
    assert.deepEqual(linesOf(polled), [])
    assert.equal(linesOf(await get(app, '/read', cookie)).length, 1)
  })

  it('does not seal a session again in another format', async () => {
    const key = newKey()
    const cookie = cookieOf(await get((await appWithPolls({ key })).app, '/login'))
    const { app } = await appWithPolls({ key, format: 'sealed', accept: ['sealed', 'secretbox'] })
    assert.deepEqual(linesOf(await get(app, '/poll', cookie)), [])
    assert.equal(linesOf(await get(app, '/read', cookie)).length, 1)
  })

  it('extends none of several sessions', async t => {
    const clock = stopClock(t)
    const both = async (request: unknown): Promise<unknown> => ['session', 'other'].map(name => (request as Record<string, Map<string, unknown>>)[name]?.get('user'))
    const app = newApp({
      session: ['session', 'other'].map(sessionName => ({ sessionName, key: newKey(), ...ROLLING })),
      routes: afterPlugins(app => {
        app.get('/logins', async request => {
          for (const name of ['session', 'other']) (request as unknown as Record<string, Map<string, unknown>>)[name]?.set('user', name)
          return 'in'
        })
        app.get('/read', both)
        app.get('/poll', { config: { session: { extend: false } } }, both)
      })
    })
    const cookie = cookiesOf(await get(app, '/logins'))
    clock.tick(60_000)
    const polled = await get(app, '/poll', cookie)
    assert.deepEqual(polled.json(), ['session', 'other'])
    assert.equal(polled.headers['set-cookie'], undefined)
    assert.equal((await get(app, '/read', cookie)).headers['set-cookie']?.length, 2)
  })
})

describe('the config of a route', () => {
  for (const session of [{ extend: 'no' }, { extend: 0 }, { extend: null }, { extends: false }, { Extend: false }]) {
    it(`is refused when the route is added: ${JSON.stringify(session)}`, async () => {
      await assert.rejects(async () => await appWithPolls({ key: newKey() }, { session }), { code: 'FST_SEALED_SESSION_ROUTE_CONFIG', message: /GET \/poll: / })
    })
  }

  for (const session of ['required', false, { required: true }, ['a']]) {
    it(`is warned about once if it means nothing here: ${JSON.stringify(session)}`, async () => {
      const { app, lines } = await appWithPolls({ key: newKey() }, { session })
      const config = warnings(lines).filter(({ code }) => code === 'FST_SEALED_SESSION_WARN_ROUTE_CONFIG')
      assert.equal(config.length, 1)
      assert.equal((await get(app, '/poll')).body, 'nobody')
    })
  }

  for (const config of [{}, { session: undefined }, { session: null }, { session: {} }, { session: { extend: true } }, { session: { extend: undefined } }]) {
    it(`changes nothing: ${JSON.stringify(config)}`, async t => {
      const clock = stopClock(t)
      const { app, lines } = await appWithPolls({ key: newKey(), ...ROLLING }, config)
      assert.deepEqual(warnings(lines), [])
      const cookie = cookieOf(await get(app, '/login'))
      clock.tick(60_000)
      assert.equal(linesOf(await get(app, '/poll', cookie)).length, 1)
    })
  }

  it('is looked at in contexts inside, once, and holds there', async t => {
    const clock = stopClock(t)
    const { lines, server } = logged()
    const app = await readyApp({
      server,
      session: { key: newKey(), ...ROLLING },
      routes: app => {
        app.get('/login', async ({ session }) => { session.set('user', 'ann'); return 'in' })
        app.register(async app => {
          app.get('/poll', { config: { session: { extend: false } } }, async ({ session }) => session.get('user'))
          app.get('/own', { config: { session: { mine: 1 } as object } }, async () => 'own')
        })
      }
    })
    assert.equal(warnings(lines).filter(({ code }) => code === 'FST_SEALED_SESSION_WARN_ROUTE_CONFIG').length, 1)
    const cookie = cookieOf(await get(app, '/login'))
    clock.tick(60_000)
    assert.deepEqual(linesOf(await get(app, '/poll', cookie)), [])
  })
})
