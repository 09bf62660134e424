// Code that runs where nothing catches what it throws: log serializers, frameworkErrors, the end of a response.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect as connectSocket, type AddressInfo } from 'node:net'
import { connect as connectHttp2 } from 'node:http2'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify'
import type { Session } from '../../src/index.ts'
import { tableUnder } from '../docs/markdown.ts'
import { get, post, readyApp, wrapHooks, type Bag } from '../support/app.ts'
import { cookieOf, setCookies, type LogLine } from '../support/helpers.ts'
import { TestStore, appWithLogins, key, login, who, type LoginsSetup } from '../support/revocation.ts'

const IGNORED = 'FST_SEALED_SESSION_WARN_WRITE_IGNORED'

type Look = (request: FastifyRequest) => unknown

/** A logger whose serializers look at the session: that of requests at the first line, that of replies at the last. */
function logging (look: { req?: Look, res?: Look }): { lines: LogLine[], server: FastifyServerOptions } {
  const lines: LogLine[] = []
  const serializers = {
    req: (request: FastifyRequest) => ({ seen: look.req?.(request) ?? null }),
    res: (reply: { request: FastifyRequest }) => ({ seen: look.res?.(reply.request) ?? null })
  }
  const stream = { write: (text: string) => { lines.push(JSON.parse(text) as LogLine) } }
  return { lines, server: { logger: { level: 'info', stream, serializers } } as unknown as FastifyServerOptions }
}

const user: Look = ({ session }) => (session as Bag | undefined)?.user
const seenAt = (lines: readonly LogLine[], msg: string, part: 'req' | 'res'): unknown[] =>
  lines.filter(line => line.msg === msg).map(line => (line[part] as { seen: unknown }).seen)
const codes = (lines: readonly LogLine[]): string[] => lines.flatMap(({ code }) => code?.startsWith('FST_SEALED_SESSION_WARN_WRITE') === true ? code : [])

describe('a log serializer that reads the session, with revocation', () => {
  it('reads it as empty before the check, and the request is answered', async () => {
    const { lines, server } = logging({ req: user })
    const app = await appWithLogins({ server })
    const cookie = await login(app)
    assert.equal(await who(app, cookie), 'ann')
    assert.deepEqual(seenAt(lines, 'incoming request', 'req'), [null, null])
  })

  it('reads it as empty before the check, also in an app whose hooks are wrapped by a tool that traces it', async () => {
    const { lines, server } = logging({ req: user })
    const app = await appWithLogins({ server, before: wrapHooks })
    const cookie = await login(app)
    assert.equal(await who(app, cookie), 'ann')
    assert.deepEqual(seenAt(lines, 'incoming request', 'req'), [null, null])
  })

  it('reads it as empty over HTTP/1.1 and over HTTP/2', async t => {
    for (const http2 of [false, true]) {
      const app = await appWithLogins({ server: { ...logging({ req: user, res: user }).server, http2 } as never })
      t.after(async () => { await app.close() })
      const cookie = await login(app)
      await app.listen({ port: 0, host: '127.0.0.1' })
      const address = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
      if (!http2) {
        assert.equal(await (await fetch(`${address}/me`, { headers: { cookie } })).text(), 'ann')
        continue
      }
      const client = connectHttp2(address)
      assert.equal(await text(client.request({ ':path': '/me', cookie })), 'ann')
      client.close()
    }
  })

  it('has the checked session at the end of the response', async () => {
    const { lines, server } = logging({ res: user })
    const app = await appWithLogins({ server })
    const cookie = await login(app)
    await get(app, '/me', cookie)
    assert.deepEqual(seenAt(lines, 'request completed', 'res'), ['ann', 'ann'])
  })

  it('reads it as empty at the end of a response that an earlier hook has sent, before the check', async () => {
    const { lines, server } = logging({ res: user })
    const app = await appWithLogins({ server, before: app => app.addHook('onRequest', async (request, reply) => { if (request.url === '/public') return reply.code(429).send('later') }) })
    const cookie = await login(app)
    assert.equal((await get(app, '/public', cookie)).statusCode, 429)
    assert.deepEqual(seenAt(lines, 'request completed', 'res'), ['ann', null])
  })

  it('reads it as empty at the end of a response to which the store has failed', async () => {
    const store = new TestStore()
    const { lines, server } = logging({ req: user, res: user })
    const app = await appWithLogins({ server, revocation: { store, cacheTtl: 0 } })
    const cookie = await login(app)
    store.fail()
    assert.equal((await get(app, '/public', cookie)).statusCode, 200)
    assert.equal((await get(app, '/me', cookie)).statusCode, 503)
    assert.deepEqual(seenAt(lines, 'request completed', 'res'), ['ann', null, null])
  })

  it('by a getter of the app, and by another sessionName', async () => {
    const other: Look = request => (request as unknown as { whoami: unknown }).whoami
    const { lines, server } = logging({ req: other })
    const app = await appWithLogins({
      server,
      session: { sessionName: 'account', cookieName: 'session' },
      before: app => { app.decorateRequest('whoami', { getter (this: FastifyRequest) { return (this as unknown as { account: Bag }).account.user } }) },
      after: app => { app.get('/in', async request => { (request as unknown as { account: Bag }).account.user = 'ann'; return 'in' }); app.get('/who', async request => other(request)) },
      revocation: { subject: session => (session as Bag).user as string | undefined }
    })
    const cookie = setCookies(await get(app, '/in'))[0]?.split(';')[0] ?? ''
    assert.equal((await get(app, '/who', cookie)).body, 'ann')
    assert.deepEqual(seenAt(lines, 'incoming request', 'req'), [null, null])
  })

  it('does not change it by a write, which is warned about once a route', async () => {
    const { lines, server } = logging({ req: request => { (request.session as Bag).theme = 'dark'; return (request.session as Bag).theme } })
    const app = await appWithLogins({ server })
    const cookie = setCookies(await app.inject({ method: 'POST', url: '/login', payload: { user: 'ann' } }))[0]?.split(';')[0] ?? ''
    for (let requests = 0; requests < 2; requests++) assert.deepEqual(setCookies(await get(app, '/me', cookie)), [])
    // The login had no session to check, and regenerates: that drops the write.
    assert.deepEqual(codes(lines), ['FST_SEALED_SESSION_WARN_WRITE_DROPPED', IGNORED])
    assert.deepEqual(seenAt(lines, 'incoming request', 'req').slice(1), [null, null])
  })
})

describe('a hook that reads the session before the check', () => {
  for (const [which, setup] of Object.entries({
    'of the app': (hook: Look): LoginsSetup => ({ before: app => app.addHook('onRequest', async request => { hook(request) }) }),
    'of a context that was made earlier': (hook: Look): LoginsSetup => ({
      before: app => app.register(async child => {
        child.addHook('onRequest', async request => { hook(request) })
        child.get('/child', async () => 'child')
      })
    })
  })) {
    it(`gets the coded error, also beside such a serializer: ${which}`, async () => {
      const app = await appWithLogins({ ...setup(user), server: logging({ req: user }).server })
      const cookie = await login(app)
      const response = await get(app, which === 'of the app' ? '/me' : '/child', cookie)
      assert.deepEqual([response.statusCode, response.json<{ code: string }>().code], [500, 'FST_SEALED_SESSION_NOT_CHECKED'])
    })
  }
})

describe('onResponse and onRequestAbort', () => {
  it('read the session as empty where it was not checked', async t => {
    const store = new TestStore()
    const seen: unknown[] = []
    const app = await appWithLogins({
      revocation: { store, cacheTtl: 0 },
      before: app => app.addHook('onRequest', async (request, reply) => { if (request.url === '/early') return reply.send('early') }),
      after: app => {
        app.addHook('onResponse', async request => { seen.push(['response', user(request)]) })
        app.addHook('onRequestAbort', async request => { seen.push(['abort', user(request)]) })
        app.get('/early', async () => 'never')
      }
    })
    t.after(async () => { await app.close() })
    const cookie = await login(app)
    seen.length = 0
    await get(app, '/early', cookie)
    assert.deepEqual(seen.splice(0), [['response', undefined]])

    await app.listen({ port: 0, host: '127.0.0.1' })
    const asked = new Promise<void>(resolve => { store.before = async () => { resolve(); await new Promise(() => {}) } })
    const socket = connectSocket((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(`GET /me HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\n\r\n`)
    await asked
    socket.destroy()
    while (seen.length === 0) await new Promise(setImmediate)
    assert.deepEqual(seen, [['abort', undefined]])
  })
})

/** The status of the answer to a URL that cannot be decoded. */
async function badUrl (t: TestContext, app: FastifyInstance): Promise<string> {
  t.after(async () => { await app.close() })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connectSocket((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('GET /p/%world HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  const answer = await text(socket)
  return `${answer.slice(0, answer.indexOf('\r\n'))} ${answer.slice(answer.lastIndexOf('\r\n') + 2)}`
}

describe('frameworkErrors', () => {
  const reading = (session: Session): unknown => (session as Bag).user ?? null
  for (const [which, register] of Object.entries({
    'with revocation': (server: FastifyServerOptions) => appWithLogins({ server }),
    'without revocation': (server: FastifyServerOptions) => readyApp({ server, session: { key } })
  })) {
    it(`reads the session as empty, ${which}`, async t => {
      const app = await register({ frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => { reply.code(400).send({ user: reading(request.session) }) } } as FastifyServerOptions)
      assert.equal(await badUrl(t, app), 'HTTP/1.1 400 Bad Request {"user":null}')
    })

    it(`writes nothing to it, which is warned about, ${which}`, async t => {
      const { lines, server } = logging({})
      const app = await register({ ...server, frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => { request.session.set('user', 'eve' as never); reply.code(400).send('bad') } } as FastifyServerOptions)
      assert.equal(await badUrl(t, app), 'HTTP/1.1 400 Bad Request bad')
      assert.deepEqual(codes(lines), [IGNORED])
    })
  }
})

describe('a schema that cannot be used', () => {
  it('ends no process where a serializer reads the session: it is the answer to the handler', async () => {
    const { server } = logging({ req: user })
    const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: object) => 'user' in value ? Promise.resolve({ value }) : { value } } }
    const app = await appWithLogins({ server, session: { schema } })
    const sealed = await appWithLogins()
    const cookie = await login(sealed)
    const response = await get(app, '/me', cookie)
    assert.equal(response.json<{ code: string }>().code, 'FST_SEALED_SESSION_SCHEMA_ASYNC')
  })
})

describe('docs/guide/responses.md on where a session cannot be used', () => {
  it('has a line for each place that is tested here', () => {
    const page = readFileSync(new URL('../../docs/guide/responses.md', import.meta.url), 'utf8')
    assert.deepEqual(tableUnder(page, '## Where a session cannot be used').map(([code]) => code), [
      'a log serializer, at the line "incoming request"',
      'a log serializer or an `onResponse` hook, after the response',
      'an `onRequestAbort` hook',
      '`frameworkErrors`',
      'with revocation, an `onRequest` hook before the check'
    ])
  })

  it('is right that without revocation a serializer reads it as a hook does', async () => {
    const { lines, server } = logging({ req: user, res: user })
    const app = await readyApp({ server, session: { key } })
    const cookie = cookieOf(await post(app, '/set', undefined, { user: 'ann' }))
    await get(app, '/missing', cookie)
    assert.deepEqual([seenAt(lines, 'incoming request', 'req').at(-1), seenAt(lines, 'request completed', 'res').at(-1)], ['ann', 'ann'])
  })
})
