// Requests whose body arrives later, as a client may send them: over HTTP/1.1, pipelined behind another, and over HTTP/2.
import { once } from 'node:events'
import { connect as connect2 } from 'node:http2'
import { connect, type AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { ServerOptions } from './app.ts'
import { gate } from './helpers.ts'

export interface HeldAnswer {
  status: number
  body: string
  /** `Set-Cookie` lines. */
  cookies: string[]
}

/** Sends a request to a path of an app but for the end of its body; the promise that `finish` gives is its answer. */
export type Hold = (app: FastifyInstance, path: string, cookie: string) => Promise<{ finish: () => Promise<HeldAnswer>, close: () => void }>

const BODY = '{"a":1}'

async function portOf (app: FastifyInstance): Promise<number> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** Waits until the hooks that run before the body have run. */
async function arrived (app: FastifyInstance, before: number): Promise<void> {
  const { arrivals } = app as FastifyInstance & { arrivals: { count: number, changed: () => Promise<void> } }
  while (arrivals.count <= before) await arrivals.changed()
}

/** Counts the requests whose `onRequest` hooks have run; to be called after all other plugins of the app. */
export function countArrivals (app: FastifyInstance): void {
  let changed = gate()
  const arrivals = { count: 0, changed: () => changed.opened }
  app.decorate('arrivals', arrivals)
  app.addHook('preParsing', (_request, _reply, payload, done) => {
    arrivals.count++
    changed.open()
    changed = gate()
    done(null, payload)
  })
}

function countOf (app: FastifyInstance): number {
  return (app as FastifyInstance & { arrivals: { count: number } }).arrivals.count
}

function head (path: string, cookie: string, isLast: boolean): string {
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n${isLast ? 'Connection: close\r\n' : ''}\r\n`
}

function answerOf (text: string): HeldAnswer {
  const [headers = '', ...rest] = text.split('\r\n\r\n')
  return {
    status: Number(/^HTTP\/1.1 (\d+)/.exec(headers)?.[1]),
    body: rest.join('\r\n\r\n'),
    cookies: [...headers.matchAll(/^set-cookie: (.*)$/gim)].map(([, line]) => line!) // the group is no option
  }
}

async function over1 (app: FastifyInstance, path: string, cookie: string, first: string): ReturnType<Hold> {
  const before = countOf(app)
  const socket = connect(await portOf(app), '127.0.0.1')
  let text = ''
  socket.on('data', (data: Buffer) => { text += data.toString() })
  socket.write(`${first}${head(path, cookie, true)}${BODY[0]!}`) // it is not empty
  await arrived(app, before + (first === '' ? 0 : 1))
  return {
    finish: async () => {
      socket.write(BODY.slice(1))
      await once(socket, 'close')
      return answerOf(text.slice(text.lastIndexOf('HTTP/1.1')))
    },
    close: () => { socket.destroy() }
  }
}

async function over2 (app: FastifyInstance, path: string, cookie: string): ReturnType<Hold> {
  const before = countOf(app)
  const client = connect2(`http://127.0.0.1:${await portOf(app)}`)
  const stream = client.request({ ':method': 'POST', ':path': path, cookie, 'content-type': 'application/json' })
  const answer: HeldAnswer = { status: 0, body: '', cookies: [] }
  stream.on('response', headers => {
    answer.status = Number(headers[':status'])
    answer.cookies = headers['set-cookie'] ?? []
  })
  stream.on('data', (data: Buffer) => { answer.body += data.toString() })
  stream.write(BODY[0])
  await arrived(app, before)
  return {
    finish: async () => {
      stream.end(BODY.slice(1))
      await once(stream, 'close')
      client.close()
      return answer
    },
    close: () => { client.destroy() }
  }
}

/** The protocols over which a request can be held open, and the options of a server that speaks them. */
export const PROTOCOLS: Record<string, { server: ServerOptions, hold: Hold }> = {
  'HTTP/1.1': { server: {}, hold: async (app, path, cookie) => await over1(app, path, cookie, '') },
  'HTTP/1.1, behind another request on the same connection': {
    server: {},
    hold: async (app, path, cookie) => await over1(app, path, cookie, `${head('/first', cookie, false)}${BODY}`)
  },
  'HTTP/2': { server: { http2: true }, hold: over2 }
}
