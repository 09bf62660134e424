// A changed session's cookie is sent with every kind of response.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import type { FastifyReply, HTTPMethods } from 'fastify'
import { contentOf, get, linesOf, readyApp, type AppSetup } from '../support/app.ts'

const responses: Array<[what: string, status: number, send: (reply: FastifyReply) => unknown]> = [
  ['text that is returned', 200, () => 'text'],
  ['an object that is returned', 200, () => ({ a: 1 })],
  ['text that is sent', 200, reply => reply.send('text')],
  ['a buffer', 200, reply => reply.send(Buffer.from('bytes'))],
  ['nothing', 200, reply => reply.send()],
  ['null', 200, reply => reply.send(null)],
  ['204 No Content', 204, reply => reply.code(204).send()],
  ['304 Not Modified', 304, reply => reply.code(304).send()],
  ['a stream', 200, reply => reply.send(Readable.from(['a', 'b']))],
  ['a web stream', 200, reply => reply.send(ReadableStream.from([Buffer.from('a')]))],
  ['a Response', 201, reply => reply.send(new Response('text', { status: 201 }))],
  ['a Response with a cookie', 200, reply => reply.send(new Response('text', { headers: { 'set-cookie': 'a=1' } }))],
  ['a redirect', 302, reply => reply.redirect('/login')],
  ['a redirect with a status', 303, reply => reply.redirect('/login', 303)],
  ['a thrown error', 500, () => { throw new Error('thrown') }],
  ['a thrown error with a status', 403, () => { throw Object.assign(new Error('thrown'), { statusCode: 403 }) }],
  ['a thrown value', 500, () => { throw null }], // eslint-disable-line no-throw-literal
  ['an error that is sent', 500, reply => reply.send(new Error('sent'))],
  ['a rejected promise', 500, async () => await Promise.reject(new Error('rejected'))],
  ['what is not found', 404, reply => reply.callNotFound()],
  ['trailers', 200, reply => reply.trailer('x-sum', (_reply, _payload, done) => done(null, '1')).send('text')],
  ['early hints before it', 200, reply => { reply.raw.writeProcessing(); return 'text' }],
  ['an error of serialization', 500, reply => reply.serializer(() => { throw new Error('serializer') }).send({})]
]

describe('the cookie of a changed session is sent once with', () => {
  for (const [what, status, send] of responses) {
    // Fastify itself answers 500 where a Response is sent to a HEAD request.
    const methods: HTTPMethods[] = what.startsWith('a Response') ? ['GET'] : ['GET', 'HEAD']
    for (const method of methods) {
      it(`${what}, to a ${method} request`, async () => {
        const app = await readyApp({ routes: { '/': async ({ session }, reply) => { session.set('n', 1); return await send(reply) } } })
        const response = await app.inject({ method, url: '/' })
        assert.equal(response.statusCode, status)
        assert.equal(linesOf(response).length, 1)
        assert.deepEqual(contentOf(app, response), { n: 1 })
      })
    }
  }

  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] satisfies HTTPMethods[]) {
    it(`the response to a ${method} request`, async () => {
      const app = await readyApp({ after: app => app.route({ method, url: '/', handler: async ({ session }) => { session.set('n', 1); return 'done' } }) })
      assert.deepEqual(contentOf(app, await app.inject({ method, url: '/' })), { n: 1 })
    })
  }

  it('what a callback handler sends later', async () => {
    const app = await readyApp({ after: app => app.get('/', ({ session }, reply) => { setImmediate(() => { session.set('n', 1); reply.send('later') }) }) })
    assert.deepEqual(contentOf(app, await get(app)), { n: 1 })
  })

  for (const hook of ['onRequest', 'preValidation', 'preHandler'] as const) {
    const early: AppSetup = { after: app => app.addHook(hook, async ({ session }, reply) => { session.set('n', 1); return reply.code(401).send('early') }) }
    it(`the answer of an ${hook} hook`, async () => {
      const app = await readyApp({ ...early, routes: { '/': () => 'never' } })
      const response = await get(app)
      assert.equal(response.statusCode, 401)
      assert.deepEqual(contentOf(app, response), { n: 1 })
    })

    it(`the error of an ${hook} hook`, async () => {
      const app = await readyApp({ after: app => app.addHook(hook, async ({ session }) => { session.set('n', 1); throw new Error('early') }), routes: { '/': () => 'never' } })
      const response = await get(app)
      assert.equal(response.statusCode, 500)
      assert.deepEqual(contentOf(app, response), { n: 1 })
    })
  }

  it('a response over a socket, on one line of its own', async () => {
    const app = await readyApp({ routes: { '/': ({ session }, reply) => { session.set('n', 1); reply.setCookie('a', '1'); return reply.send(Readable.from(['a', 'b'])) } } })
    try {
      const response = await fetch(await app.listen({ port: 0, host: '127.0.0.1' }))
      assert.equal(await response.text(), 'ab')
      assert.deepEqual(response.headers.getSetCookie().map(line => line.split('=')[0]).sort(), ['a', 'session'])
    } finally {
      await app.close()
    }
  })
})
