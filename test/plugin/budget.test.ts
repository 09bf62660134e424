// The work that one request can cause, counted where it is done: in libsodium, in the HMAC of Node,
// in the app's decode function and in its schema.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import cookiePlugin from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import { createSessionCodec, type SecureSessionPluginOptions } from '../../src/index.ts'
import { sealRaw, seconds } from '../support/configurations.ts'
import { countTries, newKey } from '../support/helpers.ts'
import { cookieWith, get, readyApp, tokenWith } from '../support/app.ts'

const MAX_TRIES = 64
/** The longest token, with room for a signature. */
const MAX_CHARACTERS = 65536 + 1024
const KEYS = 10

const read = { '/': ({ session }: { session: { data: () => unknown } }) => session.data() }
const encode = (value: string): string => encodeURIComponent(value)

/** First parts, each of which makes a value of its own with the same large one. */
function sharing (part: string, mark = '', heads = [...'ABCDEFGHIJKLMNOP']): string {
  return [...heads.map(head => `session=2~${mark}${head}AAA`), `session.1=~${mark}${part}`].join('; ')
}

interface Attacker {
  app: FastifyInstance
  /** A session of the attacker's own that has expired, sealed with the oldest key. */
  expired: string
  /** One that opens. */
  valid: string
  sign: (value: string) => string
}

const large = 'A'.repeat(15_000)
const junk = (bytes: number): string => `${randomBytes(bytes).toString('base64')};${randomBytes(24).toString('base64')}`
const signature = randomBytes(32).toString('base64').replace(/=+$/, '')

const ATTACKS: Record<string, (attacker: Attacker) => string> = {
  'an expired token with 16 tails': ({ expired, sign }) => Array.from({ length: 16 }, (_, n) => `session=${encode(sign(`${expired};${n}`))}`).join('; '),
  'an expired token in parts with several counts': ({ expired, sign }) => [
    ...[2, 3, 4, 5, 6, 7, 8].map(count => `session=${count}~`), `session.1=~${encode(sign(expired))}`,
    ...[2, 3, 4, 5, 6, 7].flatMap(index => ['a', 'b', 'c', 'd'].map(tail => `session.${index}=~%3B${tail}`))
  ].join('; '),
  'a valid token alone and in parts': ({ valid, sign }) => [
    `session=${encode(sign(valid))}`, ...[2, 3, 4, 5, 6, 7, 8].map(count => `session=${count}~`), `session.1=~${encode(sign(valid))}`,
    ...[2, 3, 4, 5, 6, 7].map(index => `session.${index}=~`)
  ].join('; '),
  '16 tokens that are forged': () => Array.from({ length: 16 }, () => `session=${encode(junk(600))}`).join('; '),
  '200 tokens that are forged': () => Array.from({ length: 200 }, () => `session=${encode(junk(60))}`).join('; '),
  '16 values with a wrong signature': () => Array.from({ length: 16 }, (_, n) => `session=${n}${large.slice(0, 800)}.${signature}`).join('; '),
  'one large part of many values': () => sharing(encode(junk(11_001))),
  'one large part of many values, with a tag': () => sharing(encode(junk(11_001)), 'k7Qd~'),
  'one large part of many values, with a wrong signature': () => sharing(`${large}.${signature}`),
  'the same with a tag': () => sharing(`${large}.${signature}`, 'k7Qd~'),
  'a large one that comes alone': () => `session=${encode(junk(11_000))}`
}

const FORMATS: Record<string, object> = {
  secretbox: {},
  sealed: { format: 'sealed', accept: ['sealed', 'secretbox'] },
  'secretbox, signed': { cookie: { signed: true } },
  'sealed, signed': { format: 'sealed', accept: ['sealed', 'secretbox'], cookie: { signed: true } }
}

async function attacker (options: object): Promise<Attacker & { codec: Awaited<ReturnType<typeof createSessionCodec>> }> {
  const keys = Array.from({ length: KEYS }, newKey)
  const app = await readyApp({ session: { key: keys, ...options }, routes: read as never })
  const codec = await createSessionCodec({ key: keys, ...options } as SecureSessionPluginOptions)
  const expired = sealRaw(keys.at(-1)!, `{"n":1,"__ts":${seconds() - 100_000}}`) // there are ten
  const isSigned = 'cookie' in options
  await get(app, '/', 'session=AAAA.AAAA') // makes what checks signatures, which counts as a check
  return { app, codec, expired, valid: tokenWith(app, { n: 1 }), sign: value => isSigned ? app.signCookie(value) : value }
}

for (const [format, options] of Object.entries(FORMATS)) {
  describe(`whatever cookies a request brings: ${format}, ${KEYS} keys`, () => {
    for (const [what, attack] of Object.entries(ATTACKS)) {
      it(`has keys tried 64 times at most, to decrypt and to check signatures: ${what}`, async t => {
        const { codec, ...own } = await attacker(options)
        const cookie = attack(own)
        const tries = countTries(t)
        await get(own.app, '/', cookie)
        assert.ok(tries.decryptions + tries.signatures <= MAX_TRIES, `${tries.decryptions} decryptions, ${tries.signatures} signatures`)
      })

      it(`has each key tried on no more bytes than one token may have, in an app and in a codec: ${what}`, async t => {
        const { codec, app, ...own } = await attacker(options)
        const cookie = attack({ app, ...own })
        const tries = countTries(t)
        await get(app, '/', cookie)
        assert.ok(tries.bytes <= KEYS * MAX_CHARACTERS, `${tries.bytes} bytes`)
        tries.bytes = 0
        codec.openCookies(cookie, value => app.unsignCookie(value))
        assert.ok(tries.bytes <= KEYS * MAX_CHARACTERS, `${tries.bytes} bytes`)
      })
    }

    for (const what of ['an expired token with 16 tails', 'an expired token in parts with several counts', 'a valid token alone and in parts']) {
      it(`costs what it costs once to have it tried: ${what}`, async t => {
        const { app, expired, valid, sign } = await attacker(options)
        const [once, many] = [what.startsWith('a valid') ? valid : expired, ATTACKS[what]!({ app, expired, valid, sign })] // it is there
        const tries = countTries(t)
        await get(app, '/', `session=${encode(sign(once))}`)
        const { decryptions } = tries
        await get(app, '/', many)
        assert.ok(tries.decryptions <= 2 * decryptions, `${tries.decryptions - decryptions} decryptions in place of ${decryptions}`)
      })
    }
  })
}

describe('the schema and the serializer of an app', () => {
  it('run once for a token, however often a request brings it', async () => {
    let schemas = 0
    let parses = 0
    const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => { schemas++; return { value } } } }
    const serializer = { stringify: JSON.stringify, parse: (text: string) => { parses++; return JSON.parse(text) as unknown } }
    for (const format of ['secretbox', 'sealed']) {
      const options = { key: newKey(), format, schema, serializer }
      const app = await readyApp({ session: options, routes: read as never })
      const codec = await createSessionCodec(options as unknown as SecureSessionPluginOptions)
      const cookie = ATTACKS['a valid token alone and in parts']!({ app, expired: '', valid: tokenWith(app, { n: 1 }), sign: value => value }) // it is there
      for (const open of [async () => { await get(app, '/', cookie) }, async () => { codec.openCookies(cookie) }]) {
        schemas = parses = 0
        await open()
        assert.deepEqual([schemas, parses], [1, 1], format)
      }
    }
  })
})

describe('percent-encoded cookies', () => {
  it('are not decoded beyond what one token may have, over all names', async () => {
    let decoded = 0
    const decode = (text: string): string => { decoded += text.length; return decodeURIComponent(text) }
    const app = await readyApp({ before: app => app.register(cookiePlugin, { hook: false, parseOptions: { decode } as object }), routes: read as never })
    const escaped = (n: number): string => `%4${n % 10}`.repeat(20_000)
    const cookie = Array.from({ length: 15 }, (_, n) => `session=${n}${escaped(n)}; session.${n % 8}=~${escaped(n)}`).join('; ')
    await get(app, '/', `session=8~; ${cookie}`)
    assert.ok(decoded <= 3 * 65536, `${decoded} characters`)
    assert.deepEqual((await get(app, '/', `${cookieWith(app, { n: 1 })}; ${cookie}`)).json(), { n: 1 })
  })
})
