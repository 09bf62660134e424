// A session out of a `Cookie` header, without Fastify: what a WebSocket server or node:http has of a request.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import cookiePlugin, { unsign } from '@fastify/cookie'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import fc from 'fast-check'
import { createSessionCodec, type Format, type SecureSessionPluginOptions, type SessionCodec } from '../../src/index.ts'
import { stopClock } from '../support/configurations.ts'
import { countTries, newKey, setCookies } from '../support/helpers.ts'
import { readyApp } from '../support/app.ts'

const FORMATS: readonly Format[] = ['secretbox', 'sealed']
const MAX_COOKIES = 16
const LARGE = 4500

type AnyCodec = SessionCodec<Record<string, unknown>>

/** An app that puts text of a length into its session; with a secret, it registers `@fastify/cookie` itself. */
async function appOf (t: TestContext, options: SecureSessionPluginOptions, secret?: string): Promise<FastifyInstance> {
  return await readyApp({
    t,
    before: app => secret !== undefined && app.register(cookiePlugin, { secret }),
    session: options,
    routes: {
      '/set/:length': ({ session, params }) => { session.set('text', 'x'.repeat(Number((params as { length: string }).length))) },
      '/': ({ session }) => session.data()
    }
  })
}

async function codecOf (options: SecureSessionPluginOptions): Promise<AnyCodec> {
  return await createSessionCodec<Record<string, unknown>>(options)
}

/** The pairs that a browser sends back. */
function pairsOf (response: LightMyRequestResponse): string[] {
  return setCookies(response).map(line => line.split(';', 1)[0] ?? '')
}

/** The pairs of a session that holds text of a length. */
async function pairsFor (app: FastifyInstance, length: number): Promise<string[]> {
  return pairsOf(await app.inject(`/set/${length}`))
}

/** The data that a header brings; fails where it is refused. */
function dataOf (codec: AnyCodec, header: string, unsignCookie?: (value: string) => { valid: boolean, value: string | null }): Record<string, unknown> {
  const opened = codec.openCookies(header, unsignCookie)
  assert.ok(opened?.ok, JSON.stringify(opened))
  return opened.data
}

/** A pair of the secretbox format that no key opens, different for each `seed`. */
function forged (seed: number): string {
  return `session=${encodeURIComponent(`${Buffer.alloc(48, seed).toString('base64')};${Buffer.alloc(24, seed).toString('base64')}`)}`
}

for (const format of FORMATS) {
  describe(`SessionCodec.openCookies, in the ${format} format`, () => {
    it('opens the session of an app among other cookies, as open() does', async t => {
      const options = { key: newKey(), format, cookieName: 'login' }
      const [pair = ''] = await pairsFor(await appOf(t, options), 10)
      const codec = await codecOf(options)
      const token = decodeURIComponent(pair.slice('login='.length))
      assert.deepEqual(codec.openCookies(`a=1; ${pair}; login2=x`), codec.open(token))
      assert.deepEqual(dataOf(codec, `a=1; ${pair}; login2=x`), { text: 'x'.repeat(10) })
    })

    it('opens a session that was split over several cookies, in any order', async t => {
      const options = { key: newKey(), format }
      const pairs = await pairsFor(await appOf(t, options), LARGE)
      assert.equal(pairs.length, 2)
      const codec = await codecOf(options)
      for (const header of [pairs.join('; '), pairs.toReversed().join(';')]) {
        assert.deepEqual(dataOf(codec, header), { text: 'x'.repeat(LARGE) })
      }
    })

    it('says that a part of a split session is missing', async t => {
      const options = { key: newKey(), format }
      const [first = '', second = ''] = await pairsFor(await appOf(t, options), LARGE)
      const codec = await codecOf(options)
      assert.deepEqual(codec.openCookies(first), { ok: false, reason: 'chunk-missing' })
      assert.equal(codec.openCookies(second), null)
    })

    it('takes the newest of several cookies that open, whatever stands before it', async t => {
      const clock = stopClock(t)
      const options = { key: newKey(), format }
      const codec = await codecOf(options)
      const [older, newer] = [1, 2].map(n => {
        clock.tick(10_000)
        return `session=${encodeURIComponent(codec.seal({ n }))}`
      })
      for (const header of [`${older}; ${newer}`, `${newer}; ${older}`, `session=garbage; ${older}; ${newer}; session=`]) {
        assert.deepEqual(dataOf(codec, header), { n: 2 }, header)
      }
    })

    it('finds in a header what an app with the same options finds in it', async t => {
      stopClock(t)
      const options = { key: newKey(), format }
      const app = await appOf(t, options)
      const codec = await codecOf(options)
      const pool = [...await pairsFor(app, LARGE), ...await pairsFor(app, LARGE + 1), ...await pairsFor(app, 5), forged(1), 'session=', 'session', 'session.1=~x', 'session=2~', 'session=%', 'other=1']
      await fc.assert(fc.asyncProperty(fc.array(fc.constantFrom(...pool), { maxLength: 8 }), fc.constantFrom('; ', ';', ' ; ;'), async (pairs, separator) => {
        const cookie = pairs.join(separator)
        const opened = codec.openCookies(cookie)
        assert.deepEqual(opened?.ok === true ? opened.data : {}, (await app.inject({ url: '/', headers: { cookie } })).json())
      }), { numRuns: 200 })
    })

    it('takes a signed session only with what checks signatures, split or not', async t => {
      const secret = 'a secret of the app, 32 bytes or more'
      for (const [ofApp, check] of [[undefined, null], [secret, (value: string) => unsign(value, secret)]] as const) {
        const options = { key: newKey(), format, cookie: { signed: true } }
        const app = await appOf(t, options, ofApp)
        const codec = await codecOf(options)
        for (const length of [10, LARGE]) {
          const header = (await pairsFor(app, length)).join('; ')
          assert.deepEqual(dataOf(codec, header, check ?? app.unsignCookie), { text: 'x'.repeat(length) })
          assert.deepEqual(codec.openCookies(header, value => unsign(value, 'another secret')), { ok: false, reason: 'signature-invalid' })
        }
        const unsigned = `session=${encodeURIComponent(codec.seal({}))}`
        assert.deepEqual(codec.openCookies(unsigned, app.unsignCookie), { ok: false, reason: 'signature-invalid' })
      }
    })

    it('never throws, whatever the header', async () => {
      const codec = await codecOf({ key: newKey(), format })
      const part = fc.oneof(fc.constantFrom('session=', 'session.1=', '2~', '8~', '~', ';', '%', '='), fc.string({ unit: 'binary' }))
      fc.assert(fc.property(fc.array(part).map(parts => parts.join('')), header => codec.openCookies(header)?.ok !== true), { numRuns: 1000 })
    })
  })
}

describe('SessionCodec.openCookies', () => {
  it('gives null where there is no cookie of the session', async () => {
    const codec = await codecOf({ key: newKey() })
    for (const header of [undefined, '', 'other=1', 'session', 'sessions=1; xsession=1; session.1=~x']) {
      assert.equal(codec.openCookies(header), null, header)
    }
  })

  it('takes what is no text for a header that is not there', async () => {
    const codec = await codecOf({ key: newKey() })
    for (const header of [null, 1, {}, ['session=1']]) assert.equal(codec.openCookies(header as unknown as string), null)
  })

  it('looks only at the cookie of its own name', async () => {
    const key = newKey()
    const [codec, other] = [await codecOf({ key, cookieName: 'a' }), await codecOf({ key, cookieName: 'b' })]
    const header = `a=${encodeURIComponent(codec.seal({ n: 1 }))}`
    assert.deepEqual(dataOf(codec, header), { n: 1 })
    assert.equal(other.openCookies(header), null)
  })

  it('may be taken off the codec', async () => {
    const { seal, openCookies } = await codecOf({ key: newKey() })
    assert.equal(openCookies(`session=${encodeURIComponent(seal({}))}`)?.ok, true)
  })

  it(`looks at ${MAX_COOKIES} cookies of the name, and not at more`, async () => {
    const codec = await codecOf({ key: newKey() })
    const honest = `session=${encodeURIComponent(codec.seal({ n: 1 }))}`
    const behind = (count: number): string => [...Array.from({ length: count }, (_, seed) => forged(seed)), honest].join('; ')
    assert.deepEqual(dataOf(codec, behind(MAX_COOKIES - 1)), { n: 1 })
    assert.deepEqual(codec.openCookies(behind(MAX_COOKIES)), { ok: false, reason: 'not-authentic' })
  })

  it('tries 64 decryptions over all cookies and keys, and not more', async t => {
    const keys = Array.from({ length: 32 }, newKey)
    const codec = await codecOf({ key: keys })
    const oldest = await codecOf({ key: keys[31]! }) // there are 32
    const honest = `session=${encodeURIComponent(oldest.seal({ n: 1 }))}`
    const tries = countTries(t)
    assert.deepEqual(dataOf(codec, [forged(1), honest].join('; ')), { n: 1 })
    assert.equal(tries.decryptions, 64)
    assert.deepEqual(codec.openCookies([forged(1), forged(2), honest].join('; ')), { ok: false, reason: 'not-authentic' })
    assert.equal(tries.decryptions, 128)
  })

  it('refuses to open signed cookies without what checks their signature, whether there is one or not', async () => {
    const codec = await codecOf({ key: newKey(), cookie: { signed: true } })
    for (const header of [undefined, 'session=x']) {
      assert.throws(() => codec.openCookies(header), { code: 'FST_SEALED_SESSION_UNSIGN_MISSING', message: /session "session"/, hint: /app\.unsignCookie/ })
    }
  })

  it('refuses what a signer gives back as not valid', async () => {
    const codec = await codecOf({ key: newKey() })
    const header = `session=${encodeURIComponent(codec.seal({}))}`
    for (const answer of [(value: string) => ({ valid: false, value }), () => ({ valid: true, value: null })]) {
      assert.deepEqual(codec.openCookies(header, answer), { ok: false, reason: 'signature-invalid' })
    }
  })

  it('does not have a signature checked that is too long to be one', async () => {
    const codec = await codecOf({ key: newKey(), cookie: { signed: true } })
    assert.deepEqual(codec.openCookies(`session=${'A'.repeat(70_000)}`, () => assert.fail('it was checked')), { ok: false, reason: 'too-long' })
  })
})

describe('SessionCodec.seal', () => {
  it('gives one token, however large: a codec does not split it, whatever maxChunks says', async () => {
    const codec = await codecOf({ key: newKey(), format: 'sealed', maxChunks: 1 })
    const token = codec.seal({ text: 'x'.repeat(LARGE) })
    assert.ok(token.length > 4096)
    assert.deepEqual(dataOf(codec, `session=${token}`), { text: 'x'.repeat(LARGE) })
  })
})
