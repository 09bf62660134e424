// `Cache-Control: no-store` beside a session's cookie.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newKey } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, readyApp, type AppSetup, type Handler } from '../support/app.ts'

const writing: Handler = ({ session }) => session.set('n', 1)

async function cacheControl (handler: Handler, setup: AppSetup = {}): Promise<string | undefined> {
  const app = await readyApp({ ...setup, routes: { '/': handler } })
  const response = await get(app, '/', cookieWith(app, { n: 1 }))
  assert.equal(linesOf(response).length, 1)
  return response.headers['cache-control'] as string | undefined
}

describe('a response with a session cookie says Cache-Control: no-store', () => {
  const handlers: Record<string, Handler> = {
    'after a write': writing,
    'after touch()': ({ session }) => session.touch(),
    'after delete()': ({ session }) => session.delete(),
    'on an error': ({ session }) => { session.touch(); throw new Error('thrown') },
    'on a redirect': ({ session }, reply) => { session.touch(); return reply.redirect('/') }
  }
  for (const [when, handler] of Object.entries(handlers)) {
    it(when, async () => assert.equal(await cacheControl(handler), 'no-store'))
  }

  it('after a write in a later onSend hook', async () => {
    assert.equal(await cacheControl(() => 'done', { after: app => app.addHook('onSend', async ({ session }) => { session.touch() }) }), 'no-store')
  })

  it('after a session was sealed again because of its key', async () => {
    const [older, newer] = [newKey(), newKey()]
    const before = await readyApp({ session: { key: older } })
    const app = await readyApp({ session: { key: [newer, older] }, routes: { '/': ({ session }) => session.data() } })
    assert.equal((await get(app, '/', cookieWith(before, { n: 1 }))).headers['cache-control'], 'no-store')
  })
})

describe('a response without a session cookie does not', () => {
  const handlers: Record<string, Handler> = {
    'an untouched session': () => 'done',
    'a session that was read': ({ session }) => session.data(),
    'a session whose changes are discarded': request => { request.session.touch(); request.session = null as never },
    'a session with changed = false': ({ session }) => { session.touch(); session.changed = false },
    'another cookie': (_request, reply) => { reply.setCookie('theme', 'dark') },
    'a session that cannot be sealed': ({ session }) => session.set('n', 1n)
  }
  for (const [what, handler] of Object.entries(handlers)) {
    it(what, async () => {
      const app = await readyApp({ routes: { '/': handler } })
      const response = await get(app, '/', cookieWith(app, { n: 1 }))
      assert.deepEqual(linesOf(response), [])
      assert.equal(response.headers['cache-control'], undefined)
    })
  }
})

describe('no-store yields', () => {
  for (const value of ['private, max-age=60', 'public, max-age=60', 'no-cache', '']) {
    it(`to "${value}" set in the handler`, async () => {
      assert.equal(await cacheControl(({ session }, reply) => { session.touch(); reply.header('Cache-Control', value) }), value)
    })
  }

  it('to a value set on the raw response', async () => {
    assert.equal(await cacheControl(({ session }, reply) => { session.touch(); reply.raw.setHeader('Cache-Control', 'private') }), 'private')
  })

  it('to a value set in an earlier hook', async () => {
    assert.equal(await cacheControl(writing, { before: app => app.addHook('onRequest', async (_request, reply) => { reply.header('cache-control', 'private') }) }), 'private')
  })

  it('to a value set in an onSend hook registered before the plugin', async () => {
    assert.equal(await cacheControl(writing, { before: app => app.addHook('onSend', async (_request, reply) => { reply.header('cache-control', 'private') }) }), 'private')
  })

  it('to a value set in an onSend hook registered after the plugin', async () => {
    assert.equal(await cacheControl(writing, { after: app => app.addHook('onSend', async (_request, reply) => { reply.header('cache-control', 'private') }) }), 'private')
  })

  it('to a later hook that removes the header', async () => {
    assert.equal(await cacheControl(writing, { after: app => app.addHook('onSend', async (_request, reply) => { reply.removeHeader('cache-control') }) }), undefined)
  })

  it('to a later hook that sets the header and then writes to the session', async () => {
    assert.equal(await cacheControl(writing, {
      after: app => app.addHook('onSend', async ({ session }, reply) => { reply.header('cache-control', 'private'); session.touch() })
    }), 'private')
  })

  it('to the header of a thrown error', async () => {
    assert.equal(await cacheControl(({ session }) => { session.touch(); throw Object.assign(new Error('thrown'), { headers: { 'cache-control': 'private' } }) }), 'private')
  })
})

describe('noStore: false', () => {
  it('leaves the header out, and sends the cookie', async () => {
    const app = await readyApp({ session: { key: newKey(), noStore: false }, routes: { '/': writing } })
    const response = await get(app)
    assert.deepEqual(contentOf(app, response), { n: 1 })
    assert.equal(response.headers['cache-control'], undefined)
  })

  it('leaves the header of the app alone', async () => {
    assert.equal(await cacheControl(({ session }, reply) => { session.touch(); reply.header('cache-control', 'private') }, { session: { key: newKey(), noStore: false } }), 'private')
  })

  it('of one session says nothing about another', async () => {
    const app = await readyApp({
      session: [{ sessionName: 'one', key: newKey(), noStore: false }, { sessionName: 'two', key: newKey() }],
      routes: {
        '/:name': request => (request as never as Record<string, typeof request.session>)[(request.params as { name: string }).name]?.touch()
      }
    })
    assert.equal((await get(app, '/one')).headers['cache-control'], undefined)
    assert.equal((await get(app, '/two')).headers['cache-control'], 'no-store')
  })

  it('true is the default', async () => {
    assert.equal(await cacheControl(writing, { session: { key: newKey(), noStore: true } }), 'no-store')
  })
})
