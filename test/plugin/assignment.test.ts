// `request.session = …`
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyError } from 'fastify'
import { newKey } from '../helpers.ts'
import { appWith, contentOf, cookieWith, get, linesOf, logged, properties } from './support.ts'

describe('assigning to request.session', () => {
  const values: Array<[what: string, value: unknown, kind: RegExp]> = [
    ['an object', { user: 'hidden' }, /got an object/],
    ['an empty object', {}, /got an object/],
    ['an array', ['hidden'], /got an array/],
    ['text', 'hidden', /got a string/],
    ['a number', 1, /got a number/],
    ['false', false, /got false/],
    ['a function', () => 'hidden', /got a function/]
  ]
  for (const [what, value, kind] of values) {
    it(`${what} is a coded error that names the property and the kind, not the value`, async () => {
      const app = await appWith({ '/': request => { properties(request).session = value } })
      const response = await get(app)
      const { code, message } = response.json() as FastifyError
      assert.equal(response.statusCode, 500)
      assert.equal(code, 'FST_SEALED_SESSION_ASSIGNED')
      assert.match(message, /request\.session/)
      assert.match(message, kind)
      assert.doesNotMatch(message, /hidden/)
    })
  }

  it('another session is an error too', async () => {
    const app = await appWith({ '/': request => { properties(request).session = app.createSecureSession({ n: 1 }) } })
    assert.equal((await get(app)).json().code, 'FST_SEALED_SESSION_ASSIGNED')
  })

  it('names the property of a session with a name of its own', async () => {
    const app = await appWith({ '/': request => { properties(request).login = {} } }, { options: { sessionName: 'login', key: newKey() } })
    assert.match((await get(app)).json().message, /request\.login/)
  })

  it('is refused in hooks as well', async () => {
    const app = await appWith({ '/': () => {} }, { before: app => app.addHook('onRequest', async request => { properties(request).session = {} }) })
    assert.equal((await get(app)).json().code, 'FST_SEALED_SESSION_ASSIGNED')
  })

  it('leaves the session as it was, and what is written to it is sent', async () => {
    const app = await appWith({
      '/': request => {
        request.session.set('n', 1)
        assert.throws(() => { properties(request).session = {} }, { code: 'FST_SEALED_SESSION_ASSIGNED' })
        request.session.set('m', 2)
      }
    })
    assert.deepEqual(contentOf(app, await get(app)), { n: 1, m: 2 })
  })

  for (const [what, first] of Object.entries({ 'an untouched session': false, 'a changed session': true })) {
    it(`null is tolerated and discards the changes: ${what}`, async () => {
      const { lines, server } = logged('warn')
      const app = await appWith({
        '/': request => {
          if (first) request.session.set('n', 2)
          properties(request).session = null
          return String(request.session)
        },
        '/get': ({ session }) => session.data()
      }, { server })
      const cookie = cookieWith(app, { n: 1 })
      const response = await get(app, '/', cookie)
      assert.equal(response.statusCode, 200)
      assert.equal(response.body, 'null')
      assert.deepEqual(linesOf(response), [])
      assert.deepEqual(lines, [])
      assert.deepEqual((await get(app, '/get', cookie)).json(), { n: 1 })
    })
  }

  it('null keeps a session that an older key sealed from being sealed again', async () => {
    const [older, newer] = [newKey(), newKey()]
    const before = await appWith({}, { options: { key: older } })
    const app = await appWith({ '/': request => { request.session.get('n'); properties(request).session = null } }, { options: { key: [newer, older] } })
    assert.deepEqual(linesOf(await get(app, '/', cookieWith(before, { n: 1 }))), [])
  })

  it('null discards one session of several, and in one request only', async () => {
    const app = await appWith({
      '/': request => {
        const { one, two } = request as never as Record<'one' | 'two', typeof request.session>
        one.set('n', 1)
        two.set('n', 2)
        if (properties(request.query).discard !== undefined) properties(request).one = null
      }
    }, { options: ['one', 'two'].map(sessionName => ({ sessionName, key: newKey() })) })
    const discarded = await get(app, '/?discard=1')
    assert.deepEqual(linesOf(discarded, 'one'), [])
    assert.deepEqual(contentOf(app, discarded, 'two'), { n: 2 })
    assert.deepEqual(contentOf(app, await get(app), 'one'), { n: 1 })
  })
})
