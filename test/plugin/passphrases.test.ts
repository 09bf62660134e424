// Passphrases that are rotated: `secret` with an array. A derivation takes half a second, so there are few.
import assert from 'node:assert/strict'
import { before, describe, it, mock } from 'node:test'
import { Signer } from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import { sodium } from '../../src/crypto/sodium.ts'
import { cookieOf, tokenOf } from '../support/helpers.ts'
import { get, linesOf, newApp, post, readyApp } from '../support/app.ts'
import { PLUGINS } from '../support/peer.ts'

const OLD = 'the old passphrase of more than 32 bytes'
const NEW = 'the new passphrase of more than 32 bytes'
const SALT = 'sixteen bytes ok'

// What libsodium derives from them with this salt.
const OLD_KEY = '7d874adfde6dd704c6685d50931764d087d0d90820695e1cd56b95f56cc2414c'
const NEW_KEY = 'f2df8c30ac0f58658b327a92afe4ce97291ea316bf64d06062098ea12ac4834f'

const SIGNED = { cookie: { signed: true, path: '/' } }

async function appOf (options: object): Promise<FastifyInstance> {
  return await readyApp({
    session: options,
    routes: {
      '/read': ({ session }) => session.data(),
      '/set': ({ session }) => session.set('n', 1)
    }
  })
}

/** The cookie of a session that the peer sealed and signed with the old passphrase. */
async function cookieOfPeer (): Promise<string> {
  const app = newApp({ plugin: PLUGINS.peer, session: { secret: OLD, salt: SALT, ...SIGNED } })
  return cookieOf(await post(app, '/set', undefined, { n: 1 }))
}

describe('secret: [newSecret, oldSecret]', () => {
  let app: FastifyInstance
  before(async () => { app = await appOf({ secret: [NEW, OLD], salt: SALT, ...SIGNED }) })

  it('opens what the peer sealed and signed with the old one, and seals and signs it again with the new one, once', async () => {
    const response = await get(app, '/read', await cookieOfPeer())
    assert.deepEqual(response.json(), { n: 1 })
    const { valid, value } = new Signer(NEW).unsign(tokenOf(response))
    assert.equal(valid, true)
    const alone = await appOf({ key: NEW_KEY })
    assert.deepEqual(alone.decodeSecureSession(value!)?.data(), { n: 1 })
    const again = await get(app, '/read', cookieOf(response))
    assert.deepEqual(again.json(), { n: 1 })
    assert.deepEqual(linesOf(again), [])
  })

  it('seals and signs with the new one', async () => {
    const value = tokenOf(await get(app, '/set'))
    assert.equal(new Signer(OLD).unsign(value).valid, false)
    const token = new Signer(NEW).unsign(value).value!
    assert.deepEqual((await appOf({ key: NEW_KEY })).decodeSecureSession(token)?.data(), { n: 1 })
    assert.equal((await appOf({ key: OLD_KEY })).decodeSecureSession(token), null)
  })

  it('opens the sealed format with each of them', async () => {
    for (const key of [NEW_KEY, OLD_KEY]) {
      const other = await appOf({ key, format: 'sealed' })
      const token = other.encodeSecureSession(other.createSecureSession({ n: 1 }))
      assert.deepEqual(app.decodeSecureSession(token)?.data(), { n: 1 })
    }
  })
})

describe('passphrases', () => {
  it('are derived two at a time, those of several sessions, too, while timers go on', async t => {
    let running = 0
    let most = 0
    const library = sodium()
    const derive = library.derivePassphraseKey.bind(library)
    const derivations = mock.method(library, 'derivePassphraseKey', async (...values: Parameters<typeof derive>) => {
      most = Math.max(most, ++running)
      const key = await derive(...values)
      running--
      return key
    })
    let ticks = 0
    const timer = setInterval(() => { ticks++ }, 5)
    t.after(() => { derivations.mock.restore(); clearInterval(timer) })
    await appOf([
      { sessionName: 'session', secret: [NEW, OLD, `${OLD}er`], salt: SALT },
      { sessionName: 'other', secret: OLD, salt: SALT }
    ])
    assert.equal(derivations.mock.callCount(), 4)
    assert.equal(most, 2)
    // They take a second or more, which has room for two hundred; a loop that each one blocks, for four.
    assert.ok(ticks >= 10, `${ticks} ticks`)
  })

  it('are refused where the array is empty', async () => {
    await assert.rejects(appOf({ secret: [] }), { code: 'FST_SEALED_SESSION_KEY_MISSING' })
  })

  it('are refused where one of them is short or not set, with its position', async () => {
    await assert.rejects(appOf({ secret: [NEW, 'short'] }), { code: 'FST_SEALED_SESSION_SECRET_LENGTH', message: 'secret[1] must be at least 32 bytes' })
    await assert.rejects(appOf({ secret: [NEW, undefined] }), { code: 'FST_SEALED_SESSION_SECRET_TYPE', message: 'secret[1] must be a string or a Buffer, got undefined' })
  })
})
