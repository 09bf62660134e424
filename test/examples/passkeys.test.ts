// examples/passkeys in Chromium, with an authenticator that is as real as one without a user can be.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { Browser, CDPSession } from 'playwright-core'
import { newApp } from '../support/app.ts'
import { launch, listen, noBrowser, plain, Visitor } from '../support/browser.ts'
import { Example } from './example.ts'

const COOKIE = 'passkeys-example'
const REFUSED = { status: 403, error: 'The passkey was refused.' }

/** Credential of an authenticator, as the protocol of Chromium has it. */
interface Credential { credentialId: string, privateKey: string, rpId?: string, userHandle?: string, signCount: number, isResidentCredential: boolean }

/** Authenticator in the browser of a visitor. Its user gives a finger whenever it asks for one. */
class Authenticator {
  readonly #protocol: CDPSession
  #id = ''

  private constructor (protocol: CDPSession) {
    this.#protocol = protocol
  }

  static async pluggedInto (visitor: Visitor): Promise<Authenticator> {
    const authenticator = new Authenticator(await visitor.context.newCDPSession(visitor.page))
    await authenticator.#protocol.send('WebAuthn.enable')
    await authenticator.#plugIn()
    return authenticator
  }

  async #plugIn (): Promise<void> {
    const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } as const
    const { authenticatorId } = await this.#protocol.send('WebAuthn.addVirtualAuthenticator', { options })
    this.#id = authenticatorId
  }

  async credentials (): Promise<Credential[]> {
    return (await this.#protocol.send('WebAuthn.getCredentials', { authenticatorId: this.#id })).credentials
  }

  /** Puts another authenticator in its place, with these credentials. */
  async replaceBy (credentials: Credential[]): Promise<void> {
    await this.#protocol.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: this.#id })
    await this.#plugIn()
    for (const credential of credentials) await this.#protocol.send('WebAuthn.addCredential', { authenticatorId: this.#id, credential })
  }

  /** From now on, somebody touches it whose finger it does not know. */
  async isStolen (): Promise<void> {
    await this.#protocol.send('WebAuthn.setUserVerified', { authenticatorId: this.#id, isUserVerified: false })
  }
}

describe('examples/passkeys, in Chromium', { skip: noBrowser }, () => {
  let browser: Browser
  let example: Example
  let origin: string
  let ada: Visitor
  let authenticator: Authenticator
  let name: string
  let users = 0

  before(async () => {
    browser = await launch()
    example = await Example.start('passkeys/server.js')
    origin = example.url.replace('127.0.0.1', 'localhost')
  })
  after(async () => {
    await browser?.close()
    await example?.stop()
  })
  beforeEach(async () => {
    name = `ada${users++}`
    example.output = ''
    ada = await Visitor.enter(browser)
    authenticator = await Authenticator.pluggedInto(ada)
    await ada.go(`${origin}/`)
  })
  afterEach(async () => { await ada.leave() })

  /** Does something on a page, and waits until it says how that ended. */
  async function said (visitor: Visitor, act: () => Promise<unknown>): Promise<string> {
    await act()
    const status = visitor.page.getByRole('status').filter({ hasText: /\S/ })
    return await status.innerText()
  }

  async function click (visitor: Visitor, button: string): Promise<string> {
    return await said(visitor, async () => { await visitor.page.getByRole('button', { name: button, exact: true }).click() })
  }

  async function register (visitor = ada, user = name): Promise<void> {
    await visitor.page.getByRole('textbox').fill(user)
    assert.equal(await click(visitor, 'Create a passkey'), `Hello ${user}`)
  }

  async function logOut (): Promise<void> {
    assert.equal(await click(ada, 'Log out'), 'Nobody is logged in.')
  }

  /** Cookies of a visitor, as a header: a copy, as a thief has it. */
  async function cookieOf (visitor: Visitor): Promise<string> {
    const cookie = (await visitor.cookies()).get(COOKIE)
    return cookie === undefined ? '' : `${COOKIE}=${cookie.value}`
  }

  /** Has a browser ask for a challenge and answer it with a passkey. @returns the answer, which has yet to be sent */
  async function answerOf (visitor: Visitor, path = '/login', changes = {}): Promise<string> {
    const { text } = await visitor.fetch(`${path}/options`, {})
    return await answerTo(visitor, { ...JSON.parse(text) as object, ...changes })
  }

  /** Has the page that is open answer a challenge. */
  async function answerTo (visitor: Visitor, options: object): Promise<string> {
    return await visitor.page.evaluate(`navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(${JSON.stringify(options)})
    }).then(JSON.stringify)`)
  }

  /** Sends an answer with a copy of a cookie, from outside of the browser. */
  async function send (cookie: string, body: string, path = '/login'): Promise<Record<string, unknown>> {
    const headers = { cookie, 'content-type': 'application/json', origin }
    const response = await fetch(`${origin}${path}`, { method: 'POST', headers, body })
    return { status: response.status, ...await response.json() as object }
  }

  it('registers a user with a passkey, and logs the user in with it, without a name', async () => {
    await register()
    await logOut()
    assert.equal((await ada.fetch('/me')).status, 401)
    assert.equal(await click(ada, 'Log in with a passkey'), `Hello ${name}`)
    assert.deepEqual(JSON.parse((await ada.fetch('/me')).text), { user: name })
  })

  it('gives nobody a name that is taken', async () => {
    await register()
    await logOut()
    await ada.page.getByRole('textbox').fill(name)
    assert.equal(await click(ada, 'Create a passkey'), 'This name is taken.')
  })

  it('gives a name that two ask for at the same time to the first who has a passkey', async t => {
    const eve = await Visitor.enter(browser)
    t.after(async () => { await eve.leave() })
    await Authenticator.pluggedInto(eve)
    await eve.go(`${origin}/`)
    const { text } = await eve.fetch('/register/options', { name })
    const created: string = await eve.page.evaluate(`navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(${text})
    }).then(JSON.stringify)`)
    await register()
    assert.deepEqual(await send(await cookieOf(eve), created, '/register'), REFUSED)
  })

  it('makes recovery codes for a minute after the login, then has the page ask for the passkey again', async () => {
    await register()
    assert.match(await click(ada, 'New recovery codes'), /^[\da-f]{10}$/)
    await example.wait(60)
    const { status, text } = await ada.fetch('/recovery-codes', {})
    assert.deepEqual([status, (JSON.parse(text) as { code: string }).code], [403, 'FST_SEALED_SESSION_NOT_FRESH'])
    assert.equal((await ada.fetch('/me')).status, 200, 'all else works')
    const [confirmation, codes] = await Promise.all([
      ada.page.waitForRequest(`${origin}/confirm`), click(ada, 'New recovery codes')
    ])
    assert.equal((await confirmation.response())?.status(), 200)
    assert.match(codes, /^[\da-f]{10}$/)
    assert.equal((await ada.fetch('/recovery-codes', {})).status, 200)
  })

  it('ends the cookie of before when the user shows the passkey again', async () => {
    await register()
    const stolen = await cookieOf(ada)
    assert.equal((await send(stolen, '{}', '/recovery-codes')).status, 200)
    const answer = await answerOf(ada, '/confirm')
    assert.deepEqual(await send(await cookieOf(ada), answer, '/confirm'), { status: 200, confirmed: true })
    assert.equal((await send(stolen, '{}', '/recovery-codes')).status, 401)
  })

  it('makes no recovery codes if the user cannot show the passkey again', async () => {
    await register()
    await example.wait(60)
    await authenticator.replaceBy([])
    assert.doesNotMatch(await click(ada, 'New recovery codes'), /^[\da-f]{10}$/)
    assert.equal((await ada.fetch('/recovery-codes', {})).status, 403)
  })

  it('takes no passkey of another user as a confirmation', async t => {
    await register()
    const eve = await Visitor.enter(browser)
    t.after(async () => { await eve.leave() })
    const hers = await Authenticator.pluggedInto(eve)
    await eve.go(`${origin}/`)
    await register(eve, `eve${users}`)
    await example.wait(60)
    // Eve at Ada's browser: she has Ada's cookie, and a passkey of her own. She asks for a login, which is not for Ada's only.
    await authenticator.replaceBy(await hers.credentials())
    const answer = await answerOf(ada, '/login')
    assert.deepEqual(await send(await cookieOf(ada), answer, '/confirm'), REFUSED)
    await example.printed(/refused a passkey: the passkey of another user/)
    assert.equal((await ada.fetch('/recovery-codes', {})).status, 403)
  })

  describe('refuses an answer', () => {
    beforeEach(async () => {
      await register()
      await logOut()
    })

    it('that is sent a second time with a copy of the same cookie', async () => {
      const answer = await answerOf(ada)
      const copy = await cookieOf(ada)
      assert.deepEqual(await send(copy, answer), { status: 200, user: name })
      assert.deepEqual(await send(copy, answer), REFUSED)
      await example.printed(/refused a passkey: the challenge was used/)
    })

    it('that is sent several times at once, but for one of them', async () => {
      const answer = await answerOf(ada)
      const copy = await cookieOf(ada)
      const statuses = await Promise.all(Array.from({ length: 5 }, async () => (await send(copy, answer)).status))
      assert.deepEqual(statuses.sort(), [200, 403, 403, 403, 403])
    })

    it('to a challenge of another session, or of none', async t => {
      const answer = await answerOf(ada)
      const eve = await Visitor.enter(browser)
      t.after(async () => { await eve.leave() })
      await eve.go(`${origin}/`)
      assert.equal((await eve.fetch('/login/options', {})).status, 200)
      assert.deepEqual(await send(await cookieOf(eve), answer), REFUSED)
      await example.printed(/refused a passkey: Unexpected authentication response challenge/)
      assert.deepEqual(await send('', answer), REFUSED)
      await example.printed(/refused a passkey: the session has no challenge/)
      assert.deepEqual(await send(await cookieOf(ada), answer), { status: 200, user: name }, 'it was right where it belongs')
    })

    it('to a challenge that is two minutes old, and takes one that is younger', async () => {
      const [young, cookie] = [await answerOf(ada), await cookieOf(ada)]
      await example.wait(119)
      assert.deepEqual(await send(cookie, young), { status: 200, user: name })
      const [old, cookieOfOld] = [await answerOf(ada), await cookieOf(ada)]
      await example.wait(120)
      assert.deepEqual(await send(cookieOfOld, old), REFUSED)
      await example.printed(/refused a passkey: the challenge is too old/)
    })

    it('to a challenge that was tried with a wrong answer before', async () => {
      const answer = await answerOf(ada)
      const copy = await cookieOf(ada)
      assert.deepEqual(await send(copy, JSON.stringify({ ...JSON.parse(answer) as object, id: 'another' })), REFUSED)
      assert.deepEqual(await send(copy, answer), REFUSED)
    })

    it('of a copy of the authenticator, whose counter is behind', async () => {
      const copied = await authenticator.credentials()
      assert.equal(await click(ada, 'Log in with a passkey'), `Hello ${name}`)
      const original = await authenticator.credentials()
      assert.ok(original[0]!.signCount > copied[0]!.signCount) // it has the one credential that was registered
      await authenticator.replaceBy(copied)
      assert.equal(await click(ada, 'Log in with a passkey'), 'The passkey was refused.')
      await example.printed(/refused a passkey: Response counter value/)
      await authenticator.replaceBy(original)
      assert.equal(await click(ada, 'Log in with a passkey'), `Hello ${name}`)
    })

    it('of a passkey that nobody has registered, or that is no answer', async () => {
      const answer = JSON.parse(await answerOf(ada)) as object
      assert.deepEqual(await send(await cookieOf(ada), JSON.stringify({ ...answer, id: 'unknown', rawId: 'unknown' })), REFUSED)
      await example.printed(/refused a passkey: the passkey is unknown/)
      assert.equal((await send(await cookieOf(ada), '{}')).status, 400)
    })

    it('of an authenticator that somebody has found, although the page asks for no finger that it knows', async () => {
      await authenticator.isStolen()
      const answer = await answerOf(ada, '/login', { userVerification: 'discouraged' })
      assert.deepEqual(await send(await cookieOf(ada), answer), REFUSED)
      await example.printed(/refused a passkey: User verification required/)
    })

    it('that a page of another origin got, and sends on', async t => {
      const other = newApp({ t, server: plain, plugin: null, routes: { 'GET /': (_request, reply) => reply.type('text/html').send('Win a prize.') } })
      const response = await fetch(`${origin}/login/options`, { method: 'POST' })
      const cookie = response.headers.getSetCookie()[0]!.split(';')[0]! // the one cookie of the example
      await ada.go(`http://localhost:${await listen(other)}/`)
      const answer = await answerTo(ada, await response.json() as object)
      assert.deepEqual(await send(cookie, answer), REFUSED)
      await example.printed(/refused a passkey: Unexpected authentication response origin/)
    })
  })
})
