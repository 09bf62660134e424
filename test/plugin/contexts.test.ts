// Where in an app the plugin is registered: at the root, in a child, in both.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import cookiePlugin from '@fastify/cookie'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import secureSession, { type Session } from '../../src/index.ts'
import { cookiesOf, newKey, setCookies } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, readyApp } from '../support/app.ts'

const count = async ({ session }: FastifyRequest): Promise<string> => {
  session.set('n', Number(session.get('n') ?? 0) + 1)
  return String(session.get('n'))
}

describe('a plugin registered at the root', () => {
  it('serves encapsulated children, however deep, with a prefix and hooks of their own', async () => {
    const app = await readyApp({
      after: app => app.register(async child => {
        child.addHook('onRequest', async ({ session }) => { session.set('hook', true) })
        child.get('/', count)
        child.register(async grandchild => { grandchild.get('/deep', count) }, { prefix: '/deeper' })
      }, { prefix: '/child' })
    })
    for (const url of ['/child', '/child/deeper/deep']) {
      const response = await get(app, url, cookieWith(app, { n: 1 }))
      assert.equal(response.body, '2')
      assert.deepEqual(contentOf(app, response), { n: 2, hook: true })
    }
  })

  it('serves children with handlers of their own for errors and for what is not found', async () => {
    const app = await readyApp({
      after: app => app.register(async child => {
        child.setErrorHandler(async (_error, request) => await count(request))
        child.setNotFoundHandler(async (request) => await count(request))
        child.get('/throw', async () => { throw new Error('thrown') })
      }, { prefix: '/child' })
    })
    for (const url of ['/child/throw', '/child/missing']) {
      assert.deepEqual(contentOf(app, await get(app, url, cookieWith(app, { n: 1 }))), { n: 2 }, url)
    }
  })

  it('serves children that were registered before it', async () => {
    const app = await readyApp({ before: app => app.register(async child => { child.get('/', count) }) })
    assert.deepEqual(contentOf(app, await get(app)), { n: 1 })
  })
})

describe('a plugin registered in a child', () => {
  async function siblings (): Promise<FastifyInstance> {
    const app = Fastify()
    app.get('/', async request => String(request.session))
    for (const name of ['a', 'b']) {
      app.register(async child => {
        child.register(secureSession, { key: newKey(), cookieName: name })
        child.get('/', count)
      }, { prefix: name })
    }
    await app.ready()
    return app
  }

  it('leaves the root without a session and without decorators', async () => {
    const app = await siblings()
    assert.equal((await get(app, '/', 'a=garbage')).body, 'undefined')
    assert.equal(app.hasRequestDecorator('session'), false)
    assert.equal(app.hasDecorator('createSecureSession'), false)
  })

  it('is independent of the same plugin in a sibling', async () => {
    const app = await siblings()
    const a = await get(app, '/a')
    const b = await get(app, '/b')
    assert.deepEqual([linesOf(a, 'a').length, linesOf(a, 'b').length, linesOf(b, 'a').length, linesOf(b, 'b').length], [1, 0, 0, 1])
    const cookies = [a, b].map(response => cookiesOf(response)).join('; ')
    assert.equal((await get(app, '/a', cookies)).body, '2')
    assert.equal((await get(app, '/b', cookies)).body, '2')
  })
})

describe('a plugin registered at the root, and again with another name in a child', () => {
  const both = (request: FastifyRequest): { session: Session, admin: Session } => request as never
  const sources: Record<string, (app: FastifyInstance) => unknown> = {
    'no @fastify/cookie of the app': () => {}, 'an @fastify/cookie of the app': app => app.register(cookiePlugin)
  }

  for (const [source, before] of Object.entries(sources)) {
    async function nested (): Promise<{ app: FastifyInstance, child: FastifyInstance }> {
      let inner: FastifyInstance | undefined
      const app = await readyApp({
        before,
        after: app => app.register(async child => {
          inner = child
          child.register(secureSession, { sessionName: 'admin', key: newKey() })
          child.get('/', async request => {
            const { session, admin } = both(request)
            session.set('n', 1)
            admin.set('root', true)
            return { session: session.data(), admin: admin.data() }
          })
          child.get('/read', async request => ({ session: both(request).session.data(), admin: both(request).admin.data() }))
        }, { prefix: '/admin' }),
        routes: { '/': request => ({ session: request.session.data(), admin: typeof both(request).admin }) }
      })
      if (inner === undefined) throw new Error('the child was not registered')
      return { app, child: inner }
    }

    it(`gives the child both sessions, each with a cookie and a key of its own: ${source}`, async () => {
      const { app, child } = await nested()
      const response = await get(app, '/admin')
      assert.deepEqual(response.json(), { session: { n: 1 }, admin: { root: true } })
      assert.equal(setCookies(response).length, 2)
      assert.deepEqual(contentOf(app, response), { n: 1 })
      assert.deepEqual(contentOf(child, response, 'admin'), { root: true })
      const cookies = cookiesOf(response)
      assert.deepEqual((await get(app, '/admin/read', cookies)).json(), { session: { n: 1 }, admin: { root: true } })
    })

    it(`gives the root only its own: ${source}`, async () => {
      const { app } = await nested()
      const cookies = cookiesOf(await get(app, '/admin'))
      assert.deepEqual((await get(app, '/', cookies)).json(), { session: { n: 1 }, admin: 'undefined' })
    })
  }

  it('seals late writes of the child to either, on one line each', async () => {
    const app = await readyApp({
      after: app => app.register(async child => {
        child.register(secureSession, { sessionName: 'admin', key: newKey() })
        child.addHook('onSend', async request => { both(request).session.set('late', 1); both(request).admin.set('late', 2) })
        child.get('/', async request => { both(request).session.set('n', 1); both(request).admin.set('n', 1); return child.createSecureSession().get('n') ?? 'done' })
      })
    })
    const response = await get(app)
    assert.equal(setCookies(response).length, 2)
    assert.deepEqual(contentOf(app, response), { n: 1, late: 1 })
  })
})
