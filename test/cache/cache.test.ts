// The option `cache`: tokens that come again are not decrypted again, and nothing else is left out.
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, it, type TestContext } from 'node:test'
import { createSessionCodec, Keyring, sessionInfo, type Format, type StandardSchema } from '../../src/index.ts'
import { MemoryStore } from '../../src/revocation/index.ts'
import { createWebSessions } from '../../src/web/index.ts'
import { cookieWith, get, logged, post, properties, readyApp, tokenWith, type Bag } from '../support/app.ts'
import { cookieHeader, refusals } from '../support/configurations.ts'
import { boundDevice, appWithDevices } from '../support/device.ts'
import { cookieOf, cookiesOf, isCachedEverywhere, newKey, setCookies } from '../support/helpers.ts'
import { again, countDecryptions, FORMATS, stopTime } from './support.ts'

const key = newKey()
const CACHED = { key, cache: true }

for (const format of FORMATS) {
  const session = { ...CACHED, format }
  const withCache = async (t: TestContext, more: object = {}, setup: object = {}): ReturnType<typeof readyApp> => await readyApp({ t, session: { ...session, ...more }, ...setup })

  describe(`an app with a cache, format ${format}`, () => {
    it('decrypts a token the first two times that it comes, and not any more', async t => {
      const app = await withCache(t)
      const cookie = cookieWith(app, { user: 1 })
      const decryptions = countDecryptions(t)
      const counts: number[] = []
      for (let time = 0; time < 5; time++) {
        assert.deepEqual((await get(app, '/get', cookie)).json(), { user: 1 })
        counts.push(decryptions())
      }
      assert.deepEqual(counts, [1, 1, 0, 0, 0])
    })

    it('finds a token among other cookies, wherever it stands', async t => {
      const app = await withCache(t)
      const cookie = cookieWith(app, { user: 1 })
      await again(app, cookie)
      const decryptions = countDecryptions(t)
      for (const header of [`a=1; ${cookie}`, `${cookie}; b=2`, `a=1;${cookie} ;b=2`]) assert.deepEqual((await get(app, '/get', header)).json(), { user: 1 })
      assert.equal(decryptions(), 0)
    })

    it('decrypts each time without the option, and with cache: false or null', async t => {
      for (const cache of isCachedEverywhere ? [false] : [undefined, false, null]) {
        const app = await withCache(t, { cache })
        const cookie = cookieWith(app, { user: 1 })
        const decryptions = countDecryptions(t)
        await again(app, cookie)
        assert.equal(decryptions(), 3)
        t.mock.restoreAll()
      }
    })

    it('takes no token that does not open', async t => {
      const app = await withCache(t)
      let cookie = cookieWith(app, { user: 1 })
      while (cookie.slice(0, 'session=AA'.length).includes('%')) cookie = cookieWith(app, { user: 1 }) // to change an escape would be another matter
      const changed = cookie.replace(/=.(.)/, (_, second: string) => `=A${second === 'A' ? 'B' : 'A'}`)
      const other = cookieWith(await withCache(t, { key: newKey() }), { user: 2 })
      for (const refused of [changed, other]) assert.deepEqual(await again(app, refused), {})
      const decryptions = countDecryptions(t)
      for (const refused of [changed, other]) assert.deepEqual(await again(app, refused), {})
      assert.ok(decryptions() >= (format === 'sealed' ? 0 : 6), 'each is tried again') // a sealed one names a key that is not there
      assert.deepEqual((await get(app, '/get', cookie)).json(), { user: 1 })
    })

    it('gives each request objects of its own: a change by one is not there in the next', async t => {
      const app = await withCache(t, {}, {
        routes: {
          '/get': ({ session }: { session: Bag }) => session.data(),
          '/spoil': ({ session }: { session: Bag }) => {
            const { user } = properties(session) as { user: { admin?: boolean, list: number[] } }
            user.admin = true
            user.list.push(2)
            session.changed = false
            return 'spoilt'
          }
        }
      })
      const cookie = cookieWith(app, { user: { list: [1] } })
      const expected = { user: { list: [1] } }
      assert.deepEqual(await again(app, cookie), expected)
      await get(app, '/spoil', cookie)
      assert.deepEqual((await get(app, '/get', cookie)).json(), expected)
    })

    it('lets two requests that are under way at once write to sessions of their own', async t => {
      const app = await withCache(t)
      const cookie = cookieWith(app, { user: 1 })
      await again(app, cookie)
      const [one, two] = await Promise.all([post(app, '/set', cookie, { a: 1 }), post(app, '/set', cookie, { b: 2 })])
      assert.deepEqual((await get(app, '/get', cookieOf(one))).json(), { user: 1, a: 1 })
      assert.deepEqual((await get(app, '/get', cookieOf(two))).json(), { user: 1, b: 2 })
      assert.deepEqual((await get(app, '/get', cookie)).json(), { user: 1 })
    })

    it('refuses a token in the cache at the moment at which it expires, and says so in the log', async t => {
      const clock = stopTime(t)
      const { lines, server } = logged()
      const app = await withCache(t, { expiry: 30 }, { server })
      const cookie = cookieWith(app, { user: 1 })
      clock.tick(29_999)
      assert.deepEqual(await again(app, cookie), { user: 1 })
      clock.tick(1)
      assert.deepEqual((await get(app, '/get', cookie)).json(), {})
      assert.match(refusals(lines).join(), /expiry reached/)
    })

    it('refuses a token in the cache after the absolute timeout', async t => {
      const clock = stopTime(t)
      const app = await withCache(t, { absoluteTimeout: 40, expiry: 30 })
      const cookie = cookieWith(app, { user: 1 })
      clock.tick(25_000)
      const touched = cookieOf(await post(app, '/touch', cookie))
      clock.tick(14_999)
      assert.deepEqual(await again(app, touched), { user: 1 })
      clock.tick(1)
      assert.deepEqual((await get(app, '/get', touched)).json(), {})
    })

    it('refuses a token in the cache that lies in the future, once the clock is set back', async t => {
      const clock = stopTime(t)
      const app = await withCache(t)
      const cookie = cookieWith(app, { user: 1 })
      await again(app, cookie)
      clock.setSystemTime(1_800_000_000_000 - 61_000)
      assert.deepEqual((await get(app, '/get', cookie)).json(), {})
    })

    it('opens nothing any more that a retired key has sealed', async t => {
      const keyring = new Keyring([newKey(), key])
      const app = await withCache(t, { key: keyring })
      const old = cookieWith(await withCache(t, { cache: false }), { user: 1 })
      assert.deepEqual(await again(app, old), { user: 1 })
      keyring.retire(keyring.ids[1]!)
      assert.deepEqual((await get(app, '/get', old)).json(), {})
    })

    it('sends a session again with the new key after a rotation, although its token is in the cache', async t => {
      const keyring = new Keyring(key)
      const app = await withCache(t, { key: keyring })
      const cookie = cookieWith(app, { user: 1 })
      await again(app, cookie)
      assert.deepEqual(setCookies(await get(app, '/get', cookie)), [])
      keyring.rotate(newKey())
      for (let time = 0; time < 3; time++) assert.equal(setCookies(await get(app, '/get', cookie)).length, 1)
    })

    it('asks the schema each time, and gives what it returns', async t => {
      let validated = 0
      const schema: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate: value => ({ value: { ...value as object, seen: ++validated } }) } }
      const app = await withCache(t, { schema })
      const cookie = cookieWith(app, { user: 1 })
      const before = validated
      assert.deepEqual(await again(app, cookie), { user: 1, seen: before + 3 })
      assert.deepEqual(await again(app, cookie), { user: 1, seen: before + 6 })
    })

    it('refuses a token in the cache once the schema does', async t => {
      let takes = true
      const schema: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate: value => takes ? { value } : { issues: [{ message: 'no' }] } } }
      const app = await withCache(t, { schema })
      const cookie = cookieWith(app, { user: 1 })
      await again(app, cookie)
      takes = false
      assert.deepEqual((await get(app, '/get', cookie)).json(), {})
      takes = true
      const decryptions = countDecryptions(t)
      assert.deepEqual((await get(app, '/get', cookie)).json(), { user: 1 })
      assert.equal(decryptions(), 1, 'the content of what was refused is not held')
    })

    it('calls the serializer each time, and refuses what it does not read any more', async t => {
      let parsed = 0
      let fails = false
      const serializer = {
        stringify: (data: object) => JSON.stringify(data),
        parse (text: string) {
          parsed++
          if (fails) throw new Error('no')
          return JSON.parse(text) as object
        }
      }
      const { lines, server } = logged()
      const app = await withCache(t, { serializer }, { server })
      const cookie = cookieWith(app, { user: 1 })
      assert.deepEqual(await again(app, cookie), { user: 1 })
      assert.equal(parsed, 3)
      fails = true
      assert.deepEqual((await get(app, '/get', cookie)).json(), {})
      assert.equal(refusals(lines).length, 1)
    })

    it('takes nothing that was opened with keys that a serializer has changed meanwhile', async t => {
      const keyring = new Keyring([newKey(), key])
      let isDue = false
      const serializer = {
        stringify: (data: object) => JSON.stringify(data),
        parse (text: string) {
          if (isDue) keyring.retire(keyring.ids[1]!)
          isDue = false
          return JSON.parse(text) as object
        }
      }
      const app = await withCache(t, { key: keyring, serializer })
      const old = tokenWith(await withCache(t, { cache: false, serializer }), { user: 1 })
      app.decodeSecureSession(old)
      isDue = true
      app.decodeSecureSession(old)
      for (let time = 0; time < 3; time++) assert.equal(app.decodeSecureSession(old), null)
    })

    it('refuses a session in the cache that was revoked', async t => {
      const app = await withCache(t, {}, { revocation: { store: new MemoryStore() } })
      const cookie = cookieOf(await post(app, '/set', undefined, { user: 1 }))
      assert.deepEqual(await again(app, cookie), { user: 1 })
      const decryptions = countDecryptions(t)
      await post(app, '/delete', cookie)
      assert.deepEqual((await get(app, '/get', cookie)).json(), {})
      assert.equal(decryptions(), 0, 'it was in the cache')
    })

    it('checks the signature of a signed cookie each time', async t => {
      const app = await withCache(t, { cookie: { signed: true } })
      const cookie = cookieOf(await post(app, '/set', undefined, { user: 1 }))
      assert.deepEqual(await again(app, cookie), { user: 1 })
      const decryptions = countDecryptions(t)
      assert.deepEqual((await get(app, '/get', cookie)).json(), { user: 1 })
      assert.equal(decryptions(), 0, 'it was in the cache')
      const forged = cookie.replace(/\.[^.]*$/, '.AAAA')
      assert.notEqual(forged, cookie)
      assert.deepEqual((await get(app, '/get', forged)).json(), {})
      assert.deepEqual((await get(app, '/get', cookie.replace(/\.[^.]*$/, ''))).json(), {})
    })

    it('has one cache for each session of an app', async t => {
      const sessions = ['a', 'b'].map(sessionName => ({ ...session, sessionName, context: 'both', key: newKey() }))
      const app = await readyApp({ t, session: sessions, routes: { '/get': request => ['a', 'b'].map(name => (request as unknown as Record<string, Bag>)[name]!.data()) } })
      const token = app.encodeSecureSession(app.createSecureSession({ user: 1 }), 'a')
      assert.deepEqual(await again(app, cookieHeader(token, 'a')), [{ user: 1 }, {}])
      assert.deepEqual(await again(app, cookieHeader(token, 'b')), [{}, {}])
    })

    it('opens a token in the other format as without it, and seals it again in its own', async t => {
      const other: Format = format === 'sealed' ? 'secretbox' : 'sealed'
      const app = await withCache(t, { accept: FORMATS })
      const cookie = cookieWith(await withCache(t, { cache: false, format: other, accept: FORMATS }), { user: 1 })
      for (let time = 0; time < 4; time++) {
        const response = await get(app, '/get', cookie)
        assert.deepEqual(response.json(), { user: 1 })
        assert.equal(setCookies(response).length, 1)
      }
    })

    it('refuses another spelling of a token in the cache as without it', async t => {
      const app = await withCache(t)
      const cookie = cookieWith(app, { user: 1 })
      const token = tokenWith(app, { user: 1 })
      await again(app, cookie)
      for (let time = 0; time < 3; time++) app.decodeSecureSession(token)
      for (const text of [cookie.slice('session='.length), `${token}=`, `${token} `, encodeURIComponent(`${token} `)]) {
        const isOne = format === 'sealed' && text === cookie.slice('session='.length)
        assert.equal(app.decodeSecureSession(text) !== null, isOne, text)
      }
    })

    it('opens a session whose id and times are those of its token', async t => {
      const app = await withCache(t, {}, { revocation: { store: new MemoryStore() }, routes: { '/info': ({ session }: { session: Bag }) => sessionInfo(session), 'POST /in': ({ session }: { session: Bag }) => { session.options({ expiry: 500, maxAge: 400, path: '/', domain: 'example.com' }); session.set('a', 1) } } })
      const cookie = cookieOf(await post(app, '/in'))
      const first: unknown = (await get(app, '/info', cookie)).json()
      assert.deepEqual(await again(app, cookie, '/info'), first)
    })

    it('writes the log, and publishes the messages, that an app without it does', async t => {
      const clock = stopTime(t)
      const told = async (cache: boolean): Promise<unknown[]> => {
        const events: unknown[] = []
        const listener = (message: unknown): void => { events.push(message) }
        const { lines, server } = logged('trace')
        const app = await withCache(t, { cache, expiry: 600 }, { server })
        const cookie = cookieHeader(tokens.one)
        const visit = async (): Promise<void> => {
          for (const header of [cookie, cookie, cookie, cookie, `${cookie}x`, 'session=', '', `${cookie}; ${cookieHeader(tokens.two)}`, `${cookie}; ${cookie}`]) events.push((await get(app, '/get', header)).json())
        }
        await visit()
        subscribe('fastify-sealed-session:open', listener)
        await visit()
        clock.tick(600_000)
        await visit()
        unsubscribe('fastify-sealed-session:open', listener)
        clock.setSystemTime(1_800_000_000_000)
        return [...events, ...lines.filter(({ msg }) => msg.startsWith('@fastify')).map(({ msg, level }) => [msg, level])]
      }
      const plain = await readyApp({ t, session: { key, format } })
      const tokens = { one: tokenWith(plain, { user: 1 }), two: tokenWith(plain, { user: 2 }) }
      const without = await told(false)
      assert.ok(without.length > 40)
      assert.deepEqual(await told(true), without)
    })

    it('spends the decryptions that an app without it does, if several cookies of one name come', async t => {
      const keys = Array.from({ length: 10 }, newKey)
      const last = await withCache(t, { key: keys.at(-1), cache: false })
      const garbage = Array.from({ length: 8 }, (_, n) => cookieHeader(tokenWith(last, { n }).replace(/^.{60}/, text => `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`)))
      const mine = cookieWith(last, { user: 1 })
      const header = [...garbage, mine].join('; ')
      const counts: number[] = []
      for (const cache of [false, true]) {
        const app = await withCache(t, { key: keys, cache })
        await again(app, mine)
        const decryptions = countDecryptions(t)
        await again(app, header)
        counts.push(decryptions())
        t.mock.restoreAll()
      }
      assert.equal(counts[0], counts[1])
      assert.ok(counts[0]! > 0)
    })
  })
}

describe('an app with a cache', () => {
  it('asks a device for its proof each time', async t => {
    const app = await appWithDevices({ t, session: { cache: true } })
    const device = await boundDevice(app)
    const names = device.cookies.split('; ')
    for (let time = 0; time < 3; time++) assert.equal((await get(app, '/me', device.cookies)).body, 'ann')
    const alone = names.filter(pair => pair.startsWith('session=')).join('; ')
    const decryptions = countDecryptions(t)
    for (let time = 0; time < 3; time++) assert.equal((await get(app, '/me', alone)).body, 'nobody')
    assert.equal(decryptions(), 0, 'it was in the cache')
  })

  it('opens a session that was split, in the cache or not', async t => {
    const app = await readyApp({ t, session: { ...CACHED, format: 'sealed' } })
    for (const length of [2400, 3000, 4000]) {
      const text = 'x'.repeat(length)
      const cookie = cookiesOf(await post(app, '/set', undefined, { text }))
      for (let time = 0; time < 4; time++) assert.deepEqual((await get(app, '/get', cookie)).json(), { text })
    }
  })
})

describe('createSessionCodec with a cache', () => {
  for (const format of FORMATS) {
    it(`decrypts a token the first two times, as a token and as a cookie: ${format}`, async t => {
      const codec = await createSessionCodec({ ...CACHED, format })
      const token = codec.seal({ user: { name: 'ann' } })
      const decryptions = countDecryptions(t)
      const opens = [() => codec.open(token), () => codec.openCookies(cookieHeader(token)), () => codec.openCookies(cookieHeader(token), value => ({ valid: true, value }))]
      const results = opens.flatMap(open => [open(), open(), open(), open()])
      for (const result of results) assert.deepEqual(result, results[0])
      assert.equal(new Set(results.map(result => result?.ok === true && result.data.user)).size, results.length, 'each has objects of its own')
      // The secretbox format has another spelling in a cookie.
      assert.equal(decryptions(), format === 'sealed' ? 2 : 4)
    })

    it(`opens nothing that another codec's context or format refuses: ${format}`, async () => {
      const codec = await createSessionCodec({ ...CACHED, format, accept: [format], context: 'a' })
      const token = codec.seal({ user: 1 })
      for (let time = 0; time < 3; time++) assert.equal(codec.open(token).ok, true)
      const other = await createSessionCodec({ ...CACHED, format: 'sealed', accept: ['sealed'], context: 'b' })
      assert.equal(other.open(token).ok, false)
    })
  }

  it('keeps no process from ending', async () => {
    const codec = await createSessionCodec({ ...CACHED })
    const token = codec.seal({ user: 1 })
    for (let time = 0; time < 3; time++) codec.open(token)
    assert.ok(!process.getActiveResourcesInfo().includes('Timeout'))
  })
})

describe('createWebSessions with a cache', () => {
  it('decrypts a token the first two times, and each time after close()', async t => {
    const sessions = await createWebSessions({ ...CACHED, cookie: { secure: true } })
    const writing = await sessions.open({ headers: new Headers() })
    writing.set('user' as never, 1 as never)
    const headers = new Headers()
    await writing.commit(headers)
    const cookie = headers.getSetCookie()[0]!.split(';')[0]!
    const decryptions = countDecryptions(t)
    const visit = async (): Promise<number> => {
      const session = await sessions.open({ headers: new Headers({ cookie }) })
      assert.equal(session.get('user' as never), 1)
      return decryptions()
    }
    assert.deepEqual([await visit(), await visit(), await visit(), await visit()], [1, 1, 0, 0])
    sessions.close()
    assert.deepEqual([await visit(), await visit(), await visit(), await visit()], [1, 1, 1, 1])
  })
})
