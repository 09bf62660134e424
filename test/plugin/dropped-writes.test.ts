// A value that is set and dropped by regenerate() in the same request: a login in the wrong order answers 200, and nobody is logged in.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { get, post, readyApp, type Bag, type Handlers } from '../support/app.ts'
import { captureLog, cookieOf, newKey, warnings, type LogLine } from '../support/helpers.ts'
import { webServer, Jar } from '../support/fetch.ts'
import { createWebSessions } from '../../src/web/index.ts'

const CODE = 'FST_SEALED_SESSION_WARN_WRITE_DROPPED'

async function started (routes: Handlers, after?: (app: FastifyInstance) => unknown): Promise<{ app: FastifyInstance, told: () => LogLine[] }> {
  const { lines, logger } = captureLog('warn')
  const app = await readyApp({
    server: { logger },
    session: { key: newKey(), format: 'sealed', cookie: { path: '/' } },
    after,
    routes: { 'POST /begin': ({ session }) => { session.set('cart' as never, [1] as never); return '' }, ...routes }
  })
  return { app, told: () => warnings(lines.splice(0)).filter(({ code }) => code === CODE) }
}

const swapped: Handlers = {
  'POST /login': ({ session }) => {
    session.set('userId' as never, 1 as never)
    session.regenerate()
    return { loggedIn: true }
  }
}

describe('a value that is set before regenerate() in the same request', () => {
  it('is dropped with a warning, which says the route, the session and what to do', async () => {
    const { app, told } = await started(swapped)
    await post(app, '/login')
    const [line, ...others] = told()
    assert.deepEqual(others, [])
    assert.match(line?.msg ?? '', /^session "session": a value was set in a request of POST \/login, and regenerate\(\) then dropped it\. Call regenerate\(\) first/)
    assert.match(line?.msg ?? '', /name its key: regenerate\(\["cart"\]\)/)
    assert.doesNotMatch(line?.msg ?? '', /userId/)
  })

  it('is told once a route, for a visitor with a session and without one', async () => {
    const { app, told } = await started({ ...swapped, 'POST /other': swapped['POST /login']! })
    const cookie = cookieOf(await post(app, '/begin'))
    for (const brought of [cookie, undefined, cookie]) await post(app, '/login', brought)
    assert.equal(told().length, 1)
    await post(app, '/other', cookie)
    assert.equal(told().length, 1)
  })

  it('is told if a property was assigned, and if a hook has called regenerate()', async () => {
    const { app, told } = await started({ 'POST /login': ({ session }) => { Object.assign(session, { userId: 1 }); return '' } }, app => {
      app.addHook('preSerialization', async ({ session }, _reply, payload) => { session.regenerate(); return payload })
      app.get('/json', async ({ session }) => { (session as Bag).userId = 1; return {} })
    })
    await get(app, '/json')
    assert.equal(told().length, 1)
  })

  it('is told on the web entry as well', async () => {
    const messages: string[] = []
    const sessions = await createWebSessions({ key: newKey(), log: { warn: (_details: object, message: string) => { messages.push(message) } } })
    const ask = webServer(sessions, { '/login': (session: Bag) => { session.set('user', 'ann'); session.regenerate() } } as never, 'http://app.example')
    await ask('/login', new Jar())
    assert.equal(messages.filter(message => message.includes('regenerate() then dropped it')).length, 1)
  })
})

describe('the warning of a value that was dropped is not given', () => {
  const silent: Record<string, (session: Bag) => void> = {
    'for a value that is kept': session => { session.set('userId', 1); session.regenerate(['userId']) },
    'for a value that is kept by its name alone': session => { session.set('userId', 1); session.regenerate('userId') },
    'if the caller has named keys': session => { session.set('theme', 'dark'); session.regenerate(['cart']) },
    'for a session of which nothing was set in the request': session => { session.get('cart'); session.regenerate() },
    'in the right order': session => { session.regenerate(); session.set('userId', 1) },
    'for a session that is only touched before': session => { session.touch(); session.regenerate() },
    'if the value was removed before': session => { session.set('state', 1); delete session.state; session.regenerate() },
    'for a value that was cleared': session => { session.set('cart', null); session.set('state', undefined); session.regenerate() },
    'for a logout': session => { session.set('userId', 1); session.delete() },
    'for a second login in the request': session => { session.regenerate(); session.regenerate() },
    'after delete()': session => { session.set('userId', 1); session.delete(); session.regenerate() }
  }
  for (const [title, act] of Object.entries(silent)) {
    it(title, async () => {
      const { app, told } = await started({ 'POST /act': ({ session }) => { act(session as Bag); return '' } })
      const cookie = cookieOf(await post(app, '/begin'))
      for (const brought of [cookie, undefined]) await post(app, '/act', brought)
      assert.deepEqual(told(), [])
    })
  }

  it('if another session is assigned', async () => {
    const { app, told } = await started({
      'POST /assign': request => {
        request.session.set('state' as never, 1 as never)
        request.session = request.server.createSecureSession({ userId: 1 } as never)
        return ''
      }
    })
    await post(app, '/assign', cookieOf(await post(app, '/begin')))
    assert.deepEqual(told(), [])
  })
})
