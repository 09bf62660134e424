// examples/oidc-logout as browsers and a real provider see it, over the network.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, it } from 'node:test'
import FakeTimers from '@sinonjs/fake-timers'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { Browser, locationOf } from './browser.ts'
import { Example, FAILING_STORE } from './example.ts'
import { Provider } from './provider.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** Claims of a token, also those that are wrong. */
type Claims = Record<string, unknown>

/** Seconds since 1970. */
const now = (): number => Math.floor(Date.now() / 1000)

/** A provider, and the example that it tells of logouts. */
class Federation {
  readonly provider: Provider
  readonly example: Example
  readonly #key: CryptoKey
  /** Logout tokens that the provider has sent, and the status of each answer. */
  readonly sent: Array<{ token: string, status: number }>
  /** Time of the example's clock, which stands still, in seconds. */
  #time = now()

  private constructor (provider: Provider, example: Example, key: CryptoKey, sent: Federation['sent']) {
    this.provider = provider
    this.example = example
    this.#key = key
    this.sent = sent
  }

  /** @param namesSession if the provider's tokens say which session they are about. */
  static async start (namesSession: boolean, environment: Record<string, string> = {}): Promise<Federation> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    const sent: Federation['sent'] = []
    let address = '' // of the example, which starts after the provider
    const provider = await Provider.startWithLogout(namesSession, async (path, init) => {
      const response = await fetch(address + path, init)
      sent.push({ token: (init.body as URLSearchParams).get('logout_token') ?? '', status: response.status })
      return response
    }, { keys: [{ ...await exportJWK(privateKey), kid: 'of the test', alg: 'RS256', use: 'sig' }] })
    const example = await Example.start('oidc-logout/server.js', { ...provider.environment, ...FAILING_STORE, ...environment })
    address = example.url
    return new Federation(provider, example, privateKey, sent)
  }

  async stop (): Promise<void> {
    await this.example.stop()
    await this.provider.stop()
  }

  /** Moves the example's clock to where the provider's is. */
  async catchUp (): Promise<void> {
    const seconds = now() - this.#time
    this.#time += seconds
    if (seconds > 0) await this.example.wait(seconds)
  }

  /** Moves the example's clock ahead of the provider's. */
  async waitFor (seconds: number): Promise<void> {
    this.#time += seconds
    await this.example.wait(seconds)
  }

  /** A browser with a login of its own. */
  async logIn (name: string): Promise<Browser> {
    const browser = new Browser()
    const callback = await this.provider.logIn(browser, await browser.get(`${this.example.url}/login`), name)
    await this.catchUp()
    assert.equal((await browser.get(callback.href)).status, 302)
    assert.equal(await this.greeting(browser), `Hello ${name}`)
    return browser
  }

  async greeting (browser: Browser): Promise<string> {
    return await (await browser.get(this.example.url)).text()
  }

  async isLoggedIn (browser: Browser): Promise<boolean> {
    return (await browser.get(this.example.url)).status === 200
  }

  /** A logout token as the provider makes them, but for these claims. One that is undefined is left out. */
  async token (claims: Claims, header: Partial<JWTHeaderParameters> = {}, key: CryptoKey | Uint8Array = this.#key): Promise<string> {
    return await new SignJWT(this.#claims(claims)).setProtectedHeader({ alg: 'RS256', kid: 'of the test', typ: 'logout+jwt', ...header }).sign(key)
  }

  unsigned (claims: Claims): string {
    return new UnsecuredJWT(this.#claims(claims)).encode()
  }

  #claims (claims: Claims): JWTPayload {
    const { issuer, environment: { CLIENT_ID } } = this.provider
    return { iss: issuer, aud: CLIENT_ID, iat: now(), exp: now() + 120, jti: randomUUID(), events: { [EVENT]: {} }, ...claims } as JWTPayload
  }

  /** Sends a token as the provider does. @returns status and Cache-Control of the answer */
  async send (token: string): Promise<[number, string | null]> {
    await this.catchUp()
    return await this.post(new URLSearchParams({ logout_token: token }))
  }

  async post (body: URLSearchParams | string): Promise<[number, string | null]> {
    const response = await fetch(`${this.example.url}/backchannel-logout`, { method: 'POST', body })
    return [response.status, response.headers.get('cache-control')]
  }
}

const TAKEN = [200, 'no-store']
const REFUSED = [400, 'no-store']

describe('examples/oidc-logout', () => {
  let federation: Federation
  before(async () => { federation = await Federation.start(true) })
  after(async () => await federation?.stop())
  beforeEach(async () => { await federation.catchUp() })

  it('ends the one session of which the user logs out at the provider, for copies of its cookie too', async () => {
    const [laptop, phone, bob] = [await federation.logIn('Ada'), await federation.logIn('Ada'), await federation.logIn('Bob')]
    const copy = laptop.copy()
    await federation.provider.logOut(laptop)
    assert.equal(federation.sent.at(-1)?.status, 200)
    assert.equal(await federation.greeting(laptop), 'Nobody is logged in.')
    assert.equal(await federation.isLoggedIn(copy), false)
    assert.deepEqual([await federation.greeting(phone), await federation.greeting(bob)], ['Hello Ada', 'Hello Bob'])
  })

  it('lets the user log in again after it', async () => {
    const browser = await federation.logIn('Ada')
    await federation.provider.logOut(browser)
    const again = await federation.provider.logIn(browser, await browser.get(`${federation.example.url}/login`), 'Ada')
    await browser.get(again.href)
    assert.equal(await federation.greeting(browser), 'Hello Ada')
  })

  it('ends its session at a logout here, and sends the user to the provider, which ends the one there', async () => {
    const browser = await federation.logIn('Ada')
    const copy = browser.copy()
    const response = await browser.post(`${federation.example.url}/logout`)
    const location = response.headers.get('location') ?? ''
    assert.deepEqual([response.status, location], [303, `${federation.provider.issuer}/session/end?client_id=example`])
    assert.equal(await federation.isLoggedIn(copy), false)
    const sent = federation.sent.length
    assert.equal((await federation.provider.logOut(browser, location)).status, 200)
    assert.deepEqual(federation.sent.slice(sent).map(({ status }) => status), [200])
  })

  it('ends all sessions of a user, and nobody else\'s, by a token that names no session', async () => {
    const [laptop, phone, bob] = [await federation.logIn('Ada'), await federation.logIn('Ada'), await federation.logIn('Bob')]
    assert.deepEqual(await federation.send(await federation.token({ sub: 'Ada' })), TAKEN)
    assert.deepEqual([await federation.isLoggedIn(laptop), await federation.isLoggedIn(phone)], [false, false])
    assert.equal(await federation.isLoggedIn(bob), true)
  })

  it('refuses a token that is sent again, which would end what the user has begun since', async () => {
    const token = await federation.token({ sub: 'Ada' })
    assert.deepEqual(await federation.send(token), TAKEN)
    const browser = await federation.logIn('Ada')
    assert.deepEqual(await federation.send(token), REFUSED)
    assert.equal(await federation.isLoggedIn(browser), true)
  })

  it('takes a token once that comes several times at once, and none of the provider twice', async () => {
    const browser = await federation.logIn('Ada')
    await federation.provider.logOut(browser)
    assert.deepEqual(await federation.send(federation.sent.at(-1)?.token ?? ''), REFUSED)
    await federation.example.printed(/refused a logout: the token was used/)
    const token = await federation.token({ sub: 'Ada' })
    const answers = await Promise.all(Array.from({ length: 5 }, async () => await federation.send(token)))
    assert.deepEqual(answers.map(([status]) => status).sort(), [200, 400, 400, 400, 400])
  })

  it('takes a token again whose sessions could not be ended, and not once more after that', async () => {
    const browser = await federation.logIn('Ada')
    const token = await federation.token({ sub: 'Ada' })
    await federation.catchUp()
    await federation.example.setStore('down')
    const failed = await federation.send(token)
    await federation.example.setStore('up')
    assert.deepEqual([failed, await federation.isLoggedIn(browser)], [REFUSED, true])
    await federation.waitFor(5)
    assert.deepEqual([await federation.send(token), await federation.isLoggedIn(browser)], [TAKEN, false])
    const again = await federation.logIn('Ada')
    await federation.waitFor(5)
    assert.deepEqual([await federation.send(token), await federation.isLoggedIn(again)], [REFUSED, true])
  })

  describe('refuses a token', () => {
    let ada: Browser
    beforeEach(async () => { ada = await federation.logIn('Ada') })

    const minute = 60
    const claims: Record<string, (time: number) => Claims> = {
      'with a nonce': () => ({ nonce: 'n' }),
      'of another issuer': () => ({ iss: 'https://other.example' }),
      'for another client': () => ({ aud: 'another' }),
      'without an audience': () => ({ aud: undefined }),
      'without a time at which it was made': () => ({ iat: undefined }),
      'that was made three minutes ago, also if it is valid for long': time => ({ iat: time - 3 * minute, exp: time + 60 * minute }),
      'that was made in the future': time => ({ iat: time + 3 * minute, exp: time + 5 * minute }),
      'whose time is over': time => ({ exp: time - minute }),
      'without an end': () => ({ exp: undefined }),
      'without an id': () => ({ jti: undefined }),
      'with an empty id': () => ({ jti: '' }),
      'with an id that is no text': () => ({ jti: 1 }),
      'without an event': () => ({ events: undefined }),
      'about another event': () => ({ events: { 'https://other.example/event': {} } }),
      'whose event is no object': () => ({ events: { [EVENT]: null } }),
      'that names nobody': () => ({ sub: undefined })
    }
    for (const [title, change] of Object.entries(claims)) {
      it(title, async () => {
        assert.deepEqual(await federation.send(await federation.token({ sub: 'Ada', ...change(now()) })), REFUSED)
        assert.equal(await federation.isLoggedIn(ada), true)
      })
    }

    it('that another key has signed, under any id of a key', async () => {
      const { privateKey } = await generateKeyPair('RS256')
      for (const kid of ['of the test', 'another']) {
        assert.deepEqual(await federation.send(await federation.token({ sub: 'Ada' }, { kid }, privateKey)), REFUSED)
      }
      assert.equal(await federation.isLoggedIn(ada), true)
    })

    it('that nobody has signed, or the client itself', async () => {
      assert.deepEqual(await federation.send(federation.unsigned({ sub: 'Ada' })), REFUSED)
      const secret = new TextEncoder().encode(federation.provider.environment.CLIENT_SECRET.padEnd(32))
      assert.deepEqual(await federation.send(await federation.token({ sub: 'Ada' }, { alg: 'HS256' }, secret)), REFUSED)
      assert.equal(await federation.isLoggedIn(ada), true)
    })

    it('of another type, such as an ID token, and one without a type', async () => {
      for (const typ of ['JWT', 'at+jwt', undefined]) {
        assert.deepEqual(await federation.send(await federation.token({ sub: 'Ada' }, { typ: typ as string })), REFUSED)
      }
      assert.equal(await federation.isLoggedIn(ada), true)
    })

    it('that was changed, is none, or is missing', async () => {
      const [header, , signature] = (await federation.token({ sub: 'Bob' })).split('.')
      const payload = (await federation.token({ sub: 'Ada' })).split('.')[1]
      for (const token of [`${header}.${payload}.${signature}`, 'none', '']) assert.deepEqual(await federation.send(token), REFUSED)
      assert.deepEqual(await federation.post(new URLSearchParams({ token: 'none' })), REFUSED)
      assert.deepEqual(await federation.post('none'), REFUSED)
      assert.equal(await federation.isLoggedIn(ada), true)
    })

    it('in none of these cases because of the rest: one like them, without the fault, ends the session', async () => {
      assert.deepEqual(await federation.send(await federation.token({ sub: 'Ada' })), TAKEN)
      assert.equal(await federation.isLoggedIn(ada), false)
    })
  })
})

describe('examples/oidc-logout, at a provider that names no session', () => {
  let federation: Federation
  before(async () => { federation = await Federation.start(false) })
  after(async () => await federation?.stop())

  it('ends all sessions of the user who logs out, and nobody else\'s', async () => {
    const [laptop, phone, bob] = [await federation.logIn('Ada'), await federation.logIn('Ada'), await federation.logIn('Bob')]
    await federation.catchUp()
    await federation.provider.logOut(laptop)
    assert.equal(federation.sent.at(-1)?.status, 200)
    assert.deepEqual([await federation.isLoggedIn(laptop), await federation.isLoggedIn(phone)], [false, false])
    assert.equal(await federation.isLoggedIn(bob), true)
  })
})

describe('examples/oidc-logout, as the login at the provider grows old', () => {
  const HOURS = 3600

  it('ends its session eight hours after the login at the provider, and refuses one that is older, whatever the provider says', async t => {
    const federation = await Federation.start(true)
    t.after(async () => await federation.stop())
    const browser = await federation.logIn('Ada')
    await federation.waitFor(8 * HOURS - 60)
    assert.equal(await federation.greeting(browser), 'Hello Ada')
    await federation.waitFor(60)
    assert.equal(await federation.greeting(browser), 'Nobody is logged in.')

    // The clock of the provider stands at the login: it asks for no password.
    const redirect = await browser.get(`${federation.example.url}/login`)
    assert.equal(new URL(locationOf(redirect) ?? '').searchParams.get('max_age'), String(8 * HOURS))
    assert.equal(await promptAfter(browser, redirect), 'consent')
    const callback = await federation.provider.logIn(browser, await browser.get(`${federation.example.url}/login`), 'Ada')
    assert.equal((await browser.get(callback.href)).status, 403)
    await federation.example.printed(/refused a login: .*/)
    assert.equal(await federation.greeting(browser), 'Nobody is logged in.')
  })

  it('has the provider ask for the password again once the login there is older than MAX_AGE, and not before', async t => {
    const clock = FakeTimers.install({ now: Date.now(), toFake: ['Date'] })
    t.after(() => { clock.uninstall() })
    const federation = await Federation.start(true, { MAX_AGE: '60' })
    t.after(async () => await federation.stop())
    const browser = await federation.logIn('Ada')
    const login = async (): Promise<Response> => await browser.get(`${federation.example.url}/login`)

    clock.tick(30_000)
    await federation.catchUp()
    assert.equal(await promptAfter(browser, await login()), 'consent')
    const callback = await federation.provider.logIn(browser, await login(), 'Ada')
    assert.equal((await browser.get(callback.href)).status, 302)
    assert.equal(await federation.greeting(browser), 'Hello Ada')

    clock.tick(31_000)
    await federation.catchUp()
    assert.equal(await federation.greeting(browser), 'Nobody is logged in.', 'to come back without the password has given no more time')
    assert.equal(await promptAfter(browser, await login()), 'login')
    const again = await federation.provider.logIn(browser, await login(), 'Ada')
    await browser.get(again.href)
    assert.equal(await federation.greeting(browser), 'Hello Ada')
  })

  /** Question of the provider to somebody who was redirected there. */
  async function promptAfter (browser: Browser, redirect: Response): Promise<string | undefined> {
    return /name="prompt" value="(\w+)"/.exec(await (await browser.follow(redirect)).text())?.[1]
  }
})
