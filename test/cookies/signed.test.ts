// Sessions whose cookie is signed besides being sealed.
import assert from 'node:assert/strict'
import cookiePlugin, { Signer, type FastifyCookieOptions } from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { get, logged, newApp, ofFastify, post, readyApp, type Handler } from '../support/app.ts'
import { cookieOf, newKey, setCookies, tokenOf } from '../support/helpers.ts'
import { cookieHeader, openRaw, refusals, rejection, sealRaw, seconds, warningsOf } from '../support/configurations.ts'
import { PLUGINS } from '../support/peer.ts'

const SIGNED = { cookie: { signed: true } }

/** The signed cookie of a session with `data`. */
async function signIn (app: FastifyInstance, data: object): Promise<string> {
  return cookieOf(await post(app, '/set', undefined, data))
}

async function read (app: FastifyInstance, cookie: string): Promise<unknown> {
  const response = await get(app, '/get', cookie)
  assert.equal(response.statusCode, 200)
  return response.json()
}

/** An app that registered `@fastify/cookie` itself, with the session's routes. */
async function appWithCookies (cookies: FastifyCookieOptions, options: object): Promise<FastifyInstance> {
  return await readyApp({ before: app => app.register(cookiePlugin, cookies), session: options })
}

describe('signed: true', () => {
  it('writes a cookie that carries a signature after the token', async () => {
    const key = newKey()
    const app = await readyApp({ session: { key, ...SIGNED } })
    const value = tokenOf(await post(app, '/set', undefined, { user: 1 }))
    const { valid, value: token } = app.unsignCookie(value)
    assert.equal(valid, true)
    assert.match(value, /^[^.]+\.[^.]+$/)
    assert.equal(openRaw(key, token!).user, 1)
    assert.deepEqual(await read(app, cookieHeader(value)), { user: 1 })
  })

  const forgeries: Record<string, (token: string, signed: string, app: FastifyInstance) => string> = {
    'no signature': token => token,
    'an empty signature': token => `${token}.`,
    'a wrong signature': token => `${token}.${randomBytes(32).toString('base64').replace(/=+$/, '')}`,
    'a signature with one character changed': (_, signed) => signed.slice(0, -2) + (signed.at(-2) === 'A' ? 'B' : 'A') + signed.at(-1),
    'a signature with padding': (_, signed) => `${signed}=`,
    'a signature cut short': (_, signed) => signed.slice(0, -1),
    'a signature made with another secret': token => new Signer('another secret').sign(token),
    'a signature made with an empty secret': token => new Signer('').sign(token),
    'the signature of another token': (token, _, app) => `${token}.${app.signCookie('other').split('.')[1]}`,
    'attributes after the signature': (_, signed) => `${signed}; Path=/`,
    'attributes in place of the signature': token => `${token};x`,
    'two signatures': (_, signed, app) => app.signCookie(signed)
  }
  for (const [what, forge] of Object.entries(forgeries)) {
    it(`refuses an authentic session in a request with ${what}`, async () => {
      const { lines, server } = logged()
      const app = await readyApp({ server, session: { key: newKey(), ...SIGNED } })
      const token = app.encodeSecureSession(app.createSecureSession({ user: 1 }))
      const signed = app.signCookie(token)
      assert.deepEqual(await read(app, cookieHeader(signed)), { user: 1 }, 'honest')
      const forged = forge(token, signed, app)
      assert.notEqual(forged, signed)
      assert.deepEqual(await read(app, cookieHeader(forged)), {})
      assert.equal(refusals(lines).length, 1)
    })
  }

  it('says in the log, at level debug, that the signature is the reason', async () => {
    const { lines, server } = logged()
    const app = await readyApp({ server, session: { key: newKey(), ...SIGNED } })
    await read(app, cookieHeader(app.encodeSecureSession(app.createSecureSession())))
    assert.deepEqual(refusals(lines), ['@fastify/secure-session: the signature is missing or wrong, creating an empty session'])
  })

  it('given as cookieOptions means the same', async () => {
    const app = await readyApp({ session: { key: newKey(), cookieOptions: { signed: true } } })
    const token = app.encodeSecureSession(app.createSecureSession({ user: 1 }))
    assert.deepEqual(await read(app, cookieHeader(token)), {})
    assert.deepEqual(await read(app, cookieHeader(app.signCookie(token))), { user: 1 })
  })

  it('works in both directions with the peer', async () => {
    const key = newKey()
    const ours = await readyApp({ session: { key, cookie: { signed: true, path: '/' } } })
    const peer = await readyApp({ plugin: PLUGINS.peer, session: { key, cookie: { signed: true, path: '/' } } })
    assert.deepEqual(await read(peer, await signIn(ours, { user: 1 })), { user: 1 })
    assert.deepEqual(await read(ours, await signIn(peer, { user: 2 })), { user: 2 })
  })

  it('works with a passphrase, which signs as well', async () => {
    const secret = 'a passphrase of more than thirty-two bytes'
    const app = await readyApp({ session: { secret, salt: randomBytes(16), ...SIGNED } })
    const value = tokenOf(await post(app, '/set', undefined, { user: 1 }))
    assert.equal(new Signer(secret).unsign(value).valid, true)
    assert.deepEqual(await read(app, cookieHeader(value)), { user: 1 })
  })
})

describe('rotation of keys keeps signed sessions', () => {
  const spellings: Record<string, (key: Buffer) => unknown> = {
    bytes: key => key,
    'hex text': key => key.toString('hex'),
    'base64url text': key => key.toString('base64url')
  }
  for (const [what, spell] of Object.entries(spellings)) {
    it(`keys as ${what}: each older key opens and is replaced by the first`, async () => {
      const [oldest, old, current] = [newKey(), newKey(), newKey()]
      const rotated = await readyApp({ session: { key: [current, old, oldest].map(spell), ...SIGNED } })
      const alone = await readyApp({ session: { key: current, ...SIGNED } })
      for (const key of [old, oldest]) {
        const before = await readyApp({ session: { key, ...SIGNED } })
        const response = await get(rotated, '/get', await signIn(before, { user: 1 }))
        assert.deepEqual(response.json(), { user: 1 })
        assert.deepEqual(await read(alone, cookieOf(response)), { user: 1 })
      }
    })
  }

  it('a key that was retired neither opens nor signs', async () => {
    const [retired, current] = [newKey(), newKey()]
    const before = await readyApp({ session: { key: retired, ...SIGNED } })
    const after = await readyApp({ session: { key: current, ...SIGNED } })
    assert.deepEqual(await read(after, await signIn(before, { user: 1 })), {})
    const token = sealRaw(current, `{"user":1,"__ts":${seconds()}}`)
    assert.deepEqual(await read(after, cookieHeader(before.signCookie(token))), {})
  })

  it('of several sessions in one app', ofFastify(), async () => {
    const keys = { a: [newKey(), newKey()], b: [newKey(), newKey()] }
    const options = (rotated: boolean): object[] => (['a', 'b'] as const).map(sessionName => ({
      sessionName, key: rotated ? keys[sessionName] : keys[sessionName][1], ...SIGNED
    }))
    const count: Handler = request => {
      const { a, b } = request as unknown as Record<'a' | 'b', { n?: number }>
      const seen = [a.n, b.n]
      a.n = 1
      b.n = 2
      return seen
    }
    const [before, after] = [false, true].map(rotated => newApp({ session: options(rotated), routes: { '/': count } }))
    const lines = setCookies(await before!.inject('/')).map(line => line.split(';')[0])
    assert.equal(lines.length, 2)
    const response = await after!.inject({ url: '/', headers: { cookie: lines.join('; ') } })
    assert.deepEqual(response.json(), [1, 2])
  })
})

describe('a session that is added to the array', ofFastify(), () => {
  it('signs from then on, as the last one, and keeps what the others have signed', async () => {
    const [key, added] = [newKey(), newKey()]
    const before = await readyApp({ session: { key, ...SIGNED } })
    const after = await readyApp({ session: [{ sessionName: 'session', key, ...SIGNED }, { sessionName: 'added', key: added, ...SIGNED }] })
    const response = await post(after, '/set', await signIn(before, { user: 1 }), { more: 2 })
    assert.deepEqual(await read(after, cookieOf(response)), { user: 1, more: 2 })
    const alone = await readyApp({ session: { key: added, ...SIGNED } })
    assert.equal(alone.unsignCookie(tokenOf(response)).valid, true)
  })
})

describe('decodeSecureSession of a signed session', () => {
  it('opens signed and unsigned values', async () => {
    const app = await readyApp({ session: { key: [newKey(), newKey()], ...SIGNED } })
    const token = app.encodeSecureSession(app.createSecureSession({ user: 1 }))
    assert.deepEqual(app.decodeSecureSession(token)?.data(), { user: 1 })
    assert.deepEqual(app.decodeSecureSession(app.signCookie(token))?.data(), { user: 1 })
  })

  it('opens the value of the cookie that a response has set', async () => {
    const app = await readyApp({ session: { key: newKey(), ...SIGNED } })
    const response = await post(app, '/set', undefined, { user: 1 })
    assert.deepEqual(app.decodeSecureSession(tokenOf(response))?.data(), { user: 1 })
  })

  it('refuses a wrong signature and a signed text that is no token', async () => {
    const app = await readyApp({ session: { key: newKey(), ...SIGNED } })
    const token = app.encodeSecureSession(app.createSecureSession({ user: 1 }))
    for (const value of [new Signer('another secret').sign(token), app.signCookie('nonsense'), `${token}.`]) {
      assert.equal(app.decodeSecureSession(value), null)
    }
  })
})

describe("with the app's own @fastify/cookie", ofFastify(), () => {
  const withSecret: Record<string, FastifyCookieOptions> = {
    'a secret': { secret: 'the secret of the app' },
    'a secret of bytes': { secret: randomBytes(32) },
    'several secrets': { secret: ['the new one', 'the old one'] },
    'a signer of its own': { secret: new Signer('the secret of the app', 'sha512') },
    'another algorithm': { secret: 'the secret of the app', algorithm: 'sha512' }
  }
  for (const [what, cookies] of Object.entries(withSecret)) {
    it(`that has ${what}, that one signs: no or a wrong signature is refused`, async () => {
      const key = newKey()
      const app = await appWithCookies(cookies, { key, ...SIGNED })
      const own = await readyApp({ session: { key, ...SIGNED } })
      const cookie = await signIn(app, { user: 1 })
      assert.deepEqual(await read(app, cookie), { user: 1 })
      const token = app.encodeSecureSession(app.createSecureSession({ user: 1 }))
      assert.deepEqual(await read(app, cookieHeader(token)), {}, 'no signature')
      assert.deepEqual(await read(app, cookieHeader(own.signCookie(token))), {}, "signed with the session's key")
      assert.deepEqual(app.decodeSecureSession(token)?.data(), { user: 1 })
      assert.deepEqual(app.decodeSecureSession(app.signCookie(token))?.data(), { user: 1 })
    })
  }

  it('a session that an older secret of several signed stays open, and a write signs it with the first', async () => {
    const key = newKey()
    const before = await appWithCookies({ secret: 'the old one' }, { key, ...SIGNED })
    const after = await appWithCookies({ secret: ['the new one', 'the old one'] }, { key, ...SIGNED })
    const response = await post(after, '/set', await signIn(before, { user: 1 }), { more: 2 })
    assert.equal(new Signer('the new one').unsign(tokenOf(response)).valid, true)
    assert.deepEqual(await read(after, cookieOf(response)), { user: 1, more: 2 })
  })

  const withoutSecret: Record<string, unknown> = { 'no secret': {}, 'a secret that is undefined': { secret: undefined }, 'a secret that is null': { secret: null }, 'an empty secret': { secret: '' } }
  for (const [what, cookies] of Object.entries(withoutSecret)) {
    it(`that has ${what}, a signed session is refused at registration, by name, with advice`, async () => {
      const options = [{ sessionName: 'plain', key: newKey() }, { sessionName: 'safe', key: newKey(), ...SIGNED }]
      const error = await rejection(options, app => app.register(cookiePlugin, cookies as FastifyCookieOptions))
      assert.equal(error.code, 'FST_SEALED_SESSION_SIGNING_SECRET_MISSING')
      assert.match(error.message, /session "safe" has a signed cookie, but .*@fastify\/cookie without a secret/)
      assert.match(error.hint, /Give @fastify\/cookie a secret/)
    })
  }

  it('that has no secret, a session that is not signed works without a warning', async () => {
    assert.deepEqual(await warningsOf({ key: newKey() }, app => app.register(cookiePlugin)), [])
    const app = await appWithCookies({}, { key: newKey() })
    assert.deepEqual(await read(app, await signIn(app, { user: 1 })), { user: 1 })
  })

  it('whose parseOptions sign every cookie, a session is signed only if its own options say so, and is read back', async () => {
    const app = await appWithCookies({ secret: 'the secret of the app', parseOptions: { signed: true } }, { key: newKey() })
    const cookie = await signIn(app, { user: 1 })
    assert.deepEqual(await read(app, cookie), { user: 1 })
    assert.equal(decodeURIComponent(cookie).includes('.'), false)
  })
})
