// What registering the plugin adds to an app, and how it refuses, is as with the peer.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import Fastify from 'fastify'
import fp from 'fastify-plugin'
import { newKey } from '../support/helpers.ts'
import { PLUGINS, SIDES, bothSides, serverOf, type Options, type PeerSetup } from '../support/peer.ts'

const KEY = newKey()

it('the peer that these tests compare with is version 8.4.0', () => {
  const { name, version } = createRequire(import.meta.url)('@fastify/secure-session/package.json') as Record<string, unknown>
  assert.deepEqual([name, version], ['@fastify/secure-session', '8.4.0'])
})

const SETUPS: ReadonlyArray<PeerSetup & { title: string, signs: boolean }> = [
  { title: 'a key', options: { key: KEY }, signs: true },
  { title: 'names of its own', options: { key: KEY, sessionName: 'login', cookieName: 'l' }, signs: true },
  { title: 'several sessions', options: [{ sessionName: 'a', key: KEY }, { sessionName: 'b', key: newKey() }], signs: true },
  { title: "the app's @fastify/cookie", options: { key: KEY }, cookie: { secret: 'of the app' }, signs: true },
  { title: "the app's @fastify/cookie without a secret", options: { key: KEY }, cookie: {}, signs: false }
]

const OF_APP = ['createSecureSession', 'encodeSecureSession', 'decodeSecureSession', 'serializeCookie', 'parseCookie']
const OF_REPLY = ['setCookie', 'cookie', 'clearCookie']
const OF_SIGNING = ['signCookie', 'unsignCookie']
const SESSION_NAMES = ['session', 'login', 'a', 'b']

describe('an app has what it has with the peer, given', () => {
  for (const { title, signs, ...setup } of SETUPS) {
    it(title, async () => {
      const servers = await bothSides(setup)
      const registered = [setup.options].flat().map(({ sessionName }) => sessionName ?? 'session')
      for (const side of SIDES) {
        const { app } = servers[side]
        assert.deepEqual(['@fastify/secure-session', '@fastify/cookie'].map(name => app.hasPlugin(name)), [true, true], side)
        assert.deepEqual(OF_APP.filter(name => !app.hasDecorator(name)), [], side)
        assert.deepEqual(OF_REPLY.filter(name => !app.hasReplyDecorator(name)), [], side)
        assert.deepEqual([...SESSION_NAMES, 'cookies'].filter(name => app.hasRequestDecorator(name)), [...registered, 'cookies'], side)
        for (const name of OF_SIGNING) {
          const found = [app.hasDecorator(name), app.hasRequestDecorator(name), app.hasReplyDecorator(name)]
          assert.deepEqual(found, [signs, signs, signs], `${side}, ${name}`)
        }
      }
    })
  }

  it('another plugin that depends on the peer by its name and its decorators', async () => {
    const dependent = fp(async () => {}, {
      name: 'dependent',
      dependencies: ['@fastify/secure-session'],
      decorators: { fastify: ['createSecureSession'], request: ['session'] }
    })
    for (const side of SIDES) {
      const { app } = await serverOf(side, { options: { key: KEY } }, app => app.register(dependent))
      assert.equal(app.hasPlugin('dependent'), true, side)
    }
  })

  it('a plugin that calls it, and hands its own callback on', async () => {
    for (const side of SIDES) {
      const { app } = await serverOf(side, { options: { key: KEY } })
      const outer = Fastify()
      let calls = 0
      outer.register(fp((inner, _options, done) => {
        PLUGINS[side](inner, { key: KEY }, (error?: Error) => { calls++; done(error) })
      }))
      await outer.ready()
      assert.equal(calls, 1, side)
      assert.equal(outer.decodeSecureSession(app.encodeSecureSession(app.createSecureSession({ n: 1 })))?.get('n'), 1, side)
    }
  })

  it('signatures that the other side accepts for cookies of the app', async () => {
    for (const options of [{ key: KEY }, { key: [KEY, newKey()] }, { secret: 'x'.repeat(40), salt: 's'.repeat(16) }]) {
      const { peer, ours } = await bothSides({ options })
      assert.equal(ours.app.signCookie('value'), peer.app.signCookie('value'))
      assert.deepEqual(ours.app.unsignCookie(peer.app.signCookie('value')), { valid: true, renew: false, value: 'value' })
    }
  })

  it('signatures of the last of several sessions', async () => {
    const { peer, ours } = await bothSides({ options: [{ sessionName: 'a', key: KEY }, { sessionName: 'b', key: newKey() }] })
    assert.equal(ours.app.signCookie('value'), peer.app.signCookie('value'))
  })
})

/** Messages that the peer's own suite asserts: as a whole, or as a part. */
const REFUSED: ReadonlyArray<{ title: string, options: Options | Options[], message: string, isWhole: boolean }> = [
  { title: 'no key', options: {}, message: 'key or secret must specified', isWhole: true },
  { title: 'a key of undefined', options: { key: undefined }, message: 'key or secret must specified', isWhole: true },
  { title: 'no key in one of several sessions', options: [{ sessionName: 'a', key: KEY }, { sessionName: 'b' }], message: 'key or secret must specified', isWhole: true },
  { title: 'a key of true', options: { key: true }, message: 'key must be a string or a Buffer', isWhole: true },
  { title: 'an array with true', options: { key: [true] }, message: 'Key must be string or buffer', isWhole: false },
  { title: 'a key of 27 bytes', options: { key: Buffer.alloc(27, 1) }, message: 'key must be 32 bytes', isWhole: false },
  { title: 'a key of 37 bytes', options: { key: Buffer.alloc(37, 1) }, message: 'key must be 32 bytes', isWhole: false },
  { title: 'a base64 key of 27 bytes', options: { key: Buffer.alloc(27, 1).toString('base64') }, message: 'key must be 32 bytes', isWhole: false },
  { title: 'a secret of 31 bytes', options: { secret: 'a'.repeat(31) }, message: 'secret must be at least 32 bytes', isWhole: true },
  { title: 'a salt of 15 bytes', options: { secret: 'a'.repeat(32), salt: 'a'.repeat(15) }, message: 'salt must be length 16', isWhole: true },
  { title: 'a salt of 17 bytes', options: { secret: 'a'.repeat(32), salt: Buffer.alloc(17) }, message: 'salt must be length 16', isWhole: true }
]

describe('registration fails on both sides, with what the suite of the peer asserts of its message, given', () => {
  for (const { title, options, message, isWhole } of REFUSED) {
    it(title, async () => {
      for (const side of SIDES) {
        await assert.rejects(serverOf(side, { options }), (error: Error) => {
          if (isWhole) assert.equal(error.message, message, side)
          else assert.ok(error.message.includes(message), `${side}: ${error.message}`)
          return true
        })
      }
    })
  }

  it('an empty array of keys', async () => {
    for (const side of SIDES) await assert.rejects(serverOf(side, { options: { key: [] } }), side)
  })
})
