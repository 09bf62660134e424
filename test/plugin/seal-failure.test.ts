// A session that cannot be sealed: one error response through the app's error handler.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { newKey, setCookies, type LogLine } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, logged, readyApp, type Handler } from '../support/app.ts'

type ErrorHandler = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => unknown

const UNSTORABLE = 'FST_SEALED_SESSION_VALUE_UNSTORABLE'

interface Runs { handler: number, onError: number, onResponse: number, lines: LogLine[] }

/** An app that counts how often its error handler and its hooks run. */
async function countingApp (routes: Record<string, Handler>, handle?: ErrorHandler): Promise<{ app: FastifyInstance, runs: Runs }> {
  const { lines, server } = logged('warn')
  const runs: Runs = { handler: 0, onError: 0, onResponse: 0, lines }
  const app = await readyApp({
    server,
    after: app => {
      app.addHook('onError', async () => { runs.onError++ })
      app.addHook('onResponse', async () => { runs.onResponse++ })
      if (handle !== undefined) app.setErrorHandler((error: FastifyError, request, reply) => { runs.handler++; return handle(error, request, reply) })
    },
    routes
  })
  return { app, runs }
}

const fail: Handler = ({ session }, reply) => {
  reply.setCookie('theme', 'dark')
  session.set('n', 2n)
}

const handlers: Record<string, ErrorHandler> = {
  'a handler that sends': (error, _request, reply) => { reply.code(503).send({ code: error.code }) },
  'an async handler that returns': async (error, _request, reply) => { reply.code(503); return { code: error.code } },
  'a handler that reads the session': (error, { session }, reply) => { reply.code(503).send({ code: error.code, n: session.get('user') }) },
  'a handler that sets a key': (error, { session }, reply) => { session.set('flash', 'sorry'); reply.code(503).send({ code: error.code }) },
  'a handler that sets the value again': (error, { session }, reply) => { session.set('n', 3n); reply.code(503).send({ code: error.code }) },
  'a handler that touches and regenerates': (error, { session }, reply) => { session.touch(); session.regenerate(['n']); reply.code(503).send({ code: error.code }) },
  'an async handler that writes': async (error, { session }, reply) => { session.set('flash', 'sorry'); reply.code(503); return { code: error.code } },
  'a handler that sends a stream': (error, _request, reply) => { reply.code(503).type('application/json').send(Readable.from([JSON.stringify({ code: error.code })])) }
}

describe('a failure to seal', () => {
  for (const [what, handle] of Object.entries(handlers)) {
    it(`runs the app's error handler once and gives one response without a session cookie: ${what}`, async () => {
      const { app, runs } = await countingApp({ '/': fail, '/get': ({ session }) => session.data() }, handle)
      const cookie = cookieWith(app, { user: 1 })
      const response = await get(app, '/', cookie)
      assert.equal(response.statusCode, 503)
      assert.equal(response.json().code, UNSTORABLE)
      assert.equal(runs.handler, 1)
      assert.equal(runs.onError, 1)
      assert.equal(runs.onResponse, 1)
      assert.deepEqual(linesOf(response), [])
      assert.deepEqual(setCookies(response).map(line => line.split(';')[0]), ['theme=dark'])
      // What an error handler writes that cannot be sealed either is told, not thrown.
      const writes = /\b(?:set|write|touche)s\b/.test(what)
      assert.deepEqual(runs.lines.map(({ code }) => code), writes ? ['FST_SEALED_SESSION_WARN_NOT_SEALED'] : [])
      assert.deepEqual((await get(app, '/get', cookie)).json(), { user: 1 })
    })
  }

  it('is answered once by the default error handler', async () => {
    const { app, runs } = await countingApp({ '/': fail })
    const response = await get(app, '/', cookieWith(app, { user: 1 }))
    assert.equal(response.statusCode, 500)
    assert.equal(response.json().code, UNSTORABLE)
    assert.equal(runs.onResponse, 1)
    assert.deepEqual(setCookies(response).map(line => line.split(';')[0]), ['theme=dark'])
    assert.equal(runs.lines.length, 1, 'the default handler logs the error once')
  })

  it('is answered by the default error handler where the app\'s own throws', async () => {
    const { app, runs } = await countingApp({ '/': fail }, () => { throw Object.assign(new Error('second'), { statusCode: 502 }) })
    const response = await get(app)
    assert.equal(response.statusCode, 502)
    assert.equal(response.json().message, 'second')
    assert.equal(runs.handler, 1)
    assert.equal(runs.onResponse, 1)
    assert.deepEqual(linesOf(response), [])
  })

  it('runs the error handlers of nested contexts once each', async () => {
    const runs: string[] = []
    const app = await readyApp({
      after: app => {
        app.setErrorHandler((_error, _request, reply) => { runs.push('outer'); return reply.code(503).send('outer') })
        app.register(async child => {
          child.setErrorHandler(error => { runs.push('inner'); throw error })
          child.get('/', async ({ session }) => { session.set('n', 1n); return 'done' })
        })
      }
    })
    const response = await get(app)
    assert.equal(response.body, 'outer')
    assert.deepEqual(runs, ['inner', 'outer'])
    assert.deepEqual(linesOf(response), [])
  })

  it('gives one response where the handler had sent a stream, redirected or thrown', async () => {
    const routes: Record<string, Handler> = {
      '/stream': ({ session }, reply) => { session.set('n', 1n); return reply.send(Readable.from(['a'])) },
      '/redirect': ({ session }, reply) => { session.set('n', 1n); return reply.redirect('/login') },
      '/throw': ({ session }) => { session.set('n', 1n); throw new Error('first') }
    }
    for (const url of Object.keys(routes)) {
      const { app, runs } = await countingApp(routes)
      const response = await get(app, url)
      assert.equal(response.statusCode, 500)
      assert.equal(runs.onResponse, 1)
      assert.deepEqual(linesOf(response), [])
    }
  })

  it('of one session leaves the others\' cookies on the error response', async () => {
    for (const order of [['good', 'bad'], ['bad', 'good']]) {
      const app = await readyApp({
        session: order.map(sessionName => ({ sessionName, key: newKey() })),
        routes: {
          '/': request => {
            const { good, bad } = request as never as Record<'good' | 'bad', typeof request.session>
            good.set('n', 1)
            bad.set('n', 1n)
          }
        }
      })
      const response = await get(app)
      assert.equal(response.statusCode, 500)
      assert.deepEqual(linesOf(response, 'bad'), [])
      assert.deepEqual(contentOf(app, response, 'good'), { n: 1 })
    }
  })

  it('in a later onSend hook is one error response as well, and keeps the browser\'s cookie', async () => {
    let runs = 0
    const app = await readyApp({
      after: app => {
        app.setErrorHandler((error: FastifyError, _request, reply) => { runs++; return reply.code(503).send(error.code) })
        app.addHook('onSend', async ({ session }) => { session.set('late', 1n) })
      },
      routes: { '/': ({ session }) => session.set('n', 2) }
    })
    const response = await get(app, '/', cookieWith(app, { n: 1 }))
    assert.equal(response.statusCode, 503)
    assert.equal(response.body, UNSTORABLE)
    assert.equal(runs, 1)
    assert.deepEqual(linesOf(response), [])
  })

  it('in one request leaves the next ones as they were', async () => {
    const { app } = await countingApp({ '/': fail, '/set': ({ session }) => session.set('n', 1) })
    await get(app)
    const response = await get(app, '/set')
    assert.equal(response.statusCode, 200)
    assert.deepEqual(contentOf(app, response), { n: 1 })
  })
})
