// What is likely a mistake but starts: warnings in the app's log, in words that say what to change.
import assert from 'node:assert/strict'
import cookiePlugin, { type CookieSerializeOptions } from '@fastify/cookie'
import { describe, it } from 'node:test'
import { newApp, post } from '../support/app.ts'
import { newKey, tokenOf, warnings, type LogLine } from '../support/helpers.ts'
import { openRaw, prepare, warningsOf } from '../support/configurations.ts'

describe('key together with secret', () => {
  const SECRET = 'a passphrase of more than thirty-two bytes'

  for (const secret of [SECRET, 'short', Buffer.from(SECRET)]) {
    it(`is warned about, once: the key wins, and the secret is not even checked (${typeof secret} of ${secret.length})`, async () => {
      const key = newKey()
      const found = await warningsOf({ key, secret, salt: 'short' })
      assert.deepEqual(found.map(({ code, level }) => [code, level]), [['FST_SEALED_SESSION_WARN_KEY_AND_SECRET', 40]])
      assert.match(found[0]!.msg, /session "session": both key and secret are given, and the key is used\. Remove "secret"\./)

      const app = newApp({ session: { key, secret, salt: 'short' } })
      assert.equal(openRaw(key, tokenOf(await post(app, '/set', undefined, { user: 1 }))).user, 1)
    })
  }

  it('signs with the key too, as without the secret', async () => {
    const key = newKey()
    const [both, alone] = [{ key, secret: SECRET }, { key }].map(options => newApp({ session: { ...options, cookie: { signed: true } } }))
    await both!.ready()
    await alone!.ready()
    assert.equal(both!.signCookie('x'), alone!.signCookie('x'))
  })

  it('is warned about for the session that has both, not for others', async () => {
    const found = await warningsOf([{ sessionName: 'a', key: newKey() }, { sessionName: 'b', key: newKey(), secret: SECRET }])
    assert.equal(found.length, 1)
    assert.match(found[0]!.msg, /session "b"/)
  })

  it('is no matter where the secret is empty, as an environment variable that is not set', async () => {
    assert.deepEqual(await warningsOf({ key: newKey(), secret: '' }), [])
  })
})

describe('a passphrase without a salt', () => {
  it('is warned about, with the salt to set', async () => {
    const found = await warningsOf({ secret: 'a passphrase of more than thirty-two bytes' })
    assert.deepEqual(found.map(({ code }) => code), ['FST_SEALED_SESSION_WARN_SALT'])
    assert.match(found[0]!.msg, /Set "salt" to 16 random bytes/)
  })
})

const SECURE = /needs "secure: true"/
const ROOT = /needs "path: '\/'"/
const NO_DOMAIN = /must not have "domain"/

/** Cookies that browsers refuse, with what each warning says. */
const REFUSED: Array<[name: string, cookie: CookieSerializeOptions, words: RegExp[]]> = [
  ['__Host-session', {}, [SECURE, ROOT]],
  ['__Host-session', { secure: true }, [ROOT]],
  ['__Host-session', { path: '/' }, [SECURE]],
  ['__Host-session', { secure: true, path: '/app' }, [ROOT]],
  ['__Host-session', { secure: true, path: '' }, [ROOT]],
  ['__Host-session', { secure: true, path: '/', domain: 'example.com' }, [NO_DOMAIN]],
  ['__Host-session', { secure: false, path: '/x', domain: 'example.com' }, [SECURE, ROOT, NO_DOMAIN]],
  ['__host-session', { secure: true }, [ROOT]],
  ['__HOST-session', { path: '/' }, [SECURE]],
  ['__Secure-session', {}, [SECURE]],
  ['__Secure-session', { secure: false, path: '/' }, [SECURE]],
  ['__secure-session', {}, [SECURE]],
  ['session', { sameSite: 'none' }, [/"sameSite: 'none'" needs "secure: true"/]],
  ['session', { sameSite: 'None' as 'none', secure: false }, [/"sameSite: 'none'" needs "secure: true"/]],
  ['session', { partitioned: true }, [/"partitioned: true" needs "secure: true"/]],
  ['session', { partitioned: true, sameSite: 'none', secure: false }, [/"sameSite: 'none'" needs/, /"partitioned: true" needs/]],
  ['__Secure-session', { sameSite: 'none' }, [/starts with __Secure- needs "secure: true"/, /"sameSite: 'none'" needs/]]
]

const TAKEN: Array<[name: string, cookie: CookieSerializeOptions]> = [
  ['session', {}],
  ['session', { sameSite: 'lax' }],
  ['session', { sameSite: 'strict', secure: false }],
  ['session', { sameSite: true }],
  ['session', { sameSite: 'none', secure: true }],
  ['session', { partitioned: true, secure: true }],
  ['session', { partitioned: false }],
  ['__Host-session', { secure: true, path: '/' }],
  ['__Host-session', { secure: true, path: '/', domain: '' }],
  ['__Secure-session', { secure: true }],
  ['__Secure-session', { secure: true, path: '/app', domain: 'example.com' }],
  ['Host-session', {}],
  ['__Hostess', {}],
  ['my__Host-session', {}]
]

/** Warnings of cookies that browsers refuse; there must be no others. */
async function refusedOf (options: object): Promise<string[]> {
  return messagesOf(await warningsOf({ key: newKey(), ...options }))
}

/** The same where the app registered @fastify/cookie: all attributes are known at the first cookie. */
async function refusedWith (parseOptions: CookieSerializeOptions, options: object): Promise<string[]> {
  const { app, lines } = prepare({ key: newKey(), ...options }, app => app.register(cookiePlugin, { parseOptions }))
  app.get('/', async ({ session }) => { session.set('user', 1); return 'done' })
  await app.inject('/')
  const found = messagesOf(warnings(lines))
  await app.inject('/')
  assert.equal(warnings(lines).length, found.length, 'warned about at each request')
  return found
}

function messagesOf (found: readonly LogLine[]): string[] {
  for (const { code, level } of found) assert.deepEqual([code, level], ['FST_SEALED_SESSION_WARN_COOKIE_REFUSED', 40])
  return found.map(({ msg }) => msg)
}

describe('a cookie that browsers would refuse is warned about at registration, with what to change', () => {
  for (const [cookieName, cookie, words] of REFUSED) {
    it(`${cookieName} ${JSON.stringify(cookie)}`, async () => {
      for (const options of [{ cookieName, cookie }, { cookieName, cookieOptions: cookie }]) {
        const found = await refusedOf(options)
        assert.equal(found.length, words.length, found.join('\n'))
        for (const [index, pattern] of words.entries()) assert.match(found[index]!, pattern)
        for (const line of found) assert.ok(line.startsWith(`session "session": browsers will refuse the cookie "${cookieName}": `), line)
      }
    })
  }

  it('where the name comes from sessionName, for the session that has it', async () => {
    const found = await refusedOf({ sessionName: '__Host-session', cookie: { secure: true } })
    assert.equal(found.length, 1)
    assert.match(found[0]!, /^session "__Host-session": browsers will refuse the cookie "__Host-session"/)
  })

  it("at the first cookie, where the app's own @fastify/cookie gives every cookie the attribute", async () => {
    const byDomain = await refusedWith({ domain: 'example.com' }, { cookieName: '__Host-session', cookie: { secure: true, path: '/' } })
    assert.equal(byDomain.length, 1)
    assert.match(byDomain[0]!, NO_DOMAIN)
    const bySameSite = await refusedWith({ sameSite: 'none' }, {})
    assert.equal(bySameSite.length, 1)
    assert.match(bySameSite[0]!, /"sameSite: 'none'" needs "secure: true"/)
  })

  it('once, not at each request', async () => {
    const { app, lines } = prepare({ key: newKey(), cookieName: '__Secure-session' })
    app.get('/', async ({ session }) => { session.set('user', 1); return 'done' })
    await app.inject('/')
    await app.inject('/')
    assert.equal(lines.filter(({ level }) => level >= 40).length, 1)
  })
})

describe('a cookie that browsers take is not warned about', () => {
  for (const [cookieName, cookie] of TAKEN) {
    it(`${cookieName} ${JSON.stringify(cookie)}`, async () => {
      assert.deepEqual(await refusedOf({ cookieName, cookie }), [])
    })
  }

  it("where the app's own @fastify/cookie gives every cookie what the name needs", async () => {
    assert.deepEqual(await refusedWith({ secure: true, path: '/' }, { cookieName: '__Host-session' }), [])
    assert.deepEqual(await refusedWith({ secure: true }, { cookie: { sameSite: 'none' } }), [])
  })
})
