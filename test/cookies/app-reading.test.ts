// The app's own @fastify/cookie: where the session's cookie is read from.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import cookiePlugin, { type FastifyCookieOptions } from '@fastify/cookie'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { newKey, setCookies } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, readyApp, tokenWith, type AppSetup } from '../support/app.ts'

const PARSING_HOOKS = [undefined, 'onRequest', 'preParsing', 'preValidation', 'preHandler', false] as const
const garbage = 'session=planted'

function withHook (hook: FastifyCookieOptions['hook'], more: AppSetup = {}): AppSetup {
  return { ...more, before: app => { app.register(cookiePlugin, hook === undefined ? {} : { hook }); more.before?.(app) } }
}

describe('whenever the app parses cookies, the session\'s is read and sent', () => {
  for (const hook of PARSING_HOOKS) {
    it(`hook: ${hook}`, async () => {
      const app = await readyApp({ ...withHook(hook), routes: { '/': ({ session }, reply) => { reply.setCookie('other', '1'); session.set('m', 2) } } })
      const response = await get(app, '/', cookieWith(app, { n: 1 }))
      assert.deepEqual(contentOf(app, response), { n: 1, m: 2 })
      assert.equal(setCookies(response).length, 2)
    })

    for (const early of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) {
      it(`hook: ${hook}, used in ${early}, whose hook replies`, async () => {
        const app = await readyApp({
          ...withHook(hook, {
            after: app => {
              const answer = async ({ session }: FastifyRequest, reply: FastifyReply) => { session.set('m', 2); return reply.send('early') }
              if (early === 'preParsing') app.addHook(early, async (request, reply) => { await answer(request, reply) })
              else app.addHook(early as 'onRequest', answer)
            }
          }),
          routes: { '/': () => 'never' }
        })
        const response = await get(app, '/', cookieWith(app, { n: 1 }))
        assert.equal(response.body, 'early')
        assert.deepEqual(contentOf(app, response), { n: 1, m: 2 })
        assert.equal(linesOf(response).length, 1)
      })
    }

    it(`hook: ${hook}, where a response is sent by a hook registered before everything`, async () => {
      const app = await readyApp({
        before: app => {
          app.addHook('onRequest', async ({ session }, reply) => { session.set('m', 2); return reply.send('early') })
          app.register(cookiePlugin, hook === undefined ? {} : { hook })
        },
        routes: { '/': () => 'never' }
      })
      const response = await get(app, '/', cookieWith(app, { n: 1 }))
      assert.equal(response.body, 'early')
      assert.deepEqual(contentOf(app, response), { n: 1, m: 2 })
    })
  }

  it('without an @fastify/cookie of the app, request.cookies and reply.setCookie work as ever', async () => {
    const app = await readyApp({ routes: { '/': ({ session, cookies }, reply) => { session.touch(); reply.setCookie('b', '2'); return cookies } } })
    const response = await get(app, '/', 'a=1; b=%20')
    assert.deepEqual(response.json(), { a: '1', b: ' ' })
    assert.deepEqual(setCookies(response).map(line => line.split('=')[0]).sort(), ['b', 'session'])
    assert.deepEqual((await get(app, '/')).json(), {})
  })
})

/** Answers with the session's data; `change` runs in a hook before. */
async function readAfter (change: (request: FastifyRequest, app: FastifyInstance) => void, setup: AppSetup = {}): Promise<FastifyInstance> {
  return await readyApp({
    ...setup,
    after: app => app.addHook('preValidation', async request => change(request, app)),
    routes: { '/': ({ session }) => session.data() }
  })
}

// null is what `hook: false` leaves; a plugin registered for the app by the session's is a case too.
const sources: Record<string, AppSetup> = {
  'the app\'s @fastify/cookie': withHook(undefined),
  'hook: false': withHook(false),
  'no @fastify/cookie of the app': {}
}

for (const [source, setup] of Object.entries(sources)) {
  describe(`what a hook puts into request.cookies counts: ${source}`, () => {
    const put = (request: FastifyRequest, value: string | undefined): void => { request.cookies = { ...request.cookies, session: value } }

    it('a token beside a header with none', async () => {
      const app = await readAfter((request, app) => put(request, tokenWith(app, { from: 'hook' })), setup)
      assert.deepEqual((await get(app)).json(), { from: 'hook' })
      assert.deepEqual((await get(app, '/', 'other=1')).json(), { from: 'hook' })
    })

    it('a token beside a header with garbage', async () => {
      const app = await readAfter((request, app) => put(request, tokenWith(app, { from: 'hook' })), setup)
      assert.deepEqual((await get(app, '/', garbage)).json(), { from: 'hook' })
    })

    it('a token beside a header with another one of the same second', async () => {
      const app = await readAfter((request, app) => put(request, tokenWith(app, { from: 'hook' })), setup)
      const clock = FakeTimers.install({ toFake: ['Date'] })
      try {
        assert.deepEqual((await get(app, '/', cookieWith(app, { from: 'header' }))).json(), { from: 'hook' })
      } finally {
        clock.uninstall()
      }
    })

    it('a token beside a header with a newer one', async () => {
      let older = ''
      const app = await readAfter(request => put(request, older), setup)
      const clock = FakeTimers.install({ toFake: ['Date'] })
      try {
        older = tokenWith(app, { from: 'hook' })
        clock.tick(5000)
        assert.deepEqual((await get(app, '/', cookieWith(app, { from: 'header' }))).json(), { from: 'hook' })
      } finally {
        clock.uninstall()
      }
    })

    it('garbage beside a header with a token: the token is a duplicate that is tried next', async () => {
      const app = await readAfter(request => put(request, 'garbage'), setup)
      assert.deepEqual((await get(app, '/', cookieWith(app, { from: 'header' }))).json(), { from: 'header' })
    })

    it('undefined, a missing property and an empty object: the session is empty', async () => {
      const changes: Array<(request: FastifyRequest) => void> = [
        request => put(request, undefined),
        request => { request.cookies = { ...request.cookies }; delete request.cookies.session },
        request => { request.cookies = {} }
      ]
      for (const change of changes) {
        const app = await readAfter(change, setup)
        assert.deepEqual((await get(app, '/', cookieWith(app, { from: 'header' }))).json(), {})
      }
    })
  })
}

describe('a hook that changes request.cookies in place', () => {
  for (const [source, setup] of Object.entries({ 'the app\'s @fastify/cookie': withHook(undefined), 'no @fastify/cookie of the app': {} })) {
    it(`replaces the token: ${source}`, async () => {
      const app = await readAfter((request, app) => { request.cookies.session = tokenWith(app, { from: 'hook' }) }, setup)
      assert.deepEqual((await get(app, '/', garbage)).json(), { from: 'hook' })
    })

    it(`takes the token away: ${source}`, async () => {
      const app = await readAfter(request => { delete request.cookies.session }, setup)
      assert.deepEqual((await get(app, '/', cookieWith(app, { from: 'header' }))).json(), {})
    })
  }
})

describe('duplicates in the header', () => {
  for (const hook of PARSING_HOOKS) {
    it(`each is tried, wherever the good one stands, with hook: ${hook}`, async () => {
      const app = await readyApp({ ...withHook(hook), routes: { '/': ({ session }) => session.data() } })
      const good = cookieWith(app, { n: 1 })
      for (const cookies of [[garbage, good], [good, garbage], [garbage, 'session=', good, 'session=x;'], ['other=1', good, good]]) {
        assert.deepEqual((await get(app, '/', cookies.join('; '))).json(), { n: 1 }, cookies.join('; '))
      }
    })

    it(`of two that open, the one written last counts, with hook: ${hook}`, async () => {
      const app = await readyApp({ ...withHook(hook), routes: { '/': ({ session }) => session.data() } })
      const clock = FakeTimers.install({ toFake: ['Date'] })
      try {
        const older = cookieWith(app, { age: 'older' })
        clock.tick(5000)
        const newer = cookieWith(app, { age: 'newer' })
        for (const cookies of [[older, newer], [newer, older]]) {
          assert.deepEqual((await get(app, '/', cookies.join('; '))).json(), { age: 'newer' })
        }
      } finally {
        clock.uninstall()
      }
    })
  }

  it('a decode function that throws on one of them does not hide the others', async () => {
    const decode = (text: string): string => {
      if (text === 'planted') throw new Error('cannot decode')
      return decodeURIComponent(text)
    }
    const app = await readyApp({ before: app => app.register(cookiePlugin, { hook: false, parseOptions: { decode } as object }), routes: { '/': ({ session }) => session.data() } })
    assert.deepEqual((await get(app, '/', `${garbage}; ${cookieWith(app, { n: 1 })}`)).json(), { n: 1 })
    assert.deepEqual((await get(app, '/', garbage)).json(), {})
  })

  it('a signed session takes the one whose signature is right', async () => {
    const app = await readyApp({
      session: { key: newKey(), cookie: { signed: true } },
      before: app => app.register(cookiePlugin, { secret: 'a secret of the app, for signing' }),
      routes: { '/': ({ session }) => session.data() }
    })
    const token = tokenWith(app, { n: 1 })
    const signed = `session=${encodeURIComponent(app.signCookie(token))}`
    const unsigned = `session=${encodeURIComponent(tokenWith(app, { n: 2 }))}`
    const forged = `session=${encodeURIComponent(`${token}.${'A'.repeat(43)}`)}`
    for (const cookies of [[unsigned, signed], [forged, signed], [signed, forged, unsigned]]) {
      assert.deepEqual((await get(app, '/', cookies.join('; '))).json(), { n: 1 })
    }
  })

  it('a signer of the app\'s decides by what it calls valid, not by the value it returns', async () => {
    const secret = { sign: (value: string) => `${value}.ok`, unsign: (value: string) => ({ valid: value.endsWith('.ok'), renew: false, value: value.slice(0, -3) }) }
    const app = await readyApp({
      session: { key: newKey(), cookie: { signed: true } },
      before: app => app.register(cookiePlugin, { secret: secret as never }),
      routes: { '/': ({ session }) => session.data() }
    })
    const token = tokenWith(app, { n: 1 })
    assert.deepEqual((await get(app, '/', `session=${encodeURIComponent(`${token}.ok`)}`)).json(), { n: 1 })
    assert.deepEqual((await get(app, '/', `session=${encodeURIComponent(`${token}.no`)}`)).json(), {})
  })
})
