// What a client may send is bounded before work is done for it. Nothing here measures time: each
// cookie that is tried writes one line to the log, at most one decryption a key.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import { countTries, newKey, type LogLine } from '../support/helpers.ts'
import { cookieWith, get, logged, readyApp, tokenWith, type AppSetup } from '../support/app.ts'

const MAX_COOKIES = 16
const MAX_DECRYPTIONS = 64
const MAX_CHARACTERS = 65536

const NOT_AUTHENTIC = /unable to decrypt/
const TOO_LONG = /the cookie is too long/

function count (lines: readonly LogLine[], message: RegExp): number {
  return lines.filter(({ msg }) => message.test(msg)).length
}

/** A well-formed token that no key opens, different for each `seed`. */
function forged (seed: number, bytes = 48): string {
  const ciphertext = Buffer.alloc(bytes, seed).toString('base64')
  return `${ciphertext};${Buffer.alloc(24, seed).toString('base64')}`
}

const pair = (token: string): string => `session=${encodeURIComponent(token)}`
const flood = (size: number): string[] => Array.from({ length: size }, (_, seed) => pair(forged(seed)))

async function debugApp (setup: AppSetup = {}): Promise<{ app: FastifyInstance, lines: LogLine[] }> {
  const { lines, server } = logged('debug')
  const app = await readyApp({ server, ...setup, routes: { '/': ({ session }) => session.data(), '/untouched': () => 'done' } })
  return { app, lines }
}

describe('a flood of cookies of the session\'s name', () => {
  for (const size of [MAX_COOKIES, MAX_COOKIES + 1, 200]) {
    it(`is tried ${MAX_COOKIES} times where there are ${size}`, async () => {
      const { app, lines } = await debugApp()
      const response = await get(app, '/', flood(size).join('; '))
      assert.deepEqual(response.json(), {})
      assert.equal(count(lines, NOT_AUTHENTIC), MAX_COOKIES)
    })
  }

  it('is tried once where the cookies are equal', async () => {
    const { app, lines } = await debugApp()
    await get(app, '/', Array.from({ length: 100 }, () => pair(forged(1))).join('; '))
    assert.equal(count(lines, NOT_AUTHENTIC), 1)
  })

  it('is tried in one request only as often, however often the session is used', async () => {
    const { app, lines } = await debugApp({ before: app => app.addHook('onRequest', async ({ session }) => { session.get('n'); session.data() }) })
    await get(app, '/', flood(40).join('; '))
    assert.equal(count(lines, NOT_AUTHENTIC), MAX_COOKIES)
  })

  it('does not keep an honest cookie within the bound from being found', async () => {
    const { app } = await debugApp()
    const honest = cookieWith(app, { n: 1 })
    for (const position of [0, 7, MAX_COOKIES - 1]) {
      const cookies = flood(MAX_COOKIES - 1)
      cookies.splice(position, 0, honest)
      assert.deepEqual((await get(app, '/', cookies.join('; '))).json(), { n: 1 }, String(position))
    }
  })

  it('under other names costs nothing, and does not count', async () => {
    const { app, lines } = await debugApp()
    const others = Array.from({ length: 500 }, (_, n) => `session${n}=${encodeURIComponent(forged(n))}`)
    const response = await get(app, '/', [...others, 'sessio=x', '=session', 'session', cookieWith(app, { n: 1 })].join('; '))
    assert.deepEqual(response.json(), { n: 1 })
    assert.equal(count(lines, /@fastify\/secure-session/), 0)
  })

  it('costs nothing where the session is not used', async () => {
    const { app, lines } = await debugApp()
    await get(app, '/untouched', flood(200).join('; '))
    assert.equal(count(lines, /@fastify\/secure-session/), 0)
  })
})

describe('the number of decryptions in a request is bounded over all cookies and keys', () => {
  for (const keys of [1, 3, 4, 5, 10, 20, 32, 33, 64]) {
    it(`with ${keys} keys, at most ${MAX_DECRYPTIONS}, and each of ${MAX_COOKIES} cookies is tried`, async t => {
      const { app, lines } = await debugApp({ session: { key: Array.from({ length: keys }, newKey) } })
      const tries = countTries(t)
      await get(app, '/', flood(40).join('; '))
      assert.equal(tries.decryptions, Math.min(MAX_COOKIES * keys, MAX_DECRYPTIONS))
      const told = count(lines, NOT_AUTHENTIC)
      assert.ok(told * keys <= MAX_DECRYPTIONS, `${told} cookies were told of with ${keys} keys`)
      assert.ok(told >= 1)
    })
  }

  it('with more keys than that, the one cookie of an honest request is still opened with the last key', async () => {
    const keys = Array.from({ length: 100 }, newKey)
    const last = await readyApp({ session: { key: keys[99] } })
    const { app, lines } = await debugApp({ session: { key: keys } })
    assert.deepEqual((await get(app, '/', cookieWith(last, { n: 1 }))).json(), { n: 1 })
    await get(app, '/', flood(40).join('; '))
    assert.equal(count(lines, NOT_AUTHENTIC), 1)
  })
})

describe('a very long cookie', () => {
  // Fastify answers 431 past 16 KiB over a socket, unless an app has raised that limit; inject has none.
  it('is refused by its length, before it is decoded or decrypted', async () => {
    const { app, lines } = await debugApp()
    const response = await get(app, '/', `session=${forged(1, 300_000)}`)
    assert.deepEqual(response.json(), {})
    assert.equal(count(lines, TOO_LONG), 1)
    assert.equal(count(lines, NOT_AUTHENTIC), 0)
  })

  it('is refused from the first character past the bound', async () => {
    const { app, lines } = await debugApp()
    const nonce = `;${Buffer.alloc(24).toString('base64')}`
    const full = 'A'.repeat(MAX_CHARACTERS - nonce.length) + nonce
    await get(app, '/', pair(full))
    assert.deepEqual([count(lines, TOO_LONG), count(lines, /malformed/)], [0, 1], 'not canonical, so refused after decoding')
    await get(app, '/', pair(`${full};`))
    assert.equal(count(lines, TOO_LONG), 1)
  })

  it('of many segments is bounded as well', async () => {
    const { app, lines } = await debugApp()
    await get(app, '/', pair(forged(1) + ';x'.repeat(100_000)))
    assert.equal(count(lines, TOO_LONG), 1)
  })

  it('is refused by decodeSecureSession', async () => {
    const { app, lines } = await debugApp()
    assert.equal(app.decodeSecureSession(forged(1, 300_000)), null)
    assert.equal(app.decodeSecureSession(tokenWith(app, { n: 1 }) + ';'.repeat(MAX_CHARACTERS)), null)
    assert.equal(count(lines, TOO_LONG), 2)
  })

  it('does not hide an honest one beside it', async () => {
    const { app } = await debugApp()
    const response = await get(app, '/', `${pair(forged(1, 300_000))}; ${cookieWith(app, { n: 1 })}`)
    assert.deepEqual(response.json(), { n: 1 })
  })

  it('is not even percent-decoded for the session', async () => {
    const decoded: number[] = []
    const decode = (text: string): string => { decoded.push(text.length); return decodeURIComponent(text) }
    const { app } = await debugApp({ before: app => app.register(cookiePlugin, { hook: false, parseOptions: { decode } as object }) })
    const response = await get(app, '/', `${pair(forged(1, 1_000_000))}; ${cookieWith(app, { n: 1 })}`)
    assert.deepEqual(response.json(), { n: 1 })
    assert.ok(Math.max(...decoded) <= 3 * MAX_CHARACTERS, `decoded ${decoded.join()} characters`)
  })

  it('is not hashed to check its signature', async () => {
    const checked: number[] = []
    const secret = {
      sign: (value: string) => `${value}.ok`,
      unsign: (value: string) => { checked.push(value.length); return { valid: true as const, renew: false, value: value.slice(0, -3) } }
    }
    const { app, lines } = await debugApp({ session: { key: newKey(), cookie: { signed: true } }, before: app => app.register(cookiePlugin, { secret }) })
    await get(app, '/', pair(`${forged(1, 300_000)}.ok`))
    assert.deepEqual(checked, [])
    assert.notEqual(count(lines, TOO_LONG), 0)
  })
})

describe('a session is never sealed into what would be refused', () => {
  it('one that is too long is a coded error, and the browser keeps its cookie', async () => {
    const { app } = await debugApp({ after: app => app.get('/large', async ({ session }) => { session.set('text', 'x'.repeat(MAX_CHARACTERS)); return 'done' }) })
    const response = await get(app, '/large')
    assert.equal(response.json().code, 'FST_SEALED_SESSION_TOO_LARGE')
    assert.equal(response.headers['set-cookie'], undefined)
  })
})

describe('whatever the cookie is, the session is empty and the request goes on', () => {
  const cookies: Record<string, string> = {
    'no value': 'session=',
    'no equals sign': 'session',
    semicolons: ';;;session=;;;',
    'a broken escape': 'session=%E0%A4%A',
    quotes: 'session="%22;"',
    'a NUL': 'session=%00;%00',
    'two empty segments': 'session=%3B',
    'base64 of nothing': 'session=AAAA%3BAAAA',
    'text beyond Latin-1': `session=${encodeURIComponent('😀;😀')}`,
    'a name of Object.prototype': '__proto__=x; constructor=y; toString=z',
    'spaces about the name': ' session = x ; session=y'
  }
  for (const [what, cookie] of Object.entries(cookies)) {
    it(what, async () => {
      for (const hook of ['onRequest', false] as const) {
        const { app } = await debugApp({ before: app => app.register(cookiePlugin, { hook }) })
        const response = await get(app, '/', cookie)
        assert.equal(response.statusCode, 200)
        assert.deepEqual(response.json(), {})
        assert.equal(response.headers['set-cookie'], undefined)
      }
    })
  }
})
