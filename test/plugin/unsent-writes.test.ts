// Writes before the headers whose cookie never leaves: the log says so, with the route.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { newKey, warnings, type LogLine } from '../support/helpers.ts'
import { cookieWith, get, linesOf, logged, properties, readyApp, type Handler } from '../support/app.ts'

const NOT_SENT = 'FST_SEALED_SESSION_WARN_NOT_SENT'

const write: Handler = ({ session }) => { session.set('n', 1) }
const events = { 'content-type': 'text/event-stream' }

const lost: Record<string, Handler> = {
  'reply.hijack() and raw.end()': (request, reply) => { write(request, reply); reply.hijack(); reply.raw.end('raw'); return reply },
  'reply.hijack(), then the write, then raw.end()': (request, reply) => { reply.hijack(); write(request, reply); reply.raw.end('raw'); return reply },
  'raw.end() without hijack()': (request, reply) => { write(request, reply); reply.raw.end('raw'); return reply },
  'raw.writeHead() with headers of its own': (request, reply) => { write(request, reply); reply.hijack(); reply.raw.writeHead(200, { 'set-cookie': 'other=1' }); reply.raw.end('raw'); return reply },
  'raw.flushHeaders()': (request, reply) => { write(request, reply); reply.hijack(); reply.raw.flushHeaders(); reply.raw.end('raw'); return reply },
  'server-sent events': (request, reply) => { write(request, reply); reply.hijack(); reply.raw.writeHead(200, events); reply.raw.write('data: 1\n\n'); reply.raw.end(); return reply },
  'reply.sessionCookies() whose lines are not used': async (request, reply) => { write(request, reply); await reply.sessionCookies(); reply.hijack(); reply.raw.end('raw'); return reply },
  'reply.sessionCookies(), then another write': async (request, reply) => {
    write(request, reply)
    const lines = await reply.sessionCookies()
    write(request, reply)
    await reply.sessionCookies()
    reply.hijack()
    reply.raw.writeHead(200, { 'set-cookie': lines })
    reply.raw.end('raw')
    return reply
  },
  'a change in place': ({ session }, reply) => { (properties(session).cart as number[]).push(1); reply.hijack(); reply.raw.end('raw'); return reply },
  'delete()': ({ session }, reply) => { session.delete(); reply.hijack(); reply.raw.end('raw'); return reply },
  'reply.sessionCookies() that nobody awaited, of what cannot be sealed': ({ session }, reply) => { session.set('n', 1n); reply.sessionCookies(); return 'text' }
}

async function ask (handler: Handler): Promise<{ lines: LogLine[], cookies: string[] }> {
  const { lines, server } = logged('warn')
  const app = await readyApp({ server, session: { key: newKey(), format: 'sealed', cookie: { path: '/' } }, routes: { '/user/:id': handler } })
  const cookie = cookieWith(app, { cart: [] })
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  try {
    const injected = linesOf(await get(app, '/user/hidden', cookie))
    const response = await fetch(`${address}/user/hidden`, { headers: { cookie } })
    await response.text()
    return { lines: warnings(lines), cookies: [...injected, ...response.headers.getSetCookie()] }
  } finally {
    await app.close()
  }
}

describe('a write that never gets out is warned about once, with the route', () => {
  for (const [how, handler] of Object.entries(lost)) {
    it(how, async () => {
      const [warning, ...others] = (await ask(handler)).lines
      assert.equal(warning?.code, NOT_SENT)
      assert.match(warning.msg, / GET \/user\/:id /)
      assert.deepEqual(others, [])
    })
  }
})

describe('no warning', () => {
  const kept: Record<string, Handler> = {
    'where the lines of reply.sessionCookies() are sent': async (request, reply) => { write(request, reply); const lines = await reply.sessionCookies(); reply.hijack(); reply.raw.writeHead(200, { 'set-cookie': lines }); reply.raw.end(); return reply },
    'where they are set on the raw response': async (request, reply) => { write(request, reply); reply.raw.setHeader('set-cookie', await reply.sessionCookies()); reply.raw.end(); return reply },
    'where they are sent with reply.getHeaders()': async (request, reply) => { write(request, reply); await reply.sessionCookies(); reply.hijack(); reply.raw.writeHead(200, reply.getHeaders() as never); reply.raw.end(); return reply },
    'where reply.sessionCookies() is not awaited and the reply is sent': (request, reply) => { write(request, reply); reply.sessionCookies(); return 'text' },
    'where a session was only read, then hijacked': ({ session }, reply) => { session.get('cart'); session.data(); reply.hijack(); reply.raw.end(); return reply },
    'where the changes were discarded': (request, reply) => { write(request, reply); request.session = null as never; reply.hijack(); reply.raw.end(); return reply },
    'where changed was set to false': ({ session }, reply) => { session.set('n', 1); session.changed = false; reply.hijack(); reply.raw.end(); return reply },
    'where the error says it': ({ session }) => { session.set('n', 1n); return 'never' },
    'where an awaited reply.sessionCookies() has thrown it': async ({ session }, reply) => { session.set('n', 1n); await reply.sessionCookies(); return 'never' }
  }
  for (const [how, handler] of Object.entries(kept)) {
    it(how, async () => {
      assert.deepEqual((await ask(handler)).lines.filter(({ code }) => code === NOT_SENT), [])
    })
  }
})

describe('reply.sessionCookies() that nobody awaits', () => {
  it('ends no process, whatever it fails of', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('not-awaited-child.ts', import.meta.url))], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(output), { unsealable: 200, late: 200, storeFailed: 200 })
  })
})
