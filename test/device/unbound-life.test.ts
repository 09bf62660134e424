// Time that a session may be without a binding, by policy "require" and by unboundExpiry: it counts over all the lives in which
// a session goes on. A thief with a copy from before the binding would else call a route that begins one, again and again.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { authenticated, createSessionCodec, sessionInfo, type Session, type SessionCodecOptions } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { createTestDevice, type TestDevice } from '../../src/testing/index.ts'
import { createWebSessions, type WebSessionsOptions } from '../../src/web/index.ts'
import { linesOf, newSession, post, type Bag, type Handlers } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, infoOf, loggedIn, SESSION, stolen, type DeviceSetup } from '../support/device.ts'
import type { WebBag } from '../support/fetch.ts'
import { newKey } from '../support/helpers.ts'
import { subject } from '../support/revocation.ts'

const START = 1_800_000_000_000
const LIFE = 900_000

/** Ways in which a session goes on in another life. */
const WAYS: Handlers = {
  'POST /keep': ({ session }) => { session.regenerate(['user'] as never) },
  'POST /keep-all': ({ session }) => { session.regenerate(Object.keys(session.data() as object) as never) },
  'POST /assign': request => { request.session = newSession(request.server, request.session.data()) },
  'POST /assign-opened': request => { request.session = newSession(request.server, request.server.decodeSecureSession(request)!.data()) },
  'POST /assign-twice': request => { for (let times = 0; times < 2; times++) request.session = newSession(request.server, request.session.data()) },
  'POST /twice': ({ session }) => { session.regenerate(['user'] as never); session.regenerate(['user'] as never) },
  'POST /written': ({ session }) => { session.regenerate(['user'] as never); session.options({ expiry: 80_000 } as never) }
}

const LOGINS: Handlers = {
  'POST /login-again': ({ session }) => { session.regenerate(); Object.assign(session, { user: 'ann' }) },
  'POST /confirm': ({ session }) => { authenticated(session, 'password') },
  'POST /assign-unread': request => { request.session = newSession(request.server, { user: 'ann' }) }
}

const LIMITS: Record<string, { device: object, reason: string }> = {
  unboundExpiry: { device: { unboundExpiry: LIFE / 1000 }, reason: 'expired' },
  'policy "require"': { device: { policy: 'require', grace: LIFE / 1000 }, reason: 'device-required' }
}

const KINDS: Record<string, () => DeviceSetup> = {
  'without revocation': () => ({}),
  'with revocation': () => ({ revocation: { store: new MemoryStore(), subject, cacheTtl: 0 } }),
  'in the secretbox format': () => ({ session: { format: 'secretbox' } })
}

const endOf = async (app: FastifyInstance, { cookies }: TestDevice): Promise<number> => Date.parse(String((await infoOf(app, cookies)).expiresAt))

for (const [limit, { device: options, reason }] of Object.entries(LIMITS)) {
  for (const [kind, setup] of Object.entries(KINDS)) {
    describe(`${limit}, ${kind}`, () => {
      for (const name of Object.keys(WAYS)) {
        const url = name.slice('POST '.length)
        it(`32. counts from the first life of a session that goes on, however often: ${url}`, async t => {
          const clock = stopClock(t)
          const app = await appWithDevices({ ...setup(), device: options, routes: WAYS })
          const { device: thief } = await loggedIn(app)
          for (let minutes = 0; minutes < 15; minutes += 5) {
            clock.tick(299_000)
            assert.equal(linesOf(await thief.inject(app, { method: 'POST', url })).length, 1)
            assert.equal(await endOf(app, thief), START + LIFE)
            assert.equal((await stolen(app, thief.cookies)).body, 'ann')
          }
          clock.tick(3000)
          assert.deepEqual([(await stolen(app, thief.cookies)).body, (await infoOf(app, thief.cookies)).reason], ['nobody', reason])
        })

        it(`32. is none for a session that is bound in a later life: ${url}`, async t => {
          const clock = stopClock(t)
          const app = await appWithDevices({ ...setup(), device: options, routes: WAYS })
          const { device } = await loggedIn(app)
          clock.tick(100_000)
          await device.register(app, await device.inject(app, { method: 'POST', url }))
          clock.tick(LIFE)
          assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
          assert.equal(await endOf(app, device) > Date.now() + LIFE, true)
        })
      }

      for (const name of Object.keys(LOGINS)) {
        const url = name.slice('POST '.length)
        it(`32. counts anew from a login: ${url}`, async t => {
          const clock = stopClock(t)
          const app = await appWithDevices({ ...setup(), device: options, routes: { ...WAYS, ...LOGINS } })
          const { device } = await loggedIn(app)
          clock.tick(100_000)
          await device.inject(app, { method: 'POST', url: '/keep' })
          clock.tick(100_000)
          await device.inject(app, { method: 'POST', url })
          assert.equal(await endOf(app, device), START + 200_000 + LIFE)
        })
      }
    })
  }

  describe(`${limit}, outside of a request`, () => {
    it('32. counts from the first life of a session that goes on there', async t => {
      const clock = stopClock(t)
      const app = await appWithDevices({ device: options })
      const { device } = await loggedIn(app)
      clock.tick(LIFE - 1000)
      const session = app.decodeSecureSession<Bag>({ headers: { cookie: device.cookies } })!
      session.regenerate(['user'])
      const cookie = `session=${encodeURIComponent(app.encodeSecureSession(session as Session))}`
      assert.equal(sessionInfo(session).expiresAt?.getTime(), START + LIFE)
      assert.equal((await stolen(app, cookie)).body, 'ann')
      clock.tick(1000)
      assert.equal((await stolen(app, cookie)).body, 'nobody')
    })

    it('32. counts the same on the web entry and in a codec', async t => {
      const clock = stopClock(t)
      const session = { key: newKey(), ...SESSION, cookieName: 'session' }
      const app = await appWithDevices({ session, device: options })
      const sessions = await createWebSessions({ ...session, device: options } as WebSessionsOptions)
      const codec = await createSessionCodec({ ...session, device: options } as SessionCodecOptions)
      const { device } = await loggedIn(app)
      clock.tick(LIFE - 1000)
      const own = await sessions.open({ headers: { cookie: device.cookies } }) as WebBag
      own.regenerate(['user'] as never)
      const headers = new Headers()
      await own.commit(headers)
      const [cookie = ''] = headers.getSetCookie()[0]!.split(';')
      const opened = codec.openCookies(cookie)
      assert.equal(opened?.ok === true && opened.expiresAt.getTime(), START + LIFE)
      assert.equal((await stolen(app, cookie)).body, 'ann')
      clock.tick(1000)
      assert.equal((await stolen(app, cookie)).body, 'nobody')
      assert.equal((await sessions.open({ headers: { cookie } }) as WebBag).user, undefined)
      assert.deepEqual(codec.openCookies(cookie), { ok: false, reason })
    })
  })
}

describe('a session that goes on without a binding, in an app without a limit for it', () => {
  it('32. has a token of the same length as ever', async () => {
    const app = await appWithDevices({ routes: WAYS })
    const device = createTestDevice()
    await device.inject(app, { method: 'POST', url: '/login', payload: { user: 'ann' } })
    const { length } = device.cookies
    device.take(await post(app, '/keep', device.cookies))
    assert.equal(device.cookies.length, length)
  })
})
