// Sessions that an app on Fastify has bound to a device, on the web entry beside it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
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

it('a bound session does not open without the option device', async () => {
  const { cookies, open } = await start({ device: undefined })
  const session = await open(cookies)
  assert.equal(session.user, undefined)
  assert.equal(sessionInfo(session).status, 'rejected')
})
