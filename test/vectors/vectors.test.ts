// Cookies that @fastify/secure-session 8.4.0 wrote (see capture-peer.js) are opened for ever.
import assert from 'node:assert/strict'
import cookiePlugin, { type FastifyCookieOptions } from '@fastify/cookie'
import { install, type Clock } from '@sinonjs/fake-timers'
import type { FastifyInstance } from 'fastify'
import { readFileSync } from 'node:fs'
import { afterEach, before, beforeEach, describe, it } from 'node:test'
import { newKey, setCookies } from '../support/helpers.ts'
import { readyApp } from '../support/app.ts'

type Options = Record<string, unknown>

interface Vector {
  title: string
  /** Milliseconds since 1970. */
  capturedAt: number
  /** What the peer sealed it with. */
  options: Options
  /** What it is opened with here, where that differs. */
  opensWith?: Options
  /** Of the app's own `@fastify/cookie`, where there was one. */
  cookieOptions?: FastifyCookieOptions
  /** A `Cookie` header. */
  cookie: string
  data: object
}

const DEFAULT_EXPIRY = 86401

const vectors = JSON.parse(readFileSync(new URL('peer-cookies.json', import.meta.url), 'utf8'), reviveBytes) as Vector[]

/** `{ "hex": "…" }` stands for bytes. */
function reviveBytes (_key: string, value: unknown): unknown {
  const hex = (value as { hex?: unknown } | null)?.hex
  return typeof hex === 'string' ? Buffer.from(hex, 'hex') : value
}

async function appOf ({ cookieOptions }: Vector, options: Options): Promise<FastifyInstance> {
  return await readyApp({
    before: app => cookieOptions !== undefined && app.register(cookiePlugin, cookieOptions),
    session: options,
    routes: { '/': ({ session }) => session.data() }
  })
}

/** The same options, but for the key. */
function withOtherKey ({ key, ...options }: Options): Options {
  return key === undefined ? { ...options, secret: `not ${String(options.secret)}` } : { ...options, key: newKey() }
}

async function dataOf (app: FastifyInstance, cookie: string): Promise<object> {
  const response = await app.inject({ url: '/', headers: { cookie } })
  assert.equal(response.statusCode, 200, response.body)
  return response.json()
}

it('no vector has been removed', () => {
  assert.ok(vectors.length >= 18)
})

for (const vector of vectors) {
  const { title, capturedAt, options, opensWith = options, cookie, data } = vector

  describe(`the peer's cookie with ${title}`, () => {
    let app: FastifyInstance
    let clock: Clock
    before(async () => { app = await appOf(vector, opensWith) })
    beforeEach(() => { clock = install({ now: capturedAt, toFake: ['Date'] }) })
    afterEach(() => { clock.uninstall() })

    const end = capturedAt + (options.expiry as number | undefined ?? DEFAULT_EXPIRY) * 1000

    it('holds its data when it was captured, and until it expires', async () => {
      for (const now of [capturedAt, end - 1]) {
        clock.setSystemTime(now)
        assert.deepEqual(await dataOf(app, cookie), data)
      }
    })

    it('is refused once it has expired', async () => {
      for (const now of [end, end + 1, end * 2]) {
        clock.setSystemTime(now)
        assert.deepEqual(await dataOf(app, cookie), {})
        assert.equal(decoded(), null)
      }
    })

    it('is refused with another key', async () => {
      const stranger = await appOf(vector, withOtherKey(opensWith))
      assert.deepEqual(await dataOf(stranger, cookie), {})
      assert.equal(decoded(stranger), null)
    })

    it('is decoded outside a request', () => {
      const session = decoded()
      assert.ok(session)
      assert.deepEqual({ ...session.data() }, data)
    })

    it(opensWith === options ? 'is not sealed again' : 'is sealed again with the new key', async () => {
      const response = await app.inject({ url: '/', headers: { cookie } })
      assert.equal(setCookies(response).length, opensWith === options ? 0 : 1)
    })

    function decoded (by = app): ReturnType<FastifyInstance['decodeSecureSession']> {
      return by.decodeSecureSession(decodeURIComponent(cookie.slice(cookie.indexOf('=') + 1)))
    }
  })
}

describe('a signed cookie of the peer', () => {
  for (const vector of vectors.filter(({ options }) => (options.cookie as { signed?: boolean } | undefined)?.signed)) {
    it(`is refused with no or another signature: ${vector.title}`, async () => {
      const app = await appOf(vector, vector.options)
      const clock = install({ now: vector.capturedAt, toFake: ['Date'] })
      try {
        const [token = '', signature = ''] = vector.cookie.split('.')
        assert.equal(signature.replaceAll(/%../g, '_').length, 43)
        const last = signature.startsWith('A') ? 'B' : 'A'
        for (const cookie of [token, `${token}.`, `${token}.${last}${signature.slice(1)}`]) {
          assert.deepEqual(await dataOf(app, cookie), {})
        }
        assert.deepEqual(await dataOf(app, vector.cookie), vector.data)
      } finally {
        clock.uninstall()
      }
    })
  }
})
