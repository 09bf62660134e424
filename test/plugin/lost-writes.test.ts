// Writes after the headers are sent: they cannot reach the browser, so the log says so.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import type { FastifyInstance, HTTPMethods } from 'fastify'
import type { Session } from '../../src/index.ts'
import { newKey, warnings, type LogLine } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, logged, properties, readyApp, type AppSetup, type Handler } from '../support/app.ts'

const WRITE_LOST = 'FST_SEALED_SESSION_WARN_WRITE_LOST'

/** An app with `GET /user/:id`, whose log is kept. Writes after the reply may be on their way still when a response arrives; `written` waits. */
async function lateApp (handler: Handler, setup: AppSetup = {}): Promise<{ app: FastifyInstance, lines: LogLine[], written: () => Promise<unknown> }> {
  const { lines, server } = logged('warn')
  const ended = new EventTarget()
  const app = await readyApp({
    server,
    session: { key: newKey(), cookie: { path: '/' } },
    ...setup,
    routes: {
      '/user/:id': async (request, reply) => {
        try {
          return await handler(request, reply)
        } finally {
          ended.dispatchEvent(new Event('end'))
        }
      }
    }
  })
  return { app, lines, written: () => once(ended, 'end') }
}

const write = (session: Session): void => session.set('late', 1)

const handlers: Record<string, Handler> = {
  'after await reply.send()': async ({ session }, reply) => { await reply.send('sent'); write(session); return reply },
  'right after reply.send(), in the same turn': ({ session }, reply) => { reply.send('sent'); write(session); return reply },
  'after reply.send() of a session that was read before': async ({ session }, reply) => { session.get('n'); await reply.send('sent'); write(session); return reply },
  'after reply.send(), with the first use of the session': async (request, reply) => { await reply.send('sent'); write(request.session); return reply },
  'after await reply.redirect()': async ({ session }, reply) => { await reply.redirect('/'); write(session); return reply },
  'after a stream was sent': async ({ session }, reply) => { await reply.send(Readable.from(['a', 'b'])); write(session); return reply },
  'after reply.hijack() and raw.writeHead()': ({ session }, reply) => {
    reply.hijack()
    reply.raw.writeHead(200)
    write(session)
    reply.raw.end('raw')
    return reply
  },
  'after reply.hijack() and raw.write()': ({ session }, reply) => {
    reply.hijack()
    reply.raw.write('raw')
    write(session)
    reply.raw.end()
    return reply
  },
  'after reply.hijack() and raw.end()': ({ session }, reply) => {
    reply.hijack()
    reply.raw.end('raw')
    write(session)
    return reply
  }
}

function assertWarnedOnce (lines: readonly LogLine[], route: string): void {
  const [warning, ...more] = warnings(lines)
  assert.deepEqual(more, [])
  assert.equal(warning?.code, WRITE_LOST)
  assert.ok(warning.msg.includes(` ${route} `), warning.msg)
  assert.doesNotMatch(JSON.stringify(warning), /hidden/)
}

describe('a write after the headers are sent is warned about once, with method and route', () => {
  for (const [when, handler] of Object.entries(handlers)) {
    it(`${when}, injected`, async () => {
      const { app, lines, written } = await lateApp(handler)
      for (let requests = 0; requests < 3; requests++) {
        const [response] = await Promise.all([get(app, '/user/hidden?token=hidden'), written()])
        assert.deepEqual(linesOf(response), [])
      }
      assertWarnedOnce(lines, 'GET /user/:id')
    })

    it(`${when}, over a socket`, async () => {
      const { app, lines, written } = await lateApp(handler)
      const address = await app.listen({ port: 0, host: '127.0.0.1' })
      try {
        for (let requests = 0; requests < 2; requests++) {
          const [response] = await Promise.all([fetch(`${address}/user/hidden?token=hidden`, { redirect: 'manual' }), written()])
          await response.text()
          assert.equal(response.headers.get('set-cookie'), null)
        }
        assertWarnedOnce(lines, 'GET /user/:id')
      } finally {
        await app.close()
      }
    })
  }

  const writes: Record<string, (session: Session) => unknown> = {
    'set()': write,
    'many of them': session => { write(session); write(session); session.touch() },
    'a property': session => { properties(session).late = 1 },
    'a deleted property': session => delete properties(session).n,
    'delete()': session => session.delete(),
    'touch()': session => session.touch(),
    'regenerate()': session => session.regenerate()
  }
  for (const [what, act] of Object.entries(writes)) {
    it(`whatever writes: ${what}`, async () => {
      const { app, lines, written } = await lateApp(async ({ session }, reply) => { await reply.send('sent'); act(session); return reply })
      await Promise.all([get(app, '/user/hidden?token=hidden', cookieWith(app, { n: 1 })), written()])
      assertWarnedOnce(lines, 'GET /user/:id')
    })
  }

  it('in an onResponse hook', async () => {
    const { app, lines } = await lateApp(() => 'sent', { after: app => app.addHook('onResponse', async ({ session }) => write(session)) })
    await get(app, '/user/hidden?token=hidden')
    assertWarnedOnce(lines, 'GET /user/:id')
  })

  it('in an onRequest hook, registered before the plugin, that had replied', async () => {
    const { app, lines } = await lateApp(() => 'never', { before: app => app.addHook('onRequest', async ({ session }, reply) => { await reply.send('early'); write(session); return reply }) })
    await get(app, '/user/hidden?token=hidden')
    assertWarnedOnce(lines, 'GET /user/:id')
  })

  it('for each route and method on its own', async () => {
    const { lines, server } = logged('warn')
    const app = await readyApp({
      server,
      after: app => {
        app.addHook('onResponse', async ({ session }) => write(session))
        for (const url of ['/a/:id', '/b']) app.route({ method: ['GET', 'POST'], url, handler: async () => 'sent' })
      }
    })
    for (const url of ['/a/1', '/a/2', '/b', '/b?x=1']) {
      for (const method of ['GET', 'POST', 'HEAD'] satisfies HTTPMethods[]) await app.inject({ method, url })
    }
    const routes = warnings(lines).map(({ msg }) => /of (\w+ \S+) were/.exec(msg)?.[1])
    assert.deepEqual(routes.sort(), ['GET /a/:id', 'GET /b', 'HEAD /a/:id', 'HEAD /b', 'POST /a/:id', 'POST /b'])
  })

  it('without the URL where no route matched', async () => {
    const { app, lines } = await lateApp(() => 'sent', { after: app => app.addHook('onResponse', async ({ session }) => write(session)) })
    for (const url of ['/hidden', '/hidden/too?token=hidden']) await get(app, url)
    assert.equal(warnings(lines).length, 1)
    assert.doesNotMatch(JSON.stringify(warnings(lines)), /hidden/)
  })

  it('with the name of the session, for each session on its own', async () => {
    const { app, lines } = await lateApp(() => 'sent', {
      session: ['one', 'two'].map(sessionName => ({ sessionName, key: newKey() })),
      after: app => app.addHook('onResponse', async request => {
        const sessions = request as never as Record<'one' | 'two', Session>
        write(sessions.one)
        write(sessions.two)
      })
    })
    await get(app, '/user/hidden')
    await get(app, '/user/hidden')
    assert.deepEqual(warnings(lines).map(({ msg }) => /session "(\w+)"/.exec(msg)?.[1]), ['one', 'two'])
  })
})

describe('nothing is warned about', () => {
  it('where the session is only read after the headers are sent', async () => {
    const { app, lines, written } = await lateApp(async ({ session }, reply) => { await reply.send('sent'); session.get('n'); session.data(); return reply })
    await Promise.all([get(app, '/user/hidden', cookieWith(app, { n: 1 })), written()])
    assert.deepEqual(warnings(lines), [])
  })

  it('where a write before the headers is sent with them', async () => {
    const { app, lines } = await lateApp(({ session }, reply) => { write(session); return reply.send('sent') })
    assert.deepEqual(contentOf(app, await get(app, '/user/hidden')), { late: 1 })
    assert.deepEqual(warnings(lines), [])
  })

  it('where reply.send() was called and an onSend hook still holds the response back: the write is sent', async () => {
    const { app, lines } = await lateApp(({ session }, reply) => { reply.send('sent'); write(session); return reply }, {
      before: app => app.addHook('onSend', (_request, _reply, _payload, done) => { setImmediate(done) })
    })
    assert.deepEqual(contentOf(app, await get(app, '/user/hidden')), { late: 1 })
    assert.deepEqual(warnings(lines), [])
  })
})
