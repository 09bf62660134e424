// Messages about the lives of sessions: by which road one begins, goes on and ends.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import { WebSocket } from 'ws'
import secureSession, { authenticated, Keyring, sessionInfo } from '../../src/index.ts'
import { MemoryStore, sessionRevocation } from '../../src/revocation/index.ts'
import { get, newApp, post, readyApp, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { cookieOf, gate, newKey } from '../support/helpers.ts'
import { followLives, take, words } from '../support/lifecycle.ts'
import { idOf } from '../support/registry.ts'
import { appWithLogins, login, TestStore, who, type LoginsSetup } from '../support/revocation.ts'

/** An app with a `POST` route for each handler, beside those of appWithLogins. */
async function appWithRoutes (routes: Record<string, (request: never, app: FastifyInstance) => unknown>, setup: LoginsSetup = {}): Promise<FastifyInstance> {
  const handlers = Object.entries(routes).map(([path, handler]) => [`POST ${path}`, (request: { server: FastifyInstance }) => handler(request as never, request.server)])
  return await appWithLogins({ ...setup, routes: Object.fromEntries(handlers) as LoginsSetup['routes'] & object })
}

type With = { session: Bag, body: object }

describe('a session has begun', () => {
  it('once its cookie has left, once: reads, writes and touches tell nothing', async t => {
    const app = await appWithLogins()
    const messages = followLives(t)
    const cookie = await login(app)
    assert.deepEqual(take(messages), ['begun'])
    await get(app, '/me', cookie)
    await post(app, '/write', cookie, { n: 1 })
    await post(app, '/touch', cookie)
    assert.deepEqual(take(messages), [])
  })

  it('for a login in a hook', async t => {
    const app = await appWithLogins({
      before: () => {},
      after: app => {
        app.get('/sso', { preHandler: async ({ session }) => { session.regenerate(); (session as Bag).user = 'ann' } }, async () => 'in')
      }
    })
    const messages = followLives(t)
    const cookie = cookieOf(await get(app, '/sso'))
    assert.deepEqual(messages.map(({ event, id, subjects }) => [event, id, subjects.length]), [['begun', await idOf(app, cookie), 1]])
  })

  it('for a login without regenerate() too, with the id of the visitor whose session it goes on from', async t => {
    const app = await appWithLogins()
    const messages = followLives(t)
    const visitor = cookieOf(await post(app, '/write', undefined, { cart: 1 }))
    const before = await idOf(app, visitor)
    assert.deepEqual(messages.splice(0).map(({ event, id, subjects }) => [event, id, subjects]), [['begun', before, []]])
    const cookie = cookieOf(await post(app, '/write', visitor, { user: 'ann' }))
    assert.deepEqual(messages.map(({ event, id, previousId, subjects }) => [event, id, previousId, subjects.length]), [['begun', await idOf(app, cookie), before, 1]])
  })

  it('if it takes the place of another, which has ended', async t => {
    const app = await appWithLogins()
    const cookie = await login(app)
    const id = await idOf(app, cookie)
    const messages = followLives(t)
    const next = await login(app, 'bob', cookie)
    assert.deepEqual(words(messages), ['ended replaced', 'begun'])
    assert.deepEqual(messages.map(({ id, previousId }) => [id, previousId]), [[id, null], [await idOf(app, next), null]])
    assert.notDeepEqual(messages[0]!.subjects, messages[1]!.subjects)
  })

  it('also if the handler throws after the login, since the cookie leaves with the error', async t => {
    const app = await appWithRoutes({ '/boom': ({ session }: With) => { session.regenerate(); session.user = 'ann'; throw new Error('after the login') } })
    const messages = followLives(t)
    const response = await post(app, '/boom')
    assert.equal(response.statusCode, 500)
    assert.equal(await who(app, cookieOf(response)), 'ann')
    assert.deepEqual(words(messages), ['begun'])
  })

  it('if an async handler sends without returning the reply', async t => {
    const app = await appWithLogins({
      after: app => {
        app.post('/sends', async ({ session }, reply) => { session.regenerate(); (session as Bag).user = 'ann'; reply.send('in') })
      }
    })
    const messages = followLives(t)
    cookieOf(await post(app, '/sends'))
    assert.deepEqual(messages.map(({ event, subjects }) => [event, subjects.length]), [['begun', 1]])
  })

  it('once, as the last of two users who log in in one request', async t => {
    const app = await appWithRoutes({
      '/twice': ({ session }: With) => { for (const user of ['ann', 'bob']) { session.regenerate(); session.user = user } }
    })
    const cookie = await login(app, 'carl')
    const messages = followLives(t)
    const next = cookieOf(await post(app, '/twice', cookie))
    assert.deepEqual(words(messages), ['ended replaced', 'begun'])
    assert.equal(messages[1]!.id, await idOf(app, next))
    messages.length = 0
    await app.revokeSubject('bob')
    assert.deepEqual(messages[0]!.subjects.length, 1)
  })

  it('by no login that a logout follows in the same request', async t => {
    const app = await appWithRoutes({
      '/inout': ({ session }: With) => { session.regenerate(); session.user = 'bob'; sessionInfo(session); session.delete() }
    })
    const messages = followLives(t)
    await post(app, '/inout')
    assert.deepEqual(take(messages), [])
    const cookie = await login(app)
    const id = await idOf(app, cookie)
    messages.length = 0
    await post(app, '/inout', cookie)
    assert.deepEqual(messages.map(({ event, cause, id }) => [event, cause, id]), [['ended', 'logout', id]])
  })

  it('never if its cookie did not leave: the response failed, the app sent another one, or the client had gone', async t => {
    const app = await appWithLogins({
      after: app => {
        const logIn = (session: Bag): void => { session.regenerate(); session.user = 'ann' }
        app.post('/unstorable', async ({ session }) => { logIn(session as Bag); (session as Bag).big = 1n })
        app.post('/raw', ({ session }, reply) => { logIn(session as Bag); reply.hijack(); reply.raw.end('raw') })
        app.post('/dropped', ({ session }, reply) => { logIn(session as Bag); reply.hijack(); reply.raw.destroy() })
        app.post('/null', async request => { logIn(request.session as Bag); request.session = null as never; return 'nothing' })
        app.post('/taken', async ({ session }) => { logIn(session as Bag); return 'in' })
        app.addHook('onSend', async (request, reply) => { if (request.url === '/taken') reply.removeHeader('set-cookie') })
      }
    })
    const messages = followLives(t)
    for (const path of ['/unstorable', '/raw', '/null', '/taken']) await post(app, path)
    await post(app, '/dropped').catch(() => {})
    assert.deepEqual(words(messages), [])
  })

  it('for one that is assigned, with the end of the one before', async t => {
    const app = await appWithLogins({
      after: app => {
        app.post('/assign', async request => { request.session = app.createSecureSession({ user: 'bob' }); return 'assigned' })
      }
    })
    const cookie = await login(app)
    const id = await idOf(app, cookie)
    const messages = followLives(t)
    const next = cookieOf(await post(app, '/assign', cookie))
    assert.deepEqual(messages.map(({ event, id, previousId }) => [event, id, previousId]), [['ended', id, null], ['begun', await idOf(app, next), null]])
  })
})

describe('apart from the hooks', () => {
  it('a session begins with a response that the handler writes itself', async t => {
    const app = await appWithLogins({
      after: app => {
        app.post('/events', async ({ session }, reply) => {
          session.regenerate();
          (session as Bag).user = 'ann'
          reply.hijack()
          reply.raw.writeHead(200, { 'set-cookie': await reply.sessionCookies() }).end('data: in')
        })
      }
    })
    const messages = followLives(t)
    const id = await idOf(app, cookieOf(await post(app, '/events')))
    assert.deepEqual(messages.map(({ event, id, subjects }) => [event, id, subjects.length]), [['begun', id, 1]])
  })

  it('a session begins with a write after the hook that seals', async t => {
    const app = await appWithLogins({
      after: app => {
        app.post('/late', { onSend: async ({ session }) => { (session as Bag).user = 'ann' } }, async ({ session }) => { session.get('user'); return 'in' })
      }
    })
    const messages = followLives(t)
    const id = await idOf(app, cookieOf(await post(app, '/late')))
    assert.deepEqual(messages.map(({ event, id, subjects }) => [event, id, subjects.length]), [['begun', id, 1]])
  })

  it('a session ends by a logout in a WebSocket, at once', async t => {
    const app = await appWithLogins({
      before: app => { app.register(websocket) },
      after: app => {
        app.register(async inner => {
          inner.get('/chat', { websocket: true }, (socket, { session }) => {
            socket.on('message', () => { session.delete(); setImmediate(() => { socket.send('out') }) })
          })
        })
      }
    })
    t.after(async () => await app.close())
    const cookie = await login(app)
    const messages = followLives(t)
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const socket = new WebSocket(`${url.replace('http', 'ws')}/chat`, { headers: { cookie } })
    await once(socket, 'open')
    socket.send('log out')
    await once(socket, 'message')
    assert.deepEqual(words(messages), ['ended logout'])
    socket.terminate()
  })
})

describe('a session was renewed', () => {
  it('if it goes on for the same user under another id, with the id of before, whose end has no message of its own', async t => {
    const app = await appWithRoutes({
      '/regenerate': ({ session }: With) => { session.regenerate(['user']) },
      '/remember': ({ session }: With) => { session.options({ expiry: 1_000_000 } as never) },
      '/confirm': ({ session }: With) => { authenticated(session, 'password') }
    })
    let cookie = await login(app)
    const messages = followLives(t)
    for (const [path, expected] of [['/regenerate', ['renewed']], ['/remember', ['renewed']], ['/confirm', ['renewed', 'authenticated password']]] as const) {
      const before = await idOf(app, cookie)
      cookie = cookieOf(await post(app, path, cookie))
      assert.deepEqual(words(messages), expected, path)
      const id = await idOf(app, cookie)
      assert.deepEqual(messages.splice(0).map(({ id, previousId, subjects }) => [id, previousId, subjects.length]), [[id, before, 1], [id, null, 1]].slice(0, expected.length), path)
    }
  })

  it('if all others of its user were ended', async t => {
    const app = await appWithRoutes({
      '/others': async ({ session }: With, app) => { await app.revokeOtherSessions(session) },
      '/except': async ({ session }: With, app) => { await app.revokeSubject('ann', { except: session }) }
    })
    let cookie = await login(app)
    for (const path of ['/others', '/except']) {
      const before = await idOf(app, cookie)
      const messages = followLives(t)
      cookie = cookieOf(await post(app, path, cookie))
      assert.deepEqual(words(messages), ['ended revoked', 'renewed'], path)
      const [ended, renewed] = messages
      assert.deepEqual([ended!.id, renewed!.previousId, renewed!.id], [null, before, await idOf(app, cookie)])
      assert.deepEqual(ended!.subjects, renewed!.subjects)
    }
  })

  it('by nothing that keeps its id: a rotation, another format, rolling', async t => {
    const clock = stopClock(t)
    const keyring = new Keyring(newKey())
    const [store, session] = [new MemoryStore(), { key: keyring, rolling: true, expiry: 1000 }]
    const old = await appWithLogins({ session: { ...session, format: 'secretbox' }, revocation: { store } })
    const app = await appWithLogins({ session, revocation: { store } })
    const messages = followLives(t)
    const first = await login(old)
    let cookie = cookieOf(await get(app, '/me', first)) // another format
    keyring.rotate(newKey())
    cookie = cookieOf(await get(app, '/me', cookie)) // an older key
    clock.tick(600_000)
    cookie = cookieOf(await get(app, '/me', cookie)) // more than half of its time
    assert.deepEqual(words(messages), ['begun'])
    assert.equal(await idOf(app, cookie), messages[0]!.id)
  })
})

describe('a user has authenticated', () => {
  it('by each method, after the beginning of the session, once the cookie has left', async t => {
    const app = await appWithRoutes({
      '/both': ({ session }: With) => { session.regenerate(); session.user = 'ann'; authenticated(session, 'password'); authenticated(session, 'totp') },
      '/lost': ({ session }: With) => { session.user = 'ann'; authenticated(session, 'password'); session.big = 1n },
      '/undone': ({ session }: With) => { authenticated(session, 'password'); session.regenerate(); session.user = 'ann' }
    })
    const messages = followLives(t)
    const id = await idOf(app, cookieOf(await post(app, '/both')))
    assert.deepEqual(messages.map(message => message.id), [id, id, id])
    assert.deepEqual(take(messages), ['begun', 'authenticated password', 'authenticated totp'])
    assert.equal((await post(app, '/lost')).statusCode, 500)
    assert.deepEqual(take(messages), [])
    await post(app, '/undone')
    assert.deepEqual(take(messages), ['begun'], 'regenerate() has taken the time away')
  })
})

describe('a session has ended', () => {
  it('by a logout, once that is stored, and once: delete(), deleted = true, regenerate() and delete()', async t => {
    const app = await appWithRoutes({
      '/delete': ({ session }: With) => { session.delete() },
      '/deleted': ({ session }: With) => { (session as { deleted: boolean }).deleted = true },
      '/both': ({ session }: With) => { session.regenerate(); session.delete() },
      '/twice': ({ session }: With) => { session.delete(); session.delete() }
    })
    for (const path of ['/delete', '/deleted', '/both', '/twice']) {
      const cookie = await login(app)
      const id = await idOf(app, cookie)
      const messages = followLives(t)
      await post(app, path, cookie)
      assert.deepEqual(messages.map(({ event, cause, id, subjects }) => [event, cause, id, subjects.length]), [['ended', 'logout', id, 1]], path)
    }
  })

  it('by a logout also if the user was only taken out of it, as @fastify/passport does', async t => {
    const app = await appWithRoutes({
      '/logout-all': ({ session }: With) => { session.regenerate() },
      '/logout-keep': ({ session }: With) => { delete session.user; session.regenerate(['cart']) }
    })
    for (const [path, expected] of [['/logout-all', ['ended logout', 'begun']], ['/logout-keep', ['ended logout', 'begun']]] as const) {
      const cookie = cookieOf(await post(app, '/login', undefined, { user: 'ann', cart: 1 }))
      const messages = followLives(t)
      await post(app, path, cookie)
      assert.deepEqual(words(messages), expected, path)
      assert.deepEqual(messages.map(({ subjects }) => subjects.length), [1, 0], path)
    }
  })

  it('by nothing that could not be stored', async t => {
    const store = new TestStore()
    const app = await appWithLogins({ revocation: { store } })
    const cookie = await login(app)
    store.fail()
    const messages = followLives(t)
    assert.equal((await post(app, '/logout', cookie)).statusCode, 503)
    await app.revokeSubject('ann').catch(() => {})
    await app.revokeSessionId(await idOf(await appWithLogins(), cookie)).catch(() => {})
    assert.deepEqual(words(messages), [])
  })

  it('once, by the first of two processes, though the second one believes in it for a moment', async t => {
    const store = new MemoryStore()
    const [one, two] = [await appWithLogins({ revocation: { store, cacheTtl: 60 } }), await appWithLogins({ revocation: { store, cacheTtl: 60 } })]
    const cookie = await login(one)
    assert.equal(await who(two, cookie), 'ann')
    const messages = followLives(t)
    for (const app of [one, two]) await post(app, '/logout', cookie)
    assert.deepEqual(words(messages), ['ended logout'])
  })

  it('by no logout in a late hook that could not be stored, though the cookie was deleted', async t => {
    const store = new TestStore()
    const app = await appWithLogins({
      revocation: { store },
      after: app => { app.post('/late', { onSend: async ({ session }) => { store.fail(); session.delete() } }, async ({ session }) => session.get('user')) }
    })
    const cookie = await login(app)
    const messages = followLives(t)
    assert.match(String((await post(app, '/late', cookie)).headers['set-cookie']), /Max-Age=0/)
    await new Promise(setImmediate)
    assert.deepEqual(words(messages), [])
  })

  it('once, by the first of two who end it', async t => {
    const both = gate()
    const app = await appWithRoutes({ '/wait-and-log-out': async ({ session }: With) => { await both.opened; session.delete() } })
    const cookie = await login(app)
    const messages = followLives(t)
    const answers = [post(app, '/wait-and-log-out', cookie), post(app, '/wait-and-log-out', cookie)]
    await new Promise(setImmediate)
    both.open()
    await Promise.all(answers)
    assert.deepEqual(words(messages), ['ended logout'])
  })

  it('if it is stored, though the response never leaves', { timeout: 30_000 }, async t => {
    const store = new TestStore()
    const slow = gate()
    const app = await appWithLogins({
      revocation: { store },
      after: app => {
        app.post('/raw', ({ session }, reply) => { session.delete(); reply.hijack(); setImmediate(() => reply.raw.end('raw')) })
        app.post('/dropped', ({ session }, reply) => { session.delete(); reply.hijack(); setImmediate(() => reply.raw.destroy()) })
        app.post('/gone', ({ session }, reply) => {
          store.before = async () => { await slow.opened }
          session.delete()
          reply.hijack()
          reply.raw.once('close', slow.open).destroy()
        })
      }
    })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    t.after(async () => await app.close())
    for (const path of ['/raw', '/dropped', '/gone']) {
      const cookie = await login(app)
      const messages: string[] = []
      const told = new Promise<void>(resolve => followLives(t, message => { messages.push(...words([message])); resolve() }))
      await fetch(url + path, { method: 'POST', headers: { cookie } }).then(async response => await response.text(), () => {}) // it is dropped
      await told
      assert.deepEqual(messages, ['ended logout'], path)
    }
  })

  it('while a stream of events goes on: at once', async t => {
    const app = await appWithLogins({
      after: app => {
        app.post('/stream', async ({ session }, reply) => {
          reply.hijack()
          reply.raw.write('open')
          session.delete()
          await new Promise(setImmediate)
          reply.raw.end(take(messages).join())
        })
      }
    })
    const cookie = await login(app)
    const messages = followLives(t)
    assert.equal((await post(app, '/stream', cookie)).body, 'openended logout')
    assert.deepEqual(words(messages), [])
  })

  it('by the app: revokeSession, revokeSessionId, revokeSubject, revokeAll', async t => {
    const app = await appWithRoutes({ '/end': async ({ session }: With, app) => { await app.revokeSession(session) } })
    const cookie = await login(app)
    const [first, second] = [await idOf(app, cookie), await idOf(app, await login(app))]
    const messages = followLives(t)
    await post(app, '/end', cookie)
    await app.revokeSessionId(second)
    await app.revokeSessionId(second)
    await app.revokeSubject('ann')
    await app.revokeAll()
    assert.deepEqual(words(messages), Array.from({ length: 4 }, () => 'ended revoked'))
    assert.deepEqual(messages.map(({ id, subjects }) => [id, subjects.length]), [[first, 1], [second, 0], [null, 1], [null, 0]])
    assert.deepEqual(messages[0]!.subjects, messages[2]!.subjects)
  })

  it('by the app, also if nobody can say whose it was', async t => {
    const app = await appWithLogins()
    const messages = followLives(t)
    await app.revokeSession(app.createSecureSession({ user: 7 }))
    assert.deepEqual(messages.map(({ event, cause, subjects }) => [event, cause, subjects]), [['ended', 'revoked', []]])
  })

  it('by the limit of the registry: the oldest, or the login that is one too many', async t => {
    const limited = async (onMaxSessions: 'end-oldest' | 'refuse'): Promise<FastifyInstance> => await appWithLogins({
      registry: { maxSessions: 1, onMaxSessions }
    })
    const oldest = await limited('end-oldest')
    const first = await idOf(oldest, await login(oldest))
    const messages = followLives(t)
    const second = await idOf(oldest, await login(oldest))
    assert.deepEqual(messages.map(({ event, cause, id, subjects }) => [event, cause, id, subjects.length]), [['ended', 'limit', first, 1], ['begun', null, second, 1]])
    assert.deepEqual(messages[0]!.requestId, messages[1]!.requestId)
    const refusing = await limited('refuse')
    await login(refusing)
    messages.length = 0
    assert.equal((await post(refusing, '/login', undefined, { user: 'ann' })).statusCode, 409)
    assert.deepEqual(words(messages), ['ended limit'])
    assert.equal(messages[0]!.subjects.length, 1)
  })
})

describe('a session was refused', () => {
  it('if a request brings one that has ended, with its id and whose it was', async t => {
    const app = await appWithLogins()
    const cookie = await login(app)
    const id = await idOf(app, cookie)
    await post(app, '/logout', cookie)
    const messages = followLives(t)
    await get(app, '/me', cookie)
    assert.deepEqual(messages.map(({ event, reason, id, subjects }) => [event, reason, id, subjects.length]), [['refused', 'revoked', id, 1]])
  })

  it('once a request, for each reason', async t => {
    const clock = stopClock(t)
    const stamps = new Map([['ann', '1']])
    const keyring = new Keyring([newKey(), newKey()])
    const schema = (isValid: boolean) => ({ '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => isValid ? { value } : { issues: [{ message: 'no' }] } } })
    const setup = (isValid: boolean) => ({ session: { key: keyring, expiry: 100, schema: schema(isValid) }, revocation: { store: new MemoryStore(), stamp: async (user: string) => stamps.get(user) } })
    const [app, strict] = [await appWithLogins(setup(true)), await appWithLogins(setup(false))]
    const cookie = await login(app)
    const messages = followLives(t)
    const refused = async (app: FastifyInstance, cookie: string): Promise<string[]> => {
      await app.inject({ url: '/me', headers: { cookie } })
      return take(messages)
    }
    assert.deepEqual(await refused(app, 'session=garbage'), ['refused malformed'])
    assert.deepEqual(await refused(strict, cookie), ['refused schema-invalid'])
    stamps.set('ann', '2')
    clock.tick(20_000)
    assert.deepEqual(await refused(app, cookie), ['refused stamp-changed'])
    clock.tick(100_000)
    assert.deepEqual(await refused(app, cookie), ['refused expired'])
    keyring.rotate(newKey())
    keyring.retire(keyring.ids[1]!)
    assert.deepEqual(await refused(app, cookie), ['refused key-unknown'])
  })

  it('if its time or its key ends while a request uses it', async t => {
    const clock = stopClock(t)
    const app = await appWithRoutes({ '/slow': ({ session }: With) => { assert.equal(session.user, 'ann'); clock.tick(200_000); return String(session.user) } }, { session: { expiry: 100 } })
    const cookie = await login(app)
    const id = await idOf(app, cookie)
    const messages = followLives(t)
    assert.equal((await post(app, '/slow', cookie)).body, 'undefined')
    assert.deepEqual(messages.map(({ event, reason, id, subjects }) => [event, reason, id, subjects.length]), [['refused', 'expired', id, 1]])
  })

  it('by no end that comes while a request uses it: that end has its message', async t => {
    const app = await appWithRoutes({ '/self': async ({ session }: With, app) => { await app.revokeSession(session); return String(session.user) } })
    const cookie = await login(app)
    const messages = followLives(t)
    assert.equal((await post(app, '/self', cookie)).body, 'undefined')
    assert.deepEqual(words(messages), ['ended revoked'])
  })

  it('by no request that does not touch its session, and by none without a cookie', async t => {
    const app = newApp({ routes: { '/public': () => 'hello', '/me': ({ session }) => session.get('user') ?? 'nobody' } })
    const messages = followLives(t)
    await app.inject({ url: '/public', headers: { cookie: 'session=garbage' } })
    await app.inject('/me')
    assert.deepEqual(words(messages), [])
  })
})

describe('without revocation', () => {
  async function plain (): Promise<FastifyInstance> {
    return await readyApp({
      session: { key: newKey(), format: 'sealed' },
      routes: {
        'POST /login': ({ session }) => { session.regenerate(); session.set('user', 'ann') },
        'POST /keep': ({ session }) => { session.regenerate(['user']) },
        'POST /confirm': ({ session }) => { authenticated(session, 'password') },
        'POST /logout': ({ session }) => { session.delete() },
        'POST /flash': ({ session }) => { session.delete(); session.set('user', 'bye') },
        'POST /fail': ({ session }) => { session.delete(); (session as Bag).big = 1n },
        'POST /assign': request => { request.session = request.server.createSecureSession({ user: 'bob' }) },
        '/me': ({ session }) => session.get('user') ?? 'nobody'
      }
    })
  }

  it('the same is told, without ids and hashes, once it has left', async t => {
    const app = await plain()
    const messages = followLives(t)
    const cookie = cookieOf(await post(app, '/login'))
    await get(app, '/me', cookie)
    assert.deepEqual(take(messages), ['begun'])
    for (const [path, expected] of [
      ['/keep', ['renewed']], ['/confirm', ['renewed', 'authenticated password']], ['/login', ['ended replaced', 'begun']],
      ['/assign', ['ended replaced', 'begun']], ['/flash', ['ended logout', 'begun']], ['/logout', ['ended logout']]
    ] as const) {
      await post(app, path, cookie)
      assert.deepEqual([...new Set(messages.flatMap(({ id, previousId, subjects }) => [id, previousId, ...subjects]))], [null], path)
      assert.deepEqual(take(messages), expected, path)
    }
  })

  it('nothing is told of a visitor whose new session is deleted, and of a response that failed', async t => {
    const app = await plain()
    const cookie = cookieOf(await post(app, '/login'))
    const messages = followLives(t)
    await post(app, '/logout')
    assert.equal((await post(app, '/fail', cookie)).statusCode, 500)
    assert.deepEqual(words(messages), [])
  })

  it('and with a revocation that has no store, and for visitors, an end is told once it has left', async t => {
    const app = await appWithLogins({ revocation: { store: false, stamp: async () => '1' } })
    const messages = followLives(t)
    await post(app, '/logout', await login(app))
    assert.deepEqual(take(messages), ['begun', 'ended logout'])
    const stored = await appWithLogins()
    await post(stored, '/logout', cookieOf(await post(stored, '/write', undefined, { cart: 1 })))
    assert.deepEqual(take(messages), ['begun', 'ended logout'])
  })
})

describe('in a context of its own', () => {
  it('a session is told of, and nothing of the sessions beside it', async t => {
    const app = newApp({ plugin: null, routes: {} })
    for (const name of ['admin', 'shop'] as const) {
      app.register(async context => {
        context.register(secureSession, { key: newKey(), format: 'sealed', sessionName: name as never })
        context.register(sessionRevocation, { sessionName: name, store: new MemoryStore(), subject: session => session.get('user') })
        context.post(`/${name}`, async request => { (request as unknown as Record<string, Bag>)[name]!.user = 'ann'; return 'in' })
      })
    }
    await app.ready()
    const messages = followLives(t)
    await app.inject({ method: 'POST', url: '/admin' })
    await app.inject({ method: 'POST', url: '/shop' })
    assert.deepEqual(messages.map(({ sessionName, event, subjects }) => [sessionName, event, subjects.length]), [['admin', 'begun', 1], ['shop', 'begun', 1]])
  })
})
