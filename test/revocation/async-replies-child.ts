// Every way in which async code answers, in one process: tells its parent each answer, and ends. A parent
// that misses answers knows that the process has ended before.
//
//   argv: a store (none, memory, slow, failing, refusing, redis), the port of Redis
import { createReadStream } from 'node:fs'
import { request as http1, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import secureSession from '../../src/index.ts'
import { MemoryStore, sessionRevocation, type RevocationStore } from '../../src/revocation/index.ts'
import type { Bag } from '../support/app.ts'
import { subject } from '../support/revocation.ts'

/** Answer to one request, as far as it should be the same with and without revocation. */
export interface Answer {
  status: number
  body: string
  headers: Record<string, unknown>
  /** Number of times that the handler ran. */
  ran: number
  /** Number of session cookies. */
  cookies: number
}

export interface Report { name: string, answer: Answer }

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown
type Use = 'writes' | 'reads' | 'regenerates' | 'logs out'

const turn = async (milliseconds: number): Promise<void> => { await new Promise(resolve => setTimeout(resolve, milliseconds)) }
const FILE = fileURLToPath(import.meta.url)

const uses: Record<Use, (session: Bag) => unknown> = {
  writes: session => { session.n = 1 },
  reads: session => session.user,
  regenerates: session => { session.regenerate(); session.user = 'ben' },
  'logs out': session => { session.delete() }
}

/** Handlers that are done before their reply is. */
const handlers: Record<string, Handler> = {
  'returns nothing after send()': async (_request, reply) => { reply.send({ a: 1 }) },
  'returns nothing after send() of text': async (_request, reply) => { reply.send('text') },
  'returns nothing after send() without a payload': async (_request, reply) => { reply.code(204).send() },
  'returns nothing after redirect()': async (_request, reply) => { reply.redirect('/home') },
  'returns nothing after it has waited, then send()': async (_request, reply) => { await turn(1); reply.send({ a: 1 }) },
  'returns nothing, a while after send()': async (_request, reply) => { reply.send({ a: 1 }); await turn(3) },
  'returns nothing, long after send()': async (_request, reply) => { reply.send({ a: 1 }); await turn(60) },
  'returns nothing after send() of an error': async (_request, reply) => { reply.send(Object.assign(new Error('teapot'), { statusCode: 418 })) },
  'returns nothing after send() of a stream': async (_request, reply) => { reply.send(Readable.from(['a', 'b', 'c'])) },
  'returns nothing after callNotFound()': async (_request, reply) => { reply.callNotFound() },
  'returns null after send()': async (_request, reply) => { reply.send({ a: 1 }); return null },
  'returns a value after send()': async (_request, reply) => { reply.send({ a: 1 }); return { b: 2 } },
  'returns what send() returns': async (_request, reply) => reply.send({ a: 1 }),
  'returns the reply': async (_request, reply) => { reply.send({ a: 1 }); return reply },
  'returns the reply, a while after send()': async (_request, reply) => { reply.send({ a: 1 }); await turn(3); return reply },
  'awaits the reply': async (_request, reply) => { await reply.send({ a: 1 }) },
  'returns the reply after redirect()': async (_request, reply) => reply.redirect('/home'),
  'returns the reply with a stream': async (_request, reply) => reply.send(Readable.from(['a', 'b', 'c'])),
  'returns the reply with a file': async (_request, reply) => { reply.type('text/plain').send(createReadStream(FILE)); return reply },
  'returns the reply with a web stream': async (_request, reply) => reply.send(ReadableStream.from([Buffer.from('a'), Buffer.from('b')])),
  'returns the reply with a Response': async (_request, reply) => reply.send(new Response('text', { status: 201, headers: { 'x-own': '1' } })),
  'returns a Response': async () => new Response('text', { status: 201, headers: { 'x-own': '1' } }),
  'returns a value': async () => ({ a: 1 }),
  'returns a value late': async () => { await turn(3); return { a: 1 } },
  'sends twice': async (_request, reply) => { reply.send({ a: 1 }); reply.send({ b: 2 }) },
  'throws after send()': async (_request, reply) => { reply.send({ a: 1 }); throw new Error('after it') },
  'throws a while after send()': async (_request, reply) => { reply.send({ a: 1 }); await turn(3); throw new Error('after it') },
  throws: async () => { throw Object.assign(new Error('teapot'), { statusCode: 418 }) },
  'ends the raw response': async (_request, reply) => { reply.raw.end('raw') },
  'ends the raw response after hijack()': async (_request, reply) => { reply.hijack(); reply.raw.end('raw') },
  'is no async function': (_request, reply) => { reply.send({ a: 1 }) },
  'is no async function, and sends later': (_request, reply) => { setTimeout(() => { reply.send({ a: 1 }) }, 2) },
  'throws to an async error handler that returns nothing': async () => { throw new Error('to the handler') },
  'sends to an async error handler that returns nothing': async (_request, reply) => { reply.send(new Error('to the handler')) },
  'throws to an error handler that throws': async () => { throw new Error('to the throwing one') }
}

/** Hooks that refuse a request: the handler must not run. */
const refusals: Record<string, Handler> = {
  'returns nothing after send()': async (_request, reply) => { reply.code(401).send({ no: 1 }) },
  'returns nothing after redirect()': async (_request, reply) => { reply.redirect('/login') },
  'returns nothing after send() of a stream': async (_request, reply) => { reply.code(401).send(Readable.from(['n', 'o'])); await turn(20) },
  'returns nothing, a while after send()': async (_request, reply) => { reply.code(401).send({ no: 1 }); await turn(3) },
  'returns the reply': async (_request, reply) => { reply.code(401).send({ no: 1 }); return reply },
  'returns the reply with a stream': async (_request, reply) => reply.code(401).send(Readable.from(['n', 'o'])),
  'throws after send()': async (_request, reply) => { reply.code(401).send({ no: 1 }); throw new Error('after it') },
  throws: async () => { throw Object.assign(new Error('no'), { statusCode: 401 }) }
}

const HOOKS = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const

const ran = new Map<string, number>()

/** A route for each way to answer and each use of the session, and whether it needs the cookie. */
function addRoutes (app: FastifyInstance): string[] {
  const names: string[] = []
  const add = (name: string, options: object, handler: Handler): void => {
    names.push(name)
    app.get(`/${names.length - 1}`, options, handler as never)
  }
  for (const [use, act] of Object.entries(uses)) {
    for (const [how, answer] of Object.entries(handlers)) {
      const name = `a handler that ${use} and ${how}`
      add(name, {}, (request, reply) => { ran.set(name, (ran.get(name) ?? 0) + 1); act(request.session as Bag); return answer(request, reply) })
    }
    for (const hook of HOOKS) {
      const a = hook === 'onRequest' ? 'an' : 'a'
      for (const [how, answer] of Object.entries(refusals)) {
        const name = `${a} ${hook} hook that ${use} and ${how}`
        const refuse: Handler = async (request, reply) => { act(request.session as Bag); return await answer(request, reply) }
        add(name, { [hook]: refuse }, async () => { ran.set(name, (ran.get(name) ?? 0) + 1); return 'secret' })
      }
      const name = `${a} ${hook} hook with a callback that ${use} and sends`
      add(name, { [hook]: (request: FastifyRequest, reply: FastifyReply) => { act(request.session as Bag); reply.code(401).send({ no: 1 }) } }, async () => { ran.set(name, (ran.get(name) ?? 0) + 1); return 'secret' })
    }
    const late = `a handler that ${use} and returns nothing, with an async onSend hook of the route`
    add(late, { onSend: async (_request: FastifyRequest, reply: FastifyReply, payload: unknown) => { await turn(2); reply.header('x-late', '1'); return payload } }, async (request, reply) => { act(request.session as Bag); reply.send({ a: 1 }); await turn(1); return reply })
  }
  return names
}

function addErrorHandler (app: FastifyInstance): void {
  app.setErrorHandler(async (error: Error & { statusCode?: number }, _request, reply) => {
    if (error.message === 'to the throwing one') throw new Error('of the error handler')
    reply.code(error.statusCode ?? 500).send({ message: error.message })
  })
  app.setNotFoundHandler(async (_request, reply) => { reply.code(404).send({ nothing: 'here' }) })
}

async function storeOf (kind: string, port: string): Promise<RevocationStore | null> {
  const held = new Map<string, string>()
  const later = { get: async (key: string) => { await turn(8); return held.get(key) }, set: async (key: string, value: string) => { await turn(8); held.set(key, value) } }
  switch (kind) {
    case 'none': return null
    case 'memory': return new MemoryStore()
    case 'slow': return later
    case 'failing': return { get: async () => { await turn(2); throw new Error('down') }, set: async () => { await turn(2); throw new Error('down') } }
    case 'refusing': return { get: () => { throw new Error('down') }, set: () => { throw new Error('down') } }
    default: {
      const adapter = new KeyvRedis({ url: `redis://127.0.0.1:${port}` }, { throwOnErrors: true })
      const store = new Keyv({ store: adapter, throwOnErrors: true, namespace: 'app' })
      await adapter.getClient()
      return store
    }
  }
}

type Raw = Pick<Answer, 'status' | 'body'> & { headers: IncomingHttpHeaders }

async function overHttp1 (port: number, path: string, headers: Record<string, string>): Promise<Raw> {
  const sent = http1({ port, host: '127.0.0.1', path, headers, agent: false }).end()
  const [response] = await once(sent, 'response') as [import('node:http').IncomingMessage]
  return { status: response.statusCode ?? 0, body: await text(response), headers: response.headers }
}

async function overHttp2 (port: number, path: string, headers: Record<string, string>): Promise<Raw> {
  const client = connect(`http://127.0.0.1:${port}`)
  try {
    const stream = client.request({ ':path': path, ...headers })
    const [response, body] = await Promise.all([once(stream, 'response'), text(stream)])
    const [{ ':status': status = 0, ...rest }] = response as [IncomingHttpHeaders & { ':status'?: number }]
    return { status, body, headers: rest }
  } finally {
    client.close()
  }
}

/** Headers that say nothing of who answers. */
const UNEQUAL = new Set(['set-cookie', 'cache-control', 'date', 'connection', 'keep-alive'])

function describeAnswer (name: string, { status, body, headers }: Raw): Answer {
  const rest = Object.entries(headers).filter(([header]) => !UNEQUAL.has(header)).sort()
  return { status, body, headers: Object.fromEntries(rest), ran: ran.get(name) ?? 0, cookies: [headers['set-cookie'] ?? []].flat().length }
}

async function run (kind: string, port: string): Promise<void> {
  const store = await storeOf(kind, port)
  const isDown = kind === 'failing' || kind === 'refusing'
  for (const transport of ['inject', 'HTTP/1.1', 'HTTP/2']) {
    const app = (transport === 'HTTP/2' ? Fastify({ http2: true }) : Fastify()) as unknown as FastifyInstance
    app.register(secureSession, { key: Buffer.alloc(32, 'random enough for a test'), format: 'sealed' })
    if (store !== null) app.register(sessionRevocation, { store, subject, storeTimeout: 30 })
    addErrorHandler(app)
    app.get('/login', async ({ session }) => { (session as Bag).user = 'ann'; return 'in' })
    const names = addRoutes(app)
    if (transport === 'inject') await app.ready()
    else await app.listen({ port: 0, host: '127.0.0.1' })
    const send = async (path: string, headers: Record<string, string>): Promise<Raw> => {
      if (transport === 'inject') {
        const { statusCode, body, headers: got } = await app.inject({ url: path, headers })
        return { status: statusCode, body, headers: got as IncomingHttpHeaders }
      }
      return await (transport === 'HTTP/2' ? overHttp2 : overHttp1)((app.server.address() as AddressInfo).port, path, headers)
    }
    await Promise.all(names.map(async (name, index) => {
      // A store that fails lets nobody log in; a session that begins asks it all the same.
      const login = isDown ? null : await send('/login', {})
      const cookie = [login?.headers['set-cookie'] ?? []].flat()[0]?.split(';')[0]
      const raw = await send(`/${index}`, cookie === undefined ? {} : { cookie }).catch((error: Error & { code?: string }): Raw => ({ status: 0, body: String(error.code), headers: {} }))
      await turn(80) // for what answers a second time
      process.send?.({ name: `${transport}: ${name}`, answer: describeAnswer(name, raw) } satisfies Report)
    }))
    ran.clear()
    await app.close()
  }
}

const [kind = '', port = ''] = process.argv.slice(2)
if (process.send !== undefined) {
  await run(kind, port)
  process.exit()
}
