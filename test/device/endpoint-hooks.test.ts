// The endpoint of the device beside what an app checks of every request. Browsers take 401, 404, 429, and a 403 without a
// challenge, for the end of the binding: a check that answered for it would log users out ten minutes after their login.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import cookiePlugin from '@fastify/cookie'
import csrfProtection from '@fastify/csrf-protection'
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest, InjectOptions } from 'fastify'
import { crossOriginProtection } from '../../src/cross-origin/index.ts'
import { deviceBinding } from '../../src/device/index.ts'
import secureSession from '../../src/index.ts'
import { createTestDevice } from '../../src/testing/index.ts'
import { addHandlers, newApp, wrapHooks, type Bag } from '../support/app.ts'
import { appWithDevices, boundDevice, challengeOf, loggedIn, LOGINS, offerOf, PATH, refresh, register, registrationOf, type DeviceSetup } from '../support/device.ts'
import { newKey, setCookies } from '../support/helpers.ts'

/** A check of every request of an app, and a request that it refuses. */
interface Check {
  add: (app: FastifyInstance) => unknown
  refused: InjectOptions
  status: number
}

const isLogin = ({ url }: FastifyRequest): boolean => url.endsWith('/login')

function addLoginCheck (app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!isLogin(request) && (request.session as Bag).user === undefined) return await reply.code(401).send('log in first')
  })
}

const CHECKS: Record<string, Check> = {
  'cross-origin protection': {
    add: app => app.register(crossOriginProtection),
    refused: { method: 'POST', url: '/write', payload: {}, headers: { 'sec-fetch-site': 'cross-site' } },
    status: 403
  },
  'a rate limit': {
    add: app => {
      app.register(rateLimit, { max: 4, keyGenerator: () => 'all' })
      app.after(() => { app.get('/limited', async () => 'hello') }) // it limits the routes that come after it
    },
    refused: { url: '/limited' },
    status: 429
  },
  'a rate limit in a hook of its own': {
    add: app => {
      app.register(rateLimit, { global: false, max: 4, keyGenerator: () => 'all', allowList: isLogin })
      app.after(() => { app.addHook('onRequest', app.rateLimit()) })
    },
    refused: { url: '/public' },
    status: 429
  },
  'a login check that answers 401': {
    add: addLoginCheck,
    refused: { url: '/me' },
    status: 401
  },
  'a login check that redirects': {
    add: app => app.addHook('onRequest', (request, reply, done) => {
      if (isLogin(request) || (request.session as Bag).user !== undefined) done()
      else reply.redirect('/login')
    }),
    refused: { url: '/me' },
    status: 302
  },
  'a login check before the handler': {
    add: app => app.addHook('preHandler', async (request, reply) => {
      if (!isLogin(request) && (request.session as Bag).user === undefined) return await reply.code(401).send('log in first')
    }),
    refused: { url: '/me' },
    status: 401
  },
  'CSRF protection': {
    add: app => {
      app.register(csrfProtection, { sessionPlugin: '@fastify/secure-session' })
      app.addHook('onRequest', (request, reply, done) => {
        if (request.method === 'GET' || isLogin(request)) done()
        else app.csrfProtection(request, reply, done)
      })
    },
    refused: { method: 'POST', url: '/write', payload: {} },
    status: 403
  },
  'a check of content types': {
    add: app => app.addHook('onRequest', (request, _reply, done) => {
      done(request.method === 'GET' || isLogin(request) ? undefined : Object.assign(new Error('JSON only'), { statusCode: 415 }))
    }),
    refused: { method: 'POST', url: '/write', payload: {} },
    status: 415
  }
}

const PLACES: Record<string, (check: Check) => DeviceSetup> = {
  before: ({ add }) => ({ before: add }),
  'in an app whose hooks are wrapped by a tool that traces it, before': ({ add }) => ({ before: app => { wrapHooks(app); add(app) } }),
  after: ({ add }) => ({ after: add })
}

describe('the endpoint', () => {
  for (const [name, check] of Object.entries(CHECKS)) {
    for (const [place, setupOf] of Object.entries(PLACES)) {
      it(`26. goes on answering the browser in an app with ${name} registered ${place} the plugin`, async () => {
        const app = await appWithDevices(setupOf(check))
        const device = await boundDevice(app)
        // By a link from another site, the refresh brings no cookie, so that nobody is logged in.
        for (const withCookies of [true, false, true]) {
          assert.equal((await device.refresh(app, { withCookies })).statusCode, 200)
          device.expire()
        }
        assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
        await assertRefusals(app)
        let refused = await app.inject(check.refused)
        for (let round = 0; round < 8 && refused.statusCode === 200; round++) refused = await app.inject(check.refused)
        assert.equal(refused.statusCode, check.status) // the check is at work
        assert.equal((await device.refresh(app, { withCookies: false })).statusCode, 200)
        await app.close()
      })
    }
  }

  /** Has the endpoint refuse, ask and end: it answers with its own statuses. */
  async function assertRefusals (app: FastifyInstance): Promise<void> {
    const { device, response } = await loggedIn(app)
    const answer = await register(app, registrationOf(offerOf(response).challenge), device.cookies)
    assert.equal(answer.statusCode, 200)
    const { id } = challengeOf(answer)
    const asked = await refresh(app, id)
    assert.deepEqual([asked.statusCode, asked.body, challengeOf(asked).id], [403, '', id])
    assert.equal((await register(app, 'not.a.jwt')).statusCode, 400)
    assert.deepEqual((await refresh(app, 'unknown')).json(), { session_identifier: 'unknown', continue: false })
  }

  it('26. sets its cookies in an app that has registered @fastify/cookie itself, with signed cookies, too', async () => {
    for (const signed of [false, true]) {
      const app = await appWithDevices({
        before: app => app.register(cookiePlugin, { secret: 'a secret that is long enough for this' }),
        session: { cookie: { path: '/', secure: true, httpOnly: true, sameSite: 'lax', signed } }
      })
      const device = createTestDevice()
      const { response } = await loggedIn(app, device)
      const answer = await device.register(app, response)
      assert.deepEqual(setCookies(answer ?? assert.fail()).map(line => line.split('=')[0]), ['session', 'session.device'])
      device.expire()
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    }
  })

  it('26. goes on answering in a context of its own, below a login check of the app around it', async () => {
    const app = newApp({
      plugin: null,
      routes: app => {
        addLoginCheck(app)
        app.register(async app => {
          app.register(secureSession, { key: newKey(), format: 'sealed', cookie: { path: '/', secure: true } })
          app.register(deviceBinding)
          addHandlers(app, LOGINS)
        }, { prefix: '/inside' })
      }
    })
    const device = createTestDevice()
    const response = await device.inject(app, { method: 'POST', url: '/inside/login', payload: { user: 'ann' } })
    assert.equal((await device.register(app, response))?.statusCode, 200)
    assert.equal((await device.refresh(app, { withCookies: false })).statusCode, 200)
    assert.equal((await app.inject('/inside/me')).statusCode, 401)
  })

  it('26. is no route for another method, so that only POST is answered', async () => {
    const app = await appWithDevices()
    for (const method of ['GET', 'PUT', 'DELETE'] as const) assert.equal((await app.inject({ method, url: PATH })).statusCode, 404)
  })
})
