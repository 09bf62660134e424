// Keys that change while the app runs: what a Keyring does to sessions, through the public surface.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import FakeTimers, { type Clock } from '@sinonjs/fake-timers'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { Keyring, createSessionCodec, generateKey, sessionInfo, type Format, type SessionInfo } from '../../src/index.ts'
import { cookieOf, newKey, setCookies, tokenOf } from '../support/helpers.ts'
import { get, linesOf, newApp, post, readyApp, type Handler } from '../support/app.ts'

const FORMATS: Format[] = ['secretbox', 'sealed']

/** Why a token is refused whose key is not there any more. */
const UNKNOWN_KEY = { secretbox: 'not-authentic', sealed: 'key-unknown' }

const ROUTES: Record<string, Handler> = {
  '/read': ({ session }) => session.data(),
  '/set': ({ session }) => session.set('n', 1),
  '/info': ({ session }) => sessionInfo(session),
  '/untouched': () => 'done'
}

async function appOf (key: Keyring | Buffer | Buffer[], options: object = {}): Promise<FastifyInstance> {
  return await readyApp({ session: { key, ...options }, routes: ROUTES })
}

/** Logs in and returns the cookie. */
async function login (app: FastifyInstance): Promise<string> {
  return cookieOf(await get(app, '/set'))
}

async function infoOf (app: FastifyInstance, cookie: string): Promise<SessionInfo> {
  return (await get(app, '/info', cookie)).json()
}

/** The id of the key that sealed a cookie, for whoever has all keys. */
async function sealedBy (app: FastifyInstance, cookie: string): Promise<string | null> {
  return (await infoOf(app, cookie)).keyId
}

function idOf (key: Buffer): string {
  return new Keyring(key).ids[0]!
}

let clock: Clock
beforeEach(() => { clock = FakeTimers.install({ now: Date.UTC(2030, 0, 1), toFake: ['Date'] }) })
afterEach(() => { clock.uninstall() })

for (const format of FORMATS) {
  describe(`rotate(), with format '${format}'`, () => {
    it('seals the next response with the new key', async () => {
      const keyring = new Keyring(newKey())
      const app = await appOf(keyring, { format })
      const newest = newKey()
      keyring.rotate(newest)
      const alone = await appOf(newest, { format })
      assert.deepEqual((await get(alone, '/read', await login(app))).json(), { n: 1 })
    })

    it('seals with the new key what a request holds that began before', async () => {
      const keyring = new Keyring(newKey())
      const app = await readyApp({ session: { key: keyring, format }, routes: { '/': ({ session }) => { session.set('n', 1); keyring.rotate(newKey()) } } })
      const [before] = keyring.ids
      const token = tokenOf(await get(app))
      assert.notEqual(keyring.ids[0], before)
      assert.equal(sessionInfo(app.decodeSecureSession(token)!).keyId, keyring.ids[0])
    })

    it('opens what was sealed before, and seals it again on access, once, with its times as they were', async () => {
      const keyring = new Keyring(newKey())
      const app = await appOf(keyring, { format })
      const cookie = await login(app)
      const before = await infoOf(app, cookie)
      keyring.rotate(newKey())
      clock.tick(60_000)

      assert.deepEqual(linesOf(await get(app, '/untouched', cookie)), [])
      const response = await get(app, '/read', cookie)
      assert.deepEqual(response.json(), { n: 1 })
      const after = await infoOf(app, cookieOf(response))
      assert.deepEqual(after, { ...before, keyId: keyring.ids[0] })
      assert.deepEqual(linesOf(await get(app, '/read', cookieOf(response))), [])
    })

    it('to a key that is there moves it to the front, and takes sessions to it', async () => {
      const [a, b] = [newKey(), newKey()]
      const keyring = new Keyring([a, b])
      const app = await appOf(keyring, { format })
      const cookie = await login(app)
      keyring.rotate(b)
      const response = await get(app, '/read', cookie)
      assert.equal(await sealedBy(app, cookieOf(response)), idOf(b))
    })

    it('counts outside requests, and for codecs without Fastify', async () => {
      const keyring = new Keyring(newKey())
      const app = await appOf(keyring, { format })
      const codec = await createSessionCodec<{ n: number }>({ key: keyring, format, context: 'session' })
      const tokens = [app.encodeSecureSession(app.createSecureSession({ n: 1 })), codec.seal({ n: 1 })]
      const key = generateKey()
      keyring.rotate(key)
      for (const token of tokens) {
        assert.equal(app.decodeSecureSession(token)?.changed, true)
        const opened = codec.open(token)
        assert.ok(opened.ok && opened.stale)
      }
      const alone = await appOf(key, { format })
      for (const token of [app.encodeSecureSession(app.createSecureSession({ n: 1 })), codec.seal({ n: 1 })]) {
        assert.deepEqual(alone.decodeSecureSession(token)?.data(), { n: 1 })
      }
    })
  })

  describe(`retire(), with format '${format}'`, () => {
    it(`has what the key sealed rejected as '${UNKNOWN_KEY[format]}', and leaves the cookie`, async () => {
      const keyring = new Keyring(newKey())
      const app = await appOf(keyring, { format })
      const cookie = await login(app)
      keyring.rotate(newKey())
      keyring.retire(keyring.ids[1]!)
      const { status, reason } = await infoOf(app, cookie)
      assert.deepEqual({ status, reason }, { status: 'rejected', reason: UNKNOWN_KEY[format] })
      const response = await get(app, '/read', cookie)
      assert.deepEqual(response.json(), {})
      assert.deepEqual(linesOf(response), [])
    })

    it('of the key that seals leaves the next one to seal', async () => {
      const [a, b] = [newKey(), newKey()]
      const keyring = new Keyring([a, b])
      const app = await appOf(keyring, { format })
      const cookie = await login(app)
      keyring.retire(idOf(a))
      assert.equal((await infoOf(app, cookie)).reason, UNKNOWN_KEY[format])
      assert.equal(await sealedBy(app, await login(app)), idOf(b))
    })

    it('in the middle of a request that has opened its session ends that session: a leaked key must get no new one', async () => {
      const keyring = new Keyring([newKey(), newKey()])
      const app = await readyApp({
        session: { key: keyring, format },
        routes: {
          ...ROUTES,
          '/retire': ({ session }) => {
            const n = session.get('n')
            keyring.retire(keyring.ids[0]!)
            session.set('m', 2)
            return { n, then: session.get('n') ?? 'gone' }
          }
        }
      })
      const response = await get(app, '/retire', await login(app))
      assert.deepEqual(response.json(), { n: 1, then: 'gone' })
      assert.deepEqual(setCookies(response), [])
    })
  })

  describe(`rotation while requests are answered, with format '${format}'`, () => {
    it('loses no session, in whatever order keys come and old ones go', async () => {
      // Each step: rotate, retire the oldest, or let a visitor come whose cookie may be that old.
      const steps = fc.array(fc.oneof(fc.constant('rotate' as const), fc.constant('retire' as const), fc.nat(5)), { minLength: 10, maxLength: 40 })
      await fc.assert(fc.asyncProperty(steps, async steps => {
        const keyring = new Keyring(newKey())
        const app = newApp({ session: { key: keyring, format } })
        const cookies = await Promise.all(Array.from({ length: 6 }, async (_, n) => cookieOf(await post(app, '/set', undefined, { n }))))
        const visit = async (n: number): Promise<void> => {
          const response = await get(app, '/get', cookies[n])
          assert.deepEqual(response.json(), { n })
          if (linesOf(response).length > 0) cookies[n] = cookieOf(response)
        }
        let running: Array<Promise<void>> = []
        for (const step of steps) {
          if (step === 'rotate') keyring.rotate(newKey())
          else if (typeof step === 'number') running.push(visit(step))
          else {
            // Whoever comes once before a key goes has the newest afterwards.
            await Promise.all(running)
            running = []
            await Promise.all(cookies.map(async (_, n) => { await visit(n) }))
            if (keyring.ids.length > 1) keyring.retire(keyring.ids.at(-1)!)
          }
        }
        await Promise.all(running)
        await Promise.all(cookies.map(async (_, n) => { await visit(n) }))
        await app.close()
      }), { numRuns: 15 })
    })

    it('loses no write of requests that run meanwhile', async () => {
      const keyring = new Keyring(newKey())
      const app = await readyApp({
        session: { key: keyring, format },
        routes: {
          '/count': async ({ session }) => {
            const count = Number(session.get('count') ?? 0) + 1
            await new Promise(setImmediate)
            session.set('count', count)
            return { count }
          }
        }
      })
      const visitors = Array.from({ length: 8 }, async () => {
        let cookie: string | undefined
        for (let count = 1; count <= 30; count++) {
          const response = await get(app, '/count', cookie)
          assert.deepEqual(response.json(), { count })
          cookie = cookieOf(response)
        }
      })
      const rotation = (async () => {
        for (let rotations = 0; rotations < 40; rotations++) {
          keyring.rotate(newKey())
          await new Promise(setImmediate)
        }
      })()
      await Promise.all([...visitors, rotation])
      assert.equal(keyring.ids.length, 41)
    })
  })
}

describe('one Keyring in several sessions and apps', () => {
  it('changes all of them at once', async () => {
    const keyring = new Keyring(newKey())
    const sessions = ['session', 'other'].map(sessionName => ({ sessionName, key: keyring, format: 'sealed' }))
    const apps = [await readyApp({ session: sessions, routes: ROUTES }), await appOf(keyring, { format: 'sealed' })]
    const [first] = keyring.ids
    const encode = (): Array<string | null> => apps.flatMap((app, index) => ['session', 'other'].slice(0, 2 - index).map(name => {
      const token = app.encodeSecureSession(app.createSecureSession(), name)
      return sessionInfo(app.decodeSecureSession(token, undefined, name)!).keyId
    }))
    assert.deepEqual(encode(), [first, first, first])
    keyring.rotate(newKey())
    assert.deepEqual(encode(), [keyring.ids[0], keyring.ids[0], keyring.ids[0]])
  })

  it('serves both formats in one app', async () => {
    const keyring = new Keyring(newKey())
    const app = await readyApp({
      session: [{ sessionName: 'a', key: keyring, format: 'secretbox' }, { sessionName: 'b', key: keyring, format: 'sealed' }],
      routes: {
        '/set': request => {
          const { a, b } = request as unknown as Record<'a' | 'b', { n: number }>
          a.n = 1
          b.n = 2
        },
        '/get': request => {
          const { a, b } = request as unknown as Record<'a' | 'b', { n: number }>
          return [a.n, b.n]
        }
      }
    })
    const response = await get(app, '/set')
    keyring.rotate(newKey())
    const rotated = await get(app, '/get', `${cookieOf(response, 'a')}; ${cookieOf(response, 'b')}`)
    assert.deepEqual(rotated.json(), [1, 2])
    keyring.retire(keyring.ids[1]!)
    assert.deepEqual((await get(app, '/get', `${cookieOf(rotated, 'a')}; ${cookieOf(rotated, 'b')}`)).json(), [1, 2])
  })

  it('is opened by apps that have the same keys in an array, and opens theirs', async () => {
    const [a, b] = [newKey(), newKey()]
    const ring = await appOf(new Keyring([a, b]))
    const list = await appOf([b, a])
    assert.equal((await infoOf(list, await login(ring))).status, 'valid')
    assert.equal((await infoOf(ring, await login(list))).status, 'valid')
  })
})

describe('a key that is in an array twice', () => {
  for (const format of FORMATS) {
    it(`is allowed and counts once: ${format}`, async () => {
      const [a, b] = [newKey(), newKey()]
      const app = await appOf([a, b, a, b, Buffer.from(a)], { format })
      assert.equal(await sealedBy(app, await login(app)), idOf(a))
      const older = await appOf(b, { format })
      const response = await get(app, '/read', await login(older))
      assert.equal(await sealedBy(app, cookieOf(response)), idOf(a))
      assert.deepEqual(linesOf(await get(app, '/read', cookieOf(response))), [])
    })
  }
})

describe('signed cookies of sessions with a Keyring', () => {
  const signed = { cookie: { signed: true } }

  it('stay signed in over a rotation, and are signed with the new key from then on', async () => {
    const [a, b] = [newKey(), newKey()]
    const keyring = new Keyring(a)
    const app = await appOf(keyring, signed)
    const cookie = await login(app)
    keyring.rotate(b)
    const response = await get(app, '/read', cookie)
    assert.deepEqual(response.json(), { n: 1 })
    const alone = await appOf(b, signed)
    assert.deepEqual((await get(alone, '/read', cookieOf(response))).json(), { n: 1 })
  })

  it('are refused for their signature once the key is retired', async () => {
    const keyring = new Keyring(newKey())
    const app = await appOf(keyring, signed)
    const cookie = await login(app)
    keyring.rotate(newKey())
    keyring.retire(keyring.ids[1]!)
    assert.equal((await infoOf(app, cookie)).reason, 'signature-invalid')
    assert.equal((await infoOf(app, await login(app))).status, 'valid')
  })

  it('pass between an app that has rotated and one that started with the new key first', async () => {
    const [a, b] = [newKey(), newKey()]
    const keyring = new Keyring(a)
    const rotated = await appOf(keyring, signed)
    const started = await appOf([b, a], signed)
    const before = await login(rotated)
    keyring.rotate(b)
    for (const [from, to] of [[rotated, started], [started, rotated]] as const) {
      assert.equal((await infoOf(to, await login(from))).status, 'valid')
      assert.equal((await infoOf(to, before)).status, 'valid')
    }
  })

  it('of several sessions follow the Keyring of the last one, and stay signed in', async () => {
    const [one, two] = [new Keyring(newKey()), new Keyring(newKey())]
    const both: Handler = request => {
      const { a, b } = request as unknown as Record<'a' | 'b', { n?: number }>
      const seen = [a.n ?? null, b.n ?? null]
      a.n = 1
      b.n = 2
      return seen
    }
    const app = await readyApp({ session: [{ sessionName: 'a', key: one, ...signed }, { sessionName: 'b', key: two, ...signed }], routes: { '/': both } })
    let response = await get(app)
    for (const keyring of [one, two, one]) {
      keyring.rotate(newKey())
      response = await get(app, '/', `${cookieOf(response, 'a')}; ${cookieOf(response, 'b')}`)
      assert.deepEqual(response.json(), [1, 2])
    }
  })
})
