// Sessions that stay open behind their request, and users who authenticate again, while the session is bound.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyInstance } from 'fastify'
import { authenticated, sessionSignal, type Session } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { appWithDevices, boundDevice, infoOf, loggedIn, only, PROOF_ONLY, SESSION_ONLY, stolen, type DeviceSetup } from '../support/device.ts'
import { key, subject } from '../support/revocation.ts'

const GRACE = 10_000
const INTERVAL = 600_000
const MINUTE = 60_000

function stopTimers (t: TestContext): FakeTimers.Clock {
  const clock = FakeTimers.install({ now: 1_800_000_000_000, toFake: ['Date', 'setTimeout', 'clearTimeout'] })
  t.after(() => clock.uninstall())
  return clock
}

interface Server {
  app: FastifyInstance
  /** Signals that the route has taken, of the request's session or of one outside it. */
  signals: AbortSignal[]
}

async function server (setup: DeviceSetup = {}): Promise<Server> {
  const signals: AbortSignal[] = []
  const app = await appWithDevices({
    session: { key },
    ...setup,
    routes: {
      'GET /open': ({ session }) => { signals.push(sessionSignal(session)) },
      'GET /outside': request => { signals.push(sessionSignal(request.server.decodeSecureSession(request as never) as Session)) },
      'POST /confirm': ({ session }) => { authenticated(session, 'password') }
    }
  })
  return { app, signals }
}

function ends (signals: readonly AbortSignal[]): unknown[] {
  return signals.map(signal => signal.aborted ? (signal.reason as { end: unknown }).end : null)
}

const REVOCATION = { revocation: { store: new MemoryStore(), subject } }

for (const [kind, setup] of Object.entries({ 'without revocation': {}, 'with revocation': REVOCATION } as Record<string, DeviceSetup>)) {
  describe(`the signal of a bound session, ${kind}`, () => {
    it('fires as device-unproven one interval after the proof of its request is over, in a request and outside one', async t => {
      const clock = stopTimers(t)
      const { app, signals } = await server(setup)
      const device = await boundDevice(app)
      const listener = (): void => {}
      for (const url of ['/open', '/outside']) await device.inject(app, { url })
      for (const signal of signals) signal.addEventListener('abort', listener)
      await clock.tickAsync(2 * INTERVAL - 1)
      assert.deepEqual(ends(signals), [null, null])
      await clock.tickAsync(MINUTE + 1)
      assert.deepEqual(ends(signals), ['device-unproven', 'device-unproven'])
      await device.inject(app, { url: '/open' })
      assert.deepEqual(ends(signals.slice(2)), [null], 'a client that comes back brings a new proof')
    })

    it('does not fire for a session that came without its proof, as for any that was refused', async t => {
      const clock = stopTimers(t)
      const { app, signals } = await server(setup)
      const device = await boundDevice(app)
      await stolen(app, only(device.cookies, ...SESSION_ONLY), '/open')
      await clock.tickAsync(3 * INTERVAL)
      assert.deepEqual(ends(signals), [null])
    })

    it('of a session that is not bound does not fire for want of a proof', async t => {
      const clock = stopTimers(t)
      const { app, signals } = await server(setup)
      const { device } = await loggedIn(app)
      await device.inject(app, { url: '/open' })
      await clock.tickAsync(3 * INTERVAL)
      assert.deepEqual(ends(signals), [null])
    })

    it('of a session that was opened before the policy "require" refuses it fires as device-required', async t => {
      const clock = stopTimers(t)
      const { app, signals } = await server({ ...setup, device: { policy: 'require', grace: 60 } })
      const { device } = await loggedIn(app)
      await device.inject(app, { url: '/open' })
      await clock.tickAsync(2 * MINUTE + 1)
      assert.deepEqual(ends(signals), ['device-required'])
    })
  })

  describe(`a user who authenticates again in a bound session, ${kind}`, () => {
    it('has the session with the time of now, bound as before; a copy of both cookies is dead with its proof', async t => {
      const clock = stopTimers(t)
      const { app } = await server(setup)
      const device = await boundDevice(app)
      const copy = device.cookies
      clock.tick(1000)
      const response = await device.inject(app, { method: 'POST', url: '/confirm' })
      assert.equal(response.statusCode, 200)
      const info = await infoOf(app, device.cookies)
      assert.deepEqual([info.device?.state, info.authentications], ['bound', { password: new Date(clock.now).toISOString() }])
      assert.equal(response.headers['secure-session-registration'], undefined)
      assert.deepEqual((await infoOf(app, device.cookies)).authentications, info.authentications)
      clock.tick(INTERVAL + MINUTE)
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
      assert.equal(device.isBound, true)
      for (const cookies of [copy, `${only(device.cookies, ...SESSION_ONLY)}; ${only(copy, ...PROOF_ONLY)}`]) assert.equal((await stolen(app, cookies)).body, 'nobody')
    })

    it('keeps the times when the session is bound', async t => {
      const clock = stopTimers(t)
      const { app } = await server(setup)
      const { device } = await loggedIn(app)
      clock.tick(1000)
      const confirmed = await device.inject(app, { method: 'POST', url: '/confirm' })
      const { authentications } = await infoOf(app, device.cookies)
      assert.equal((await device.register(app, confirmed))?.statusCode, 200)
      clock.tick(MINUTE)
      assert.deepEqual((await infoOf(app, device.cookies)).authentications, authentications)
    })
  })
}

describe('39. the signal of a session that is bound while it is open', () => {
  it('fires ten seconds after the binding, as for any copy from before; the client comes back with the session that is bound', async t => {
    const clock = stopTimers(t)
    const { app, signals } = await server(REVOCATION)
    const { device, response } = await loggedIn(app)
    await device.inject(app, { url: '/open' })
    signals[0]!.addEventListener('abort', () => {}) // it is the only one
    await device.register(app, response)
    await clock.tickAsync(GRACE - 1)
    assert.deepEqual(ends(signals), [null])
    await clock.tickAsync(5000)
    assert.deepEqual(ends(signals), ['revoked'])
    await device.inject(app, { url: '/open' })
    assert.deepEqual(ends(signals.slice(1)), [null])
  })

  it('fires at once when a bound session is revoked', async t => {
    stopTimers(t)
    const { app, signals } = await server(REVOCATION)
    const device = await boundDevice(app)
    await device.inject(app, { url: '/open' })
    await app.revokeSubject('ann')
    await Promise.resolve()
    assert.deepEqual(ends(signals), ['revoked'])
  })
})
