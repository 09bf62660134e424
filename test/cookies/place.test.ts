// Domain and path of a session's cookie: a deletion elsewhere leaves the user logged in.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance, FastifyRequest, LightMyRequestResponse } from 'fastify'
import type { Session } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { openRaw, stopClock } from '../support/configurations.ts'
import { cookieOf, newKey, setCookies, tokenOf } from '../support/helpers.ts'
import { get, properties, readyApp, type Bag, type Handler } from '../support/app.ts'

const DAY = 86_400
const OLD = newKey()
const NEW = newKey()

type Options = Parameters<Session['options']>[0]

/** An app whose logins give `attributes`, with routes that end a session in every way. */
async function appThat (attributes: Options, options: object = {}, onRequest?: (request: FastifyRequest) => void, isGuarded = false): Promise<FastifyInstance> {
  const routes: Record<string, Handler> = {
    '/login': ({ session }) => { session.set('user', 'ann'); session.options(attributes) },
    '/read': ({ session }) => session.get('user') ?? 'nobody',
    '/write': ({ session }) => { session.set('n', 1) },
    '/logout': ({ session }) => { session.delete() },
    '/flash': ({ session }) => { session.delete(); session.set('flash', 'bye') },
    '/switch': ({ session }) => { session.regenerate(); session.set('user', 'ben') },
    '/keep': ({ session }) => { session.regenerate(['user']) }
  }
  return await readyApp({
    session: { key: OLD, format: 'sealed', cookie: { path: '/' }, ...options },
    revocation: isGuarded ? { store: new MemoryStore() } : undefined,
    after: app => {
      if (onRequest !== undefined) app.addHook('preHandler', async request => { onRequest(request) })
    },
    routes
  })
}

/** Attributes of the only line of a response. */
function attributesOf (response: LightMyRequestResponse): Record<string, string> {
  const lines = setCookies(response)
  assert.equal(lines.length, 1, JSON.stringify(lines))
  return Object.fromEntries((lines[0] ?? '').split('; ').slice(1).map(part => part.split('=') as [string, string]))
}

const placeOf = (response: LightMyRequestResponse): Array<string | undefined> => {
  const { Domain, Path } = attributesOf(response)
  return [Domain, Path]
}

const remembered: Options = { expiry: 30 * DAY, maxAge: 30 * DAY }

describe('attributes that options() was given in this request', () => {
  for (const [what, attributes] of [['an ordinary session', {}], ['a remembered one', remembered]] as const) {
    for (const [end, isDeletion] of [['/logout', true], ['/switch', false], ['/keep', false], ['/flash', false]] as const) {
      it(`stay with what ${end} sends: ${what}`, async () => {
        const app = await appThat(attributes, {}, ({ session }) => { session.options({ domain: 'a.example', path: '/app', sameSite: 'strict', maxAge: 77 }) })
        const login = cookieOf(await (await appThat(attributes)).inject('/login'))
        const got = attributesOf(await get(app, end, login))
        assert.deepEqual([got.Domain, got.Path, got.SameSite, got['Max-Age']], ['a.example', '/app', 'Strict', isDeletion ? '0' : '77'])
      })
    }
  }

  it('with a lifetime, stay but for what says how long the cookie is kept', async () => {
    const app = await appThat({}, {}, ({ session }) => { session.options({ ...remembered, domain: 'a.example', sameSite: 'strict' }) })
    const got = attributesOf(await get(app, '/switch', cookieOf(await app.inject('/login'))))
    assert.deepEqual([got.Domain, got.SameSite, got['Max-Age']], ['a.example', 'Strict', undefined])
  })

  it('after regenerate(), count as a whole', async () => {
    const app = await readyApp({
      routes: { '/': ({ session }) => { session.options({ ...remembered, domain: 'a.example' }); session.regenerate(); session.options({ ...remembered, maxAge: 5 }) } }
    })
    const got = attributesOf(await get(app))
    assert.deepEqual([got.Domain, got['Max-Age']], ['a.example', '5'])
  })
})

for (const format of ['sealed', 'secretbox'] as const) {
  for (const isGuarded of [false, true]) {
    describe(`a domain and a path given with options({ expiry }), in the ${format} format${isGuarded ? ', with revocation' : ''}`, () => {
      const attributes: Options = { expiry: 30 * DAY, domain: 'a.example', path: '/app' }
      const place = ['a.example', '/app']

      for (const path of ['/write', '/logout', '/flash', '/switch', '/keep']) {
        it(`are those of the cookie that ${path} sends`, async () => {
          const app = await appThat(attributes, { format }, undefined, isGuarded)
          const login = await app.inject('/login')
          assert.deepEqual(placeOf(login), place)
          const response = await get(app, path, cookieOf(login))
          assert.deepEqual(placeOf(response), place)
          if (path === '/logout') return
          assert.deepEqual(placeOf(await get(app, '/logout', cookieOf(response))), place, 'and of the logout after that')
        })
      }

      it('are those of a cookie that a rotation, a rolling session and a change of format send', async t => {
        const clock = stopClock(t)
        const login = await (await appThat(attributes, { format }, undefined, isGuarded)).inject('/login')
        clock.tick(20 * DAY * 1000)
        const other = format === 'sealed' ? 'secretbox' : 'sealed'
        for (const options of [{ key: [NEW, OLD], format }, { rolling: true, absoluteTimeout: 300 * DAY, format }, { format: other, accept: ['sealed', 'secretbox'] }]) {
          const app = await appThat({}, options, undefined, isGuarded)
          const read = await get(app, '/read', cookieOf(login))
          assert.equal(read.body, 'ann')
          assert.deepEqual(placeOf(read), place)
          assert.deepEqual(placeOf(await get(app, '/logout', cookieOf(read))), place)
        }
      })

      it('give way to what options() is given for one response', async () => {
        const app = await appThat(attributes, { format }, ({ session, url }) => { if (url !== '/login') session.options({ domain: 'b.example' }) }, isGuarded)
        const login = await app.inject('/login')
        assert.deepEqual(placeOf(await get(app, '/logout', cookieOf(login))), ['b.example', '/app'])
      })

      it('stay where another lifetime names none', async () => {
        const app = await appThat(attributes, { format }, ({ session, url }) => { if (url === '/write') session.options({ expiry: DAY }) }, isGuarded)
        const written = await get(app, '/write', cookieOf(await app.inject('/login')))
        assert.deepEqual(placeOf(await get(app, '/logout', cookieOf(written))), place)
      })
    })
  }
}

describe('a domain or a path', () => {
  it('that no token can hold, or no cookie, is refused with a lifetime', async () => {
    for (const given of [{ domain: 'a;b' }, { domain: 'x'.repeat(256) }, { path: '/'.repeat(256) }, { path: '/ä' }, { path: 5 }, { domain: {} }]) {
      const app = await readyApp({ routes: { '/': ({ session }) => { session.options({ expiry: 60, ...given } as never) } } })
      assert.equal((await get(app)).json<{ code: string }>().code, 'FST_SEALED_SESSION_OPTION_INVALID', JSON.stringify(given))
    }
  })

  it('that is left out, undefined, null or empty changes no byte of a token', async t => {
    stopClock(t)
    for (const given of [{}, { domain: undefined }, { path: null }, { domain: '' }]) {
      const app = await readyApp({ session: { key: OLD }, routes: { '/': ({ session }) => { session.set('n', 1); session.options({ expiry: 60, ...given } as never) } } })
      assert.deepEqual(openRaw(OLD, tokenOf(await get(app))).__life, { expiry: 60 })
    }
  })

  it('in a token of the secretbox format that no cookie can have, refuses it', async () => {
    const app = await readyApp({ session: { key: OLD }, routes: { '/': ({ session }) => (session as Bag).user ?? 'nobody' } })
    const session = app.createSecureSession({ user: 'ann' })
    assert.equal((await get(app, '/', `session=${encodeURIComponent(app.encodeSecureSession(session))}`)).body, 'ann')
    const { sealRaw, seconds } = await import('../support/configurations.ts')
    for (const life of [{ domain: 5 }, { path: '/;' }, { domain: 'a b' }]) {
      const token = sealRaw(OLD, JSON.stringify({ user: 'ann', __life: life, __ts: seconds() }))
      assert.equal((await get(app, '/', `session=${encodeURIComponent(token)}`)).body, 'nobody', JSON.stringify(life))
    }
  })

  it('takes its room from the largest session, which still opens', async () => {
    const place = { domain: 'd'.repeat(250), path: `/${'"'.repeat(250)}` }
    for (const format of ['sealed', 'secretbox'] as const) {
      const app = await readyApp({ session: { key: OLD, format } })
      const session = app.createSecureSession() as Session
      session.options({ expiry: DAY, ...place })
      let fitting = ''
      for (let length = 49_200; length > 48_000 && fitting === ''; length -= 10) {
        session.set('text', 'x'.repeat(length))
        try { fitting = app.encodeSecureSession(session as never) } catch (error) { assert.equal((error as { code: string }).code, 'FST_SEALED_SESSION_TOO_LARGE') }
      }
      assert.ok(fitting.length > 64_000 && fitting.length <= 65_536, String(fitting.length))
      assert.ok(properties(app.decodeSecureSession(fitting)).text)
    }
  })
})
