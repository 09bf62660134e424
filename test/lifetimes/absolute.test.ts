// The absolute timeout counts from the login, whatever the session goes through that no login is.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { authenticated, createSessionCodec, Keyring, type Session } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { MemoryRegistry } from '../../src/registry/index.ts'
import { get, linesOf, post, type Bag, type Handlers } from '../support/app.ts'
import { cookieHeader, sealRaw, stopClock } from '../support/configurations.ts'
import { cookieOf, newKey, tokenOf } from '../support/helpers.ts'
import { appListing, onlyOne } from '../support/registry.ts'
import { appWithLogins, key, login, who, type LoginsSetup } from '../support/revocation.ts'

const START = 1_800_000_000_000
const FORMATS = ['sealed', 'secretbox'] as const
const LIMITS = { expiry: 90, absoluteTimeout: 100 }

/** User, team and tenant. */
const subjects = (session: Session): string[] => {
  const { user, tenant } = session as Bag
  return user === undefined ? [] : [String(user), 'team', ...(tenant === undefined ? [] : [`tenant:${String(tenant)}`])]
}

/** Ways in which a session goes on with more time, though nobody has authenticated. */
const WAYS: Record<string, (request: FastifyRequest, session: Session) => unknown> = {
  'revokeOtherSessions()': async ({ server }, session) => { await server.revokeOtherSessions(session) },
  'revokeOtherSessions(), twice': async ({ server }, session) => { await server.revokeOtherSessions(session); await server.revokeOtherSessions(session) },
  'revokeSubject() with "except"': async ({ server }, session) => { await server.revokeSubject('ann', { except: session }) },
  'revokeSubject() of a subject that is not the first, with "except"': async ({ server }, session) => { await server.revokeSubject('team', { except: session }) },
  'a subject that it gains, which was revoked a moment ago': async ({ server }, session) => {
    const tenant = Number((session as Bag).tenant ?? 0) + 1
    await server.revokeSubject(`tenant:${tenant}`)
    Object.assign(session, { tenant })
  },
  'restampSession()': async ({ server }, session) => { await server.restampSession(session) },
  'longer and longer lifetimes of its own': (_request, session) => { session.options({ expiry: (Date.now() - START) / 10 }) },
  'a longer lifetime, then revokeOtherSessions()': async ({ server }, session) => {
    session.options({ expiry: (Date.now() - START) / 10 })
    await server.revokeOtherSessions(session)
  }
}

function routesOf (way: (typeof WAYS)[string]): Handlers {
  return { 'POST /way': async request => { await way(request, request.session); return 'on' } }
}

async function appWith (way: (typeof WAYS)[string], setup: LoginsSetup = {}): Promise<FastifyInstance> {
  return await appWithLogins({
    ...setup,
    session: { ...LIMITS, ...setup.session },
    revocation: { subject: subjects, stamp: () => '1', store: new MemoryStore(), ...setup.revocation },
    routes: { ...routesOf(way), ...setup.routes }
  })
}

const OTHERS = WAYS['revokeOtherSessions()']!

for (const format of FORMATS) {
  describe(`the absolute timeout ends a session in the ${format} format`, () => {
    for (const [title, way] of Object.entries(WAYS)) {
      it(`that goes on again and again by ${title}`, async t => {
        const clock = stopClock(t)
        const app = await appWith(way, { session: { format } })
        let cookie = await login(app)
        for (const seconds of [40, 70, 99]) {
          clock.setSystemTime(START + seconds * 1000)
          cookie = cookieOf(await post(app, '/way', cookie))
          const { createdAt, expiresAt } = (await get(app, '/info', cookie)).json<Record<string, string>>()
          assert.deepEqual([Date.parse(createdAt!), Date.parse(expiresAt!)], [START, START + 100_000], `at ${seconds} seconds`)
        }
        assert.equal(await who(app, cookie), 'ann')
        clock.setSystemTime(START + 100_000)
        assert.equal(await who(app, cookie), 'nobody')
      })
    }

    it('that goes on, is sealed in another format with another key, and goes on again', async t => {
      const clock = stopClock(t)
      const revocation = { store: new MemoryStore() }
      const app = await appWith(OTHERS, { session: { format }, revocation })
      const other = await appWith(OTHERS, { session: { format: format === 'sealed' ? 'secretbox' : 'sealed', key: new Keyring([newKey(), key]) }, revocation })
      let cookie = await login(app)
      clock.tick(40_500)
      cookie = cookieOf(await post(app, '/way', cookie))
      clock.tick(20_300)
      cookie = cookieOf(await get(other, '/me', cookie))
      assert.equal(await who(other, cookie), 'ann')
      cookie = cookieOf(await post(other, '/way', cookie))
      clock.setSystemTime(START + 99_999)
      assert.equal(await who(other, cookie), 'ann')
      clock.tick(1)
      assert.equal(await who(other, cookie), 'nobody')
    })

    it('that goes on outside a request, and is assigned to one', async t => {
      const clock = stopClock(t)
      const app = await appWith(OTHERS, { session: { format }, routes: { 'POST /assign': request => { request.session = held!; return (held as Bag).user } } })
      let held: Session | null = null
      let cookie = await login(app)
      for (const seconds of [40, 80]) {
        clock.setSystemTime(START + seconds * 1000)
        held = app.decodeSecureSession({ headers: { cookie } })
        await app.revokeOtherSessions(held!)
        cookie = cookieHeader(app.encodeSecureSession(held!))
        held = app.decodeSecureSession({ headers: { cookie } })
        assert.equal(await app.isSessionRevoked(held!), false)
        assert.equal((await post(app, '/assign')).body, 'ann')
      }
      clock.setSystemTime(START + 99_999)
      assert.equal(await who(app, cookie), 'ann')
      clock.tick(1)
      assert.equal(await who(app, cookie), 'nobody')
    })

    it('that goes on, though it is rolling and in use', async t => {
      const clock = stopClock(t)
      const app = await appWith(OTHERS, { session: { format, rolling: true, expiry: 20 } })
      let cookie = await login(app)
      for (const seconds of [12, 24, 36, 48, 60, 72, 84]) {
        clock.setSystemTime(START + seconds * 1000)
        assert.equal(await who(app, cookie), 'ann')
        cookie = cookieOf(seconds === 48 ? await post(app, '/way', cookie) : await get(app, '/me', cookie))
      }
      clock.setSystemTime(START + 99_999)
      assert.equal(await who(app, cookie), 'ann')
      clock.tick(1)
      assert.equal(await who(app, cookie), 'nobody')
    })

    it('counted from its last write, if it comes from @fastify/secure-session, and goes on', async t => {
      const clock = stopClock(t)
      const app = await appWithLogins({ session: { format, ...LIMITS }, routes: routesOf(OTHERS) })
      let cookie = cookieHeader(sealRaw(key, JSON.stringify({ user: 'ann', __ts: START / 1000 })))
      for (const seconds of [40, 80]) {
        clock.setSystemTime(START + seconds * 1000)
        cookie = cookieOf(await post(app, '/way', cookie))
      }
      assert.equal(await who(app, cookie), 'ann')
      clock.setSystemTime(START + 100_000)
      assert.equal(await who(app, cookie), 'nobody')
    })
  })
}

describe('all that tells of the life of a session that has ended the others counts from its login:', () => {
  it('the Max-Age of its cookie when it is renewed', async t => {
    const clock = stopClock(t)
    const app = await appWith(OTHERS, { session: { rolling: true, expiry: 60, cookie: { path: '/', maxAge: 60 } } })
    const cookie = await login(app)
    clock.tick(20_000)
    const next = cookieOf(await post(app, '/way', cookie))
    clock.tick(40_000)
    assert.match(linesOf(await get(app, '/me', next))[0]!, /Max-Age=40;/)
  })

  it('what a codec outside the app says', async t => {
    const clock = stopClock(t)
    const app = await appWith(OTHERS)
    const cookie = await login(app)
    clock.tick(80_000)
    const codec = await createSessionCodec({ key, format: 'sealed', ...LIMITS })
    const opened = codec.open(tokenOf(await post(app, '/way', cookie)))
    assert.ok(opened.ok)
    assert.deepEqual([opened.createdAt?.getTime(), opened.expiresAt.getTime()], [START, START + 100_000])
  })

  for (const [title, way] of Object.entries(WAYS)) {
    it(`the list of the registry, which has it still, after ${title}`, async t => {
      const clock = stopClock(t)
      const [revocation, store] = [{ subject: subjects, stamp: () => '1', store: new MemoryStore() }, new MemoryRegistry()]
      const setup = { session: LIMITS, revocation, routes: routesOf(way) }
      const [app, other] = [await appListing({ store }, setup), await appListing({ store }, setup)]
      const cookie = await login(app)
      clock.tick(80_000)
      await post(app, '/way', cookie)
      for (const process of [app, other]) {
        const { createdAt, expiresAt } = await onlyOne(process)
        assert.deepEqual([createdAt.getTime(), expiresAt.getTime()], [START, START + 100_000])
      }
      clock.tick(1000)
      await app.revokeSubject('ann')
      assert.deepEqual(await other.listSessions('ann'), [], 'a later revocation ends it')
    })
  }
})

describe('a login begins a new life of a session that has ended the others:', () => {
  const LOGINS: Record<string, (session: Session) => void> = {
    'another user': session => { Object.assign(session, { user: 'bob' }) },
    'authenticated()': session => { authenticated(session, 'password') },
    'regenerate() and the same user': session => { session.regenerate(); Object.assign(session, { user: 'ann' }) }
  }
  for (const [title, begin] of Object.entries(LOGINS)) {
    it(`by ${title}, and its token is no longer than another's`, async t => {
      const clock = stopClock(t)
      const setup = { session: LIMITS, routes: { ...routesOf(OTHERS), 'POST /begin': ({ session }: FastifyRequest) => { begin(session); return 'in' } } }
      const app = await appWithLogins(setup)
      const cookie = await login(app)
      clock.tick(50_000)
      const next = cookieOf(await post(app, '/way', cookie))
      clock.tick(30_000)
      const begun = cookieOf(await post(app, '/begin', next))
      assert.equal(begun.length, cookieOf(await post(app, '/begin', await login(app))).length)
      clock.tick(60_000)
      assert.notEqual(await who(app, begun), 'nobody')
      clock.tick(30_000)
      await post(app, '/touch', begun)
      clock.tick(10_000)
      assert.equal(await who(app, begun), 'nobody')
    })
  }
})

describe('a session that has survived a revocation', () => {
  it('has a longer token only if it did: one that gains a subject that was revoked before its login has not', async t => {
    const clock = stopClock(t)
    const app = await appWith(OTHERS)
    await app.revokeSubject('tenant:1')
    clock.tick(1000)
    const cookie = await login(app)
    clock.tick(1000)
    const gained = cookieOf(await post(app, '/write', cookie, { tenant: 1 }))
    assert.equal(gained.length, cookieOf(await post(app, '/login', undefined, { user: 'ann', tenant: 1 })).length)
    await app.revokeSubject('tenant:2')
    assert.notEqual(cookieOf(await post(app, '/write', cookie, { tenant: 2 })).length, gained.length)
  })

  const CLAIMS = { 'of a time to come': Buffer.alloc(6, 0x7f), 'of five bytes': Buffer.alloc(5, 0x7f) }
  for (const [title, value] of Object.entries(CLAIMS)) {
    it(`does not survive the next by a claim ${title}, which a user has written in another app with the same key`, async t => {
      const clock = stopClock(t)
      const app = await appWithLogins()
      const claims = Buffer.concat([Buffer.from([4, 0, value.length]), value]).toString('base64url')
      const cookie = cookieHeader(sealRaw(key, JSON.stringify({ user: 'ann', __claims: claims, __ts: START / 1000 })))
      assert.equal(await who(app, cookie), 'ann')
      clock.tick(2000)
      await app.revokeSubject('ann')
      assert.equal(await who(app, cookie), 'nobody')
    })
  }

  for (const renew of ['regenerate()', 'authenticated()']) {
    it(`by a clock that is ahead goes on by ${renew}`, async t => {
      const clock = stopClock(t)
      const store = new MemoryStore()
      const routes: Handlers = {
        ...routesOf(OTHERS),
        'POST /renew': ({ session }) => { if (renew === 'regenerate()') session.regenerate(['user']); else authenticated(session); return 'renewed' }
      }
      const [ahead, app] = [await appWithLogins({ revocation: { store }, routes }), await appWithLogins({ revocation: { store }, routes })]
      const cookie = await login(app)
      clock.tick(5000)
      const next = cookieOf(await post(ahead, '/way', cookie))
      clock.setSystemTime(START + 1000)
      assert.equal(await who(app, next), 'ann')
      const renewed = cookieOf(await post(app, '/renew', next))
      assert.equal(await who(app, renewed), 'ann')
      await app.revokeSubject('ann')
      assert.equal(await who(app, renewed), 'nobody', 'and ends with the next revocation')
    })
  }
})
