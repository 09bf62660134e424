// docs/guide/responses.md over real sockets: which responses carry a changed session, line by line.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { WebSocketServer } from 'ws'
import secureSession, { sessionInfo, type Session } from '../../src/index.ts'
import sessionRevocation from '../../src/revocation/index.ts'
import { newKey, type LogLine } from '../support/helpers.ts'
import { tableUnder } from '../docs/markdown.ts'
import { logged, newApp, readyApp } from '../support/app.ts'

const page = readFileSync(new URL('../../docs/guide/responses.md', import.meta.url), 'utf8')

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown

/** The lines and status of each response to a request, early ones included. */
interface Answer { status: number, cookies: string[], early: string[], headers: IncomingMessage['headers'] }

async function ask (app: FastifyInstance, path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> {
  const early: string[] = []
  const { port } = app.server.address() as AddressInfo
  const sent = httpRequest({ port, host: '127.0.0.1', path, method, headers })
  sent.on('information', ({ headers }) => { early.push(...[headers['set-cookie'] ?? []].flat()) })
  sent.end()
  const [response] = await once(sent, headers.upgrade === undefined ? 'response' : 'upgrade') as [IncomingMessage]
  if (headers.upgrade === undefined) { response.resume(); await once(response, 'end') } else response.socket.destroy()
  return { status: response.statusCode ?? 0, cookies: response.headers['set-cookie'] ?? [], early, headers: response.headers }
}

const withCode = (lines: readonly LogLine[], wanted: string): LogLine[] => lines.filter(({ code }) => code === wanted)

const change = ({ session }: FastifyRequest): void => { session.set('n', 1) }
/** A handler that changes the session first. */
const changing = (send: Handler): Handler => async (request, reply) => { change(request); return await send(request, reply) }

const events = async function * (): AsyncGenerator<string> { yield 'data: 1\n\n' }

const routes: Record<string, Handler> = {
  '/value': changing(() => 'value'),
  '/send': changing((_request, reply) => reply.send({ value: 1 })),
  '/stream': changing((_request, reply) => reply.send(Readable.from(['a', 'b']))),
  '/web-stream': changing((_request, reply) => reply.send(ReadableStream.from([Buffer.from('a')]))),
  '/response': changing((_request, reply) => reply.send(new Response('text'))),
  '/204': changing((_request, reply) => reply.code(204).send()),
  '/304': changing((_request, reply) => reply.code(304).send()),
  '/unreturned': async (request, reply) => { change(request); reply.redirect('/') },
  '/redirect': changing((_request, reply) => reply.redirect('/')),
  '/thrown': changing(() => { throw new Error('thrown') }),
  '/unsealable': ({ session }) => { session.set('n', 1n); return 'never' },
  '/not-found': changing((_request, reply) => reply.callNotFound()),
  '/early-hints': changing(async (_request, reply) => {
    await new Promise<void>(resolve => reply.raw.writeEarlyHints({ link: '</a.css>; rel=preload' }, resolve))
    return 'text'
  }),
  '/late': async (request, reply) => { await reply.send('sent'); change(request); return reply },
  '/untouched': () => 'untouched',
  '/hijack': changing((_request, reply) => { reply.hijack(); reply.raw.end('raw') }),
  '/raw': changing((_request, reply) => { reply.raw.end('raw'); return reply }),
  '/sse-stream': changing((_request, reply) => reply.type('text/event-stream').send(Readable.from(events()))),
  '/sse-raw': changing((_request, reply) => { reply.hijack(); reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }); reply.raw.end('data: 1\n\n') }),
  '/hijack/cookies': changing(async (_request, reply) => { const lines = await reply.sessionCookies(); reply.hijack(); reply.raw.writeHead(200, { 'set-cookie': lines }); reply.raw.end() }),
  '/raw/cookies': changing(async (_request, reply) => { reply.raw.setHeader('set-cookie', await reply.sessionCookies()); reply.raw.end('raw'); return reply }),
  '/sse-raw/cookies': changing(async (_request, reply) => { await reply.sessionCookies(); reply.hijack(); reply.raw.writeHead(200, { ...reply.getHeaders() as Record<string, string>, 'content-type': 'text/event-stream' }); reply.raw.end('data: 1\n\n') })
}

/** What shows each line of the page: paths and the number of cookies that each answers with. */
const proofs: Record<string, Array<[path: string, cookies: 0 | 1, method?: HTTPMethods, status?: number]>> = {
  'a value that a handler returns, or gives to `reply.send()`': [['/value', 1], ['/send', 1]],
  'a stream, a web stream or a `Response` given to `reply.send()`': [['/stream', 1], ['/web-stream', 1], ['/response', 1]],
  '`204 No Content`, `304 Not Modified`': [['/204', 1, 'GET', 204], ['/304', 1, 'GET', 304]],
  'a redirect': [['/redirect', 1, 'GET', 302]],
  'what an async handler or hook sends and does not return, also with [revocation](revocation.md#what-to-know)': [['/unreturned', 1, 'GET', 302], ['/guarded/unreturned', 1, 'GET', 302]],
  'an error that a handler or a hook throws': [['/thrown', 1, 'GET', 500], ['/hook/onRequest/throws', 1, 'GET', 500], ['/hook/preHandler/throws', 1, 'GET', 500]],
  'an error of validation, if a hook changed the session': [['/hook/validated', 1, 'GET', 400]],
  'an error because the session cannot be sealed': [['/unsealable', 0, 'GET', 500]],
  '`404 Not Found`: no route, `reply.callNotFound()`, a handler of your own': [['/hook/no-route', 1, 'GET', 404], ['/not-found', 1, 'GET', 404], ['/own/no-route', 1, 'GET', 404]],
  'the answer of an `onRequest`, `preValidation` or `preHandler` hook': [['/hook/onRequest/answers', 1, 'GET', 401], ['/hook/preValidation/answers', 1, 'GET', 401], ['/hook/preHandler/answers', 1, 'GET', 401]],
  'to `HEAD`, also where Fastify made the route': [['/value', 1, 'HEAD'], ['/own/head', 1, 'HEAD']],
  'to `OPTIONS`': [['/own/options', 1, 'OPTIONS']],
  'early hints (`103`), and what follows them': [['/early-hints', 1]],
  'a write in a later `onSend` hook': [['/hook/onSend', 1]],
  'a write after `reply.send()`, or in an `onResponse` hook': [['/late', 0], ['/hook/onResponse', 0]],
  '`reply.hijack()`, then `reply.raw`': [['/hijack', 0], ['/hijack/cookies', 1]],
  '`reply.raw.end()` or `reply.raw.write()` without `hijack()`': [['/raw', 0], ['/raw/cookies', 1]],
  'server-sent events from a stream given to `reply.send()`': [['/sse-stream', 1]],
  'server-sent events written to `reply.raw`': [['/sse-raw', 0], ['/sse-raw/cookies', 1]],
  'the answer to a WebSocket\'s upgrade': [['/upgrade', 0, 'GET', 101]],
  'Fastify\'s answer to what is no HTTP request': []
}

/** Routes and hooks that each line needs a scope of its own for. */
function addScopes (app: FastifyInstance): void {
  app.register(async scope => {
    scope.addHook('onRequest', async (request, reply) => {
      if (request.url.includes('/onRequest/') || request.url.endsWith('no-route') || request.url.endsWith('validated')) change(request)
      if (request.url.endsWith('onRequest/throws')) throw new Error('thrown')
      if (request.url.endsWith('onRequest/answers')) return reply.code(401).send('early')
    })
    scope.addHook('preValidation', async (request, reply) => { if (request.url.includes('preValidation')) { change(request); return reply.code(401).send('early') } })
    scope.addHook('preHandler', async (request, reply) => {
      if (request.url.includes('/preHandler/')) change(request)
      if (request.url.endsWith('preHandler/throws')) throw new Error('thrown')
      if (request.url.endsWith('preHandler/answers')) return reply.code(401).send('early')
    })
    scope.addHook('onSend', async request => { if (request.url.endsWith('/onSend')) change(request) })
    scope.addHook('onResponse', async request => { if (request.url.endsWith('/onResponse')) change(request) })
    scope.setNotFoundHandler((_request, reply) => { reply.code(404).send('nothing here') })
    scope.get('/validated', { schema: { querystring: { type: 'object', required: ['id'] } } }, () => 'never')
    scope.get('/*', () => 'done')
    scope.get('/no-route', (_request, reply) => { reply.callNotFound() })
  }, { prefix: '/hook' })
  app.register(async scope => {
    scope.register(secureSession, { key: newKey(), sessionName: 'guarded' })
    scope.register(sessionRevocation, { sessionName: 'guarded', store: { get: async () => { await new Promise(setImmediate); return undefined }, set: async () => {} } })
    scope.get('/unreturned', async (request, reply) => { change(request); (request as unknown as { guarded: Session }).guarded.get('n' as never); reply.redirect('/') })
  }, { prefix: '/guarded' })
  app.register(async scope => {
    scope.setNotFoundHandler(async (request, reply) => { change(request); return await reply.code(404).send('nothing here') })
    scope.head('/head', changing(() => ''))
    scope.options('/options', changing(() => ''))
  }, { prefix: '/own' })
}

describe('docs/guide/responses.md', () => {
  const { lines, server } = logged('warn')
  const app = newApp({
    server,
    routes: app => {
      for (const [path, handler] of Object.entries(routes)) app.get(path, handler)
      addScopes(app)
    }
  })
  const sockets = new WebSocketServer({ noServer: true })

  before(async () => {
    app.server.on('upgrade', (request, socket, head) => { sockets.handleUpgrade(request, socket, head, client => { client.terminate() }) })
    await app.listen({ port: 0, host: '127.0.0.1' })
  })
  after(async () => { sockets.close(); await app.close() })

  it('has a line for each of these, and no other', () => {
    assert.deepEqual(tableUnder(page, '## The table').map(([response]) => response), Object.keys(proofs))
  })

  for (const [response, answer] of tableUnder(page, '## The table') as Array<[string, string]>) {
    for (const [path, count, method = 'GET', status = 200] of proofs[response] ?? []) {
      it(`is right that ${response}: ${answer} (${method} ${path})`, async () => {
        assert.equal(/^yes|the response that follows|sessionCookies\(\).* yes$/.test(answer), (proofs[response] ?? []).some(([, count]) => count === 1))
        const headers: Record<string, string> = status === 101 ? { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' } : {}
        const { cookies, early, status: got } = await ask(app, path, method, headers)
        assert.equal(got, status)
        assert.deepEqual(early, [])
        assert.equal(cookies.length, count)
        for (const line of cookies) assert.deepEqual(app.decodeSecureSession(decodeURIComponent(line.slice('session='.length)))?.data(), { n: 1 })
      })
    }
  }

  it('is right that a late write is warned about', async () => {
    for (const path of ['/late', '/hook/onResponse']) await ask(app, path)
    assert.equal(withCode(lines, 'FST_SEALED_SESSION_WARN_WRITE_LOST').length, 2)
  })

  it('is right that a write that never left is warned about, once a route', async () => {
    for (const path of ['/hijack', '/raw', '/sse-raw', '/hijack', '/hijack/cookies']) await ask(app, path)
    const routes = withCode(lines, 'FST_SEALED_SESSION_WARN_NOT_SENT').map(({ msg }) => /GET (\S+)/.exec(msg)?.[1])
    assert.deepEqual(routes.sort(), ['/hijack', '/raw', '/sse-raw'])
  })

  it('is right that a session that was not changed sends nothing', async () => {
    assert.deepEqual((await ask(app, '/untouched')).cookies, [])
  })

  it("is right about Fastify's answer to what is no HTTP request", async () => {
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.end('no request\r\n\r\n')
    const answer = Buffer.concat(await socket.toArray() as Buffer[]).toString()
    assert.match(answer, /^HTTP\/1.1 400 /)
    assert.doesNotMatch(answer, /set-cookie/i)
  })
})

const KEY = newKey()

/** What `reply.sessionCookies()` gives in a handler, with the response that Fastify then sends. */
async function cookiesIn (handler: Handler, options: object = {}): Promise<{ lines: string[], sent: string[], app: FastifyInstance }> {
  let lines: string[] = []
  const app = await readyApp({ session: { key: KEY, ...options }, routes: { '/': async (request, reply) => { await handler(request, reply); lines = await reply.sessionCookies() } } })
  const { headers } = await app.inject('/')
  return { lines, sent: [headers['set-cookie'] ?? []].flat(), app }
}

const contentOf = (app: FastifyInstance, line = ''): object | undefined =>
  app.decodeSecureSession(decodeURIComponent(line.replace(/^[^=]*=/, '').replace(/;.*/, '')))?.data()

describe('reply.sessionCookies()', () => {
  it('gives the line of a changed session, which a reply that is sent after all has once', async () => {
    const { lines, sent, app } = await cookiesIn(({ session }) => { session.set('a', 1) })
    assert.equal(lines.length, 1)
    assert.equal(sent.length, 1)
    assert.deepEqual([contentOf(app, lines[0]), contentOf(app, sent[0])], [{ a: 1 }, { a: 1 }])
  })

  it('gives nothing for a session that was not used, was only read, or was discarded', async () => {
    for (const handler of [() => {}, ({ session }) => { session.get('a') }, request => { request.session.set('a', 1); request.session = null as never }] satisfies Handler[]) {
      assert.deepEqual((await cookiesIn(handler)).lines, [])
    }
  })

  it('gives the line that deletes the cookie', async () => {
    const { lines } = await cookiesIn(({ session }) => { session.delete() })
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /^session=; Max-Age=0; /)
  })

  it('gives a line for each cookie of a session that is split, and for each session', async () => {
    assert.deepEqual((await cookiesIn(({ session }) => { session.set('a', 'x'.repeat(4000)) })).lines.map(line => line.split('=')[0]), ['session', 'session.1'])
    const app = await readyApp({
      session: [{ sessionName: 'one', key: newKey() }, { sessionName: 'two', key: newKey() }],
      routes: {
        '/': async (request, reply) => {
          for (const name of ['one', 'two']) (request as unknown as Record<string, Session>)[name]?.set('a', 1)
          return await reply.sessionCookies()
        }
      }
    })
    assert.deepEqual((await app.inject('/')).json<string[]>().map(line => line.split('=')[0]), ['one', 'two'])
  })

  it('called again after a write, gives what the session then holds', async () => {
    const { lines, app } = await cookiesIn(async ({ session }, reply) => {
      session.set('a', 1)
      await reply.sessionCookies()
      session.set('a', 2)
    })
    assert.deepEqual(contentOf(app, lines[0]), { a: 2 })
  })

  it('has the sessions of outer contexts as well, as the hooks do', async () => {
    let lines: string[] = []
    const app = await readyApp({
      after: app => app.register(async inner => {
        inner.register(secureSession, { key: newKey(), sessionName: 'admin' })
        inner.get('/lines', async (request, reply) => {
          request.session.set('a', 1);
          (request as unknown as { admin: Session }).admin.set('a', 1)
          lines = await reply.sessionCookies()
        })
      })
    })
    await app.inject('/lines')
    assert.deepEqual(lines.map(line => line.split('=')[0]), ['session', 'admin'])
  })

  it('is forgotten with request.session = null', async () => {
    const { sent } = await cookiesIn(async (request, reply) => { request.session.set('a', 1); await reply.sessionCookies(); request.session = null as never })
    assert.deepEqual(sent, [])
  })

  it('puts no-store beside them', async () => {
    const app = await readyApp({
      routes: { '/': async ({ session }, reply) => { session.touch(); await reply.sessionCookies(); reply.hijack(); reply.raw.writeHead(200, reply.getHeaders() as Record<string, string>); reply.raw.end() } }
    })
    const { headers } = await app.inject('/')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal([headers['set-cookie'] ?? []].flat().length, 1)
  })

  it('fails as sealing does, so that Fastify still answers, without a cookie', async () => {
    const app = await readyApp({ routes: { '/': async ({ session }, reply) => { session.set('a', 1n); await reply.sessionCookies(); reply.hijack() } } })
    const response = await app.inject('/')
    assert.equal(response.statusCode, 500)
    assert.equal(response.json<{ code: string }>().code, 'FST_SEALED_SESSION_VALUE_UNSTORABLE')
    assert.equal(response.headers['set-cookie'], undefined)
  })

  it('with revocation, gives nothing to any of several calls where a logout could not be stored, and fails for one', async () => {
    const store = { get: async () => undefined, set: async () => { throw new Error('out') } }
    let outcomes: unknown[] = []
    const app = await readyApp({
      session: { key: KEY },
      after: app => { app.register(sessionRevocation, { store } as never) },
      routes: {
        '/': async ({ session }, reply) => {
          session.set('user', 1)
          session.delete()
          outcomes = (await Promise.allSettled([reply.sessionCookies(), reply.sessionCookies()])).map(outcome => outcome.status === 'fulfilled' ? outcome.value : 'failed')
        },
        '/login': ({ session }) => { session.set('user', 1) }
      }
    })
    const cookie = String((await app.inject('/login')).headers['set-cookie']).split(';')[0] ?? ''
    const { headers } = await app.inject({ url: '/', headers: { cookie } })
    assert.deepEqual(outcomes, ['failed', []])
    assert.equal(headers['set-cookie'], undefined)
  })

  it('with revocation, takes its line off the reply again where the session is revoked before that is sent', async () => {
    const stored = new Map<string, unknown>()
    const store = { get: async (key: string) => stored.get(key), set: async (key: string, value: unknown) => { stored.set(key, value) } }
    let lines: string[] = []
    let cookie = ''
    const app = await readyApp({
      session: { key: KEY },
      after: app => { app.register(sessionRevocation, { store, cacheTtl: 0 } as never) },
      routes: {
        '/login': ({ session }) => { session.set('user', 1) },
        '/logout': ({ session }) => { session.delete() },
        '/write': async ({ session }, reply) => {
          session.set('n', 1)
          lines = await reply.sessionCookies()
          await app.inject({ url: '/logout', headers: { cookie } })
        }
      }
    })
    cookie = String((await app.inject('/login')).headers['set-cookie']).split(';')[0] ?? ''
    const { headers } = await app.inject({ url: '/write', headers: { cookie } })
    assert.equal(lines.length, 1)
    assert.equal(headers['set-cookie'], undefined)
  })

  it('with revocation, waits until the session that was ended is revoked, and gives nothing for one that was revoked meanwhile', async () => {
    const stored = new Map<string, unknown>()
    const store = {
      get: async (key: string) => stored.get(key),
      set: async (key: string, value: unknown) => { await new Promise(resolve => { setImmediate(resolve) }); stored.set(key, value) }
    }
    let meanwhile = async (): Promise<void> => {}
    const app = await readyApp({
      session: { key: KEY },
      after: app => { app.register(sessionRevocation, { store, cacheTtl: 0 } as never) },
      routes: {
        '/login': ({ session }) => { session.set('user', 1) },
        '/logout': async ({ session }, reply) => { session.delete(); const lines = await reply.sessionCookies(); return { lines, stored: stored.size } },
        '/write': async ({ session }, reply) => { session.set('n', 1); await meanwhile(); return await reply.sessionCookies() },
        '/info': ({ session }) => sessionInfo(session)
      }
    })
    const login = await app.inject('/login')
    const cookie = String(login.headers['set-cookie']).split(';')[0] ?? ''
    meanwhile = async () => { await app.inject({ url: '/logout', headers: { cookie } }) }
    const { headers } = await app.inject({ url: '/write', headers: { cookie } })
    assert.equal(headers['set-cookie'], undefined)
    const again = String((await app.inject('/login')).headers['set-cookie']).split(';')[0] ?? ''
    const before = stored.size
    const logout = (await app.inject({ url: '/logout', headers: { cookie: again } })).json<{ lines: string[], stored: number }>()
    assert.equal(logout.lines.length, 1)
    assert.equal(logout.stored, before + 2) // the session, and that it was a logout
  })
})

describe('a changed session on a response that shared caches may keep', () => {
  it('is sent, with a warning once a route', async () => {
    const { lines, server } = logged('warn')
    const app = await readyApp({ server, routes: { '/page/:id': ({ session }, reply) => { session.set('n', 1); reply.header('cache-control', 'public, max-age=60') } } })
    for (const id of [1, 2]) assert.equal([(await app.inject(`/page/${id}`)).headers['set-cookie'] ?? []].flat().length, 1)
    const [warning, ...others] = withCode(lines, 'FST_SEALED_SESSION_WARN_SHARED_CACHE')
    assert.match(warning?.msg ?? '', /GET \/page\/:id/)
    assert.deepEqual(others, [])
  })

  it('is warned about where private or no-store is only part of a directive', async () => {
    for (const value of ['private="x-user", max-age=60', 'public, x-private', 'ext="no-store"']) {
      const { lines, server } = logged('warn')
      const app = await readyApp({ server, routes: { '/': ({ session }, reply) => { session.set('n', 1); reply.header('cache-control', value) } } })
      await app.inject('/')
      assert.equal(withCode(lines, 'FST_SEALED_SESSION_WARN_SHARED_CACHE').length, 1, value)
    }
  })

  it('is not warned about where there is private, no-store, or no such header', async () => {
    const { lines, server } = logged('warn')
    const app = await readyApp({
      server,
      routes: { '/:value': ({ session, params }, reply) => { session.set('n', 1); const { value } = params as { value: string }; if (value !== 'none') reply.header('cache-control', value) } }
    })
    for (const value of ['private', 'no-store', 'max-age=1,private', 'none']) await app.inject(`/${value}`)
    assert.deepEqual(withCode(lines, 'FST_SEALED_SESSION_WARN_SHARED_CACHE'), [])
  })
})
