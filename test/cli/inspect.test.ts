// `inspect --key-file FILE [--name NAME] TOKEN`: what is shown of a token that opens.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Keyring } from '../../src/index.ts'
import { newApp, post } from '../support/app.ts'
import { sealRaw } from '../support/configurations.ts'
import { cookieOf, cookiesOf, newKey, setCookies, tokenOf } from '../support/helpers.ts'
import { serverOf } from '../support/peer.ts'
import { sealedToken, secretboxToken } from './inspect-support.ts'
import { GENKEY, assertNoKey, run, temporaryFolder, type Surroundings } from '../support/cli.ts'

const older = newKey()
const key = newKey()
const keyFile = join(temporaryFolder(), 'keys')
writeFileSync(keyFile, `# two keys\n${older.toString('hex')}\n${key.toString('base64')}\n`)
const [, keyId] = new Keyring([older, key]).ids as [string, string]

interface Shown {
  text: string
  data: unknown
}

/** Inspects a token that opens. */
async function inspect (args: string[], surroundings: Surroundings = {}, file = keyFile): Promise<Shown> {
  const outcome = await run(process.execPath, [GENKEY, 'inspect', '--key-file', file, ...args], surroundings)
  assert.equal(outcome.stderr, '')
  assert.equal(outcome.code, 0)
  assertNoKey(outcome, [older, key])
  const text = outcome.stdout.toString()
  return { text, data: JSON.parse(text.slice(text.indexOf('\n{'))) }
}

/** What stands behind a label. */
function row ({ text }: Shown, label: string): string | undefined {
  return text.split('\n').find(line => line.startsWith(label.padEnd(12)))?.slice(12)
}

/** The response of an app that stored `{ userId: 42 }`. */
async function login (options: object): ReturnType<typeof post> {
  await using app = newApp({ session: { key, ...options } })
  return await post(app, '/set', undefined, { userId: 42 })
}

describe('a token of an app', () => {
  test('in the secretbox format is shown', async () => {
    const token = tokenOf(await login({}))
    const shown = await inspect([token])
    assert.deepEqual(shown.data, { userId: 42 })
    assert.equal(row(shown, 'format'), 'secretbox')
    assert.equal(row(shown, 'key id'), keyId)
    assert.match(row(shown, 'last write') ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z \((?:\d+ seconds? ago|in \d seconds?)\)$/)
    assert.equal(row(shown, 'size'), `13 bytes of JSON, a token of ${token.length} characters`)
    for (const label of ['bound to', 'created', 'lifetime', 'Max-Age', 'signature']) assert.equal(row(shown, label), undefined)
  })

  test('in the sealed format is shown, with what it is bound to and when it was created', async () => {
    const shown = await inspect([tokenOf(await login({ format: 'sealed' }))])
    assert.deepEqual(shown.data, { userId: 42 })
    assert.equal(row(shown, 'format'), 'sealed')
    assert.equal(row(shown, 'bound to'), '"session"')
    assert.equal(row(shown, 'key id'), keyId)
    assert.match(row(shown, 'created') ?? '', /^\d{4}-.*Z \(\d+ seconds? ago\)$/)
  })

  test('of the peer is shown', async () => {
    const peer = await serverOf('peer', { options: { key } })
    const response = await peer.visit(session => { session.set('userId' as never, 42 as never) })
    await peer.app.close()
    assert.deepEqual((await inspect([cookiesOf(response)])).data, { userId: 42 })
  })

  test('with a signature is shown, which is said to be unchecked', async () => {
    for (const format of ['secretbox', 'sealed']) {
      const response = await login({ format, cookie: { signed: true } })
      for (const given of [tokenOf(response), cookieOf(response)]) {
        const shown = await inspect([given])
        assert.deepEqual(shown.data, { userId: 42 })
        assert.equal(row(shown, 'signature'), 'there is one, not checked here')
      }
    }
  })

  test('is shown with a key file of 32 raw bytes, and with the WebAssembly build of libsodium', async () => {
    const raw = join(temporaryFolder(), 'raw')
    writeFileSync(raw, key)
    const token = tokenOf(await login({ format: 'sealed' }))
    assert.deepEqual((await inspect([token], { env: { FASTIFY_SEALED_SESSION_SODIUM: 'wasm' } }, raw)).data, { userId: 42 })
  })
})

describe('TOKEN', () => {
  for (const format of ['secretbox', 'sealed']) {
    test(`of the ${format} format may be the value of a cookie, percent-encoded or not, a pair or a Set-Cookie line`, async () => {
      const response = await login({ format, cookie: { path: '/', secure: true, sameSite: 'lax' } })
      const [line = ''] = setCookies(response)
      const token = tokenOf(response)
      assert.match(line, /; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
      const forms = [
        token, encodeURIComponent(token), cookieOf(response), `session=${token}`, line,
        `Set-Cookie: ${line}`, `set-cookie:${line}`, ` ${line}\r\n`, `${cookieOf(response)};`, `session=${token}; Path=/`
      ]
      for (const form of forms) assert.deepEqual((await inspect([form])).data, { userId: 42 }, form)
    })
  }

  test('of the peer may be a Set-Cookie line, with what it encodes and we do not', async () => {
    const peer = await serverOf('peer', { options: { key } })
    const data = 'x'.repeat(600) // so that there is a "+" and a "/" in it
    const response = await peer.visit(session => { session.set('data' as never, data as never) })
    await peer.app.close()
    const [line = ''] = setCookies(response)
    assert.match(line, /%2B/)
    assert.match(line, /%2F/)
    assert.deepEqual((await inspect([line])).data, { data })
  })

  for (const format of ['secretbox', 'sealed']) {
    test(`of the ${format} format may be the cookies of a session that was split: a Cookie header, or the Set-Cookie lines`, async () => {
      for (const cookie of [{ path: '/' }, { path: '/', signed: true }]) {
        await using app = newApp({ session: { key, format, cookie } })
        const data = { text: 'x'.repeat(4500) }
        const lines = setCookies(await post(app, '/set', undefined, data))
        assert.equal(lines.length, 2)
        const pairs = lines.map(line => line.split(';')[0])
        const forms = [
          pairs.join('; '), pairs.toReversed().join('; '), `Cookie: a=1; ${pairs.join('; ')}; session.7=other`, `${pairs.join('\n')}\n`,
          lines.join('\n'), lines.map(line => `Set-Cookie: ${line}`).join('\r\n')
        ]
        for (const form of forms) assert.deepEqual((await inspect(['-'], { stdin: form })).data, data, form.slice(0, 30))
      }
    })

    test(`of the ${format} format may be a Cookie header in which it is not the first cookie`, async () => {
      const pair = cookieOf(await login({ format, cookieName: 'login' }), 'login')
      assert.deepEqual((await inspect(['--name', 'login', `a=1; session=2; ${pair}; b=2`])).data, { userId: 42 })
      const own = cookieOf(await login({ format }))
      assert.deepEqual((await inspect([`Cookie: a=1; login=2; ${own}`])).data, { userId: 42 })
    })
  }

  test('is read from stdin where it is "-"', async () => {
    const response = await login({})
    for (const stdin of [tokenOf(response), `${setCookies(response)[0]}\n`]) {
      assert.deepEqual((await inspect(['-'], { stdin })).data, { userId: 42 })
    }
  })

  test('of any padding is not taken for a pair of name and value', async () => {
    for (const data of [{ a: 1 }, { a: 12 }, { a: 123 }]) {
      const token = secretboxToken(key, { data })
      assert.deepEqual((await inspect([token])).data, data, token)
    }
  })
})

describe('the name that a sealed token is bound to', () => {
  const token = sealedToken(key, {}, '__Host-auth')

  test('is that of the cookie in TOKEN', async () => {
    assert.equal(row(await inspect([`__Host-auth=${token}; Path=/`]), 'bound to'), '"__Host-auth"')
  })

  test('is NAME, whatever the cookie is called', async () => {
    for (const given of [token, `session=${token}`]) {
      assert.equal(row(await inspect(['--name', '__Host-auth', given]), 'bound to'), '"__Host-auth"')
    }
  })

  test('may be empty, as an app\'s context may', async () => {
    assert.equal(row(await inspect(['--name', '', sealedToken(key, {}, '')]), 'bound to'), '""')
  })
})

describe('what is shown', () => {
  test('has the age of a session in words', async () => {
    const shown = await inspect([sealedToken(key)])
    assert.match(row(shown, 'created') ?? '', /^\d{4}-.*Z \(3 days ago\)$/)
    assert.match(row(shown, 'last write') ?? '', /^\d{4}-.*Z \(2 days ago\)$/)
  })

  test('has the time itself', async () => {
    assert.match(row(await inspect([secretboxToken(key, { writtenAt: 1_760_000_000_000 })]), 'last write') ?? '', /^2025-10-09T08:53:20\.000Z \(/)
  })

  test('has a lifetime and a Max-Age of the session\'s own', async () => {
    const shown = await inspect([sealedToken(key, { lifetime: 30 * 86400, cookieMaxAge: 86400 })])
    assert.match(row(shown, 'lifetime') ?? '', /^2592000 s, its own: until \d{4}-.*Z \(in 27 days\)$/)
    assert.equal(row(shown, 'Max-Age'), '86400 s, its own')
  })

  test('has the size in bytes, not in characters', async () => {
    assert.match(row(await inspect([secretboxToken(key, { data: { name: 'Zoë' } })]), 'size') ?? '', /^15 bytes of JSON, /)
  })

  test('has a session of any age, with the reasons for which an app may refuse it', async () => {
    const { text, data } = await inspect([secretboxToken(key, { writtenAt: 1000 })])
    assert.deepEqual(data, { userId: 42 })
    assert.match(text, /\n\nAn app with these keys opens it, unless\n- expired: .*\n- format-not-accepted: .*\n- schema-invalid: .*\n- signature-invalid: .*has no signature\.\n- revoked: .*\n- stamp-changed: .*\n- device-required: .*\n\n/)
  })

  test('does not doubt the format or the expiry of a sealed token with a lifetime of its own', async () => {
    const { text } = await inspect([sealedToken(key, { lifetime: 30 * 86400 })])
    assert.match(text, /\n\nAn app with these keys opens it, unless\n- schema-invalid: .*\n- signature-invalid: .*\n- revoked: .*\n- stamp-changed: .*\n- device-required: .*\n\n/)
  })

  test('says where the time lies in the future by more than a minute', async () => {
    const shown = await inspect([secretboxToken(key, { writtenAt: (Math.floor(Date.now() / 1000) + 7300) * 1000 })])
    assert.match(row(shown, 'last write') ?? '', /\(in 2 hours\)$/)
    assert.match(shown.text, /\n\nAn app refuses it now:\n- time-in-future: .*Compare the clocks of your servers\.\n\n/)
    assert.deepEqual(shown.data, { userId: 42 })

    const near = await inspect([secretboxToken(key, { writtenAt: (Math.floor(Date.now() / 1000) + 50) * 1000 })])
    assert.doesNotMatch(near.text, /refuses it now/)
  })

  test('says where a lifetime of the session\'s own is over', async () => {
    const { text } = await inspect([sealedToken(key, { lifetime: 86400 })])
    assert.match(text, /\n\nAn app refuses it now:\n- expired: the lifetime of this session, 86400 seconds, has passed since the last write\.\n\n/)
  })

  test('has a time that is no date as the number that it is', async () => {
    const shown = await inspect([sealRaw(key, '{"a":1,"__ts":1e300}')])
    assert.equal(row(shown, 'last write'), '1e+300 seconds since 1970, which is no date')
    assert.deepEqual(shown.data, { a: 1 })
  })

  test('has keys that objects have from their prototype', async () => {
    const { text } = await inspect([sealRaw(key, '{"__proto__":{"a":1},"toString":2,"__ts":1}')])
    assert.match(text, /"__proto__": \{\n {4}"a": 1\n {2}\},\n {2}"toString": 2/)
  })

  test('cannot give commands to the terminal', async () => {
    const name = 'a\u001b[2Jb\u009b2Jc\u202ed\u007f\r'
    const { text, data } = await inspect([secretboxToken(key, { data: { name } })])
    assert.ok(text.includes('"a\\u001b[2Jb\\u009b2Jc\\u202ed\\u007f\\r"'))
    assert.deepEqual(data, { name })
  })
})
