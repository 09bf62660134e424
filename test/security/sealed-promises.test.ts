// What docs/evidence/threat-model.md promises of the sealed format, attacked by somebody who has libsodium.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { Keyring, createSessionCodec, generateKey, type OpenedToken, type SecureSessionPluginOptions, type SessionCodec } from '../../src/index.ts'
import { cookieHeader, refusals, sealRaw, seconds, stopClock } from '../support/configurations.ts'
import { newKey, tokenOf, warnings } from '../support/helpers.ts'
import { get, logged, readyApp } from '../support/app.ts'
import { keyIdOf, sealedBytes, sealedToken } from '../support/security.ts'

type Options = Partial<SecureSessionPluginOptions>

const EXPIRY = 100
const key = newKey()

async function codec (options: Options = {}): Promise<SessionCodec<object>> {
  return await createSessionCodec<object>({ key, format: 'sealed', expiry: EXPIRY, cookieName: 'session', ...options } as SecureSessionPluginOptions)
}

function reasonOf (opened: OpenedToken<object>): string | null {
  return opened.ok ? null : opened.reason
}

async function refusal (token: string, options: Options = {}): Promise<string | null> {
  return reasonOf((await codec(options)).open(token))
}

describe('a sealed token', () => {
  it('that libsodium made by itself, after the page, is opened: so what is refused here is refused for its fault', async () => {
    assert.equal(await refusal(sealedToken({ key })), null)
  })

  it('shows nothing of what it holds but its length', async () => {
    const { seal } = await codec()
    const bytesOf = (data: object): Buffer => Buffer.from(seal(data), 'base64url')
    const [a, b] = [bytesOf({ name: 'Ada' }), bytesOf({ name: 'Ada' })]
    assert.equal(a.length, b.length)
    assert.deepEqual(a.subarray(0, 5), b.subarray(0, 5), 'the version and the key id')
    for (let at = 5; at + 8 <= a.length; at++) assert.equal(b.indexOf(a.subarray(at, at + 8)), -1, 'nothing repeats')
    assert.equal(bytesOf({ name: 'Eve' }).length, a.length)
    assert.equal(bytesOf({ name: 'Adam' }).length, a.length + 1)
  })

  it('is refused wherever one of its bits is flipped', async () => {
    const opener = await codec()
    const bytes = sealedBytes({ key })
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3]! ^= 1 << (bit & 7) // within the buffer
      assert.equal(opener.open(flipped.toString('base64url')).ok, false, `bit ${bit}`)
    }
  })

  it('is refused wherever it is cut off or made longer', async () => {
    const opener = await codec()
    const bytes = sealedBytes({ key })
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(opener.open(bytes.toString('base64url', 0, length)).ok, false)
      assert.equal(opener.open(bytes.toString('base64url', bytes.length - length)).ok, false)
    }
    assert.equal(opener.open(Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url')).ok, false)
  })

  it('of another version is refused, even where it was sealed as that', async () => {
    for (const version of [0, 2, 255]) assert.equal(await refusal(sealedToken({ key, version })), 'version-unknown')
  })

  it('that names a key that is not there is refused, whichever key sealed it', async () => {
    assert.equal(await refusal(sealedToken({ key: newKey() })), 'key-unknown')
    assert.equal(await refusal(sealedToken({ key, keyId: Buffer.alloc(4) })), 'key-unknown')
  })

  it('that names another key than the one that sealed it is refused', async () => {
    const other = newKey()
    assert.equal(await refusal(sealedToken({ key, keyId: keyIdOf(other) }), { key: [key, other] }), 'not-authentic')
  })

  it('with flags that nobody knows is refused, although it is authentic', async () => {
    for (const flags of [8, 16, 32, 64, 128]) assert.equal(await refusal(sealedToken({ key, flags, payload: `${' '.repeat(24)}{}` })), 'header-invalid')
  })

  it('has one spelling: no padding, no other alphabet, no stray character, no spare bits', async () => {
    const opener = await codec()
    // One, two and three bytes beyond a multiple of three, so that there are spare bits and padding.
    for (const payload of ['{}', '{ }', '{  }']) {
      const bytes = sealedBytes({ key, payload })
      const token = bytes.toString('base64url')
      assert.equal(opener.open(token).ok, true)
      const last = token.at(-1)! // a token is not empty
      const spellings = [
        bytes.toString('base64'), `${token}=`, `${token}==`, ` ${token}`, `${token} `, `${token}\n`, `${token}.`, `${token}%`,
        `${token.slice(0, 9)} ${token.slice(9)}`, token.replace(/./, letter => String.fromCharCode(letter.charCodeAt(0) + 256)),
        ...[...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].filter(other => other !== last).map(other => token.slice(0, -1) + other)
      ]
      for (const spelling of spellings) {
        if (spelling !== token) assert.equal(opener.open(spelling).ok, false, JSON.stringify(spelling.replace(token, '(token)')))
      }
    }
  })

  it('expires by its own time, whatever the browser does', async t => {
    const clock = stopClock(t)
    const opener = await codec()
    const token = opener.seal({})
    clock.tick(EXPIRY * 1000 - 1)
    assert.equal(reasonOf(opener.open(token)), null)
    clock.tick(1)
    assert.equal(reasonOf(opener.open(token)), 'expired')
  })

  it('brings no prototype', async () => {
    const opened = (await codec()).open(sealedToken({ key, payload: '{"__proto__":{"admin":true},"constructor":1}' }))
    assert.ok(opened.ok)
    assert.deepEqual(Object.keys(opened.data), ['__proto__', 'constructor'])
    assert.equal((opened.data as { admin?: unknown }).admin, undefined)
    assert.equal(({} as { admin?: unknown }).admin, undefined)
  })
})

describe('a sealed token is bound to its context', () => {
  it('so that under one key it opens as the session it was sealed for, and as no other', async () => {
    const [auth, prefs] = [await codec({ cookieName: 'auth' }), await codec({ cookieName: 'prefs' })]
    assert.equal(reasonOf(auth.open(auth.seal({ userId: 1 }))), null)
    assert.equal(reasonOf(prefs.open(auth.seal({ userId: 1 }))), 'not-authentic')
  })

  it('which is the name of the cookie, or what the options say', async () => {
    const renamed = { cookieName: 'renamed', context: 'session' }
    assert.equal(await refusal(sealedToken({ key, context: 'session' }), renamed), null)
    assert.equal(await refusal(sealedToken({ key, context: 'renamed' }), renamed), 'not-authentic')
  })

  it('so that two sessions of one app under one key do not take each other\'s cookies, without a warning', async () => {
    const { lines, server } = logged()
    const app = await twoSessions({ format: 'sealed' }, server)
    const token = tokenOf(await get(app, '/write'), 'a')
    assert.deepEqual((await get(app, '/read', `a=${token}; b=${token}`)).json(), { a: { n: 1 }, b: {} })
    assert.deepEqual(warnings(lines), [])
  })

  it('while one of the secretbox format is not: it opens as the other session, which registration warns about', async () => {
    const { lines, server } = logged()
    const app = await twoSessions({}, server)
    const token = encodeURIComponent(tokenOf(await get(app, '/write'), 'a'))
    assert.deepEqual((await get(app, '/read', `a=${token}; b=${token}`)).json(), { a: { n: 1 }, b: { n: 1 } })
    assert.deepEqual(warnings(lines).map(({ code }) => code), ['FST_SEALED_SESSION_WARN_KEY_SHARED'])
  })
})

/** An app with the sessions `a` and `b` under one key. */
async function twoSessions (options: object, server: object): Promise<FastifyInstance> {
  const sessionsOf = (request: object): Record<'a' | 'b', { set: (key: string, value: unknown) => void, data: () => object }> => request as never
  return await readyApp({
    server,
    session: [{ sessionName: 'a', key, ...options }, { sessionName: 'b', key, ...options }],
    routes: {
      '/write': request => { sessionsOf(request).a.set('n', 1) },
      '/read': request => ({ a: sessionsOf(request).a.data(), b: sessionsOf(request).b.data() })
    }
  })
}

describe('one format is never taken for the other', () => {
  it('a token with a semicolon is secretbox or nothing, any other is sealed or nothing', async () => {
    const accept = { accept: ['sealed', 'secretbox'] as const }
    const sealed = sealedToken({ key })
    const secretbox = sealRaw(key, `{"__ts":${seconds()}}`)
    assert.equal(await refusal(secretbox, accept), null)
    assert.equal(await refusal(secretbox.replace(';', ''), accept), 'malformed')
    assert.equal(await refusal(`${sealed};`, accept), 'nonce-length')
  })

  it('a secretbox token is refused where only sealed ones are accepted, although its key is right', async () => {
    assert.equal(await refusal(sealRaw(key, `{"__ts":${seconds()}}`)), 'format-not-accepted')
  })
})

describe('an old key', () => {
  it('that was retired opens nothing any more, and what somebody seals with it is refused', async () => {
    const leaked = generateKey()
    const keyring = new Keyring(leaked)
    const opener = await codec({ key: keyring })
    keyring.rotate(generateKey())
    assert.equal(reasonOf(opener.open(sealedToken({ key: leaked }))), null, 'until then it opens')
    keyring.retire(keyIdOf(leaked).toString('hex'))
    assert.equal(reasonOf(opener.open(sealedToken({ key: leaked }))), 'key-unknown')
  })
})

describe('to be sealed again', () => {
  it('never makes a session live longer, over any number of rotations and from format to format', async t => {
    const clock = stopClock(t)
    clock.tick(777) // no whole second
    const keyring = new Keyring(generateKey())
    const apps = await Promise.all((['sealed', 'secretbox'] as const).map(async format => await readyApp({
      session: { key: keyring, expiry: EXPIRY, format, accept: ['sealed', 'secretbox'] },
      routes: { '/': ({ session }) => session.data() }
    }
    )))
    let token = (await codec({ key: keyring })).seal({ n: 1 })
    const end = Date.now() + EXPIRY * 1000
    for (let round = 0; round < 90; round++) {
      clock.tick(1009)
      if (round % 3 === 0) keyring.rotate(generateKey())
      const response = await get(apps[round % 2]!, '/', cookieHeader(token)) // there are two
      assert.deepEqual(response.json(), { n: 1 })
      token = tokenOf(response)
    }
    clock.setSystemTime(end)
    assert.equal(await refusal(token, { key: keyring, accept: ['sealed', 'secretbox'] }), 'expired')
  })
})

describe('a flood of sealed garbage', () => {
  it('is tried 16 times in a request, and none of it is in the log', async () => {
    const { lines, server } = logged('trace')
    const app = await readyApp({ server, session: { key, format: 'sealed' }, routes: { '/': ({ session }) => session.data() } })
    const tokens = Array.from({ length: 200 }, () => sealedToken({ key, context: 'another' }))
    const response = await get(app, '/', tokens.map(token => `session=${token}`).join('; '))
    assert.deepEqual(response.json(), {})
    assert.equal(refusals(lines).length, 16)
    const log = lines.map(line => JSON.stringify(line)).join('\n')
    for (const token of tokens) assert.ok(!log.includes(token.slice(0, 20)))
  })
})
