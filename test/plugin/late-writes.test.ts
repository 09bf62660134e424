// Writes after the plugin's onSend hook, while the headers are still to be sent: they are sealed.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Session } from '../../src/index.ts'
import { newKey, setCookies, warnings } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, logged, properties, readyApp } from '../support/app.ts'

type Write = (session: Session) => void
const setLate: Write = session => session.set('late', 1)

/** Ways to have a later onSend hook write. */
const hooks: Record<string, (app: FastifyInstance, write: Write) => unknown> = {
  'an async hook': (app, write) => app.addHook('onSend', async ({ session }) => { write(session) }),
  'an async hook, after it waited': (app, write) => app.addHook('onSend', async ({ session }) => { await nextTurn(); write(session) }),
  'a hook with a callback': (app, write) => app.addHook('onSend', ({ session }, _reply, _payload, done) => { write(session); done() }),
  'a hook with a callback, after it waited': (app, write) => app.addHook('onSend', ({ session }, _reply, _payload, done) => { setImmediate(() => { write(session); done() }) }),
  'a hook that replaces the payload': (app, write) => app.addHook('onSend', async ({ session }) => { write(session); return 'replaced' })
}

async function assertSealedAgain (app: FastifyInstance, content: object, url = '/', cookie?: string): Promise<void> {
  const response = await get(app, url, cookie)
  assert.equal(response.statusCode, 200)
  assert.equal(linesOf(response).length, 1)
  assert.deepEqual(contentOf(app, response), content)
}

describe('a write in a later onSend hook is on the cookie that is sent', () => {
  for (const [how, hook] of Object.entries(hooks)) {
    it(`${how}, to a session that the handler wrote`, async () => {
      const app = await readyApp({ after: app => hook(app, setLate), routes: { '/': ({ session }) => session.set('n', 1) } })
      await assertSealedAgain(app, { n: 1, late: 1 })
    })

    it(`${how}, to a session that the handler read`, async () => {
      const app = await readyApp({ after: app => hook(app, setLate), routes: { '/': ({ session }) => session.data() } })
      await assertSealedAgain(app, { n: 1, late: 1 }, '/', cookieWith(app, { n: 1 }))
    })

    it(`${how}, to a session that nothing had used`, async () => {
      const app = await readyApp({ after: app => hook(app, setLate), routes: { '/': () => 'done' } })
      await assertSealedAgain(app, { n: 1, late: 1 }, '/', cookieWith(app, { n: 1 }))
      await assertSealedAgain(app, { late: 1 })
    })
  }

  const writes: Array<[what: string, write: Write, content: object]> = [
    ['set()', setLate, { n: 2, late: 1 }],
    ['several writes', session => { setLate(session); session.set('late', 2); session.set('n', 3) }, { n: 3, late: 2 }],
    ['a property', session => { properties(session).late = 1 }, { n: 2, late: 1 }],
    ['a deleted property', session => { delete properties(session).n }, {}],
    ['touch()', session => session.touch(), { n: 2 }],
    ['regenerate()', session => session.regenerate(), {}],
    ['delete() and set()', session => { session.delete(); setLate(session) }, { late: 1 }]
  ]
  for (const [what, write, content] of writes) {
    it(`whatever writes: ${what}`, async () => {
      for (const handler of ['/write', '/read']) {
        const app = await readyApp({
          after: app => app.addHook('onSend', async ({ session }) => write(session)),
          routes: { '/write': ({ session }) => session.set('n', 2), '/read': ({ session }) => session.data() }
        })
        await assertSealedAgain(app, content, handler, cookieWith(app, { n: 2 }))
      }
    })
  }

  it('delete() replaces the cookie by the line that drops it', async () => {
    const app = await readyApp({ after: app => app.addHook('onSend', async ({ session }) => session.delete()), routes: { '/': ({ session }) => session.set('n', 1) } })
    const lines = linesOf(await get(app))
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /^session=;.*Max-Age=0/)
  })

  it('a write after delete() in the handler starts a new session', async () => {
    const app = await readyApp({ after: app => app.addHook('onSend', async ({ session }) => setLate(session)), routes: { '/': ({ session }) => session.delete() } })
    await assertSealedAgain(app, { late: 1 }, '/', cookieWith(app, { n: 1 }))
  })

  it('of a route, of a child context, and of several hooks in a row', async () => {
    const write = (key: string) => async ({ session }: FastifyRequest) => { session.set(key, 1) }
    const app = await readyApp({
      after: app => {
        app.addHook('onSend', write('root'))
        app.register(async child => {
          child.addHook('onSend', write('child'))
          child.get('/', { onSend: [write('route'), write('second')] }, async ({ session }) => { session.set('n', 1); return 'done' })
        })
      }
    })
    await assertSealedAgain(app, { n: 1, root: 1, child: 1, route: 1, second: 1 })
  })

  it('that runs for an error response, a 404, a redirect and a stream', async () => {
    const app = await readyApp({
      after: app => app.addHook('onSend', async ({ session }) => setLate(session)),
      routes: {
        '/error': () => { throw new Error('thrown') },
        '/redirect': (_request, reply) => reply.redirect('/login'),
        '/stream': (_request, reply) => reply.send(Readable.from(['a', 'b']))
      }
    })
    for (const url of ['/error', '/missing', '/redirect', '/stream']) {
      const response = await get(app, url)
      assert.equal(linesOf(response).length, 1, url)
      assert.deepEqual(contentOf(app, response), { late: 1 }, url)
    }
  })

  it('that runs although an onRequest hook, registered before the plugin, had replied', async () => {
    const app = await readyApp({
      before: app => app.addHook('onRequest', async (_request, reply) => reply.code(200).send('early')),
      after: app => app.addHook('onSend', async ({ session }) => setLate(session)),
      routes: { '/': () => 'done' }
    })
    await assertSealedAgain(app, { late: 1 })
  })

  it('that throws after it wrote: the error response has the write, on one line', async () => {
    let threw = false
    const app = await readyApp({
      after: app => app.addHook('onSend', async ({ session }) => {
        if (threw) return
        threw = true
        setLate(session)
        throw new Error('later')
      }),
      routes: { '/': ({ session }) => session.set('n', 1) }
    })
    const response = await get(app)
    assert.equal(response.statusCode, 500)
    assert.equal(linesOf(response).length, 1)
    assert.deepEqual(contentOf(app, response), { n: 1, late: 1 })
  })

  it('with the attributes that options() gives there', async () => {
    const app = await readyApp({
      after: app => app.addHook('onSend', async ({ session }) => { session.options({ maxAge: 60 }); setLate(session) }),
      routes: { '/': ({ session }) => session.set('n', 1) }
    })
    assert.match(linesOf(await get(app))[0] ?? '', /Max-Age=60/)
  })

  it('beside the other cookies of the app, each once', async () => {
    const app = await readyApp({
      after: app => app.addHook('onSend', async ({ session }, reply) => {
        reply.setCookie('c', '3')
        setLate(session)
        reply.setCookie('d', '4')
      }),
      routes: {
        '/': ({ session }, reply) => {
          session.set('n', 1)
          reply.setCookie('a', '1').header('set-cookie', 'b=2')
        }
      }
    })
    const response = await get(app)
    assert.deepEqual(setCookies(response).map(line => line.split('=')[0]).sort(), ['a', 'b', 'c', 'd', 'session'])
    assert.deepEqual(contentOf(app, response), { n: 1, late: 1 })
  })

  it('to one of two sessions: each is on one line', async () => {
    const both = (request: FastifyRequest) => request as never as Record<'one' | 'two', Session>
    const app = await readyApp({
      session: ['one', 'two'].map(sessionName => ({ sessionName, key: newKey() })),
      after: app => app.addHook('onSend', async request => setLate(both(request).one)),
      routes: { '/': request => { both(request).one.set('n', 1); both(request).two.set('n', 2) } }
    })
    const response = await get(app)
    assert.equal(setCookies(response).length, 2)
    assert.deepEqual(contentOf(app, response, 'one'), { n: 1, late: 1 })
    assert.deepEqual(contentOf(app, response, 'two'), { n: 2 })
  })

  it('without a warning, since nothing is lost', async () => {
    const { lines, server } = logged('warn')
    const app = await readyApp({ server, after: app => app.addHook('onSend', async ({ session }) => setLate(session)), routes: { '/': ({ session }) => session.set('n', 1) } })
    await get(app)
    assert.deepEqual(warnings(lines), [])
  })
})
