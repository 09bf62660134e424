// No session lives longer than maxExpiry after its last write, whoever says so.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyInstance } from 'fastify'
import { createSessionCodec, sessionInfo, type Format } from '../../src/index.ts'
import { rejection, sealRaw, seconds, warningsOf } from '../support/configurations.ts'
import { cookieOf, newKey, warnings } from '../support/helpers.ts'
import { get, linesOf, logged, newApp, newSession, post, readyApp, type Handler } from '../support/app.ts'
import { PLUGINS } from '../support/peer.ts'

const START = 1_800_000_000_000
const DAY = 86_400
const DEFAULT = 400 * DAY
const MOST = 2 ** 32 - 1
const key = newKey()

let clock: FakeTimers.Clock
before(() => { clock = FakeTimers.install({ toFake: ['Date'], now: START }) })
beforeEach(() => { clock.setSystemTime(START) })
after(() => clock.uninstall())

const ROUTES: Record<string, Handler> = {
  '/login': ({ session, query }) => {
    session.set('user', 1)
    session.options({ expiry: Number((query as { expiry: string }).expiry) })
  },
  '/read': ({ session }) => session.get('user') ?? 'nobody',
  '/touch': ({ session }) => { session.touch() },
  '/info': ({ session }) => sessionInfo(session)
}

/** Who the app takes the bearer of a cookie for, so many seconds after the start. */
async function readAt (app: FastifyInstance, second: number, cookie: string): Promise<string> {
  clock.setSystemTime(START + second * 1000)
  return (await get(app, '/read', cookie)).body
}

async function endsAt (app: FastifyInstance, second: number, cookie: string): Promise<void> {
  assert.deepEqual([await readAt(app, second - 0.001, cookie), await readAt(app, second, cookie)], ['1', 'nobody'])
}

/** The cookie of a user of an app on the peer, which stores names that its users choose. */
async function peerCookie (life: object): Promise<string> {
  return cookieOf(await post(newApp({ plugin: PLUGINS.peer, session: { key } }), '/set', undefined, { user: 1, __life: life }))
}

for (const format of ['secretbox', 'sealed'] as const) {
  const options = { key, format, accept: ['sealed', 'secretbox'] as Format[], expiry: DAY }

  describe(`options({ expiry }) of a session, ${format}`, () => {
    for (const [what, limits, most] of [['400 days', {}, DEFAULT], ['maxExpiry', { maxExpiry: 30 * DAY }, 30 * DAY]] as const) {
      it(`may be as long as ${what}`, async () => {
        const app = await readyApp({ session: { ...options, ...limits }, routes: ROUTES })
        await endsAt(app, most, cookieOf(await get(app, `/login?expiry=${most}`)))
      })

      it(`counts as ${what} if it is longer, and the log says so once`, async () => {
        const { lines, server } = logged('warn')
        const app = await readyApp({ session: { ...options, ...limits }, server, routes: ROUTES })
        const cookie = cookieOf(await get(app, `/login?expiry=${most + 1}`))
        await get(app, `/login?expiry=${MOST}`)
        await endsAt(app, most, cookie)
        assert.deepEqual(warnings(lines).map(({ code, msg }) => [code, /expiry: (\d+)/.exec(msg)?.[1]]), [['FST_SEALED_SESSION_WARN_EXPIRY_TOO_LONG', String(most + 1)]])
      })
    }
  })

  describe(`a token from outside, ${format}`, () => {
    it('of the peer ends after 400 days, whatever the lifetime that a user has written into it', async () => {
      const app = await readyApp({ session: options, routes: ROUTES })
      const cookie = await peerCookie({ expiry: MOST })
      await endsAt(app, DEFAULT, cookie)
      clock.setSystemTime(START)
      assert.equal(Date.parse((await get(app, '/info', cookie)).json().expiresAt), START + DEFAULT * 1000)
    })

    it('of the peer keeps a lifetime that is shorter', async () => {
      await endsAt(await readyApp({ session: options, routes: ROUTES }), 2 * DAY, await peerCookie({ expiry: 2 * DAY }))
    })

    it('ends at the maxExpiry that is in force, where it was sealed under a longer one', async () => {
      const before = await readyApp({ session: { ...options, maxExpiry: 1000 * DAY }, routes: ROUTES })
      const cookie = cookieOf(await get(before, `/login?expiry=${900 * DAY}`))
      await endsAt(await readyApp({ session: { ...options, maxExpiry: 10 * DAY }, routes: ROUTES }), 10 * DAY, cookie)
      await endsAt(before, 900 * DAY, cookie)
    })

    it('ends after maxExpiry to the millisecond where that is no whole second', async () => {
      const app = await readyApp({ session: { ...options, expiry: 1, maxExpiry: 1.5 }, routes: ROUTES })
      const sealed = await peerCookie({ expiry: 100 })
      await endsAt(app, 1.5, sealed)
    })

    it('that is written again is sealed with no longer lifetime than maxExpiry', async () => {
      const app = await readyApp({ session: options, routes: ROUTES })
      const written = cookieOf(await get(app, '/touch', await peerCookie({ expiry: MOST })))
      await endsAt(await readyApp({ session: { ...options, maxExpiry: 2000 * DAY }, routes: ROUTES }), DEFAULT, written)
    })

    it('that only a rotated key seals again lives no longer by it', async () => {
      const app = await readyApp({ session: { ...options, key: [newKey(), key] }, routes: ROUTES })
      const cookie = await peerCookie({ expiry: MOST })
      clock.setSystemTime(START + 100 * DAY * 1000)
      await endsAt(app, DEFAULT, cookieOf(await get(app, '/read', cookie)))
    })

    it('rolls at half of maxExpiry where its own lifetime is longer', async () => {
      const app = await readyApp({ session: { ...options, expiry: 50, maxExpiry: 100, rolling: true, absoluteTimeout: 1000 }, routes: ROUTES })
      const cookie = await peerCookie({ expiry: MOST })
      const sent = async (second: number): Promise<number> => {
        clock.setSystemTime(START + second * 1000)
        return linesOf(await get(app, '/read', cookie)).length
      }
      // In another format it is sent at once, for that.
      assert.deepEqual([await sent(50), await sent(51)], format === 'secretbox' ? [0, 1] : [1, 1])
    })

    it('is opened by the codec until maxExpiry', async () => {
      const codec = await createSessionCodec({ ...options, maxExpiry: 10 * DAY })
      const token = sealRaw(key, JSON.stringify({ user: 1, __life: { expiry: MOST }, __ts: seconds() }))
      const opened = codec.open(token)
      assert.equal(opened.ok && opened.expiresAt.getTime(), START + 10 * DAY * 1000)
      clock.setSystemTime(START + 10 * DAY * 1000)
      assert.deepEqual(codec.open(token), { ok: false, reason: 'expired' })
    })

    it('ends at absoluteTimeout where that is earlier', async () => {
      const app = await readyApp({ session: { ...options, absoluteTimeout: 3 * DAY }, routes: ROUTES })
      await endsAt(app, 3 * DAY, await peerCookie({ expiry: MOST }))
    })
  })

  it(`a session that is sealed as another one of the app has no longer lifetime than that one may have, ${format}`, async () => {
    const short = { ...options, sessionName: 'short', maxExpiry: 2 * DAY }
    const app = await readyApp({ session: [{ ...options, key: newKey(), sessionName: 'long' }, short] as never })
    const session = newSession(app, { user: 1 })
    session.options({ expiry: 300 * DAY })
    const opened = (await createSessionCodec({ ...short, maxExpiry: DEFAULT })).open(app.encodeSecureSession(session, 'short' as never))
    assert.equal(opened.ok && opened.expiresAt.getTime(), START + 2 * DAY * 1000)
  })
}

describe('maxExpiry', () => {
  for (const maxExpiry of [0, -1, NaN, Infinity, '60']) {
    it(`is refused as ${String(maxExpiry)} (${typeof maxExpiry})`, async () => {
      const { code, message } = await rejection({ key, maxExpiry })
      assert.equal(code, 'FST_SEALED_SESSION_DURATION')
      assert.match(message, /"maxExpiry"/)
    })
  }

  it('that is shorter than expiry is refused', async () => {
    const { code, message } = await rejection({ key, expiry: 61, maxExpiry: 60 })
    assert.equal(code, 'FST_SEALED_SESSION_EXPIRY_TOO_LONG')
    assert.equal(message, 'an expiry of 61 seconds is longer than "maxExpiry", which is 60')
  })

  it('that is as long as expiry is accepted', async () => {
    assert.deepEqual(await warningsOf({ key, expiry: 60, maxExpiry: 60 }), [])
  })

  it('shortens the default of expiry', async () => {
    const app = await readyApp({ session: { key, maxExpiry: 60 }, routes: { '/login': ({ session }) => { session.set('user', 1) }, '/read': ROUTES['/read']! } })
    await endsAt(app, 60, cookieOf(await get(app, '/login')))
  })

  it('is as long as expiry where only that is set, and longer than 400 days', async () => {
    const app = await readyApp({ session: { key, expiry: 500 * DAY }, routes: ROUTES })
    await endsAt(app, 500 * DAY, cookieOf(await get(app, `/login?expiry=${500 * DAY}`)))
    clock.setSystemTime(START)
    await endsAt(app, 500 * DAY, await peerCookie({ expiry: MOST }))
  })
})
