// Messages about devices and the sessions that are bound to them, for metrics and audit logs.
import assert from 'node:assert/strict'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, it, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { SessionDeviceMessage } from '../../src/device/index.ts'
import { Keyring } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { createTestDevice } from '../../src/testing/index.ts'
import { logged } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, boundDevice, infoOf, loggedIn, newPair, only, PROOF_ONLY, register, registrationOf, offerOf, SESSION_ONLY, stolen, type DeviceSetup } from '../support/device.ts'
import { newKey } from '../support/helpers.ts'
import { followLives, take } from '../support/lifecycle.ts'
import { key, subject, TestStore } from '../support/revocation.ts'

const DEVICE = 'fastify-sealed-session:device'
const INTERVAL = 600_000

interface Messages {
  all: SessionDeviceMessage[]
  /** Events since the last time, each with its reason and its algorithm. */
  take: () => string[]
}

function follow (t: TestContext): Messages {
  const all: SessionDeviceMessage[] = []
  const collect = (message: unknown): void => { all.push(message as SessionDeviceMessage) }
  subscribe(DEVICE, collect)
  t.after(() => unsubscribe(DEVICE, collect))
  return { all, take: () => all.splice(0).map(({ event, reason, algorithm }) => [event, reason, algorithm].filter(word => word !== null).join(' ')) }
}

describe(`the channel ${DEVICE}`, () => {
  it('tells a login, its registration and its refreshes once each, with the algorithm of the key', async t => {
    const clock = stopClock(t)
    const app = await appWithDevices()
    const { take, all } = follow(t)
    const { device, response } = await loggedIn(app)
    assert.deepEqual(all, [{ sessionName: 'session', event: 'offered', reason: null, algorithm: null }])
    take()
    await device.register(app, response)
    assert.deepEqual(all, [{ sessionName: 'session', event: 'registered', reason: null, algorithm: 'ES256' }])
    take()
    for (let round = 0; round < 2; round++) {
      clock.tick(INTERVAL)
      await device.inject(app, { url: '/me' })
      assert.deepEqual(take(), ['refreshed ES256'])
    }
    await device.inject(app, { url: '/me' })
    await device.inject(app, { url: '/public' })
    assert.deepEqual(take(), [])
  })

  it('tells a registration without cookies, and one with an RSA key', async t => {
    const app = await appWithDevices({ device: { algorithms: ['ES256', 'RS256'] } })
    const { take } = follow(t)
    const device = createTestDevice({ algorithm: 'RS256' })
    const response = await device.inject(app, { method: 'POST', url: '/login', payload: { user: 'ann' }, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' } })
    await device.register(app, response, { withCookies: false })
    assert.deepEqual(take(), ['offered', 'registered RS256'])
    await device.inject(app, { url: '/me' })
    assert.deepEqual(take(), [])
  })

  it('tells that a challenge was asked for, by a refresh that comes without a proof', async t => {
    const app = await appWithDevices()
    const device = await boundDevice(app)
    const { take } = follow(t)
    const identifier = await identifierOf(app)
    take()
    await register(app, undefined, '', { 'sec-secure-session-id': identifier })
    assert.deepEqual(take(), ['asked'])
    assert.equal(device.isBound, true)
  })

  it('tells each refusal of a registration, with a word for why', async t => {
    const app = await appWithDevices()
    const { take } = follow(t)
    const { device, response } = await loggedIn(app)
    const { challenge } = offerOf(response)
    const [cookie, pair, good] = [device.cookies, newPair(), registrationOf(challenge)]
    take()
    const tries: Record<string, Parameters<typeof register>> = {
      site: [app, good, cookie, { 'sec-fetch-site': 'same-site' }],
      malformed: [app, 'a.b', cookie],
      challenge: [app, registrationOf('made-up'), cookie],
      key: [app, registrationOf(challenge, { ...pair, jwk: { kty: 'EC' } }), cookie],
      signature: [app, registrationOf(challenge, { privateKey: newPair().privateKey, jwk: pair.jwk }), cookie],
      session: [app, good, 'session=made-up']
    }
    for (const [reason, given] of Object.entries(tries)) {
      assert.equal((await register(...given)).statusCode, 400)
      assert.deepEqual(take(), [`refused ${reason}`])
    }
    await register(app, good, cookie)
    assert.deepEqual(take(), ['registered ES256'])
  })

  it('tells each refusal of a refresh, with a word for why, and the end of a binding', async t => {
    const app = await appWithDevices()
    const identifier = await identifierOf(app)
    const { take } = follow(t)
    const refused: Record<string, string> = { malformed: 'x', challenge: registrationOf('made-up').replace(/^[^.]*/, part({ alg: 'ES256', typ: 'dbsc+jwt' })), algorithm: registrationOf('made-up').replace(/^[^.]*/, part({ alg: 'none', typ: 'dbsc+jwt' })) }
    for (const [reason, jwt] of Object.entries(refused)) {
      assert.equal((await register(app, jwt, '', { 'sec-secure-session-id': identifier })).statusCode, 403)
      assert.deepEqual(take(), [`refused ${reason}`])
    }
    await register(app, undefined, '', { 'sec-secure-session-id': 'made-up' })
    assert.deepEqual(take(), ['ended identifier'])
    const { device } = await loggedIn(app)
    take()
    await register(app, undefined, device.cookies, { 'sec-secure-session-id': identifier })
    assert.deepEqual(take(), ['ended session'])
  })

  it('tells that a revoked session was ended, and that a second registration was refused as bound', async t => {
    const app = await appWithDevices({ session: { key }, revocation: { store: new MemoryStore(), subject } })
    const { device, response } = await loggedIn(app)
    const copy = device.cookies
    await device.register(app, response)
    const { take } = follow(t)
    await register(app, registrationOf(offerOf(response).challenge), copy)
    assert.deepEqual(take(), ['refused bound'])
    await app.revokeSubject('ann')
    await device.refresh(app)
    assert.deepEqual(take(), ['ended revoked'])
  })

  it('tells nothing of what could not be answered, since the store of the revocation fails', async t => {
    const store = new TestStore()
    const app = await appWithDevices({ session: { key }, revocation: { store, subject, cacheTtl: 0 } })
    const { device, response } = await loggedIn(app)
    const { take } = follow(t)
    store.fail()
    assert.equal((await device.register(app, response))?.statusCode, 503)
    assert.deepEqual(take(), [])
  })

  it('tells a rotation of the keys as an offer and a renewal', async t => {
    const keyring = new Keyring(newKey())
    const app = await appWithDevices({ session: { key: keyring } })
    const device = await boundDevice(app)
    keyring.rotate(newKey())
    const { take } = follow(t)
    await device.refresh(app)
    assert.deepEqual(take(), ['refreshed ES256', 'offered', 'renewed ES256'])
  })

  it('tells that a session was used without its proof, once a request, and why if the browser says so', async t => {
    const app = await appWithDevices()
    const cookie = only((await boundDevice(app)).cookies, ...SESSION_ONLY)
    const { take } = follow(t)
    await stolen(app, cookie)
    assert.deepEqual(take(), ['unproven'])
    await app.inject({ url: '/me', headers: { cookie, 'secure-session-skipped': 'quota_exceeded;session_identifier="a"' } })
    assert.deepEqual(take(), ['skipped quota_exceeded'])
    await app.inject({ url: '/me', headers: { cookie, 'secure-session-skipped': 'a word of an attacker' } })
    assert.deepEqual(take(), ['unproven'])
    await stolen(app, cookie, '/public')
    assert.deepEqual(take(), [], 'the app has not asked for the session')
  })

  it('tells which session it is, of several, and of a policy that ends bindings', async t => {
    const app = await appWithDevices({ session: { key, sessionName: 'login' }, routes: { 'POST /named': request => { (request as unknown as { login: { set: (name: string, value: string) => void } }).login.set('user', 'ann') } } })
    const { all } = follow(t)
    await app.inject({ method: 'POST', url: '/named' })
    assert.deepEqual(all.map(({ sessionName, event }) => [sessionName, event]), [['login', 'offered']])
  })

  it('tells the end of a binding with the policy "off"', async t => {
    const device = await boundDevice(await appWithDevices({ session: { key } }))
    const off = await appWithDevices({ session: { key }, device: { policy: 'off' } })
    const { take } = follow(t)
    await device.refresh(off)
    await stolen(off, device.cookies)
    assert.deepEqual(take(), ['ended off'])
  })

  it('makes no difference to anybody while nobody listens', async () => {
    assert.equal(channel(DEVICE).hasSubscribers, false)
    const device = await boundDevice(await appWithDevices())
    assert.equal(device.isBound, true)
  })

  it('44. has no challenge, identifier, proof, cookie or id in a message, nor has the log at any level', async t => {
    const { lines, server } = logged('trace')
    const { all } = follow(t)
    const app = await appWithDevices({ server, session: { key }, revocation: { store: new MemoryStore(), subject } })
    const { device, response } = await loggedIn(app)
    const answer = await device.register(app, response)
    const secrets = [offerOf(response).challenge, answer!.json<{ session_identifier: string }>().session_identifier, ...device.cookies.split('; ').map(pair => pair.slice(pair.indexOf('=') + 1))]
    await register(app, 'x', device.cookies)
    await device.refresh(app)
    await stolen(app, only(device.cookies, ...SESSION_ONLY))
    await stolen(app, only(device.cookies, ...PROOF_ONLY))
    const text = JSON.stringify([lines, all])
    for (const secret of secrets) assert.equal(text.includes(secret) || text.includes(decodeURIComponent(secret)), false)
  })
})

describe('the channel fastify-sealed-session:lifecycle', () => {
  async function app (setup: DeviceSetup = {}): Promise<FastifyInstance> {
    return await appWithDevices({ session: { key }, revocation: { store: new MemoryStore(), subject }, ...setup })
  }

  it('tells a registration as a session that goes on under another id, not as an end and a beginning', async t => {
    const bindable = await app()
    const messages = followLives(t)
    const { device, response } = await loggedIn(bindable)
    const { id: before } = await infoOf(bindable, device.cookies)
    const [begun] = messages.splice(0)
    await device.register(bindable, response)
    const { id } = await infoOf(bindable, device.cookies)
    assert.deepEqual(messages.map(({ event, id, previousId, subjects, cause }) => ({ event, id, previousId, subjects, cause })), [{ event: 'renewed', id, previousId: before, subjects: begun!.subjects, cause: null }]) // there is one
    take(messages)
    device.expire()
    await device.inject(bindable, { method: 'POST', url: '/write', payload: { n: 1 } })
    assert.deepEqual(take(messages), [], 'a refresh and a write are nothing new')
    await device.inject(bindable, { method: 'POST', url: '/logout' })
    assert.deepEqual(messages.map(message => [message.event, message.id, message.cause]), [['ended', id, 'logout']])
  })

  it('tells a registration without cookies once, too', async t => {
    const bindable = await app()
    const messages = followLives(t)
    const device = createTestDevice()
    const response = await device.inject(bindable, { method: 'POST', url: '/login', payload: { user: 'ann' }, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' } })
    const { id: before } = await infoOf(bindable, device.cookies)
    take(messages)
    await device.register(bindable, response, { withCookies: false })
    await device.inject(bindable, { url: '/me' })
    const { id } = await infoOf(bindable, device.cookies)
    assert.deepEqual(messages.map(({ event, id, previousId }) => [event, id, previousId]), [['renewed', id, before]])
  })

  it('tells a registration that was refused, or could not be stored, as nothing', async t => {
    const store = new TestStore()
    const bindable = await app({ revocation: { store, subject, cacheTtl: 0 } })
    const { device, response } = await loggedIn(bindable)
    const copy = device.cookies
    const messages = followLives(t)
    store.before = method => { if (method === 'set') throw new Error('away') }
    await device.register(bindable, response)
    store.recover()
    await device.register(bindable, response)
    assert.deepEqual(take(messages), ['renewed'])
    await register(bindable, registrationOf(offerOf(response).challenge), copy)
    assert.deepEqual(take(messages), [])
  })

  it('tells a request without the proof as refused, a refresh as nothing', async t => {
    const bindable = await app()
    const device = await boundDevice(bindable)
    const messages = followLives(t)
    await stolen(bindable, only(device.cookies, ...SESSION_ONLY))
    assert.deepEqual(take(messages), ['refused device-unproven'])
    const opened: unknown[] = []
    const collect = (message: unknown): void => { opened.push(message) }
    subscribe('fastify-sealed-session:open', collect)
    t.after(() => unsubscribe('fastify-sealed-session:open', collect))
    device.expire()
    await device.refresh(bindable)
    assert.deepEqual([take(messages), opened], [[], []])
  })

  it('tells the logout by a request that was under way when the session was bound as the end of what it has become', async t => {
    const bindable = await app()
    const { device, response } = await loggedIn(bindable)
    const copy = device.cookies
    await device.register(bindable, response)
    const { id } = await infoOf(bindable, device.cookies)
    const messages = followLives(t)
    await bindable.inject({ method: 'POST', url: '/logout', headers: { cookie: copy } })
    assert.deepEqual(messages.map(message => [message.event, message.id, message.cause]), [['ended', id, 'logout']])
  })
})

/** Identifier of a binding, as the browser has it. */
async function identifierOf (app: FastifyInstance): Promise<string> {
  const { device, response } = await loggedIn(app)
  const answer = await register(app, registrationOf(offerOf(response).challenge), device.cookies)
  return answer.json<{ session_identifier: string }>().session_identifier
}

function part (value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
