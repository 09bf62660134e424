// The parseOptions of the app's own @fastify/cookie, which that plugin keeps to itself.
import cookiePlugin, { type CookieSerializeOptions, type FastifyCookieOptions } from '@fastify/cookie'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyReply, LightMyRequestResponse } from 'fastify'
import { appCookieDefaults } from '../../src/fastify/cookie-plugin.ts'
import { newApp } from '../support/app.ts'
import { setCookies } from '../support/helpers.ts'

interface Read {
  defaults: CookieSerializeOptions | null
  response: LightMyRequestResponse
}

/** What is found out in an app that registered @fastify/cookie with `options`. */
async function read (options: FastifyCookieOptions, protocol = 'http', before: (reply: FastifyReply) => unknown = () => null): Promise<Read> {
  const found: Array<CookieSerializeOptions | null> = []
  const app = newApp({
    server: { trustProxy: true },
    before: app => app.register(cookiePlugin, options),
    plugin: null,
    routes: {
      '/': (_request, reply) => {
        before(reply)
        found.push(appCookieDefaults(reply))
      }
    }
  })
  const response = await app.inject({ url: '/', headers: { 'x-forwarded-proto': protocol, cookie: 'x=1' } })
  assert.equal(response.statusCode, 200, response.body)
  const [defaults = null] = found
  return { defaults, response }
}

describe('appCookieDefaults', () => {
  it('are the default of @fastify/cookie where the app has no parseOptions', async () => {
    assert.deepEqual((await read({})).defaults, { sameSite: 'lax' })
  })

  const encode = (value: string): string => value
  const decode = encode
  const cases: Array<[parseOptions: CookieSerializeOptions, defaults: CookieSerializeOptions]> = [
    [{ path: '/app', domain: 'example.com' }, { path: '/app', domain: 'example.com', sameSite: 'lax' }],
    [{ sameSite: 'strict', secure: true, httpOnly: false }, { sameSite: 'strict', secure: true, httpOnly: false }],
    [{ maxAge: 60, partitioned: true, priority: 'high' }, { maxAge: 60, partitioned: true, priority: 'high', sameSite: 'lax' }],
    [{ expires: new Date(5000) }, { expires: new Date(5000), sameSite: 'lax' }],
    [{ encode, decode } as CookieSerializeOptions, { encode, decode, sameSite: 'lax' } as CookieSerializeOptions]
  ]
  for (const [parseOptions, defaults] of cases) {
    it(`are the app's parseOptions ${Object.keys(parseOptions).join(', ')}`, async () => {
      assert.deepEqual((await read({ parseOptions })).defaults, defaults)
    })
  }

  it('are found with whatever hook the app parses cookies, and with none', async () => {
    for (const hook of [false, 'onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) {
      assert.deepEqual((await read({ hook, parseOptions: { path: '/app' } })).defaults, { path: '/app', sameSite: 'lax' })
    }
  })

  for (const protocol of ['http', 'https']) {
    it(`leave secure: 'auto' to be decided for each response, when they are found in one over ${protocol}`, async () => {
      assert.equal((await read({ parseOptions: { secure: 'auto' } }, protocol)).defaults?.secure, 'auto')
    })
  }

  it('are found where the app has all its cookies signed', async () => {
    const { defaults } = await read({ secret: 'a secret', parseOptions: { signed: true, path: '/app' } })
    assert.equal(defaults?.path, '/app')
  })

  it('leave no trace in the response', async () => {
    const { response } = await read({ parseOptions: { path: '/app' } })
    assert.deepEqual(setCookies(response), [])
  })

  it('leave the other cookies of the response as they are', async () => {
    const { response, defaults } = await read({}, 'http', reply => reply.setCookie('other', 'value', { path: '/other' }))
    assert.deepEqual(setCookies(response), ['other=value; Path=/other; SameSite=Lax'])
    assert.deepEqual(defaults, { sameSite: 'lax' })
  })

  it('do not change the app\'s parseOptions, which may be frozen', async () => {
    const parseOptions = Object.freeze({ path: '/app' })
    const { defaults } = await read({ parseOptions })
    Object.assign(defaults ?? {}, { path: '/changed' })
    assert.deepEqual(parseOptions, { path: '/app' })
  })

  const strange: Array<[title: string, setCookie: () => unknown]> = [
    ['does nothing', () => undefined],
    ['keeps something else', function (this: Record<string, unknown>) { this.pending = new Map([['name', { value: '' }]]) }],
    ['keeps an empty map', function (this: Record<string, unknown>) { this.pending = new Map() }]
  ]
  for (const [title, setCookie] of strange) {
    it(`are null where setCookie ${title}, as another version of the plugin may`, () => {
      assert.equal(appCookieDefaults(Object.create({ setCookie, server: null }) as never), null)
    })
  }
})
