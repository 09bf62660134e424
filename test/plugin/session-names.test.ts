// Methods and keys of a session side by side; sessions made outside a request.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Session } from '../../src/index.ts'
import { cookieOf } from '../support/helpers.ts'
import { contentOf, cookieWith, get, newSession, properties, readyApp, tokenWith } from '../support/app.ts'

const METHODS = ['get', 'set', 'delete', 'touch', 'options', 'data', 'regenerate'] as const

describe('the methods of a session', () => {
  for (const method of METHODS) {
    it(`session.${method} is the same function each time`, async () => {
      let early: unknown
      const app = await readyApp({
        after: app => app.addHook('onRequest', async ({ session }) => { early = session[method] }),
        routes: {
          '/': ({ session }) => {
            assert.equal(session[method], session[method])
            assert.equal(session[method], early)
          }
        }
      })
      assert.equal((await get(app)).statusCode, 200)
      const session = newSession(app)
      assert.equal(session[method], session[method])
    })
  }

  it('stay the same functions after writes, and work on their own', async () => {
    const app = await readyApp({
      routes: {
        '/': ({ session }) => {
          const { get, set, data, touch, regenerate, options } = session
          set('a', 1)
          set('b', 2)
          touch()
          options({ path: '/x' })
          regenerate('a')
          assert.equal(get('a'), 1)
          assert.equal(session.get, get)
          return data()
        }
      }
    })
    const response = await get(app)
    assert.deepEqual(response.json(), { a: 1 })
    assert.deepEqual(contentOf(app, response), { a: 1 })
    assert.match(String(response.headers['set-cookie']), /Path=\/x/)
  })

  it('delete works on its own', async () => {
    const app = await readyApp({ routes: { '/': ({ session }) => { const { delete: end } = session; end() } } })
    assert.match(String((await get(app, '/', cookieWith(app, { n: 1 }))).headers['set-cookie']), /^session=;/)
  })

  it('of two sessions are bound to their own', async () => {
    const app = await readyApp()
    const { set } = newSession(app)
    const other = newSession(app)
    set('n', 1)
    assert.equal(other.get('n'), undefined)
  })
})

describe('a key named like a method or a flag', () => {
  for (const name of [...METHODS, 'changed', 'deleted']) {
    it(`"${name}" is stored and read through set and get, and survives the cookie`, async () => {
      const app = await readyApp({
        routes: {
          '/set': ({ session }) => { session.set(name, 'value') },
          '/get': ({ session }) => ({ value: session.get(name), has: name in session, keys: Object.keys(session), data: session.data() })
        }
      })
      const cookie = cookieOf(await get(app, '/set'))
      assert.deepEqual((await get(app, '/get', cookie)).json(), { value: 'value', has: true, keys: [name], data: { [name]: 'value' } })
    })

    it(`"${name}" does not hide what the session has under that name`, async () => {
      const app = await readyApp()
      const session = newSession(app, { [name]: 'value' })
      assert.equal(typeof properties(session)[name], METHODS.includes(name as never) ? 'function' : 'boolean')
      assert.equal(session.get(name), 'value')
    })
  }

  it('is absent until it is set', async () => {
    const app = await readyApp()
    for (const name of METHODS) assert.equal(newSession(app).get(name), undefined)
  })

  it('is kept by regenerate', async () => {
    const app = await readyApp()
    const session = newSession(app, { data: 1, get: 2, n: 3 })
    session.regenerate(['data', 'get'])
    assert.deepEqual(session.data(), { data: 1, get: 2 })
  })
})

describe('createSecureSession', () => {
  const creators: Record<string, (app: FastifyInstance) => Session> = {
    'no data': app => app.createSecureSession() as Session,
    undefined: app => newSession(app, undefined),
    null: app => newSession(app, null),
    'an empty object': app => newSession(app, {})
  }
  for (const [what, create] of Object.entries(creators)) {
    it(`works with ${what}`, async () => {
      const app = await readyApp()
      const session = create(app)
      assert.deepEqual(session.data(), {})
      session.set('n', 1)
      assert.deepEqual(app.decodeSecureSession(app.encodeSecureSession(session))?.data(), { n: 1 })
    })
  }

  it('never changes its argument, which may be frozen', async () => {
    const app = await readyApp()
    for (const data of [{ a: 1, b: 2 }, Object.freeze({ a: 1, b: 2 })]) {
      const session = newSession(app, data)
      assert.deepEqual(Reflect.ownKeys(data), ['a', 'b'])
      session.set('a', 3)
      delete properties(session).b
      app.encodeSecureSession(session)
      session.regenerate()
      session.delete()
      assert.deepEqual(data, { a: 1, b: 2 })
      assert.deepEqual(Reflect.ownKeys(data), ['a', 'b'])
    }
  })

  it('copies: a later change of the argument does not reach the session', async () => {
    const app = await readyApp()
    const data: Record<string, number> = { a: 1 }
    const session = newSession(app, data)
    data.a = 2
    data.b = 3
    assert.deepEqual(session.data(), { a: 1 })
  })

  it('makes sessions that a request accepts', async () => {
    const app = await readyApp({ routes: { '/': ({ session }) => session.data() } })
    assert.deepEqual((await get(app, '/', `session=${encodeURIComponent(tokenWith(app, { n: 1 }))}`)).json(), { n: 1 })
  })
})

describe('regenerate', () => {
  const cases: Array<[keep: string | readonly string[] | undefined, kept: object]> = [
    ['a', { a: 1 }],
    [['a'], { a: 1 }],
    [['a', 'b'], { a: 1, b: 2 }],
    [['a', 'missing'], { a: 1 }],
    [undefined, {}],
    [[], {}],
    ['missing', {}],
    ['', {}],
    ['toString', {}],
    ['length', {}]
  ]
  for (const [keep, kept] of cases) {
    it(`(${JSON.stringify(keep) ?? ''}) keeps ${JSON.stringify(kept)}`, async () => {
      const app = await readyApp({ routes: { '/': ({ session }) => { session.regenerate(keep); return session.data() } } })
      const response = await get(app, '/', cookieWith(app, { a: 1, ab: 3, b: 2 }))
      assert.deepEqual(response.json(), kept)
      assert.deepEqual(contentOf(app, response), kept)
    })
  }
})
