// Cache-Control, and Set-Cookie of the app's own, as they are when the headers leave.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { stopClock } from '../support/configurations.ts'
import { cookiesOf, newKey, warnings, type LogLine } from '../support/helpers.ts'
import { tableUnder } from '../docs/markdown.ts'
import { cookieWith, logged, newApp, post, readyApp } from '../support/app.ts'

const OLD = newKey()
const NEW = newKey()
const SHARED = 'FST_SEALED_SESSION_WARN_SHARED_CACHE'
const WITHHELD = 'FST_SEALED_SESSION_WARN_RENEWAL_WITHHELD'

type Act = (request: FastifyRequest) => unknown
/** Adds a route that does `act`, and gives its response a Cache-Control in a way of its own. */
type Way = (app: FastifyInstance, act: Act, value: string) => unknown

const streamOf = (): Readable => Readable.from(['a', 'b'])
const webResponse = (value: string): Response => new Response('text', { headers: { 'cache-control': value } })
const rawHead = (reply: FastifyReply, headers: never): void => { reply.hijack(); reply.raw.writeHead(200, headers); reply.raw.end('raw') }

const ways: Record<string, Way> = {
  'reply.header() in the handler': (app, act, value) => app.get('/', async (request, reply) => { act(request); reply.header('Cache-Control', value); return 'text' }),
  'reply.raw.setHeader() in the handler': (app, act, value) => app.get('/', async (request, reply) => { act(request); reply.raw.setHeader('Cache-Control', value); return 'text' }),
  'a web Response that is returned': (app, act, value) => app.get('/', async request => { act(request); return webResponse(value) }),
  'a web Response that is sent': (app, act, value) => app.get('/', (request, reply) => { act(request); reply.send(webResponse(value)) }),
  'an onSend hook of the route': (app, act, value) => app.get('/', { onSend: async (_request, reply) => { reply.header('cache-control', value) } }, async request => { act(request); return 'text' }),
  'an onSend hook of the route, on a stream': (app, act, value) => app.get('/', { onSend: async (_request, reply) => { reply.header('cache-control', value) } }, async request => { act(request); return streamOf() }),
  'an onSend hook of a child context': (app, act, value) => app.register(async child => {
    child.addHook('onSend', (_request, reply, _payload, done) => { reply.header('cache-control', value); done() })
    child.get('/', async request => { act(request); return { a: 1 } })
  }),
  'reply.raw.setHeader() in an onSend hook of the route': (app, act, value) => app.get('/', { onSend: async (_request, reply) => { reply.raw.setHeader('cache-control', value) } }, async request => { act(request); return 'text' }),
  'writeHead() after reply.sessionCookies()': (app, act, value) => app.get('/', async (request, reply) => {
    act(request)
    rawHead(reply, { 'Set-Cookie': await reply.sessionCookies(), 'Cache-Control': value } as never)
  }),
  'writeHead() with a list, after reply.sessionCookies()': (app, act, value) => app.get('/', async (request, reply) => {
    act(request)
    const cookies = (await reply.sessionCookies()).flatMap(line => ['Set-Cookie', line])
    rawHead(reply, ['Cache-Control', value, 'X-Own', '1', ...cookies] as never)
  }),
  'reply.raw.setHeader() after reply.sessionCookies()': (app, act, value) => app.get('/', async (request, reply) => {
    act(request)
    reply.raw.setHeader('set-cookie', await reply.sessionCookies())
    reply.raw.setHeader('cache-control', value)
    reply.hijack()
    reply.raw.end('raw')
  })
}

type Ask = (cookie: string) => Promise<IncomingHttpHeaders>

const transports: Record<string, (app: FastifyInstance) => Promise<Ask>> = {
  injected: async app => async cookie => (await app.inject({ url: '/', headers: { cookie } })).headers as IncomingHttpHeaders,
  'over HTTP/1.1': async app => {
    const address = await app.listen({ port: 0, host: '127.0.0.1' })
    return async cookie => {
      const { headers } = await fetch(address, { headers: { cookie, connection: 'close' } })
      return { ...Object.fromEntries(headers), 'set-cookie': headers.getSetCookie() }
    }
  },
  'over HTTP/2': async app => {
    await app.listen({ port: 0, host: '127.0.0.1' })
    return async cookie => {
      const client = connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
      const stream = client.request({ ':path': '/', cookie }).resume()
      const [headers] = await once(stream, 'response') as [IncomingHttpHeaders]
      await once(stream, 'close')
      client.close()
      return headers
    }
  }
}

interface Setup { way: Way, act: Act, value?: string, options?: object, http2?: boolean }

async function appThat ({ way, act, value = '', options = { key: [NEW, OLD] }, http2 = false }: Setup, t: TestContext): Promise<{ app: FastifyInstance, lines: LogLine[] }> {
  const { lines, server } = logged('warn')
  const app = await readyApp({
    t,
    server: { ...server, ...(http2 && { http2 }) },
    session: { format: 'sealed', cookie: { path: '/' }, ...options },
    routes: app => way(app, act, value)
  })
  return { app, lines }
}

/** A cookie that a session was given before the key was rotated. */
async function oldCookie (data: object = { user: 'ann' }): Promise<string> {
  return cookieWith(await readyApp({ session: { key: OLD, format: 'sealed' } }), data)
}

const linesIn = (headers: IncomingHttpHeaders): string[] => [headers['set-cookie'] ?? []].flat()
const codesIn = (lines: readonly LogLine[]): string[] => warnings(lines).map(({ code }) => code ?? '')

const read: Act = ({ session }) => session.get('user' as never)
const write: Act = ({ session }) => { session.set('n' as never, 1 as never) }

for (const [transport, open] of Object.entries(transports)) {
  describe(`a response that shared caches may keep, ${transport}`, () => {
    for (const [how, way] of Object.entries(ways)) {
      const http2 = transport === 'over HTTP/2'

      it(`has no cookie that nobody asked for: ${how}`, async t => {
        const { app, lines } = await appThat({ way, act: read, value: 'public, max-age=3600', http2 }, t)
        const headers = await (await open(app))(await oldCookie())
        assert.equal(headers['cache-control'], 'public, max-age=3600')
        assert.deepEqual(linesIn(headers), [])
        assert.deepEqual(codesIn(lines), [])
      })

      it(`has the cookie of a session that was written, and a warning once a route: ${how}`, async t => {
        const { app, lines } = await appThat({ way, act: write, value: 's-maxage=3600', http2 }, t)
        const ask = await open(app)
        for (let requests = 0; requests < 2; requests++) {
          const headers = await ask(await oldCookie())
          assert.equal(headers['cache-control'], 's-maxage=3600')
          assert.equal(linesIn(headers).length, 1)
        }
        assert.deepEqual(codesIn(lines), [SHARED])
      })

      it(`is none with "private", and has the cookie: ${how}`, async t => {
        const { app, lines } = await appThat({ way, act: read, value: 'private, max-age=60', http2 }, t)
        const headers = await (await open(app))(await oldCookie())
        assert.equal(headers['cache-control'], 'private, max-age=60')
        assert.equal(linesIn(headers).length, 1)
        assert.deepEqual(codesIn(lines), [])
      })
    }
  })
}

describe('a rolling session that is due', () => {
  const rolling = { key: OLD, rolling: true, expiry: 100, absoluteTimeout: 86_400 }

  for (const value of ['no-cache', 'max-age=0, must-revalidate', 'public, max-age=3600']) {
    for (const how of ['reply.header() in the handler', 'a web Response that is returned', 'an onSend hook of a child context']) {
      it(`is not renewed under "${value}", which is said once a route: ${how}`, async t => {
        const clock = stopClock(t)
        const cookie = await oldCookie()
        const { app, lines } = await appThat({ way: ways[how]!, act: read, value, options: rolling }, t) // it is one of them
        const ask = await transports.injected!(app)
        await ask(cookie)
        assert.deepEqual(codesIn(lines), [], 'it is not due yet')
        clock.tick(60_000)
        for (let requests = 0; requests < 2; requests++) assert.deepEqual(linesIn(await ask(cookie)), [])
        assert.deepEqual(codesIn(lines), [WITHHELD])
        assert.match(warnings(lines)[0]?.msg ?? '', /at GET \/, /)
      })
    }
  }

  it('is renewed, without a word, under "private", "no-store" and no header at all', async t => {
    const clock = stopClock(t)
    const cookie = await oldCookie()
    clock.tick(60_000)
    for (const value of ['private', 'no-store', '']) {
      const way: Way = value === '' ? (app, act) => app.get('/', async request => { act(request); return 'text' }) : ways['an onSend hook of the route']! // as above
      const { app, lines } = await appThat({ way, act: read, value, options: rolling }, t)
      assert.equal(linesIn(await (await transports.injected!(app))(cookie)).length, 1)
      assert.deepEqual(codesIn(lines), [])
    }
  })

  it('is not said to be withheld where a later hook makes the response private', async t => {
    const clock = stopClock(t)
    const cookie = await oldCookie()
    clock.tick(60_000)
    const way: Way = (app, act) => app.get('/', { onSend: async (_request, reply) => { reply.header('cache-control', 'private') } }, async (request, reply) => { act(request); reply.header('cache-control', 'public'); return 'text' })
    const { app, lines } = await appThat({ way, act: read, options: rolling }, t)
    await (await transports.injected!(app))(cookie)
    assert.deepEqual(codesIn(lines), [])
  })
})

describe('a Set-Cookie of the app with the name of the session wins over a cookie that nobody asked for', () => {
  const clears: Record<string, Way> = {
    'reply.clearCookie() before': (app, act) => app.get('/', async (request, reply) => { act(request); reply.clearCookie('session', { path: '/' }); return 'out' }),
    'reply.clearCookie() in a later hook': (app, act) => app.get('/', { onSend: async (_request, reply) => { reply.clearCookie('session', { path: '/' }) } }, async request => { act(request); return 'out' }),
    'reply.header()': (app, act) => app.get('/', async (request, reply) => { act(request); reply.header('set-cookie', 'session=; Max-Age=0; Path=/'); return 'out' }),
    'reply.raw.setHeader()': (app, act) => app.get('/', async (request, reply) => { act(request); reply.raw.setHeader('Set-Cookie', ['session=; Max-Age=0; Path=/']); return 'out' }),
    'a web Response': (app, act) => app.get('/', async request => { act(request); return new Response('out', { headers: { 'set-cookie': 'session=; Max-Age=0; Path=/' } }) }),
    'a chunk of it': (app, act) => app.get('/', async (request, reply) => { act(request); reply.clearCookie('session.1', { path: '/' }); return 'out' })
  }
  for (const [how, way] of Object.entries(clears)) {
    it(how, async t => {
      const { app } = await appThat({ way, act: read }, t)
      for (const open of [transports.injected!, transports['over HTTP/1.1']!]) {
        const lines = linesIn(await (await open(app))(await oldCookie()))
        assert.equal(lines.length, 1, JSON.stringify(lines))
        assert.match(lines[0] ?? '', /^session(?:\.1)?=; Max-Age=0/)
      }
    })
  }

  it('all lines of it, where it is split', async t => {
    const { app } = await appThat({ way: clears['reply.clearCookie() in a later hook']!, act: read }, t)
    const other = newApp({ session: { key: OLD, format: 'sealed', cookie: { path: '/' } } })
    const cookie = cookiesOf(await post(other, '/set', undefined, { text: 'x'.repeat(4000) }))
    assert.match(cookie, /session\.1=/)
    const lines = linesIn(await (await transports.injected!(app))(cookie))
    assert.deepEqual(lines.map(line => line.split(';')[0]), ['session='])
  })

  it('another cookie, whose name only begins so, does not', async t => {
    const way: Way = (app, act) => app.get('/', async (request, reply) => { act(request); reply.setCookie('session2', '1').setCookie('session.x', '1'); return 'text' })
    const { app } = await appThat({ way, act: read }, t)
    assert.equal(linesIn(await (await transports.injected!(app))(await oldCookie())).length, 3)
  })

  it('but not over one that was asked for', async t => {
    const { app } = await appThat({ way: clears['reply.clearCookie() before']!, act: write }, t)
    assert.equal(linesIn(await (await transports.injected!(app))(await oldCookie())).length, 2)
  })
})

describe('docs/guide/responses.md on shared caches', () => {
  const header = ways['an onSend hook of the route']! // it is one of them
  const clearing: Way = (app, act) => app.get('/', async (request, reply) => { act(request); reply.clearCookie('session', { path: '/' }); return 'out' })
  /** What a row is about: a way, and values of Cache-Control; none for the way's own. */
  const rows: Record<string, [way: Way, values: string[]]> = {
    'without `Cache-Control`': [(app, act) => app.get('/', async request => { act(request); return 'text' }), ['']],
    'with `private` or `no-store`': [header, ['private', 'no-store']],
    'with any other `Cache-Control`, such as `public`, `s-maxage=60` or `no-cache`': [header, ['public', 's-maxage=60', 'no-cache']],
    'with a `Set-Cookie` of yours for that cookie, such as from `reply.clearCookie()`': [clearing, ['']]
  }
  const table = tableUnder(readFileSync(new URL('../../docs/guide/responses.md', import.meta.url), 'utf8'), '## Shared caches')

  it('has a line for each of these, and no other', () => {
    assert.deepEqual(table.map(([response]) => response), Object.keys(rows))
  })

  for (const [response, unasked = '', changed = ''] of table as Array<[string, string, string]>) {
    for (const [what, words, act] of [['nobody asked for', unasked, read], ['of a changed session', changed, write]] as const) {
      it(`is right that a cookie ${what} is ${words}: ${response}`, async t => {
        const clock = stopClock(t)
        const cookie = await oldCookie()
        clock.tick(60_000)
        const [way, values] = rows[response] ?? assert.fail(response)
        for (const value of values) {
          const { app, lines } = await appThat({ way, act, value, options: { key: OLD, rolling: true, expiry: 100, absoluteTimeout: 86_400 } }, t)
          const headers = await (await transports.injected!(app))(cookie)
          const sent = linesIn(headers).filter(line => !/Max-Age=0/.test(line))
          assert.equal(sent.length, words.startsWith('sent') ? 1 : 0)
          if (words.includes('with `no-store`')) assert.equal(headers['cache-control'], 'no-store')
          if (words.includes('after yours')) assert.equal(linesIn(headers).at(-1), sent[0])
          assert.deepEqual(codesIn(lines), words.match(/FST_\w+/g) ?? [])
        }
      })
    }
  }
})

describe('headers that caches of a network heed before Cache-Control', () => {
  const targeted = ['CDN-Cache-Control', 'Cloudflare-CDN-Cache-Control', 'Vercel-CDN-Cache-Control', 'Netlify-CDN-Cache-Control', 'Surrogate-Control']
  const placed: Record<string, (name: string, value: string) => Way> = {
    'in the handler': (name, value) => (app, act) => app.get('/', async (request, reply) => { act(request); reply.header(name, value); return 'text' }),
    'in an onSend hook': (name, value) => (app, act) => app.get('/', { onSend: async (_request, reply) => { reply.header(name, value) } }, async request => { act(request); return 'text' }),
    'in a web Response': (name, value) => (app, act) => app.get('/', async request => { act(request); return new Response('text', { headers: { [name]: value } }) }),
    'on the raw response': (name, value) => (app, act) => app.get('/', async (request, reply) => { act(request); reply.raw.setHeader(name, value); return 'text' })
  }
  const ask = async (way: Way, act: Act, t: TestContext): Promise<{ cookies: number, codes: string[] }> => {
    const { app, lines } = await appThat({ way, act }, t)
    const { headers } = await app.inject({ url: '/', headers: { cookie: await oldCookie() } })
    return { cookies: linesIn(headers as IncomingHttpHeaders).length, codes: codesIn(lines) }
  }

  for (const name of targeted) {
    for (const [where, wayOf] of Object.entries(placed)) {
      it(`keep a cookie that nobody asked for off: ${name} ${where}`, async t => {
        assert.deepEqual(await ask(wayOf(name, 'max-age=600'), read, t), { cookies: 0, codes: [] })
      })
    }
  }

  it('have a session that was written sent, with a warning', async t => {
    assert.deepEqual(await ask(placed['in the handler']!('CDN-Cache-Control', 'max-age=600'), write, t), { cookies: 1, codes: [SHARED] }) // it is one of them
  })

  for (const value of ['no-store', 'private', 'no-store, content="ESI/1.0"']) {
    it(`let the cookie go with "${value}"`, async t => {
      assert.deepEqual(await ask(placed['in the handler']!('Surrogate-Control', value), read, t), { cookies: 1, codes: [] }) // it is one of them
    })
  }
})
