// Offers of a binding: which responses have one, for which sessions, and at which endpoint they are taken up.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { deviceBinding, offerDeviceBinding } from '../../src/device/index.ts'
import secureSession, { sessionInfo } from '../../src/index.ts'
import { createTestDevice, type TestDevice } from '../../src/testing/index.ts'
import { addHandlers, newApp, post, type Bag, type Handlers } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { addShared, appWithDevices, boundDevice, infoOf, loggedIn, LOGINS, offerOf, only, PATH, register, registrationOf, SESSION, SESSION_ONLY, SHARED, stolen } from '../support/device.ts'
import { newKey, setCookies } from '../support/helpers.ts'

const PAGE = { 'sec-fetch-dest': 'document' }
const CROSS = { 'sec-fetch-site': 'cross-site' }

function offered (response: LightMyRequestResponse): string | undefined {
  return response.headers['secure-session-registration'] as string | undefined
}

async function getWith (app: FastifyInstance, url: string, cookie: string, headers: object): Promise<LightMyRequestResponse> {
  return await app.inject({ url, headers: { cookie, ...headers } })
}

describe('an offer', () => {
  it('34. is in each response that writes an unbound session, and in each page that used one which was written half a minute ago', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const { device: { cookies }, response } = await loggedIn(app)
    for (const answer of [response, await post(app, '/write', cookies, { n: 1 })]) offerOf(answer)
    clock.tick(29_999)
    assert.equal(offered(await getWith(app, '/me', cookies, PAGE)), undefined, 'the browser is about to take up the one before')
    clock.tick(1)
    offerOf(await getWith(app, '/me', cookies, PAGE))
  })

  it('34. is in no other response: one that only reads, deletes, uses no session, or has one that is bound or refused', async () => {
    const app = await appWithDevices()
    const [{ device: { cookies } }, bound] = [await loggedIn(app), await boundDevice(app)]
    const session = only(bound.cookies, ...SESSION_ONLY)
    for (const answer of [
      await stolen(app, cookies),
      await post(app, '/logout', cookies),
      await getWith(app, '/public', cookies, PAGE),
      await getWith(app, '/me', '', PAGE),
      await getWith(app, '/me', 'session=garbage', PAGE),
      await post(app, '/write', bound.cookies, { n: 1 }),
      await getWith(app, '/me', bound.cookies, PAGE),
      await getWith(app, '/me', session, PAGE),
      await post(app, '/write', session, { n: 1 })
    ]) assert.equal(offered(answer), undefined)
  })

  it('34. is not in what a page of another site fetches, and in a page that it links to only if the session begins there', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const { device: { cookies } } = await loggedIn(app)
    assert.equal(offered(await app.inject({ method: 'POST', url: '/write', payload: { n: 1 }, headers: { cookie: cookies, ...CROSS, 'sec-fetch-dest': 'image' } })), undefined)
    clock.tick(60_000)
    assert.equal(offered(await getWith(app, '/me', cookies, { ...PAGE, ...CROSS })), undefined)
    offerOf(await app.inject({ method: 'POST', url: '/login', payload: { user: 'ann' }, headers: { ...PAGE, ...CROSS } }))
  })

  for (const [how, routes] of Object.entries(SHARED)) {
    it(`34. is not in what shared caches may keep, if Cache-Control is set ${how}`, async t => {
      const clock = stopClock(t)
      const app = await appWithDevices({ after: addShared, routes })
      const { device: { cookies } } = await loggedIn(app)
      clock.tick(60_000)
      offerOf(await getWith(app, '/me', cookies, PAGE))
      const answer = await getWith(app, '/shared', cookies, PAGE)
      assert.deepEqual([answer.body, answer.headers['cache-control'], offered(answer)], ['ann', 'public, max-age=60', undefined])
    })
  }

  it('34. is made for the sessions alone for which "when" says so: an anonymous one costs no key', async t => {
    const clock = stopClock(t)
    const asked: unknown[] = []
    const app = await appWithDevices({ device: { when: session => { const { user } = session as Bag; asked.push(user); return user !== undefined } } })
    const device = createTestDevice()
    assert.equal(offered(await device.inject(app, { method: 'POST', url: '/write', payload: { cart: 1 } })), undefined)
    clock.tick(60_000)
    assert.equal(offered(await device.inject(app, { url: '/me', headers: PAGE })), undefined)
    assert.deepEqual(asked, [undefined, undefined])
    await device.inject(app, { url: '/me' })
    await app.inject('/public')
    assert.equal(asked.length, 2, 'asked where an offer is due only')
    const { response } = await loggedIn(app, device)
    assert.equal((await device.register(app, response))?.statusCode, 200)
  })

  it('34. fails the request if "when" throws, once, and goes on with the next one', async () => {
    let isBroken = true
    const app = await appWithDevices({ device: { when: () => { if (isBroken) throw new Error('of when'); return true } } })
    const response = (await loggedIn(app)).response
    assert.deepEqual([response.statusCode, response.json<{ message: string }>().message, offered(response)], [500, 'of when', undefined])
    isBroken = false
    offerOf((await loggedIn(app)).response)
  })

  it('34. fails the request if "when" returns a promise, which would count as true', async () => {
    for (const when of [async () => false, async () => { throw new Error('of when') }]) {
      const app = await appWithDevices({ device: { when: when as never } })
      const { response } = await loggedIn(app)
      const { code, message } = response.json<{ code: string, message: string }>()
      assert.deepEqual([response.statusCode, code, message, offered(response)], [500, 'FST_SEALED_SESSION_OPTION_INVALID', 'option "when" must be a function that returns a boolean, got a promise', undefined])
    }
  })

  it('34. is made on demand, by offerDeviceBinding(), with a response that would have none', async () => {
    const app = await appWithDevices({ routes: { 'GET /offer': ({ session }) => { offerDeviceBinding(session); return 'offered' } } })
    const { device } = await loggedIn(app)
    const response = await device.inject(app, { url: '/offer' })
    assert.equal((await device.register(app, response))?.statusCode, 200)
    assert.equal(offered(await device.inject(app, { url: '/offer' })), undefined, 'bound')
    assert.equal(offered(await getWith(app, '/offer', '', {})), undefined, 'no session')
  })

  it('34. stands beside one of the app', async () => {
    const app = await appWithDevices({ routes: { 'POST /both': ({ session }, reply) => { session.set('user' as never, 'ann' as never); reply.header('secure-session-registration', '(ES256);path="/own"') } } })
    assert.match(String(offered(await post(app, '/both'))), /^\(ES256\);path="\/own", \(ES256\);path="\/session-device";challenge="[\w-]+"$/)
  })
})

describe("secure: 'auto'", () => {
  const AUTO = { cookie: { ...SESSION.cookie, secure: 'auto' } }
  const TLS = { 'x-forwarded-proto': 'https' }

  it('37. has nothing offered over plain HTTP, and takes no registration there; over TLS it does', async () => {
    const app = await appWithDevices({ server: { trustProxy: true }, session: AUTO })
    const login = async (headers: Record<string, string>): Promise<LightMyRequestResponse> => await app.inject({ method: 'POST', url: '/login', payload: { user: 'ann' }, headers })
    const [plain, secure] = [await login({}), await login(TLS)]
    assert.doesNotMatch(String(setCookies(plain)[0]), /Secure/)
    assert.equal(offered(plain), undefined)
    assert.equal(offered(await getWith(app, '/me', String(setCookies(plain)[0]).split(';')[0]!, PAGE)), undefined)
    const { challenge } = offerOf(secure)
    const cookie = String(setCookies(secure)[0]).split(';')[0]!
    const refused = await register(app, registrationOf(challenge), cookie)
    assert.deepEqual([refused.statusCode, setCookies(refused)], [400, []])
    const answer = await register(app, registrationOf(challenge), cookie, TLS)
    assert.equal(answer.statusCode, 200)
    assert.equal(setCookies(answer).filter(line => line.includes('; Secure')).length, 2)
  })
})

describe('a link from another site', () => {
  /** The answers to a refresh without cookies, and to the page that it was for. */
  async function followed (app: FastifyInstance, device: TestDevice, isSent: boolean): Promise<{ refreshed: LightMyRequestResponse, page: LightMyRequestResponse }> {
    device.expire()
    const refreshed = await device.refresh(app, { withCookies: false })
    const cookie = isSent ? device.cookies : ''
    return { refreshed, page: await getWith(app, '/me', cookie, { ...PAGE, ...CROSS, 'sec-fetch-mode': 'navigate' }) }
  }

  it('10. shows the logged-in page with SameSite Lax: the proof is given to a refresh that brings no cookie', async () => {
    const app = await appWithDevices()
    const { refreshed, page } = await followed(app, await boundDevice(app), true)
    assert.equal(refreshed.statusCode, 200)
    assert.deepEqual(setCookies(refreshed).map(line => line.split('=')[0]), ['session.device'])
    assert.deepEqual(refreshed.json<{ allowed_refresh_initiators: string[] }>().allowed_refresh_initiators, ['*'])
    assert.equal(page.body, 'ann')
  })

  it('10. shows a page as to a visitor with SameSite Strict, as today, and takes nothing from the browser', async () => {
    const app = await appWithDevices({ session: { cookie: { ...SESSION.cookie, sameSite: 'strict' } } })
    const device = await boundDevice(app)
    const { refreshed, page } = await followed(app, device, false)
    assert.match(setCookies(refreshed).join(), /; SameSite=Strict$/)
    assert.deepEqual([page.body, setCookies(page)], ['nobody', []])
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
  })

  it('10. causes a refresh from the sites alone that the app names: all by default, none with SameSite None', async () => {
    const initiatorsOf = async (session: object, device: object): Promise<unknown> => {
      const app = await appWithDevices({ session, device })
      const { device: browser, response } = await loggedIn(app)
      return (await browser.register(app, response))?.json<{ allowed_refresh_initiators: unknown }>().allowed_refresh_initiators
    }
    const none = { cookie: { ...SESSION.cookie, sameSite: 'none' } }
    assert.deepEqual(await initiatorsOf({}, {}), ['*'])
    assert.deepEqual(await initiatorsOf(none, {}), [])
    assert.deepEqual(await initiatorsOf(none, { initiators: ['*.partner.example'] }), ['*.partner.example'])
    assert.deepEqual(await initiatorsOf({}, { initiators: [] }), [])
  })
})

describe('an endpoint', () => {
  it('38. lies below the prefix of its context', async t => {
    const app = newApp({
      t,
      plugin: null,
      routes: app => app.register(async app => {
        app.register(secureSession, { key: newKey(), ...SESSION } as never)
        app.register(deviceBinding)
        addHandlers(app, LOGINS)
      }, { prefix: '/app' })
    })
    const device = createTestDevice()
    const response = await device.inject(app, { method: 'POST', url: '/app/login', payload: { user: 'ann' } })
    assert.equal(offerOf(response).path, '/app/session-device')
    assert.equal((await device.register(app, response))?.statusCode, 200)
    device.expire()
    assert.equal((await device.inject(app, { url: '/app/me' })).body, 'ann')
    assert.equal((await post(app, PATH)).statusCode, 404)
  })

  it('38. is offered as browsers see it, where a proxy takes a part of the path away', async () => {
    const app = await appWithDevices({ device: { path: '/device', publicPath: '/shop/device' } })
    const { device: { cookies }, response } = await loggedIn(app)
    assert.equal(offerOf(response).path, '/shop/device')
    const answer = await app.inject({ method: 'POST', url: '/device', headers: { cookie: cookies, 'secure-session-response': registrationOf(offerOf(response).challenge) } })
    assert.equal(answer.statusCode, 200)
  })

  const TWO: Handlers = {
    'POST /user': request => { bagOf(request, 'session').user = 'ann' },
    'POST /admin': request => { bagOf(request, 'admin panel').user = 'root' },
    'POST /both': request => { bagOf(request, 'session').user = 'ann'; bagOf(request, 'admin panel').user = 'root' },
    'GET /who': request => [bagOf(request, 'session').user ?? null, bagOf(request, 'admin panel').user ?? null],
    'GET /states': request => ['session', 'admin panel'].map(name => sessionInfo(bagOf(request, name)).device?.state)
  }

  function bagOf (request: object, name: string): Bag {
    return (request as Record<string, Bag>)[name]!
  }

  /** An app with two sessions that share a key, each bound by an endpoint of its own. */
  function appWithTwo (t: { after: (close: () => Promise<void>) => void }): FastifyInstance {
    const key = newKey()
    return newApp({
      t,
      session: [{ sessionName: 'session', key, ...SESSION }, { sessionName: 'admin panel', cookieName: 'admin', key, ...SESSION }],
      device: {},
      after: app => app.register(deviceBinding, { sessionName: 'admin panel' }),
      routes: TWO
    })
  }

  it('38. is there for each of two sessions, and binds its own', async t => {
    const app = appWithTwo(t)
    const [user, admin] = [createTestDevice(), createTestDevice()]
    const first = await user.inject(app, { method: 'POST', url: '/user' })
    const second = await admin.inject(app, { method: 'POST', url: '/admin' })
    assert.deepEqual([offerOf(first).path, offerOf(second).path], ['/session-device', '/session-device/YWRtaW4gcGFuZWw'])
    assert.equal((await user.register(app, first))?.statusCode, 200)
    assert.equal((await admin.register(app, second))?.statusCode, 200)
    const all = (): string => `${user.cookies}; ${admin.cookies}`
    assert.deepEqual((await getWith(app, '/who', all(), {})).json(), ['ann', 'root'])
    assert.deepEqual((await getWith(app, '/states', all(), {})).json(), ['bound', 'bound'])
    admin.expire()
    assert.deepEqual((await getWith(app, '/who', all(), {})).json(), ['ann', null])
    assert.equal((await admin.refresh(app)).statusCode, 200)
    assert.deepEqual((await getWith(app, '/who', all(), {})).json(), ['ann', 'root'])
  })

  it('38. refuses the registration of the other session, and ends its refresh', async t => {
    const app = appWithTwo(t)
    const device = createTestDevice()
    const response = await device.inject(app, { method: 'POST', url: '/both' })
    const [own = '', others = '', ...rest] = String(offered(response)).split(', ')
    assert.deepEqual([own, others].map(offer => /path="([^"]*)"/.exec(offer)?.[1]), ['/session-device', '/session-device/YWRtaW4gcGFuZWw'])
    assert.equal(rest.length, 0)
    const [, challenge = ''] = /challenge="([^"]*)"/.exec(others) ?? []
    assert.equal((await register(app, registrationOf(challenge), device.cookies)).statusCode, 400)
    const answer = await device.register(app, response)
    const { session_identifier: id } = answer!.json<{ session_identifier: string }>()
    const foreign = await app.inject({ method: 'POST', url: '/session-device/YWRtaW4gcGFuZWw', headers: { 'sec-secure-session-id': id, cookie: device.cookies } })
    assert.deepEqual([foreign.statusCode, foreign.json<{ continue?: boolean }>().continue], [200, false])
  })

  it('38. includes the site where the cookie has a Domain, unless the app says otherwise', async () => {
    const scopeOf = async (cookie: object, device: object): Promise<unknown> => {
      const app = await appWithDevices({ session: { cookie: { ...SESSION.cookie, ...cookie } }, device })
      const browser = createTestDevice({ origin: 'https://app.test' })
      const { response } = await loggedIn(app, browser)
      const answer = await browser.register(app, response)
      assert.equal((await infoOf(app, browser.cookies)).device?.state, 'bound')
      return answer?.json<{ scope: unknown }>().scope
    }
    const domain = { domain: 'app.test' }
    assert.deepEqual(await scopeOf({}, {}), { include_site: false })
    assert.deepEqual(await scopeOf(domain, {}), { include_site: true })
    assert.deepEqual(await scopeOf(domain, { includeSite: false }), { include_site: false })
  })
})
