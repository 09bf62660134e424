// Keys derived from a passphrase: the same ones that the peer derives. A derivation takes half a second.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import sodium from 'sodium-native'
import { openSecretbox } from '../../src/token/secretbox.ts'
import { KeySet } from '../../src/keys/key-set.ts'
import { keysFromPassphrases, readSecrets } from '../../src/keys/passphrase.ts'
import { readyApp } from '../support/app.ts'
import { PLUGINS } from '../support/peer.ts'

const SECRET = 'a passphrase of more than thirty-two bytes, with an é'
const SALT = 'sixteen bytes, ÿ'
const KEY = '3cec68d60960cc90f07df6b537fa50c4489fb0cf01d779c625579a6dd11b55f6'

/** The key of one passphrase. */
async function keyFromPassphrase (secret: unknown, salt: unknown): Promise<Buffer> {
  const [key] = await keysFromPassphrases(readSecrets(secret), salt)
  return key!
}

describe('keysFromPassphrases', () => {
  it('derives the keys of several passphrases, in their order', async () => {
    const others = ['another passphrase of thirty-two bytes', 'yet another one of thirty-two bytes']
    const keys = await keysFromPassphrases(readSecrets([others[0], SECRET, others[1]]), SALT)
    const [first, last] = others.map(secret => derive(Buffer.from(secret), Buffer.from(SALT, 'latin1')).toString('hex'))
    assert.deepEqual(keys.map(key => key.toString('hex')), [first, KEY, last])
  })

  it('says which passphrase of an array is wrong', () => {
    assert.throws(() => readSecrets([SECRET, 'short']), { code: 'FST_SEALED_SESSION_SECRET_LENGTH', message: 'secret[1] must be at least 32 bytes' })
    assert.throws(() => readSecrets([undefined, SECRET]), { code: 'FST_SEALED_SESSION_SECRET_TYPE', message: 'secret[0] must be a string or a Buffer, got undefined' })
  })

  it('refuses an empty array of passphrases', () => {
    assert.throws(() => readSecrets([]), { code: 'FST_SEALED_SESSION_KEY_MISSING', hint: /^The array of passphrases is empty\./ })
  })

  it('derives the key that libsodium derives with its MODERATE limits from UTF-8 text and a salt of one byte a character', async () => {
    const key = await keyFromPassphrase(SECRET, SALT)
    assert.deepEqual(key, derive(Buffer.from(SECRET, 'utf8'), Buffer.from(SALT, 'latin1')))
    assert.equal(key.toString('hex'), KEY)
  })

  it('takes bytes for what they are', async () => {
    const key = await keyFromPassphrase(new Uint8Array(Buffer.from(SECRET)), new Uint8Array(Buffer.from(SALT, 'latin1')))
    assert.equal(key.toString('hex'), KEY)
  })

  it('derives the key of the peer without a salt', async () => {
    const app = await readyApp({ plugin: PLUGINS.peer, session: { secret: SECRET } })
    const token = app.encodeSecureSession(app.createSecureSession({ a: 1 }))
    const opened = openSecretbox(token, KeySet.of([await keyFromPassphrase(SECRET, undefined)]))
    assert.ok(opened.ok)
    assert.deepEqual(opened.record.data, { a: 1 })
  })

  it('leaves the event loop free while it derives', async () => {
    const derivation = keyFromPassphrase(SECRET, SALT)
    let turns = 0
    const timer = setInterval(() => { turns++ }, 1)
    await derivation
    clearInterval(timer)
    assert.ok(turns > 0, 'no timer ran meanwhile')
  })

  for (const secret of [undefined, null, 1, true, {}, [[SECRET]], () => SECRET, new ArrayBuffer(32)]) {
    it(`refuses ${typeOf(secret)} as a secret`, async () => {
      await assert.rejects(keyFromPassphrase(secret, SALT), { code: 'FST_SEALED_SESSION_SECRET_TYPE' })
    })
  }

  for (const secret of ['', 'x'.repeat(31), Buffer.alloc(31), `${'x'.repeat(29)}é`]) {
    const { length } = Buffer.from(secret as string)
    it(`refuses a secret of ${length} bytes in the peer's words (${typeof secret})`, async () => {
      await assert.rejects(keyFromPassphrase(secret, SALT), {
        code: 'FST_SEALED_SESSION_SECRET_LENGTH', message: 'secret must be at least 32 bytes', hint: new RegExp(`^It has ${length} bytes\\.`)
      })
    })
  }

  for (const salt of [null, 1, true, {}, [SALT], new ArrayBuffer(16)]) {
    it(`refuses ${typeOf(salt)} as a salt`, async () => {
      await assert.rejects(keyFromPassphrase(SECRET, salt), { code: 'FST_SEALED_SESSION_SALT_TYPE' })
    })
  }

  for (const salt of ['', 'x'.repeat(15), 'x'.repeat(17), Buffer.alloc(15), Buffer.alloc(32)]) {
    it(`refuses a salt of ${salt.length} bytes in the peer's words (${typeof salt})`, async () => {
      await assert.rejects(keyFromPassphrase(SECRET, salt), {
        code: 'FST_SEALED_SESSION_SALT_LENGTH', message: 'salt must be length 16', hint: new RegExp(`^It has ${salt.length} bytes\\.`)
      })
    })
  }

  it('counts bytes of a secret, not characters', async () => {
    await assert.doesNotReject(keyFromPassphrase('é'.repeat(16), SALT))
  })
})

function derive (secret: Buffer, salt: Buffer): Buffer {
  const key = Buffer.alloc(32)
  sodium.crypto_pwhash(
    key, secret, salt, sodium.crypto_pwhash_OPSLIMIT_MODERATE, sodium.crypto_pwhash_MEMLIMIT_MODERATE, sodium.crypto_pwhash_ALG_DEFAULT
  )
  return key
}

function typeOf (value: unknown): string {
  return Object.prototype.toString.call(value)
}
