// Other plugins with sessions that are set up in a way that concerns them: what docs/guide/plugins.md says of it.
import csrf from '@fastify/csrf-protection'
import oauth2 from '@fastify/oauth2'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as z from 'zod'
import { cookieOf, newKey, setCookies } from '../support/helpers.ts'
import { newPassport, passportRequest } from '../support/passport.ts'
import { contentOf, get, properties, readyApp } from '../support/app.ts'

describe('@fastify/passport', () => {
  const passport = newPassport()
  const register = (app: FastifyInstance): void => {
    app.register(passport.initialize())
    app.register(passport.secureSession())
  }

  for (const [title, options] of [['registered before the session', {}], ['with a session of another name', { sessionName: 'auth' }]] as const) {
    it(`says what it misses when it is ${title}`, async () => {
      const where = title.includes('before') ? { before: register } : { after: register }
      await assert.rejects(readyApp({ session: { key: newKey(), ...options }, ...where }), /The decorator 'session' required by '@fastify\/flash'/)
    })
  }

  it('keeps a lifetime that a session is given after the login', async () => {
    const app = await readyApp({
      session: { key: newKey(), expiry: 10 },
      after: register,
      routes: {
        '/login': async request => {
          await passportRequest(request).logIn('ann')
          request.session.options({ expiry: 1000, maxAge: 500 })
        },
        '/again': async ({ session }) => { session.touch() }
      }
    })
    const response = await get(app, '/login')
    for (const each of [response, await get(app, '/again', cookieOf(response))]) {
      assert.match(setCookies(each)[0]!, /Max-Age=500/) // the session was changed
    }
  })

  it('opens the session of each request in its context, and of none outside', async () => {
    const inside: FastifyPluginAsync = async app => {
      register(app)
      app.get('/inside', async request => passportRequest(request).user)
    }
    let opened = 0
    const serializer = { stringify: JSON.stringify, parse: (text: string): unknown => { opened++; return JSON.parse(text) } }
    const app = await readyApp({
      session: { key: newKey(), serializer },
      after: app => { app.register(inside) },
      routes: { '/outside': () => 'hello', '/set': ({ session }) => { properties(session).passport = 'ann' } }
    })
    const cookie = cookieOf(await get(app, '/set'))
    await get(app, '/outside', cookie)
    assert.equal(opened, 0)
    assert.equal((await get(app, '/inside', cookie)).body, 'ann')
    assert.equal(opened, 1)
  })
})

describe('@fastify/csrf-protection', () => {
  /** The status of a form with its token, where the session has this schema. */
  async function formWith (schema: z.ZodType): Promise<number> {
    const app = await readyApp({
      session: { key: newKey(), schema },
      after: app => {
        app.register(csrf, { sessionPlugin: '@fastify/secure-session' })
        app.register(async app => { app.post('/send', { preValidation: app.csrfProtection }, async () => 'taken') })
      },
      routes: { '/form': (_request, reply) => reply.generateCsrf() }
    })
    const form = await get(app, '/form')
    const response = await app.inject({ method: 'POST', url: '/send', headers: { cookie: cookieOf(form), 'csrf-token': form.body } })
    return response.statusCode
  }

  it('needs its key in a schema that leaves out what it does not know', async () => {
    const userId = z.number().optional()
    assert.equal(await formWith(z.object({ userId })), 403)
    assert.equal(await formWith(z.object({ userId, _csrf: z.string().optional() })), 200)
    assert.equal(await formWith(z.looseObject({ userId })), 200)
  })
})

describe('@fastify/oauth2', () => {
  it('keeps its state in the session, also where it is registered before it', async () => {
    const register = (app: FastifyInstance): void => {
      app.register(oauth2, {
        name: 'provider',
        credentials: { client: { id: 'app', secret: 'secret' }, auth: { tokenHost: 'https://example.com' } },
        startRedirectPath: '/login',
        callbackUri: 'https://example.com/callback',
        generateStateFunction: request => { properties(request.session).state = 'a state'; return 'a state' },
        checkStateFunction: request => properties(request.session).state === 'a state'
      })
    }
    for (const where of [{ before: register }, { after: register }]) {
      const app = await readyApp({ session: { key: newKey() }, ...where })
      assert.deepEqual(contentOf(app, await get(app, '/login')), { state: 'a state' })
    }
  })
})
