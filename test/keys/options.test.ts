// Keys: how they may be written, which are refused, and whose bytes count.
import assert from 'node:assert/strict'
import { Signer } from '@fastify/cookie'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { Keyring } from '../../src/index.ts'
import { newApp } from '../support/app.ts'
import { newKey, withKeyFile } from '../support/helpers.ts'
import { openRaw, rejection, sealRaw, seconds, warningsOf, type ConfigurationError } from '../support/configurations.ts'

/** The message and the advice say nothing of the key. */
function assertDiscreet (error: ConfigurationError, key: unknown): void {
  const text = key instanceof Uint8Array ? Buffer.from(key).toString('latin1') : String(key)
  const said = `${error.message} ${error.hint}`
  for (let start = 0; start + 8 <= text.trim().length; start++) {
    assert.ok(!said.includes(text.trim().slice(start, start + 8)), said)
  }
}

const around = (before: string, after: string, encoding: BufferEncoding) => (key: Buffer): string => before + key.toString(encoding) + after

const SPELLINGS: Record<string, (key: Buffer) => string | Uint8Array> = {
  'a Buffer': key => key,
  'a Uint8Array': key => new Uint8Array(key),
  'a part of a larger buffer': key => Buffer.concat([randomBytes(5), key, randomBytes(7)]).subarray(5, 37),
  hex: around('', '', 'hex'),
  'hex in capitals': key => key.toString('hex').toUpperCase(),
  base64: around('', '', 'base64'),
  'base64 without padding': key => key.toString('base64').replace('=', ''),
  base64url: around('', '', 'base64url'),
  'base64url with padding': around('', '=', 'base64url'),
  'hex and a line break': around('', '\n', 'hex'),
  'hex and a line break of Windows': around('', '\r\n', 'hex'),
  'hex with white space on both sides': around(' \t\n', ' \n\n', 'hex'),
  'hex after a byte order mark': around('\ufeff', '\r\n', 'hex'),
  'base64 and a line break': around('', '\n', 'base64'),
  'base64url with white space on both sides': around('  ', '\t', 'base64url')
}

describe('a key is accepted', () => {
  for (const [what, spell] of Object.entries(SPELLINGS)) {
    it(`as ${what}, alone and at each position of an array`, async () => {
      const key = Buffer.concat([Buffer.from([0xfb, 0xff]), randomBytes(30)]) // the alphabets of base64 differ in it
      const [first, second] = [newKey(), newKey()]
      for (const option of [spell(key), [spell(key)], [first, spell(key), second], Object.freeze([first, second, spell(key)])]) {
        const app = newApp({ session: { key: option } })
        await app.ready()
        assert.deepEqual(app.decodeSecureSession(sealRaw(key, `{"n":1,"__ts":${seconds()}}`))?.data(), { n: 1 })
      }
    })
  }

  it('where its bytes begin like a byte order mark, or end like a line', async () => {
    for (const key of [[0xff, 0xfe], [0xfe, 0xff], [0xef, 0xbb, 0xbf]].map(start => Buffer.concat([Buffer.from(start), randomBytes(32)]).subarray(0, 32))) {
      key[31] = 0x0a
      const app = newApp({ session: { key } })
      await app.ready()
      assert.deepEqual(Object.keys(openRaw(key, app.encodeSecureSession(app.createSecureSession()))), ['__ts'])
    }
  })
})

describe('a key of another length is refused with the length expected and got', () => {
  /** Each wrong key alone and at each position of an array, with what the message must begin with. */
  function places (key: unknown): Array<[option: unknown, start: RegExp]> {
    const among = [0, 1, 2].map((index): [unknown, RegExp] => {
      const keys: unknown[] = [newKey(), newKey(), newKey()]
      keys[index] = key
      return [keys, new RegExp(`^key\\[${index}\\] must be 32 bytes\\b`)]
    })
    return [[key, /^key must be 32 bytes\b/], ...among]
  }

  async function assertNamed (key: string | Uint8Array, got: RegExp): Promise<void> {
    for (const [option, start] of places(key)) {
      const error = await rejection({ key: option })
      assert.match(error.code, /^FST_SEALED_SESSION_KEY_(LENGTH|TEXT)$/)
      assert.match(error.message, start)
      assert.match(`${error.message} ${error.hint}`, got)
      assertDiscreet(error, key)
    }
  }

  for (const length of [1, 16, 24, 31, 33, 48, 64]) {
    const bytes = randomBytes(length).fill(0xc3, 0, 1) // begins like no text

    it(`${length} bytes in a buffer`, async () => {
      for (const key of [bytes, new Uint8Array(bytes)]) await assertNamed(key, new RegExp(`\\bgot ${length}\\b`))
    })

    for (const encoding of ['base64', 'base64url'] as const) {
      const key = bytes.toString(encoding)
      // 44 characters can hold 31 or 33 bytes: 'must be 44, got 44' helps nobody. 64 may be meant as hex.
      const told = key.length === 44 ? '' : key.length === 64 ? '|\\bnot a hex digit' : `|\\b${key.length} characters`
      it(`${length} bytes in ${encoding}, in terms that tell the two apart`, async () => {
        await assertNamed(key, new RegExp(`\\b${length} bytes${told}`))
      })
    }
  }

  it('no bytes at all, alone and in an array', async () => {
    assert.match((await rejection({ key: Buffer.alloc(0) })).message, /^key must be 32 bytes, got 0/)
    assert.match((await rejection({ key: [newKey(), Buffer.alloc(0)] })).message, /^key\[1\] must be 32 bytes, got 0/)
    assert.match((await rejection({ key: [newKey(), ''] })).message, /^key\[1\] must be 32 bytes.* got 0/)
  })

  it('the first wrong one of an array is named', async () => {
    const error = await rejection({ key: [newKey(), randomBytes(31), randomBytes(30)] })
    assert.equal(error.message, 'key[1] must be 32 bytes, got 31')
  })

  for (const digits of [32, 62, 63, 65, 66, 128]) {
    it(`${digits} hex digits`, async () => {
      const key = randomBytes(64).toString('hex').slice(0, digits)
      const error = await rejection({ key: [newKey(), key] })
      assert.match(error.message, /^key\[1\] must be 32 bytes: 64 hex characters/)
      assert.match(`${error.message} ${error.hint}`, new RegExp(`\\b${digits} (hex digits|characters)`))
      assertDiscreet(error, key)
    })
  }
})

describe('a key of another type is refused', () => {
  const types: Record<string, unknown> = {
    'a number': 5,
    true: true,
    'an object': {},
    'an ArrayBuffer': new ArrayBuffer(32),
    'an array': [newKey()],
    'a function': newKey,
    'a symbol': Symbol('key')
  }
  for (const [what, key] of Object.entries(types)) {
    it(`${what}, with the peer's message, what it is, and its position in an array`, async () => {
      if (!Array.isArray(key)) {
        const error = await rejection({ key })
        assert.equal(error.code, 'FST_SEALED_SESSION_KEY_TYPE')
        assert.equal(error.message, 'key must be a string or a Buffer')
        assert.match(error.hint, /^It is .*32 bytes/)
      }
      const error = await rejection({ key: [newKey(), key] })
      assert.equal(error.code, 'FST_SEALED_SESSION_KEY_ITEM_TYPE')
      assert.match(error.message, /^Key must be string or buffer: key\[1\] is /)
    })
  }

  it('a Keyring in an array or in another Keyring, with what to do instead', async () => {
    const keyring = new Keyring(newKey())
    const error = await rejection({ key: [newKey(), keyring] })
    assert.equal(error.message, 'Key must be string or buffer: key[1] is an object')
    assert.match(error.hint, /^A Keyring has its own array of keys and is given alone, as "key: keyring"\./)
    assert.throws(() => new Keyring(keyring as never), { code: 'FST_SEALED_SESSION_KEY_TYPE', hint: /^A Keyring .* is given alone/ })
    assert.throws(() => { keyring.rotate(new Keyring(newKey()) as never) }, { code: 'FST_SEALED_SESSION_KEY_TYPE' })
  })

  it('a promise of a Keyring, with what is missing', async () => {
    await withKeyFile(newKey(), async path => {
      const error = await rejection({ key: Keyring.fromFile(path) })
      assert.equal(error.code, 'FST_SEALED_SESSION_KEY_TYPE')
      assert.match(error.hint, /^It is a promise: "await" it/)
    })
  })

  for (const key of [null, undefined]) {
    it(`${key} in an array`, async () => {
      assert.match((await rejection({ key: [newKey(), key] })).message, new RegExp(`key\\[1\\] is ${key}`))
    })
  }
})

describe('the bytes of a key are copied at registration', () => {
  const changes: Record<string, (given: { buffer: Buffer, keys: unknown[] }) => void> = {
    'filling the buffer': ({ buffer }) => { buffer.fill(0) },
    'one byte of the buffer': ({ buffer }) => { buffer[31]! ^= 1 },
    'another key in the array': ({ keys }) => { keys[0] = newKey() },
    'more keys in front': ({ keys }) => { keys.unshift(newKey()) },
    'an empty array': ({ keys }) => { keys.length = 0 }
  }
  for (const [what, change] of Object.entries(changes)) {
    it(`so that ${what} changes nothing later`, async () => {
      const original = newKey()
      for (const buffer of [Buffer.from(original), Buffer.concat([Buffer.alloc(3), original]).subarray(3)]) {
        const keys: unknown[] = [buffer, newKey()]
        const app = newApp({ session: [{ sessionName: 'session', key: keys }, { sessionName: 'single', key: buffer }] })
        await app.ready()
        change({ buffer, keys })
        for (const name of ['session', 'single']) {
          const session = app.createSecureSession({ n: 1 })
          assert.equal(openRaw(original, app.encodeSecureSession(session, name)).n, 1)
          assert.equal(app.decodeSecureSession(sealRaw(original, `{"n":2,"__ts":${seconds()}}`), undefined, name)?.get('n'), 2)
        }
      }
    })
  }

  it('and those of a passphrase, although its key is derived later', async () => {
    const secret = randomBytes(40)
    const original = Buffer.from(secret)
    // The warning that there is no salt comes just before the derivation, which leaves time for this.
    const write = (line: string): void => { if (line.includes('WARN_SALT')) setImmediate(() => secret.fill(0)) }
    const app = newApp({ server: { logger: { level: 'warn', stream: { write } }, pluginTimeout: 0 }, session: { secret, cookie: { signed: true } } })
    await app.ready()
    assert.deepEqual(secret, Buffer.alloc(40))
    assert.equal(app.signCookie('x'), new Signer(original).sign('x'))
  })

  it('and those of a passphrase and its salt, signatures included', async () => {
    const [secret, salt] = [randomBytes(40), randomBytes(16)]
    const app = newApp({ session: { secret, salt, cookie: { signed: true } } })
    await app.ready()
    const before = { token: app.encodeSecureSession(app.createSecureSession({ n: 1 })), signature: app.signCookie('x') }
    const again = newApp({ session: { secret: Buffer.from(secret), salt: Buffer.from(salt) } })
    await again.ready()
    secret.fill(0)
    salt.fill(0)
    assert.equal(app.signCookie('x'), before.signature)
    assert.equal(app.decodeSecureSession(before.token)?.get('n'), 1)
    assert.equal(again.decodeSecureSession(app.encodeSecureSession(app.createSecureSession({ n: 2 })))?.get('n'), 2)
  })
})

describe('a key whose bytes are all equal', () => {
  const constant: Record<string, unknown> = {
    'zero bytes': Buffer.alloc(32),
    'letters of a tutorial': Buffer.alloc(32, 'a'),
    'zero bytes in hex': '0'.repeat(64),
    'zero bytes in base64': Buffer.alloc(32).toString('base64'),
    'set bytes in a Uint8Array': new Uint8Array(32).fill(255)
  }
  for (const [what, key] of Object.entries(constant)) {
    it(`is warned about, once and by its position: ${what}`, async () => {
      for (const [option, label] of [[key, 'key'], [[key], 'key[0]'], [[newKey(), key], 'key[1]']] as const) {
        const found = await warningsOf({ sessionName: 'main', key: option })
        assert.deepEqual(found.map(({ code }) => code), ['FST_SEALED_SESSION_WARN_KEY_CONSTANT'])
        assert.ok(found[0]!.msg.includes('session "main"') && found[0]!.msg.includes(`all bytes of ${label} are equal`), found[0]!.msg)
        assert.match(found[0]!.msg, /Create a random key with ".*keygen"/)
      }
    })
  }

  it('is warned about where it is in a Keyring', async () => {
    const keyring = new Keyring([newKey(), Buffer.alloc(32)])
    const [warning, ...others] = await warningsOf({ key: keyring })
    assert.deepEqual(others, [])
    assert.equal(warning?.code, 'FST_SEALED_SESSION_WARN_KEY_CONSTANT')
    assert.ok(warning.msg.includes(`all bytes of the key ${keyring.ids[1]} are equal`), warning.msg)
    assert.deepEqual(await warningsOf({ key: new Keyring(newKey()) }), [])
  })

  it('is not suspected where one byte differs', async () => {
    for (const index of [0, 31]) {
      const key = Buffer.alloc(32)
      key[index] = 1
      assert.deepEqual(await warningsOf({ key }), [])
    }
  })
})
