// An app whose sessions are sealed in this package's own format.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import FakeTimers from '@sinonjs/fake-timers'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Keyring, createSessionCodec, sessionInfo, type Session } from '../../src/index.ts'
import { rejection, warningsOf } from '../support/configurations.ts'
import { keyIdOf, hex, open, type Result } from '../tokens/independent.ts'
import { cookieOf, newKey, setCookies, tokenOf } from '../support/helpers.ts'
import { contentOf, cookieWith, get, linesOf, logged, newSession, properties, readyApp, tokenWith, type AppSetup, type Handler } from '../support/app.ts'
import { PLUGINS } from '../support/peer.ts'

const START = Date.UTC(2030, 0, 1, 0, 0, 0, 250)
const EXPIRY = 100

let clock: FakeTimers.Clock
beforeEach(() => { clock = FakeTimers.install({ now: START, toFake: ['Date'] }) })
afterEach(() => { clock.uninstall() })

const at = (seconds: number): void => { clock.setSystemTime(START + seconds * 1000) }

const ROUTES: Record<string, Handler> = {
  '/read': ({ session }) => session.data(),
  '/set': ({ session }) => session.set('m', 2),
  '/touch': ({ session }) => session.touch(),
  '/delete': ({ session }) => session.delete(),
  '/regenerate': ({ session }) => session.regenerate('n'),
  '/info': ({ session }) => sessionInfo(session),
  '/untouched': () => 'done'
}

async function sealedApp (options: object = {}, setup: AppSetup = {}): Promise<FastifyInstance> {
  return await readyApp({ ...setup, session: { key: newKey(), expiry: EXPIRY, format: 'sealed', ...options }, routes: ROUTES })
}

/** What a token says, by the second implementation. */
function openedBy (token: string, key: Uint8Array, context = 'session'): Result {
  return open(token, { keys: [key], context, now: Date.now(), expiry: EXPIRY })
}

describe('a sealed session', () => {
  it('is a token of the sealed format, as docs/reference/format.md has it', async () => {
    const key = newKey()
    const app = await sealedApp({ key })
    const response = await get(app, '/set')
    at(7)
    assert.deepEqual(openedBy(tokenOf(response), key), {
      ok: true, fields: { created: START, lastWrite: 0, lifetime: null, maxAge: null, id: null }, data: { m: 2 }, keyId: hex(keyIdOf(key))
    })
  })

  it('is kept from request to request', async () => {
    const app = await sealedApp()
    const first = await get(app, '/set', cookieWith(app, { n: 1 }))
    assert.deepEqual((await get(app, '/read', cookieOf(first))).json(), { n: 1, m: 2 })
  })

  it('is read, written and removed through properties', async () => {
    const app = await readyApp({
      session: { key: newKey(), format: 'sealed' },
      routes: {
        '/write': ({ session }) => { Object.assign(properties(session), { userId: 7, name: 'Zoë' }) },
        '/read': ({ session }) => ({ userId: properties(session).userId, keys: Object.keys(session), has: 'name' in session }),
        '/remove': ({ session }) => { delete properties(session).userId }
      }
    })
    const written = await get(app, '/write')
    assert.deepEqual((await get(app, '/read', cookieOf(written))).json(), { userId: 7, keys: ['userId', 'name'], has: true })
    assert.deepEqual(contentOf(app, await get(app, '/remove', cookieOf(written))), { name: 'Zoë' })
  })

  it('is not sent when it is only read, or not used at all', async () => {
    const app = await sealedApp()
    for (const url of ['/read', '/untouched']) assert.deepEqual(setCookies(await get(app, url, cookieWith(app, { n: 1 }))), [])
  })

  it('is deleted', async () => {
    const app = await sealedApp()
    const [line = ''] = linesOf(await get(app, '/delete', cookieWith(app, { n: 1 })))
    assert.match(line, /^session=; Max-Age=0; /)
  })

  it('shows the time of its last write under __ts in whole seconds, and keeps that name out of its data and its token', async () => {
    const key = newKey()
    const app = await sealedApp({ key })
    const token = tokenWith(app, { n: 1 })
    const session = app.decodeSecureSession(token) as Session
    assert.equal(session.get('__ts'), Math.floor(START / 1000))
    assert.deepEqual(session.data(), { n: 1 })
    const opened = openedBy(token, key)
    assert.deepEqual(opened.ok && opened.data, { n: 1 })
    assert.throws(() => { session.set('__ts', 1) }, { code: 'FST_SEALED_SESSION_KEY_RESERVED' })
  })

  it('is empty once it has expired', async () => {
    const app = await sealedApp()
    const cookie = cookieWith(app, { n: 1 })
    at(EXPIRY - 1)
    assert.deepEqual((await get(app, '/read', cookie)).json(), { n: 1 })
    at(EXPIRY)
    assert.deepEqual((await get(app, '/read', cookie)).json(), {})
  })

  it('says when it was created, last written and will expire, and which key and format it has', async () => {
    const key = newKey()
    const app = await sealedApp({ key })
    const cookie = cookieWith(app, { n: 1 })
    at(30)
    const touched = cookieOf(await get(app, '/touch', cookie))
    at(50)
    const { createdAt, lastWriteAt, expiresAt, ...rest } = (await get(app, '/info', touched)).json<Record<string, string>>()
    assert.deepEqual(rest, { status: 'valid', reason: null, keyId: hex(keyIdOf(key)), format: 'sealed', id: null, authentications: {}, device: null })
    assert.equal(Date.parse(createdAt ?? ''), START)
    // Written in whole seconds, 30.25 becomes 30, which is 29 whole seconds after 0.25.
    assert.equal(Date.parse(lastWriteAt ?? ''), START + 29_000)
    assert.equal(Date.parse(expiresAt ?? ''), START + 29_000 + EXPIRY * 1000)
  })

  it('keeps its time of creation over writes, and begins anew with regenerate()', async () => {
    const app = await sealedApp()
    const cookie = cookieWith(app, { n: 1 })
    const createdAt = async (cookie: string): Promise<number> => Date.parse((await get(app, '/info', cookie)).json<{ createdAt: string }>().createdAt)
    at(40)
    assert.equal(await createdAt(cookieOf(await get(app, '/set', cookie))), START)
    assert.equal(await createdAt(cookieOf(await get(app, '/regenerate', cookie))), START + 40_000)
  })

  for (const [title, forge] of [
    ['changed', (token: string) => `${token.slice(0, -6)}${token.at(-6) === 'A' ? 'B' : 'A'}${token.slice(-5)}`],
    ['with padding', (token: string) => `${token}=`],
    ['cut off', (token: string) => token.slice(0, -4)],
    ['nothing', () => ''],
    ['not even ASCII', () => 'é\u{1f511}']
  ] as const) {
    it(`whose cookie is ${title} is an empty one, and the response says nothing of it`, async () => {
      const { lines, server } = logged()
      const app = await sealedApp({}, { server })
      const response = await get(app, '/read', `session=${encodeURIComponent(forge(tokenWith(app, { n: 1 })))}`)
      assert.equal(response.statusCode, 200)
      assert.deepEqual(response.json(), {})
      assert.deepEqual(setCookies(response), [])
      assert.equal(lines.filter(({ level }) => level > 30).length, 0)
    })
  }

  it('is opened among planted cookies of the same name', async () => {
    const app = await sealedApp()
    const planted = ['session=x', `session=${tokenWith(await sealedApp(), { evil: 1 })}`, 'session=AAAA%3BAAAA']
    const cookie = cookieWith(app, { n: 1 })
    assert.deepEqual((await get(app, '/read', [...planted, cookie].join('; '))).json(), { n: 1 })
    assert.deepEqual((await get(app, '/read', [cookie, ...planted].join('; '))).json(), { n: 1 })
  })
})

describe('the cookie of a sealed session', () => {
  it('has no percent sign in its value, whatever the session holds', async () => {
    const app = await readyApp({ session: { key: newKey(), format: 'sealed' }, routes: { '/': request => request.session.set('text', request.headers['x-text']) } })
    for (let length = 0; length < 100; length++) {
      const response = await app.inject({ url: '/', headers: { 'x-text': 'x;=%"\\,'.repeat(length) } })
      assert.match(cookieOf(response), /^session=[\w-]+$/)
    }
  })

  it('is the token itself: the line holds what encodeSecureSession returns, character for character', async () => {
    const app = await sealedApp()
    const response = await get(app, '/set')
    assert.equal(cookieOf(response), `session=${tokenOf(response)}`)
    assert.notEqual(app.decodeSecureSession(cookieOf(response).slice('session='.length)), null)
  })

  it('is at most 0.94 of the length of the peer\'s, on the wire, in the mean over sessions of about 170 bytes', async () => {
    const { variations } = await import(new URL('../../bench/data.js', import.meta.url).href) as { variations: (count: number) => object[] }
    const sessions = variations(24)
    const key = newKey()
    const store = async (request: FastifyRequest): Promise<string> => {
      for (const [name, value] of Object.entries(sessions[Number(request.headers['x-index'])] ?? {})) request.session.set(name as never, value as never)
      return 'done'
    }
    const theirs = await readyApp({ plugin: PLUGINS.peer, session: { key }, routes: { '/': store } })
    const ours = await readyApp({ session: { key, format: 'sealed' }, routes: { '/': store } })
    const lengths = async (app: FastifyInstance): Promise<number[]> =>
      await Promise.all(sessions.map(async (_, index) => cookieOf(await app.inject({ url: '/', headers: { 'x-index': String(index) } })).length))
    const mean = (lengths: number[]): number => lengths.reduce((sum, length) => sum + length) / lengths.length
    // The peer's nonces are random, and so is how many of its characters are percent-encoded: the mean of some runs.
    const peers = mean((await Promise.all(Array.from({ length: 10 }, async () => await lengths(theirs)))).flat())
    const ratio = mean(await lengths(ours)) / peers
    assert.ok(ratio <= 0.94, `${ratio} of the peer's`)
    assert.ok(ratio > 0.8, `${ratio} of the peer's: is it the whole session?`)
  })
})

describe('a sealed session that an older key sealed', () => {
  async function rotated (options: object = {}): Promise<{ before: FastifyInstance, app: FastifyInstance, newer: Buffer, older: Buffer }> {
    const [older, newer] = [newKey(), newKey()]
    return { older, newer, before: await sealedApp({ key: older, ...options }), app: await sealedApp({ key: [newer, older], ...options }) }
  }

  it('is sealed with the first key when it is read, once, and all times stay', async () => {
    const { before, app, newer, older } = await rotated()
    const cookie = cookieWith(before, { n: 1 })
    at(20)
    const touched = cookieOf(await get(before, '/touch', cookie))
    const was = openedBy(touched.slice('session='.length), older)
    at(60)
    const response = await get(app, '/read', touched)
    assert.deepEqual(response.json(), { n: 1 })
    assert.deepEqual(openedBy(tokenOf(response), newer), { ...was, keyId: hex(keyIdOf(newer)) })
    assert.deepEqual(linesOf(await get(app, '/read', cookieOf(response))), [])
  })

  it('expires when it would have expired', async () => {
    const { before, app } = await rotated()
    const cookie = cookieWith(before, { n: 1 })
    at(60)
    const resealed = cookieOf(await get(app, '/read', cookie))
    at(99)
    assert.deepEqual((await get(app, '/read', resealed)).json(), { n: 1 })
    at(100)
    assert.deepEqual((await get(app, '/read', resealed)).json(), {})
  })

  const maxAges: Array<[title: string, maxAge: number | undefined, sent: string | undefined]> = [
    ['a longer one is cut to what is left', EXPIRY * 2, '40'], ['a shorter one stays', 10, '10'], ['none stays none', undefined, undefined]
  ]
  for (const [title, maxAge, sent] of maxAges) {
    it(`has a cookie that lives no longer than the session: ${title}`, async () => {
      const { before, app } = await rotated({ cookie: { maxAge } })
      const cookie = cookieWith(before, { n: 1 })
      at(60)
      const [line = ''] = linesOf(await get(app, '/read', cookie))
      assert.equal(/Max-Age=(\d+)/.exec(line)?.[1], sent)
    })
  }

  it('is not opened any more when its key is gone', async () => {
    const { before, newer } = await rotated()
    const { lines, server } = logged()
    const app = await sealedApp({ key: newer }, { server })
    assert.deepEqual((await get(app, '/read', cookieWith(before, { n: 1 }))).json(), {})
    assert.deepEqual(lines.filter(({ level, msg }) => level === 20 && msg.includes('key')).map(({ msg }) => msg), ['@fastify/secure-session: the cookie names a key that is not known, creating an empty session'])
  })

  it('rotates with a keyring that changes while the app runs', async () => {
    const [older, newer] = [newKey(), newKey()]
    const keyring = new Keyring([older])
    const app = await sealedApp({ key: keyring })
    const cookie = cookieWith(app, { n: 1 })
    keyring.rotate(newer)
    const response = await get(app, '/read', cookie)
    assert.equal(openedBy(tokenOf(response), newer).ok, true)
    keyring.retire(keyring.ids[1] ?? '')
    assert.deepEqual((await get(app, '/read', cookie)).json(), {})
    assert.deepEqual((await get(app, '/read', cookieOf(response))).json(), { n: 1 })
  })
})

describe('two keys with one id', () => {
  // Found by trying: one pair in 4.3 billion is like this.
  const [one, other] = [32809, 50050].map(number => Buffer.from(number.toString(16).padStart(64, '0'), 'hex')) as [Buffer, Buffer]

  it('have one by the second implementation, too', () => {
    assert.deepEqual(keyIdOf(one), keyIdOf(other))
  })

  for (const format of ['sealed', 'secretbox']) {
    it(`are refused at registration, in the format ${format}`, async () => {
      const { code, message } = await rejection({ key: [one, other], format })
      assert.deepEqual([code, message], ['FST_SEALED_SESSION_KEY_ID_TAKEN', `two different keys have the id ${hex(keyIdOf(one))}`])
    })
  }

  it('are refused by rotate(), and the sessions of the first stay', async () => {
    const keyring = new Keyring([one])
    const app = await sealedApp({ key: keyring })
    const cookie = cookieWith(app, { n: 1 })
    assert.throws(() => { keyring.rotate(other) }, { code: 'FST_SEALED_SESSION_KEY_ID_TAKEN' })
    assert.deepEqual((await get(app, '/read', cookie)).json(), { n: 1 })
  })

  it('of different sessions do no harm: a token of one is not authentic to the other', async () => {
    const { lines, server } = logged()
    const app = await sealedApp({ key: other }, { server })
    assert.deepEqual((await get(app, '/read', cookieWith(await sealedApp({ key: one }), { n: 1 }))).json(), {})
    assert.ok(lines.some(({ msg }) => msg === '@fastify/secure-session: unable to decrypt, creating an empty session'))
  })
})

describe('an app that moves from one format to the other', () => {
  it('opens sessions of the peer and seals them in its own format when they are read, with their time', async () => {
    const key = newKey()
    const cookie = cookieWith(await readyApp({ plugin: PLUGINS.peer, session: { key, expiry: EXPIRY } }), { n: 1 })
    const app = await sealedApp({ key, accept: ['sealed', 'secretbox'], cookie: { maxAge: 1000 } })
    at(60)
    const response = await get(app, '/read', cookie)
    assert.deepEqual(response.json(), { n: 1 })
    const written = Math.round(START / 1000) * 1000
    assert.deepEqual(openedBy(tokenOf(response), key), {
      ok: true, fields: { created: written, lastWrite: 0, lifetime: null, maxAge: null, id: null }, data: { n: 1 }, keyId: hex(keyIdOf(key))
    })
    assert.match(linesOf(response)[0] ?? '', /Max-Age=39;/)
    assert.deepEqual(linesOf(await get(app, '/read', cookieOf(response))), [])
  })

  it('without "secretbox" in accept opens none of them', async () => {
    const key = newKey()
    const cookie = cookieWith(await sealedApp({ key, format: 'secretbox' }), { n: 1 })
    const { lines, server } = logged()
    const app = await sealedApp({ key }, { server })
    assert.deepEqual((await get(app, '/read', cookie)).json(), {})
    assert.ok(lines.some(({ msg }) => msg === '@fastify/secure-session: the cookie is in a format that is not accepted, creating an empty session'))
  })

  it('can go back: an app with the default format opens sealed sessions and seals them as the peer does', async () => {
    const key = newKey()
    const cookie = cookieWith(await sealedApp({ key }), { n: 1 })
    const app = await sealedApp({ key, format: undefined })
    const response = await get(app, '/read', cookie)
    assert.deepEqual(response.json(), { n: 1 })
    const theirs = await readyApp({ plugin: PLUGINS.peer, session: { key } })
    assert.deepEqual(theirs.decodeSecureSession(tokenOf(response))?.data(), { n: 1 })
  })
})

describe('encodeSecureSession and decodeSecureSession with sealed sessions', () => {
  it('make and open tokens of the sealed format', async () => {
    const key = newKey()
    const app = await sealedApp({ key })
    const token = app.encodeSecureSession(newSession(app, { n: 1 }))
    assert.equal(openedBy(token, key).ok, true)
    assert.deepEqual({ ...app.decodeSecureSession(token)?.data() }, { n: 1 })
  })

  it('return null for what is not one, without throwing', async () => {
    const app = await sealedApp()
    const token = tokenWith(app, { n: 1 })
    for (const text of ['', 'x', `${token}=`, `${token};`, `${token}; Path=/`, token.slice(1), `session=${token}`, '\ud800', 'A'.repeat(2 ** 20)]) assert.equal(app.decodeSecureSession(text), null)
  })

  it('go by the session that they are told', async () => {
    const key = newKey()
    const app = await readyApp({ session: ['one', 'two'].map(sessionName => ({ sessionName, key, format: 'sealed' })) })
    const token = app.encodeSecureSession(newSession(app, { n: 1 }), 'two')
    assert.equal(app.decodeSecureSession(token), null)
    assert.equal(app.decodeSecureSession(token, undefined, 'one'), null)
    assert.deepEqual({ ...app.decodeSecureSession(token, undefined, 'two')?.data() }, { n: 1 })
  })

  it('and a codec without Fastify open each other\'s tokens', async () => {
    const options = { key: newKey(), format: 'sealed', cookieName: 'sid' } as const
    const app = await sealedApp(options)
    const codec = await createSessionCodec<{ n: number }>(options)
    assert.deepEqual({ ...app.decodeSecureSession(codec.seal({ n: 1 }))?.data() }, { n: 1 })
    const opened = codec.open(tokenWith(app, { n: 2 }))
    assert.ok(opened.ok)
    assert.deepEqual([opened.data, opened.format, opened.createdAt?.getTime(), opened.stale], [{ n: 2 }, 'sealed', START, false])
    assert.deepEqual((await createSessionCodec({ ...options, cookieName: 'other' })).open(codec.seal({ n: 1 })), { ok: false, reason: 'not-authentic' })
  })
})

describe('the context', () => {
  it('is the cookie\'s name by default', async () => {
    const key = newKey()
    for (const [options, context] of [[{}, 'session'], [{ sessionName: 'auth' }, 'auth'], [{ sessionName: 'auth', cookieName: '__Host-sid' }, '__Host-sid'], [{ context: '' }, 'session']] as const) {
      const app = await sealedApp({ key, ...options })
      assert.equal(openedBy(tokenWith(app, {}), key, context).ok, true, context)
    }
  })

  it('lets a renamed cookie go on, where it is set', async () => {
    const key = newKey()
    const token = tokenWith(await sealedApp({ key, cookieName: 'old' }), { n: 1 })
    const renamed = await sealedApp({ key, cookieName: 'new', context: 'old' })
    assert.deepEqual((await get(renamed, '/read', `new=${token}`)).json(), { n: 1 })
    assert.deepEqual((await get(await sealedApp({ key, cookieName: 'new' }), '/read', `new=${token}`)).json(), {})
  })

  it('tells apps apart that share a key and a name', async () => {
    const key = newKey()
    const [production, staging] = [await sealedApp({ key, context: 'production' }), await sealedApp({ key, context: 'staging' })]
    assert.deepEqual((await get(staging, '/read', cookieWith(production, { n: 1 }))).json(), {})
    assert.deepEqual((await get(production, '/read', cookieWith(production, { n: 1 }))).json(), { n: 1 })
  })

  it('makes a cookie of one session an empty session in another that shares its key', async () => {
    const key = newKey()
    const names = ['auth', 'prefs'] as const
    const both = (request: FastifyRequest): Record<typeof names[number], Session> => request as never
    const app = await readyApp({
      session: names.map(sessionName => ({ sessionName, key, format: 'sealed' })),
      routes: {
        '/read': request => names.map(name => both(request)[name].data()),
        '/set': request => { for (const name of names) both(request)[name].set('of', name) }
      }
    })
    const response = await get(app, '/set')
    const [auth, prefs] = names.map(name => tokenOf(response, name))
    assert.deepEqual((await get(app, '/read', `auth=${auth}; prefs=${prefs}`)).json(), [{ of: 'auth' }, { of: 'prefs' }])
    assert.deepEqual((await get(app, '/read', `auth=${prefs}; prefs=${auth}`)).json(), [{}, {}])
  })
})

describe('a signed sealed session', () => {
  it('is opened with its signature and refused without or with another', async () => {
    const app = await sealedApp({ cookie: { signed: true } })
    const cookie = cookieOf(await get(app, '/set'))
    const value = decodeURIComponent(cookie.slice('session='.length))
    const [token = '', signature = ''] = value.split('.')
    assert.match(token, /^[\w-]+$/)
    assert.deepEqual((await get(app, '/read', cookie)).json(), { m: 2 })
    const other = (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)
    for (const forged of [token, `${token}.`, `${token}.${other}`, `${token}=.${signature}`]) {
      assert.deepEqual((await get(app, '/read', `session=${encodeURIComponent(forged)}`)).json(), {}, forged)
    }
    for (const decodable of [token, value]) assert.deepEqual({ ...app.decodeSecureSession(decodable)?.data() }, { m: 2 })
  })

  it('is sealed and signed again with the first of two keys', async () => {
    const [older, newer] = [newKey(), newKey()]
    const cookie = cookieOf(await get(await sealedApp({ key: older, cookie: { signed: true } }), '/set'))
    const response = await get(await sealedApp({ key: [newer, older], cookie: { signed: true } }), '/read', cookie)
    assert.deepEqual(response.json(), { m: 2 })
    assert.deepEqual((await get(await sealedApp({ key: newer, cookie: { signed: true } }), '/read', cookieOf(response))).json(), { m: 2 })
  })
})

describe('the warning about a shared key', () => {
  const key = newKey()
  const keyring = new Keyring([newKey()])
  const sealed = { key, format: 'sealed' }
  const pairs: Array<[title: string, a: object, b: object, warned: boolean]> = [
    ['two in the default format', { key }, { key }, true],
    ['two in the default format with keys of their own', { key }, { key: newKey() }, false],
    ['two in the default format with one key in common', { key: [newKey(), key] }, { key: [key, newKey()] }, true],
    ['two in the default format with one keyring', { key: keyring }, { key: keyring }, true],
    ['two sealed', sealed, sealed, false],
    ['two sealed with one keyring', { ...sealed, key: keyring }, { ...sealed, key: keyring }, false],
    ['two sealed with one explicit context', { ...sealed, context: 'c' }, { ...sealed, context: 'c' }, true],
    ['two sealed, one with the other\'s cookie as its context', sealed, { ...sealed, context: 'a' }, true],
    ['two sealed with one context and keys of their own', { ...sealed, context: 'c' }, { ...sealed, key: newKey(), context: 'c' }, false],
    ['two sealed that both still accept secretbox', { ...sealed, accept: ['sealed', 'secretbox'] }, { ...sealed, accept: ['secretbox', 'sealed'] }, true],
    ['two sealed of which one still accepts secretbox', { ...sealed, accept: ['sealed', 'secretbox'] }, sealed, false],
    ['one sealed, one in the default format', sealed, { key }, false],
    ['one sealed that still accepts secretbox, one in the default format', { ...sealed, accept: ['sealed', 'secretbox'] }, { key }, true],
    ['one sealed, one in the default format, with one context', { ...sealed, context: 'c' }, { key, context: 'c' }, true],
    ['one that accepts sealed only and one secretbox only, with one context', { ...sealed, accept: ['sealed'], context: 'c' }, { key, accept: ['secretbox'], context: 'c' }, false],
    ['two that accept secretbox only', { key, accept: ['secretbox'] }, { key, accept: ['secretbox'], context: 'c' }, true]
  ]
  for (const [title, a, b, warned] of pairs) {
    it(`is ${warned ? '' : 'not '}given for ${title}`, async () => {
      for (const [first, second] of [[a, b], [b, a]]) {
        const found = await warningsOf([{ sessionName: first === a ? 'a' : 'b', ...first }, { sessionName: first === a ? 'b' : 'a', ...second }])
        assert.deepEqual(found.map(({ code }) => code), warned ? ['FST_SEALED_SESSION_WARN_KEY_SHARED'] : [])
        if (warned) assert.match(found[0]?.msg ?? '', first === a ? /^sessions "a" and "b" share a key/ : /^sessions "b" and "a" share a key/)
      }
    })
  }

  it('is right: where it is given one session\'s token opens as the other, and where it is not, it does not', async () => {
    for (const [title, a, b, warned] of pairs) {
      const app = await readyApp({ session: [{ sessionName: 'a', ...a }, { sessionName: 'b', ...b }] })
      const session = newSession(app, { n: 1 })
      const crossed = [['a', 'b'], ['b', 'a']].some(([from, to]) => app.decodeSecureSession(app.encodeSecureSession(session, from), undefined, to) !== null)
      // While both accept secretbox, tokens of it may be out there even where neither seals them now.
      const box = [a, b].every(options => 'accept' in options && (options.accept as string[]).includes('secretbox')) && warned
      assert.ok(crossed === warned || box, title)
    }
  })

  it('is given once for each pair', async () => {
    const found = await warningsOf(['a', 'b', 'c'].map(sessionName => ({ sessionName, key })))
    assert.deepEqual(found.map(({ msg }) => /^sessions "(.)" and "(.)"/.exec(msg)?.slice(1).join('')), ['ab', 'ac', 'bc'])
  })
})

describe('the options of the sealed format are checked', () => {
  const key = newKey()
  const refused: Array<[options: object, code: string, words: RegExp]> = [
    ...['Sealed', 'secret-box', '', 'toString', 1, true, {}, ['sealed']].map((format): [object, string, RegExp] =>
      [{ format }, 'FST_SEALED_SESSION_OPTION_INVALID', /^option "format" must be 'secretbox' or 'sealed', got /]),
    ...['sealed', [], ['secretbox'], ['sealed', 'x'], [['sealed']], [undefined, 'sealed'], {}, 1].map((accept): [object, string, RegExp] =>
      [{ format: 'sealed', accept }, 'FST_SEALED_SESSION_OPTION_INVALID', /^option "accept" must be an array of formats with 'sealed' in it/]),
    [{ accept: ['sealed'] }, 'FST_SEALED_SESSION_OPTION_INVALID', /^option "accept" must be an array of formats with 'secretbox' in it/],
    ...[1, true, {}, ['session'], Buffer.from('session')].map((context): [object, string, RegExp] =>
      [{ format: 'sealed', context }, 'FST_SEALED_SESSION_OPTION_INVALID', /^option "context" must be a string, got /]),
    ...['\ud800', 'a\udc00b', '\udc00\ud800'].map((context): [object, string, RegExp] =>
      [{ format: 'sealed', context }, 'FST_SEALED_SESSION_OPTION_INVALID', /^option "context" must be text that UTF-8 can hold, got /]),
    ...Object.entries({ formats: 'format', Format: 'format', fromat: 'format', accepts: 'accept', acept: 'accept', contexts: 'context', contex: 'context', CONTEXT: 'context' })
      .map(([name, near]): [object, string, RegExp] => [{ [name]: 'sealed' }, 'FST_SEALED_SESSION_OPTION_UNKNOWN', new RegExp(`^option "${name}" is not known, did you mean "${near}"\\?$`)])
  ]
  for (const [options, code, words] of refused) {
    it(`${JSON.stringify(options)} is refused`, async () => {
      const error = await rejection({ key, ...options })
      assert.equal(error.code, code)
      assert.match(error.message, words)
      await assert.rejects(createSessionCodec({ key, ...options }), { code })
    })
  }

  const taken: object[] = [
    {}, { format: undefined, accept: undefined, context: undefined }, { format: null, accept: null, context: null }, { format: 'secretbox' },
    { format: 'sealed' }, { format: 'sealed', accept: ['sealed', 'sealed'] }, { format: 'secretbox', accept: ['secretbox'] }, { format: 'sealed', context: '🔑' },
    Object.freeze({ format: 'sealed', accept: Object.freeze(['secretbox', 'sealed']) })
  ]
  for (const options of taken) {
    it(`${JSON.stringify(options)} is taken, without a warning`, async () => {
      assert.deepEqual(await warningsOf({ key, ...options }), [])
    })
  }

  it('an array of accept that changes later changes nothing', async () => {
    const accept = ['sealed']
    const app = await sealedApp({ key, accept })
    accept.push('secretbox')
    assert.deepEqual((await get(app, '/read', cookieWith(await sealedApp({ key, format: 'secretbox' }), { n: 1 }))).json(), {})
  })
})
