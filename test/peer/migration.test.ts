// From the peer to the sealed format and back, as docs/guide/migration.md tells it: nobody is logged out.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import fc from 'fast-check'
import { stopClock } from '../support/configurations.ts'
import { cookiesOf, newKey, setCookies } from '../support/helpers.ts'
import { ADJACENT, STEPS, User, versions, type Step } from './rolling.ts'
import { serverOf } from '../support/peer.ts'

const USERS = 50
const REQUESTS = 16

const EMPTY = { user: null, count: null }

/** Users who are logged in at one version. */
async function usersOf (app: FastifyInstance, count = USERS): Promise<User[]> {
  return await Promise.all(Array.from({ length: count }, (_, id) => new User(id).logIn(app)))
}

/** One user who is logged in and has counted to one. */
async function oneUser (app: FastifyInstance): Promise<User> {
  const [user] = await usersOf(app, 1)
  user!.count = (await user!.send(app, 'POST', '/increment')).json().count
  return user!
}

/** Everybody uses the app at once, while one version takes the place of the other. */
async function roll (users: readonly User[], from: FastifyInstance, to: FastifyInstance): Promise<void> {
  await Promise.all(users.map(async user => { await user.roll(from, to, REQUESTS) }))
  const counts = await Promise.all(users.map(async user => await user.read(to)))
  assert.deepEqual(counts, users.map(({ id: user, count }) => ({ user, count })))
  assert.ok(users.every(({ count }) => count > 0), 'everybody has written')
}

for (const [kind, options] of Object.entries({ plain: {}, signed: { cookie: { path: '/', signed: true } } })) {
  describe(`with ${kind} cookies, ${USERS} users lose no session and no write while`, () => {
    for (const [from, to] of ADJACENT) {
      it(`"${from}" and "${to}" run side by side, until only "${to}" does`, async () => {
        const apps = await versions(options)
        await roll(await usersOf(apps[from]), apps[from], apps[to])
      })
    }

    it('the app goes all the way and back', async () => {
      const apps = await versions(options)
      const users = await usersOf(apps.peer)
      for (const [from, to] of ADJACENT) await roll(users, apps[from], apps[to])
      assert.deepEqual(new Set(users.map(({ format }) => format)), new Set(['secretbox']))
    })
  })
}

describe('requests of one user at the same time', () => {
  for (const [from, to] of ADJACENT) {
    it(`all see the session, some at "${from}" and some at "${to}", and whichever cookie is the last opens at "${to}"`, async () => {
      const apps = await versions()
      const user = await oneUser(apps[from])
      for (let round = 0; round < 5; round++) {
        const reads = Array.from({ length: 8 }, (_, index) => user.read(apps[index % 2 === 0 ? from : to]))
        for (const found of await Promise.all(reads)) assert.deepEqual(found, { user: 0, count: 1 })
      }
      assert.deepEqual(await user.read(apps[to]), { user: 0, count: 1 })
    })
  }
})

describe('a request that reads a session', () => {
  for (const [from, to] of ADJACENT) {
    const isReformatted = (from === 'secretbox' && to === 'both') || (from === 'both' && to === 'secretbox')
    it(`${isReformatted ? 'seals it again in its own format' : 'sends nothing'} at "${to}" when it comes from "${from}"`, async () => {
      const apps = await versions()
      const user = await oneUser(apps[from])
      const response = await user.send(apps[to], 'GET', '/count')
      assert.equal(setCookies(response).length, isReformatted ? 1 : 0)
      assert.equal(user.format, to === 'both' || to === 'sealed' ? 'sealed' : 'secretbox')
      assert.deepEqual(await user.read(apps[to]), { user: 0, count: 1 })
    })
  }
})

describe('what each step rests on:', () => {
  const missing: Array<[title: string, from: Step, to: Step]> = [
    ['the peer does not open sealed tokens, so nothing may seal any while it runs', 'both', 'peer'],
    ['the same on the way back: from "sealed" it goes through "secretbox"', 'sealed', 'peer'],
    ['"sealed" does not open what was not sealed again', 'secretbox', 'sealed'],
    ['nor what comes from the peer', 'peer', 'sealed']
  ]
  for (const [title, from, to] of missing) {
    it(`${title}: a session of "${from}" reads as empty at "${to}"`, async () => {
      const apps = await versions()
      const user = await oneUser(apps[from])
      assert.deepEqual(await user.read(apps[to]), EMPTY)
      assert.deepEqual(await user.read(apps[from]), { user: 0, count: 1 }, 'not lost as long as nothing is written')
      await user.send(apps[to], 'POST', '/touch')
      assert.deepEqual(await user.read(apps[from === 'sealed' ? 'both' : from]), EMPTY, 'a write takes its place')
    })
  }

  it('"secretbox" opens sealed tokens, which makes "both" safe beside it, but only as long as "accept" has not been narrowed', async () => {
    const apps = await versions({}, { secretbox: { accept: ['secretbox'] } })
    const user = await oneUser(apps.both)
    assert.deepEqual(await user.read(apps.secretbox), EMPTY)
  })

  it('a context is set from "secretbox" on, where it changes nothing yet; set only from "both" on, it logs users out there', async () => {
    const context = 'shop'
    const early = await versions({}, { secretbox: { context }, both: { ...STEPS.both.options, context } })
    await roll(await usersOf(early.peer), early.peer, early.secretbox)
    await roll(await usersOf(early.secretbox), early.secretbox, early.both)

    const late = await versions({}, { both: { ...STEPS.both.options, context } })
    const user = await oneUser(late.both)
    assert.deepEqual(await user.read(late.secretbox), EMPTY)
  })

  it('a format that is left out of "accept" too early ends only sessions that were not used meanwhile', async () => {
    const apps = await versions()
    const [active, idle] = await usersOf(apps.secretbox, 2)
    await active!.use(apps.both)
    assert.deepEqual(await active!.read(apps.sealed), { user: 0, count: active!.count })
    assert.deepEqual(await idle!.read(apps.sealed), EMPTY)
  })

  it('a session that no handler looks at is not sealed again', async () => {
    const apps = await versions()
    const user = await oneUser(apps.secretbox)
    assert.deepEqual(setCookies(await user.send(apps.both, 'GET', '/unread')), [])
    assert.deepEqual(await user.read(apps.sealed), EMPTY)
  })

  it('nor is one that is read for a response that shared caches may keep', async () => {
    const apps = await versions()
    const user = await oneUser(apps.secretbox)
    const response = await user.send(apps.both, 'GET', '/cached')
    assert.deepEqual(response.json(), { user: 0, count: 1 })
    assert.deepEqual(setCookies(response), [])
  })
})

describe('waiting for `expiry` seconds', () => {
  const EXPIRY = 3600

  // The last process of the old version stops at the time at which the clock stands.
  for (const [from, through, to] of [['secretbox', 'both', 'sealed'], ['both', 'secretbox', 'peer']] as const) {
    it(`from "${through}" to "${to}" loses nobody: what "${from}" sealed has expired by then, or was sealed again`, async t => {
      const clock = stopClock(t)
      clock.tick(999)
      const apps = await versions({ expiry: EXPIRY })
      const [active, idle] = await usersOf(apps[from], 2)
      clock.tick(EXPIRY * 500)
      await active!.send(apps[through], 'POST', '/touch')
      clock.tick(EXPIRY * 500 + 1000)
      assert.deepEqual(await idle!.read(apps[through]), EMPTY, 'expired anyway')
      assert.deepEqual(await active!.read(apps[to]), { user: 0, count: 0 })
    })
  }
})

describe('the change of format', () => {
  const EXPIRY = 3600

  for (const [from, to] of ADJACENT) {
    it(`from "${from}" to "${to}" does not let a session live longer`, async t => {
      const clock = stopClock(t)
      const apps = await versions({ expiry: EXPIRY })
      const user = await oneUser(apps[from])
      clock.tick(1000_000)
      await user.read(apps[to])
      clock.tick((EXPIRY - 1001) * 1000)
      for (const app of [apps[to], apps[from]]) assert.deepEqual(await user.read(app), { user: 0, count: 1 })
      clock.tick(1000)
      for (const app of [apps[to], apps[from]]) assert.deepEqual(await user.read(app), EMPTY)
    })
  }

  it('keeps the times that sessionInfo tells, on the way there', async t => {
    const clock = stopClock(t)
    clock.tick(700) // the peer and the secretbox format round to whole seconds
    const apps = await versions({ expiry: EXPIRY })
    const user = await oneUser(apps.peer)
    clock.tick(60_000)
    for (const step of ['secretbox', 'both', 'both', 'sealed'] as const) {
      const { status, lastWriteAt, expiresAt } = await user.info(apps[step])
      assert.deepEqual([status, lastWriteAt, expiresAt], ['valid', '2027-01-15T08:00:01.000Z', '2027-01-15T09:00:01.000Z'])
    }
  })

  it('makes a session begin with its last write where its former format does not say when it began', async t => {
    const clock = stopClock(t)
    const apps = await versions({ expiry: EXPIRY })
    const user = await oneUser(apps.secretbox)
    clock.tick(60_000)
    assert.equal((await user.info(apps.both)).createdAt, null)
    assert.equal((await user.info(apps.both)).createdAt, '2027-01-15T08:00:00.000Z')
  })

  it('gives the cookie no longer life than the session has left', async t => {
    const clock = stopClock(t)
    for (const [from, to] of [['secretbox', 'both'], ['both', 'secretbox']] as const) {
      const apps = await versions({ expiry: EXPIRY, cookie: { path: '/', maxAge: EXPIRY } })
      const user = await oneUser(apps[from])
      clock.tick(1000_000)
      const [line] = setCookies(await user.send(apps[to], 'GET', '/count'))
      assert.match(line!, new RegExp(`; Max-Age=${EXPIRY - 1000};`))
    }
  })

  it('however often and whenever it happens, never adds to a session, and takes less than a second', async t => {
    const clock = stopClock(t)
    const start = Date.now()
    const apps = await versions({ expiry: EXPIRY })
    const hop = fc.record({ step: fc.constantFrom<Step>('secretbox', 'both'), ms: fc.nat(60_000) })
    await fc.assert(fc.asyncProperty(hop, fc.array(hop, { maxLength: 8 }), async (first, hops) => {
      clock.setSystemTime(start + first.ms)
      const user = await oneUser(apps[first.step])
      const begun = Date.parse((await user.info(apps[first.step])).expiresAt!)
      assert.ok(Math.abs(begun - (start + first.ms + EXPIRY * 1000)) <= 500)
      let before = begun
      for (const { step, ms } of hops) {
        clock.tick(ms)
        const now = Date.parse((await user.info(apps[step])).expiresAt!)
        assert.ok(now <= before && now > begun - 1000, `${now - begun} ms`)
        before = now
      }
    }), { seed: 1, numRuns: 100 })
  })
})

describe('a cookie that gets another name', () => {
  /** The app after the change, with the hook of docs/guide/migration.md. */
  async function renamed (key: Buffer): Promise<FastifyInstance> {
    const options = { key, format: 'sealed', context: 'session', cookieName: '__Host-session', cookie: { path: '/', secure: true } }
    const { app } = await serverOf('ours', { options }, app => {
      app.addHook('onRequest', async (request, reply) => {
        const { cookies } = request
        if (cookies['__Host-session'] !== undefined || cookies.session === undefined) return
        cookies['__Host-session'] = cookies.session
        request.session.changed = true
        reply.clearCookie('session', { path: '/' })
      })
      app.get('/count', async ({ session }) => session.data())
    })
    return app
  }

  it('keeps its sessions, with their times, where the context stays the old name', async t => {
    const clock = stopClock(t)
    const key = newKey()
    const apps = await versions({ key, expiry: 86401 })
    const app = await renamed(key)
    const user = await oneUser(apps.sealed)
    clock.tick(60_000)

    const response = await app.inject({ url: '/count', headers: { cookie: user.cookie! } })
    assert.deepEqual(response.json(), { user: 0, count: 1 })
    const lines = setCookies(response)
    assert.ok(lines.some(line => /^session=; .*(?:Max-Age=0|Expires=Thu, 01 Jan 1970)/.test(line)), 'the old one is dropped')
    const [pair] = cookiesOf(response).split('; ').filter(pair => pair.startsWith('__Host-session='))
    const again = await app.inject({ url: '/count', headers: { cookie: pair! } })
    assert.deepEqual(again.json(), { user: 0, count: 1 })
    assert.deepEqual(setCookies(again), [])

    clock.tick((86401 - 60) * 1000)
    assert.deepEqual((await app.inject({ url: '/count', headers: { cookie: pair! } })).json(), {})
  })
})
