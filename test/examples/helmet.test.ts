// examples/helmet as a visitor's browser sees it, and helmet and the session in either order.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import helmet from '@fastify/helmet'
import Fastify, { type FastifyInstance } from 'fastify'
import secureSession from '../../src/index.ts'
import { get } from '../support/app.ts'
import { cookieOf as cookieIn, newKey, setCookies } from '../support/helpers.ts'
import { Example, cookieOf } from './example.ts'

describe('examples/helmet', () => {
  let example: Example
  before(async () => { example = await Example.start('helmet/server.js') })
  after(async () => await example.stop())

  const policyOf = ({ headers }: Response): string => headers.get('content-security-policy') ?? ''

  it('has a policy that allows nothing but its own requests and the scripts and styles with a nonce', async () => {
    const policy = policyOf(await example.get('/')).replaceAll(/'nonce-[0-9a-f]{32}'/g, 'NONCE')
    assert.deepEqual(policy.split(';').sort(), [
      "base-uri 'none'", "connect-src 'self'", "default-src 'none'", "form-action 'none'", "frame-ancestors 'none'", 'script-src NONCE', 'style-src NONCE'
    ])
  })

  it('has a page whose script carries the nonce of its own response, and that no cache keeps', async () => {
    const nonces = new Set<string>()
    for (let visit = 0; visit < 2; visit++) {
      const response = await example.get('/')
      const [, nonce = ''] = /<script nonce="(\w{32})">/.exec(await response.text()) ?? []
      assert.match(policyOf(response), new RegExp(`script-src 'nonce-${nonce}'`))
      assert.equal(response.headers.get('cache-control'), 'no-store')
      nonces.add(nonce)
    }
    assert.equal(nonces.size, 2)
  })

  it('has the session beside it', async () => {
    const line = await example.logIn('Grace')
    assert.match(line, /^helmet-example=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/)
    const response = await example.get('/profile', cookieOf(line))
    assert.deepEqual(await response.json(), { name: 'Grace' })
    assert.equal(response.headers.get('cache-control'), 'no-store')
    assert.match(policyOf(response), /default-src 'none'/)
  })

  it('has the policy on errors, too', async () => {
    const responses = [await example.get('/profile'), await example.get('/missing'), await example.post('/login', '{}'), await example.post('/login', '{')]
    assert.deepEqual(responses.map(({ status }) => status), [401, 404, 400, 400])
    for (const response of responses) {
      assert.match(policyOf(response), /default-src 'none'/)
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    }
  })

  it('ends on SIGTERM', async () => {
    assert.equal(await example.stop(), 0)
  })
})

const plugins = {
  helmet: (app: FastifyInstance) => app.register(helmet, { enableCSPNonces: true }),
  session: (app: FastifyInstance) => app.register(secureSession, { key: newKey(), format: 'sealed', cookie: { path: '/' } })
}

for (const order of [['helmet', 'session'], ['session', 'helmet']] as const) {
  describe(`with ${order.join(' before ')}`, () => {
    const app = Fastify()
    for (const name of order) plugins[name](app)
    app.get('/write', async ({ session }) => { session.set('n', 1); return 'written' })
    app.get('/throw', async ({ session }) => { session.set('n', 1); throw new Error('thrown') })
    app.get('/missing', async ({ session }, reply) => { session.set('n', 1); reply.callNotFound(); return reply })
    app.get('/unsealed', async ({ session }) => { session.set('n' as never, 1n as never); return 'never' })
    app.get('/read', async ({ session }) => session.data())

    for (const [url, status] of [['/write', 200], ['/throw', 500], ['/missing', 404]] as const) {
      it(`a response with status ${status} has the policy, the cookie and no-store`, async () => {
        const response = await app.inject(url)
        assert.equal(response.statusCode, status)
        assert.match(String(response.headers['content-security-policy']), /'nonce-/)
        assert.equal(response.headers['cache-control'], 'no-store')
        assert.equal(setCookies(response).length, 1)
        assert.deepEqual((await get(app, '/read', cookieIn(response))).json(), { n: 1 })
      })
    }

    it('a response to a failure to seal has the policy and no cookie', async () => {
      const response = await app.inject('/unsealed')
      assert.equal(response.statusCode, 500)
      assert.match(String(response.headers['content-security-policy']), /'nonce-/)
      assert.deepEqual(setCookies(response), [])
    })
  })
}
