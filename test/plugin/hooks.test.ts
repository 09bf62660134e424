// request.session works in every hook and handler that Fastify calls with a request.
import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { describe, it } from 'node:test'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Session } from '../../src/index.ts'
import { contentOf, cookieWith, get, linesOf, readyApp } from '../support/app.ts'

type Use = (session: Session) => void
const write: Use = session => { session.set('count', Number(session.get('n')) + 1) }

// One function for each: hooks differ in what they are called with, and async ones must not take `done`.
const adders: Record<string, (app: FastifyInstance, use: Use) => unknown> = {
  onRequest: (app, use) => app.addHook('onRequest', async ({ session }) => use(session)),
  preParsing: (app, use) => app.addHook('preParsing', async ({ session }, _reply, payload) => { use(session); return payload }),
  preValidation: (app, use) => app.addHook('preValidation', async ({ session }) => use(session)),
  preHandler: (app, use) => app.addHook('preHandler', async ({ session }) => use(session)),
  preSerialization: (app, use) => app.addHook('preSerialization', async ({ session }, _reply, payload) => { use(session); return payload }),
  onSend: (app, use) => app.addHook('onSend', async ({ session }) => use(session))
}

describe('request.session is read and written in a hook', () => {
  for (const [hook, add] of Object.entries(adders)) {
    for (const position of ['before', 'after'] as const) {
      it(`${hook}, registered ${position} the plugin`, async () => {
        const app = await readyApp({ [position]: (app: FastifyInstance) => add(app, write), routes: { '/': () => ({}) } })
        const response = await get(app, '/', cookieWith(app, { n: 1 }))
        assert.equal(response.statusCode, 200)
        assert.deepEqual(contentOf(app, response), { n: 1, count: 2 })
        assert.equal(linesOf(response).length, 1)
      })
    }

    it(`${hook}, of a route that is not found`, async () => {
      const app = await readyApp({
        after: app => {
          app.setNotFoundHandler((_request, reply) => reply.code(404).send({}))
          add(app, write)
        }
      })
      const response = await get(app, '/missing', cookieWith(app, { n: 1 }))
      assert.equal(response.statusCode, 404)
      assert.deepEqual(contentOf(app, response), { n: 1, count: 2 })
    })
  }

  it('of a route', async () => {
    const app = await readyApp({
      after: app => app.route({
        method: 'POST',
        url: '/',
        onRequest: async ({ session }) => { session.set('a', session.get('n')) },
        preParsing: async ({ session }, _reply, payload) => { session.set('b', session.get('a')); return payload },
        preValidation: async ({ session }) => { session.set('c', session.get('b')) },
        preHandler: async ({ session }) => { session.set('d', session.get('c')) },
        preSerialization: async ({ session }, _reply, payload) => { session.set('e', session.get('d')); return payload },
        onSend: async ({ session }) => { session.set('f', session.get('e')) },
        handler: async () => ({})
      })
    })
    const response = await app.inject({ method: 'POST', url: '/', headers: { cookie: cookieWith(app, { n: 1 }) }, payload: {} })
    assert.deepEqual(contentOf(app, response), { n: 1, a: 1, b: 1, c: 1, d: 1, e: 1, f: 1 })
  })
})

describe('request.session works', () => {
  it('in onResponse, for reading', async () => {
    let seen: unknown
    for (const position of ['before', 'after'] as const) {
      const app = await readyApp({ [position]: (app: FastifyInstance) => app.addHook('onResponse', async ({ session }) => { seen = session.data() }), routes: { '/': () => 'done' } })
      await get(app, '/', cookieWith(app, { n: position }))
      assert.deepEqual(seen, { n: position })
    }
  })

  it('in onError, before the response to the error is sealed', async () => {
    const app = await readyApp({ after: app => app.addHook('onError', async ({ session }) => write(session)), routes: { '/': () => { throw new Error('thrown') } } })
    const response = await get(app, '/', cookieWith(app, { n: 1 }))
    assert.equal(response.statusCode, 500)
    assert.deepEqual(contentOf(app, response), { n: 1, count: 2 })
  })

  it('in onTimeout', async () => {
    let seen: unknown
    const app = await readyApp({
      after: app => app.addHook('onTimeout', async ({ session }) => { seen = session.data() }),
      routes: { '/': ({ raw }) => { raw.socket.emit('timeout') } }
    })
    await get(app, '/', cookieWith(app, { n: 1 }))
    assert.deepEqual(seen, { n: 1 })
  })

  it('in onRequestAbort', async () => {
    const signals = new EventEmitter()
    const started = once(signals, 'started')
    const aborted = once(signals, 'aborted')
    const app = await readyApp({
      after: app => app.addHook('onRequestAbort', async ({ session }) => { signals.emit('aborted', session.data()) }),
      routes: { '/': async () => { signals.emit('started'); await aborted } }
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    try {
      const { port } = app.server.address() as AddressInfo
      const client = httpRequest({ port, host: '127.0.0.1', headers: { cookie: cookieWith(app, { n: 1 }) } })
      client.on('error', () => {}) // that of its own destruction
      client.end()
      await started
      client.destroy()
      assert.deepEqual(await aborted, [{ n: 1 }])
    } finally {
      await app.close()
    }
  })

  const handle = (code: number) => (_error: unknown, { session }: FastifyRequest, reply: FastifyReply) => { write(session); reply.code(code).send('handled') }

  it('in an error handler, for a thrown error and for a body that is not valid', async () => {
    const app = await readyApp({
      after: app => {
        app.setErrorHandler(handle(502))
        app.post('/', { schema: { body: { type: 'object', required: ['x'] } } }, async () => 'never')
      },
      routes: { '/': () => { throw new Error('thrown') } }
    })
    const headers = { cookie: cookieWith(app, { n: 1 }) }
    for (const options of [{ method: 'GET' as const }, { method: 'POST' as const, payload: {} }, { method: 'POST' as const, payload: '{', headers: { ...headers, 'content-type': 'application/json' } }]) {
      const response = await app.inject({ url: '/', headers, ...options })
      assert.equal(response.statusCode, 502)
      assert.deepEqual(contentOf(app, response), { n: 1, count: 2 })
    }
  })

  it('in an error handler, for an error of a hook registered before the plugin', async () => {
    const app = await readyApp({
      before: app => app.addHook('onRequest', async () => { throw new Error('early') }),
      after: app => app.setErrorHandler(handle(502)),
      routes: { '/': () => 'never' }
    })
    const response = await get(app, '/', cookieWith(app, { n: 1 }))
    assert.equal(response.statusCode, 502)
    assert.deepEqual(contentOf(app, response), { n: 1, count: 2 })
  })

  it('in a not-found handler, and where a handler calls it', async () => {
    const app = await readyApp({
      after: app => app.setNotFoundHandler(({ session }, reply) => { write(session); reply.code(404).send('missing') }),
      routes: { '/call': (_request, reply) => reply.callNotFound() }
    })
    for (const url of ['/missing', '/call']) {
      const response = await get(app, url, cookieWith(app, { n: 1 }))
      assert.equal(response.body, 'missing')
      assert.deepEqual(contentOf(app, response), { n: 1, count: 2 })
      assert.equal(linesOf(response).length, 1)
    }
  })

  it('in a content type parser', async () => {
    const app = await readyApp({
      after: app => {
        app.addContentTypeParser('text/x', { parseAs: 'string' }, async ({ session }: FastifyRequest, body: unknown) => { write(session); return body })
        app.post('/', async ({ body }) => body)
      }
    })
    const response = await app.inject({ method: 'POST', url: '/', payload: 'text', headers: { 'content-type': 'text/x', cookie: cookieWith(app, { n: 1 }) } })
    assert.equal(response.body, 'text')
    assert.deepEqual(contentOf(app, response), { n: 1, count: 2 })
  })

  it('through reply.request, and in a decorator of the app\'s', async () => {
    const app = await readyApp({
      before: app => app.decorateRequest('user', { getter (this: FastifyRequest) { return this.session.get('n') } }),
      routes: { '/': (request, reply) => [reply.request.session.get('n'), (request as never as { user: unknown }).user] }
    })
    assert.deepEqual((await get(app, '/', cookieWith(app, { n: 1 }))).json(), [1, 1])
  })
})
