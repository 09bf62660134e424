// A request that does not use its session costs nothing: its cookie is neither parsed nor opened.
import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import cookiePlugin from '@fastify/cookie'
import type { FastifyRequest } from 'fastify'
import type { Session } from '../../src/index.ts'
import { newKey, type LogLine } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, logged, properties, readyApp, type Handler } from '../support/app.ts'

const ours = (lines: readonly LogLine[]): LogLine[] => lines.filter(({ msg }) => msg.includes('secure-session'))

/** What does not use the session of a request. */
const untouched: Record<string, Handler> = {
  nothing: () => 'done',
  'the whole request inspected': request => inspect(request, { depth: 0 }).length > 0 ? 'done' : '',
  'the request enumerated': request => `${Object.keys(request).length}${'session' in request}`,
  'the decorator asked for': request => String(request.server.hasRequestDecorator('session')),
  'null assigned': request => { properties(request).session = null },
  'another cookie set': (_request, reply) => { reply.setCookie('theme', 'dark') },
  'a session made outside the request': ({ server }) => { server.encodeSecureSession(server.createSecureSession({ n: 1 })) },
  'an error thrown': () => { throw new Error('thrown') },
  'a redirect': (_request, reply) => reply.redirect('/')
}

describe('an untouched session is not opened', () => {
  // A cookie that is opened and refused writes a line at level debug, one that is missing at trace.
  for (const [what, handler] of Object.entries(untouched)) {
    it(`nothing is refused or missed: ${what}`, async () => {
      const { lines, server } = logged('trace')
      const app = await readyApp({ server, routes: { '/': handler, '/used': ({ session }) => session.data() } })
      for (const cookie of ['session=garbage', undefined]) {
        await get(app, '/', cookie)
        assert.deepEqual(ours(lines), [])
        await get(app, '/used', cookie)
        assert.equal(ours(lines).length, 1, 'the same cookie writes a line where it is used')
        lines.length = 0
      }
    })
  }

  it('nor is a good one: its content is not parsed', async context => {
    const app = await readyApp({ routes: { '/': () => 'done', '/used': ({ session }) => session.get('n') } })
    const cookie = cookieWith(app, { n: 'ten' })
    const parse = context.mock.method(JSON, 'parse')
    await get(app, '/', cookie)
    assert.equal(parse.mock.callCount(), 0)
    assert.equal((await get(app, '/used', cookie)).body, 'ten')
    assert.equal(parse.mock.callCount(), 1)
  })

  it('nor is one in a 404, an error handler and the hooks of the app', async () => {
    const { lines, server } = logged('trace')
    const app = await readyApp({
      server,
      after: app => {
        app.addHook('onRequest', async () => {})
        app.addHook('onSend', async () => {})
        app.setErrorHandler((_error, _request, reply) => reply.code(500).send('failed'))
        app.setNotFoundHandler((_request, reply) => reply.code(404).send('missing'))
      },
      routes: { '/': () => { throw new Error('thrown') } }
    })
    for (const url of ['/', '/missing']) await get(app, url, 'session=garbage')
    assert.deepEqual(ours(lines), [])
  })

  it('of several sessions only those that are used are opened', async () => {
    const { lines, server } = logged('debug')
    const app = await readyApp({
      server,
      session: ['one', 'two', 'three'].map(sessionName => ({ sessionName, key: newKey() })),
      routes: { '/': request => (request as never as { two: Session }).two.data() }
    })
    await get(app, '/', 'one=garbage; two=garbage; three=garbage')
    assert.equal(ours(lines).length, 1)
  })

  it('sends nothing', async () => {
    const app = await readyApp({ routes: { '/': () => 'done' } })
    const { headers } = await get(app, '/', cookieWith(app, { n: 1 }))
    assert.equal(headers['set-cookie'], undefined)
    assert.equal(headers['cache-control'], undefined)
  })
})

describe('the cookies of a request whose session is untouched are not parsed', () => {
  it('without an @fastify/cookie of the app', async context => {
    const app = await readyApp({ routes: { '/': () => 'done', '/used': request => Object.keys(request.cookies).join() } })
    const parse = context.mock.method(app, 'parseCookie')
    await get(app, '/', 'session=garbage; a=1')
    assert.equal(parse.mock.callCount(), 0)
    assert.equal((await get(app, '/used', 'session=garbage; a=1')).body, 'session,a')
    assert.equal(parse.mock.callCount(), 1)
  })

  it('with an @fastify/cookie of the app, no more often than that plugin does it', async context => {
    for (const [hook, parsings] of [['onRequest', 1], ['preHandler', 1], [false, 0]] as const) {
      const app = await readyApp({ before: app => app.register(cookiePlugin, { hook }), routes: { '/': () => 'done' } })
      const parse = context.mock.method(app, 'parseCookie')
      await get(app, '/', 'session=garbage; a=1')
      assert.equal(parse.mock.callCount(), parsings, `hook: ${hook}`)
    }
  })

  it('with hook: false, the header is not even read', async () => {
    let reads = 0
    const rewriteUrl = (request: IncomingMessage): string => {
      const { cookie } = request.headers
      Object.defineProperty(request.headers, 'cookie', { get: () => { reads++; return cookie } })
      return request.url ?? '/'
    }
    const app = await readyApp({
      server: { rewriteUrl },
      before: app => app.register(cookiePlugin, { hook: false }),
      routes: { '/': () => 'done', '/used': ({ session }) => session.data() }
    })
    await get(app, '/', 'session=garbage')
    assert.equal(reads, 0)
    await get(app, '/used', 'session=garbage')
    assert.ok(reads > 0)
  })
})

describe('a session that is used', () => {
  it('is opened once, however often and wherever it is used', async () => {
    const { lines, server } = logged('debug')
    const use = async ({ session }: FastifyRequest): Promise<void> => { session.get('n'); session.data() }
    const app = await readyApp({
      server,
      before: app => app.addHook('onRequest', use),
      after: app => app.addHook('preHandler', use).addHook('onSend', use).addHook('onResponse', use),
      routes: { '/': ({ session }) => { session.get('n'); session.touch() } }
    })
    await get(app, '/', 'session=garbage')
    assert.equal(ours(lines).length, 1)
  })

  it('is the same object throughout its request', async () => {
    const seen = new Set<unknown>()
    const note = async ({ session }: FastifyRequest): Promise<void> => { seen.add(session) }
    const app = await readyApp({
      before: app => app.addHook('onRequest', note),
      after: app => app.addHook('preHandler', note).addHook('onSend', note).addHook('onResponse', note),
      routes: { '/': request => { seen.add(request.session) } }
    })
    await get(app)
    assert.equal(seen.size, 1)
  })

  it('belongs to its request, also where requests overlap', async () => {
    const waiting: Array<() => void> = []
    const app = await readyApp({
      routes: {
        '/:name': async ({ session, params }) => {
          const { name } = params as { name: string }
          session.set('name', name)
          await new Promise<void>(resolve => { if (waiting.push(resolve) === 3) waiting.forEach(go => go()) })
          return session.get('name')
        }
      }
    })
    const responses = await Promise.all(['a', 'b', 'c'].map(name => get(app, `/${name}`)))
    assert.deepEqual(responses.map(({ body }) => body), ['a', 'b', 'c'])
    assert.deepEqual(responses.map(response => contentOf(app, response)), [{ name: 'a' }, { name: 'b' }, { name: 'c' }])
    assert.ok(responses.every(response => linesOf(response).length === 1))
  })
})
