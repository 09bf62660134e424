// Set-Cookie lines: what @fastify/cookie itself would write, but for a shorter encoding.
import cookiePlugin, { type CookieSerializeOptions } from '@fastify/cookie'
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import {
  attributesEnd, decodeValue, deleteCookieLine, encodeValue, readValue, replaceLines, resolveAttributes,
  type Serialize
} from '../../src/cookies/set-cookie.ts'
import { newApp } from '../support/app.ts'
import { setCookies } from '../support/helpers.ts'

const TOKEN = 'Yg+/Yg==;QEFC+/Q0'
const APP = { server: { trustProxy: true }, before: (app: FastifyInstance) => app.register(cookiePlugin), plugin: null }
const app = newApp(APP)
let serialize: Serialize
before(async () => {
  await app.ready()
  serialize = app.serializeCookie as Serialize
})

/** The line that `reply.setCookie` writes in a response to a request over `protocol`. */
async function theirLine (attributes: CookieSerializeOptions, value: string, protocol: string): Promise<string> {
  const app = newApp({ ...APP, routes: { '/': (_request, reply) => { reply.setCookie('session', value, attributes) } } })
  const [line = ''] = setCookies(await app.inject({ url: '/', headers: { 'x-forwarded-proto': protocol } }))
  return line
}

const ATTRIBUTES: CookieSerializeOptions[] = [
  {},
  { path: '/', domain: 'example.com', httpOnly: true, secure: true, sameSite: 'strict' },
  { sameSite: true, maxAge: 60 },
  { sameSite: false, maxAge: 0 },
  { sameSite: 'none', secure: true, partitioned: true, priority: 'high' },
  { expires: new Date(1_800_000_000_000) },
  { expires: 1_800_000_000_000 as never },
  { expires: 0 as never },
  { secure: false, httpOnly: false },
  { secure: 'auto' },
  { secure: 'auto', sameSite: 'none' },
  { encode: value => Buffer.from(value).toString('base64url') }
]

describe('the attributes of a line', () => {
  for (const attributes of ATTRIBUTES) {
    for (const protocol of ['http', 'https']) {
      const title = `${JSON.stringify(attributes)}${attributes.encode === undefined ? '' : ' with encode'} over ${protocol}`
      it(`are those of reply.setCookie for ${title}`, async () => {
        const resolved = resolveAttributes({ sameSite: 'lax', ...attributes }, protocol === 'https')
        const ours = resolved.encode === undefined ? `session=value${attributesEnd('session', resolved, serialize)}` : serialize('session', 'value', resolved)
        assert.equal(ours, await theirLine(attributes, 'value', protocol))
      })

      it(`are those of reply.setCookie in a line that deletes, for ${title}`, async () => {
        const resolved = resolveAttributes({ sameSite: 'lax', ...attributes }, protocol === 'https')
        const theirs = await theirLine({ ...attributes, expires: new Date(0), maxAge: 0 }, '', protocol)
        assert.equal(deleteCookieLine('session', resolved, serialize), theirs)
        assert.match(theirs, /^session=; Max-Age=0; .*Expires=Thu, 01 Jan 1970 00:00:00 GMT/)
      })
    }
  }

  it('are without "signed", which no serializer knows', () => {
    assert.deepEqual(resolveAttributes({ signed: true, path: '/' }, false), { path: '/' })
  })

  it('are not changed when they are resolved', () => {
    const attributes = Object.freeze({ secure: 'auto', signed: true, expires: 0 as never } as const)
    resolveAttributes(attributes, true)
    assert.deepEqual(attributes, { secure: 'auto', signed: true, expires: 0 })
  })

  it('are what follows the value in a line', () => {
    assert.equal(attributesEnd('session', { path: '/', httpOnly: true }, serialize), '; Path=/; HttpOnly')
    assert.equal(attributesEnd('session', {}, serialize), '')
  })

  it('that are wrong are refused as @fastify/cookie does', () => {
    for (const attributes of [{ maxAge: 1.5 }, { domain: 'a b' }, { path: 'a;b' }, { sameSite: 'no' as never }]) {
      assert.throws(() => attributesEnd('session', attributes, serialize), TypeError)
    }
  })
})

describe('the value of a line', () => {
  it('is a token without the characters that a cookie or a simple parser stumbles over', () => {
    assert.equal(encodeValue(TOKEN), 'Yg+%2FYg%3D%3D%3BQEFC+%2FQ0')
  })

  const base64 = fc.base64String({ minLength: 1 })
  const anyToken = fc.oneof(
    fc.tuple(base64, base64).map(parts => parts.join(';')),
    fc.tuple(base64, base64, base64).map(([first, second, signature]) => `${first};${second}.${signature.replaceAll('=', '')}`)
  )

  it('holds only characters that RFC 6265 allows, for any token, signed or not', () => {
    fc.assert(fc.property(anyToken, token => {
      assert.match(encodeValue(token), /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/)
    }))
  })

  /** A token, or a part of one. */
  const nonce = fc.uint8Array({ minLength: 24, maxLength: 24 }).map(bytes => Buffer.from(bytes).toString('base64'))
  const signature = fc.option(base64.map(text => `.${text.replaceAll('=', '')}`), { nil: '' })
  const anyPart = fc.tuple(fc.base64String({ minLength: 4, maxLength: 6000, size: 'max' }), nonce, signature, fc.nat(), fc.nat()).map(([ciphertext, nonce, signature, from, to]) => {
    const value = `${ciphertext};${nonce}${signature}`
    return value.slice(from % 3 === 0 ? from % value.length : 0, to % 3 === 0 ? to % value.length : undefined)
  })

  it('holds nothing for which clients put it in quotes, be it a token or a part of one', () => {
    fc.assert(fc.property(anyPart, value => {
      // What http.cookies of Python takes for legal.
      assert.match(encodeValue(value), /^[\w!#$%&'*+\-.^`|~:]*$/)
    }), { numRuns: 1000 })
  })

  it('is what encodeURIComponent makes of it, but for the + that it leaves', () => {
    fc.assert(fc.property(anyPart, value => {
      assert.equal(encodeValue(value), encodeURIComponent(value).replaceAll('%2B', '+'))
    }), { numRuns: 1000 })
  })

  it('is taken out of one pair of double quotes before it is decoded', () => {
    const cases = { '"a"': 'a', '""': '', '"': '"', '"a': '"a', 'a"': 'a"', '""a""': '"a"', '"%22a%22"': '"a"', '%22a%22': '"a"', '"a%3Bb"': 'a;b', ' "a"': ' "a"' }
    for (const [text, value] of Object.entries(cases)) assert.equal(readValue(text), value, text)
  })

  it('is read back as the token, by us and by the cookie package', () => {
    fc.assert(fc.property(anyToken, token => {
      assert.equal(decodeValue(encodeValue(token)), token)
      assert.equal(app.parseCookie(`session=${encodeValue(token)}`).session, token)
    }))
  })

  it('is read as a token where the peer has written it', () => {
    fc.assert(fc.property(anyToken, token => { assert.equal(decodeValue(encodeURIComponent(token)), token) }))
  })

  it('is decoded as the cookie package does it, whatever a client sends', () => {
    const piece = fc.oneof(
      fc.constantFrom('%3B', '%3D', '%3b', '%253D', '%', '%25', '%3', '%C3%A9', '%C3', '%E0%A4%A', '=', '+'),
      fc.string({ unit: 'binary', maxLength: 3 }).map(text => text.replace(/[;\s]/g, ''))
    )
    const anyValue = fc.array(piece, { maxLength: 10 }).map(pieces => pieces.join(''))
    fc.assert(fc.property(anyValue, value => {
      assert.equal(decodeValue(value), app.parseCookie(`session=${value}`).session)
    }), { numRuns: 2000 })
  })
})

describe('replaceLines', () => {
  const cases: Array<[title: string, header: unknown, earlier: string[], put: string[], lines: string[]]> = [
    ['puts a line in where there is none', undefined, [], ['session=a'], ['session=a']],
    ['puts a line after those that are there', ['a=1', 'b=2'], [], ['session=a'], ['a=1', 'b=2', 'session=a']],
    ['puts a line after a single one', 'a=1', [], ['session=a'], ['a=1', 'session=a']],
    ['takes out the earlier line, and keeps the order of the others', ['a=1', 'session=a', 'c=3'], ['session=a'], ['session=b'], ['a=1', 'c=3', 'session=b']],
    ['leaves the app\'s own lines for the same name', ['session=; Path=/old', 'session=a'], ['session=a'], ['session=b'], ['session=; Path=/old', 'session=b']],
    ['takes a line out without another', ['a=1', 'session=a'], ['session=a'], [], ['a=1']],
    ['replaces several lines', ['s=a', 'b=2', 's.1=a', 'c=3'], ['s=a', 's.1=a'], ['s=b', 's.1=b', 's.2=b'], ['b=2', 'c=3', 's=b', 's.1=b', 's.2=b']]
  ]
  for (const [title, header, earlier, put, lines] of cases) {
    it(title, () => assert.deepEqual(replaceLines(header, earlier, put), lines))
  }

  it('does not change the header that it is given', () => {
    const header = Object.freeze(['session=a', 'b=2'])
    replaceLines(header, ['session=a'], ['session=b'])
    assert.deepEqual(header, ['session=a', 'b=2'])
  })
})
