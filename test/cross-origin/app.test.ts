// The plugin in an app: the answer, the log, what is covered, CORS.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import cors from '@fastify/cors'
import Fastify, { type FastifyInstance } from 'fastify'
import crossOriginDefault, { crossOriginProtection } from '../../src/cross-origin/index.ts'
import secureSession from '../../src/index.ts'
import { logged } from '../support/app.ts'
import { CODE, ask, listening, statusOf } from '../support/cross-origin.ts'
import { newKey } from '../support/helpers.ts'

const OTHER = { host: 'app.example', origin: 'https://other.example' }
const CROSS_SITE = { ...OTHER, 'sec-fetch-site': 'cross-site' }

describe('a request that is refused', () => {
  it('is answered with 403, a code, and no reason', async t => {
    const app = await listening(t)
    const answers = []
    for (const headers of [CROSS_SITE, OTHER, { host: 'app.example', origin: 'null' }]) answers.push(await ask(app, { headers }))
    for (const { status, body } of answers) {
      assert.equal(status, 403)
      assert.deepEqual(JSON.parse(body), {
        statusCode: 403, code: CODE, error: 'Forbidden', message: 'the request was refused, since it comes from a page of another origin'
      })
    }
  })

  it('goes through the error handler of the app, and of the context of its route', async t => {
    const app = await listening(t, {
      after: app => {
        app.setErrorHandler((error: Error & { code?: string }, _request, reply) => reply.code(418).send(`app: ${error.code}`))
        app.register(async child => {
          child.setErrorHandler((error: Error & { code?: string }, _request, reply) => reply.code(403).send(`child: ${error.code}`))
          child.post('/child', async () => 'done')
        })
      }
    })
    assert.deepEqual([(await ask(app, { headers: CROSS_SITE })).body, (await ask(app, { path: '/child', headers: CROSS_SITE })).body], [`app: ${CODE}`, `child: ${CODE}`])
  })

  it('never reaches a handler, a parser, or a hook of the route', async t => {
    const reached: string[] = []
    const note = (name: string) => async (): Promise<void> => { reached.push(name) }
    const app = await listening(t, {
      after: app => {
        app.post('/noted', { onRequest: note('onRequest'), preParsing: async (_request, _reply, payload) => { reached.push('preParsing'); return payload }, preHandler: note('preHandler') }, note('handler'))
      }
    })
    assert.equal(await statusOf(app, { path: '/noted', headers: CROSS_SITE }), 403)
    assert.deepEqual(reached, [])
    assert.equal(await statusOf(app, { path: '/noted', headers: { host: 'app.example' } }), 200)
    assert.deepEqual(reached, ['onRequest', 'preParsing', 'preHandler', 'handler'])
  })

  it('sets no session cookie', async t => {
    const app = await listening(t, {
      before: app => {
        app.register(secureSession, { key: newKey(), format: 'sealed', cookie: { path: '/' } })
        app.post('/login', async ({ session }) => { session.set('userId' as never, 'mallory' as never); return 'in' })
      }
    })
    assert.equal((await ask(app, { path: '/login', headers: { host: 'app.example' } })).headers['set-cookie']?.length, 1)
    assert.equal((await ask(app, { path: '/login', headers: CROSS_SITE })).headers['set-cookie'], undefined)
  })

  it('has one line of the log at level debug that says why, and nothing of the path, the query or the cookie', async t => {
    const { lines, server } = logged()
    const app = await listening(t, { server: { ...server, disableRequestLogging: true } })
    const cookie = 'session=secret'
    const cases = [
      [{ ...CROSS_SITE, cookie }, { reason: 'other-site', site: 'cross-site', origin: 'https://other.example', host: 'app.example' }],
      [{ ...OTHER, cookie }, { reason: 'other-origin', site: undefined, origin: 'https://other.example', host: 'app.example' }],
      [{ ...OTHER, origin: 'null', cookie }, { reason: 'other-origin', site: undefined, origin: null, host: 'app.example' }],
      [{ ...OTHER, origin: 'https://user:secret@other.example', cookie }, { reason: 'other-origin', site: undefined, origin: null, host: 'app.example' }]
    ] as const
    for (const [headers, expected] of cases) {
      lines.length = 0
      await ask(app, { path: '/act?token=secret', headers })
      const [line, ...more] = lines.filter(({ level }) => level === 20)
      assert.deepEqual(more, [])
      const { msg, code, reason, site, origin, host } = line ?? assert.fail('no line')
      assert.deepEqual({ msg, code, reason, site, origin, host }, { msg: 'a request of another origin was refused', code: CODE, ...expected })
      assert.doesNotMatch(JSON.stringify(line), /secret/)
    }
  })

  it('is not logged at level debug if it passes', async t => {
    const { lines, server } = logged()
    const app = await listening(t, { server })
    await ask(app, { headers: { host: 'app.example', 'sec-fetch-site': 'same-origin' } })
    assert.deepEqual(lines.filter(({ code }) => code === CODE), [])
  })
})

describe('the plugin', () => {
  it('is the default export as well', () => {
    assert.equal(crossOriginDefault, crossOriginProtection)
  })

  it('covers routes of the same context that were added before it', async t => {
    const app = await listening(t, { before: app => { app.post('/before', async () => 'done') } })
    assert.equal(await statusOf(app, { path: '/before', headers: CROSS_SITE }), 403)
  })

  it('covers routes in contexts that are registered after it, however deep', async t => {
    const app = await listening(t, {
      after: app => {
        app.register(async child => {
          child.register(async grandchild => { grandchild.post('/deep', async () => 'done') })
        }, { prefix: '/a' })
      }
    })
    assert.equal(await statusOf(app, { path: '/a/deep', headers: CROSS_SITE }), 403)
  })

  it('covers what no route is there for, so that a handler for 404 may act', async t => {
    const app = await listening(t, { after: app => { app.setNotFoundHandler(async () => 'acted') } })
    assert.equal(await statusOf(app, { path: '/nothing', headers: CROSS_SITE }), 403)
    assert.equal((await ask(app, { path: '/nothing', headers: { host: 'app.example' } })).body, 'acted')
  })

  it('registered in a context covers that context only', async t => {
    const app = Fastify({ forceCloseConnections: true })
    app.register(async child => {
      child.register(crossOriginProtection)
      child.post('/inside', async () => 'done')
    })
    app.post('/outside', async () => 'done')
    await app.listen({ port: 0, host: '127.0.0.1' })
    t.after(async () => { await app.close() })
    assert.deepEqual([await statusOf(app, { path: '/inside', headers: CROSS_SITE }), await statusOf(app, { path: '/outside', headers: CROSS_SITE })], [403, 200])
  })

  for (const order of ['before', 'after'] as const) {
    it(`works ${order} the session`, async t => {
      const app = await listening(t, { [order]: (app: FastifyInstance) => { app.register(secureSession, { key: newKey() }) } })
      assert.deepEqual([await statusOf(app, { headers: CROSS_SITE }), await statusOf(app, { headers: { host: 'app.example' } })], [403, 200])
    })
  }
})

describe('beside @fastify/cors', () => {
  for (const order of ['before', 'after'] as const) {
    it(`which is registered ${order} it, a preflight passes, and the request that follows only from a trusted origin`, async t => {
      const app = await listening(t, {
        crossOrigin: { trustedOrigins: ['https://trusted.example'] },
        [order]: (app: FastifyInstance) => { app.register(cors, { origin: ['https://trusted.example', 'https://other.example'], credentials: true }) }
      })
      for (const [origin, status] of [['https://trusted.example', 200], ['https://other.example', 403]] as const) {
        const headers = { host: 'app.example', origin, 'sec-fetch-site': 'cross-site' }
        const preflight = await ask(app, { method: 'OPTIONS', headers: { ...headers, 'access-control-request-method': 'POST' } })
        assert.deepEqual([preflight.status, preflight.headers['access-control-allow-origin']], [204, origin])
        assert.equal(await statusOf(app, { headers }), status)
      }
    })
  }

  it('which is registered before it, a page that CORS allows can read that its request was refused', async t => {
    const app = await listening(t, { before: app => { app.register(cors, { origin: 'https://other.example' }) } })
    const { status, headers } = await ask(app, { headers: CROSS_SITE })
    assert.deepEqual([status, headers['access-control-allow-origin']], [403, 'https://other.example'])
  })
})
