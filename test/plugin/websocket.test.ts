// The session in the routes of @fastify/websocket: there to be read, and too late to be written.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import websocket from '@fastify/websocket'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import { WebSocket } from 'ws'
import type { Session } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { warnings, type LogLine } from '../support/helpers.ts'
import { cookieWith, logged, newApp, type AppSetup } from '../support/app.ts'

const WRITE_LOST = 'FST_SEALED_SESSION_WARN_WRITE_LOST'
const NOT_SENT = 'FST_SEALED_SESSION_WARN_NOT_SENT'

type Order = readonly ['websocket', 'session'] | readonly ['session', 'websocket']

/** An app with @fastify/websocket before or after the session. */
function appWithSockets (setup: AppSetup, addRoutes: (app: FastifyInstance) => void, [first]: Order = ['websocket', 'session']): FastifyInstance {
  const register = (app: FastifyInstance): unknown => app.register(websocket)
  return newApp({
    ...setup,
    ...(first === 'websocket' ? { before: register } : { after: register }),
    routes: app => app.register(async app => { addRoutes(app) })
  })
}

interface Setup {
  order?: Order
  onOpen?: (session: Session) => void
  /** Hooks of the route. */
  hooks?: Pick<RouteShorthandOptions, 'onRequest' | 'preValidation' | 'preHandler'>
}

/** An app whose `/socket/:id` answers with what the session holds; the answer, and what was logged. */
async function connect ({ order = ['websocket', 'session'], onOpen, hooks }: Setup): Promise<{ answer: unknown, lines: LogLine[] }> {
  const { lines, server } = logged('warn')
  const app = appWithSockets({ server }, app => {
    app.get('/socket/:id', { ...hooks, websocket: true }, (socket, { session }) => {
      onOpen?.(session)
      socket.send(JSON.stringify(session.data()))
    })
  }, order)
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  try {
    let answer: unknown
    for (let time = 0; time < 2; time++) {
      const client = new WebSocket(`${address.replace('http', 'ws')}/socket/hidden?token=hidden`, { headers: { cookie: cookieWith(app, { n: 1, cart: [] }) } })
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
      assert.deepEqual(await connect({ order }), { answer: { n: 1, cart: [] }, lines: [] })
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

  const changeInPlace = (session: Session): void => { (session as unknown as { cart: number[] }).cart.push(1) }
  for (const hook of ['onRequest', 'preValidation', 'preHandler'] as const) {
    for (const [what, write] of Object.entries({ ...writes, 'a change in place': changeInPlace })) {
      for (const order of [['websocket', 'session'], ['session', 'websocket']] as const) {
        it(`a write in a hook of type ${hook} is warned about once, since the upgrade carries no cookie: ${what}, ${order.join(' before ')}`, async () => {
          const { lines: [warning, ...more] } = await connect({ order, hooks: { [hook]: async ({ session }: FastifyRequest) => { write(session) } } })
          assert.deepEqual(more, [])
          assert.equal(warning?.code, NOT_SENT)
          assert.match(warning.msg, / GET \/socket\/:id /)
          assert.doesNotMatch(JSON.stringify(warning), /hidden/)
        })
      }
    }
  }

  it('no warning is given if a hook has only read, or has discarded what it wrote', async () => {
    const reads = async ({ session }: FastifyRequest): Promise<void> => { session.data(); session.get('cart') }
    const discards = async (request: FastifyRequest): Promise<void> => {
      request.session.set('n', 2)
      request.session.changed = false
    }
    for (const preHandler of [reads, discards]) assert.deepEqual((await connect({ hooks: { preHandler } })).lines, [])
  })

  it('no warning is given, and the cookie is sent, if a hook writes and then refuses the upgrade', async () => {
    const { lines, server } = logged('warn')
    const app = appWithSockets({ server }, app => {
      const preHandler = async ({ session }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
        session.set('refused', true)
        return reply.code(403).send()
      }
      app.get('/', { websocket: true, preHandler }, socket => socket.close())
    })
    const client = new WebSocket((await app.listen({ port: 0, host: '127.0.0.1' })).replace('http', 'ws'))
    const [, response] = await once(client, 'unexpected-response') as [unknown, IncomingMessage]
    assert.equal(response.statusCode, 403)
    assert.match(response.headers['set-cookie']?.[0] ?? '', /^session=/)
    response.destroy()
    await app.close()
    assert.deepEqual(warnings(lines), [])
  })

  it('the upgrade carries what a hook wrote where the app puts reply.sessionCookies() among its headers', async () => {
    const log = logged('warn')
    const lines = new WeakMap<object, string[]>()
    const app = appWithSockets({ server: log.server }, app => {
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
    assert.deepEqual(warnings(log.lines), [])
  })

  it('a handler ends the session with revokeSession(): later upgrades find it empty', async () => {
    const app = appWithSockets({ revocation: { store: new MemoryStore() } }, app => {
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
