// `request.session = session`: where a session may be assigned, and what becomes of it in each place.
import assert from 'node:assert/strict'
import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Keyring, type Session } from '../../src/index.ts'
import { sessionRevocation } from '../../src/revocation/index.ts'
import { stopClock } from '../support/configurations.ts'
import { cookieOf, cookiesOf, newKey, setCookies, tokenOf } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, logged, newSession, properties, readyApp, tokenWith } from '../support/app.ts'

const guarded = (app: FastifyInstance): void => { app.register(sessionRevocation, { subject: session => session.get('user') as string | undefined }) }
const GUARDS: Array<[title: string, register: (app: FastifyInstance) => void]> = [['', () => {}], [', with revocation', guarded]]

for (const [title, register] of GUARDS) {
  describe(`a session may be assigned${title}`, () => {
    for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler', 'preSerialization'] as const) {
      it(`in ${hook}, and is sent`, async () => {
        const app = await readyApp({
          after: app => {
            register(app)
            app.addHook(hook, async (request: FastifyRequest) => { request.session = newSession(app, { user: hook }) })
          },
          routes: { '/': ({ session }) => ({ seen: session.data() }) }
        })
        const response = await get(app, '/', cookieWith(app, { user: 'old' }))
        assert.deepEqual(response.json(), { seen: { user: hook === 'preSerialization' ? 'old' : hook } })
        assert.deepEqual(contentOf(app, response), { user: hook })
      })
    }

    for (const place of ['onError', 'the error handler'] as const) {
      it(`in ${place}, and is sent`, async () => {
        const app = await readyApp({
          after: app => {
            register(app)
            const assign = (request: FastifyRequest): void => { request.session = newSession(app, { user: 'ann' }) }
            app.addHook('onError', async request => { if (place === 'onError') assign(request) })
            app.setErrorHandler(async (_error, request, reply) => {
              if (place !== 'onError') assign(request)
              return reply.code(418).send('tea')
            })
          },
          routes: { '/': () => { throw new Error('out') } }
        })
        assert.deepEqual(contentOf(app, await get(app, '/', cookieWith(app, { user: 'old' }))), { user: 'ann' })
      })
    }

    it('twice, and the second one counts', async () => {
      const app = await readyApp({
        after: register,
        routes: {
          '/': request => {
            const first = request.session = newSession(app, { user: 'ann' })
            request.session = newSession(app, { user: 'bob' })
            first.set('user', 'eve')
          }
        }
      })
      const response = await get(app, '/', cookieWith(app, { user: 'old' }))
      assert.equal(linesOf(response).length, 1)
      assert.deepEqual(contentOf(app, response), { user: 'bob' })
    })

    it('to a request that is derived from it', async () => {
      const app = await readyApp({
        after: register,
        routes: {
          '/': request => {
            const derived = Object.create(request) as FastifyRequest
            derived.session = newSession(app, { user: 'ann' })
            return { same: derived.session === request.session, user: request.session.get('user') as string }
          }
        }
      })
      const response = await get(app, '/', cookieWith(app, { user: 'old' }))
      assert.deepEqual(response.json(), { same: true, user: 'ann' })
      assert.deepEqual(contentOf(app, response), { user: 'ann' })
    })

    it('and null to a derived request, also before anything was used', async () => {
      const app = await readyApp({
        after: register,
        routes: {
          '/': request => {
            const derived = Object.create(request) as FastifyRequest
            properties(derived)['session'] = null
            const seen = [derived.session, request.session]
            request.session = newSession(app, { user: 'ann' })
            return { seen, user: derived.session.get('user') as string }
          }
        }
      })
      assert.deepEqual((await get(app)).json(), { seen: [null, null], user: 'ann' })
    })

    it('over HTTP/2, where a client sends cookies in lines of their own', async t => {
      const app = await readyApp({
        server: { http2: true },
        after: register,
        routes: {
          '/': request => {
            const user = app.decodeSecureSession(request.raw)?.get('user') as string | undefined
            request.session = newSession(app, { user: `${user ?? 'nobody'} again` })
          }
        }
      })
      t.after(async () => { await app.close() })
      await app.listen({ port: 0, host: '127.0.0.1' })
      const client = connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
      const stream = client.request({ ':path': '/', cookie: ['a=1', cookieWith(app, { user: 'ann' }), 'b=2'] as never })
      const headers = new Promise<Record<string, unknown>>(resolve => { stream.once('response', resolve) })
      await text(stream)
      const [line = ''] = (await headers)['set-cookie'] as string[]
      client.close()
      assert.deepEqual(app.decodeSecureSession({ headers: { cookie: line.split(';')[0] } })?.data(), { user: 'ann again' })
    })

    it('and is told about in no way but a warning after the response was sent', async () => {
      const { lines, server } = logged('warn')
      const app = await readyApp({
        server,
        after: app => {
          register(app)
          app.addHook('onResponse', async request => { request.session = newSession(app, { user: 'ann' }) })
        },
        routes: { '/': () => {} }
      })
      const response = await get(app, '/', cookieWith(app, { user: 'old' }))
      assert.deepEqual(linesOf(response), [])
      const codes = lines.map(({ code }) => code)
      assert.deepEqual(codes.filter(code => code !== 'FST_SEALED_SESSION_WARN_MEMORY_STORE'), ['FST_SEALED_SESSION_WARN_WRITE_LOST'])
    })
  })
}

describe('a session that is assigned goes where the browser has the cookie', () => {
  const CHANGES: Record<string, (request: FastifyRequest, session: Session) => void> = {
    'and is written': () => {},
    'and is deleted': ({ session }) => { session.delete() },
    'and is regenerated': ({ session }) => { session.regenerate() },
    'after null': () => {}
  }
  for (const [guard, register] of GUARDS) {
    for (const [title, change] of Object.entries(CHANGES)) {
      for (const isRead of [true, false]) {
        it(`${title}, where the app has ${isRead ? '' : 'not '}read the one before${guard}`, async () => {
          const app = await readyApp({
            session: { key: newKey(), format: 'sealed', cookie: { path: '/' } },
            after: register,
            routes: {
              '/login': ({ session }) => { session.set('user', 'ann'); session.options({ expiry: 3600, domain: 'a.example', path: '/app' }) },
              '/assign': request => {
                if (isRead) request.session.get('user')
                const session = newSession(app, { user: 'bob' })
                if (title === 'after null') properties(request)['session'] = null
                request.session = session
                change(request, session)
              }
            }
          })
          const response = await get(app, '/assign', cookieOf(await get(app, '/login')))
          const lines = setCookies(response)
          assert.equal(lines.length, 1)
          assert.match(lines[0] ?? '', /; Domain=a\.example; Path=\/app/)
          assert.equal(/Max-Age=0/.test(lines[0] ?? ''), title === 'and is deleted')
        })
      }
    }
  }

  it('an opened one, too, unless it has a place of its own', async () => {
    const app = await readyApp({
      session: { key: newKey(), format: 'sealed', cookie: { path: '/' } },
      routes: {
        '/login': ({ session, query }) => { session.set('user', 'ann'); session.options({ expiry: 3600, ...query as object }) },
        '/assign': request => { request.session = app.decodeSecureSession(request.headers['x-token'] as string)! }
      }
    })
    const pathOf = async (token: string): Promise<string | undefined> => {
      const cookie = cookieOf(await get(app, '/login?path=/app'))
      const [line = ''] = setCookies(await app.inject({ url: '/assign', headers: { cookie, 'x-token': token } }))
      return /Path=([^;]*)/.exec(line)?.[1]
    }
    const own = cookieOf(await get(app, '/login?path=/own')).replace('session=', '')
    assert.deepEqual([await pathOf(tokenWith(app, { user: 'bob' })), await pathOf(own)], ['/app', '/own'])
  })
})

describe('a session cannot be assigned', () => {
  it('to another name after it was opened, even when it was regenerated with what it held', async () => {
    const keyring = new Keyring(newKey())
    const app = await readyApp({
      session: [{ sessionName: 'one', key: keyring, format: 'sealed' }, { sessionName: 'two', key: keyring, format: 'sealed' }],
      routes: {
        '/': request => {
          const session = app.decodeSecureSession(request.headers['x-token'] as string, undefined, 'one')!
          session.regenerate(['user'] as never)
          properties(request)['two'] = session
        }
      }
    })
    const response = await app.inject({ url: '/', headers: { 'x-token': app.encodeSecureSession(newSession(app, { user: 'ann' }), 'one') } })
    assert.equal(response.json().code, 'FST_SEALED_SESSION_ASSIGNED')
    assert.deepEqual(setCookies(response), [])
  })

  it('to two names of one request', async () => {
    const app = await readyApp({
      session: [{ sessionName: 'one', key: newKey() }, { sessionName: 'two', key: newKey() }],
      routes: {
        '/': request => {
          const session = newSession(app, { n: 1 })
          properties(request)['one'] = session
          properties(request)['two'] = session
        }
      }
    })
    assert.equal((await get(app)).json().code, 'FST_SEALED_SESSION_ASSIGNED')
  })

  it('to a second request, also after it could not be sealed for the first one', async () => {
    const given: { session?: Session } = {}
    const app = await readyApp({
      after: app => app.addHook('onSend', async request => {
        if (request.url === '/') request.session = given.session!
      }),
      routes: { '/': () => {}, '/second': request => { request.session = given.session! } }
    })
    given.session = newSession(app, { n: 1 })
    given.session.set('big', 10n as never)
    assert.equal((await get(app)).statusCode, 500)
    assert.equal((await get(app, '/second')).json().code, 'FST_SEALED_SESSION_ASSIGNED')
  })
})

it('a session that takes the place of a split one is sent in its place, and the other parts are dropped', async () => {
  for (const signed of [false, true]) {
    const app = await readyApp({
      session: { key: newKey(), cookie: { path: '/', signed } },
      routes: {
        '/fill': ({ session }) => { session.set('large', 'x'.repeat(5000)) },
        '/assign': request => { request.session = newSession(app, { user: 'ann' }) },
        '/same': request => { request.session = app.decodeSecureSession(request)! }
      }
    })
    const cookie = cookiesOf(await get(app, '/fill'))
    assert.ok(cookie.includes('session.1='))
    const lines = setCookies(await get(app, '/assign', cookie))
    assert.deepEqual(lines.map(line => [line.split('=')[0], /Max-Age=0/.test(line)]), [['session', false], ['session.1', true]])
    assert.deepEqual(app.decodeSecureSession({ headers: { cookie: lines[0]?.split(';')[0] } })?.data(), { user: 'ann' })
    assert.equal(setCookies(await get(app, '/same', cookie)).length, 2)
  }
})

it('a new session with a lifetime of its own is bound by maxExpiry of the name that it is assigned to', async t => {
  const clock = stopClock(t)
  const key = newKey()
  const app = await readyApp({
    session: [{ sessionName: 'one', key: newKey() }, { sessionName: 'two', key, format: 'sealed', expiry: 60, maxExpiry: 60 }],
    routes: {
      '/': request => {
        const session = newSession(app, { user: 'ann' })
        session.options({ expiry: 1000 })
        properties(request)['two'] = session
      }
    }
  })
  const later = await readyApp({ session: { cookieName: 'two', key, format: 'sealed' } })
  const token = tokenOf(await get(app), 'two')
  assert.deepEqual(later.decodeSecureSession(token)?.data(), { user: 'ann' })
  clock.tick(61_000)
  assert.equal(later.decodeSecureSession(token), null)
})
