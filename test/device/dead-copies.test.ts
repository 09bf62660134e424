// Copies of a session that are dead, since it went on under another id: what a thief can still do with them.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { authenticated, Keyring } from '../../src/index.ts'
import { MemoryStore, type RevocationStore } from '../../src/revocation/index.ts'
import { createTestDevice, type TestDevice } from '../../src/testing/index.ts'
import { createWebSessions, type WebSessionsOptions } from '../../src/web/index.ts'
import { post, type Handlers } from '../support/app.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, infoOf, loggedIn, only, PROOF_ONLY, SESSION, SESSION_ONLY, stolen } from '../support/device.ts'
import { newKey, setCookies } from '../support/helpers.ts'
import { subject } from '../support/revocation.ts'

const GRACE = 10_000

/** Routes by which a session goes on under another id, and stays bound. */
const GOES_ON: Handlers = {
  'POST /confirm': ({ session }) => { authenticated(session, 'password') },
  'POST /keep': ({ session }) => { session.regenerate(['user'] as never) },
  'POST /others': async ({ server, session }) => { await server.revokeOtherSessions(session) },
  'POST /longer': ({ session }) => { session.options({ expiry: 90_000 } as never) }
}

interface Process { app: FastifyInstance, keyring: Keyring, store: RevocationStore }

async function start (store: RevocationStore = new MemoryStore(), keyring = new Keyring(newKey())): Promise<Process> {
  const app = await appWithDevices({ session: { key: keyring }, revocation: { store, subject, cacheTtl: 0 }, routes: GOES_ON })
  return { app, keyring, store }
}

/** A browser that is bound, and a copy of its cookie from before. */
async function boundWithCopy (app: FastifyInstance): Promise<{ device: TestDevice, copy: string }> {
  const { device, response } = await loggedIn(app, createTestDevice())
  const copy = device.cookies
  assert.equal((await device.register(app, response))?.statusCode, 200)
  return { device, copy }
}

const LOGOUTS: Handlers = {
  'POST /out': ({ session }) => { session.delete() },
  'POST /deleted': ({ session }) => { session.deleted = true },
  'POST /both': ({ session }) => { session.regenerate(); session.delete() }
}

describe('39. a copy from before the binding that is dead', () => {
  for (const name of Object.keys(LOGOUTS)) {
    const url = name.slice('POST '.length)
    it(`logs nobody out by a route of the app, in no process: ${url}`, async t => {
      const clock = stopClock(t)
      const store = new MemoryStore()
      const key = newKey()
      const processes = await Promise.all([1, 2].map(async () => await appWithDevices({ session: { key }, revocation: { store, subject, cacheTtl: 0 }, routes: LOGOUTS })))
      for (const app of processes) {
        const { device, copy } = await boundWithCopy(app)
        for (const wait of [GRACE + 1, 3_600_000]) {
          clock.tick(wait)
          for (const process of processes) {
            assert.equal((await stolen(process, copy)).body, 'nobody')
            await post(process, url, copy)
            assert.equal((await device.inject(process, { url: '/me' })).body, 'ann')
          }
        }
      }
    })
  }

  it('logs nobody out on the web entry', async t => {
    const clock = stopClock(t)
    const { app, keyring, store } = await start()
    const web = await createWebSessions({ key: keyring, ...SESSION, cookieName: 'session', device: true, revocation: { store, subject, cacheTtl: 0 }, log: {} } as WebSessionsOptions)
    const { device, copy } = await boundWithCopy(app)
    clock.tick(GRACE + 1)
    const session = await web.open({ headers: { cookie: copy } })
    session.delete()
    await session.commit(new Headers())
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
  })

  it('has its cookie taken away by a logout, and is followed by a login', async t => {
    const clock = stopClock(t)
    const { app } = await start()
    const { copy } = await boundWithCopy(app)
    clock.tick(GRACE + 1)
    assert.match(setCookies(await post(app, '/logout', copy)).join('\n'), /^session=;/)
    const [line = ''] = setCookies(await post(app, '/login', copy, { user: 'ann' }))
    assert.equal((await stolen(app, line.split(';')[0]!)).body, 'ann')
  })
})

/** Ends of a session that is bound. */
const ENDS: Record<string, (app: FastifyInstance, device: TestDevice) => Promise<unknown>> = {
  'a logout': async (app, device) => await device.inject(app, { method: 'POST', url: '/logout' }),
  'its id': async (app, device) => { await app.revokeSessionId((await infoOf(app, device.cookies)).id!) }, // revocation gives each an id
  'regenerate(keys)': async (app, device) => await device.inject(app, { method: 'POST', url: '/keep' })
}

describe('39. a copy from before the binding, or from before a renewal, within the ten seconds after that', () => {
  for (const [by, end] of Object.entries(ENDS)) {
    it(`ends at once in all processes with the session that it has become: by ${by}`, async t => {
      stopClock(t)
      const { app, keyring, store } = await start()
      const other = await start(store, keyring)
      const { device, copy } = await boundWithCopy(app)
      const bound = device.cookies
      keyring.rotate(newKey())
      await device.refresh(app)
      for (const process of [app, other.app]) for (const cookie of [copy, bound]) assert.equal((await stolen(process, cookie)).body, 'ann')
      await end(app, device)
      for (const process of [app, other.app]) for (const cookie of [copy, bound]) assert.equal((await stolen(process, cookie)).body, 'nobody')
    })

    it(`is not sealed again by a request that is under way then: by ${by}`, async t => {
      stopClock(t)
      let meanwhile: () => Promise<unknown> = async () => null
      const app = await appWithDevices({
        revocation: { store: new MemoryStore(), subject, cacheTtl: 0 },
        routes: { ...GOES_ON, 'POST /slow': async ({ session }) => { await meanwhile(); Object.assign(session, { n: 1 }); return subject(session) ?? 'nobody' } }
      })
      const { device, copy } = await boundWithCopy(app)
      meanwhile = async () => await end(app, device)
      const response = await post(app, '/slow', copy)
      assert.deepEqual([response.body, setCookies(response)], ['nobody', []])
    })
  }
})

describe('39. a copy of a session that has gone on, and whose identifier was renewed then', () => {
  for (const name of Object.keys(GOES_ON)) {
    const url = name.slice('POST '.length)
    it(`opens nothing beside the newest proof, before and after the logout: ${url}`, async t => {
      const clock = stopClock(t)
      const { app, keyring, store } = await start()
      const { device, copy } = await boundWithCopy(app)
      const bound = only(device.cookies, ...SESSION_ONLY)
      clock.tick(GRACE + 1)
      assert.equal((await device.inject(app, { method: 'POST', url })).statusCode, 200)
      keyring.rotate(newKey())
      const { id } = await infoOf(app, device.cookies)
      await device.refresh(app)
      assert.notEqual((await infoOf(app, device.cookies)).id, id, 'it was renewed')
      clock.tick(GRACE + 1)
      const [jar, proof] = [device.cookies, only(device.cookies, ...PROOF_ONLY)]
      const other = await start(store, keyring)
      const assertDead = async (cookies: readonly string[]): Promise<void> => {
        for (const cookie of cookies) for (const process of [app, other.app]) assert.equal((await stolen(process, cookie)).body, 'nobody')
      }
      await assertDead([`${copy}; ${proof}`, `${bound}; ${proof}`])
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
      await device.inject(app, { method: 'POST', url: '/logout' })
      await assertDead([jar, `${copy}; ${proof}`, `${bound}; ${proof}`])
    })
  }

  it('opens beside it where the app looks at it by itself, and is told to have ended', async t => {
    const clock = stopClock(t)
    const { app, keyring } = await start()
    const { device } = await boundWithCopy(app)
    const bound = only(device.cookies, ...SESSION_ONLY)
    clock.tick(GRACE + 1)
    await device.inject(app, { method: 'POST', url: '/keep' })
    keyring.rotate(newKey())
    await device.refresh(app)
    const opened = app.decodeSecureSession({ headers: { cookie: `${bound}; ${only(device.cookies, ...PROOF_ONLY)}` } } as never)
    assert.equal(await app.isSessionRevoked(opened ?? assert.fail()), true)
  })
})
