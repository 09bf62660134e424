// Plugins that write to the session in ways that the peer loses: what docs/guide/plugins.md says of it.
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import OAuth2Strategy from 'passport-oauth2'
import { cookiesOf, newKey } from '../support/helpers.ts'
import { newPassport, passportRequest, takeFlash } from '../support/passport.ts'
import { SIDES, serverOf, type Server, type Side } from '../support/peer.ts'

/** Nobody listens there: a login whose state is right ends with an error, when the code is exchanged. */
const NOWHERE = 'http://127.0.0.1:1'
const STATE_RIGHT = 500
const STATE_WRONG = 403

async function passportServer (side: Side): Promise<Server> {
  const passport = newPassport()
  passport.use(new OAuth2Strategy({
    authorizationURL: `${NOWHERE}/auth`, tokenURL: `${NOWHERE}/token`, callbackURL: `${NOWHERE}/callback`, clientID: 'app', clientSecret: 'secret', state: true, pkce: true
  }, () => assert.fail('nobody has logged in')))
  return await serverOf(side, { options: { key: newKey() } }, app => {
    app.register(passport.initialize())
    app.register(passport.secureSession())
    for (const path of ['/login', '/callback']) app.get(path, { preValidation: passport.authenticate('oauth2') }, () => {})
  })
}

/** A visitor whose cookie is replaced where a response sets one. */
class Visitor {
  #cookie = ''
  readonly #app: FastifyInstance

  constructor ({ app }: Server) {
    this.#app = app
  }

  async get (url: string): Promise<LightMyRequestResponse> {
    const response = await this.#app.inject({ url, headers: { cookie: this.#cookie } })
    this.#cookie = cookiesOf(response) || this.#cookie
    return response
  }

  /** Begins a login. @returns its state */
  async begin (): Promise<string> {
    const { headers: { location = '' } } = await this.get('/login')
    return new URL(location).searchParams.get('state') ?? assert.fail('no state')
  }

  async finish (state: string): Promise<number> {
    return (await this.get(`/callback?code=any&state=${state}`)).statusCode
  }
}

for (const side of SIDES) {
  const isPeer = side === 'peer'

  describe(`with ${side}`, () => {
    it(`passport-oauth2 ${isPeer ? 'fails' : 'works'} after a login that was given up half way`, async () => {
      const visitor = new Visitor(await passportServer(side))
      await visitor.begin()
      assert.equal(await visitor.finish(await visitor.begin()), isPeer ? STATE_WRONG : STATE_RIGHT)
    })

    it(`passport-oauth2 ${isPeer ? 'still takes' : 'refuses'} a state after a wrong one was tried`, async () => {
      const visitor = new Visitor(await passportServer(side))
      const state = await visitor.begin()
      assert.equal(await visitor.finish('another'), STATE_WRONG)
      assert.equal(await visitor.finish(state), isPeer ? STATE_RIGHT : STATE_WRONG)
    })

    it(`@fastify/passport ${isPeer ? 'loses' : 'keeps'} at a login what keepSessionInfo is to keep`, async () => {
      const { visit } = await passportServer(side)
      const { body } = await visit(async (session, request) => {
        session.cart = ['book']
        await passportRequest(request).logIn('ada', { keepSessionInfo: true })
        return session.data()
      })
      assert.deepEqual(JSON.parse(body), isPeer ? { passport: 'ada' } : { cart: ['book'], passport: 'ada' })
    })

    it(`@fastify/flash ${isPeer ? 'loses' : 'keeps'} the message of a logout that deletes the session`, async () => {
      const { visit } = await passportServer(side)
      const loggedOut = await visit((session, request) => { session.delete(); return passportRequest(request).flash('notice', 'See you.') })
      const { body } = await visit((_session, _request, reply) => takeFlash(reply, 'notice'), cookiesOf(loggedOut))
      assert.deepEqual(JSON.parse(body), isPeer ? [] : ['See you.'])
    })
  })
}
