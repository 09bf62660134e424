// The session in the routes of @fastify/websocket: there to be read, and too late to be written.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance } from 'fastify'
import { WebSocket } from 'ws'
import secureSession, { type Session } from '../../src/index.ts'
import { MemoryStore, sessionRevocation } from '../../src/revocation/index.ts'
import { captureLog, newKey, warnings, type LogLine } from '../helpers.ts'
import { cookieWith } from './support.ts'

const WRITE_LOST = 'FST_SEALED_SESSION_WARN_WRITE_LOST'
const plugins = {
  websocket: (app: FastifyInstance) => app.register(websocket),
  session: (app: FastifyInstance) => app.register(secureSession, { key: newKey() })
}

interface Setup {
  order?: ReadonlyArray<keyof typeof plugins>
  onOpen?: (session: Session) => void
}

/** An app whose `/socket/:id` answers with what the session holds; the answer, and what was logged. */
async function connect ({ order = ['websocket', 'session'], onOpen }: Setup): Promise<{ answer: unknown, lines: LogLine[] }> {
  const { lines, logger = false } = captureLog('warn')
  const app = Fastify({ logger })
  for (const name of order) plugins[name](app)
  app.register(async app => {
    app.get('/socket/:id', { websocket: true }, (socket, { session }) => {
      onOpen?.(session)
      socket.send(JSON.stringify(session.data()))
    })
  })
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  try {
    let answer: unknown
    for (let time = 0; time < 2; time++) {
      const client = new WebSocket(`${address.replace('http', 'ws')}/socket/hidden?token=hidden`, { headers: { cookie: cookieWith(app, { n: 1 }) } })
      answer = JSON.parse(String((await once(client, 'message'))[0]))
      client.close()
      await once(client, 'close')
    }
    return { answer, lines: warnings(lines) }
  } finally {
    await app.close()
  }
}

describe('in a route of @fastify/websocket', () => {
  for (const order of [['websocket', 'session'], ['session', 'websocket']] as const) {
    it(`the session is read, with ${order.join(' before ')}, and no warning is given`, async () => {
      assert.deepEqual(await connect({ order }), { answer: { n: 1 }, lines: [] })
    })
  }

  const writes: Record<string, (session: Session) => void> = {
    'set()': session => session.set('late', 1),
    'delete()': session => session.delete(),
    'touch()': session => session.touch()
  }
  for (const [what, write] of Object.entries(writes)) {
    it(`a write is warned about once, since the upgrade carries no cookie: ${what}`, async () => {
      const { lines: [warning, ...more] } = await connect({ onOpen: write })
      assert.deepEqual(more, [])
      assert.equal(warning?.code, WRITE_LOST)
      assert.match(warning.msg, / GET \/socket\/:id /)
      assert.doesNotMatch(JSON.stringify(warning), /hidden/)
    })
  }

  it('the upgrade carries what a hook wrote where the app puts reply.sessionCookies() among its headers', async () => {
    const app = Fastify()
    for (const register of Object.values(plugins)) register(app)
    const lines = new WeakMap<object, string[]>()
    app.register(async app => {
      app.websocketServer.on('headers', (headers, request) => {
        headers.push(...(lines.get(request) ?? []).map(line => `Set-Cookie: ${line}`))
      })
      app.addHook('preHandler', async (request, reply) => {
        request.session.set('seen', true)
        lines.set(request.raw, await reply.sessionCookies())
      })
      app.get('/', { websocket: true }, socket => socket.close())
    })
    const client = new WebSocket((await app.listen({ port: 0, host: '127.0.0.1' })).replace('http', 'ws'))
    const closed = once(client, 'close')
    const [{ headers }] = await once(client, 'upgrade') as [IncomingMessage]
    const [value = ''] = /(?<=session=)[^;]+/.exec(headers['set-cookie']?.[0] ?? '') ?? []
    assert.deepEqual(app.decodeSecureSession(decodeURIComponent(value))?.data(), { seen: true })
    await closed
    await app.close()
  })

  it('a handler ends the session with revokeSession(): later upgrades find it empty', async () => {
    const app = Fastify()
    for (const register of Object.values(plugins)) register(app)
    app.register(sessionRevocation, { store: new MemoryStore() })
    app.register(async app => {
      app.get('/', { websocket: true }, async (socket, { session }) => {
        socket.send(JSON.stringify(session.data()))
        await app.revokeSession(session)
        socket.close()
      })
    })
    const address = (await app.listen({ port: 0, host: '127.0.0.1' })).replace('http', 'ws')
    const cookie = cookieWith(app, { n: 1 })
    const answers: unknown[] = []
    for (let time = 0; time < 2; time++) {
      const client = new WebSocket(address, { headers: { cookie } })
      client.on('message', message => answers.push(JSON.parse(String(message))))
      await once(client, 'close')
    }
    assert.deepEqual(answers, [{ n: 1 }, {}])
    await app.close()
  })
})
