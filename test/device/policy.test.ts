// The policy of a binding: sessions that must be bound, a shorter life for those that are not, the way back; and that
// nobody pays who has nothing to do with it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { sodium } from '../../src/crypto/sodium.ts'
import { authenticated, sessionInfo } from '../../src/index.ts'
import { createTestDevice, type TestDevice } from '../../src/testing/index.ts'
import { post, readyApp, type Handlers } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, boundDevice, challengeOf, infoOf, jwtOf, LOGINS, loggedIn, newPair, offerOf, only, type Pair, PATH, PROOF_ONLY, refresh, register, registrationOf, SESSION, SESSION_ONLY, stolen } from '../support/device.ts'
import { cookieOf, countTries, newKey, setCookies } from '../support/helpers.ts'

const START = 1_800_000_000_000
const FIXED_KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index))

describe('an app without deviceBinding', () => {
  const login = {
    secretbox: 'h439ompELG0BzRTwv+GUe2%2F3mjmtFTIDwiJpGFH+5dmUqN2Tdaz56e8z7Rppl%2F8F%3BBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH',
    sealed: 'AQQCsKUHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwfL65q4a2_zfVrphvIRfoCCilKT1_pl0Qvo404fK4gZwJqK-RwpooapPg'
  }
  const written = {
    secretbox: 'Cxr3d%2F3%2F+gCHJF1WwKJcK2%2F3mjmtFTIDwiJpGFH+5ejp5p+dbcKerawh5xthl%2F9IganlZpn4%3BBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH',
    sealed: 'AQQCsKUHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwfL65q4a2_zfVrphvIRfoCCilKT1_pl0Qu5vCcG4zqoDoNZGg5TXx9sT3tRPQ5-Lw'
  }
  const ATTRIBUTES = 'Path=/; HttpOnly; Secure; SameSite=Lax'
  const headers = (body: string, setCookie?: string): object => ({
    'content-type': 'text/plain; charset=utf-8',
    ...(setCookie !== undefined && { 'set-cookie': setCookie, 'cache-control': 'no-store' }),
    'content-length': String(body.length),
    connection: 'keep-alive'
  })

  for (const format of ['secretbox', 'sealed'] as const) {
    it(`1. answers byte for byte as version 0.1.0, from which these responses are: ${format}`, async t => {
      stopClock(t)
      t.mock.method(sodium(), 'fillRandom', (bytes: Uint8Array) => { bytes.fill(7) })
      const app = await readyApp({ session: { key: FIXED_KEY, format, cookie: SESSION.cookie }, routes: LOGINS_OF_OLD })
      const answers: unknown[] = []
      const send = async (method: 'GET' | 'POST', url: string, cookie = ''): Promise<void> => {
        const response = await app.inject({ method, url, headers: { 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none', ...(cookie !== '' && { cookie }) } })
        const { date, ...rest } = response.headers
        answers.push([response.statusCode, rest, response.body])
      }
      await send('POST', '/login')
      await send('GET', '/me', `session=${login[format]}`)
      await send('POST', '/write', `session=${login[format]}`)
      await send('GET', '/me', 'session=garbage; session.device=garbage')
      await send('POST', '/logout', `session=${written[format]}`)
      assert.deepEqual(answers, [
        [200, headers('in', `session=${login[format]}; ${ATTRIBUTES}`), 'in'],
        [200, headers('ann'), 'ann'],
        [200, headers('written', `session=${written[format]}; ${ATTRIBUTES}`), 'written'],
        [200, headers('nobody'), 'nobody'],
        [200, headers('out', 'session=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax'), 'out']
      ])
    })
  }

  it('1. has no route for devices', async () => {
    const app = await readyApp({ session: { key: newKey(), ...SESSION }, routes: LOGINS })
    assert.equal(app.hasRoute({ method: 'POST', url: PATH }), false)
    assert.equal((await post(app, PATH)).statusCode, 404)
    assert.equal((await appWithDevices()).hasRoute({ method: 'POST', url: PATH }), true)
  })
})

const LOGINS_OF_OLD: Handlers = { ...LOGINS, 'POST /login': ({ session }) => { session.regenerate(); Object.assign(session, { user: 'ann' }); return 'in' }, 'POST /write': ({ session }) => { Object.assign(session, { n: 1 }); return 'written' } }

describe('policy "require"', () => {
  const REQUIRE = { policy: 'require' } as const

  it('31. has an unbound session work for the grace, and read as empty then, whatever was written meanwhile', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ device: REQUIRE })
    const { device } = await loggedIn(app)
    clock.tick(59_999)
    await device.inject(app, { method: 'POST', url: '/write', payload: { n: 1 } })
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    clock.tick(1)
    assert.equal((await stolen(app, device.cookies)).body, 'nobody')
    const { status, reason, device: info } = await infoOf(app, device.cookies)
    assert.deepEqual([status, reason, info?.state], ['rejected', 'device-required', 'unbound'])
  })

  it('31. counts the grace that the app gives', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ device: { ...REQUIRE, grace: 5 } })
    const { device } = await loggedIn(app)
    clock.tick(4999)
    assert.equal((await stolen(app, device.cookies)).body, 'ann')
    clock.tick(1)
    assert.equal((await stolen(app, device.cookies)).body, 'nobody')
  })

  it('31. leaves a bound session as it is', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ device: REQUIRE })
    const device = await boundDevice(app)
    clock.tick(3_600_000)
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    assert.equal((await infoOf(app, device.cookies)).device?.state, 'bound')
    assert.equal((await infoOf(app, only(device.cookies, ...SESSION_ONLY))).reason, 'device-unproven')
  })

  it('31. binds a session that a browser registers at the end of the grace, and none after it', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ device: REQUIRE })
    const [early, late] = [await loggedIn(app), await loggedIn(app)]
    clock.tick(59_999)
    assert.equal((await early.device.register(app, early.response))?.statusCode, 200)
    clock.tick(1)
    assert.equal((await late.device.register(app, late.response))?.statusCode, 400)
    assert.equal((await stolen(app, early.device.cookies)).body, 'ann')
  })

  it('31. takes a session for bound that was registered without cookies, also if the next request comes after the grace', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ device: REQUIRE })
    const device = createTestDevice()
    const response = await device.inject(app, { method: 'POST', url: '/login', payload: { user: 'ann' }, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' } })
    assert.equal((await device.register(app, response, { withCookies: false }))?.statusCode, 200)
    clock.tick(120_000)
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
  })

  it('31. empties an unbound session at the end of the grace, if a request is held open until then', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({
      device: REQUIRE,
      routes: { 'POST /slow': ({ session }) => { const { user } = session as { user?: string }; clock.tick(60_000); return [user, (session as { user?: string }).user ?? 'nobody', sessionInfo(session).reason] } }
    })
    const { device } = await loggedIn(app)
    assert.deepEqual((await post(app, '/slow', device.cookies)).json(), ['ann', 'nobody', 'device-required'])
  })

  it('31. lets the user log in again after it, and binds that', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ device: REQUIRE })
    const { device } = await loggedIn(app)
    clock.tick(60_000)
    const again = await device.inject(app, { method: 'POST', url: '/login', payload: { user: 'bob' } })
    assert.equal((await device.register(app, again))?.statusCode, 200)
    clock.tick(60_000)
    assert.equal((await device.inject(app, { url: '/me' })).body, 'bob')
  })

  it('31. says in expiresAt that an unbound session ends with the grace, and a bound one later', async t => {
    stopClock(t)
    const app = await appWithDevices({ device: REQUIRE })
    const { device } = await loggedIn(app)
    const end = async (cookies: string): Promise<number> => Date.parse(String((await infoOf(app, cookies)).expiresAt))
    assert.equal(await end(device.cookies), START + 60_000)
    assert.equal(await end((await boundDevice(app)).cookies), START + 86_401_000)
  })
})

describe('unboundExpiry', () => {
  const SHORT = { unboundExpiry: 900 }

  it('32. has an unbound session expire, counted from its beginning, whatever was written meanwhile', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ device: SHORT })
    const { device } = await loggedIn(app)
    clock.tick(899_999)
    await device.inject(app, { method: 'POST', url: '/write', payload: { n: 1 } })
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    clock.tick(1)
    const { status, reason } = await infoOf(app, device.cookies)
    assert.deepEqual([status, reason], ['rejected', 'expired'])
  })

  it('32. gives a bound session its full life, counted from its last write: binding and refreshing extend nothing', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ session: { expiry: 3600, cookie: { ...SESSION.cookie, maxAge: 3600 } }, device: SHORT })
    const { device, response } = await loggedIn(app)
    clock.tick(240_000)
    const answer = await device.register(app, response)
    assert.match(String(setCookies(answer!)[0]), /^session=.*; Max-Age=3360;/)
    clock.tick(3_355_000)
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    const jar = device.cookies
    clock.tick(5000)
    const { reason } = await infoOf(app, jar)
    assert.equal(reason, 'expired')
  })

  it('32. says when that is, in expiresAt', async t => {
    stopClock(t)
    const app = await appWithDevices({ session: { expiry: 3600 }, device: SHORT })
    const end = async (of: FastifyInstance, { cookies }: TestDevice): Promise<number> => Date.parse(String((await infoOf(of, cookies)).expiresAt))
    assert.equal(await end(app, (await loggedIn(app)).device), START + 900_000)
    assert.equal(await end(app, await boundDevice(app)), START + 3_600_000)
    const shorter = await appWithDevices({ session: { expiry: 60 }, device: SHORT })
    assert.equal(await end(shorter, (await loggedIn(shorter)).device), START + 60_000)
  })

  it('32. counts for copies from before the binding', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({ device: SHORT })
    const { device, response } = await loggedIn(app)
    const copy = device.cookies
    await device.register(app, response)
    assert.equal((await stolen(app, copy)).body, 'ann')
    clock.tick(900_000)
    assert.equal((await stolen(app, copy)).body, 'nobody')
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
  })
})

describe('policy "off"', () => {
  /** The same app before and after its developer has turned the binding off. */
  async function apps (session: object = {}): Promise<{ on: FastifyInstance, off: FastifyInstance, without: FastifyInstance }> {
    const key = newKey()
    return {
      on: await appWithDevices({ session: { key, ...session } }),
      off: await appWithDevices({ session: { key, ...session }, device: { policy: 'off' } }),
      without: await readyApp({ session: { key, ...SESSION, ...session }, routes: LOGINS })
    }
  }

  it('33. opens a bound session without a proof, and seals it without the binding, so that it opens without the plugin', async () => {
    const { on, off, without } = await apps()
    const device = await boundDevice(on)
    const bound = only(device.cookies, ...SESSION_ONLY)
    assert.equal((await stolen(without, bound)).body, 'nobody')
    const response = await stolen(off, bound)
    assert.equal(response.body, 'ann')
    const [line = ''] = setCookies(response)
    assert.equal((await stolen(without, line.split(';')[0]!)).body, 'ann')
    assert.equal((await infoOf(off, bound)).device?.state, 'unbound')
    assert.equal((await stolen(off, device.cookies)).body, 'ann')
  })

  it('33. has the secretbox format back, if that is the format of the app', async () => {
    const { on, off } = await apps({ format: 'secretbox' })
    const device = await boundDevice(on)
    assert.doesNotMatch(only(device.cookies, ...SESSION_ONLY), /%3B/)
    const [line = ''] = setCookies(await stolen(off, device.cookies))
    assert.match(line, /^session=[^;]+%3B/)
  })

  it('33. offers nothing, whatever is asked for', async () => {
    const { off } = await apps()
    const { device, response } = await loggedIn(off)
    const page = await device.inject(off, { url: '/me', headers: { 'sec-fetch-dest': 'document' } })
    for (const { headers } of [response, page]) assert.equal(headers['secure-session-registration'], undefined)
  })

  it('33. ends bindings at their next refresh, and takes none', async () => {
    const { on, off } = await apps()
    const { device: late, response } = await loggedIn(on)
    assert.equal((await late.register(off, response))?.statusCode, 400)
    const device = await boundDevice(on)
    const answer = await device.refresh(off)
    assert.deepEqual([answer.statusCode, answer.json<{ continue: boolean }>().continue, setCookies(answer)], [200, false, []])
    assert.equal(device.isBound, false)
  })

  it('33. lets sessions be bound again when it is turned on again', async t => {
    const clock = stopClock(t)
    const { on, off } = await apps()
    const device = await boundDevice(on)
    await device.inject(off, { url: '/me' })
    await device.refresh(off)
    clock.tick(60_000)
    const page = await device.inject(on, { url: '/me', headers: { 'sec-fetch-dest': 'document' } })
    assert.equal((await device.register(on, page))?.statusCode, 200)
    assert.equal((await infoOf(on, device.cookies)).device?.state, 'bound')
  })
})

describe('authenticated()', () => {
  it('14. keeps the session bound, and offers nothing: it goes on beyond the end that its identifier had', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices({
      session: { absoluteTimeout: 3600 },
      routes: { 'POST /step-up': ({ session }) => { authenticated(session, 'totp'); return 'done' } }
    })
    const device = await boundDevice(app)
    clock.tick(3_000_000)
    const response = await device.inject(app, { method: 'POST', url: '/step-up' })
    assert.equal((await infoOf(app, device.cookies)).device?.state, 'bound')
    assert.equal(response.headers['secure-session-registration'], undefined)
    clock.tick(3_000_000) // beyond the absolute timeout of the life before
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    assert.equal(device.isBound, true)
  })
})

describe('a sealed value', () => {
  type Kind = 'session' | 'unbound' | 'proof' | 'identifier' | 'refreshChallenge' | 'offer'

  function valueIn (cookie: string): string {
    return cookie.slice(cookie.indexOf('=') + 1)
  }

  /** A value of each kind, of one session that is bound to a key; `unbound` is another session, and `offer` is for that one. */
  async function values (app: FastifyInstance, pair: Pair, name = 'session'): Promise<Record<Kind, string>> {
    const { device, response: login } = await loggedIn(app)
    const answer = await register(app, registrationOf(offerOf(login).challenge, pair), device.cookies)
    assert.equal(answer.statusCode, 200)
    const { challenge, id } = challengeOf(answer)
    const { device: unbound, response } = await loggedIn(app)
    return {
      session: valueIn(cookieOf(answer, name)),
      unbound: valueIn(unbound.cookies),
      proof: valueIn(cookieOf(answer, `${name}.device`)),
      identifier: id,
      refreshChallenge: challenge,
      offer: offerOf(response).challenge
    }
  }

  const refreshOf = (challenge: string, { privateKey }: Pair): string => jwtOf({ alg: 'ES256', typ: 'dbsc+jwt' }, { jti: challenge }, privateKey)
  const isEnd = (response: LightMyRequestResponse): boolean => response.statusCode === 200 && response.json<{ continue?: boolean }>().continue === false

  it('22. opens as what it is, and as nothing else', async () => {
    const app = await appWithDevices()
    const pair = newPair()
    const all = await values(app, pair)
    for (const [kind, value] of Object.entries(all) as Array<[Kind, string]>) {
      assert.equal((await stolen(app, `session=${value}`)).body, kind === 'unbound' ? 'ann' : 'nobody', kind)
      assert.equal((await stolen(app, `session=${all.session}; session.device=${value}`)).body, kind === 'proof' ? 'ann' : 'nobody', kind)
      const ended = await refresh(app, value)
      assert.deepEqual([isEnd(ended), ended.statusCode, setCookies(ended)], kind === 'identifier' ? [false, 403, []] : [true, 200, []], kind)
      assert.equal((await refresh(app, all.identifier, refreshOf(value, pair))).statusCode, kind === 'refreshChallenge' ? 200 : 403, kind)
      assert.equal((await register(app, registrationOf(value), `session=${all.unbound}`)).statusCode, kind === 'offer' ? 200 : 400, kind)
    }
  })

  it('22. of one session is refused with another', async () => {
    const app = await appWithDevices()
    const [pair, otherPair] = [newPair(), newPair()]
    const [own, other] = [await values(app, pair), await values(app, otherPair)]
    assert.equal((await stolen(app, `session=${own.session}; session.device=${own.proof}`)).body, 'ann')
    assert.equal((await stolen(app, `session=${own.session}; session.device=${other.proof}`)).body, 'nobody')
    assert.equal((await refresh(app, own.identifier, refreshOf(other.refreshChallenge, pair))).statusCode, 403)
    assert.equal((await refresh(app, own.identifier, refreshOf(own.refreshChallenge, otherPair))).statusCode, 403)
    assert.equal(isEnd(await refresh(app, other.identifier, refreshOf(other.refreshChallenge, otherPair), `session=${own.session}`)), true)
    assert.equal((await register(app, registrationOf(other.offer), `session=${own.unbound}`)).statusCode, 400)
  })

  for (const [what, more] of [
    ['app, which has another key', { key: newKey() }],
    ['app, which has the same key and another context', { context: 'other app' }],
    ['session name, which has the same key', { cookieName: 'other' }]
  ] as Array<[string, object]>) {
    it(`22. of one ${what} is refused with another, also if both sessions began at the same time`, async t => {
      stopClock(t)
      const key = newKey()
      const [app, other] = [await appWithDevices({ session: { key } }), await appWithDevices({ session: { key, ...more } })]
      const pair = newPair()
      const [own, foreign] = [await values(app, pair), await values(other, pair, 'cookieName' in more ? 'other' : 'session')]
      assert.equal((await stolen(app, `session=${foreign.unbound}`)).body, 'nobody')
      assert.equal((await infoOf(app, `session=${own.unbound}; session.device=${foreign.proof}`)).device?.state, 'unbound')
      assert.equal((await stolen(app, `session=${own.session}; session.device=${foreign.proof}`)).body, 'nobody')
      assert.equal(isEnd(await refresh(app, foreign.identifier, refreshOf(foreign.refreshChallenge, pair))), true)
      assert.equal((await refresh(app, own.identifier, refreshOf(foreign.refreshChallenge, pair))).statusCode, 403)
      assert.equal((await register(app, registrationOf(foreign.offer, pair), `session=${own.unbound}`)).statusCode, 400)
      assert.equal((await refresh(app, own.identifier, refreshOf(own.refreshChallenge, pair))).statusCode, 200)
    })
  }
})

describe('a request', () => {
  it('46. without a session opens and seals nothing, and one with a bound session opens one value more', async t => {
    const app = await appWithDevices()
    const cookies = { unbound: (await loggedIn(app)).device.cookies, bound: (await boundDevice(app)).cookies }
    const tries = countTries(t)
    const library = sodium()
    const seal = t.mock.method(library, 'aeadSeal')
    const look = async (url: string, cookie?: string): Promise<[number, number, LightMyRequestResponse['headers'][string]]> => {
      tries.decryptions = 0
      seal.mock.resetCalls()
      const { headers } = await app.inject({ url, headers: cookie === undefined ? {} : { cookie } })
      return [tries.decryptions, seal.mock.callCount(), headers['set-cookie'] ?? headers['secure-session-registration']]
    }
    assert.deepEqual(await look('/public'), [0, 0, undefined])
    assert.deepEqual(await look('/public', 'theme=dark; other.device=x'), [0, 0, undefined])
    assert.deepEqual(await look('/public', cookies.bound), [0, 0, undefined], 'a route that uses no session')
    assert.deepEqual(await look('/me'), [0, 0, undefined])
    assert.deepEqual(await look('/me', only(cookies.bound, ...PROOF_ONLY)), [0, 0, undefined], 'a proof alone')
    assert.deepEqual(await look('/me', cookies.unbound), [1, 0, undefined])
    assert.deepEqual(await look('/me', only(cookies.bound, ...SESSION_ONLY)), [1, 0, undefined])
    assert.deepEqual(await look('/me', cookies.bound), [2, 0, undefined])
  })
})
