// Requests that an app derives from Fastify's, to give handlers more than Fastify does.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyRequest } from 'fastify'
import { sessionRevocation } from '../../src/revocation/index.ts'
import { newKey } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, properties, readyApp } from '../support/app.ts'

function derived (request: FastifyRequest, levels: number): FastifyRequest {
  let own = request
  for (let level = 0; level < levels; level++) own = Object.create(own, { tenant: { value: level } }) as FastifyRequest
  return own
}

for (const levels of [1, 2, 5]) {
  describe(`Object.create(request), ${levels} deep, shares the request's session`, () => {
    it('what is written to it is read from the request, and sent', async () => {
      const app = await readyApp({
        routes: {
          '/': request => {
            derived(request, levels).session.set('user', 1)
            return { user: request.session.get('user'), same: derived(request, levels).session === request.session }
          }
        }
      })
      const response = await get(app)
      assert.deepEqual(response.json(), { user: 1, same: true })
      assert.deepEqual(contentOf(app, response), { user: 1 })
    })

    it('what came in a cookie is there, and counts as read', async () => {
      const app = await readyApp({ routes: { '/': request => ({ user: derived(request, levels).session.get('user') }) } })
      const response = await get(app, '/', cookieWith(app, { user: 1 }))
      assert.deepEqual(response.json(), { user: 1 })
      assert.deepEqual(linesOf(response), [])
    })

    it('null discards the changes of both', async () => {
      const app = await readyApp({
        routes: {
          '/': request => {
            request.session.set('user', 1)
            properties(derived(request, levels)).session = null
            return { session: request.session }
          }
        }
      })
      const response = await get(app)
      assert.deepEqual(response.json(), { session: null })
      assert.deepEqual(linesOf(response), [])
    })

    it('each of several sessions', async () => {
      const app = await readyApp({
        session: [{ key: newKey() }, { key: newKey(), sessionName: 'admin' }],
        routes: {
          '/': request => {
            for (const name of ['session', 'admin']) (properties(derived(request, levels))[name] as { set: (key: string, value: number) => void }).set('user', 1)
          }
        }
      })
      const response = await get(app)
      assert.equal(linesOf(response).length + linesOf(response, 'admin').length, 2)
    })

    it('with revocation', async () => {
      const app = await readyApp({ after: app => app.register(sessionRevocation, {}), routes: { '/': request => { derived(request, levels).session.set('user', 1) } } })
      assert.equal(linesOf(await get(app)).length, 1)
    })
  })
}
