// Rotation of the keys under bound sessions that can be revoked: their ids change with the binding.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { Keyring } from '../../src/index.ts'
import { MemoryRegistry } from '../../src/registry/index.ts'
import { MemoryStore, type RevocationStore } from '../../src/revocation/index.ts'
import { stopClock } from '../support/configurations.ts'
import { appWithDevices, boundDevice, infoOf, loggedIn, only, SESSION_ONLY, stolen } from '../support/device.ts'
import { newKey } from '../support/helpers.ts'
import { onlyOne } from '../support/registry.ts'
import { subject, TestStore } from '../support/revocation.ts'

const GRACE = 10_000
const INTERVAL = 600_000

async function rotatable (store: RevocationStore = new MemoryStore()): Promise<{ app: FastifyInstance, keyring: Keyring, first: string }> {
  const keyring = new Keyring(newKey())
  const app = await appWithDevices({ session: { key: keyring }, revocation: { store, subject, cacheTtl: 0 }, registry: { store: new MemoryRegistry() } })
  return { app, keyring, first: keyring.ids[0]! } // it has one
}

describe('29. with revocation, after a rotation of the sealing keys, a session', () => {
  it('is renewed at the next refresh, under a new id and in one line of the list, and works after the old key is retired', async t => {
    const clock = stopClock(t)
    const { app, keyring, first } = await rotatable()
    const device = await boundDevice(app)
    const [copy, { id }] = [device.cookies, await infoOf(app, device.cookies)]
    keyring.rotate(newKey())
    await device.refresh(app)
    const renewed = await infoOf(app, device.cookies)
    assert.notEqual(renewed.id, id)
    assert.equal(renewed.device?.state, 'bound')
    assert.deepEqual([(await onlyOne(app)).id, (await onlyOne(app)).bound], [renewed.id, true])
    assert.equal((await stolen(app, copy)).body, 'ann')
    clock.tick(GRACE + 1)
    assert.equal((await stolen(app, copy)).body, 'nobody')
    keyring.retire(first)
    clock.tick(INTERVAL)
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    assert.equal((await infoOf(app, device.cookies)).id, renewed.id)
    assert.equal(device.isBound, true)
  })

  it('goes on if a slow response from before the renewal has put its old cookie back, also if the proof is over by then', async t => {
    const clock = stopClock(t)
    for (const wait of [GRACE + 1, INTERVAL + 60_000]) {
      const { app, keyring } = await rotatable()
      const device = await boundDevice(app)
      const slow = await app.inject({ method: 'POST', url: '/write', payload: { n: 1 }, headers: { cookie: device.cookies } })
      keyring.rotate(newKey())
      await device.refresh(app)
      device.take(slow)
      clock.tick(wait)
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
      assert.equal(device.isBound, true)
      assert.equal((await onlyOne(app)).id, (await infoOf(app, device.cookies)).id)
    }
  })

  it('ends with a logout by a request that was under way when it was renewed', async () => {
    const { app, keyring } = await rotatable()
    const device = await boundDevice(app)
    const copy = device.cookies
    keyring.rotate(newKey())
    await device.refresh(app)
    await app.inject({ method: 'POST', url: '/logout', headers: { cookie: copy } })
    assert.equal((await device.inject(app, { url: '/me' })).body, 'nobody')
  })

  it('ends by the id of before it was ever bound, two bindings ago', async () => {
    const { app, keyring } = await rotatable()
    const { device, response } = await loggedIn(app)
    const { id } = await infoOf(app, device.cookies)
    await device.register(app, response)
    keyring.rotate(newKey())
    await device.refresh(app)
    await app.revokeSessionId(id!) // revocation gives each an id
    assert.equal((await device.inject(app, { url: '/me' })).body, 'nobody')
  })

  it('stays as it is if the renewal cannot be stored, and is renewed by a later refresh', async t => {
    const clock = stopClock(t)
    const store = new TestStore()
    const { app, keyring, first } = await rotatable(store)
    const device = await boundDevice(app)
    const { id } = await infoOf(app, device.cookies)
    keyring.rotate(newKey())
    store.before = method => { if (method === 'set') throw new Error('away') }
    await device.refresh(app)
    assert.equal((await infoOf(app, device.cookies)).id, id)
    store.recover()
    clock.tick(INTERVAL)
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
    assert.notEqual((await infoOf(app, device.cookies)).id, id)
    keyring.retire(first)
    assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
  })
})

describe('29. without revocation, after a rotation of the sealing keys, a session', () => {
  it('goes on if a slow response from before the renewal has put its old cookie back', async t => {
    const clock = stopClock(t)
    for (const wait of [0, INTERVAL + 60_000]) {
      const keyring = new Keyring(newKey())
      const app = await appWithDevices({ session: { key: keyring } })
      const device = await boundDevice(app)
      const slow = await app.inject({ method: 'POST', url: '/write', payload: { n: 1 }, headers: { cookie: device.cookies } })
      keyring.rotate(newKey())
      await device.refresh(app)
      device.take(slow)
      clock.tick(wait)
      assert.equal((await device.inject(app, { url: '/me' })).body, 'ann')
      assert.equal(device.isBound, true)
      assert.equal((await infoOf(app, only(device.cookies, ...SESSION_ONLY))).reason, 'device-unproven')
    }
  })
})

describe('30. with revocation, a session whose key was retired without a renewal', () => {
  it('is refused, and its refresh ends it, before the store is asked', async () => {
    const store = new TestStore()
    const { app, keyring, first } = await rotatable(store)
    const device = await boundDevice(app)
    keyring.rotate(newKey())
    keyring.retire(first)
    store.take()
    assert.equal((await infoOf(app, device.cookies)).reason, 'key-unknown')
    assert.equal((await device.refresh(app)).json<{ continue: boolean }>().continue, false)
    assert.equal(device.isBound, false)
    assert.deepEqual(store.calls, [])
  })
})
