// What an attack on the first version found: responses that are streams, wrapped methods, failures
// that an error handler cures, planted cookies where there are many keys.
import cookiePlugin from '@fastify/cookie'
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { cookieOf, newKey, setCookies } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, logged, properties, readyApp } from '../support/app.ts'

/** The `Set-Cookie` lines of a GET over a real socket. */
async function fetchCookies (app: FastifyInstance): Promise<string[]> {
  const base = await app.listen({ port: 0, host: '127.0.0.1' })
  const response = await fetch(base)
  await response.text()
  await app.close()
  return response.headers.getSetCookie()
}

describe('a write in a stream that is the response, before its first chunk', () => {
  for (const earlier of [true, false]) {
    it(`is sent, and no other cookie is lost, ${earlier ? 'after' : 'without'} a write before reply.send()`, async () => {
      const app = await readyApp({
        routes: {
          '/': (request, reply) => {
            reply.setCookie('other', '1')
            if (earlier) properties(request.session).login = 1
            return reply.send(Readable.from((async function * () {
              properties(request.session).progress = 1
              yield 'chunk'
            })()))
          }
        }
      })
      const { decodeSecureSession } = app
      const lines = await fetchCookies(app)
      assert.deepEqual(lines.map(line => line.split('=')[0]).sort(), ['other', 'session'])
      const token = decodeURIComponent(lines.find(line => line.startsWith('session='))!.split(';')[0]!.slice('session='.length))
      assert.deepEqual({ ...decodeSecureSession(token)?.data() }, earlier ? { login: 1, progress: 1 } : { progress: 1 })
    })
  }
})

describe('where the app has wrapped reply.setCookie', () => {
  it('the session cookie has the parseOptions all the same, and no other cookie is set', async () => {
    const app = await readyApp({
      before: app => {
        app.register(cookiePlugin, { parseOptions: { secure: true, path: '/', sameSite: 'strict' } })
        app.addHook('onRequest', (_request, reply, done) => {
          const setCookie = reply.setCookie.bind(reply)
          reply.setCookie = (...parameters) => setCookie(...parameters)
          done()
        })
      },
      routes: { '/': request => { properties(request.session).a = 1 } }
    })
    const lines = setCookies(await get(app))
    assert.equal(lines.length, 1)
    assert.match(lines[0]!, /^session=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
  })
})

describe('after a failure to seal, an error handler', () => {
  const routes = { '/': (request: { session: unknown }) => { properties(request.session).bad = 1n } }

  it('that deletes the session has the browser drop the cookie', async () => {
    const app = await readyApp({
      after: app => { app.setErrorHandler((_error, request) => { request.session.delete(); return 'logged out' }) },
      routes
    })
    const response = await get(app, '/', cookieWith(app, { user: 1 }))
    assert.equal(response.body, 'logged out')
    assert.match(linesOf(response)[0] ?? '', /^session=; Max-Age=0/)
  })

  it('that removes what cannot be stored and leaves a message has the session sent', async () => {
    const app = await readyApp({
      after: app => {
        app.setErrorHandler((_error, request) => {
          delete properties(request.session).bad
          properties(request.session).flash = 'sorry'
          return 'failed'
        })
      },
      routes
    })
    assert.deepEqual(contentOf(app, await get(app)), { flash: 'sorry' })
  })

  it('that writes without curing it runs once, and is told in the log', async () => {
    const { lines, server } = logged()
    let runs = 0
    const app = await readyApp({
      server,
      after: app => { app.setErrorHandler((_error, request) => { runs++; properties(request.session).flash = 'sorry'; return 'failed' }) },
      routes
    })
    const response = await get(app)
    assert.deepEqual([runs, response.body, linesOf(response)], [1, 'failed', []])
    assert.equal(lines.filter(({ code }) => code === 'FST_SEALED_SESSION_WARN_NOT_SEALED').length, 1)
  })
})

describe('planted garbage', () => {
  for (const count of [1, 17, 33, 64]) {
    it(`does not lock the user out with ${count} keys`, async () => {
      const app = await readyApp({ session: { key: Array.from({ length: count }, newKey) }, routes: { '/': ({ session }) => session.data() } })
      const response = await get(app, '/', `session=1; session=2; session=;; session=x;y; ${cookieWith(app, { user: 1 })}`)
      assert.deepEqual(response.json(), { user: 1 })
    })
  }
})

describe('attributes of one response', () => {
  it('that ask for a signature where nothing can sign are an error with a code', async () => {
    const app = await readyApp({
      before: app => { app.register(cookiePlugin) },
      routes: { '/': ({ session }) => { properties(session).a = 1; session.options({ signed: true }) } }
    })
    assert.equal((await get(app)).json().code, 'FST_SEALED_SESSION_SIGNING_SECRET_MISSING')
  })

  for (const act of ['set', 'delete'] as const) {
    it(`that cannot be written are an error with a code, when the session is ${act === 'set' ? 'sent' : 'deleted'}`, async () => {
      const app = await readyApp({
        routes: {
          '/': ({ session }) => {
            if (act === 'set') properties(session).a = 1
            else session.delete()
            session.options({ domain: 'a;b' })
          }
        }
      })
      assert.equal((await get(app)).json().code, 'FST_SEALED_SESSION_COOKIE_INVALID')
    })
  }
})

describe('a misspelt attribute of the cookie', () => {
  for (const [name, meant] of Object.entries({ samesite: 'sameSite', Secure: 'secure', signd: 'signed', httponly: 'httpOnly', maxage: 'maxAge' })) {
    it(`is warned about with what was meant: ${name}`, async () => {
      const { lines, server } = logged()
      await readyApp({ server, session: { key: newKey(), cookie: { [name]: true } } })
      assert.deepEqual(lines.filter(({ level }) => level >= 40).map(({ msg }) => msg),
        [`session "session": option "cookie.${name}" is not known and has no effect; did you mean "${meant}"?`])
    })
  }
})

describe('a session sealed again because of an older key', () => {
  it('has no Expires beyond its own end', async () => {
    const [oldKey, key] = [newKey(), newKey()]
    const cookie = { expires: new Date(Date.now() + 864_000_000) }
    const before = await readyApp({ session: { key: oldKey, cookie, expiry: 100 }, routes: { '/': ({ session }) => { properties(session).a = 1 } } })
    const after = await readyApp({ session: { key: [key, oldKey], cookie, expiry: 100 }, routes: { '/': ({ session }) => session.data() } })
    const response = await get(after, '/', cookieOf(await get(before)))
    const expires = Date.parse(/Expires=([^;]+)/.exec(linesOf(response)[0] ?? '')?.[1] ?? '')
    assert.ok(expires <= Date.now() + 100_000, 'expires after the session')
  })
})
