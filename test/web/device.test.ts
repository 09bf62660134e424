// Sessions that an app on Fastify has bound to a device, on the web entry beside it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MemoryStore } from '../../src/revocation/index.ts'
import { createWebSessions, sessionInfo, type WebSessionsOptions } from '../../src/web/index.ts'
import { appWithDevices, boundDevice, only, PROOF_ONLY, SESSION, SESSION_ONLY } from '../support/device.ts'
import type { WebBag } from '../support/fetch.ts'
import { newKey } from '../support/helpers.ts'

interface Started {
  /** `Cookie` header of a browser that is bound. */
  cookies: string
  open: (cookie: string) => Promise<WebBag>
  ask: (url: string, cookie: string) => Promise<string>
  warned: string[]
}

async function start (options: object = {}, session: object = {}): Promise<Started> {
  const shared = { key: newKey(), ...SESSION, cookieName: 'session', ...session }
  const app = await appWithDevices({ session: shared })
  const warned: string[] = []
  const sessions = await createWebSessions({ ...shared, device: true, log: { warn: (details: object) => { warned.push((details as { code: string }).code) } }, ...options } as WebSessionsOptions)
  const device = await boundDevice(app)
  return {
    cookies: device.cookies,
    open: async cookie => await sessions.open({ headers: { cookie } }) as WebBag,
    ask: async (url, cookie) => (await app.inject({ url, headers: { cookie } })).body,
    warned
  }
}

for (const [what, session] of Object.entries({ sealed: {}, 'sealed and signed': { cookie: { ...SESSION.cookie, signed: true } } })) {
  describe(`a bound session, ${what}`, () => {
    it('opens beside the proof of its device only', async () => {
      const { cookies, open } = await start({}, session)
      const own = await open(cookies)
      assert.equal(own.user, 'ann')
      assert.equal(sessionInfo(own).device?.state, 'bound')
      const stolen = await open(only(cookies, ...SESSION_ONLY))
      assert.equal(stolen.user, undefined)
      assert.deepEqual([sessionInfo(stolen).reason, sessionInfo(stolen).device?.state], ['device-unproven', 'unproven'])
      assert.equal((await open(only(cookies, ...PROOF_ONLY))).user, undefined)
    })

    it('stays bound when it is written, and opens in the app', async () => {
      const { cookies, open, ask } = await start({}, session)
      const own = await open(cookies)
      own.set('n', 1)
      const headers = new Headers()
      await own.commit(headers)
      const [pair = ''] = (headers.getSetCookie()[0] ?? '').split(';', 1)
      assert.equal(await ask('/me', `${pair}; ${only(cookies, ...PROOF_ONLY)}`), 'ann')
      assert.equal(await ask('/me', pair), 'nobody')
    })

    it('is not written over by a request that has not proved it, of which a warning tells once', async () => {
      const { cookies, open, warned } = await start({}, session)
      for (let times = 0; times < 2; times++) {
        const stolen = await open(only(cookies, ...SESSION_ONLY))
        stolen.cart = 1
        const headers = new Headers()
        await stolen.commit(headers)
        assert.deepEqual([...headers], [])
      }
      assert.deepEqual(warned, ['FST_SEALED_SESSION_WARN_DEVICE_UNPROVEN'])
    })
  })
}

describe('a bound session without the option device', () => {
  const WITHOUT = { device: undefined }

  it('does not open', async () => {
    const { cookies, open } = await start(WITHOUT)
    const session = await open(cookies)
    assert.equal(session.user, undefined)
    assert.equal(sessionInfo(session).status, 'rejected')
  })

  for (const [kind, options] of Object.entries<object>({ alone: {}, 'with revocation': { revocation: { store: new MemoryStore(), subject: (session: WebBag) => session.user } } })) {
    it(`is not written over by what is no login, since nobody here can see it, of which a warning tells once: ${kind}`, async () => {
      const { cookies, open, warned } = await start({ ...WITHOUT, ...options })
      for (const write of [
        (session: WebBag) => { session.cart = 1 },
        (session: WebBag) => { session.touch() },
        (session: WebBag) => { session.regenerate(['user'] as never) }
      ]) {
        const session = await open(cookies)
        write(session)
        const headers = new Headers()
        await session.commit(headers)
        assert.deepEqual([...headers], [])
      }
      assert.deepEqual(warned, ['FST_SEALED_SESSION_WARN_DEVICE_UNKNOWN'])
    })

    it(`is replaced by a login, and deleted by a logout: ${kind}`, async () => {
      const { cookies, open, ask, warned } = await start({ ...WITHOUT, ...options })
      for (const [write, user] of [
        [(session: WebBag) => { session.regenerate(); session.user = 'bob' }, 'bob'],
        [(session: WebBag) => { session.regenerate(['passport'] as never); session.user = 'bob' }, 'bob'],
        [(session: WebBag) => { session.delete() }, 'nobody']
      ] as const) {
        const session = await open(cookies)
        write(session)
        const headers = new Headers()
        await session.commit(headers)
        assert.equal(headers.getSetCookie().length, 1)
        if (kind === 'alone') assert.equal(await ask('/me', headers.getSetCookie()[0]!.split(';')[0]!), user)
      }
      assert.deepEqual(warned, [])
    })
  }

  it('has nothing to do with other sessions, and with cookies that open nothing', async () => {
    const { open, warned } = await start(WITHOUT)
    for (const cookie of ['', 'session=garbage']) {
      const session = await open(cookie)
      session.cart = 1
      const headers = new Headers()
      await session.commit(headers)
      assert.equal(headers.getSetCookie().length, 1)
    }
    assert.deepEqual(warned, [])
  })
})
