// `request.session = …`
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyError, FastifyInstance } from 'fastify'
import { Keyring, sessionInfo, type Session } from '../../src/index.ts'
import { stopClock } from '../support/configurations.ts'
import { newKey, tokenOf } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, logged, newSession, properties, readyApp, tokenWith, type Bag } from '../support/app.ts'

describe('assigning to request.session', () => {
  const values: Array<[what: string, value: unknown, kind: RegExp]> = [
    ['an object', { user: 'hidden' }, /got an object/],
    ['an empty object', {}, /got an object/],
    ['an array', ['hidden'], /got an array/],
    ['text', 'hidden', /got a string/],
    ['a number', 1, /got a number/],
    ['false', false, /got false/],
    ['a function', () => 'hidden', /got a function/]
  ]
  for (const [what, value, kind] of values) {
    it(`${what} is a coded error that names the property and the kind, not the value`, async () => {
      const app = await readyApp({ routes: { '/': request => { properties(request).session = value } } })
      const response = await get(app)
      const { code, message } = response.json() as FastifyError
      assert.equal(response.statusCode, 500)
      assert.equal(code, 'FST_SEALED_SESSION_ASSIGNED')
      assert.match(message, /request\.session/)
      assert.match(message, kind)
      assert.doesNotMatch(message, /hidden/)
    })
  }

  it('a session of another app is an error too', async () => {
    const other = await readyApp()
    const app = await readyApp({ routes: { '/': request => { request.session = newSession(other, { n: 1 }) } } })
    const { code, message } = (await get(app)).json() as FastifyError
    assert.equal(code, 'FST_SEALED_SESSION_ASSIGNED')
    assert.match(message, /another app/)
  })

  it('a session that another request has is an error too: both users would get it', async () => {
    let shared: Session | undefined
    const app = await readyApp({ routes: { '/': request => { request.session = shared ??= newSession(app, { n: 1 }) } } })
    assert.deepEqual(contentOf(app, await get(app)), { n: 1 })
    const response = await get(app)
    assert.equal(response.json().code, 'FST_SEALED_SESSION_ASSIGNED')
    assert.deepEqual(linesOf(response), [])
  })

  it('the session of another request is an error too', async () => {
    const held: Session[] = []
    const app = await readyApp({
      routes: {
        '/keep': request => { held.push(request.session) },
        '/': request => { request.session = held[0]! }
      }
    })
    await get(app, '/keep')
    assert.equal((await get(app)).json().code, 'FST_SEALED_SESSION_ASSIGNED')
  })

  it('names the property of a session with a name of its own', async () => {
    const app = await readyApp({ session: { sessionName: 'login', key: newKey() }, routes: { '/': request => { properties(request).login = {} } } })
    assert.match((await get(app)).json().message, /request\.login/)
  })

  it('is refused in hooks as well', async () => {
    const app = await readyApp({ before: app => app.addHook('onRequest', async request => { properties(request).session = {} }), routes: { '/': () => {} } })
    assert.equal((await get(app)).json().code, 'FST_SEALED_SESSION_ASSIGNED')
  })

  it('leaves the session as it was, and what is written to it is sent', async () => {
    const app = await readyApp({
      routes: {
        '/': request => {
          request.session.set('n', 1)
          assert.throws(() => { properties(request).session = {} }, { code: 'FST_SEALED_SESSION_ASSIGNED' })
          request.session.set('m', 2)
        }
      }
    })
    assert.deepEqual(contentOf(app, await get(app)), { n: 1, m: 2 })
  })

  for (const [what, first] of Object.entries({ 'an untouched session': false, 'a changed session': true })) {
    it(`null is tolerated and discards the changes: ${what}`, async () => {
      const { lines, server } = logged('warn')
      const app = await readyApp({
        server,
        routes: {
          '/': request => {
            if (first) request.session.set('n', 2)
            properties(request).session = null
            return String(request.session)
          },
          '/get': ({ session }) => session.data()
        }
      })
      const cookie = cookieWith(app, { n: 1 })
      const response = await get(app, '/', cookie)
      assert.equal(response.statusCode, 200)
      assert.equal(response.body, 'null')
      assert.deepEqual(linesOf(response), [])
      assert.deepEqual(lines, [])
      assert.deepEqual((await get(app, '/get', cookie)).json(), { n: 1 })
    })
  }

  it('null keeps a session that an older key sealed from being sealed again', async () => {
    const [older, newer] = [newKey(), newKey()]
    const before = await readyApp({ session: { key: older } })
    const app = await readyApp({ session: { key: [newer, older] }, routes: { '/': request => { request.session.get('n'); properties(request).session = null } } })
    assert.deepEqual(linesOf(await get(app, '/', cookieWith(before, { n: 1 }))), [])
  })

  it('null discards one session of several, and in one request only', async () => {
    const app = await readyApp({
      session: ['one', 'two'].map(sessionName => ({ sessionName, key: newKey() })),
      routes: {
        '/': request => {
          const { one, two } = request as never as Record<'one' | 'two', typeof request.session>
          one.set('n', 1)
          two.set('n', 2)
          if (properties(request.query).discard !== undefined) properties(request).one = null
        }
      }
    })
    const discarded = await get(app, '/?discard=1')
    assert.deepEqual(linesOf(discarded, 'one'), [])
    assert.deepEqual(contentOf(app, discarded, 'two'), { n: 2 })
    assert.deepEqual(contentOf(app, await get(app), 'one'), { n: 1 })
  })
})

describe('assigning a session of this app to request.session', () => {
  it('a new one is the session of the request from then on, and is sent', async () => {
    const app = await readyApp({
      routes: {
        '/': request => {
          const session = newSession(app, { n: 1 })
          request.session = session
          assert.equal(request.session, session)
          session.set('m', 2)
          return request.session.data()
        }
      }
    })
    const response = await get(app, '/', cookieWith(app, { old: true }))
    assert.deepEqual(response.json(), { n: 1, m: 2 })
    assert.deepEqual(contentOf(app, response), { n: 1, m: 2 })
  })

  it('one that nothing was written to is sent as well', async () => {
    const app = await readyApp({ routes: { '/': request => { request.session = newSession(app) } } })
    assert.deepEqual(contentOf(app, await get(app, '/', cookieWith(app, { n: 1 }))), {})
  })

  it('one that was opened is sent like one that was written: its lifetime begins again', async test => {
    const clock = stopClock(test)
    const app = await readyApp({
      session: { key: newKey(), expiry: 100 },
      routes: {
        '/': request => { request.session = app.decodeSecureSession(request.headers['x-token'] as string)! }
      }
    })
    const token = tokenWith(app, { n: 1 })
    clock.tick(90_000)
    const sent = tokenOf(await app.inject({ url: '/', headers: { 'x-token': token } }))
    clock.tick(90_000)
    assert.equal(app.decodeSecureSession(token), null)
    assert.deepEqual(app.decodeSecureSession(sent)?.data(), { n: 1 })
  })

  it('one that has expired since it was opened reads as empty, and is not sent', async test => {
    const clock = stopClock(test)
    const app = await readyApp({
      session: { key: newKey(), expiry: 100 },
      routes: {
        '/': request => { request.session = opened; return sessionInfo(request.session) }
      }
    })
    const opened = app.decodeSecureSession(tokenWith(app, { n: 1 }))!
    clock.tick(100_000)
    const response = await get(app)
    assert.equal(response.json().reason, 'expired')
    assert.deepEqual(linesOf(response), [])
    assert.deepEqual(opened.data(), {})
  })

  it('what was written to the session before it is not sent, not even later', async () => {
    let late = (): void => {}
    const app = await readyApp({
      after: app => app.addHook('onSend', async () => { late() }),
      routes: {
        '/': request => {
          const before = request.session
          before.set('lost', true)
          request.session = newSession(app, { n: 1 })
          late = () => { before.set('lost', 'again') }
        }
      }
    })
    const response = await get(app)
    assert.equal(linesOf(response).length, 1)
    assert.deepEqual(contentOf(app, response), { n: 1 })
  })

  it('it takes the place of a cookie that is on the response already', async () => {
    const app = await readyApp({
      routes: {
        '/': async (request, reply) => {
          request.session.set('n', 1)
          await reply.sessionCookies()
          request.session = newSession(app, { n: 2 })
        }
      }
    })
    const response = await get(app)
    assert.equal(linesOf(response).length, 1)
    assert.deepEqual(contentOf(app, response), { n: 2 })
  })

  it('in an onSend hook that runs after the session was sealed, it is sent as well', async () => {
    const app = await readyApp({
      after: app => app.addHook('onSend', async request => { request.session = newSession(app, { n: 1 }) }),
      routes: { '/': () => {} }
    })
    assert.deepEqual(contentOf(app, await get(app)), { n: 1 })
  })

  it('the session that the request has already changes nothing', async () => {
    const app = await readyApp({ routes: { '/': request => { const { session } = request; request.session = session } } })
    assert.deepEqual(linesOf(await get(app, '/', cookieWith(app, { n: 1 }))), [])
  })

  it('after null, one may be assigned', async () => {
    const app = await readyApp({ routes: { '/': request => { properties(request).session = null; request.session = newSession(app, { n: 1 }) } } })
    assert.deepEqual(contentOf(app, await get(app)), { n: 1 })
  })

  it('of several names, a new one may take any, with the lifetime of that name, and an opened one its own', async test => {
    const clock = stopClock(test)
    const app = await readyApp({
      session: [{ sessionName: 'one', key: newKey(), expiry: 10 }, { sessionName: 'two', key: newKey(), expiry: 100 }],
      routes: {
        '/new': request => { properties(request).two = newSession(app, { n: 1 }) },
        '/own': request => { properties(request).two = app.decodeSecureSession(request.headers['x-token'] as string, undefined, 'two') },
        '/other': request => { properties(request).two = app.decodeSecureSession(request.headers['x-token'] as string, undefined, 'one') }
      }
    })
    const response = await get(app, '/new')
    clock.tick(50_000)
    assert.deepEqual(contentOf(app, response, 'two'), { n: 1 })
    const send = async (url: string, name: string) => await app.inject({ url, headers: { 'x-token': app.encodeSecureSession(newSession(app, { n: 2 }), name) } })
    assert.deepEqual(contentOf(app, await send('/own', 'two'), 'two'), { n: 2 })
    assert.equal((await send('/other', 'one')).json().code, 'FST_SEALED_SESSION_ASSIGNED')
  })
})

describe('a session assigned after the one of the request has ended', () => {
  const KINDS: Record<string, (app: FastifyInstance, read: Bag, token: string) => Session> = {
    'that was made of what was read before': (app, { user }) => newSession(app, { user: user as string }),
    'that was opened': (app, _read, token) => app.decodeSecureSession(token)!
  }
  const ENDS: Record<string, { options?: object, end: (world: { keyring: Keyring, tick: (milliseconds: number) => void }) => void }> = {
    'it expired': { end: ({ tick }) => { tick(61_000) } },
    'its absolute timeout passed': { options: { absoluteTimeout: 30 }, end: ({ tick }) => { tick(31_000) } },
    'its key left the list': { end: ({ keyring }) => { keyring.rotate(newKey()); keyring.retire(keyring.ids[1]!) } }
  }

  for (const [kind, make] of Object.entries(KINDS)) {
    for (const [title, { options, end }] of Object.entries(ENDS)) {
      for (const isDiscarded of [false, true]) {
        // A new one is not the older for it if time passes after the assignment.
        for (const order of title === 'its key left the list' ? ['before', 'after'] : ['before']) {
          it(`${kind} is not sent, with 409, when ${title} ${order} the assignment${isDiscarded ? ', and null was assigned between' : ''}`, async test => {
            const clock = stopClock(test)
            const keyring = new Keyring(newKey())
            const tick = (milliseconds: number): void => { clock.tick(milliseconds) }
            const app = await readyApp({
              session: { key: keyring, expiry: 60, ...options },
              routes: {
                '/': request => {
                  const read = { user: properties(request.session)['user'] } as unknown as Bag
                  const kept = request.session
                  if (order === 'before') end({ keyring, tick })
                  if (isDiscarded) properties(request).session = null
                  request.session = make(app, read, app.encodeSecureSession(newSession(app, { user: 'ann' })))
                  if (order === 'after') end({ keyring, tick })
                  return kept.data()
                }
              }
            })
            const response = await get(app, '/', cookieWith(app, { user: 'ann' }))
            assert.deepEqual([response.statusCode, response.json().code], [409, 'FST_SEALED_SESSION_ENDED'])
            assert.deepEqual(linesOf(response), [])
          })
        }
      }
    }
  }

  it('is sent when nobody had used the one that is not valid', async test => {
    const clock = stopClock(test)
    const app = await readyApp({ session: { key: newKey(), expiry: 60 }, routes: { '/': request => { request.session = newSession(app, { n: 1 }) } } })
    const cookie = cookieWith(app, { user: 'ann' })
    clock.tick(61_000)
    assert.deepEqual(contentOf(app, await get(app, '/', cookie)), { n: 1 })
  })
})

describe('a session that was opened and has ended before it is assigned', () => {
  for (const [title, use] of Object.entries({
    'looked at': (session: Session) => { session.data() },
    'written to': (session: Session) => { properties(session)['user'] = 'ann' },
    'regenerated, with what was read in it': (session: Session) => { session.regenerate(); properties(session)['user'] = 'ann' }
  })) {
    it(`is not sent, ${title} after it has ended`, async test => {
      const clock = stopClock(test)
      const app = await readyApp({ session: { key: newKey(), expiry: 60 }, routes: { '/': request => { request.session = opened } } })
      const opened = app.decodeSecureSession(tokenWith(app, { user: 'ann' }))!
      clock.tick(61_000)
      use(opened)
      assert.deepEqual(linesOf(await get(app)), [])
    })
  }

  it('is not sent when its key leaves the list after the assignment', async () => {
    const keyring = new Keyring(newKey())
    const app = await readyApp({
      session: { key: keyring },
      routes: {
        '/': request => {
          request.session = opened
          keyring.rotate(newKey())
          keyring.retire(keyring.ids[1]!)
        }
      }
    })
    const opened = app.decodeSecureSession(tokenWith(app, { user: 'ann' }))!
    assert.deepEqual(linesOf(await get(app)), [])
  })
})
