// The option `serializer`: something in place of JSON, here superjson.
import type { FastifyError } from 'fastify'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import superjson from 'superjson'
import { createSessionCodec, sessionInfo, type Format, type SecureSessionPluginOptions, type SessionSerializer } from '../../src/index.ts'
import { cookieHeader, openRaw, rejection, sealRaw, seconds } from '../support/configurations.ts'
import { cookieOf, newKey, setCookies, tokenOf } from '../support/helpers.ts'
import { sealedToken } from '../support/security.ts'
import { cookieWith, get, readyApp, tokenWith, type Handler } from '../support/app.ts'
import { PLUGINS } from '../support/peer.ts'

const FORMATS: readonly Format[] = ['secretbox', 'sealed']
const VALUES = { at: new Date(1_760_000_000_123), cart: new Map([['pen', 2]]), tags: new Set(['a']), big: 2n ** 70n, none: undefined, text: 'Zoë "quoted"' }

/** Stores `VALUES` and more at `/set`, and hands what is there to `seen` at `/`. */
function routes (seen: unknown[]): Record<string, Handler> {
  return {
    '/': ({ session }) => { seen.push(session.data()) },
    '/reason': ({ session }) => sessionInfo(session).reason ?? 'none',
    '/set': ({ session }) => { for (const [key, value] of Object.entries(VALUES)) session.set(key, value) },
    '/read': ({ session }) => String((session.get<Map<string, number>>('cart'))?.get('pen')),
    '/change': ({ session }) => { session.get<Map<string, number>>('cart')?.set('ink', 1) }
  }
}

for (const format of FORMATS) {
  const options = (more: object = {}): SecureSessionPluginOptions => ({ key: newKey(), format, serializer: superjson, ...more })
  /** A token whose data was written as `text` by some serializer. */
  const tokenOfText = (key: Buffer, text: string): string => format === 'sealed'
    ? sealedToken({ key, payload: text })
    : sealRaw(key, JSON.stringify({ __data: text, __ts: seconds() }))

  describe(`a serializer in the ${format} format`, () => {
    it('gives back a Date, a Map, a Set, a BigInt and undefined in the next request', async () => {
      const seen: unknown[] = []
      const app = await readyApp({ session: options(), routes: routes(seen) })
      await get(app, '/', cookieOf(await get(app, '/set')))
      assert.deepEqual(seen, [VALUES])
    })

    it('saves what is changed inside a value that JSON cannot hold, and sends nothing that was only read', async () => {
      const seen: unknown[] = []
      const app = await readyApp({ session: options(), routes: routes(seen) })
      const cookie = cookieOf(await get(app, '/set'))
      const read = await get(app, '/read', cookie)
      assert.equal(read.body, '2')
      assert.deepEqual(setCookies(read), [])
      await get(app, '/', cookieOf(await get(app, '/change', cookie)))
      assert.deepEqual((seen[0] as typeof VALUES).cart, new Map([['pen', 2], ['ink', 1]]))
    })

    it('works in decorators and in a codec without Fastify', async () => {
      const own = options()
      const app = await readyApp({ session: own })
      const codec = await createSessionCodec<object>(own)
      const opened = codec.open(tokenWith(app, VALUES))
      assert.ok(opened.ok)
      assert.deepEqual(opened.data, VALUES)
      assert.deepEqual(app.decodeSecureSession(codec.seal(VALUES))?.data(), VALUES)
    })

    for (const [what, serializer, hasCause] of [
      ['throws', { stringify () { throw new Error('secret value') }, parse: JSON.parse }, true],
      ['gives a promise', { stringify: async () => '{}', parse: JSON.parse }, false],
      ['gives undefined', { stringify: () => undefined, parse: JSON.parse }, false]
    ] as Array<[string, SessionSerializer, boolean]>) {
      it(`whose stringify ${what} is one error in the app's error handler, without a value`, async () => {
        const errors: FastifyError[] = []
        const app = await readyApp({
          session: options({ serializer }),
          after: app => { app.setErrorHandler((error: FastifyError, _request, reply) => { errors.push(error); return reply.code(503).send(error.code) }) },
          routes: routes([])
        })
        const response = await get(app, '/set')
        assert.equal(response.statusCode, 503)
        assert.equal(response.body, 'FST_SEALED_SESSION_SERIALIZER_FAILED')
        assert.deepEqual(setCookies(response), [])
        assert.equal(errors.length, 1)
        assert.doesNotMatch(errors[0]!.message, /secret value/)
        assert.equal((errors[0]!.cause as Error | undefined)?.message, hasCause ? 'secret value' : undefined)
      })
    }

    for (const [what, parse] of [
      ['throws', () => { throw new Error('no') }],
      ['gives a promise', async () => ({})],
      ['gives null', () => null],
      ['gives text', () => 'text'],
      ['gives an array', () => []],
      ['gives a Map', () => new Map()],
      ['gives an object whose getter throws', () => ({ get a () { throw new Error('no') } })]
    ] as Array<[string, SessionSerializer['parse']]>) {
      it(`whose parse ${what} refuses the token as payload-invalid`, async () => {
        const key = newKey()
        const app = await readyApp({ session: options({ key, serializer: { stringify: JSON.stringify, parse } }), routes: routes([]) })
        const response = await get(app, '/reason', cookieHeader(tokenOfText(key, '{}')))
        assert.deepEqual([response.statusCode, response.body], [200, 'payload-invalid'])
      })
    }

    it('gets what was sealed without it as JSON', async () => {
      const key = newKey()
      const before = await readyApp({ session: { key, format } })
      const texts: string[] = []
      const serializer = { stringify: superjson.stringify, parse: (text: string) => { texts.push(text); return JSON.parse(text) } }
      const app = await readyApp({ session: options({ key, serializer }), routes: routes([]) })
      assert.equal((await get(app, '/reason', cookieWith(before, { a: [1] }))).body, 'none')
      assert.deepEqual(texts, ['{"a":[1]}'])
    })

    it('may seal and open other sessions while it runs', async () => {
      const inner = await createSessionCodec<object>({ key: newKey(), format })
      const token = inner.seal({ inner: 1 })
      const disturb = (): void => { assert.ok(inner.open(token).ok); inner.seal({ some: 'x'.repeat(500) }) }
      const serializer: SessionSerializer = {
        stringify: data => { disturb(); return superjson.stringify(data) },
        parse: text => { disturb(); return superjson.parse(text) }
      }
      const codec = await createSessionCodec<object>(options({ serializer }))
      const opened = codec.open(codec.seal(VALUES))
      assert.ok(opened.ok)
      assert.deepEqual(opened.data, VALUES)
    })

    it('reaches no prototype with what it parses', async () => {
      const key = newKey()
      const codec = await createSessionCodec<Record<string, unknown>>(options({ key, serializer: { stringify: JSON.stringify, parse: JSON.parse } }))
      const opened = codec.open(tokenOfText(key, '{"__proto__":{"admin":true}}'))
      assert.ok(opened.ok)
      assert.equal(opened.data.admin, undefined)
      assert.equal(Object.getPrototypeOf(opened.data), Object.prototype)
    })
  })
}

describe('a serializer in the secretbox format', () => {
  it('puts its text under __data, in JSON that ends with the time', async () => {
    const key = newKey()
    const app = await readyApp({ session: { key, serializer: superjson }, routes: routes([]) })
    const plaintext = openRaw(key, tokenOf(await get(app, '/set')))
    assert.deepEqual(Object.keys(plaintext), ['__data', '__ts'])
    assert.deepEqual(superjson.parse(plaintext.__data as string), VALUES)
  })

  it('leaves the peer nothing to read but the text', async () => {
    const key = newKey()
    const app = await readyApp({ session: { key, serializer: superjson }, routes: routes([]) })
    const token = tokenWith(app, VALUES)
    const other = await readyApp({ plugin: PLUGINS.peer, session: { key } })
    const data = other.decodeSecureSession(token)?.data() as Record<string, unknown>
    assert.deepEqual(Object.keys(data).filter(key => key !== '__ts'), ['__data'])
  })

  it('is missed where it is gone: the session starts empty', async () => {
    const key = newKey()
    const before = await readyApp({ session: { key, serializer: superjson } })
    const app = await readyApp({ session: { key }, routes: routes([]) })
    assert.equal((await get(app, '/reason', cookieWith(before, VALUES))).body, 'payload-invalid')
  })

  it('keeps __data from being written or passed in', async () => {
    const app = await readyApp({ routes: { '/': ({ session }) => session.set('__data', 1) } })
    assert.equal((await get(app)).json().code, 'FST_SEALED_SESSION_KEY_RESERVED')
    assert.throws(() => app.createSecureSession({ __data: 1 }), { code: 'FST_SEALED_SESSION_KEY_RESERVED' })
  })
})

describe('the option serializer', () => {
  for (const [what, serializer] of [['a text', 'superjson'], ['a number', 1], ['an object without parse', { stringify: () => '' }], ['an object whose parse is no function', { stringify: () => '', parse: {} }]] as const) {
    it(`is refused as ${what}`, async () => {
      const { code, message } = await rejection({ key: newKey(), serializer })
      assert.equal(code, 'FST_SEALED_SESSION_OPTION_INVALID')
      assert.match(message, /"serializer" must be an object with the functions "stringify" and "parse"/)
    })
  }

  for (const serializer of [undefined, null]) {
    it(`means JSON where it is ${serializer}`, async () => {
      const codec = await createSessionCodec<object>({ key: newKey(), serializer } as SecureSessionPluginOptions)
      assert.throws(() => codec.seal({ n: 1n }), { code: 'FST_SEALED_SESSION_VALUE_UNSTORABLE' })
    })
  }

  it('is called as an object with methods', async () => {
    class Counting {
      calls = 0
      stringify (data: object): string { this.calls++; return JSON.stringify(data) }
      parse (text: string): unknown { this.calls++; return JSON.parse(text) }
    }
    const serializer = new Counting()
    const codec = await createSessionCodec<object>({ key: newKey(), serializer })
    assert.ok(codec.open(codec.seal({ a: 1 })).ok)
    assert.equal(serializer.calls, 2)
  })
})
