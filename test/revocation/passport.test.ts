// @fastify/passport with sessions that can be revoked: what it does at a login and a logout counts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { get, post, type Bag } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { cookieOf } from '../support/helpers.ts'
import { newPassport, passportRequest } from '../support/passport.ts'
import { appWithLogins } from '../support/revocation.ts'

async function passportApp (): Promise<FastifyInstance> {
  const passport = newPassport()
  return await appWithLogins({
    revocation: { subject: session => (session as Bag).passport as string | undefined },
    after: app => {
      app.register(passport.initialize())
      app.register(passport.secureSession())
      app.post('/passport/login', async request => { await passportRequest(request).logIn('ann'); return 'in' })
      app.post('/passport/logout', async request => { await passportRequest(request).logOut(); return 'out' })
      app.get('/user', async request => passportRequest(request).user ?? 'nobody')
    }
  })
}

describe('@fastify/passport with revocation', () => {
  const login = async (app: FastifyInstance, cookie?: string): Promise<string> => cookieOf(await post(app, '/passport/login', cookie))
  const user = async (app: FastifyInstance, cookie: string): Promise<string> => (await get(app, '/user', cookie)).body

  it('logOut ends the session, also for a copy of the cookie, and a login right after works', async t => {
    stopClock(t)
    const app = await passportApp()
    const cookie = await login(app)
    assert.equal(await user(app, cookie), 'ann')
    const after = cookieOf(await post(app, '/passport/logout', cookie))
    assert.deepEqual([await user(app, cookie), await user(app, after)], ['nobody', 'nobody'])
    assert.equal(await user(app, await login(app, after)), 'ann')
  })

  it('a login ends the session that the browser had before', async () => {
    const app = await passportApp()
    const first = await login(app)
    const second = await login(app, first)
    assert.deepEqual([await user(app, first), await user(app, second)], ['nobody', 'ann'])
  })

  it('revokeSubject logs out a user everywhere, and a login right after works', async t => {
    stopClock(t)
    const app = await passportApp()
    const cookies = [await login(app), await login(app)]
    await app.revokeSubject('ann')
    for (const cookie of cookies) assert.equal(await user(app, cookie), 'nobody')
    assert.equal(await user(app, await login(app)), 'ann')
  })
})
